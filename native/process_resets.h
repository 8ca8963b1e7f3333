#ifndef PROCESS_RESETS_H
#define PROCESS_RESETS_H

/* What a caller's process hands on besides its environment and descriptors, each made harmless. Every failure dies. */

/* Signals and timers as a new login has them. */
void reset_signals_and_timers(void);

/* From then on no signal that the caller or a terminal sends ends the run. */
void ignore_what_kills(void);

/* umask, working directory, personality, dumps, and the prctl settings that an exec keeps. */
void reset_process_state(void);

/* Needs the caller's hard limits to be enough for a whole run; sets our own limit on processor time. */
void raise_limits(void);

/* Processors, scheduling class, priorities and memory policy. Only after the takeover: before it the caller may change them. */
void reset_scheduling(void);

#endif

#define _GNU_SOURCE
#include "process_resets.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "refuse.h"

#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#endif

enum { most_niceness = 5 };

/* Ignoring a signal discards what is pending of it, so that nothing strikes when the mask is emptied. */
void reset_signals_and_timers(void) {
	static const int timers[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
	static const struct itimerval never;
	sigset_t none;
	for (size_t i = 0; i < sizeof timers / sizeof *timers; i++)
		if (setitimer(timers[i], &never, NULL) != 0)
			die("timers cannot be stopped: %m");
	for (int number = 1; number < NSIG; number++)
		if (signal(number, SIG_IGN) != SIG_ERR && signal(number, SIG_DFL) == SIG_ERR)
			die("signal %d cannot be reset: %m", number);
	if (sigemptyset(&none) != 0 || sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		die("signals cannot be unblocked: %m");
}

/*
 * What a terminal sends, and what kills. Until the takeover a caller can still stop or kill; after it nobody can, so that
 * SIGPWR, with which Bun's garbage collector halts threads, may stay. Faults stay fatal and children are reported.
 */
void ignore_what_kills(void) {
	static const int left[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGCONT, SIGPWR,  SIGSEGV,
	                           SIGBUS,  SIGILL,  SIGFPE,  SIGABRT, SIGTRAP, SIGSYS};
	for (int number = 1; number < NSIG; number++) {
		bool leave = number >= SIGRTMIN - 2 && number < SIGRTMIN; /* the C library's own */
		for (size_t i = 0; i < sizeof left / sizeof *left; i++)
			leave |= number == left[i];
		if (!leave && signal(number, SIG_IGN) == SIG_ERR)
			die("signal %d cannot be ignored: %m", number);
	}
}

void reset_process_state(void) {
	umask(077);
	if (chdir("/") != 0)
		die("/: %m");
	if (personality(PER_LINUX) == -1 || personality(0xffffffff) != PER_LINUX)
		die("personality cannot be reset");
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		die("dumps cannot be forbidden: %m");
	if (prctl(PR_SET_PDEATHSIG, 0) != 0)
		die("the parent's death signal cannot be cleared: %m");
	if (prctl(PR_SET_TIMERSLACK, 50000UL) != 0)
		die("timer slack cannot be reset: %m");
	if (prctl(PR_GET_MDWE, 0, 0, 0, 0) > 0)
		die("runs under a memory restriction that cannot be lifted, call it from a fresh login");
}

/*
 * A run that gets no processor or disk while it holds a lock makes everybody wait, and cannot even die when it is killed. Done
 * after the takeover: until then the caller may change it again. Niceness cannot be undone by an ordinary account; up to 5 a run
 * still has a third of the ordinary share.
 */
void reset_scheduling(void) {
	static const struct sched_param normal = {.sched_priority = 0};
	unsigned char every_processor[1024];
	if (sched_setscheduler(0, SCHED_OTHER, &normal) != 0)
		die("scheduling class cannot be reset: %m");
	memset(every_processor, 0xff, sizeof every_processor);
	if (sched_setaffinity(0, sizeof every_processor, (const cpu_set_t *)every_processor) != 0)
		die("processors cannot be reset: %m");
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0) != 0 && errno != ENOSYS)
		die("disk priority cannot be reset: %m");
	if (syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0) != 0 && errno != ENOSYS && errno != EPERM) /* containers */
		die("memory policy cannot be reset: %m");
	errno = 0;
	int niceness = getpriority(PRIO_PROCESS, 0);
	if (errno != 0)
		die("niceness: %m");
	if (niceness > most_niceness && setpriority(PRIO_PROCESS, 0, 0) != 0)
		die("runs at niceness %d, at most %d wanted: call it without nice", niceness, most_niceness);
}

/* Hard limits can only be raised by root; what is left of them must be enough for a whole run. */
void raise_limits(void) {
	static const rlim_t mib = 1024 * 1024;
	const struct {
		int resource;
		const char *name;
		rlim_t least, wanted;
	} limits[] = {
	    {RLIMIT_NOFILE, "open files", 256, 4096},
	    {RLIMIT_AS, "virtual memory", 8192 * mib, RLIM_INFINITY},
	    {RLIMIT_DATA, "data segment", 4096 * mib, RLIM_INFINITY},
	    {RLIMIT_STACK, "stack", 1 * mib, 8 * mib},
	    {RLIMIT_FSIZE, "file size", 2048 * mib, RLIM_INFINITY},
	    {RLIMIT_CPU, "processor seconds", 60, RLIM_INFINITY},
	    {RLIMIT_NPROC, "processes", 512, RLIM_INFINITY},
	};
	static const struct rlimit no_core = {0, 0};
	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		die("core dumps cannot be forbidden: %m");
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct rlimit limit;
		if (getrlimit(limits[i].resource, &limit) != 0)
			die("limit on %s: %m", limits[i].name);
		rlim_t least = limits[i].least;
		if (limits[i].resource == RLIMIT_CPU)
			least += (rlim_t)(clock() / CLOCKS_PER_SEC); /* what this process used before it called us counts, too */
		if (limit.rlim_max < least)
			die("hard limit on %s is %llu, at least %llu wanted: log in anew; if it stays, staff raise it in "
			    "/etc/security/limits.conf",
			    limits[i].name, (unsigned long long)limit.rlim_max, (unsigned long long)least);
		limit.rlim_cur = limits[i].wanted < limit.rlim_max ? limits[i].wanted : limit.rlim_max;
		if (setrlimit(limits[i].resource, &limit) != 0)
			die("limit on %s cannot be raised: %m", limits[i].name);
	}
}

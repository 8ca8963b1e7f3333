#ifndef SLOTS_H
#define SLOTS_H

#include <sys/types.h>

/*
 * Waits for one of the caller's few slots, files in `directory`, and returns the locked descriptor that holds it, or dies after a while. Threads
 * count against the account once it is taken over: without a bound, one caller's runs would starve everybody's.
 */
int take_slot(const char *directory, uid_t caller, uid_t account);

#endif

#ifndef REFUSE_H
#define REFUSE_H

#include <sys/types.h>

enum { refused = 126 };

/* Under which name, and about which caller, refusals are reported. Before it is called, die() must not be. */
void name_refusals(const char *command, uid_t caller);

/* Every failure ends here: one line for the caller, one for the administrator, exit 126. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

#endif

#ifndef HOME_WRITER_H
#define HOME_WRITER_H

#include <sys/types.h>

/*
 * Answers the launcher's requests about files in `home` until it closes its end of `launcher`, or sends what is no request.
 * Runs with the rights of the caller and nothing more; `owner` is the caller's uid.
 */
void serve_home(int launcher, const char *home, uid_t owner);

#endif

#ifndef TRUSTED_PATH_H
#define TRUSTED_PATH_H

#include <sys/types.h>

/*
 * Opens (O_PATH) a file that nobody but root and the account can have put there: each directory above it is theirs and not
 * writable by others, no link on the way. Dies otherwise. A root-owned sticky directory (/tmp) is let pass, but not as the
 * last one, where anyone could put a hard link.
 */
int open_trusted(const char *path, uid_t account);

#endif

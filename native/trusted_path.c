#define _GNU_SOURCE
#include "trusted_path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "refuse.h"

int open_trusted(const char *path, uid_t account) {
	char component[NAME_MAX + 1];
	struct stat found;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (const char *rest = path; fd >= 0; ) {
		size_t length = strcspn(++rest, "/");
		bool last = rest[length] == '\0';
		if (length < 1 || length > NAME_MAX || fstat(fd, &found) != 0)
			die("%s: is no plain path", path);
		bool sticky = !last && found.st_uid == 0 && (found.st_mode & S_ISVTX) != 0;
		if ((found.st_uid != 0 && found.st_uid != account) || ((found.st_mode & 022) != 0 && !sticky))
			die("%.*s: can be changed by others than root and uid %lu", (int)(rest - path), path,
			    (unsigned long)account);
		memcpy(component, rest, length);
		component[length] = '\0';
		int next = openat(fd, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
		rest += length;
		if (last)
			break;
	}
	if (fd < 0 || fstat(fd, &found) != 0)
		die("%s: %m", path);
	if (!S_ISREG(found.st_mode) || (found.st_uid != 0 && found.st_uid != account) || (found.st_mode & 022) != 0)
		die("%s: is no file that only root and uid %lu can change", path, (unsigned long)account);
	return fd;
}

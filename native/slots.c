#include "slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "refuse.h"

enum { slots_per_caller = 4, slot_wait_ms = 20 * 1000, slot_retry_ms = 50 };

/* Made at the first run where nobody installed it. In anybody else's directory, or an open one, slots could be taken away. */
static int open_private(const char *path, uid_t account) {
	struct stat found;
	mkdir(path, 0700);
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory >= 0 && fstat(directory, &found) == 0 && found.st_uid == account && (found.st_mode & 077) == 0)
		return directory;
	if (directory >= 0)
		close(directory);
	return -1;
}

/* Returns the locked descriptor, or -1 when somebody holds it. */
static int try_slot(int directory, uid_t caller, int number) {
	char name[32];
	snprintf(name, sizeof name, "%lu.%d", (unsigned long)caller, number);
	int slot = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (slot < 0)
		die("slot %s: %m", name);
	if (flock(slot, LOCK_EX | LOCK_NB) == 0)
		return slot;
	if (errno != EWOULDBLOCK)
		die("slot %s: %m", name);
	close(slot);
	return -1;
}

int take_slot(const char *place, uid_t caller, uid_t account) {
	static const struct timespec pause = {.tv_nsec = slot_retry_ms * 1000000L};
	int directory = open_private(place, account);
	if (directory < 0)
		directory = open_private(SPARE_SLOT_DIRECTORY, account);
	if (directory < 0)
		die("%s: is no directory of mode 0700 that belongs to uid %lu", place, (unsigned long)account);
	for (int waited = 0; waited <= slot_wait_ms; waited += slot_retry_ms) {
		for (int number = 0; number < slots_per_caller; number++) {
			int slot = try_slot(directory, caller, number);
			if (slot >= 0) {
				close(directory);
				return slot;
			}
		}
		nanosleep(&pause, NULL);
	}
	die("%d runs of yours are still at work, try again when one has ended", slots_per_caller);
}

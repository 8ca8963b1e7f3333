#include "slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Field 22 of /proc/self/stat: in ticks since the machine's start. Empty where it cannot be read. */
static void read_start(char *start, size_t size) {
	char text[1024];
	start[0] = '\0';
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (length < 1)
		return;
	text[length] = '\0';
	char *field = strrchr(text, ')'); /* the name before it may hold anything */
	for (int i = 2; field != NULL && i < 22; i++)
		field = strchr(field + 1, ' ');
	if (field != NULL)
		snprintf(start, size, "%llu\n", strtoull(field, NULL, 10));
}

/*
 * Whoever has to end a run makes sure by this that the process is the one that took the slot. The kernel's own record of locks
 * counts first, so that a disk that is full keeps nobody from working.
 */
static void record_start(int slot) {
	char start[32];
	read_start(start, sizeof start);
	if (ftruncate(slot, 0) != 0 || pwrite(slot, start, strlen(start), 0) != (ssize_t)strlen(start))
		(void)!ftruncate(slot, 0);
}

/* Returns the locked descriptor, or -1 when somebody holds it. */
static int try_slot(int directory, uid_t caller, int number) {
	char name[32];
	snprintf(name, sizeof name, "%lu.%d", (unsigned long)caller, number);
	int slot = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (slot < 0)
		die("slot %s: %m", name);
	if (flock(slot, LOCK_EX | LOCK_NB) == 0) {
		record_start(slot);
		return slot;
	}
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

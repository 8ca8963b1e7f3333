/*
 * libFuzzer target: everything that the writer reads from its socket, and the answers it gives, over a file system that is
 * not there. Whatever the bytes, no name with a slash in it, no dots and no link may ever be asked for, and descriptors are closed.
 *
 * Input: 8 bytes that say which calls fail, then what the launcher sends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { socket_fd = 1000, first_fd = 2000, home_owner = 5001 };

static const uint8_t *input, *input_end, *faults;
static size_t calls;
static int open_fds;

static void require(bool holds) {
	if (!holds)
		abort();
}

static bool fails(void) { return (faults[(calls >> 3) & 7] >> (calls & 7) & 1) != 0 && calls++ < 4096; }

static void require_plain(const char *name) {
	size_t length = strlen(name);
	require(length >= 1 && length < 128 && strchr(name, '/') == NULL);
	require(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

static int fake_openat(int directory, const char *path, int flags, ...) {
	require((flags & O_CLOEXEC) != 0);
	if (directory == AT_FDCWD)
		require(strcmp(path, "/home/x") == 0 && (flags & O_DIRECTORY) != 0);
	else {
		require_plain(path);
		require((flags & O_NOFOLLOW) != 0);
		require((flags & O_CREAT) == 0 || (flags & O_EXCL) != 0);
		require((flags & O_CREAT) != 0 || (flags & O_ACCMODE) == O_RDONLY);
	}
	if (fails()) {
		errno = (calls & 1) != 0 ? EEXIST : EACCES;
		return -1;
	}
	return first_fd + open_fds++;
}

static int fake_close(int fd) {
	require(fd == first_fd + --open_fds); /* the last one opened */
	return fails() ? -1 : 0;
}

static ssize_t fake_read(int fd, void *to, size_t bytes) {
	if (fd != socket_fd) { /* a file in the home, which may grow while it is read */
		if (fails())
			return 0;
		((uint8_t *)to)[0] = ((uint8_t *)to)[bytes - 1] = 'x'; /* a write past the end shows */
		return (ssize_t)bytes;
	}
	size_t left = (size_t)(input_end - input), give = bytes < left ? bytes : left;
	if (give > 1 && fails())
		give = 1;
	memcpy(to, input, give);
	input += give;
	return (ssize_t)give;
}

static ssize_t fake_write(int fd, const void *from, size_t bytes) {
	volatile uint8_t sum = bytes > 0 ? ((const uint8_t *)from)[0] ^ ((const uint8_t *)from)[bytes - 1] : 0;
	(void)sum; /* a read past the end shows */
	require(fd == socket_fd || fd == first_fd + open_fds - 1);
	if (bytes > 0 && fails()) {
		errno = EPIPE;
		return -1;
	}
	return (ssize_t)bytes;
}

static int fake_fstat(int fd, struct stat *found) {
	require(fd == first_fd + open_fds - 1);
	memset(found, 0, sizeof *found);
	found->st_mode = S_IFREG;
	found->st_uid = fails() ? 0 : home_owner;
	return 0;
}

static int fake_name(const char *name) {
	require_plain(name);
	errno = EIO;
	return fails() ? -1 : 0;
}

#define openat fake_openat
#define close fake_close
#define read fake_read
#define write fake_write
#define fstat fake_fstat
#define mkdirat(directory, name, mode) fake_name(name)
#define unlinkat(directory, name, flags) fake_name(name)
#define linkat(from, name, to, other, flags) (fake_name(name) | fake_name(other))
#define renameat(from, name, to, other) (fake_name(name) | fake_name(other))
#define fsync(fd) (fails() ? -1 : 0)
#define fchmod(fd, mode) (fails() ? -1 : 0)

#include "../home_writer.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size < 8)
		return 0;
	faults = data;
	input = data + 8;
	input_end = data + size;
	calls = 0;
	open_fds = 0;
	serve_home(socket_fd, "/home/x", home_owner);
	require(open_fds == 0);
	return 0;
}

/*
 * The writer: reads and writes files in a home, with the rights of the home's owner, at the request of the launcher. It
 * trusts neither: what the launcher sends is bounded and checked, and what lies in the home may be a link or a pipe.
 *
 * A request is 8 bytes, then as many bytes as these say:
 *     operation 'P' probe, 'R' read, 'W' write, 'K' write and keep what is there as NAME.old, 'M' move it to NAME.old
 *     length of the subdirectory (0: none), length of the name, 0
 *     length of the content, 4 bytes, the highest first (0 unless it is a write)
 *     subdirectory, name, content
 * An answer is 8 bytes, then the content where there is one:
 *     where it failed: 'H' home, 'D' subdirectory, 'F' file, 0 nowhere; 0; errno, 2 bytes
 *     length of the content, 4 bytes (0 unless it was read)
 */
#include "home_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"

enum { header_bytes = 8, most_content = 4 * 1024 * 1024, most_stale_files = 100 };

struct request {
	char operation;
	size_t directory_length;
	char directory[longest_name + 1]; /* empty: the home itself */
	size_t name_length;
	char name[longest_name + 1];
	size_t content_length;
};

/* Only the pages that a request fills are ever touched. */
static unsigned char content[most_content];

/* The part of a request that its first 8 bytes tell. */
static bool header_is_plain(const unsigned char bytes[header_bytes], struct request *request) {
	request->operation = (char)bytes[0];
	request->directory_length = bytes[1];
	request->name_length = bytes[2];
	request->content_length = (size_t)bytes[4] << 24 | (size_t)bytes[5] << 16 | (size_t)bytes[6] << 8 | bytes[7];
	bool writes = request->operation == 'W' || request->operation == 'K';
	bool plain = request->operation == 'R' || request->operation == 'P' || request->operation == 'M';
	return (writes || plain) && bytes[3] == 0 &&
	       request->directory_length <= longest_name && request->name_length >= 1 &&
	       request->name_length <= longest_name && request->content_length <= (writes ? most_content : 0);
}

static bool read_all(int fd, void *to, size_t bytes) {
	for (size_t done = 0; done < bytes;) {
		ssize_t got = read(fd, (char *)to + done, bytes - done);
		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		done += got > 0 ? (size_t)got : 0;
	}
	return true;
}

static bool write_all(int fd, const void *from, size_t bytes) {
	for (size_t done = 0; done < bytes;) {
		ssize_t put = write(fd, (const char *)from + done, bytes - done);
		if (put == 0 || (put < 0 && errno != EINTR))
			return false;
		done += put > 0 ? (size_t)put : 0;
	}
	return true;
}

/* False at the end, and at the first byte that is not as it should be: there is no way to find the next request then. */
static bool receive(int launcher, struct request *request) {
	unsigned char header[header_bytes];
	if (!read_all(launcher, header, sizeof header) || !header_is_plain(header, request))
		return false;
	if (!read_all(launcher, request->directory, request->directory_length) ||
	    !read_all(launcher, request->name, request->name_length) ||
	    !read_all(launcher, content, request->content_length))
		return false;
	request->directory[request->directory_length] = '\0';
	request->name[request->name_length] = '\0';
	return (request->directory_length == 0 || name_is_plain(request->directory, request->directory_length)) &&
	       name_is_plain(request->name, request->name_length);
}

/* A failed answer is no answer: the launcher will see the end of the socket. */
static bool answer(int launcher, char where, int error, size_t length) {
	unsigned char header[header_bytes] = {
	    (unsigned char)where,         0,
	    (unsigned char)(error >> 8),  (unsigned char)error,
	    (unsigned char)(length >> 24), (unsigned char)(length >> 16),
	    (unsigned char)(length >> 8), (unsigned char)length,
	};
	return write_all(launcher, header, sizeof header) && write_all(launcher, content, length);
}

/* Opens what must be a directory of the owner's own, or sets errno. */
static int open_owned(int parent, const char *path, int flags, uid_t owner) {
	struct stat found;
	int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	if (fd < 0)
		return -1;
	if (fstat(fd, &found) != 0 || found.st_uid != owner) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

static int open_subdirectory(int home, const struct request *request, uid_t owner) {
	if (request->operation != 'R' && request->operation != 'M' && mkdirat(home, request->directory, 0700) != 0 && errno != EEXIST)
		return -1;
	return open_owned(home, request->directory, O_NOFOLLOW, owner);
}

/* A new file under a name that nothing has; O_EXCL follows no link that waits there. */
static int create_temporary(int directory, char *name, size_t size) {
	int fd = -1;
	for (int i = 0; i < most_stale_files; i++) {
		snprintf(name, size, ".ec2-wrappers.%ld.%d.tmp", (long)getpid(), i);
		fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd;
}

/* close() is where a file server says that the quota is used up. */
static bool fill(int fd, size_t length) {
	bool filled = write_all(fd, content, length) && fchmod(fd, 0600) == 0 && fsync(fd) == 0;
	int error = errno;
	bool closed = close(fd) == 0;
	if (!filled)
		errno = error;
	return filled && closed;
}

/* A second name for what is there, so that at no time the first is missing; nothing there is nothing to keep. */
static bool keep_old(int directory, const char *name) {
	char old[longest_name + sizeof ".old"];
	snprintf(old, sizeof old, "%s.old", name);
	if (unlinkat(directory, old, 0) != 0 && errno != ENOENT)
		return false;
	if (linkat(directory, name, directory, old, 0) == 0 || errno == ENOENT)
		return true;
	return renameat(directory, name, directory, old) == 0; /* a directory, or a file system without links */
}

static int write_file(int directory, const struct request *request) {
	char temporary[64];
	int fd = create_temporary(directory, temporary, sizeof temporary);
	if (fd < 0)
		return errno;
	bool done = fill(fd, request->content_length);
	if (done && request->operation == 'K')
		done = keep_old(directory, request->name);
	if (done)
		done = renameat(directory, temporary, directory, request->name) == 0;
	int error = done ? 0 : errno;
	if (!done)
		unlinkat(directory, temporary, 0);
	else if (fsync(directory) != 0 && errno != EINVAL) /* EINVAL: some file servers cannot */
		error = errno;
	return error;
}

/* Can a file be made here, and does it hold what is written to it? */
static int probe(int directory) {
	static const char page[4096] = {0};
	char temporary[64];
	int fd = create_temporary(directory, temporary, sizeof temporary);
	if (fd < 0)
		return errno;
	bool written = write_all(fd, page, sizeof page) && fsync(fd) == 0;
	int error = written ? 0 : errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	unlinkat(directory, temporary, 0);
	return error;
}

/* O_NONBLOCK: opening a pipe that nobody writes to would wait for ever. */
static int read_file(int directory, const struct request *request, size_t *length) {
	struct stat found;
	int fd = openat(directory, request->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int error = 0;
	*length = 0;
	if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode))
		error = EINVAL;
	while (error == 0) {
		unsigned char beyond;
		bool full = *length == most_content;
		ssize_t got = full ? read(fd, &beyond, 1) : read(fd, content + *length, most_content - *length);
		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			error = errno;
		else if (got > 0 && full)
			error = EFBIG;
		else if (got > 0)
			*length += (size_t)got;
	}
	close(fd);
	return error;
}

/* What is moved is the name itself, never what a link leads to; nothing there is nothing to move. */
static int move_file(int directory, const struct request *request) {
	char old[longest_name + sizeof ".old"];
	snprintf(old, sizeof old, "%s.old", request->name);
	if (renameat(directory, request->name, directory, old) != 0)
		return errno == ENOENT ? 0 : errno;
	return fsync(directory) != 0 && errno != EINVAL ? errno : 0;
}

static bool perform(int launcher, const struct request *request, const char *home_path, uid_t owner) {
	size_t length = 0;
	int home = open_owned(AT_FDCWD, home_path, 0, owner);
	if (home < 0)
		return answer(launcher, 'H', errno, 0);
	int directory = request->directory_length > 0 ? open_subdirectory(home, request, owner) : home;
	int error = directory < 0 ? errno : 0;
	if (directory >= 0 && request->operation == 'P')
		error = probe(directory);
	else if (directory >= 0 && request->operation == 'R')
		error = read_file(directory, request, &length);
	else if (directory >= 0 && request->operation == 'M')
		error = move_file(directory, request);
	else if (directory >= 0)
		error = write_file(directory, request);
	char where = error == 0 ? '\0' : directory < 0 ? 'D' : 'F';
	if (directory >= 0 && directory != home)
		close(directory);
	close(home);
	return answer(launcher, where, error, error == 0 ? length : 0);
}

void serve_home(int launcher, const char *home, uid_t owner) {
	struct request request;
	while (receive(launcher, &request) && perform(launcher, &request, home, owner))
		;
}

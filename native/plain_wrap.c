/*
 * Starts TOOL in the libexec directory beside this one's bin, with the caller's own rights and environment. A program and
 * no link: it works from wherever the two directories are, and may itself be linked to.
 */
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { cannot_start = 126 };

int main(int argc, char **argv) {
	char own_path[PATH_MAX], target[PATH_MAX + sizeof "/libexec/" TOOL];
	ssize_t length = readlink("/proc/self/exe", own_path, sizeof own_path - 1);
	if (argc < 1 || length < 1)
		errx(cannot_start, "cannot tell where it is installed");
	own_path[length] = '\0';
	for (int up = 0; up < 2; up++) { /* PREFIX/bin/NAME */
		char *slash = strrchr(own_path, '/');
		if (slash == NULL)
			errx(cannot_start, "is not installed in a directory bin");
		*slash = '\0';
	}
	snprintf(target, sizeof target, "%s/libexec/%s", own_path, TOOL);

	execv(target, argv);
	err(cannot_start, "%s", target);
}

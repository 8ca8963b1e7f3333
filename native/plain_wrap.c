/*
 * COMMAND, which starts TOOL in the libexec directory beside this one's bin, with the caller's own rights and environment. A
 * program and no link: it works from wherever the two directories are, and may itself be linked to.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { cannot_start = 126 };

/* Not err(3), which prints argv[0]: the caller chooses that. */
__attribute__((noreturn)) static void die(const char *subject, const char *reason) {
	fprintf(stderr, "%s: %s: %s\n", COMMAND, subject, reason);
	exit(cannot_start);
}

int main(int argc, char **argv) {
	char own_path[PATH_MAX], target[PATH_MAX + sizeof "/libexec/" TOOL];
	ssize_t length = readlink("/proc/self/exe", own_path, sizeof own_path - 1);
	if (argc < 1 || length < 1)
		die("start", "cannot tell where it is installed");
	own_path[length] = '\0';
	for (int up = 0; up < 2; up++) { /* PREFIX/bin/NAME */
		char *slash = strrchr(own_path, '/');
		if (slash == NULL)
			die("start", "is not installed in a directory bin");
		*slash = '\0';
	}
	snprintf(target, sizeof target, "%s/libexec/%s", own_path, TOOL);

	if (setenv("EC2_WRAPPERS_COMMAND", COMMAND, 1) != 0) /* errors and usage start with it */
		die("environment", strerror(errno));
	execv(target, argv);
	die(target, strerror(errno));
}

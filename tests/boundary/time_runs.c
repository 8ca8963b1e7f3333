/* Starts two programs in turn, so that both see the same machine, and prints the median of each in nanoseconds. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int in_order(const void *a, const void *b) {
	long x = *(const long *)a, y = *(const long *)b;
	return (x > y) - (x < y);
}

static long run(char *program) {
	char *arguments[] = {program, NULL};
	struct timespec before, after;
	pid_t pid;
	int status;
	clock_gettime(CLOCK_MONOTONIC, &before);
	if (posix_spawn(&pid, program, NULL, NULL, arguments, environ) != 0 || waitpid(pid, &status, 0) != pid || status != 0)
		exit(EXIT_FAILURE);
	clock_gettime(CLOCK_MONOTONIC, &after);
	return (after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec;
}

int main(int argc, char **argv) {
	static long times[2][10000];
	int runs = argc == 4 ? atoi(argv[3]) : 0;
	if (runs < 1 || runs > 10000)
		return EXIT_FAILURE;
	for (int i = 0; i < runs; i++)
		for (int program = 0; program < 2; program++)
			times[program][i] = run(argv[1 + program]);
	for (int program = 0; program < 2; program++) {
		qsort(times[program], (size_t)runs, sizeof(long), in_order);
		printf("%ld\n", times[program][runs / 2]);
	}
	return EXIT_SUCCESS;
}

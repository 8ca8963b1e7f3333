/* Stands in for a tool behind the wrapper and says in what state it was started; `hold` waits for a byte on stdin. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;

static void show_status(const char *field) {
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");
	while (status != NULL && fgets(line, sizeof line, status) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			printf("%s", line);
	if (status != NULL)
		fclose(status);
}

int main(int argc, char **argv) {
	if (argc > 1 && strcmp(argv[1], "hold") == 0) {
		char byte;
		printf("holding %ld\n", (long)getpid());
		fflush(stdout);
		ssize_t got = read(STDIN_FILENO, &byte, 1);
		printf("released %zd\n", got);
		return 0;
	}
	uid_t uid[3];
	gid_t gid[3];
	char directory[4096];
	int death = -1;
	struct itimerval timers[3];
	getresuid(&uid[0], &uid[1], &uid[2]);
	getresgid(&gid[0], &gid[1], &gid[2]);
	prctl(PR_GET_PDEATHSIG, &death);
	mode_t mask = umask(0);
	for (int i = 0; i < 3; i++)
		getitimer(i, &timers[i]);
	printf("uid: %u %u %u\ngid: %u %u %u\n", uid[0], uid[1], uid[2], gid[0], gid[1], gid[2]);
	printf("directory: %s\n", getcwd(directory, sizeof directory));
	printf("umask: %03o\n", (unsigned)mask);
	printf("dumpable: %d\nno_new_privs: %d\n", prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("personality: %x\n", (unsigned)personality(0xffffffff));
	printf("pdeathsig: %d\npolicy: %d\nslack: %d\n", death, sched_getscheduler(0), prctl(PR_GET_TIMERSLACK));
	printf("timers: %ld %ld %ld\n", timers[0].it_value.tv_usec, timers[1].it_value.tv_usec,
	       timers[2].it_value.tv_usec);
	struct rlimit core, files;
	getrlimit(RLIMIT_CORE, &core);
	getrlimit(RLIMIT_NOFILE, &files);
	printf("core: %lu %lu\nnofile: %lu\n", (unsigned long)core.rlim_cur, (unsigned long)core.rlim_max,
	       (unsigned long)files.rlim_cur);
	printf("nice: %d\ndisk: %ld\n", getpriority(PRIO_PROCESS, 0), syscall(SYS_ioprio_get, 1, 0));
	show_status("Cpus_allowed_list");
	show_status("SigBlk");
	show_status("SigIgn");
	show_status("SigPnd");
	show_status("ShdPnd");
	printf("descriptors:");
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			printf(" %d", fd);
	printf("\n");
	for (int i = 0; i < argc; i++)
		printf("argument: %.64s\n", argv[i]);
	for (char **entry = environ; *entry != NULL; entry++)
		printf("environment: %s\n", *entry);
	return 0;
}

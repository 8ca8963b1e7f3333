/*
 * Does to itself what each argument says, in order, then runs the program after `--`: a hostile shell, one step at a time.
 * setpriv(1) keeps its capabilities until its own exec, so it cannot set the limits and states of an ordinary user.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

static bool is(const char *argument, const char *name, const char **value) {
	size_t length = strlen(name);
	if (strncmp(argument, name, length) != 0)
		return false;
	*value = argument[length] == '=' ? argument + length + 1 : "";
	return argument[length] == '=' || argument[length] == '\0';
}

static int resource_named(const char *name, size_t length) {
	static const struct {
		const char *name;
		int resource;
	} known[] = {{"nofile", RLIMIT_NOFILE}, {"as", RLIMIT_AS},           {"data", RLIMIT_DATA},
	             {"stack", RLIMIT_STACK},   {"fsize", RLIMIT_FSIZE},     {"cpu", RLIMIT_CPU},
	             {"nproc", RLIMIT_NPROC},   {"core", RLIMIT_CORE},       {"memlock", RLIMIT_MEMLOCK},
	             {"rss", RLIMIT_RSS},       {"locks", RLIMIT_LOCKS},     {"sigpending", RLIMIT_SIGPENDING},
	             {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},   {"rtprio", RLIMIT_RTPRIO},
	             {"rttime", RLIMIT_RTTIME}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i].name) == length && strncmp(known[i].name, name, length) == 0)
			return known[i].resource;
	errx(1, "no limit %s", name);
}

static rlim_t amount(const char *text) {
	return strncmp(text, "inf", 3) == 0 ? RLIM_INFINITY : strtoull(text, NULL, 10);
}

static void set_limit(const char *value) { /* name:soft:hard */
	const char *soft = strchr(value, ':'), *hard = strrchr(value, ':');
	int resource = resource_named(value, (size_t)(soft - value));
	struct rlimit limit = {.rlim_cur = amount(soft + 1), .rlim_max = amount(hard + 1)};
	if (setrlimit(resource, &limit) != 0)
		err(1, "limit %s", value);
}

static void for_signals(const char *value, void (*work)(int)) {
	for (int number = 1; number < NSIG; number++)
		if (strcmp(value, "all") == 0 ? number != SIGKILL && number != SIGSTOP : number == atoi(value))
			work(number);
}

static void ignore(int number) { signal(number, SIG_IGN); }

static void block(int number) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void pend(int number) {
	block(number);
	raise(number);
}

static int linger(void *unused) {
	(void)unused;
	sleep(2);
	_exit(0);
}

static void act(const char *argument) {
	static char stack[65536];
	const char *value;
	if (is(argument, "gid", &value)) {
		gid_t gid = (gid_t)atoi(value);
		if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0)
			err(1, "%s", argument);
	} else if (is(argument, "uid", &value)) {
		uid_t uid = (uid_t)atoi(value);
		if (setresuid(uid, uid, uid) != 0)
			err(1, "%s", argument);
	} else if (is(argument, "limit", &value))
		set_limit(value);
	else if (is(argument, "ignore", &value))
		for_signals(value, ignore);
	else if (is(argument, "block", &value))
		for_signals(value, block);
	else if (is(argument, "pend", &value))
		for_signals(value, pend);
	else if (is(argument, "close", &value))
		close(atoi(value));
	else if (is(argument, "open", &value))
		for (int i = atoi(value); i > 0; i--)
			open("/etc/passwd", O_RDONLY);
	else if (is(argument, "timer", &value)) {
		struct itimerval timer = {.it_value.tv_usec = atoi(value) * 1000L, .it_interval.tv_usec = 1000};
		setitimer(ITIMER_REAL, &timer, NULL);
		setitimer(ITIMER_PROF, &timer, NULL);
		setitimer(ITIMER_VIRTUAL, &timer, NULL);
	} else if (is(argument, "umask", &value))
		umask((mode_t)strtoul(value, NULL, 8));
	else if (is(argument, "personality", &value))
		personality(strtoul(value, NULL, 16));
	else if (is(argument, "chdir", &value)) {
		if (chdir(value) != 0)
			err(1, "%s", argument);
	} else if (is(argument, "env", &value))
		putenv((char *)value);
	else if (is(argument, "burn", &value))
		while (clock() < atoi(value) * CLOCKS_PER_SEC)
			;
	else if (is(argument, "nnp", &value))
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	else if (is(argument, "pdeathsig", &value))
		prctl(PR_SET_PDEATHSIG, atoi(value));
	else if (is(argument, "slack", &value))
		prctl(PR_SET_TIMERSLACK, strtoul(value, NULL, 10));
	else if (is(argument, "mdwe", &value))
		prctl(PR_SET_MDWE, 1, 0, 0, 0);
	else if (is(argument, "tsc", &value)) {
#ifdef PR_SET_TSC
		prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
#endif
	} else if (is(argument, "idle", &value)) {
		struct sched_param parameters = {0};
		sched_setscheduler(0, SCHED_IDLE, &parameters);
	} else if (is(argument, "nice", &value))
		setpriority(PRIO_PROCESS, 0, atoi(value));
	else if (is(argument, "pin", &value)) {
		cpu_set_t one;
		CPU_ZERO(&one);
		CPU_SET(atoi(value), &one);
		if (sched_setaffinity(0, sizeof one, &one) != 0)
			err(1, "%s", argument);
	} else if (is(argument, "idledisk", &value)) {
		if (syscall(SYS_ioprio_set, 1, 0, 3 << 13) != 0)
			err(1, "%s", argument);
	} else if (is(argument, "userns", &value)) {
		if (unshare(CLONE_NEWUSER) != 0)
			err(1, "userns");
	} else if (is(argument, "sharefs", &value))
		clone(linger, stack + sizeof stack, CLONE_FS | SIGCHLD, NULL);
	else if (is(argument, "traced", &value)) {
		pid_t child = fork();
		if (child == 0) {
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
			return;
		}
		int status;
		while (waitpid(child, &status, 0) == child && WIFSTOPPED(status))
			ptrace(PTRACE_CONT, child, NULL, 0);
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	} else
		errx(1, "does not know %s", argument);
}

int main(int argc, char **argv) {
	int i = 1;
	for (; i < argc && strcmp(argv[i], "--") != 0 && strcmp(argv[i], "--argc0") != 0; i++)
		act(argv[i]);
	if (i + 1 >= argc)
		errx(1, "wants -- PROGRAM");
	char *none[] = {NULL};
	execv(argv[i + 1], strcmp(argv[i], "--argc0") == 0 ? none : argv + i + 1);
	err(1, "%s", argv[i + 1]);
}

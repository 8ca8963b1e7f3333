/*
 * The only setuid file of ec2-wrappers. A caller starts it; it makes everything that a process inherits harmless, forks a
 * writer that stays the caller, becomes the course account altogether, and starts one program, whose path is compiled in.
 *
 * Compiled in: COMMAND (what people call), REAL_EXECUTABLE, ACCOUNT, LOGIN_PREFIX, SLOT_DIRECTORY. The README's "The
 * privileged boundary" has the attacks that each step answers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "checks.h"
#include "home_writer.h"
#include "process_resets.h"
#include "refuse.h"
#include "slots.h"
#include "trusted_path.h"

enum {
	socket_timeout_s = 1, /* how often the launcher looks whether its time for an answer is over */
};

struct caller {
	uid_t uid;
	gid_t gid;
	char login[longest_login + 1];
	char home[longest_home + 1];
};

/* A database opened as descriptor 2 would receive error messages; a descriptor left open would reach the program. */
static void repair_descriptors(void) {
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd)
			_exit(refused);
	if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		die("descriptors cannot be closed: %m");
}

static uid_t account_uid(void) {
	errno = 0;
	const struct passwd *account = getpwnam(ACCOUNT);
	if (account == NULL)
		die("account %s: %s", ACCOUNT, errno != 0 ? strerror(errno) : "there is none");
	if (account->pw_uid == 0)
		die("account %s is root", ACCOUNT);
	return account->pw_uid;
}

/*
 * The login must lead back to the uid: a stale cache could name somebody else. Of two logins on one uid it is the first, whichever
 * of them logged in: to the kernel they are one person.
 */
static struct caller caller_of(uid_t uid) {
	struct caller caller = {.uid = uid, .gid = getgid()};
	if (uid == 0)
		die("is not for root, call it as a student or as %s", ACCOUNT);
	errno = 0;
	const struct passwd *entry = getpwuid(uid);
	if (entry == NULL)
		die("uid %lu: %s", (unsigned long)uid, errno != 0 ? strerror(errno) : "has no login");
	if (!login_is_plain(entry->pw_name, LOGIN_PREFIX))
		die("uid %lu: its login is none of this course's: %s..., 2 to 32 letters, digits and _ + = . @ -", (unsigned long)uid, LOGIN_PREFIX);
	if (!home_is_plain(entry->pw_dir))
		die("%s: its home is no absolute path of plain characters", entry->pw_name);
	snprintf(caller.login, sizeof caller.login, "%s", entry->pw_name);
	snprintf(caller.home, sizeof caller.home, "%s", entry->pw_dir);
	entry = getpwnam(caller.login);
	if (entry == NULL || entry->pw_uid != uid)
		die("%s: its uid is not %lu, as the login of that uid", caller.login, (unsigned long)uid);
	return caller;
}

/*
 * A hard link somewhere else may outlive an upgrade that closed a hole. In an upgrade the kernel adds " (deleted)" to the name of a
 * wrapper that was started just before another one took it; the directories still have to be root's.
 */
static void require_own_place(uid_t account) {
	static const char gone[] = " (deleted)";
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	if (length < 1)
		die("/proc/self/exe: %m");
	path[length] = '\0';
	size_t kept = (size_t)length - (sizeof gone - 1);
	if ((size_t)length >= sizeof gone && strcmp(path + kept, gone) == 0)
		path[kept] = '\0';
	close(open_trusted(path, account));
}

/* All three, read back, and the way back tried: a saved uid is all that an attacker needs. */
static void become(uid_t uid, gid_t gid, uid_t never_again) {
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;
	if (setresgid(gid, gid, gid) != 0)
		die("group %lu: %m", (unsigned long)gid);
	if (setresuid(uid, uid, uid) != 0)
		die("uid %lu: %m", (unsigned long)uid);
	if (getresgid(&real_group, &effective_group, &saved_group) != 0 || real_group != gid || effective_group != gid ||
	    saved_group != gid)
		die("group %lu is not what it was set to", (unsigned long)gid);
	if (getresuid(&real, &effective, &saved) != 0 || real != uid || effective != uid || saved != uid)
		die("uid %lu is not what it was set to", (unsigned long)uid);
	if (setresuid(-1, never_again, -1) == 0 || setresuid(-1, 0, -1) == 0)
		die("uid %lu can be left again", (unsigned long)uid);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		die("new privileges cannot be forbidden: %m");
}

/* The caller's half: no terminal, no descriptor of the caller's that a stopped writer could hold open, and one socket. */
__attribute__((noreturn)) static void run_writer(int launcher, const struct caller *caller, uid_t account) {
	become(caller->uid, caller->gid, account);
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || setsid() == -1)
		_exit(refused);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) != fd)
			_exit(refused);
	if (dup2(launcher, STDERR_FILENO + 1) != STDERR_FILENO + 1 || close_range(STDERR_FILENO + 2, ~0U, 0) != 0)
		_exit(refused);
	serve_home(STDERR_FILENO + 1, caller->home, caller->uid);
	_exit(EXIT_SUCCESS);
}

/* Forked before the takeover: after it nothing here can be the caller again. Returns the launcher's end. */
static int start_writer(const struct caller *caller, uid_t account) {
	static const struct timeval timeout = {.tv_sec = socket_timeout_s};
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		die("socket to the writer: %m");
	if (setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0)
		die("socket to the writer: %m");
	if (setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)
		die("socket to the writer: %m");
	pid_t writer = fork();
	if (writer < 0)
		die("the writer cannot be started: %m");
	if (writer == 0)
		run_writer(ends[1], caller, account);
	if (close(ends[1]) != 0)
		die("socket to the writer: %m");
	return ends[0];
}

/* Nothing of the caller's environment but who the caller is: a compiled Bun program obeys too many variables to list. */
__attribute__((noreturn)) static void start(int target, int home, char **argv, const struct caller *caller) {
	static char login[64], uid[32], gid[32], home_path[longest_home + 16], home_fd[40], tool[sizeof REAL_EXECUTABLE + 32];
	char *environment[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/nonexistent", "DO_NOT_TRACK=1",
	                       "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null",
	                       "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "EC2_WRAPPERS_COMMAND=" COMMAND,
	                       login, uid, gid, home_path, tool, home_fd, NULL};
	snprintf(login, sizeof login, "REAL_USERNAME=%s", caller->login);
	snprintf(uid, sizeof uid, "REAL_UID=%lu", (unsigned long)caller->uid);
	snprintf(gid, sizeof gid, "REAL_GID=%lu", (unsigned long)caller->gid);
	snprintf(home_path, sizeof home_path, "REAL_HOME=%s", caller->home);
	/* One executable may be several tools: this run is to be the one that stands here, or none. */
	snprintf(tool, sizeof tool, "EC2_WRAPPERS_TOOL=%s", strrchr(REAL_EXECUTABLE, '/') + 1);
	snprintf(home_fd, sizeof home_fd, "EC2_WRAPPERS_HOME_FD=%d", home);
	argv[0] = COMMAND;
	execveat(target, "", argv, environment, AT_EMPTY_PATH);
	die("%s: %m", REAL_EXECUTABLE);
}

int main(int argc, char **argv, char **callers_environment) {
	static char *nothing[] = {NULL};
	environ = nothing; /* before anything that could ask it: the C library, name services */
	name_refusals(COMMAND, getuid());
	repair_descriptors();
	reset_signals_and_timers();
	if (!arguments_fit(argc, argv))
		die("takes 1 to %d arguments of %d KiB together", most_arguments, most_argument_bytes / 1024);

	uid_t account = account_uid(), real, effective, saved;
	if (getresuid(&real, &effective, &saved) != 0)
		die("uids: %m");
	if (real == account && effective == account && saved == account) { /* crosses nothing */
		environ = callers_environment;
		if (setenv("EC2_WRAPPERS_COMMAND", COMMAND, 1) != 0)
			die("environment: %m");
		execv(REAL_EXECUTABLE, argv);
		die("%s: %m", REAL_EXECUTABLE);
	}
	/* Not so: no setuid bit, a nosuid mount, no_new_privs, a tracer, a user namespace, a shared working directory. */
	if (effective != account || saved != account)
		die("does not run as %s: wants its setuid bit, a mount without nosuid, no tracer", ACCOUNT);
	struct caller caller = caller_of(real);
	reset_process_state();
	raise_limits();
	require_own_place(account);
	int target = open_trusted(REAL_EXECUTABLE, account);
	int slot = take_slot(SLOT_DIRECTORY, real, account);

	ignore_what_kills();
	int home = start_writer(&caller, account);
	become(account, caller.gid, caller.uid);
	reset_scheduling();
	if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		die("descriptors cannot be closed: %m");
	if (fcntl(home, F_SETFD, 0) != 0 || fcntl(slot, F_SETFD, 0) != 0)
		die("descriptors cannot be kept: %m");
	start(target, home, argv, &caller);
}

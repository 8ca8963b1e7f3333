#include "refuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static const char *command_name;
static uid_t caller_uid; /* getuid() says the account once it is taken over */

void name_refusals(const char *command, uid_t caller) {
	command_name = command;
	caller_uid = caller;
	openlog(command, LOG_PID, LOG_AUTHPRIV); /* the default name is argv[0]: any length, any bytes */
}

void die(const char *format, ...) {
	char reason[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	dprintf(STDERR_FILENO, "%s: %s\n", command_name, reason);
	syslog(LOG_WARNING, "uid %lu: %s", (unsigned long)caller_uid, reason);
	_exit(refused);
}

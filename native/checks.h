/*
 * What is decided from bytes alone: may these arguments, this login, this home, this file name be used? No system calls,
 * so that the fuzz targets in fuzz/ run exactly this code.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
	most_arguments = 64,
	most_argument_bytes = 64 * 1024,
	longest_login = 31,
	longest_home = 1024,
	longest_name = 63,
};

/* argv[0] is replaced, but counts: all of it was copied onto our stack. */
static inline bool arguments_fit(int argc, char *const argv[]) {
	size_t bytes = 0;
	if (argc < 1 || argc > most_arguments)
		return false;
	for (int i = 0; i < argc; i++) {
		if (argv[i] == NULL)
			return false;
		bytes += strlen(argv[i]) + 1;
		if (bytes > most_argument_bytes)
			return false;
	}
	return argv[argc] == NULL;
}

/* isalpha and its like depend on a locale; these do not. */
static inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* ^[a-z_][a-z0-9_-]{0,30}$, beginning with prefix. */
static inline bool login_is_plain(const char *login, const char *prefix) {
	if (!is_lower(login[0]) && login[0] != '_')
		return false;
	size_t length = 1;
	for (; login[length] != '\0'; length++) {
		char c = login[length];
		if (length >= longest_login || !(is_lower(c) || is_digit(c) || c == '_' || c == '-'))
			return false;
	}
	return strncmp(login, prefix, strlen(prefix)) == 0;
}

/* Absolute, and nothing in it that could forge a line of a log or a second environment variable. */
static inline bool home_is_plain(const char *home) {
	if (home[0] != '/')
		return false;
	for (size_t i = 0; home[i] != '\0'; i++)
		if (i >= longest_home || (unsigned char)home[i] < ' ' || home[i] == 127)
			return false;
	return true;
}

/* [A-Za-z0-9._-]{1,63} but "." and "..": one component, which no directory change hides in. */
static inline bool name_is_plain(const char *name, size_t length) {
	if (length < 1 || length > longest_name)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = name[i];
		if (!(is_lower(c) || is_upper(c) || is_digit(c) || c == '.' || c == '_' || c == '-'))
			return false;
	}
	return !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')));
}

#endif

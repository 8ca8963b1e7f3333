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
	shortest_login = 2,
	longest_login = 32,
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

/* What IAM takes in a name and in a tag's value. No character of it means anything to a shell's command line but a leading dash. */
static inline bool is_name_character(char c) {
	return is_lower(c) || is_upper(c) || is_digit(c) || c == '.' || c == '_' || c == '-' || c == '+' || c == '=' || c == '@';
}

/* One component of a path: "." and ".." lead elsewhere. */
static inline bool is_dots(const char *name, size_t length) {
	return name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
}

/* As loginPattern in lib/base/login.ts: [A-Za-z0-9_+=.@-]{2,32} but "..", not beginning with '-', and beginning with prefix. */
static inline bool login_is_plain(const char *login, const char *prefix) {
	size_t length = 0;
	for (; login[length] != '\0'; length++)
		if (length >= longest_login || !is_name_character(login[length]))
			return false;
	return length >= shortest_login && login[0] != '-' && !is_dots(login, length) &&
	       strncmp(login, prefix, strlen(prefix)) == 0;
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

/* [A-Za-z0-9_+=.@-]{1,63} but "." and "..": one component, which no directory change hides in. */
static inline bool name_is_plain(const char *name, size_t length) {
	if (length < 1 || length > longest_name)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_name_character(name[i]))
			return false;
	return !is_dots(name, length);
}

#endif

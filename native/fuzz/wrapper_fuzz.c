/*
 * libFuzzer target: what the wrapper decides from bytes of others, its arguments and the caller's passwd entry. Each answer
 * is held against a second, slower reading of the same rule.
 *
 * Input: a selecting byte, then strings that end with a zero byte each.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../checks.h"

static void require(bool holds) {
	if (!holds)
		abort();
}

static size_t count_of(const char *text, const char *allowed) { return strspn(text, allowed); }

static const char *const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=.@-";

static void check_login(const char *login, const char *prefix) {
	size_t length = strlen(login);
	bool plain = length >= 2 && length <= 32 && login[0] != '-' && count_of(login, allowed) == length &&
	             strcmp(login, "..") != 0 && length >= strlen(prefix) && memcmp(login, prefix, strlen(prefix)) == 0;
	require(login_is_plain(login, prefix) == plain);
}

static void check_home(const char *home) {
	bool plain = home[0] == '/' && strlen(home) <= longest_home;
	for (const char *c = home; *c != '\0'; c++)
		plain = plain && !((unsigned char)*c < 32 || *c == 127);
	require(home_is_plain(home) == plain);
}

static void check_name(const char *name, size_t length) {
	bool plain = length >= 1 && length <= 63 && memchr(name, '/', length) == NULL && memchr(name, '\0', length) == NULL;
	for (size_t i = 0; i < length; i++)
		plain = plain && strchr(allowed, name[i]) != NULL;
	plain = plain && !(length == 1 && name[0] == '.') && !(length == 2 && name[0] == '.' && name[1] == '.');
	require(name_is_plain(name, length) == plain);
}

static void check_arguments(char *text, size_t size, int claimed) {
	char *arguments[most_arguments + 8];
	int count = 0;
	for (char *at = text; at < text + size && count < most_arguments + 4; at += strlen(at) + 1)
		arguments[count++] = at;
	arguments[count] = NULL;
	size_t bytes = 0;
	for (int i = 0; i < count; i++)
		bytes += strlen(arguments[i]) + 1;
	bool fits = count >= 1 && count <= most_arguments && bytes <= most_argument_bytes;
	require(arguments_fit(count, arguments) == fits);
	if (claimed > count) /* a count that lies must not lead past the end */
		require(!arguments_fit(claimed, arguments));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size < 2)
		return 0;
	char *text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] & 3) {
	case 0:
		check_login(text, "cs61c");
		check_login(text, "");
		break;
	case 1:
		check_home(text);
		break;
	case 2:
		check_name(text, size - 1);
		check_name(text, strlen(text));
		break;
	default:
		check_arguments(text, size, data[0] >> 2);
	}
	free(text);
	return 0;
}

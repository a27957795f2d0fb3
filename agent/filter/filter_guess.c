/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_guess.h"

#include "ascii.h"
#include "base/word_distance.h"
#include "filter.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *filter_guess_key(const char *text, size_t len)
{
	size_t best = len > 4 ? 3 : 2; /* more than that is another word */
	const char *found = NULL;

	for (size_t i = 0; i < filter_key_count; i++) {
		const char *name = filter_keys[i].name;
		size_t d = word_distance(text, len, name, strlen(name));

		if (len >= 3 && strncmp(name, text, len) == 0)
			return name;
		if (d < best) {
			best = d;
			found = name;
		}
	}
	return found;
}

static const struct {
	const char *word, *hint;
} meant[] = {
	{ "and", "a space means and" },
	{ "AND", "a space means and" },
	{ "&&", "a space means and" },
	{ "OR", "or is written small" },
	{ "||", "say or" },
	{ "|", "say or" },
	{ "not", "! in front means not" },
	{ "NOT", "! in front means not" },
};

const char *filter_guess_hint(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++)
		if (strlen(meant[i].word) == len && strncmp(text, meant[i].word, len) == 0)
			return meant[i].hint;
	return NULL;
}

/* --- words of another form ------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static bool guess_put(char *guess, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(guess, size, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= size)
		guess[0] = '\0';
	return guess[0];
}

/* All digits, and a number of that range. */
static bool is_number(const char *text, size_t len, unsigned long least, unsigned long most)
{
	unsigned long value = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!ascii_is_digit((uint8_t)text[i]))
			return false;
		value = value * 10 + (unsigned long)(text[i] - '0');
	}
	return value >= least && value <= most;
}

static bool is_port(const char *text, size_t len)
{
	return is_number(text, len, 1, UINT16_MAX);
}

/* SCHEME://[USER@]HOST[:PORT][/PATH][?QUERY]; a URL's path is meant if it says more than /. */
static bool guess_url(const char *text, size_t len, const char *colon, char *guess, size_t size)
{
	const char *host = colon + 3, *path = host + strcspn(host, "/?# \t\r\n"), *at;
	size_t host_len, path_len = 0;

	at = memchr(host, '@', (size_t)(path - host));
	host = at ? at + 1 : host;
	host_len = (size_t)(path - host);
	if (*path == '/')
		path_len = strcspn(path, "?# \t\r\n");
	if (host_len == 0 || path + path_len > text + len)
		return false;
	return path_len > 1 ? guess_put(guess, size, "host:%.*s path:%.*s", (int)host_len, host,
					(int)path_len, path)
			    : guess_put(guess, size, "host:%.*s", (int)host_len, host);
}

static bool is_method(const char *text, size_t len)
{
	static const char *const methods[] = { "GET",	  "HEAD",    "POST",  "PUT",  "DELETE",
					       "CONNECT", "OPTIONS", "TRACE", "PATCH" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strlen(methods[i]) == len && strncmp(text, methods[i], len) == 0)
			return true;
	return false;
}

/* A name with a dot within; that of a recording is none. */
static bool is_host(const char *text, size_t len)
{
	const char *dot = memchr(text, '.', len);

	if (len == 9 && strncmp(text, "localhost", len) == 0)
		return true;
	if (!dot || dot == text || (len > 4 && strncmp(text + len - 4, ".rec", 4) == 0))
		return false;
	return dot < text + len - 1;
}

/* "5xx" */
static bool is_class(const char *text, size_t len)
{
	return len == 3 && text[0] >= '1' && text[0] <= '5' && strncasecmp(text + 1, "xx", 2) == 0;
}

bool filter_guess_word(const char *text, char *guess, size_t size)
{
	size_t len = strcspn(text, " \t\n\r"), quoted = strcspn(text, "\",()\\!");
	const char *colon = memchr(text, ':', len);
	const char *port = colon ? colon + 1 : NULL;
	size_t host_len = colon ? (size_t)(colon - text) : 0, port_len = colon ? len - host_len - 1 : 0;

	guess[0] = '\0';
	if (len == 0 || quoted < len)
		return false;
	if (*text == '/')
		return guess_put(guess, size, "path:%.*s", (int)len, text);
	if (colon && host_len > 0 && strncmp(colon, "://", 3) == 0)
		return guess_url(text, len, colon, guess, size);
	if (colon && host_len == 0)
		return is_port(port, port_len) && guess_put(guess, size, "port:%.*s", (int)port_len, port);
	/* A single digit is nobody's port. */
	if (colon && port_len > 1 && is_port(port, port_len))
		return !filter_guess_key(text, host_len) &&
		       guess_put(guess, size, "host:%.*s port:%.*s", (int)host_len, text, (int)port_len,
				 port);
	if (colon)
		return false;
	/* No status, but the ports that people name. */
	if (is_number(text, len, 80, 80) || is_number(text, len, 443, 443) ||
	    is_number(text, len, 8000, 9999))
		return guess_put(guess, size, "port:%.*s", (int)len, text);
	if (is_number(text, len, 100, 599) || is_class(text, len))
		return guess_put(guess, size, "status:%.*s", (int)len, text);
	if (is_method(text, len))
		return guess_put(guess, size, "method:%.*s", (int)len, text);
	return is_host(text, len) && guess_put(guess, size, "host:%.*s", (int)len, text);
}

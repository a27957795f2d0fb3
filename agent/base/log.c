/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each message is put together first and written with one call, so that lines never mix. Names of programs,
 * paths of libraries, what the kernel's verifier says: much of what is logged was observed, so no control or
 * hidden character of any message passes, whoever the caller is.
 */
#include "log.h"

#include "escape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG_LINE_MAX 4096

enum log_level log_level = LOG_NORMAL;

static struct {
	void (*fn)(void *ctx, const char *line);
	void *ctx;
} diverted;

void log_divert(void (*fn)(void *ctx, const char *line), void *ctx)
{
	diverted.fn = fn;
	diverted.ctx = ctx;
}

/* No memory is asked for: that there is none must be sayable. Backslashes of what is escaped already stay. */
static size_t line_put(char *line, size_t at, struct slice text)
{
	while (text.len) {
		size_t n = escape_utf8_harmless(text);
		bool plain = n > 0 || text.data[0] == '\n';

		n = n ? n : 1;
		if (at + (plain ? n : 4) >= LOG_LINE_MAX - 1)
			break;
		if (!plain)
			snprintf(line + at, 5, "\\x%02x", text.data[0]);
		else if (text.data[0] == '\n')
			line[at] = ' ';
		else
			memcpy(line + at, text.data, n);
		at += plain ? n : 4;
		text = slice_drop(text, n);
	}
	line[at] = '\0';
	return at;
}

void log_at(enum log_level level, const char *format, ...)
{
	static const char prefix[] = "hark: ";
	char line[LOG_LINE_MAX], text[LOG_LINE_MAX];
	size_t len = sizeof(prefix) - 1;
	va_list args;

	if (log_level < level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(line, prefix, len);
	len = line_put(line, len, slice_of_string(text));
	if (diverted.fn) {
		diverted.fn(diverted.ctx, line + sizeof(prefix) - 1);
		return;
	}
	line[len++] = '\n';
	fwrite(line, 1, len, stderr);
	fflush(stderr);
}

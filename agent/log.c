/* SPDX-License-Identifier: Apache-2.0 */
/* Each message is put together first and written with one call, so that lines never mix. */
#include "log.h"

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

static void log_line(const char *format, va_list args)
{
	static const char prefix[] = "hark: ";
	char line[LOG_LINE_MAX];
	size_t len = sizeof(prefix) - 1;

	memcpy(line, prefix, len);
	vsnprintf(line + len, sizeof(line) - len - 1, format, args);
	for (; line[len]; len++)
		if (line[len] == '\n')
			line[len] = ' ';
	if (diverted.fn) {
		diverted.fn(diverted.ctx, line + sizeof(prefix) - 1);
		return;
	}
	line[len++] = '\n';
	fwrite(line, 1, len, stderr);
	fflush(stderr);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	if (log_level < LOG_NORMAL)
		return;
	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	if (log_level < LOG_NORMAL)
		return;
	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	if (log_level < LOG_DEBUG)
		return;
	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

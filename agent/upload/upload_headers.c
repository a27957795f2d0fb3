/* SPDX-License-Identifier: Apache-2.0 */
#include "upload_headers.h"

#include "ascii.h"
#include "base/buffer.h"
#include "base/small_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  16384
#define VALUE_MAX 8192

/* Those that say what the body is, which the uploader knows itself. */
static const char *const own[] = { "content-type", "content-encoding", "content-length",
				   "transfer-encoding" };

static int wrong(char why[HEADERS_WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, HEADERS_WHY_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

static int name_check(struct slice name, char why[HEADERS_WHY_MAX])
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_token(name.data[i]))
			return wrong(why, "a header is 'Name: value', and a name has letters, digits and "
					  "hyphens");
	if (!name.len)
		return wrong(why, "a header is 'Name: value'");
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (slice_equal_nocase(name, slice_of_string(own[i])))
			return wrong(why, "%s is hark's own matter", own[i]);
	return 0;
}

/* RFC 9110, 5.5: no control characters, which would be another header. */
static int value_check(struct slice name, struct slice value, char why[HEADERS_WHY_MAX])
{
	if (!value.len || value.len > VALUE_MAX)
		return wrong(why, "the value of %.*s is empty, or longer than 8 KiB", (int)name.len,
			     (const char *)name.data);
	for (size_t i = 0; i < value.len; i++)
		if ((value.data[i] < ' ' && value.data[i] != '\t') || value.data[i] == 0x7f)
			return wrong(why, "the value of %.*s has control characters", (int)name.len,
				     (const char *)name.data);
	return 0;
}

static int pair_add(struct upload_headers *headers, struct slice name, struct slice value,
		    char why[HEADERS_WHY_MAX])
{
	int error = name_check(name, why);
	char *line;

	error = error ? error : value_check(name, value, why);
	if (error)
		return error;
	if (headers->count == UPLOAD_HEADERS_MAX)
		return wrong(why, "more than %d headers", UPLOAD_HEADERS_MAX);
	if (asprintf(&line, "%.*s: %.*s", (int)name.len, (const char *)name.data, (int)value.len,
		     (const char *)value.data) < 0)
		return wrong(why, "out of memory");
	headers->lines[headers->count++] = line;
	return 0;
}

static int line_add(struct upload_headers *headers, struct slice line, char why[HEADERS_WHY_MAX])
{
	size_t colon = slice_find(line, ':');

	if (colon == line.len)
		return wrong(why, "a header is 'Name: value'");
	return pair_add(headers, slice_take(line, colon), slice_trim(slice_drop(line, colon + 1)), why);
}

/* Empty lines stand for nothing. */
static int lines_add(struct upload_headers *headers, struct slice text, char why[HEADERS_WHY_MAX])
{
	while (text.len) {
		struct slice line = slice_take(text, slice_find(text, '\n'));
		int error;

		text = slice_drop(text, line.len + 1);
		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
		error = slice_trim(line).len ? line_add(headers, line, why) : 0;
		if (error)
			return error;
	}
	return 0;
}

static int file_add(struct upload_headers *headers, const char *path, char why[HEADERS_WHY_MAX])
{
	char text[FILE_MAX];
	ssize_t len = small_file_read(path, text, sizeof(text));
	int error;

	if (len < 0)
		return wrong(why, "%s: %s", path, strerror((int)-len));
	if ((size_t)len == sizeof(text) - 1)
		return wrong(why, "%s is larger than %d bytes", path, FILE_MAX - 2);
	error = lines_add(headers, slice_of(text, (size_t)len), why);
	explicit_bzero(text, sizeof(text));
	return error;
}

int upload_headers_add(struct upload_headers *headers, const char *text, char why[HEADERS_WHY_MAX])
{
	if (*text == '@')
		return file_add(headers, text + 1, why);
	return line_add(headers, slice_of_string(text), why);
}

static int decoded_add(struct upload_headers *headers, struct slice name, struct slice value,
		       char why[HEADERS_WHY_MAX])
{
	struct buffer plain = { .data = NULL };
	int error;

	for (size_t i = 0; i < value.len; i++) {
		int high =
			value.data[i] == '%' && i + 2 < value.len ? ascii_hex_value(value.data[i + 1]) : -1;
		int low = high >= 0 ? ascii_hex_value(value.data[i + 2]) : -1;

		buffer_char(&plain, low >= 0 ? (char)(high << 4 | low) : (char)value.data[i]);
		i += low >= 0 ? 2 : 0;
	}
	error = plain.failed ? wrong(why, "out of memory")
			     : pair_add(headers, name, slice_of(plain.data, plain.len), why);
	buffer_fini(&plain);
	return error;
}

int upload_headers_add_pairs(struct upload_headers *headers, const char *pairs, char why[HEADERS_WHY_MAX])
{
	struct slice rest = slice_of_string(pairs);

	while (rest.len) {
		struct slice pair = slice_take(rest, slice_find(rest, ','));
		size_t equals = slice_find(pair, '=');
		int error = 0;

		rest = slice_drop(rest, pair.len + 1);
		if (!slice_trim(pair).len)
			continue;
		if (equals == pair.len)
			return wrong(why, "a pair is name=value");
		error = decoded_add(headers, slice_trim(slice_take(pair, equals)),
				    slice_trim(slice_drop(pair, equals + 1)), why);
		if (error)
			return error;
	}
	return 0;
}

void upload_headers_fini(struct upload_headers *headers)
{
	for (size_t i = 0; i < headers->count; i++) {
		explicit_bzero(headers->lines[i], strlen(headers->lines[i]));
		free(headers->lines[i]);
	}
	headers->count = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "mysql_evidence.h"

#include "ascii.h"

#define PROTOCOL     10
#define VERSION_MAX  64
#define GREETING_MAX 512
#define LOGIN_MAX    4096
#define ZEROS_FIRST  9 /* of a login's payload: behind capabilities, packet size, character set */
#define ZEROS_LAST   27
#define CAPABLE_41   0x200
#define ASKED_MAX    65536

uint32_t mysql_length(const uint8_t bytes[3])
{
	return (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

enum mysql_evidence mysql_greets(struct slice bytes)
{
	size_t len, end;
	struct slice version;

	if ((bytes.len > 2 && bytes.data[2]) || (bytes.len > 3 && bytes.data[3]) ||
	    (bytes.len > 4 && bytes.data[4] != PROTOCOL) || (bytes.len > 5 && !ascii_is_digit(bytes.data[5])))
		return MYSQL_NONE;
	if (bytes.len < MYSQL_HEADER_BYTES)
		return MYSQL_MORE;
	len = mysql_length(bytes.data);
	if (len < 40 || len > GREETING_MAX)
		return MYSQL_NONE;
	version = slice_take(slice_drop(bytes, MYSQL_HEADER_BYTES + 1), VERSION_MAX);
	end = slice_find(version, 0);
	for (size_t i = 0; i < end; i++)
		if (version.data[i] <= ' ' || version.data[i] >= 0x7f)
			return MYSQL_NONE;
	if (end == VERSION_MAX)
		return MYSQL_NONE;
	if (bytes.len < MYSQL_HEADER_BYTES + len)
		return MYSQL_MORE;
	/* A thread's number, eight bytes of salt, and a zero. */
	end += 1 + 1 + 4 + 8;
	return end < len && !bytes.data[MYSQL_HEADER_BYTES + end] ? MYSQL_FOUND : MYSQL_NONE;
}

enum mysql_evidence mysql_logs_in(struct slice bytes)
{
	struct slice payload = slice_drop(bytes, MYSQL_HEADER_BYTES);

	if ((bytes.len > 2 && bytes.data[2]) || (bytes.len > 3 && bytes.data[3] != 1 && bytes.data[3] != 2) ||
	    (payload.len > 1 && !(payload.data[1] & CAPABLE_41 >> 8)))
		return MYSQL_NONE;
	for (size_t i = ZEROS_FIRST; i <= ZEROS_LAST && i < payload.len; i++)
		if (payload.data[i])
			return MYSQL_NONE;
	if (bytes.len < MYSQL_HEADER_BYTES)
		return MYSQL_MORE;
	if (mysql_length(bytes.data) < 32 || mysql_length(bytes.data) > LOGIN_MAX)
		return MYSQL_NONE;
	return payload.len > ZEROS_LAST ? MYSQL_FOUND : MYSQL_MORE;
}

/* A statement by its first word, and text to its end. */
static bool is_statement(struct slice text)
{
	static const char *const words[] = { "select",	"insert",  "update",   "delete",   "set",
					     "show",	"begin",   "commit",   "start",	   "rollback",
					     "call",	"create",  "alter",    "drop",	   "use",
					     "replace", "with",	   "explain",  "load",	   "truncate",
					     "grant",	"lock",	   "unlock",   "analyze",  "do",
					     "execute", "prepare", "describe", "savepoint" };
	size_t len = 0;

	while (len < text.len && ascii_is_letter(text.data[len]))
		len++;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < ' ' && text.data[i] != '\t' && text.data[i] != '\n' &&
		    text.data[i] != '\r')
			return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_equal_nocase(slice_take(text, len), slice_of_string(words[i])))
			return text.len >= 5;
	return false;
}

enum mysql_evidence mysql_asks(struct slice bytes)
{
	size_t len;

	if ((bytes.len > 3 && bytes.data[3]) ||
	    (bytes.len > 4 && bytes.data[4] != MYSQL_QUERY && bytes.data[4] != MYSQL_PREPARE))
		return MYSQL_NONE;
	if (bytes.len < MYSQL_HEADER_BYTES)
		return MYSQL_MORE;
	len = mysql_length(bytes.data);
	if (len < 6 || len > ASKED_MAX || bytes.len > MYSQL_HEADER_BYTES + len)
		return MYSQL_NONE;
	if (bytes.len < MYSQL_HEADER_BYTES + len)
		return MYSQL_MORE;
	return is_statement(slice_drop(bytes, MYSQL_HEADER_BYTES + 1)) ? MYSQL_FOUND : MYSQL_NONE;
}

bool mysql_is_command(struct slice payload)
{
	if (!payload.len)
		return false;
	switch (payload.data[0]) {
	case MYSQL_QUERY:
	case MYSQL_PREPARE:
		return is_statement(slice_drop(payload, 1));
	case MYSQL_EXECUTE:
		return payload.len >= 10 && !payload.data[4];
	case MYSQL_CLOSE:
		return payload.len == 5;
	default:
		return payload.data[0] == 0x0e && payload.len == 1; /* ping */
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"

#include "ascii.h"

#include <errno.h>
#include <stdint.h>

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice skip_space(struct slice text)
{
	while (text.len && is_space(text.data[0]))
		text = slice_drop(text, 1);
	return text;
}

/* Bytes of the string that the text begins with, both quotes included; 0: it begins with none, or has no end.
 */
static size_t string_length(struct slice text)
{
	if (!text.len || text.data[0] != '"')
		return 0;
	for (size_t i = 1; i < text.len; i++) {
		if (text.data[i] == '"')
			return i + 1;
		i += text.data[i] == '\\';
	}
	return 0;
}

/* Bytes of the value that the text begins with; 0: it has no end. */
static size_t value_length(struct slice text)
{
	size_t depth = 0, i = 0, len;

	while (i < text.len) {
		switch (text.data[i]) {
		case '"':
			len = string_length(slice_drop(text, i));
			if (!len)
				return 0;
			i += len;
			break;
		case '{':
		case '[':
			depth++;
			i++;
			break;
		case '}':
		case ']':
			if (!depth)
				return i;
			depth--;
			i++;
			break;
		case ',':
			if (!depth)
				return i;
			i++;
			break;
		default:
			i++;
		}
	}
	return depth ? 0 : i;
}

struct slice json_text_inside(struct slice value, char open)
{
	value = skip_space(value);
	if (!value.len || value.data[0] != open)
		return slice_of(NULL, 0);
	return slice_drop(value, 1);
}

bool json_text_next(struct slice *rest, struct slice *key, struct slice *value)
{
	struct slice text = skip_space(*rest);
	size_t len;

	if (text.len && text.data[0] == ',')
		text = skip_space(slice_drop(text, 1));
	if (key) {
		len = string_length(text);
		if (!len)
			return false;
		*key = slice_of(text.data + 1, len - 2);
		text = skip_space(slice_drop(text, len));
		if (!text.len || text.data[0] != ':')
			return false;
		text = skip_space(slice_drop(text, 1));
	}
	len = value_length(text);
	*value = slice_take(text, len);
	*rest = slice_drop(text, len);
	return len > 0;
}

struct slice json_text_member(struct slice object, const char *name)
{
	struct slice rest = json_text_inside(object, '{'), wanted = slice_of_string(name), key, value;

	while (json_text_next(&rest, &key, &value))
		if (slice_equal(key, wanted))
			return value;
	return slice_of(NULL, 0);
}

/* --- strings ----------------------------------------------------------------------------- */

/* Four hexadecimal digits at the beginning; -1: they are not there. */
static int32_t hex4(struct slice text)
{
	int32_t number = 0;

	for (size_t i = 0; i < 4; i++) {
		int digit = i < text.len ? ascii_hex_value(text.data[i]) : -1;

		if (digit < 0)
			return -1;
		number = number * 16 + digit;
	}
	return number;
}

/* The code point of "\uXXXX", or of two that are a surrogate pair; *text goes behind it. -1: it is wrong, or
 * 0. */
static int32_t unicode_take(struct slice *text)
{
	int32_t high = hex4(slice_drop(*text, 2)), low;

	*text = slice_drop(*text, 6);
	if (high <= 0 || (high & 0xfc00) == 0xdc00)
		return -1;
	if ((high & 0xfc00) != 0xd800)
		return high;
	low = slice_has_prefix(*text, SLICE("\\u")) ? hex4(slice_drop(*text, 2)) : -1;
	*text = slice_drop(*text, 6);
	return (low & ~0x3ff) == 0xdc00 ? 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff) : -1;
}

static size_t utf8_put(char out[4], uint32_t point)
{
	size_t more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
	static const uint8_t marks[] = { 0, 0xc0, 0xe0, 0xf0 };

	out[0] = (char)(marks[more] | point >> 6 * more);
	for (size_t i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (point >> 6 * (more - i) & 0x3f));
	return more + 1;
}

/* One character of the string, in UTF-8 as far as it was escaped; *text goes behind it. 0: it is wrong. */
static size_t char_take(struct slice *text, char out[4])
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *name;
	int32_t point;

	if (text->data[0] == '\0')
		return 0;
	if (text->data[0] != '\\') {
		out[0] = (char)text->data[0];
		*text = slice_drop(*text, 1);
		return 1;
	}
	if (text->len < 2)
		return 0;
	if (text->data[1] == 'u') {
		point = unicode_take(text);
		return point < 0 ? 0 : utf8_put(out, (uint32_t)point);
	}
	name = text->data[1] ? strchr(names, text->data[1]) : NULL;
	if (!name)
		return 0;
	out[0] = meant[name - names];
	*text = slice_drop(*text, 2);
	return 1;
}

ssize_t json_text_string(struct slice value, char *out, size_t size)
{
	size_t whole = string_length(value), len = 0;
	struct slice text;

	out[0] = '\0';
	if (!whole)
		return -EINVAL;
	text = slice_of(value.data + 1, whole - 2);
	while (text.len) {
		char piece[4];
		size_t count = char_take(&text, piece);

		if (!count || len + count >= size) {
			out[0] = '\0';
			return count ? -ENAMETOOLONG : -EINVAL;
		}
		memcpy(out + len, piece, count);
		len += count;
	}
	out[len] = '\0';
	return (ssize_t)len;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "curl_word.h"

#include "ascii.h"
#include "base/escape.h"

#include <string.h>

bool curl_word_possible(struct slice bytes)
{
	return slice_find(bytes, '\0') == bytes.len && (!bytes.len || bytes.data[bytes.len - 1] != '\n');
}

bool curl_word_is_plain(struct slice bytes)
{
	while (bytes.len) {
		size_t n = escape_utf8_harmless(bytes);

		if (n == 0)
			return false;
		bytes = slice_drop(bytes, n);
	}
	return true;
}

/* Nothing that any shell sees more in; a = at the front is a command's path for zsh. */
static bool is_bare(struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.data[i];

		if (!ascii_is_letter(c) && !ascii_is_digit(c) && !(c && strchr("_./:@%+,-", c)))
			return false;
	}
	return true;
}

static void put_quoted(struct buffer *out, struct slice bytes)
{
	for (size_t at = slice_find(bytes, '\''); at < bytes.len; at = slice_find(bytes, '\'')) {
		buffer_put(out, bytes.data, at);
		buffer_string(out, "'\\''");
		bytes = slice_drop(bytes, at + 1);
	}
	buffer_put(out, bytes.data, bytes.len);
}

/* A shell where somebody types sees a ! within double quotes: its history. */
static void put_octal(struct buffer *out, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.data[i];

		if (c == '%')
			buffer_string(out, "%%");
		else if (c >= 0x20 && c < 0x7f && !strchr("\\'!", c))
			buffer_char(out, (char)c);
		else if (c == '\n')
			buffer_string(out, "\\n");
		else
			buffer_format(out, "\\%03o", c);
	}
}

void curl_word_put_format(struct buffer *out, struct slice bytes)
{
	/* What begins with a dash would be an option of printf's. */
	bool dash = bytes.len && bytes.data[0] == '-';

	buffer_string(out, dash ? "'\\055" : "'");
	put_octal(out, slice_drop(bytes, dash));
	buffer_char(out, '\'');
}

void curl_word_put(struct buffer *out, struct slice first, struct slice second)
{
	if (first.len + second.len && is_bare(first) && is_bare(second)) {
		buffer_put(out, first.data, first.len);
		buffer_put(out, second.data, second.len);
	} else if (curl_word_is_plain(first) && curl_word_is_plain(second)) {
		buffer_char(out, '\'');
		put_quoted(out, first);
		put_quoted(out, second);
		buffer_char(out, '\'');
	} else {
		bool dash = first.len && first.data[0] == '-';

		buffer_string(out, dash ? "\"$(printf '\\055" : "\"$(printf '");
		put_octal(out, slice_drop(first, dash));
		put_octal(out, second);
		buffer_string(out, "')\"");
	}
}

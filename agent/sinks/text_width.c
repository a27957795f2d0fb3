/* SPDX-License-Identifier: Apache-2.0 */
#include "text_width.h"

#include "base/escape.h"

#include <wchar.h>

/* Bytes of the character at the front, and its columns. */
static size_t step(const char *text, size_t len, size_t *width)
{
	uint32_t code = 0;
	size_t bytes = escape_utf8_decode(slice_of(text, len), &code);
	int columns = bytes > 1 ? wcwidth((wchar_t)code) : 1;

	*width = columns < 0 ? 1 : (size_t)columns;
	return bytes ? bytes : 1;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Eight characters of ASCII, none of which begins a colour. True for none that is not so. */
static bool is_plain_word(const char *text)
{
	uint64_t word, signs;

	memcpy(&word, text, sizeof(word));
	signs = word | ((word ^ EACH_BYTE('\033')) - EACH_BYTE(1));
	return !(signs & EACH_BYTE(0x80));
}

/* Most columns hold nothing else, so that each byte of them is a column. */
static bool is_plain(const char *text, size_t len)
{
	char word[sizeof(uint64_t)];

	if (len >= sizeof(uint64_t)) {
		for (size_t i = 0; i < len - sizeof(uint64_t); i += sizeof(uint64_t))
			if (!is_plain_word(text + i))
				return false;
		return is_plain_word(text + len - sizeof(uint64_t));
	}
	if (len >= sizeof(uint32_t)) {
		memcpy(word, text, sizeof(uint32_t));
		memcpy(word + sizeof(uint32_t), text + len - sizeof(uint32_t), sizeof(uint32_t));
		return is_plain_word(word);
	}
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)text[i] >= 0x80 || text[i] == '\033')
			return false;
	return true;
}

size_t text_width(const char *text, size_t len)
{
	size_t total = 0, width;

	if (is_plain(text, len))
		return len;
	for (size_t i = 0; i < len;) {
		if (len - i >= sizeof(uint64_t) && is_plain_word(text + i)) {
			i += sizeof(uint64_t);
			total += sizeof(uint64_t);
			continue;
		}
		if ((uint8_t)text[i] < 0x80 && text[i] != '\033') {
			i++;
			total++;
			continue;
		}
		if (text[i] == '\033') {
			while (i < len && text[i] != 'm')
				i++;
			i += i < len;
			continue;
		}
		i += step(text + i, len - i, &width);
		total += width;
	}
	return total;
}

/* The longest beginning of at most `columns`, in bytes. */
static size_t fitting(const char *text, size_t len, size_t columns)
{
	size_t at = 0, used = 0, width;

	while (at < len) {
		size_t bytes = step(text + at, len - at, &width);

		if (used + width > columns)
			break;
		used += width;
		at += bytes;
	}
	return at;
}

/* Where the longest end of at most `columns` begins. A combining character is not parted from its letter. */
static size_t ending(const char *text, size_t len, size_t columns)
{
	size_t total = text_width(text, len), at = 0, width = 0;

	while (at < len && (total > columns || width == 0)) {
		size_t bytes = step(text + at, len - at, &width);

		if (total <= columns && width > 0)
			break;
		total -= width;
		at += bytes;
	}
	return at;
}

void text_cut_middle(struct buffer *buffer, size_t start, size_t width, bool utf8)
{
	struct slice mark = utf8 ? SLICE("\u2026") : SLICE("..");
	size_t mark_width = utf8 ? 1 : 2, len, head, tail;
	char *text;

	if (buffer->len <= start || text_width(buffer->data + start, buffer->len - start) <= width)
		return;
	text = buffer->data + start;
	len = buffer->len - start;
	head = fitting(text, len, (width - mark_width + 1) / 2);
	tail = ending(text, len, (width - mark_width) / 2);
	/* The part that is left out is longer than the mark: there is room. */
	if (tail < head + mark.len)
		tail = head + mark.len < len ? head + mark.len : len;
	memcpy(text + head, mark.data, mark.len);
	memmove(text + head + mark.len, text + tail, len - tail);
	buffer->len = start + head + mark.len + len - tail;
}

void text_cut_end(struct buffer *buffer, size_t start, size_t width, bool utf8)
{
	if (buffer->len <= start || text_width(buffer->data + start, buffer->len - start) <= width)
		return;
	buffer->len = start + fitting(buffer->data + start, buffer->len - start, width - (utf8 ? 1 : 2));
	buffer_string(buffer, utf8 ? "\u2026" : "..");
}

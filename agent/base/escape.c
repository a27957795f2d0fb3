/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both forms run over plain ASCII in stretches and stop only at what needs
 * thought; that makes the JSON sink fast.
 */
#include "escape.h"

#include "ascii.h"

static const char hex_digits[] = "0123456789abcdef";

size_t escape_utf8_decode(struct slice bytes, uint32_t *code_point)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = bytes.len ? bytes.data[0] : 0xff;
	uint32_t value;
	size_t len;

	if (first < 0x80) {
		*code_point = first;
		return 1;
	}
	len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || len > bytes.len)
		return 0;
	value = first & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((bytes.data[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes.data[i] & 0x3f);
	}
	if (value < smallest[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code_point = value;
	return len;
}

bool escape_utf8_is_text(struct slice bytes)
{
	uint32_t code_point;

	while (bytes.len) {
		size_t n = escape_utf8_decode(bytes, &code_point);

		if (n == 0 || code_point == 0)
			return false;
		bytes = slice_drop(bytes, n);
	}
	return true;
}

struct slice escape_utf8_trim(struct slice bytes)
{
	for (size_t back = 1; back <= 3 && back <= bytes.len; back++) {
		uint8_t byte = bytes.data[bytes.len - back];
		size_t len = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;

		if ((byte & 0xc0) == 0x80)
			continue;
		return len > back ? slice_take(bytes, bytes.len - back) : bytes;
	}
	return bytes;
}

/* Characters that change how their neighbours look, or cannot be seen: controls, bidi, zero width, tags. */
static bool is_harmful(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{ 0x00, 0x1f },	      { 0x7f, 0x9f },	  { 0xad, 0xad },     { 0x61c, 0x61c },
		{ 0x180e, 0x180e },   { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
		{ 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

size_t escape_utf8_harmless(struct slice bytes)
{
	uint32_t code_point;
	size_t n = escape_utf8_decode(bytes, &code_point);

	return n && !is_harmful(code_point) ? n : 0;
}

static void put_hex_byte(struct buffer *buffer, const char *prefix, uint8_t byte)
{
	buffer_string(buffer, prefix);
	buffer_char(buffer, hex_digits[byte >> 4]);
	buffer_char(buffer, hex_digits[byte & 15]);
}

static bool is_plain(uint8_t c, uint8_t quote)
{
	return c >= 0x20 && c < 0x7f && c != '\\' && c != quote;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Eight bytes at once: adding or subtracting sets the highest bit of each byte that is not plain, and perhaps
 * of one beside it, but of none when all are. */
static bool are_plain(uint64_t word, uint8_t quote)
{
	uint64_t signs = word | (word - EACH_BYTE(0x20)) | (word + EACH_BYTE(1)) |
			 ((word ^ EACH_BYTE('\\')) - EACH_BYTE(1)) |
			 ((word ^ EACH_BYTE(quote)) - EACH_BYTE(1));

	return !(signs & EACH_BYTE(0x80));
}

/* Eight bytes and more, the last of which overlap. How many were copied: at least all before the first that
 * is not plain and its seven neighbours. */
static inline size_t copy_words(char *out, struct slice bytes, uint8_t quote)
{
	size_t n = 0, last = bytes.len - sizeof(uint64_t);
	uint64_t word;

	for (;;) {
		memcpy(&word, bytes.data + n, sizeof(word));
		if (!are_plain(word, quote))
			return n;
		memcpy(out + n, &word, sizeof(word));
		if (n == last)
			return bytes.len;
		n = n + sizeof(word) < last ? n + sizeof(word) : last;
	}
}

/* Four to seven bytes, as two halves that overlap. False: not all are plain. */
static inline bool copy_halves(char *out, struct slice bytes, uint8_t quote)
{
	size_t last = bytes.len - sizeof(uint32_t);
	uint32_t front, back;

	memcpy(&front, bytes.data, sizeof(front));
	memcpy(&back, bytes.data + last, sizeof(back));
	if (!are_plain((uint64_t)back << 32 | front, quote))
		return false;
	memcpy(out, &front, sizeof(front));
	memcpy(out + last, &back, sizeof(back));
	return true;
}

/* Copies what is printable ASCII and neither of the two at the front. How many bytes that is. */
static inline size_t copy_plain(char *out, struct slice bytes, uint8_t quote)
{
	size_t n = 0;

	if (bytes.len >= sizeof(uint64_t))
		n = copy_words(out, bytes, quote);
	else if (bytes.len >= sizeof(uint32_t) && copy_halves(out, bytes, quote))
		n = bytes.len;
	for (; n < bytes.len && is_plain(bytes.data[n], quote); n++)
		out[n] = (char)bytes.data[n];
	return n;
}

static size_t put_plain_run(struct buffer *buffer, struct slice bytes, uint8_t quote)
{
	size_t n;

	if (!buffer_room(buffer, bytes.len))
		return bytes.len;
	n = copy_plain(buffer->data + buffer->len, bytes, quote);
	buffer->len += n;
	return n;
}

/* The letter of a two-character escape, or 0. */
static char short_escape(uint8_t byte)
{
	switch (byte) {
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '\\':
		return '\\';
	}
	return 0;
}

/* One character that does not simply pass. Returns its length. */
static size_t escape_text_one(struct buffer *buffer, struct slice bytes, bool utf8)
{
	char letter = short_escape(bytes.data[0]);
	uint32_t code_point;
	size_t n;

	if (letter) {
		buffer_char(buffer, '\\');
		buffer_char(buffer, letter);
		return 1;
	}
	n = escape_utf8_decode(bytes, &code_point);
	if (n > 1 && utf8 && !is_harmful(code_point)) {
		buffer_put(buffer, bytes.data, n);
		return n;
	}
	put_hex_byte(buffer, "\\x", bytes.data[0]);
	for (size_t i = 1; i < n; i++)
		put_hex_byte(buffer, "\\x", bytes.data[i]);
	return n ? n : 1;
}

void escape_text(struct buffer *buffer, struct slice bytes, bool utf8)
{
	while (bytes.data && bytes.len) {
		bytes = slice_drop(bytes, put_plain_run(buffer, bytes, '\\'));
		if (bytes.len)
			bytes = slice_drop(bytes, escape_text_one(buffer, bytes, utf8));
	}
}

static void put_json_unit(struct buffer *buffer, uint32_t unit)
{
	put_hex_byte(buffer, "\\u", (uint8_t)(unit >> 8));
	put_hex_byte(buffer, "", (uint8_t)unit);
}

/* A backslash that was sent, and that a reader would take for the beginning of an escaped byte. */
static bool looks_escaped(struct slice bytes)
{
	return bytes.len >= 4 && bytes.data[0] == '\\' && bytes.data[1] == 'x' &&
	       ascii_hex_value(bytes.data[2]) >= 0 && ascii_hex_value(bytes.data[3]) >= 0;
}

static size_t escape_column_one(struct buffer *buffer, struct slice bytes)
{
	size_t n = escape_utf8_harmless(bytes);
	uint32_t code_point;

	if (n && !looks_escaped(bytes)) {
		buffer_put(buffer, bytes.data, n);
		return n;
	}
	n = escape_utf8_decode(bytes, &code_point);
	n = n ? n : 1;
	for (size_t i = 0; i < n; i++)
		put_hex_byte(buffer, "\\x", bytes.data[i]);
	return n;
}

void escape_column(struct buffer *buffer, struct slice bytes)
{
	while (bytes.data && bytes.len) {
		bytes = slice_drop(bytes, put_plain_run(buffer, bytes, '\\'));
		if (bytes.len)
			bytes = slice_drop(bytes, escape_column_one(buffer, bytes));
	}
}

static size_t escape_json_one(struct buffer *buffer, struct slice bytes, bool text)
{
	char letter = bytes.data[0] == '"' ? '"' : short_escape(bytes.data[0]);
	uint32_t code_point;
	size_t n;

	if (!text && looks_escaped(bytes)) {
		put_hex_byte(buffer, "\\\\x", bytes.data[0]);
		return 1;
	}
	if (letter) {
		buffer_char(buffer, '\\');
		buffer_char(buffer, letter);
		return 1;
	}
	n = escape_utf8_decode(bytes, &code_point);
	if (n == 0) {
		put_hex_byte(buffer, "\\\\x", bytes.data[0]);
		return 1;
	}
	if (!is_harmful(code_point)) {
		buffer_put(buffer, bytes.data, n);
	} else if (code_point < 0x10000) {
		put_json_unit(buffer, code_point);
	} else {
		put_json_unit(buffer, 0xd800 + ((code_point - 0x10000) >> 10));
		put_json_unit(buffer, 0xdc00 + ((code_point - 0x10000) & 0x3ff));
	}
	return n;
}

static void json_string(struct buffer *buffer, struct slice bytes, bool text)
{
	size_t n;
	char *out;

	if (!buffer_room(buffer, bytes.len + 2))
		return;
	out = buffer->data + buffer->len;
	out[0] = '"';
	n = copy_plain(out + 1, bytes, '"');
	buffer->len += n + 1;
	for (bytes = slice_drop(bytes, n); bytes.len;
	     bytes = slice_drop(bytes, put_plain_run(buffer, bytes, '"')))
		bytes = slice_drop(bytes, escape_json_one(buffer, bytes, text));
	buffer_char(buffer, '"');
}

void escape_json(struct buffer *buffer, struct slice bytes)
{
	json_string(buffer, bytes, false);
}

void escape_json_text(struct buffer *buffer, struct slice bytes)
{
	json_string(buffer, bytes, true);
}

void escape_base64(struct buffer *buffer, struct slice bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; bytes.data && bytes.len; bytes = slice_drop(bytes, 3)) {
		uint32_t group = (uint32_t)bytes.data[0] << 16;

		if (bytes.len > 1)
			group |= (uint32_t)bytes.data[1] << 8;
		if (bytes.len > 2)
			group |= bytes.data[2];
		buffer_char(buffer, digits[group >> 18]);
		buffer_char(buffer, digits[group >> 12 & 63]);
		buffer_char(buffer, bytes.len > 1 ? digits[group >> 6 & 63] : '=');
		buffer_char(buffer, bytes.len > 2 ? digits[group & 63] : '=');
	}
}

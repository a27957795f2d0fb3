/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine of one state, byte by byte; in strings, where most bytes are, runs of plain characters at a time.
 * depth counts open containers; path_len[i] is what the path was when the container at depth i + 1 began, so
 * that its members' keys follow there.
 */
#include "json_stream.h"

#include "ascii.h"

#include <string.h>

static void wrong(struct json_stream *json)
{
	json->state = JSON_WRONG;
	bytes_fini(&json->text);
}

void json_stream_hole(struct json_stream *json)
{
	wrong(json);
}

void json_stream_fini(struct json_stream *json)
{
	bytes_fini(&json->text);
}

void json_stream_again(struct json_stream *json)
{
	json->state = JSON_WANTS_VALUE;
	json->stopped = false;
	json->depth = json->skipped_at = json->hidden_at = 0;
	json->len = json->key_at = 0;
}

static bool in_object(const struct json_stream *json)
{
	return json->depth && json->is_object[(json->depth - 1) / 8] & 1u << (json->depth - 1) % 8;
}

static bool is_told(const struct json_stream *json)
{
	return !json->skipped_at && !json->hidden_at;
}

/* --- the path -------------------------------------------------------------------------------- */

/* The path of what follows in the container that is open: its own, and this name. */
static void path_name(struct json_stream *json, struct slice name)
{
	size_t base = json->depth ? json->path_len[json->depth - 1] : 0;
	size_t dot = base ? 1 : 0;

	if (json->hidden_at == json->depth)
		json->hidden_at = 0;
	if (!is_told(json))
		return;
	if (base + dot + name.len > sizeof(json->path)) {
		json->hidden_at = json->depth;
		return;
	}
	if (dot)
		json->path[base] = '.';
	json->key_at = base + dot;
	memcpy(json->path + json->key_at, name.data, name.len);
	json->len = json->key_at + name.len;
}

static void path_key(struct json_stream *json)
{
	struct slice key = bytes_slice(&json->text);
	bool plain = key.len && !json->bad_text && !json->text_cut;

	for (size_t i = 0; i < key.len && plain; i++)
		plain = key.data[i] != '.' && key.data[i] != '#' && key.data[i] && key.data[i] != '?';
	path_name(json, plain ? key : SLICE("?"));
}

static void path_element(struct json_stream *json)
{
	if (json->depth && !in_object(json))
		path_name(json, SLICE("#"));
}

/* --- values ---------------------------------------------------------------------------------- */

static bool tell(struct json_stream *json, enum json_type type, struct slice text, json_fn *fn, void *ctx)
{
	const struct json_value value = {
		.type = type,
		.path = slice_of(json->path, json->len),
		.key = slice_of(json->path + json->key_at, json->len - json->key_at),
		.text = text,
		.cut = json->text_cut && type == JSON_STRING,
	};

	return fn(ctx, &value);
}

static void value_ends(struct json_stream *json, json_fn *fn, void *ctx)
{
	if (json->depth) {
		json->state = JSON_WANTS_COMMA_OR_END;
		return;
	}
	json->state = JSON_BEHIND;
	json->len = json->key_at = 0;
	tell(json, JSON_DONE, slice_of(NULL, 0), fn, ctx);
}

static void open_container(struct json_stream *json, bool object, json_fn *fn, void *ctx)
{
	bool enter = true;

	if (json->depth == JSON_DEPTH_MAX) {
		wrong(json);
		return;
	}
	if (is_told(json))
		enter = tell(json, object ? JSON_OBJECT : JSON_ARRAY, slice_of(NULL, 0), fn, ctx);
	json->path_len[json->depth] = (uint8_t)json->len;
	if (object)
		json->is_object[json->depth / 8] |= (uint8_t)(1u << json->depth % 8);
	else
		json->is_object[json->depth / 8] &= (uint8_t) ~(1u << json->depth % 8);
	json->depth++;
	if (!enter)
		json->skipped_at = json->depth;
	json->state = object ? JSON_WANTS_KEY_OR_END : JSON_WANTS_VALUE_OR_END;
}

static void close_container(struct json_stream *json, json_fn *fn, void *ctx)
{
	if (json->hidden_at == json->depth)
		json->hidden_at = 0;
	if (json->skipped_at == json->depth)
		json->skipped_at = 0;
	json->depth--;
	if (is_told(json)) {
		json->len = json->path_len[json->depth];
		json->key_at = json->len;
		while (json->key_at && json->path[json->key_at - 1] != '.')
			json->key_at--;
		tell(json, JSON_END, slice_of(NULL, 0), fn, ctx);
	}
	value_ends(json, fn, ctx);
}

/* --- strings --------------------------------------------------------------------------------- */

static void text_begin(struct json_stream *json, bool key)
{
	json->text.len = 0;
	json->is_key = key;
	json->bad_text = json->text_cut = false;
	json->high = 0;
	json->no_text = !is_told(json) && !(key && json->hidden_at == json->depth);
	json->state = JSON_IN_STRING;
}

static void text_add(struct json_stream *json, struct slice more)
{
	size_t max = json->is_key ? JSON_KEY_MAX : json->text_max;
	size_t room = json->text.len < max ? max - json->text.len : 0;

	if (json->high && more.len) { /* a surrogate without its other half */
		json->bad_text = true;
		json->high = 0;
	}
	if (json->no_text)
		return;
	json->text_cut |= more.len > room;
	json->bad_text |= bytes_append(&json->text, slice_take(more, room), max) < 0;
}

static void text_end(struct json_stream *json, json_fn *fn, void *ctx)
{
	struct slice text = json->text.len ? bytes_slice(&json->text) : SLICE("");

	json->bad_text |= json->high != 0;
	if (json->is_key) {
		path_key(json);
		json->state = JSON_WANTS_COLON;
		return;
	}
	if (is_told(json))
		tell(json, JSON_STRING, json->bad_text ? slice_of(NULL, 0) : text, fn, ctx);
	value_ends(json, fn, ctx);
}

static void text_character(struct json_stream *json, uint32_t c)
{
	uint8_t utf8[4];
	size_t len = 0;

	if (c < 0x80) {
		utf8[len++] = (uint8_t)c;
	} else if (c < 0x800) {
		utf8[len++] = (uint8_t)(0xc0 | c >> 6);
		utf8[len++] = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		utf8[len++] = (uint8_t)(0xe0 | c >> 12);
		utf8[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		utf8[len++] = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		utf8[len++] = (uint8_t)(0xf0 | c >> 18);
		utf8[len++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		utf8[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		utf8[len++] = (uint8_t)(0x80 | (c & 0x3f));
	}
	text_add(json, slice_of(utf8, len));
}

static void unicode_end(struct json_stream *json)
{
	uint32_t c = json->unicode, high = json->high;

	json->state = JSON_IN_STRING;
	if (c >= 0xdc00 && c < 0xe000) {
		json->high = 0;
		if (high)
			text_character(json, 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00));
		else
			json->bad_text = true;
		return;
	}
	if (c >= 0xd800 && c < 0xdc00) {
		json->bad_text |= high != 0;
		json->high = c;
		return;
	}
	text_character(json, c);
}

static void take_unicode(struct json_stream *json, uint8_t byte)
{
	int digit = ascii_hex_value(byte);

	if (digit < 0) {
		wrong(json);
		return;
	}
	json->unicode = json->unicode << 4 | (uint32_t)digit;
	if (++json->unicode_len == 4)
		unicode_end(json);
}

static void take_escape(struct json_stream *json, uint8_t byte)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = byte ? strchr(from, byte) : NULL;

	if (byte == 'u') {
		json->unicode = json->unicode_len = 0;
		json->state = JSON_IN_UNICODE;
	} else if (at) {
		json->state = JSON_IN_STRING;
		text_add(json, slice_of(to + (at - from), 1));
	} else {
		wrong(json);
	}
}

/* How many of the bytes are plain characters of a string. */
static size_t plain_run(struct slice bytes)
{
	size_t n = 0;

	while (n < bytes.len && bytes.data[n] >= 0x20 && bytes.data[n] != '"' && bytes.data[n] != '\\')
		n++;
	return n;
}

/* --- the machine ----------------------------------------------------------------------------- */

#define NUMBER_MAX 64

/* Takes the digits at the front off. Returns how many there were. */
static size_t digits_take(struct slice *s)
{
	size_t n = 0;

	while (n < s->len && ascii_is_digit(s->data[n]))
		n++;
	*s = slice_drop(*s, n);
	return n;
}

/* RFC 8259, 6. */
static bool number_is_right(struct slice s)
{
	bool zero;
	size_t digits;

	s = slice_drop(s, s.len && s.data[0] == '-');
	zero = s.len && s.data[0] == '0';
	digits = digits_take(&s);
	if (!digits || (digits > 1 && zero))
		return false;
	if (s.len && s.data[0] == '.') {
		s = slice_drop(s, 1);
		if (!digits_take(&s))
			return false;
	}
	if (s.len && (s.data[0] | 0x20) == 'e') {
		s = slice_drop(s, 1);
		s = slice_drop(s, s.len && (s.data[0] == '-' || s.data[0] == '+'));
		if (!digits_take(&s))
			return false;
	}
	return s.len == 0;
}

static bool is_of_number(uint8_t byte)
{
	return ascii_is_digit(byte) || byte == '.' || byte == '-' || byte == '+' || (byte | 0x20) == 'e';
}

static void number_end(struct json_stream *json, json_fn *fn, void *ctx)
{
	struct slice text = bytes_slice(&json->text);

	if (json->bad_text || !number_is_right(text)) {
		wrong(json);
		return;
	}
	json->text_cut = false;
	if (is_told(json))
		tell(json, JSON_NUMBER, text, fn, ctx);
	value_ends(json, fn, ctx);
}

static void take_value(struct json_stream *json, uint8_t byte, json_fn *fn, void *ctx)
{
	path_element(json);
	json->state = JSON_IN_WORD;
	json->word_len = 1;
	switch (byte) {
	case '{':
	case '[':
		open_container(json, byte == '{', fn, ctx);
		break;
	case '"':
		text_begin(json, false);
		break;
	case 't':
		json->word = "true";
		json->word_type = JSON_TRUE;
		break;
	case 'f':
		json->word = "false";
		json->word_type = JSON_FALSE;
		break;
	case 'n':
		json->word = "null";
		json->word_type = JSON_NULL;
		break;
	default:
		if (byte != '-' && !ascii_is_digit(byte)) {
			wrong(json);
			break;
		}
		json->text.len = 0;
		json->state = JSON_IN_NUMBER;
		json->bad_text = bytes_append(&json->text, slice_of(&byte, 1), NUMBER_MAX) < 0;
		break;
	}
}

static void take_word(struct json_stream *json, uint8_t byte, json_fn *fn, void *ctx)
{
	if (byte != (uint8_t)json->word[json->word_len]) {
		wrong(json);
		return;
	}
	if (json->word[++json->word_len])
		return;
	if (is_told(json))
		tell(json, json->word_type, slice_of(NULL, 0), fn, ctx);
	value_ends(json, fn, ctx);
}

static void take_mark(struct json_stream *json, uint8_t byte, json_fn *fn, void *ctx)
{
	bool object = in_object(json);

	switch (json->state) {
	case JSON_WANTS_KEY_OR_END:
		if (byte == '}') {
			close_container(json, fn, ctx);
			return;
		}
		/* fall through */
	case JSON_WANTS_KEY:
		if (byte == '"')
			text_begin(json, true);
		else
			wrong(json);
		return;
	case JSON_WANTS_COLON:
		json->state = byte == ':' ? JSON_WANTS_VALUE : JSON_WRONG;
		return;
	case JSON_WANTS_COMMA_OR_END:
		if (byte == ',')
			json->state = object ? JSON_WANTS_KEY : JSON_WANTS_VALUE;
		else if (byte == (object ? '}' : ']'))
			close_container(json, fn, ctx);
		else
			wrong(json);
		return;
	case JSON_WANTS_VALUE_OR_END:
		if (byte == ']') {
			close_container(json, fn, ctx);
			return;
		}
		take_value(json, byte, fn, ctx);
		return;
	case JSON_BEHIND:
		if (!json->lines) {
			wrong(json);
			return;
		}
		json_stream_again(json);
		/* fall through */
	case JSON_WANTS_VALUE:
		take_value(json, byte, fn, ctx);
		return;
	case JSON_IN_STRING:
	case JSON_IN_ESCAPE:
	case JSON_IN_UNICODE:
	case JSON_IN_NUMBER:
	case JSON_IN_WORD:
	case JSON_WRONG:
		return;
	}
}

/* How many of the bytes were taken, of a string. */
static size_t take_string(struct json_stream *json, struct slice bytes, json_fn *fn, void *ctx)
{
	size_t n = plain_run(bytes);

	text_add(json, slice_take(bytes, n));
	if (n == bytes.len)
		return n;
	if (bytes.data[n] == '"')
		text_end(json, fn, ctx);
	else if (bytes.data[n] == '\\')
		json->state = JSON_IN_ESCAPE;
	else
		wrong(json);
	return n + 1;
}

/* The byte that ends a number is not of it. */
static size_t take_number(struct json_stream *json, struct slice bytes, json_fn *fn, void *ctx)
{
	size_t n = 0;

	while (n < bytes.len && is_of_number(bytes.data[n]))
		n++;
	json->bad_text |= bytes_append(&json->text, slice_take(bytes, n), NUMBER_MAX) < 0;
	if (n < bytes.len)
		number_end(json, fn, ctx);
	return n;
}

static size_t take(struct json_stream *json, struct slice bytes, json_fn *fn, void *ctx)
{
	uint8_t byte = bytes.data[0];

	switch (json->state) {
	case JSON_IN_STRING:
		return take_string(json, bytes, fn, ctx);
	case JSON_IN_ESCAPE:
		take_escape(json, byte);
		return 1;
	case JSON_IN_UNICODE:
		take_unicode(json, byte);
		return 1;
	case JSON_IN_NUMBER:
		return take_number(json, bytes, fn, ctx);
	case JSON_IN_WORD:
		take_word(json, byte, fn, ctx);
		return 1;
	case JSON_WANTS_VALUE:
	case JSON_WANTS_VALUE_OR_END:
	case JSON_WANTS_KEY:
	case JSON_WANTS_KEY_OR_END:
	case JSON_WANTS_COLON:
	case JSON_WANTS_COMMA_OR_END:
	case JSON_BEHIND:
		if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t')
			take_mark(json, byte, fn, ctx);
		return 1;
	case JSON_WRONG:
		break;
	}
	return bytes.len;
}

void json_stream_feed(struct json_stream *json, struct slice bytes, json_fn *fn, void *ctx)
{
	while (bytes.len && json->state != JSON_WRONG) {
		bytes = slice_drop(bytes, take(json, bytes, fn, ctx));
		if (json->stopped)
			wrong(json);
	}
}

bool json_number_of(const struct json_value *value, uint64_t *number)
{
	return value->type == JSON_NUMBER && slice_number(value->text, number);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the order in which the sender did it, backwards: transfer coding (the
 * decoder has undone the chunks), content codings from the last to the first
 * (RFC 9110, 8.4), charset. What cannot be undone is shown as it is and said.
 */
#include "body.h"

#include "base/escape.h"
#include "content/content.h"
#include "content/reader.h"

#include <iconv.h>
#include <string.h>

#define CHARSET_MAX 40

void body_reader_fini(struct body_reader *reader)
{
	buffer_fini(&reader->decoded[0]);
	buffer_fini(&reader->decoded[1]);
	buffer_fini(&reader->text);
	buffer_fini(&reader->redacted);
}

/* --- charsets -------------------------------------------------------------------- */

static void latin1_to_utf8(struct slice in, struct buffer *out)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] < 0x80) {
			buffer_char(out, (char)in.data[i]);
			continue;
		}
		buffer_char(out, (char)(0xc0 | in.data[i] >> 6));
		buffer_char(out, (char)(0x80 | (in.data[i] & 0x3f)));
	}
}

/* False: the bytes are not of this charset. A character that is cut at the end is left out. */
static bool iconv_all(iconv_t converter, struct slice in, struct buffer *out)
{
	char *next = (char *)in.data;
	size_t left = in.len;

	while (left) {
		size_t room = left * 2 + 16, before = left;
		char *to;

		if (!buffer_room(out, room))
			return false;
		to = out->data + out->len;
		iconv(converter, &next, &left, &to, &room);
		out->len = (size_t)(to - out->data);
		if (left == before) /* wrong, or not whole: the latter is at most a few bytes */
			return left < 4;
	}
	return true;
}

/* False: no such charset, or the bytes are not of it. */
static bool to_utf8(struct slice charset, struct slice in, struct buffer *out)
{
	char name[CHARSET_MAX];
	iconv_t converter;
	bool good;

	buffer_clear(out);
	if (charset.len >= sizeof(name) || !charset.len)
		return false;
	if (slice_equal_nocase(charset, SLICE("iso-8859-1")) ||
	    slice_equal_nocase(charset, SLICE("latin1"))) {
		latin1_to_utf8(in, out);
		return !out->failed;
	}
	memcpy(name, charset.data, charset.len);
	name[charset.len] = '\0';
	converter = iconv_open("UTF-8", name);
	if (converter == (iconv_t)-1) /* NOLINT(performance-no-int-to-ptr): iconv's own word for it */
		return false;
	good = iconv_all(converter, in, out);
	iconv_close(converter);
	return good;
}

static void body_to_text(struct body_reader *reader, struct body *body, struct slice type,
			 enum content_look look)
{
	struct slice charset = content_charset(type);
	struct slice text = body_is_whole(body) ? body->bytes : escape_utf8_trim(body->bytes);
	bool little = slice_has_prefix(body->bytes, SLICE("\xff\xfe"));

	/* The encoding that a byte order mark tells (WHATWG Encoding, 6) goes before the header's. */
	if (little || slice_has_prefix(body->bytes, SLICE("\xfe\xff"))) {
		charset = little ? SLICE("UTF-16LE") : SLICE("UTF-16BE");
		body->bytes = slice_drop(body->bytes, 2);
	}
	if (look == CONTENT_BINARY)
		return;
	if (charset.len && !slice_equal_nocase(charset, SLICE("utf-8")) &&
	    !slice_equal_nocase(charset, SLICE("us-ascii"))) {
		if (!to_utf8(charset, body->bytes, &reader->text))
			return;
		text = slice_of(reader->text.data, reader->text.len);
	}
	if (!escape_utf8_is_text(text))
		return;
	if (slice_has_prefix(text, SLICE("\xef\xbb\xbf")))
		text = slice_drop(text, 3);
	body->bytes = text;
	body->look = look;
}

/* A statement with its literals, or a server's words that repeat some: what of it may be shown are facts. */
static struct body body_of_query(const struct message *message, const struct redact *redact)
{
	struct slice bytes = redact_is_off(redact) ? message->body : SLICE(REDACTED);

	return (struct body){
		.look = escape_utf8_is_text(bytes) ? CONTENT_TEXT : CONTENT_BINARY,
		.bytes = bytes,
		.decoded_bytes = bytes.len,
		.kept_part = message->flags & FLAG_TRUNCATED,
	};
}

struct body body_read(struct body_reader *reader, const struct message *message, const struct redact *redact)
{
	struct slice type = message_known(message, HEADER_CONTENT_TYPE);
	const struct content *content = content_of_type(type);
	struct body body = {
		.look = CONTENT_BINARY,
		.kept_part = !message->body_known || message->body.len < message->body_bytes,
	};
	struct content_coding_undone undone;

	if (version_is_query(message->version))
		return body_of_query(message, redact);
	undone = content_coding_undo(message_known(message, HEADER_CONTENT_ENCODING), message->body,
				     body.kept_part, reader->decoded, BODY_DECODED_MAX);
	body.bytes = undone.bytes;
	body.codings = undone.codings;
	body.expands = undone.expands;
	body.wrong = undone.wrong;
	body.unknown_coding = undone.unknown;
	body.decoded_bytes = body.bytes.len;
	if (body.unknown_coding || (body.wrong && !body.codings.len))
		return body;
	body_to_text(reader, &body, type, content ? content->look : CONTENT_TEXT);
	if (body.look != CONTENT_BINARY)
		body.bytes = redact_body(redact, body.bytes, content && content->secrets == CONTENT_FORM,
					 &reader->redacted);
	return body;
}

struct slice body_message_text(const struct content_message *message, const struct redact *redact,
			       struct buffer *out)
{
	struct slice text = message->body;

	if (message->flags & FLAG_TRUNCATED)
		text = escape_utf8_trim(text);
	if (message->look == CONTENT_BINARY || !text.data || !escape_utf8_is_text(text))
		return slice_of(NULL, 0);
	return redact_body(redact, text, false, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the framing is not what the sender meant (HEAD, a body that never came
 * behind Expect), fields and parameters are still found, for they are looked for
 * everywhere; only what frames and types decide would be wrong.
 */
#include "scrub_http1.h"

#include "ascii.h"
#include "detect.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_DIGITS_MAX 15

void scrub_http1_init(struct scrub_http1 *http1, const struct scrub_config *config)
{
	*http1 = (struct scrub_http1){ .config = config, .body = CONTENT_WORDS, .text.head = true };
}

void scrub_http1_fini(struct scrub_http1 *http1)
{
	buffer_fini(&http1->start);
	free(http1->unjudged.items);
	scrub_text_fini(&http1->text);
}

static void text_feed(struct scrub_http1 *http1, uint8_t *bytes, size_t len)
{
	scrub_text_bytes(&http1->text, http1->config->redact, bytes, len);
}

/* --- heads -------------------------------------------------------------------------------- */

static void head_begin(struct scrub_http1 *http1)
{
	http1->state = HTTP1_START;
	http1->line_len = http1->begun = 0;
	http1->extension = false;
	http1->framing = (struct http1_framing){ .refused = false };
	http1->coded = http1->h2c = false;
	http1->body = CONTENT_WORDS;
	buffer_clear(&http1->start);
	scrub_text_begin(&http1->text, true);
}

static void unknown_begin(struct scrub_http1 *http1)
{
	head_begin(http1);
	http1->state = HTTP1_UNKNOWN;
	http1->doubt = true;
	http1->line_len = 1; /* in the middle of a line */
	scrub_text_hole(&http1->text);
}

static void body_begin(struct scrub_http1 *http1, enum scrub_http1_state state)
{
	http1->state = state;
	http1->begun = http1->line_len = 0;
	scrub_text_begin(&http1->text, false);
	http1->text.scan.form = http1->body == CONTENT_FORM;
}

static void field_take(struct scrub_http1 *http1)
{
	struct slice line = http1_line_strip(slice_of(http1->line, http1->line_len));
	size_t colon = slice_find(line, ':');
	/* A blank before the colon, too: some programs read such a field. */
	struct slice name = slice_trim(slice_take(line, colon));
	struct slice value = slice_trim(slice_drop(line, colon + 1));

	if (colon == line.len)
		return;
	http1_framing_add(&http1->framing, message_name(name), value);
	if (slice_equal_nocase(name, SLICE("upgrade")))
		http1->h2c = slice_equal_nocase(value, SLICE("h2c"));
	else if (slice_equal_nocase(name, SLICE("content-encoding")))
		http1->coded = content_is_coded(value);
	else if (slice_equal_nocase(name, SLICE("content-type")))
		http1->body = content_secrets_of_type(value);
	/* Several codings, one in another: gzip and chunked at once is not undone here. */
	else if (slice_equal_nocase(name, SLICE("transfer-encoding")))
		http1->coded |= !slice_equal_nocase(value, SLICE("chunked")) &&
				!slice_equal_nocase(value, SLICE("identity"));
}

static void head_end(struct scrub_http1 *http1)
{
	const struct http1_framing *framing = &http1->framing;
	int status = http1->response ? http1->status : 0;
	bool without_body;

	http1->left = framing->length;
	without_body = framing->has_length ? !http1->left : !http1->response;
	if (status == 101) {
		http1->state = HTTP1_SWITCHED;
		return;
	}
	if (http1->coded)
		http1->body = CONTENT_OPAQUE;
	if (status / 100 == 1 || status == 204 || status == 304 || (!framing->chunked && without_body))
		head_begin(http1);
	else if (framing->chunked)
		body_begin(http1, HTTP1_CHUNK_SIZE);
	else if (!framing->has_length)
		body_begin(http1, HTTP1_UNTIL_CLOSE);
	else
		body_begin(http1, http1->response ? HTTP1_BODY_BEGIN : HTTP1_BODY);
}

static void line_put(struct scrub_http1 *http1, const uint8_t *bytes, size_t len)
{
	size_t room = sizeof(http1->line) - http1->line_len;

	len = len < room ? len : room;
	memcpy(http1->line + http1->line_len, bytes, len);
	http1->line_len += len;
}

static bool line_is_empty(const struct scrub_http1 *http1)
{
	return http1->line_len == 0 || (http1->line_len == 1 && http1->line[0] == '\r');
}

/* The fields of a head or of trailers, up to the empty line. */
static size_t fields_feed(struct scrub_http1 *http1, uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		const uint8_t *end = memchr(bytes + at, '\n', len - at);
		size_t piece = end ? (size_t)(end - bytes) - at : len - at;

		line_put(http1, bytes + at, piece);
		text_feed(http1, bytes + at, piece + (end != NULL));
		at += piece;
		if (!end)
			return at;
		at++;
		if (line_is_empty(http1)) {
			if (http1->state == HTTP1_HEAD)
				head_end(http1);
			else
				head_begin(http1);
			return at;
		}
		if (http1->state == HTTP1_HEAD)
			field_take(http1);
		http1->line_len = 0;
	}
	return len;
}

/* --- start lines ---------------------------------------------------------------------------- */

/* The bytes where a start line was due are none; their line has ended, or goes on. */
static void start_refuse(struct scrub_http1 *http1, bool line_ended)
{
	scrub_runs_fill(&http1->unjudged, SCRUB_FILLER);
	buffer_clear(&http1->start);
	http1->text.head = false;
	if (http1->doubt)
		http1->state = HTTP1_UNKNOWN;
	else if (!line_ended)
		http1->state = HTTP1_NOISE;
	http1->line_len = !line_ended;
}

/* The line was copied before it was scrubbed: a secret may look like anything. */
static void start_end(struct scrub_http1 *http1)
{
	struct http1_start_line line;
	struct slice bytes = http1_line_strip(slice_of(http1->start.data, http1->start.len));

	if (!http1->start.failed && !bytes.len) {
		http1->unjudged.count = 0;
		buffer_clear(&http1->start);
		return;
	}
	if (http1->start.failed || !http1_start_line_parse(bytes, &line) ||
	    (http1->doubt && line.kind == MESSAGE_REQUEST && !http1_method_registered(line.method))) {
		start_refuse(http1, true);
		return;
	}
	http1->unjudged.count = 0;
	http1->doubt = false;
	http1->seen = true;
	http1->response = line.kind == MESSAGE_RESPONSE;
	http1->asks_connect = !http1->response && slice_equal(line.method, SLICE("CONNECT"));
	http1->status = line.status;
	http1->state = HTTP1_HEAD;
	http1->line_len = 0;
	http1->text.head = http1->text.fields = true;
}

/* TLS in a tunnel has nothing to hide, and says what it is. */
static bool tunnel_begins(struct scrub_http1 *http1, struct slice bytes)
{
	if (detect_first(bytes).kind != DETECT_TLS)
		return false;
	http1->state = HTTP1_TUNNEL;
	return true;
}

/* The length of what may belong to a start line: up to its end, or a byte that none has; `room` at most. */
static size_t start_piece(struct slice bytes, size_t room)
{
	size_t n = 0;

	bytes = slice_take(bytes, room);
	while (n < bytes.len) {
		uint8_t c = bytes.data[n];

		if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
			break;
		n++;
		if (c == '\n')
			break;
	}
	return n;
}

/* A line that is longer than any start line, or has a byte that none has, is noise from there on. */
static size_t start_feed(struct scrub_http1 *http1, uint8_t *bytes, size_t len)
{
	bool ended = false;
	size_t piece;

	if (http1->asks_connect && !http1->start.len && tunnel_begins(http1, slice_of(bytes, len)))
		return 0;
	/* In text that is none of HTTP, or out of step: a whole start line begins anew. */
	if (!http1->start.len && !http1->text.head &&
	    http1_start_line_judge(slice_of(bytes, len)) >= HTTP1_LINE_REQUEST)
		scrub_text_begin(&http1->text, true);
	piece = start_piece(slice_of(bytes, len), HTTP1_LINE_LIMIT_BYTES - http1->start.len);
	if (piece) {
		ended = bytes[piece - 1] == '\n';
		buffer_put(&http1->start, bytes, piece);
		text_feed(http1, bytes, piece);
		if ((http1->doubt || !http1->config->keep_other) &&
		    !scrub_runs_add(&http1->unjudged, bytes, piece))
			memset(bytes, SCRUB_FILLER, piece);
	}
	if (ended)
		start_end(http1);
	else if (piece < len)
		start_refuse(http1, false);
	return piece;
}

static size_t noise_feed(struct scrub_http1 *http1, uint8_t *bytes, size_t len)
{
	const uint8_t *end = memchr(bytes, '\n', len);

	len = end ? (size_t)(end - bytes) + 1 : len;
	if (http1->config->keep_other)
		text_feed(http1, bytes, len);
	else
		scrub_cuts_add(http1->cuts, bytes, len);
	if (end)
		http1->state = HTTP1_START;
	return len;
}

/* --- bodies ----------------------------------------------------------------------------------- */

/* A body with a NUL in it is no text. */
static void body_scrub(struct scrub_http1 *http1, uint8_t *bytes, size_t len)
{
	const uint8_t *zero = http1->body == CONTENT_OPAQUE ? bytes : memchr(bytes, 0, len);
	size_t text = zero ? (size_t)(zero - bytes) : len;

	text_feed(http1, bytes, text);
	if (!zero)
		return;
	http1->body = CONTENT_OPAQUE;
	if (http1->config->keep_other && !http1->text.unknown)
		text_feed(http1, bytes + text, len - text);
	else
		scrub_cuts_add(http1->cuts, bytes + text, len - text);
}

/* Counts bytes of the body or the chunk that went by. */
static void body_take(struct scrub_http1 *http1, uint64_t len)
{
	http1->left -= len;
	if (http1->left)
		return;
	if (http1->state == HTTP1_BODY) {
		head_begin(http1);
	} else {
		http1->state = HTTP1_CHUNK_END;
		http1->line_len = 0;
	}
}

/* No sign of a head: what looked like one was the body's. */
static void begun_take(struct scrub_http1 *http1)
{
	http1->state = HTTP1_BODY;
	body_take(http1, http1->begun < http1->left ? http1->begun : http1->left);
}

static size_t body_feed(struct scrub_http1 *http1, uint8_t *bytes, size_t len)
{
	bool bounded = http1->state != HTTP1_UNTIL_CLOSE;

	if (!bounded && !http1->begun++ && tunnel_begins(http1, slice_of(bytes, len)))
		return 0;
	if (bounded && len > http1->left)
		len = (size_t)http1->left;
	body_scrub(http1, bytes, len);
	if (bounded)
		body_take(http1, len);
	return len;
}

/* HEAD's answer has a length and no body: the next answer stands in its place. */
static size_t body_begin_feed(struct scrub_http1 *http1, const uint8_t *bytes, size_t len)
{
	static const char sign[] = "HTTP/1.";
	size_t i = 0;

	while (i < len && http1->begun < sizeof(sign) - 1 && bytes[i] == (uint8_t)sign[http1->begun])
		i++, http1->begun++;
	if (http1->begun == sizeof(sign) - 1) {
		head_begin(http1);
		buffer_put(&http1->start, sign, sizeof(sign) - 1);
	} else if (i < len) {
		begun_take(http1);
	}
	return i;
}

static void chunk_begin(struct scrub_http1 *http1)
{
	uint64_t size = 0;
	size_t digits = 0;

	for (; digits < http1->line_len && ascii_hex_value(http1->line[digits]) >= 0; digits++)
		size = size << 4 | (uint64_t)ascii_hex_value(http1->line[digits]);
	http1->line_len = 0;
	if (!digits || digits > CHUNK_DIGITS_MAX) {
		unknown_begin(http1);
	} else if (size) {
		http1->left = size;
		http1->state = HTTP1_CHUNK;
	} else {
		scrub_text_begin(&http1->text, true);
		http1->text.fields = true;
		http1->state = HTTP1_TRAILER;
	}
}

/* Before the line has ended: can it be what is due? */
static bool chunk_line_may_go_on(const struct scrub_http1 *http1, uint8_t c)
{
	if (c == '\r' || c == ' ' || c == '\t')
		return true;
	if (http1->state == HTTP1_CHUNK_END)
		return false;
	return memchr(http1->line, ';', http1->line_len) || c == ';' || ascii_hex_value(c) >= 0;
}

/* A signature, most likely, which is a secret like those of queries. */
static bool extension_is_secret(const struct scrub_http1 *http1)
{
	struct slice line = slice_of(http1->line, http1->line_len);
	const uint8_t *sign = memrchr(line.data, ';', line.len);

	if (line.len == sizeof(http1->line))
		return true; /* nobody knows its name */
	return sign && redact_name(http1->config->redact, NAME_PARAMETER,
				   slice_trim(slice_drop(line, (size_t)(sign - line.data) + 1)));
}

static void extension_byte(struct scrub_http1 *http1, uint8_t *byte)
{
	if (*byte == ';' || *byte == '\r' || *byte == '\n')
		http1->extension = false;
	else if (http1->extension)
		*byte = SCRUB_FILLER;
	else if (*byte == '=')
		http1->extension = extension_is_secret(http1);
}

/* The size and the line's end are no text of the body's. */
static size_t chunk_line_feed(struct scrub_http1 *http1, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n' && !chunk_line_may_go_on(http1, bytes[i])) {
			unknown_begin(http1);
			return i;
		}
		extension_byte(http1, bytes + i);
		if (bytes[i] != '\n') {
			line_put(http1, bytes + i, 1);
			continue;
		}
		if (http1->state == HTTP1_CHUNK_SIZE) {
			chunk_begin(http1);
		} else if (line_is_empty(http1)) {
			http1->state = HTTP1_CHUNK_SIZE;
			http1->line_len = 0;
		} else {
			unknown_begin(http1);
		}
		return i + 1;
	}
	return len;
}

/* --- behind missing bytes ------------------------------------------------------------------- */

/* A method whose beginning is missing may be another one. */
static bool start_is_whole(struct slice bytes, bool edge)
{
	struct slice first = http1_line_first(bytes);
	struct http1_start_line line;

	return first.len && http1_start_line_parse(http1_line_strip(first), &line) &&
	       http1_start_line_counts(&line, edge);
}

/* The first start line at the beginning of a line; len: none. */
static size_t start_find(struct slice bytes, bool line_begins)
{
	for (size_t at = 0; at < bytes.len; at++) {
		bool begins = at ? bytes.data[at - 1] == '\n' : line_begins;
		struct slice rest = slice_drop(bytes, at);

		if ((begins || !at) && start_is_whole(rest, !begins))
			return at;
		if (begins && !http1_line_first(rest).len && http1_start_line_may_be(rest))
			return at;
	}
	return bytes.len;
}

static size_t unknown_feed(struct scrub_http1 *http1, const uint8_t *bytes, size_t len)
{
	size_t skip = start_find(slice_of(bytes, len), http1->line_len == 0);

	scrub_cuts_add(http1->cuts, bytes, skip);
	if (skip < len)
		head_begin(http1);
	else
		http1->line_len = len && bytes[len - 1] != '\n';
	return skip;
}

void scrub_http1_begin(struct scrub_http1 *http1)
{
	scrub_http1_force(http1);
	head_begin(http1);
	http1->doubt = false;
}

void scrub_http1_hole(struct scrub_http1 *http1, uint64_t size)
{
	bool endless = http1->state == HTTP1_UNTIL_CLOSE;

	if (!size || http1->state == HTTP1_TUNNEL)
		return;
	scrub_http1_force(http1);
	if (http1->state == HTTP1_BODY_BEGIN)
		begun_take(http1);
	if (!endless && ((http1->state != HTTP1_BODY && http1->state != HTTP1_CHUNK) || size > http1->left)) {
		unknown_begin(http1);
		return;
	}
	/* Whether a secret began in between nobody knows. */
	scrub_text_hole(&http1->text);
	http1->body = CONTENT_OPAQUE;
	if (!endless)
		body_take(http1, size);
}

bool scrub_http1_open(const struct scrub_http1 *http1)
{
	return scrub_text_open(&http1->text) || http1->unjudged.count;
}

const struct scrub_runs *scrub_http1_name(const struct scrub_http1 *http1)
{
	const struct scrub_text *text = &http1->text;

	return scrub_text_open(text) && text->fields && !text->in_value ? &text->unsettled : NULL;
}

void scrub_http1_force(struct scrub_http1 *http1)
{
	struct slice start = slice_of(http1->start.data, http1->start.len);

	scrub_text_force(&http1->text);
	if (!http1->unjudged.count)
		return;
	/* A start line whose beginning went without its end: kept where one is due, if it looks like one. */
	if (http1->doubt || http1->start.failed || !http1_start_line_may_be(start))
		scrub_runs_fill(&http1->unjudged, SCRUB_FILLER);
	http1->unjudged.count = 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static size_t state_feed(struct scrub_http1 *http1, uint8_t *bytes, size_t len)
{
	switch (http1->state) {
	case HTTP1_START:
		return start_feed(http1, bytes, len);
	case HTTP1_NOISE:
		return noise_feed(http1, bytes, len);
	case HTTP1_HEAD:
	case HTTP1_TRAILER:
		return fields_feed(http1, bytes, len);
	case HTTP1_BODY_BEGIN:
		return body_begin_feed(http1, bytes, len);
	case HTTP1_BODY:
	case HTTP1_CHUNK:
	case HTTP1_UNTIL_CLOSE:
		return body_feed(http1, bytes, len);
	case HTTP1_CHUNK_SIZE:
	case HTTP1_CHUNK_END:
		return chunk_line_feed(http1, bytes, len);
	case HTTP1_UNKNOWN:
		return unknown_feed(http1, bytes, len);
	case HTTP1_TUNNEL:
		return len;
	case HTTP1_SWITCHED:
		break;
	}
	return 0;
}

size_t scrub_http1_feed(struct scrub_http1 *http1, uint8_t *bytes, size_t len, struct scrub_cuts *cuts)
{
	size_t at = 0;

	http1->cuts = cuts;
	while (at < len && http1->state != HTTP1_SWITCHED)
		at += state_feed(http1, bytes + at, len - at);
	return at;
}

size_t scrub_http1_memory(const struct scrub_http1 *http1)
{
	return http1->start.capacity +
	       (http1->unjudged.capacity + http1->text.unsettled.capacity) * sizeof(struct scrub_run);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret field's value is overwritten up to the end of its line, and on in
 * the lines that continue it (RFC 9112, 5.2). Spaces in front of the value and
 * the line's end stay, so that every parser finds what it found before. A
 * secret part of a multipart form (RFC 7578) ends at the line that its own
 * first line was like.
 */
#include "scrub_text.h"

#include "detect.h"
#include "http1_line.h"

#include <stdlib.h>
#include <string.h>

/* --- bytes that wait --------------------------------------------------------------------- */

void scrub_pending_hide(struct scrub_pending *pending)
{
	for (size_t i = 0; i < pending->count; i++)
		memset(pending->runs[i].bytes, SCRUB_FILLER, pending->runs[i].len);
	pending->count = 0;
}

bool scrub_pending_add(struct scrub_pending *pending, uint8_t *byte)
{
	struct scrub_run *last = pending->count ? &pending->runs[pending->count - 1] : NULL, *runs;
	size_t capacity = pending->capacity ? 2 * pending->capacity : 4;

	if (last && last->bytes + last->len == byte) {
		last->len++;
		return true;
	}
	if (pending->count == pending->capacity) {
		runs = reallocarray(pending->runs, capacity, sizeof(*runs));
		if (!runs)
			return false;
		pending->runs = runs;
		pending->capacity = capacity;
	}
	pending->runs[pending->count++] = (struct scrub_run){ byte, 1 };
	return true;
}

void scrub_text_fini(struct scrub_text *text)
{
	free(text->pending.runs);
	text->pending = (struct scrub_pending){ .count = 0 };
}

/* --- lines and fields --------------------------------------------------------------------- */

static bool is_name_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
	       (c && strchr("-_.!#$&'*+^`|~", c));
}

static void line_begin(struct scrub_text *text)
{
	text->name_len = text->line_len = text->matched = 0;
	text->no_name = text->in_value = text->secret = text->line_ended = false;
	text->unlike = text->disposition = text->in_part_name = false;
	text->token_len = 0;
	if (text->head)
		text->scan = (struct secret_scan){ .form = false };
}

static struct slice field_name(const struct scrub_text *text)
{
	return slice_of(text->name, text->name_len);
}

static void field_named(struct scrub_text *text, const struct redact *redact)
{
	struct slice name = field_name(text);

	text->in_value = true;
	text->secret = redact_header(redact, name);
	text->disposition = text->part == PART_HEAD && slice_equal_nocase(name, SLICE("content-disposition"));
	if (text->head && slice_equal_nocase(name, SLICE("host")))
		secret_scan_authority(&text->scan);
}

/* A name and the space behind it, as long as it may be one. */
static void field_byte(struct scrub_text *text, const struct redact *redact, uint8_t c)
{
	bool space = c == ' ' || c == '\t';

	/* The target of CONNECT is an authority. */
	if (text->head && space && slice_equal(field_name(text), SLICE("CONNECT")))
		secret_scan_authority(&text->scan);
	if (c == ':' && text->name_len && !text->no_name)
		field_named(text, redact);
	else if (space && text->name_len)
		return; /* nothing but the colon may follow: line_len runs on */
	else if (!is_name_byte(c) || text->name_len == SCRUB_LINE_NAME_MAX ||
		 text->line_len > text->name_len + 1)
		text->no_name = true;
	else
		text->name[text->name_len++] = c;
}

/* --- multipart forms ------------------------------------------------------------------------ */

static void part_named(struct scrub_text *text, const struct redact *redact)
{
	text->in_part_name = false;
	text->part_secret |= redact_parameter(redact, slice_of(text->part_name, text->part_name_len));
}

/* form-data; name="password"; filename="x" */
static void disposition_byte(struct scrub_text *text, const struct redact *redact, uint8_t c)
{
	if (text->in_part_name) {
		if (c == '"' && !text->part_name_len)
			return;
		if (c == '"' || c == ';' || c == '\r' || c == '\n')
			part_named(text, redact);
		else if (text->part_name_len < sizeof(text->part_name))
			text->part_name[text->part_name_len++] = c;
		return;
	}
	if (c == ';' || c == ' ' || c == '\t') {
		text->token_len = 0;
	} else if (text->token_len < sizeof(text->token)) {
		text->token[text->token_len++] = c | (c >= 'A' && c <= 'Z' ? 32 : 0);
		text->in_part_name = text->token_len == 5 && memcmp(text->token, "name=", 5) == 0;
		text->part_name_len = 0;
	}
}

static void line_end(struct scrub_text *text)
{
	size_t len = text->line_len;

	if (len && text->line[len - 1] == '\r')
		len--;
	if (!len && text->part == PART_HEAD) {
		text->part = text->part_secret ? PART_VALUE : PART_NONE;
	} else if (len > 2 && len <= SCRUB_BOUNDARY_MAX && text->line[0] == '-' && text->line[1] == '-') {
		memcpy(text->boundary, text->line, len);
		text->boundary_len = len;
		text->part = PART_HEAD;
		text->part_secret = false;
	}
}

/* Within a secret part: is this line the boundary? */
static enum secret_verdict part_byte(struct scrub_text *text, uint8_t c)
{
	if (!text->unlike && text->matched < text->boundary_len && c == text->boundary[text->matched]) {
		if (++text->matched < text->boundary_len)
			return SECRET_MAYBE;
		text->settled = SETTLED_NO;
		text->part = PART_NONE; /* until its line ends */
		text->scan = (struct secret_scan){ .form = false };
		return SECRET_NO;
	}
	if (!text->unlike && text->matched)
		text->settled = SETTLED_YES;
	text->unlike = true;
	return c == '\r' || c == '\n' ? SECRET_NO : SECRET_YES;
}

/* --- one byte ---------------------------------------------------------------------------------- */

static enum secret_verdict line_byte(struct scrub_text *text, const struct redact *redact, uint8_t c,
				     enum secret_verdict verdict)
{
	if (text->disposition)
		disposition_byte(text, redact, c);
	if (c == '\n') {
		line_end(text);
		return verdict;
	}
	if (text->line_len < sizeof(text->line))
		text->line[text->line_len++] = c;
	if (c == '\r')
		return verdict;
	if (!text->in_value)
		field_byte(text, redact, c);
	else if (text->secret && c != ' ' && c != '\t')
		return SECRET_YES;
	return verdict;
}

enum secret_verdict scrub_text_byte(struct scrub_text *text, const struct redact *redact, uint8_t c)
{
	bool folded = text->secret && (c == ' ' || c == '\t');
	enum secret_verdict verdict;

	if (redact_is_off(redact)) {
		text->settled = SETTLED_NOTHING;
		return SECRET_NO;
	}
	if (text->line_ended && !folded)
		line_begin(text);
	text->line_ended = c == '\n';
	text->settled = SETTLED_NOTHING;
	if (text->part == PART_VALUE) {
		if (text->line_len < sizeof(text->line))
			text->line[text->line_len++] = c;
		return part_byte(text, c);
	}
	verdict = secret_scan_byte(&text->scan, redact, c);
	text->settled = text->scan.settled;
	return line_byte(text, redact, c, verdict);
}

static void byte_hide(struct scrub_text *text, uint8_t *byte, enum secret_verdict verdict)
{
	*byte = verdict == SECRET_DIGIT ? SCRUB_DIGIT_FILLER : SCRUB_FILLER;
	text->values += !text->was_secret;
	text->was_secret = true;
}

void scrub_text_bytes(struct scrub_text *text, const struct redact *redact, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		enum secret_verdict verdict = scrub_text_byte(text, redact, bytes[i]);

		if (text->settled == SETTLED_YES && text->pending.count)
			text->values++;
		if (text->settled == SETTLED_YES)
			scrub_pending_hide(&text->pending);
		if (text->settled != SETTLED_NOTHING || verdict == SECRET_NO)
			text->pending.count = 0;
		if (verdict == SECRET_MAYBE) {
			if (!scrub_pending_add(&text->pending, bytes + i)) {
				scrub_text_force(text);
				byte_hide(text, bytes + i, SECRET_YES);
			}
		} else if (verdict != SECRET_NO) {
			byte_hide(text, bytes + i, verdict);
		} else {
			text->was_secret = false;
		}
	}
}

bool scrub_text_open(const struct scrub_text *text)
{
	return text->pending.count;
}

void scrub_text_force(struct scrub_text *text)
{
	if (!text->pending.count)
		return;
	scrub_pending_hide(&text->pending);
	text->values++;
	secret_scan_overflow(&text->scan);
	text->unlike = true; /* what follows is hidden, the boundary too */
}

void scrub_text_begin(struct scrub_text *text, bool head)
{
	struct scrub_pending pending = text->pending;
	uint64_t values = text->values;

	pending.count = 0;
	*text = (struct scrub_text){ .head = head, .values = values, .pending = pending };
}

void scrub_text_hole(struct scrub_text *text)
{
	scrub_text_begin(text, text->head);
	text->unknown = true;
}

size_t scrub_text_unknown(struct scrub_text *text, struct slice bytes)
{
	struct http1_start_line line;

	if (!text->unknown)
		return 0;
	if (http1_find_start_line(bytes, &line) == 0) {
		scrub_text_begin(text, text->head);
		return 0;
	}
	/* A line's end, and a line behind it that does not continue it. */
	for (size_t i = 0; i + 1 < bytes.len; i++) {
		if (bytes.data[i] == '\n' && bytes.data[i + 1] != ' ' && bytes.data[i + 1] != '\t') {
			scrub_text_begin(text, text->head);
			return i + 1;
		}
	}
	return bytes.len;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret field's value is overwritten up to the end of its line, and on in
 * the lines that continue it (RFC 9112, 5.2). Spaces in front of the value and
 * the line's end stay, so that every parser finds what it found before. A
 * secret part of a multipart form (RFC 7578) ends at the line that its own
 * first line was like.
 */
#include "scrub_text.h"

#include "array.h"
#include "ascii.h"

#include <stdlib.h>
#include <string.h>

/* --- bytes that wait --------------------------------------------------------------------- */

void scrub_runs_fill(struct scrub_runs *runs, uint8_t filler)
{
	for (size_t i = 0; i < runs->count; i++)
		memset(runs->items[i].bytes, filler, runs->items[i].len);
	runs->count = 0;
}

bool scrub_runs_add(struct scrub_runs *runs, uint8_t *bytes, size_t len)
{
	struct scrub_run *last = runs->count ? &runs->items[runs->count - 1] : NULL, *items;

	if (last && last->bytes + last->len == bytes) {
		last->len += len;
		return true;
	}
	items = array_room(runs->items, runs->count, &runs->capacity, sizeof(*items));
	if (!items)
		return false;
	runs->items = items;
	runs->items[runs->count++] = (struct scrub_run){ bytes, len };
	return true;
}

void scrub_text_fini(struct scrub_text *text)
{
	free(text->unsettled.items);
	text->unsettled = (struct scrub_runs){ .count = 0 };
}

/* --- lines and fields --------------------------------------------------------------------- */

static void line_begin(struct scrub_text *text)
{
	text->name_len = text->line_len = text->matched = 0;
	text->no_name = text->in_value = text->secret = text->line_ended = false;
	text->unlike = text->disposition = text->in_part_name = false;
	text->token_len = 0;
	if (text->head)
		text->scan = (struct secret_scan){ .form = false };
}

static void field_named(struct scrub_text *text, const struct redact *redact)
{
	struct slice name = slice_of(text->name, text->name_len);

	text->in_value = true;
	text->secret = redact_name(redact, NAME_FIELD, name);
	text->disposition = text->part == PART_HEAD && slice_equal_nocase(name, SLICE("content-disposition"));
	if (text->head && slice_equal_nocase(name, SLICE("host")))
		secret_scan_authority(&text->scan);
}

/* A name and the space behind it, as long as it may be one. */
static void field_byte(struct scrub_text *text, const struct redact *redact, uint8_t c)
{
	bool space = c == ' ' || c == '\t';

	/* The target of CONNECT is an authority. */
	if (text->head && !text->fields && space &&
	    slice_equal(slice_of(text->name, text->name_len), SLICE("CONNECT")))
		secret_scan_authority(&text->scan);
	if (c == ':' && text->name_len && !text->no_name)
		field_named(text, redact);
	else if (space && text->name_len)
		return; /* nothing but the colon may follow: line_len runs on */
	else if (!ascii_is_token(c) || c == '%' || text->name_len == SCRUB_LINE_NAME_MAX ||
		 text->line_len > text->name_len + 1)
		text->no_name = true;
	else
		text->name[text->name_len++] = c;
}

/* --- multipart forms ------------------------------------------------------------------------ */

/* form-data; name="password"; filename="x". Readers take name = and name*= too. */
static void disposition_byte(struct scrub_text *text, const struct redact *redact, uint8_t c)
{
	if (text->in_part_name) {
		if (c && strchr("\" \t\r\n", c) && !text->part_name_len)
			return;
		if (c == '"' || c == ';' || c == '\r' || c == '\n') {
			text->in_part_name = false;
			text->part_secret |= redact_name(redact, NAME_PARAMETER,
							 slice_of(text->part_name, text->part_name_len));
		} else if (text->part_name_len < sizeof(text->part_name)) {
			text->part_name[text->part_name_len++] = c;
		}
		return;
	}
	if (c == ';' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		bool named = c != ';' && text->token_len == 4 && memcmp(text->token, "name", 4) == 0;

		text->token_len = named ? text->token_len : 0;
	} else if (text->token_len < sizeof(text->token)) {
		text->token[text->token_len++] = c | (c >= 'A' && c <= 'Z' ? 32 : 0);
		text->in_part_name = text->token_len == 5 && memcmp(text->token, "name", 4) == 0 &&
				     (text->token[4] == '=' || text->token[4] == '*');
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

/* Of a line that must be a field: its bytes wait for the colon, without one they are secret. */
static enum secret_verdict fields_byte(struct scrub_text *text, const struct redact *redact, uint8_t c)
{
	bool line_end = c == '\r' || c == '\n';

	line_byte(text, redact, c, SECRET_NO);
	if (text->in_value && c == ':') {
		text->settled = SETTLED_NO;
		return SECRET_NO;
	}
	if (!text->no_name && !line_end)
		return SECRET_MAYBE;
	text->settled = SETTLED_YES;
	text->no_name |= c == '\r' && text->name_len;
	return line_end || c == ' ' || c == '\t' ? SECRET_NO : SECRET_YES;
}

enum secret_verdict scrub_text_byte(struct scrub_text *text, const struct redact *redact, uint8_t c)
{
	enum secret_verdict verdict;

	if (redact_is_off(redact)) {
		text->settled = SETTLED_NOTHING;
		return SECRET_NO;
	}
	/* Unless this byte goes on with the field of the line before (obs-fold). */
	if (text->line_ended &&
	    !((c == ' ' || c == '\t') && (text->secret || text->disposition || text->fields)))
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
	if (text->fields && !text->in_value)
		return fields_byte(text, redact, c);
	return line_byte(text, redact, c, verdict);
}

/* A line's beginning that may be a field's name so far. */
static bool is_naming(const struct scrub_text *text)
{
	return !text->in_value && !text->no_name;
}

/*
 * The next bytes that only go on with a word, in a name or in what is no secret: all that scrub_text_byte()
 * would do for each of them, at once. How many were taken.
 */
static size_t word_take(struct scrub_text *text, const struct redact *redact, const uint8_t *bytes,
			size_t len)
{
	bool naming = is_naming(text), no_field = text->fields && !text->in_value && text->no_name;
	size_t n, room = sizeof(text->line) - text->line_len;

	if (!secret_scan_words[bytes[0]] || text->line_ended || text->part == PART_VALUE ||
	    text->disposition || text->secret || no_field || (naming && text->line_len != text->name_len))
		return 0;
	if (naming && len > SCRUB_LINE_NAME_MAX - text->name_len)
		len = SCRUB_LINE_NAME_MAX - text->name_len;
	n = secret_scan_word(&text->scan, redact, slice_of(bytes, len), naming);
	room = n < room ? n : room;
	memcpy(text->line + text->line_len, bytes, room);
	text->line_len += room;
	if (!naming)
		return n;
	memcpy(text->name + text->name_len, bytes, n);
	text->name_len += n;
	return n;
}

/* The same, and what it means for bytes that wait. */
static size_t word_settle(struct scrub_text *text, const struct redact *redact, uint8_t *bytes, size_t len)
{
	size_t n = word_take(text, redact, bytes, len);

	if (!n)
		return 0;
	text->settled = SETTLED_NOTHING;
	if (!text->fields || text->in_value) {
		text->unsettled.count = 0;
	} else if (!scrub_runs_add(&text->unsettled, bytes, n)) {
		scrub_text_force(text);
		memset(bytes, SCRUB_FILLER, n);
	}
	return n;
}

void scrub_text_bytes(struct scrub_text *text, const struct redact *redact, uint8_t *bytes, size_t len)
{
	for (size_t i = 0, word = 0; i < len; i += word ? word : 1) {
		enum secret_verdict verdict;

		word = word_settle(text, redact, bytes + i, len - i);
		if (word)
			continue;
		verdict = scrub_text_byte(text, redact, bytes[i]);
		if (text->settled == SETTLED_YES)
			scrub_runs_fill(&text->unsettled, SCRUB_FILLER);
		if (text->settled != SETTLED_NOTHING || verdict == SECRET_NO)
			text->unsettled.count = 0;
		if (verdict == SECRET_MAYBE && !scrub_runs_add(&text->unsettled, bytes + i, 1)) {
			scrub_text_force(text);
			verdict = SECRET_YES;
		}
		if (verdict == SECRET_YES || verdict == SECRET_DIGIT)
			bytes[i] = verdict == SECRET_DIGIT ? SCRUB_DIGIT_FILLER : SCRUB_FILLER;
	}
}

void scrub_text_force(struct scrub_text *text)
{
	if (!text->unsettled.count)
		return;
	scrub_runs_fill(&text->unsettled, SCRUB_FILLER);
	secret_scan_overflow(&text->scan);
	text->unlike = true; /* what follows is hidden, the boundary too */
}

void scrub_text_begin(struct scrub_text *text, bool head)
{
	struct scrub_runs unsettled = text->unsettled;

	unsettled.count = 0;
	*text = (struct scrub_text){ .head = head, .unsettled = unsettled };
}

void scrub_text_hole(struct scrub_text *text)
{
	scrub_text_begin(text, text->head);
	text->unknown = true;
}

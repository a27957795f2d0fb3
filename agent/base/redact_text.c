/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as people may see it. What may turn out to be secret is written, and
 * taken back when it does. JSON stays JSON: a number gives way to a string, and
 * an escape is hidden or shown as a whole.
 */
#include "redact.h"
#include "ascii.h"
#include "scrub_text.h"
#include "secret_scan.h"

#define ESCAPE_MAX 6 /* of \uXXXX */

struct shower {
	struct buffer *out;
	size_t maybe; /* where the bytes that are not settled begin in `out` */
	bool unsettled, hiding, hidden;
};

static void shower_hide(struct shower *shower, const char *sign)
{
	if (!shower->hiding)
		buffer_string(shower->out, sign);
	shower->hiding = shower->hidden = true;
}

static void shower_settle(struct shower *shower, enum secret_settled settled)
{
	if (settled == SETTLED_YES && shower->unsettled) {
		shower->out->len = shower->maybe < shower->out->len ? shower->maybe : shower->out->len;
		shower_hide(shower, REDACTED);
	}
	if (settled != SETTLED_NOTHING)
		shower->unsettled = false;
}

static void shower_byte(struct shower *shower, enum secret_verdict verdict, uint8_t c)
{
	switch (verdict) {
	case SECRET_YES:
	case SECRET_DIGIT:
		shower->unsettled = false;
		shower_hide(shower, REDACTED);
		return;
	case SECRET_MAYBE:
		if (!shower->unsettled)
			shower->maybe = shower->out->len;
		shower->unsettled = true;
		break;
	case SECRET_NO:
		shower->unsettled = false;
		break;
	}
	buffer_char(shower->out, (char)c);
	shower->hiding = false;
}

static struct slice shower_result(const struct shower *shower, struct slice text)
{
	if (shower->out->failed)
		return SLICE(REDACTED);
	return shower->hidden ? slice_of(shower->out->data, shower->out->len) : text;
}

/* What a byte may do to the scanner, so long as none of the others was met: */
enum sign {
	SIGN_NONE,  /* goes on with a name */
	SIGN_NAMED, /* ends one, whose value comes */
	SIGN_NEXT,  /* ends one */
	SIGN_OTHER, /* something that matters only beside a name with its value */
	SIGN_DEEP,
};

static const uint8_t signs[256] = {
	[0 ... 0x20] = SIGN_OTHER, ['"'] = SIGN_OTHER, ['\''] = SIGN_OTHER, ['('] = SIGN_OTHER,
	[')'] = SIGN_OTHER,	   ['/'] = SIGN_OTHER, ['>'] = SIGN_OTHER,  ['['] = SIGN_OTHER,
	['\\'] = SIGN_OTHER,	   [']'] = SIGN_OTHER, ['^'] = SIGN_OTHER,  ['`'] = SIGN_OTHER,
	['{'] = SIGN_OTHER,	   ['|'] = SIGN_OTHER, ['}'] = SIGN_OTHER,  ['#'] = SIGN_NEXT,
	['&'] = SIGN_NEXT,	   [','] = SIGN_NEXT,  [';'] = SIGN_NEXT,   ['?'] = SIGN_NEXT,
	['='] = SIGN_NAMED,	   [':'] = SIGN_DEEP,  ['@'] = SIGN_DEEP,   ['<'] = SIGN_DEEP,
	['%'] = SIGN_DEEP,
};

static bool is_open_parameter(const struct redact *redact, struct slice name)
{
	return !name.len || (name.len <= SECRET_NAME_MAX && !redact_name(redact, NAME_PARAMETER, name));
}

/*
 * Most targets are a path alone, or parameters without anything but names and plain values: what the scanner
 * would say of these is seen at a glance. True: they hold no secret; false: the scanner knows.
 */
static bool holds_no_secret(const struct redact *redact, struct slice text)
{
	const uint8_t *at = text.data, *end = text.data + text.len, *name = at;
	bool named = false, other = false;

	for (; at < end; at++) {
		enum sign sign = signs[*at];

		if (sign == SIGN_NONE)
			continue;
		named |= sign == SIGN_NAMED;
		other |= sign == SIGN_OTHER;
		if (sign == SIGN_DEEP || (named && other))
			return false;
		if (sign == SIGN_NAMED && !is_open_parameter(redact, slice_of(name, (size_t)(at - name))))
			return false;
		name = at + 1;
	}
	return true;
}

static bool may_hold_secrets(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (signs[text.data[i]] == SIGN_NAMED || signs[text.data[i]] == SIGN_DEEP)
			return true;
	return false;
}

static struct slice scan_show(struct secret_scan *scan, const struct redact *redact, struct slice text,
			      struct buffer *out)
{
	struct shower shower = { .out = out };
	enum secret_verdict verdict = SECRET_NO;
	size_t at = 0;

	if (!text.data || redact_is_off(redact) || !may_hold_secrets(text))
		return text;
	while (at < text.len && (verdict = secret_scan_byte(scan, redact, text.data[at])) == SECRET_NO)
		at++;
	if (at == text.len)
		return text;
	buffer_clear(out);
	buffer_put(out, text.data, at);
	for (;;) {
		shower_settle(&shower, scan->settled);
		shower_byte(&shower, verdict, text.data[at]);
		if (++at == text.len)
			return shower_result(&shower, text);
		verdict = secret_scan_byte(scan, redact, text.data[at]);
	}
}

static struct slice target_scan(const struct redact *redact, struct slice target, struct buffer *out)
{
	struct secret_scan scan = { .form = false };

	return scan_show(&scan, redact, target, out);
}

struct slice redact_target(const struct redact *redact, struct slice target, struct buffer *out)
{
	if (!target.data || redact_is_off(redact) || holds_no_secret(redact, target))
		return target;
	return target_scan(redact, target, out);
}

struct slice redact_authority(const struct redact *redact, struct slice authority, struct buffer *out)
{
	struct secret_scan scan = { .form = false };

	secret_scan_authority(&scan);
	return scan_show(&scan, redact, authority, out);
}

/* FastCGI has lines of text in some: what an application logs, and settings. */
static bool is_text(struct slice name)
{
	return slice_equal(name, SLICE("FCGI_STDERR")) || slice_equal(name, SLICE("PHP_VALUE")) ||
	       slice_equal(name, SLICE("PHP_ADMIN_VALUE"));
}

struct slice redact_value(const struct redact *redact, struct slice name, struct slice value,
			  struct buffer *out)
{
	if (!value.data)
		return value;
	if (redact_name(redact, NAME_FIELD, name))
		return SLICE(REDACTED);
	if (slice_equal_nocase(name, SLICE("host")) || slice_equal_nocase(name, SLICE(":authority")))
		return redact_authority(redact, value, out);
	if (is_text(name))
		return redact_body(redact, value, false, out);
	return redact_target(redact, value, out);
}

/* Strings of a body that is JSON, by its first sign, and the escape under way in one. */
struct json_strings {
	bool is_json, within;
	uint8_t escape[ESCAPE_MAX];
	enum secret_verdict verdicts[ESCAPE_MAX];
	size_t len;
};

static bool begins_json(struct slice body)
{
	size_t at = 0;

	while (at < body.len && body.data[at] && strchr(" \t\r\n", body.data[at]))
		at++;
	return at < body.len && (body.data[at] == '{' || body.data[at] == '[');
}

/* The last byte says of all of them whether they are secret. */
static void escape_end(struct json_strings *json, struct shower *shower)
{
	size_t len = json->len;

	json->len = 0;
	for (size_t i = 0; i < len; i++)
		shower_byte(shower, json->verdicts[len - 1], json->escape[i]);
}

/* True: the byte belongs to an escape, and was taken. */
static bool escape_take(struct json_strings *json, struct shower *shower, enum secret_verdict verdict,
			uint8_t c)
{
	bool long_one = json->len > 1 && json->escape[1] == 'u';

	if (!json->len && c != '\\')
		return false;
	if (long_one && ascii_hex_value(c) < 0) { /* none of JSON's */
		escape_end(json, shower);
		return escape_take(json, shower, verdict, c);
	}
	json->verdicts[json->len] = verdict;
	json->escape[json->len++] = c;
	if (json->len == ESCAPE_MAX || (json->len == 2 && c != 'u'))
		escape_end(json, shower);
	return true;
}

static void body_byte(struct json_strings *json, struct shower *shower, const struct scrub_text *text,
		      enum secret_verdict verdict, uint8_t c)
{
	if (json->is_json && !json->within && secret_scan_in_number(&text->scan)) {
		shower_hide(shower, "\"" REDACTED "\"");
		shower->unsettled = false;
		return;
	}
	if (json->within && escape_take(json, shower, verdict, c))
		return;
	if (json->is_json && c == '"')
		json->within = !json->within;
	shower_byte(shower, verdict, c);
}

struct slice redact_body(const struct redact *redact, struct slice body, bool form, struct buffer *out)
{
	struct scrub_text text = { .scan.form = form };
	struct json_strings json = { .is_json = begins_json(body) };
	struct shower shower = { .out = out };

	if (!body.data || redact_is_off(redact))
		return body;
	buffer_clear(out);
	for (size_t i = 0; i < body.len; i++) {
		enum secret_verdict verdict = scrub_text_byte(&text, redact, body.data[i]);

		shower_settle(&shower, text.settled);
		body_byte(&json, &shower, &text, verdict, body.data[i]);
	}
	escape_end(&json, &shower);
	return shower_result(&shower, body);
}

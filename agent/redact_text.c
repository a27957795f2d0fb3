/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as people may see it. What may turn out to be secret is written, and
 * taken back when it does.
 */
#include "redact.h"
#include "scrub_text.h"
#include "secret_scan.h"

struct shower {
	struct buffer *out;
	size_t maybe; /* where the bytes that are not settled begin in `out` */
	bool pending, hiding, hidden;
};

static void shower_hide(struct shower *shower)
{
	if (!shower->hiding)
		buffer_string(shower->out, REDACTED);
	shower->hiding = shower->hidden = true;
}

static void shower_settle(struct shower *shower, enum secret_settled settled)
{
	if (settled == SETTLED_YES && shower->pending) {
		shower->out->len = shower->maybe < shower->out->len ? shower->maybe : shower->out->len;
		shower_hide(shower);
	}
	if (settled != SETTLED_NOTHING)
		shower->pending = false;
}

static void shower_byte(struct shower *shower, enum secret_verdict verdict, uint8_t c)
{
	switch (verdict) {
	case SECRET_YES:
	case SECRET_DIGIT:
		shower->pending = false;
		shower_hide(shower);
		return;
	case SECRET_MAYBE:
		if (!shower->pending)
			shower->maybe = shower->out->len;
		shower->pending = true;
		break;
	case SECRET_NO:
		shower->pending = false;
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

static bool may_hold_secrets(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (strchr("=:@<%", text.data[i]) && text.data[i])
			return true;
	return false;
}

static struct slice scan_show(struct secret_scan *scan, const struct redact *redact, struct slice text,
			      struct buffer *out)
{
	struct shower shower = { .out = out };

	if (!text.data || redact_is_off(redact) || !may_hold_secrets(text))
		return text;
	buffer_clear(out);
	for (size_t i = 0; i < text.len; i++) {
		enum secret_verdict verdict = secret_scan_byte(scan, redact, text.data[i]);

		shower_settle(&shower, scan->settled);
		shower_byte(&shower, verdict, text.data[i]);
	}
	return shower_result(&shower, text);
}

struct slice redact_target(const struct redact *redact, struct slice target, struct buffer *out)
{
	struct secret_scan scan = { .form = false };

	return scan_show(&scan, redact, target, out);
}

struct slice redact_authority(const struct redact *redact, struct slice authority, struct buffer *out)
{
	struct secret_scan scan = { .form = false };

	secret_scan_authority(&scan);
	return scan_show(&scan, redact, authority, out);
}

struct slice redact_value(const struct redact *redact, struct slice name, struct slice value,
			  struct buffer *out)
{
	if (!value.data)
		return value;
	if (redact_header(redact, name))
		return SLICE(REDACTED);
	if (slice_equal_nocase(name, SLICE("host")) || slice_equal_nocase(name, SLICE(":authority")))
		return redact_authority(redact, value, out);
	return redact_target(redact, value, out);
}

struct slice redact_body(const struct redact *redact, struct slice body, bool form, struct buffer *out)
{
	struct scrub_text text = { .scan.form = form };
	struct shower shower = { .out = out };

	if (!body.data || redact_is_off(redact))
		return body;
	buffer_clear(out);
	for (size_t i = 0; i < body.len; i++) {
		enum secret_verdict verdict = scrub_text_byte(&text, redact, body.data[i]);

		shower_settle(&shower, text.settled);
		shower_byte(&shower, verdict, body.data[i]);
	}
	return shower_result(&shower, body);
}

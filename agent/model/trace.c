/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#define TRACE_ID_DIGITS 32
#define B3_SHORT_DIGITS 16
#define SPAN_DIGITS	16
/* version "-" trace-id "-" parent-id "-" trace-flags (Trace Context, 3.2) */
#define TRACEPARENT_BYTES (2 + 1 + TRACE_ID_DIGITS + 1 + SPAN_DIGITS + 1 + 2)

/* Exactly so many lower-case hex digits. */
static bool is_hex(struct slice text, size_t digits)
{
	if (text.len != digits)
		return false;
	for (size_t i = 0; i < digits; i++)
		if (!(text.data[i] >= '0' && text.data[i] <= '9') &&
		    !(text.data[i] >= 'a' && text.data[i] <= 'f'))
			return false;
	return true;
}

/* An id: not all zero. */
static bool is_id(struct slice text, size_t digits)
{
	if (!is_hex(text, digits))
		return false;
	for (size_t i = 0; i < digits; i++)
		if (text.data[i] != '0')
			return true;
	return false;
}

static bool is_b3_trace_id(struct slice text)
{
	return is_id(text, TRACE_ID_DIGITS) || is_id(text, B3_SHORT_DIGITS);
}

/* Trace Context, 3.2.2: version 00 ends with the flags, a later one may go on behind a "-"; ff is none. */
static void take_traceparent(struct slice text, struct trace *trace)
{
	struct slice version = slice_take(text, 2), id, span, flags;

	if (text.len < TRACEPARENT_BYTES || !is_hex(version, 2) || slice_equal(version, SLICE("ff")))
		return;
	if (text.len > TRACEPARENT_BYTES &&
	    (slice_equal(version, SLICE("00")) || text.data[TRACEPARENT_BYTES] != '-'))
		return;
	id = slice_take(slice_drop(text, 3), TRACE_ID_DIGITS);
	span = slice_take(slice_drop(text, 3 + TRACE_ID_DIGITS + 1), SPAN_DIGITS);
	flags = slice_take(slice_drop(text, TRACEPARENT_BYTES - 2), 2);
	if (text.data[2] != '-' || text.data[3 + TRACE_ID_DIGITS] != '-' ||
	    text.data[TRACEPARENT_BYTES - 3] != '-')
		return;
	if (!is_id(id, TRACE_ID_DIGITS) || !is_id(span, SPAN_DIGITS) || !is_hex(flags, 2))
		return;
	trace->id = id;
	trace->span = span;
	trace->flags = flags;
}

/* Up to the next "-", which is taken too. */
static struct slice part_next(struct slice *text)
{
	const uint8_t *end = text->len ? memchr(text->data, '-', text->len) : NULL;
	struct slice part = end ? slice_take(*text, (size_t)(end - text->data)) : *text;

	*text = slice_drop(*text, part.len + !!end);
	return part;
}

static bool is_b3_sampling(struct slice text)
{
	return text.len == 1 && (text.data[0] == '0' || text.data[0] == '1' || text.data[0] == 'd');
}

/* {TraceId}-{SpanId}[-{SamplingState}[-{ParentSpanId}]]; a sampling state alone names nothing. */
static void take_b3(struct slice text, struct trace *trace)
{
	struct slice id = part_next(&text), span = part_next(&text);
	struct slice sampling = part_next(&text), parent = part_next(&text);

	if (text.len || !is_b3_trace_id(id) || !is_id(span, SPAN_DIGITS))
		return;
	if ((sampling.len && !is_b3_sampling(sampling)) || (parent.len && !is_id(parent, SPAN_DIGITS)))
		return;
	trace->id = id;
	trace->span = span;
	if (parent.len)
		trace->parent = parent;
}

static void take_b3_fields(struct slice id, struct slice span, struct slice parent, struct trace *trace)
{
	if (!is_b3_trace_id(id))
		return;
	trace->id = id;
	if (is_id(span, SPAN_DIGITS))
		trace->span = span;
	if (is_id(parent, SPAN_DIGITS))
		trace->parent = parent;
}

/* Any visible text of a reasonable length. */
static void take_request_id(struct slice text, struct trace *trace)
{
	if (!text.len || text.len > TRACE_REQUEST_ID_MAX)
		return;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
			return;
	trace->request_id = text;
}

enum {
	FIELD_TRACEPARENT,
	FIELD_B3,
	FIELD_B3_TRACE,
	FIELD_B3_SPAN,
	FIELD_B3_PARENT,
	FIELD_REQUEST_ID,
	FIELDS
};

/* The field's number; FIELDS: it is none of them. Most names have another first letter, or another length. */
static size_t field_of(struct slice name)
{
	uint8_t first = name.len ? name.data[0] | 0x20 : 0;

	if (first != 't' && first != 'x' && first != 'b')
		return FIELDS;
	switch (name.len) {
	case sizeof("b3") - 1:
		return slice_equal_nocase(name, SLICE("b3")) ? FIELD_B3 : FIELDS;
	case sizeof("traceparent") - 1:
		if (slice_equal_nocase(name, SLICE("traceparent")))
			return FIELD_TRACEPARENT;
		return slice_equal_nocase(name, SLICE("x-b3-spanid")) ? FIELD_B3_SPAN : FIELDS;
	case sizeof("x-request-id") - 1:
		if (slice_equal_nocase(name, SLICE("x-request-id")))
			return FIELD_REQUEST_ID;
		return slice_equal_nocase(name, SLICE("x-b3-traceid")) ? FIELD_B3_TRACE : FIELDS;
	case sizeof("x-b3-parentspanid") - 1:
		return slice_equal_nocase(name, SLICE("x-b3-parentspanid")) ? FIELD_B3_PARENT : FIELDS;
	default:
		return FIELDS;
	}
}

/* Most requests have none of the fields. */
static bool has_none(const struct message *request)
{
	for (size_t i = 0; request && i < request->headers.count; i++)
		if (field_of(request->headers.items[i].name) != FIELDS)
			return false;
	return true;
}

bool trace_of(const struct message *request, struct trace *trace)
{
	struct slice values[FIELDS];
	bool doubtful[FIELDS] = { false };

	*trace = (struct trace){ 0 };
	if (has_none(request))
		return false;
	memset(values, 0, sizeof(values));
	for (size_t i = 0; i < request->headers.count; i++) {
		const struct header *header = &request->headers.items[i];
		size_t field = field_of(header->name);
		struct slice value;

		if (field == FIELDS)
			continue;
		value = slice_trim(header->value);
		doubtful[field] |=
			!header->value.data || (values[field].data && !slice_equal(values[field], value));
		values[field] = value;
	}
	for (size_t i = 0; i < FIELDS; i++)
		if (doubtful[i])
			values[i] = (struct slice){ 0 };
	take_traceparent(values[FIELD_TRACEPARENT], trace);
	if (!trace->id.data)
		take_b3(values[FIELD_B3], trace);
	if (!trace->id.data)
		take_b3_fields(values[FIELD_B3_TRACE], values[FIELD_B3_SPAN], values[FIELD_B3_PARENT], trace);
	take_request_id(values[FIELD_REQUEST_ID], trace);
	return trace->id.data || trace->request_id.data;
}

struct slice trace_name(const struct trace *trace)
{
	return trace->id.data ? trace->id : trace->request_id;
}

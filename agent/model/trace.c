/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#define TRACE_ID_DIGITS 32
#define B3_SHORT_DIGITS 16
#define SPAN_DIGITS	16
/* version "-" trace-id "-" parent-id "-" trace-flags (Trace Context, 3.2) */
#define TRACEPARENT_BYTES (2 + 1 + TRACE_ID_DIGITS + 1 + SPAN_DIGITS + 1 + 2)

static const bool is_hex_digit[256] = { ['0' ... '9'] = true, ['a' ... 'f'] = true };

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Eight at once: of ASCII no sum goes over into the next byte, and its highest bit says "not less than". */
static bool are_hex_digits(const uint8_t *bytes)
{
	uint64_t word, digits, letters;

	memcpy(&word, bytes, sizeof(word));
	digits = (word + EACH_BYTE(0x80 - '0')) & ~(word + EACH_BYTE(0x80 - '9' - 1));
	letters = (word + EACH_BYTE(0x80 - 'a')) & ~(word + EACH_BYTE(0x80 - 'f' - 1));
	return ((digits | letters) & ~word & EACH_BYTE(0x80)) == EACH_BYTE(0x80);
}

/* Exactly so many lower-case hex digits. */
static bool is_hex(struct slice text, size_t digits)
{
	size_t i = 0;

	if (text.len != digits)
		return false;
	for (; i + sizeof(uint64_t) <= digits; i += sizeof(uint64_t))
		if (!are_hex_digits(text.data + i))
			return false;
	for (; i < digits; i++)
		if (!is_hex_digit[text.data[i]])
			return false;
	return true;
}

/* An id: not all zero. */
static bool is_id(struct slice text, size_t digits)
{
	size_t zeros = 0;

	if (!is_hex(text, digits))
		return false;
	while (zeros < digits && text.data[zeros] == '0')
		zeros++;
	return zeros < digits;
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

/* The names of the fields stand together. */
#define TRACE_NAMES (((1u << (HEADER_REQUEST_ID + 1)) - 1) & ~((1u << HEADER_TRACEPARENT) - 1))

static void take_values(const struct slice values[HEADER_NAMES], struct trace *trace)
{
	take_traceparent(values[HEADER_TRACEPARENT], trace);
	if (!trace->id.data)
		take_b3(values[HEADER_B3], trace);
	if (!trace->id.data)
		take_b3_fields(values[HEADER_B3_TRACE_ID], values[HEADER_B3_SPAN_ID],
			       values[HEADER_B3_PARENT_SPAN_ID], trace);
	take_request_id(values[HEADER_REQUEST_ID], trace);
}

/* Fields that come twice with different values, or with one that is not known, say nothing. */
static bool fields_take(const struct message *request, struct trace *trace)
{
	struct slice values[HEADER_NAMES]; /* of the names of traces alone */
	uint32_t doubtful = 0;

	for (size_t i = HEADER_TRACEPARENT; i <= HEADER_REQUEST_ID; i++)
		values[i] = (struct slice){ 0 };
	for (size_t i = 0; i < request->headers.count; i++) {
		const struct header *header = &request->headers.items[i];
		struct slice *value = &values[header->known], before;

		if (!(TRACE_NAMES >> header->known & 1))
			continue;
		before = *value;
		*value = slice_trim(header->value);
		if (!header->value.data || (before.data && !slice_equal(before, *value)))
			doubtful |= 1u << header->known;
	}
	for (; doubtful; doubtful &= doubtful - 1)
		values[__builtin_ctz(doubtful)] = (struct slice){ 0 };
	take_values(values, trace);
	return trace->id.data || trace->request_id.data;
}

bool trace_of(const struct message *request, struct trace *trace)
{
	*trace = (struct trace){ 0 };
	return request && (request->names & TRACE_NAMES) && fields_take(request, trace);
}

struct slice trace_name(const struct trace *trace)
{
	return trace->id.data ? trace->id : trace->request_id;
}

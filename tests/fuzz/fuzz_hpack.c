/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile header blocks: each is a length byte and its bytes; a length of 255
 * primes the table instead. Two tables get the same blocks, one seen from the
 * start and one primed: what both know must be the same, until an error ends
 * the comparison.
 */
#include "hpack.h"

#include "message.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fields {
	struct message *message;
};

static void field_keep(void *ctx, const struct hpack_field *field)
{
	struct fields *fields = ctx;

	if (!field->name.data != !!(field->flags & HEADER_NAME_UNKNOWN) ||
	    !field->value.data != !!(field->flags & HEADER_VALUE_UNKNOWN))
		abort();
	message_add_header(fields->message, &fields->message->headers, field->name, field->value,
			   field->flags);
}

static void slices_compare(struct slice whole, struct slice late)
{
	if (whole.data && late.data && !slice_equal(whole, late))
		abort();
}

static void fields_compare(const struct header_list *whole, const struct header_list *late)
{
	if (whole->count != late->count)
		abort();
	for (size_t i = 0; i < whole->count; i++) {
		slices_compare(whole->items[i].name, late->items[i].name);
		slices_compare(whole->items[i].value, late->items[i].value);
	}
}

/* False: an error, or no memory; the tables do not compare any more. */
static bool block_compare(struct hpack *whole, struct hpack *late, struct slice block)
{
	struct fields a = { message_new(MESSAGE_REQUEST, 0) }, b = { message_new(MESSAGE_REQUEST, 0) };
	const struct hpack_sink sink_a = { .ctx = &a, .field = field_keep },
				sink_b = { .ctx = &b, .field = field_keep };
	bool compares = false;

	if (!a.message || !b.message)
		goto out;
	compares = hpack_inflate(whole, block, true, &sink_a) == 0;
	compares = hpack_inflate(late, block, true, &sink_b) == 0 && compares;
	if (compares)
		fields_compare(&a.message->headers, &b.message->headers);
out:
	message_free(a.message);
	message_free(b.message);
	return compares;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hpack *whole = hpack_new(8192), *late = hpack_new(8192);
	struct slice rest = slice_of(data, size);
	bool compares = whole && late;

	if (late)
		hpack_prime(late);
	while (compares && rest.len > 0) {
		size_t len = rest.data[0];

		rest = slice_drop(rest, 1);
		if (len == 255) {
			hpack_prime(late);
			continue;
		}
		compares = block_compare(whole, late, slice_take(rest, len));
		rest = slice_drop(rest, len);
	}
	hpack_free(whole);
	hpack_free(late);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Fields as they stand on the wire, by rows; lengths of every size, read back; and each allocation failing.
 */
#include "alloc_fail.h"

#include "../../../agent/base/buffer.c"
#include "../../../agent/base/protobuf_put.c"

#include "content/protobuf_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void put_all(struct buffer *out)
{
	size_t outer, inner;

	protobuf_put_number(out, 1, 150); /* the format's own example */
	protobuf_put_number(out, 2, UINT64_MAX);
	protobuf_put_fixed32(out, 3, 0x01020304);
	protobuf_put_double(out, 4, 1.0);
	protobuf_put_bytes(out, 16, SLICE("testing"));
	outer = protobuf_begin(out, 5);
	inner = protobuf_begin(out, 1);
	protobuf_end(out, inner);
	protobuf_put_number(out, 2, 0);
	protobuf_end(out, outer);
}

static void test_bytes(void **state)
{
	static const uint8_t expected[] = {
		0x08, 0x96, 0x01,						  /* 1 */
		0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, /* 2 */
		0x1d, 0x04, 0x03, 0x02, 0x01,					  /* 3 */
		0x21, 0,    0,	  0,	0,    0,    0,	  0xf0, 0x3f,		  /* 4 */
		0x82, 0x01, 0x07, 't',	'e',  's',  't',  'i',	'n',  'g',	  /* 16 */
		0x2a, 0x04, 0x0a, 0x00, 0x10, 0x00,				  /* 5 */
	};
	struct buffer out = { .data = NULL };

	(void)state;
	put_all(&out);
	assert_int_equal(out.len, sizeof(expected));
	assert_memory_equal(out.data, expected, sizeof(expected));
	buffer_fini(&out);
}

/* The length before a message takes more bytes than were kept for it. */
static void test_lengths(void **state)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 129, 16383, 16384, 16385, 2097151, 2097152 };
	struct buffer out = { .data = NULL }, body = { .data = NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct protobuf_field field;
		struct slice rest;
		size_t begin;

		buffer_clear(&out);
		while (body.len < lengths[i])
			buffer_char(&body, (char)body.len);
		protobuf_put_number(&out, 1, 7);
		begin = protobuf_begin(&out, 2);
		buffer_put(&out, body.data, lengths[i]);
		protobuf_end(&out, begin);
		protobuf_put_number(&out, 3, 9);
		rest = slice_of(out.data, out.len);
		assert_int_equal(protobuf_next(&rest, &field), 1);
		assert_int_equal(protobuf_next(&rest, &field), 1);
		assert_true(field.number == 2 && slice_equal(field.bytes, slice_of(body.data, lengths[i])));
		assert_int_equal(protobuf_next(&rest, &field), 1);
		assert_true(field.number == 3 && field.value == 9);
		assert_int_equal(protobuf_next(&rest, &field), 0);
	}
	buffer_fini(&out);
	buffer_fini(&body);
}

/* Grown by the least that is asked for, each write is an allocation. */
static void test_no_memory(void **state)
{
	(void)state;
	for (long nth = 1; nth < 4; nth++) {
		struct buffer out = { .data = NULL };
		bool failed;

		alloc_fail_countdown = nth;
		for (size_t i = 0; i < 2000; i++)
			put_all(&out);
		failed = alloc_fail_countdown == 0;
		alloc_fail_countdown = 0;
		assert_int_equal(out.failed, failed);
		buffer_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of chunks: which go together, that unpacked they are the chunks, and each allocation failing. */
#include "alloc_fail.h"

#include "../../../agent/base/buffer.c"
#include "../../../agent/upload/upload_body.c"
#include "../../../agent/upload/upload_queue.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static int add(struct upload_queue *queue, uint32_t endpoint, uint32_t items, struct slice bytes)
{
	const struct upload_message message = { .endpoint = endpoint, .items = items };

	return upload_queue_add(queue, &message, bytes, 1);
}

static void unpacked(const struct upload_body *body, struct buffer *out)
{
	z_stream stream = { .next_in = (Bytef *)body->packed.data, .avail_in = (uInt)body->packed.len };

	assert_int_equal(inflateInit2(&stream, GZIP), Z_OK);
	buffer_clear(out);
	assert_true(buffer_room(out, 4u << 20));
	stream.next_out = (Bytef *)out->data;
	stream.avail_out = 4u << 20;
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	out->len = stream.total_out;
	inflateEnd(&stream);
}

static void test_chunks_of_an_endpoint_go_together(void **state)
{
	struct upload_queue queue = { .first = NULL };
	struct upload_body body = { .items = 0 };
	struct buffer text = { .data = NULL };

	(void)state;
	assert_int_equal(add(&queue, 0, 2, SLICE("one ")) | add(&queue, 0, 3, SLICE("two ")) |
				 add(&queue, 1, 5, SLICE("other")) | add(&queue, 0, 7, SLICE("three")),
			 0);
	assert_int_equal(queue.bytes, 18);
	assert_int_equal(upload_body_take(&body, &queue), 0);
	unpacked(&body, &text);
	assert_true(slice_equal(slice_of(text.data, text.len), SLICE("one two ")));
	assert_true(body.items == 5 && body.endpoint == 0);
	assert_int_equal(upload_body_take(&body, &queue), 0);
	assert_true(body.items == 5 && body.endpoint == 1);
	assert_int_equal(upload_body_take(&body, &queue), 0);
	unpacked(&body, &text);
	assert_true(slice_equal(slice_of(text.data, text.len), SLICE("three")));
	assert_true(!queue.first && !queue.last && queue.bytes == 0);
	upload_body_fini(&body);
	buffer_fini(&text);
}

/* Of what does not compress, more than a piece of output; one chunk larger than a body goes alone. */
static void test_sizes(void **state)
{
	static uint8_t noise[UPLOAD_BODY_BYTES + 1];
	struct upload_queue queue = { .first = NULL };
	struct upload_body body = { .items = 0 };
	struct buffer text = { .data = NULL };
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
	assert_int_equal(add(&queue, 0, 1, slice_of(noise, sizeof(noise))) |
				 add(&queue, 0, 1, slice_of(noise, UPLOAD_BODY_BYTES / 2)) |
				 add(&queue, 0, 1, slice_of(noise, UPLOAD_BODY_BYTES / 2)) |
				 add(&queue, 0, 1, SLICE("x")),
			 0);
	for (size_t i = 0; i < 3; i++) {
		static const size_t lengths[] = { UPLOAD_BODY_BYTES + 1, UPLOAD_BODY_BYTES, 1 };

		assert_int_equal(upload_body_take(&body, &queue), 0);
		unpacked(&body, &text);
		assert_int_equal(text.len, lengths[i]);
		assert_int_equal(body.items, i == 1 ? 2 : 1);
	}
	assert_null(queue.first);
	upload_body_fini(&body);
	buffer_fini(&text);
}

static void test_no_memory(void **state)
{
	struct upload_queue queue = { .first = NULL };

	(void)state;
	alloc_fail_countdown = 1;
	assert_int_equal(add(&queue, 0, 1, SLICE("x")), -ENOMEM);
	assert_true(!queue.first && !queue.bytes);
	for (long nth = 1; nth < 3; nth++) {
		struct upload_body body = { .items = 0 };
		uint64_t lost;

		alloc_fail_countdown = 0;
		assert_int_equal(add(&queue, 0, 4, SLICE("x")) | add(&queue, 0, 5, SLICE("y")), 0);
		alloc_fail_countdown = nth;
		lost = upload_body_take(&body, &queue);
		assert_int_equal(lost, alloc_fail_countdown ? 0 : 9);
		assert_int_equal(body.items, alloc_fail_countdown ? 9 : 0);
		assert_null(queue.first);
		upload_body_fini(&body);
	}
	alloc_fail_countdown = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks_of_an_endpoint_go_together),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that a hostile HTTP/2 peer can make the decoder hold: one byte of
 * a header block stands for a whole entry of the table, and an entry of three
 * bytes takes five times that. What the decoder says of its memory is
 * true, and what it keeps has a limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http2_build.h"
#include "protocol.h"

#include <malloc.h>

#define LIMIT_BYTES (4u << 20)
#define STREAMS	    500
#define FIELDS	    100
#define VALUE_BYTES 4000

struct seen {
	size_t messages, truncated, notes[NOTE_COUNT];
};

static void on_head(void *ctx, struct message *message)
{
	(void)ctx;
	(void)message;
}

static void on_body(void *ctx, struct message *message, struct slice bytes)
{
	(void)ctx;
	(void)message;
	(void)bytes;
}

static void on_done(void *ctx, struct message *message)
{
	struct seen *seen = ctx;

	seen->messages++;
	seen->truncated += (message->flags & FLAG_TRUNCATED) != 0;
	/* Cut, but never without what comes first. */
	assert_true(slice_equal(message->method, SLICE("GET")) && slice_equal(message->target, SLICE("/")));
	message_free(message);
}

static void on_reset(void *ctx, uint32_t key, uint32_t error)
{
	(void)ctx;
	(void)key;
	(void)error;
}

static void on_note(void *ctx, enum protocol_note note, uint64_t n)
{
	((struct seen *)ctx)->notes[note] += n;
}

static struct protocol *begin(struct seen *seen, size_t limit_bytes, const size_t *given_bytes)
{
	const struct protocol_config config = {
		.role = ROLE_SERVER,
		.from_start = { true, true },
		.message_limit_bytes = 512 * 1024,
		.stream_limit = 2048,
		.table_limit_bytes = 1024 * 1024,
		.memory_limit_bytes = limit_bytes,
		.given_bytes = given_bytes,
	};
	const struct protocol_handler handler = {
		.ctx = seen,
		.head = on_head,
		.body = on_body,
		.done = on_done,
		.reset = on_reset,
		.note = on_note,
	};
	struct protocol *protocol = http2_protocol.create(&config, &handler);

	assert_non_null(protocol);
	http2_protocol.feed(protocol, DIRECTION_RECEIVED, slice_of(http2_preface, HTTP2_PREFACE_BYTES), 1);
	return protocol;
}

static void headers_feed(struct protocol *protocol, uint32_t stream, unsigned int flags, const uint8_t *block,
			 size_t len)
{
	struct build_chunk chunk = { .bytes = malloc(BUILD_CHUNK_SIZE) };

	build_frame(&chunk, FRAME_HEADERS, FRAME_FLAG_END_HEADERS | flags, stream, block, len);
	http2_protocol.feed(protocol, DIRECTION_RECEIVED, slice_of(chunk.bytes, chunk.len), 1);
	free(chunk.bytes);
}

/* A large field goes into the table; then streams that never end name it again and again. */
static void streams_feed(struct protocol *protocol, size_t count, unsigned int flags)
{
	struct build_chunk block = { .bytes = malloc(BUILD_CHUNK_SIZE) };
	uint8_t again[3 + FIELDS];

	build_add(&block, "\x82\x84\x86\x40\x01x", 6);
	build_integer(&block, 0, 7, VALUE_BYTES);
	for (int i = 0; i < VALUE_BYTES; i++)
		build_byte(&block, 'v');
	headers_feed(protocol, 1, flags, block.bytes, block.len);
	free(block.bytes);
	memcpy(again, "\x82\x84\x86", 3);
	memset(again + 3, 0xbe, FIELDS);
	for (uint32_t i = 1; i < count; i++)
		headers_feed(protocol, 1 + 2 * i, flags, again, sizeof(again));
}

static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* The address sanitizer's allocator tells nothing: then there is nothing to compare with. */
static void assert_is_about(size_t said, size_t before)
{
	size_t truly = allocated() - before;

	if (!allocated())
		return;
	assert_in_range(said, truly - truly / 8, truly + truly / 8);
}

static void test_heads(void **state)
{
	size_t before = allocated(), base;
	struct seen seen = { 0 };
	struct protocol *protocol = begin(&seen, LIMIT_BYTES, NULL);

	(void)state;
	base = http2_protocol.memory(protocol);
	streams_feed(protocol, STREAMS, 0);
	/* Of each something is kept, of all together little more than the limit. */
	assert_in_range(http2_protocol.memory(protocol), LIMIT_BYTES / 2, LIMIT_BYTES + STREAMS * 6144);
	assert_is_about(http2_protocol.memory(protocol), before);
	assert_in_range(seen.notes[NOTE_HEADER_LIMIT], STREAMS - 15, STREAMS - 5);
	http2_protocol.end(protocol, END_CLOSED, 2);
	assert_int_equal(seen.messages, STREAMS);
	assert_int_equal(seen.truncated, seen.notes[NOTE_HEADER_LIMIT]);
	assert_in_range(http2_protocol.memory(protocol), base, base + 16384);
	http2_protocol.destroy(protocol);
}

/* Without a limit nothing is cut. */
static void test_no_limit(void **state)
{
	struct seen seen = { 0 };
	struct protocol *protocol = begin(&seen, 0, NULL);

	(void)state;
	streams_feed(protocol, 20, 0);
	assert_true(http2_protocol.memory(protocol) > (size_t)19 * FIELDS * VALUE_BYTES);
	http2_protocol.end(protocol, END_CLOSED, 2);
	assert_int_equal(seen.truncated, 0);
	http2_protocol.destroy(protocol);
}

/* Messages that ended and wait for their answer are held by somebody else: they count all the same. */
static void test_given(void **state)
{
	size_t given = LIMIT_BYTES;
	struct seen seen = { 0 };
	struct protocol *protocol = begin(&seen, LIMIT_BYTES, &given);

	(void)state;
	streams_feed(protocol, 10, FRAME_FLAG_END_STREAM);
	assert_int_equal(seen.truncated, 10);
	given = 0;
	headers_feed(protocol, 101, FRAME_FLAG_END_STREAM, (const uint8_t *)"\x82\x84\x86\xbe", 4);
	assert_int_equal(seen.messages, 11);
	assert_int_equal(seen.truncated, 10);
	http2_protocol.end(protocol, END_CLOSED, 2);
	http2_protocol.destroy(protocol);
}

/* The table may have 1 MiB as its encoder counts: 32,768 empty entries. */
static void test_table(void **state)
{
	static const uint8_t entries[] = { 0x40, 0, 0, 0x40, 0, 0, 0x40, 0, 0, 0x40, 0, 0 };
	struct build_chunk block = { .bytes = malloc(BUILD_CHUNK_SIZE) };
	size_t before = allocated();
	struct seen seen = { 0 };
	struct protocol *protocol = begin(&seen, LIMIT_BYTES, NULL);

	(void)state;
	build_integer(&block, 0x20, 5, 1024 * 1024);
	build_add(&block, "\x82\x84\x86", 3);
	headers_feed(protocol, 1, FRAME_FLAG_END_STREAM, block.bytes, block.len);
	block.len = 0;
	build_add(&block, "\x82\x84\x86", 3);
	for (int i = 0; i < 1000; i++)
		build_add(&block, entries, sizeof(entries));
	for (uint32_t i = 1; i <= 8; i++)
		headers_feed(protocol, 1 + 2 * i, FRAME_FLAG_END_STREAM, block.bytes, block.len);
	free(block.bytes);
	assert_in_range(http2_protocol.memory(protocol), 32000 * 16, 32000 * 50);
	if (allocated())
		assert_in_range(http2_protocol.memory(protocol), (allocated() - before) / 8 * 6,
				(allocated() - before) / 8 * 10);
	http2_protocol.end(protocol, END_CLOSED, 2);
	http2_protocol.destroy(protocol);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

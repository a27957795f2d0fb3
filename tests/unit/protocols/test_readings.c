/* SPDX-License-Identifier: Apache-2.0 */
/* Codings before readers, what expands too far, facts and their bounds, and each allocation failing. */
#include "alloc_fail.h"

#include "../../../protocols/content/readings.c"

#include "../../../protocols/content/sse.c"

#include "../../../protocols/coding.c"

#include "reading_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define EVENTS "id: 1\ndata: one\n\ndata: two\n\n"
#define SHOWN                                                                       \
	"< message #1 id 1 3 [one]\n< message #2 id 1 3 [two]\nhark.sse.events=2\n" \
	"hark.sse.last_id=1\n"

static void readings_begin(struct reading_text *out, const char *coding)
{
	reading_text_init(out, READER_FACTS | READER_MESSAGES);
	out->message[MESSAGE_REQUEST]->first_byte_ns = 0;
	reading_text_field(out, MESSAGE_RESPONSE, "content-type", "text/event-stream");
	if (coding)
		reading_text_field(out, MESSAGE_RESPONSE, "content-encoding", coding);
	reading_text_head(out, MESSAGE_RESPONSE);
}

/* printf 'id: 1\ndata: one\n\ndata: two\n\n' through gzip -n, zlib, raw deflate, brotli and zstd. */
static const struct {
	const char *coding;
	struct slice bytes;
} coded[] = {
	{ NULL, SLICE(EVENTS) },
	{ "identity", SLICE(EVENTS) },
	{ "gzip",
	  SLICE("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x4c\xb1\x52\x30\xe4\x4a\x49\x2c\x49\xb4\x52\xc8"
		"\xcf\x4b\xe5\x82\x32\x4b\xca\xf3\xb9\xb8\x00\x2d\x1b\xbf\x07\x1c\x00\x00\x00") },
	{ "gzip",
	  SLICE("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x4c\xb1\x52\x30\xe4\x4a\x49\x2c\x49\xb4\x52\xc8"
		"\xcf\x4b\xe5\x02\x00\x23\x8a\xc3\x4c\x10\x00\x00\x00\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"
		"\xe3\x4a\x49\x2c\x49\xb4\x52\x28\x29\xcf\xe7\xe2\x02\x00\x8f\x3a\x70\x56\x0c\x00\x00\x00") },
	{ "deflate", SLICE("\x78\x9c\xcb\x4c\xb1\x52\x30\xe4\x4a\x49\x2c\x49\xb4\x52\xc8\xcf\x4b\xe5\x82\x32"
			   "\x4b\xca\xf3\xb9\xb8\x00\x76\x9f\x08\x0f") },
	{ "deflate", SLICE("\xcb\x4c\xb1\x52\x30\xe4\x4a\x49\x2c\x49\xb4\x52\xc8\xcf\x4b\xe5\x82\x32\x4b\xca"
			   "\xf3\xb9\xb8\x00") },
	{ "br", SLICE("\x8b\x0d\x80\x69\x64\x3a\x20\x31\x0a\x64\x61\x74\x61\x3a\x20\x6f\x6e\x65\x0a\x0a\x64"
		      "\x61\x74\x61\x3a\x20\x74\x77\x6f\x0a\x0a\x03") },
	{ "zstd", SLICE("\x28\xb5\x2f\xfd\x24\x1c\xe1\x00\x00\x69\x64\x3a\x20\x31\x0a\x64\x61\x74\x61\x3a\x20"
			"\x6f\x6e\x65\x0a\x0a\x64\x61\x74\x61\x3a\x20\x74\x77\x6f\x0a\x0a\x8f\x6a\x45\x5e") },
	{ "gzip, gzip",
	  SLICE("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x93\xef\xe6\x60\x00\x01\x26\xe6\xd3\x3e\x1b\x83\x0c"
		"\x9e\x78\x79\xea\x78\x6e\x09\x3a\x71\xde\xfb\x69\x93\x91\xf7\xa9\xcf\x3b\x77\x30\xe8\x4a\xef"
		"\x67\x97\x01\xaa\x00\x00\x2b\xda\x2b\xd2\x2a\x00\x00\x00") },
};

static void test_codings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(coded) / sizeof(coded[0]); i++) {
		for (size_t cut = 0; cut <= coded[i].bytes.len; cut++) {
			struct reading_text out;

			readings_begin(&out, coded[i].coding);
			reading_text_pieces(&out, MESSAGE_RESPONSE, slice_take(coded[i].bytes, cut), 0);
			reading_text_pieces(&out, MESSAGE_RESPONSE, slice_drop(coded[i].bytes, cut), 1);
			assert_string_equal(reading_text_end(&out), SHOWN);
			reading_text_fini(&out);
		}
	}
}

/* A hole in a coded body ends what is known of it; so do bytes that are not what they claim, and names
 * unknown. */
static void test_undecodable(void **state)
{
	struct reading_text out;

	(void)state;
	readings_begin(&out, "gzip");
	reading_text_hole(&out, MESSAGE_RESPONSE, 1);
	reading_text_feed(&out, MESSAGE_RESPONSE, coded[2].bytes);
	assert_string_equal(reading_text_end(&out), "");
	assert_true(out.message[MESSAGE_RESPONSE]->flags & FLAG_GAP);
	reading_text_fini(&out);
	readings_begin(&out, "gzip");
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("data: a\n\n"));
	assert_string_equal(reading_text_end(&out), "");
	assert_int_equal(out.refused, 1);
	reading_text_fini(&out);
	readings_begin(&out, "sdch");
	assert_false(readings_want(out.readings, MESSAGE_RESPONSE));
	assert_false(out.message[MESSAGE_RESPONSE]->flags & FLAG_GAP); /* nothing of it is missing */
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("data: a\n\n"));
	assert_string_equal(reading_text_end(&out), "");
	reading_text_fini(&out);
	readings_begin(&out, "gzip, gzip, gzip");
	assert_false(readings_want(out.readings, MESSAGE_RESPONSE));
	reading_text_fini(&out);
}

/* 64 MiB of zeros in 64 KiB are not worked through. */
static void test_expands(void **state)
{
	static uint8_t zeros[1 << 20], packed[1 << 17];
	z_stream z = { 0 };
	struct reading_text out;

	(void)state;
	deflateInit(&z, 9);
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	for (int i = 0; i < 64; i++) {
		z.next_in = zeros;
		z.avail_in = sizeof(zeros);
		deflate(&z, i == 63 ? Z_FINISH : Z_NO_FLUSH);
	}
	readings_begin(&out, "deflate");
	reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of(packed, sizeof(packed) - z.avail_out), 1024);
	assert_int_equal(out.refused, 1);
	assert_true(out.readings->half[MESSAGE_RESPONSE].clear_bytes <= 2 * EXPANDS_FREELY);
	assert_false(readings_want(out.readings, MESSAGE_RESPONSE));
	deflateEnd(&z);
	reading_text_fini(&out);
}

/* Nobody wants it, or its type has no reader. */
static void test_unwanted(void **state)
{
	struct reading_text out;

	(void)state;
	reading_text_init(&out, READER_OPERATION);
	reading_text_field(&out, MESSAGE_RESPONSE, "content-type", "text/event-stream");
	assert_false(reading_text_head(&out, MESSAGE_RESPONSE));
	assert_null(out.readings);
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("data: a\n\n"));
	assert_string_equal(reading_text_end(&out), "");
	reading_text_fini(&out);
	reading_text_init(&out, ~0u);
	reading_text_field(&out, MESSAGE_RESPONSE, "content-type", "text/html");
	assert_false(reading_text_head(&out, MESSAGE_RESPONSE));
	assert_null(out.readings);
	reading_text_fini(&out);
}

static void test_facts(void **state)
{
	static char text[2 * FACT_TEXT_MAX];
	struct reading_text out;
	struct reading *reading;

	(void)state;
	readings_begin(&out, NULL);
	reading = out.readings->first;
	reading_text(reading, MESSAGE_REQUEST, "a", SLICE("1"));
	reading_text(reading, MESSAGE_REQUEST, "a", SLICE("2"));
	reading_text(reading, MESSAGE_REQUEST, "b", slice_of(NULL, 0)); /* not known */
	reading_add(reading, MESSAGE_REQUEST, "c", SLICE("x"));
	reading_add(reading, MESSAGE_REQUEST, "c", SLICE("y"));
	reading_number(reading, MESSAGE_REQUEST, "d", 4);
	reading_forget(reading, MESSAGE_REQUEST, "d");
	reading_text_facts(&out, out.message[MESSAGE_REQUEST]->facts);
	assert_string_equal(out.text, "a=2\nc=x\nc=y\n");
	memset(text, 'x', sizeof(text));
	reading_text(reading, MESSAGE_REQUEST, "a", slice_of(text, sizeof(text)));
	assert_int_equal(out.message[MESSAGE_REQUEST]->facts->text.len, FACT_TEXT_MAX);
	assert_true(out.message[MESSAGE_REQUEST]->facts->cut);
	reading_text(reading, MESSAGE_REQUEST, "a", slice_of(text, FACT_TEXT_MAX));
	assert_false(out.message[MESSAGE_REQUEST]->facts->cut);
	for (int i = 0; i < FACTS_MAX; i++)
		reading_add(reading, MESSAGE_REQUEST, "c", SLICE("z"));
	assert_int_equal(out.refused, FACTS_MAX - (FACTS_OF_NAME - 2));
	reading_number(reading, MESSAGE_REQUEST, "d", 4); /* the many of one name leave room */
	assert_non_null(fact_find(out.message[MESSAGE_REQUEST]->facts, SLICE("d")));
	readings_leave(out.readings, MESSAGE_REQUEST);
	reading_number(reading, MESSAGE_REQUEST, "e", 4); /* nobody to keep it */
	reading_text_fini(&out);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (long n = 1; n < 60; n++) {
		struct reading_text out;

		for (size_t i = 0; i < sizeof(coded) / sizeof(coded[0]); i++) {
			reading_text_init(&out, READER_FACTS | READER_MESSAGES);
			reading_text_field(&out, MESSAGE_RESPONSE, "content-type", "text/event-stream");
			reading_text_field(&out, MESSAGE_RESPONSE, "content-encoding",
					   coded[i].coding ? coded[i].coding : "");
			alloc_fail_countdown = n;
			reading_text_head(&out, MESSAGE_RESPONSE);
			reading_text_pieces(&out, MESSAGE_RESPONSE, coded[i].bytes, 5);
			reading_text_end(&out);
			alloc_fail_countdown = 0;
			reading_text_fini(&out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codings), cmocka_unit_test(test_undecodable),
		cmocka_unit_test(test_expands), cmocka_unit_test(test_unwanted),
		cmocka_unit_test(test_facts),	cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

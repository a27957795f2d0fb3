/* SPDX-License-Identifier: Apache-2.0 */
/* Calls by rows, each whole, byte by byte and cut everywhere; trailers in bodies; holes invent nothing. */
#include "content/protobuf.h"
#include "reading_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <zstd.h>

#define GRPC  "application/grpc"
#define WEB   "application/grpc-web+proto"
#define TEXT  "application/grpc-web-text"
#define NAMES "rpc.service=shop.Cart\nrpc.method=Get\n"
/* 1: 150, of 3 bytes; the same by gzip */
#define ONE "\0\0\0\0\3\x08\x96\x01"
#define ZIPPED                                                                                             \
	"\1\0\0\0\x17\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xe3\x98\xc6\x08\x00\xa0\x95\x4e\xa1\x03\x00" \
	"\x00\x00"

static const struct {
	const char *name, *type, *encoding;
	struct slice bytes;
	const char *expected;
} rows[] = {
	{ "one message", GRPC, "identity", SLICE(ONE),
	  "< message #1 3 [1: 150\\0a]\n" NAMES
	  "hark.grpc.response.messages=1\nhark.grpc.response.size=3\n" },
	{ "none", GRPC, "", SLICE(""), NAMES "hark.grpc.response.messages=0\nhark.grpc.response.size=0\n" },
	{ "two, the first one empty", GRPC "+proto", "", SLICE("\0\0\0\0\0" ONE),
	  "< message #1 0 []\n< message #2 3 [1: 150\\0a]\n" NAMES
	  "hark.grpc.response.messages=2\nhark.grpc.response.size=3\n" },
	{ "compressed", GRPC, "gzip", SLICE(ZIPPED),
	  "< message #1 3 [1: 150\\0a]\nhark.message.compressed_size=23\n" NAMES
	  "hark.grpc.response.encoding=gzip\nhark.grpc.response.messages=1\nhark.grpc.response.size=23\n" },
	{ "compressed by what is not known", GRPC, "own", SLICE(ZIPPED),
	  "< message #1\nhark.message.compressed_size=23\n" NAMES
	  "hark.grpc.response.encoding=own\nhark.grpc.response.messages=1\nhark.grpc.response.size=23\n" },
	{ "JSON", GRPC "+json", "", SLICE("\0\0\0\0\2{}"),
	  "< message #1 2 [{}]\n" NAMES "hark.grpc.response.messages=1\nhark.grpc.response.size=2\n" },
	{ "cut within a message", GRPC, "", SLICE(ONE "\0\0\0\0\3\x08"),
	  "< message #1 3 [1: 150\\0a]\n" NAMES
	  "hark.grpc.response.messages=1\nhark.grpc.response.size=3\n" },
	{ "a flag that is none", GRPC, "", SLICE(ONE "\x80\0\0\0\0"), "< message #1 3 [1: 150\\0a]\n" NAMES },
	{ "gRPC-Web has its trailers in the body", WEB, "",
	  SLICE(ONE "\x80\0\0\0\x25grpc-status: 5\r\ngrpc-message:no%20x\r\n"),
	  "< message #1 3 [1: 150\\0a]\n" NAMES "hark.grpc.response.messages=1\nhark.grpc.response.size=3\n"
	  "hark.grpc.status_message=no x\noutcome 5\n" },
	{ "in base64, each part for itself", TEXT, "", SLICE("AAAAAAMIlgE=gAAAAA9ncnBjLXN0YXR1czogMA0K"),
	  "< message #1 3 [1: 150\\0a]\n" NAMES
	  "hark.grpc.response.messages=1\nhark.grpc.response.size=3\n" },
	{ "in no base64", TEXT, "", SLICE("AAAA!AMI"), NAMES },
};

static void begin(struct reading_text *out, const char *type, const char *encoding)
{
	reading_text_init(out, READER_FACTS | READER_MESSAGES | READER_BODIES | READER_OUTCOME);
	out->message[MESSAGE_REQUEST]->target = SLICE("/api/shop.Cart/Get?x");
	reading_text_field(out, MESSAGE_REQUEST, "content-type", type);
	reading_text_field(out, MESSAGE_RESPONSE, "content-type", type);
	reading_text_field(out, MESSAGE_RESPONSE, "grpc-encoding", encoding);
	assert_true(reading_text_head(out, MESSAGE_REQUEST));
	assert_true(reading_text_head(out, MESSAGE_RESPONSE));
}

/* What was told, and the outcome behind it, unless it is success. */
static const char *text_end(struct reading_text *out)
{
	int outcome;

	reading_text_end(out);
	outcome = grpc_content.outcome(out->message[MESSAGE_RESPONSE]);
	if (outcome > 0)
		reading_text_put(out, "outcome %d\n", outcome);
	return out->text;
}

static void test_rows(void **state)
{
	static const char empty[] = "hark.grpc.request.messages=0\nhark.grpc.request.size=0\n";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice bytes = rows[i].bytes;

		print_message("%s\n", rows[i].name);
		for (size_t cut = 0; cut <= bytes.len + 1; cut++) {
			struct reading_text out;
			char *found;

			begin(&out, rows[i].type, rows[i].encoding);
			reading_text_cut(&out, MESSAGE_RESPONSE, bytes, cut);
			text_end(&out);
			found = strstr(out.text, empty);
			assert_non_null(found);
			memmove(found, found + strlen(empty), strlen(found + strlen(empty)) + 1);
			assert_string_equal(out.text, rows[i].expected);
			reading_text_fini(&out);
		}
	}
}

static const struct {
	const char *text;
	const char *expected;
} timeouts[] = {
	{ "1H", "3600000000000" }, { "2M", "120000000000" },
	{ "10S", "10000000000" },  { "100m", "100000000" },
	{ "5u", "5000" },	   { "99999999n", "99999999" },
	{ "100", NULL },	   { "m", NULL },
	{ "123456789n", NULL },	   { "-1S", NULL },
};

static void test_timeouts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		struct reading_text out;
		char expected[64];

		reading_text_init(&out, READER_FACTS);
		reading_text_field(&out, MESSAGE_REQUEST, "content-type", GRPC);
		reading_text_field(&out, MESSAGE_REQUEST, "grpc-timeout", timeouts[i].text);
		reading_text_head(&out, MESSAGE_REQUEST);
		reading_text_end(&out);
		snprintf(expected, sizeof(expected), "hark.grpc.timeout_ms=%s\n",
			 timeouts[i].expected ? timeouts[i].expected : "");
		if (timeouts[i].expected)
			assert_non_null(strstr(out.text, expected));
		else
			assert_null(strstr(out.text, "timeout"));
		reading_text_fini(&out);
	}
}

/* A hole of each size everywhere: a message is as it was, or marked; a count is right, or absent. */
static void test_holes(void **state)
{
	struct slice bytes = SLICE(ONE "\0\0\0\0\2\x08\x07"
				       "\0\0\0\0\2\x08\x09");
	static const char *const whole[] = { "< message #1 3 [1: 150\\0a]",
					     "< message #2 2 [1: 7\\0a]",
					     "< message #3 2 [1: 9\\0a]",
					     "hark.grpc.response.messages=3",
					     "hark.grpc.response.size=7",
					     "rpc.service=shop.Cart",
					     "rpc.method=Get",
					     "hark.grpc.request.messages=0",
					     "hark.grpc.request.size=0" };

	(void)state;
	for (size_t from = 0; from < bytes.len; from++)
		for (size_t size = 1; from + size <= bytes.len; size++) {
			struct reading_text out;
			const char *line;

			begin(&out, GRPC, "");
			reading_text_around(&out, MESSAGE_RESPONSE, bytes, from, size);
			reading_text_end(&out);
			line = reading_text_invented(&out, whole, sizeof(whole) / sizeof(whole[0]));
			if (line)
				fail_msg("hole %zu+%zu: %s", from, size, line);
			reading_text_fini(&out);
		}
}

/* 4 GiB are announced, and a megabyte comes. */
static void test_large(void **state)
{
	static uint8_t bytes[1 << 20];
	struct reading_text out;

	(void)state;
	begin(&out, GRPC, "");
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("\0\xff\xff\xff\xff"));
	reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of(bytes, sizeof(bytes)), 0);
	assert_true(readings_memory(out.readings) < 140000);
	reading_text_fini(&out);
}

/* The decompressor hands out pieces: a message whose end is that of one is whole, too. */
static void test_zstd(void **state)
{
	static const size_t sizes[] = { 1, 8191, 8192, 8193, 16384 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char clear[16384], expected[64];
		uint8_t sent[256] = { 1 };
		struct reading_text out;

		memset(clear, 'x', sizeof(clear));
		sent[4] = (uint8_t)ZSTD_compress(sent + 5, sizeof(sent) - 5, clear, sizes[i], 3);
		begin(&out, GRPC "+json", "zstd");
		reading_text_feed(&out, MESSAGE_RESPONSE, slice_of(sent, 5u + sent[4]));
		snprintf(expected, sizeof(expected), "< message #1 %zu [x", sizes[i]);
		assert_non_null(strstr(out.text, expected));
		reading_text_fini(&out);
	}
}

/* Only how calls ended is wanted: of gRPC nothing is read, of gRPC-Web the trailers. */
static void test_outcome_alone(void **state)
{
	struct reading_text out;

	(void)state;
	reading_text_init(&out, READER_OUTCOME);
	reading_text_field(&out, MESSAGE_RESPONSE, "content-type", GRPC);
	assert_false(reading_text_head(&out, MESSAGE_RESPONSE));
	reading_text_fini(&out);
	reading_text_init(&out, READER_OUTCOME);
	reading_text_field(&out, MESSAGE_RESPONSE, "content-type", WEB);
	assert_true(reading_text_head(&out, MESSAGE_RESPONSE));
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE(ONE "\x80\0\0\0\x10grpc-status: 7\r\n"));
	reading_text_end(&out);
	assert_int_equal(grpc_content.outcome(out.message[MESSAGE_RESPONSE]), 7);
	reading_text_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	      cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_holes),	      cmocka_unit_test(test_large),
		cmocka_unit_test(test_outcome_alone), cmocka_unit_test(test_zstd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Frames by rows, those of the RFCs among them, each whole, byte by byte and cut everywhere; holes invent
 * nothing. */
#include "reading_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define DEFLATE "permessage-deflate"
#define ONCE	"permessage-deflate; server_no_context_takeover; server_max_window_bits=10"
#define LOST	"< unreadable flags 2\n"

static const struct {
	const char *name, *extensions;
	struct slice bytes;
	const char *expected;
} rows[] = {
	{ "RFC 6455, 5.7: text", "", SLICE("\x81\x05Hello"), "< text #1 5 [Hello]\n" },
	{ "in two frames", "", SLICE("\x01\x03Hel\x80\x02lo"),
	  "< text #1 5 [Hello]\nhark.message.frames=2\n" },
	{ "a ping between them", "", SLICE("\x01\x03Hel\x89\x02hi\x80\x02lo"),
	  "< ping 2 [hi]\n< text #1 5 [Hello]\nhark.message.frames=2\n" },
	{ "masked by a server all the same", "", SLICE("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
	  "< text #1 5 [Hello]\n" },
	{ "an empty text, then binary", "", SLICE("\x81\x00\x82\x02\x00\xff"),
	  "< text #1 0 []\n< binary #2 2 [\\00\\ff]\n" },
	{ "a length of 16 bits", "", SLICE("\x81\x7e\x00\x05Hello"), "< text #1 5 [Hello]\n" },
	{ "a length of 64 bits", "", SLICE("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05Hello"),
	  "< text #1 5 [Hello]\n" },
	{ "close with a code and a reason", "",
	  SLICE("\x88\x05\x03\xe8"
		"bye"),
	  "< close 5 [bye]\nhark.message.close_code=1000\n" },
	{ "close without", "", SLICE("\x88\x00"), "< close 0 []\n" },
	{ "RFC 7692, 7.2.3.1", DEFLATE, SLICE("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"),
	  "< text #1 5 [Hello]\nhark.message.compressed_size=7\n" },
	{ "7.2.3.2: the window goes on", DEFLATE,
	  SLICE("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00"),
	  "< text #1 5 [Hello]\nhark.message.compressed_size=7\n"
	  "< text #2 5 [Hello]\nhark.message.compressed_size=5\n" },
	{ "each for itself", ONCE,
	  SLICE("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"),
	  "< text #1 5 [Hello]\nhark.message.compressed_size=7\n"
	  "< text #2 5 [Hello]\nhark.message.compressed_size=7\n" },
	{ "7.2.3.3: a block without compression", DEFLATE, SLICE("\xc1\x0b\x00\x05\x00\xfa\xffHello\x00"),
	  "< text #1 5 [Hello]\nhark.message.compressed_size=11\n" },
	{ "7.2.3.4: a final block, and the window goes on", DEFLATE,
	  SLICE("\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00\xc1\x05\xf2\x00\x11\x00\x00"),
	  "< text #1 5 [Hello]\nhark.message.compressed_size=8\n"
	  "< text #2 5 [Hello]\nhark.message.compressed_size=5\n" },
	{ "final blocks with nothing behind them", DEFLATE,
	  SLICE("\xc1\x07\xf3\x48\xcd\xc9\xc9\x07\x00\xc1\x04\xf3\x00\x11\x00"),
	  "< text #1 5 [Hello]\nhark.message.compressed_size=7\n"
	  "< text #2 5 [Hello]\nhark.message.compressed_size=4\n" },
	{ "7.2.3.5: two blocks", DEFLATE,
	  SLICE("\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
	  "< text #1 5 [Hello]\nhark.message.compressed_size=13\n" },
	{ "in two frames, compressed", DEFLATE, SLICE("\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00"),
	  "< text #1 5 [Hello]\nhark.message.frames=2\nhark.message.compressed_size=7\n" },
	{ "not compressed, though it might be", DEFLATE, SLICE("\x81\x05Hello"), "< text #1 5 [Hello]\n" },
	{ "what does not decompress has no text, nor has what follows", DEFLATE,
	  SLICE("\xc1\x02\xff\xff\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x81\x01x"),
	  "< text #1 flags 2\nhark.message.compressed_size=2\n"
	  "< text #2 flags 2\nhark.message.compressed_size=7\n< text #3 1 [x]\n" },
	{ "each for itself: what follows has one", ONCE,
	  SLICE("\xc1\x02\xff\xff\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"),
	  "< text #1 flags 2\nhark.message.compressed_size=2\n< text #2 5 "
	  "[Hello]\nhark.message.compressed_size=7\n" },
	{ "compressed without an agreement", "", SLICE("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"), LOST },
	{ "an opcode that is none", "", SLICE("\x81\x01x\x83\x00\x81\x01y"), "< text #1 1 [x]\n" LOST },
	{ "a continuation of nothing", "", SLICE("\x80\x01x"), LOST },
	{ "a text within a text", "", SLICE("\x01\x01x\x81\x01y"), LOST },
	{ "a ping in frames", "", SLICE("\x09\x00"), LOST },
	{ "a ping too long", "", SLICE("\x89\x7e\x00\x80"), LOST },
	{ "a length that is none", "", SLICE("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"), LOST },
	{ "reserved bits", "", SLICE("\xa1\x01x"), LOST },
};

static void handshake(struct reading_text *out, const char *extensions)
{
	struct message **message = out->message;

	reading_text_init(out, READER_MESSAGES);
	reading_text_field(out, MESSAGE_REQUEST, "Upgrade", "websocket");
	message[MESSAGE_RESPONSE]->status = 101;
	if (extensions[0])
		reading_text_field(out, MESSAGE_RESPONSE, "Sec-WebSocket-Extensions", extensions);
	for (int kind = 0; kind < 2; kind++)
		assert_true(readings_head(&out->readings, &out->config, out,
					  content_of_upgrade(SLICE("WebSocket")), message[kind],
					  message[!kind]));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice bytes = rows[i].bytes;

		print_message("%s\n", rows[i].name);
		for (size_t cut = 0; cut <= bytes.len + 1; cut++) {
			struct reading_text out;

			handshake(&out, rows[i].extensions);
			reading_text_cut(&out, MESSAGE_RESPONSE, bytes, cut);
			assert_string_equal(reading_text_end(&out), rows[i].expected);
			reading_text_fini(&out);
		}
	}
}

/* Both directions have frames, windows and numbers of their own. */
static void test_both_directions(void **state)
{
	struct reading_text out;

	(void)state;
	handshake(&out, DEFLATE);
	reading_text_feed(&out, MESSAGE_REQUEST,
			  SLICE("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\xc1\x87\0\0\0\0\xf2\x48"));
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"));
	reading_text_feed(&out, MESSAGE_REQUEST, SLICE("\xcd\xc9\xc9\x07\x00\x8a\x80\0\0\0\0"));
	assert_string_equal(reading_text_end(&out), "> text #1 5 [Hello]\n"
						    "< text #1 5 [Hello]\nhark.message.compressed_size=7\n"
						    "> text #2 5 [Hello]\nhark.message.compressed_size=7\n"
						    "> pong 0 []\n");
	reading_text_fini(&out);
}

/* No answer but the one that agrees. */
static void test_claims(void **state)
{
	struct reading_text out;

	(void)state;
	reading_text_init(&out, READER_MESSAGES);
	assert_false(websocket_reader.claims(out.message[0], out.message[1]));
	reading_text_field(&out, MESSAGE_REQUEST, "upgrade", "h2c, websocket");
	out.message[1]->status = 200;
	assert_false(websocket_reader.claims(out.message[0], out.message[1]));
	out.message[1]->status = 101;
	assert_true(websocket_reader.claims(out.message[1], out.message[0]));
	assert_true(websocket_reader.claims(out.message[0], NULL));
	assert_false(websocket_reader.claims(out.message[1], NULL));
	reading_text_fini(&out);
	reading_text_init(&out, READER_MESSAGES);
	reading_text_field(&out, MESSAGE_REQUEST, ":protocol", "websocket");
	out.message[0]->version = HTTP_2;
	out.message[1]->status = 200;
	assert_true(websocket_reader.claims(out.message[1], out.message[0]));
	reading_text_fini(&out);
}

/* A hole of each size everywhere: what is shown behind it is as it was, or marked. */
static void test_holes(void **state)
{
	struct slice bytes = SLICE("\x81\x03one\x82\x04"
				   "four\x01\x02"
				   "ab\x80\x02"
				   "cd\x81\x05"
				   "after");
	static const char *const whole[] = { "< text #1 3 [one]", "< binary #2 4 [four]",
					     "< text #3 4 [abcd]", "hark.message.frames=2",
					     "< text #4 5 [after]" };

	(void)state;
	for (size_t from = 0; from < bytes.len; from++)
		for (size_t size = 1; from + size <= bytes.len; size++) {
			struct reading_text out;
			const char *line;

			handshake(&out, "");
			reading_text_around(&out, MESSAGE_RESPONSE, bytes, from, size);
			reading_text_end(&out);
			line = reading_text_invented(&out, whole, sizeof(whole) / sizeof(whole[0]));
			if (line)
				fail_msg("hole %zu+%zu: %s", from, size, line);
			reading_text_fini(&out);
		}
}

/* 64 MiB in one message, and as much that a few KiB expand to: a bounded part is kept. */
static void test_large(void **state)
{
	static uint8_t bytes[1 << 20];
	struct reading_text out;

	(void)state;
	handshake(&out, "");
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("\x82\x7f\x00\x00\x00\x00\x04\x00\x00\x00"));
	for (int i = 0; i < 64; i++)
		reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of(bytes, sizeof(bytes)), 0);
	assert_true(readings_memory(out.readings) < 16384);
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("\x81\x01x"));
	assert_non_null(strstr(out.text, "< binary #1 67108864 [\\00"));
	assert_non_null(strstr(out.text, "< text #2 1 [x]\n"));
	reading_text_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),   cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_claims), cmocka_unit_test(test_holes),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

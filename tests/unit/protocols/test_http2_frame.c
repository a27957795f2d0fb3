/* SPDX-License-Identifier: Apache-2.0 */
#include "http2/http2_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct row {
	const char *name, *hex;
	bool plausible, lawful;
};

static const struct row rows[] = {
	{ "data", "000005000100000001", true, true },
	{ "data, empty", "000000000000000001", true, true },
	{ "data without stream", "000005000100000000", false, false },
	{ "data with an undefined flag", "000005000200000001", false, true },
	{ "data padded without room", "000000000800000001", false, false },
	{ "data too large", "004001000000000001", false, true },
	{ "data as large as may be", "004000000000000001", true, true },
	{ "reserved bit", "000005000180000001", false, true },
	{ "headers", "00000d010500000001", true, true },
	{ "headers with all flags", "00000d012d00000001", true, true },
	{ "headers with priority without room", "000004012000000001", false, false },
	{ "headers padded with priority without room", "000005012800000001", false, false },
	{ "priority", "000005020000000003", true, true },
	{ "priority of another size", "000004020000000003", false, false },
	{ "rst_stream", "000004030000000003", true, true },
	{ "rst_stream without stream", "000004030000000000", false, false },
	{ "settings", "00000c040000000000", true, true },
	{ "settings of a stream", "00000c040000000001", false, false },
	{ "settings cut", "00000b040000000000", false, false },
	{ "settings ack", "000000040100000000", true, true },
	{ "settings ack with a payload", "000006040100000000", false, false },
	{ "push_promise", "000004050400000001", true, true },
	{ "push_promise cut", "000003050400000001", false, false },
	{ "ping", "000008060000000000", true, true },
	{ "ping of another size", "000009060000000000", false, false },
	{ "goaway", "000008070000000000", true, true },
	{ "goaway cut", "000007070000000000", false, false },
	{ "window_update of the connection", "000004080000000000", true, true },
	{ "window_update of a stream", "000004080000000001", true, true },
	{ "continuation", "000001090400000001", true, true },
	{ "continuation without stream", "000001090400000000", false, false },
	{ "unknown type", "0000010a0000000001", false, true },
	{ "zeros", "000000000000000000", false, false },
};

static size_t hex_read(const char *hex, uint8_t *out)
{
	unsigned int byte;
	size_t len = 0;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		out[len++] = (uint8_t)byte;
	return len;
}

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct http2_frame frame;
		uint8_t bytes[9];

		assert_int_equal(hex_read(rows[i].hex, bytes), 9);
		http2_frame_parse(bytes, &frame);
		if (http2_frame_plausible(bytes, HTTP2_DEFAULT_MAX_FRAME) != rows[i].plausible ||
		    http2_frame_lawful(&frame) != rows[i].lawful)
			fail_msg("%s", rows[i].name);
	}
}

static void test_parse(void **state)
{
	struct http2_frame frame;
	uint8_t bytes[9];

	(void)state;
	hex_read("0102030409ff000102", bytes);
	http2_frame_parse(bytes, &frame);
	assert_int_equal(frame.length, 0x010203);
	assert_int_equal(frame.type, 4);
	assert_int_equal(frame.flags, 9);
	assert_int_equal(frame.stream, 0x7f000102);
}

#define PING	"0000080600000000000000000000000000"
#define WINDOW	"00000408000000000000000001"
#define NOTHING "000000000000000001"
#define OPEN	"000001010000000001aa" /* HEADERS, without END_HEADERS */
#define GOES_ON "000001090400000001aa" /* CONTINUATION, the last */

struct chain_row {
	const char *name, *hex, *expected;
};

static const struct chain_row chains[] = {
	{ "nothing", "", "more 0" },
	{ "less than a header", "00000806", "more 0" },
	{ "no frame", "474554202f20485454", "none 0" },
	{ "one frame", PING, "more 1 exact" },
	{ "one frame and some", PING "00", "more 1" },
	{ "two frames", PING WINDOW, "more 2 exact" },
	{ "the third frame's header is enough", PING WINDOW "000008060000000000", "found 3" },
	{ "the third is none", PING WINDOW "ffffffffffffffffff", "none 0" },
	{ "a window grows", PING "00000408000000000100000000", "none 0" },
	{ "an error is a small number", PING "000008070000000000000000010000000b", "more 2 exact" },
	{ "a GOAWAY of a large error", PING "0000080700000000000000000001090000", "none 0" },
	{ "an RST_STREAM of a large error", PING "00000403000000000110000000", "none 0" },
	{ "an RST_STREAM that is cut", PING "000004030000000001100000", "more 2" },
	{ "a block goes on", OPEN GOES_ON PING, "found 3" },
	{ "the third is an RST_STREAM that is cut", PING WINDOW "000004030000000001100000", "more 3" },
	{ "a block whose begin is not there", GOES_ON PING WINDOW, "found 3" },
	{ "a block must go on", OPEN PING, "none 0" },
	{ "a block goes on on its stream", OPEN "000001090400000003aa", "none 0" },
	{ "a block goes on until its end", "000001090000000001aa" PING, "none 0" },
	{ "a block that was none goes on", PING GOES_ON, "none 0" },
	{ "empty data proves nothing", NOTHING NOTHING NOTHING NOTHING, "more 0" },
	{ "empty data among frames", PING NOTHING WINDOW NOTHING PING, "found 3" },
	{ "too much of nothing", NOTHING NOTHING NOTHING NOTHING NOTHING NOTHING NOTHING NOTHING NOTHING,
	  "none 0" },
};

static void test_chains(void **state)
{
	static const char *const verdicts[] = { "none", "more", "found" };

	(void)state;
	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++) {
		uint8_t bytes[256], *exact;
		size_t len = hex_read(chains[i].hex, bytes);
		struct http2_chain chain;
		char text[32];

		/* In memory of just that size: reading past the end shows under the address sanitizer. */
		exact = malloc(len ? len : 1);
		memcpy(exact, bytes, len);
		chain = http2_chain_judge(slice_of(exact, len), HTTP2_DEFAULT_MAX_FRAME, 3, NULL);
		snprintf(text, sizeof(text), "%s %u%s", verdicts[chain.verdict], chain.frames,
			 chain.exact_end ? " exact" : "");
		assert_string_equal(text, chains[i].expected);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

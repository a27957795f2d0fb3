/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7541's own examples, and every symbol there and back. */
#include "huffman.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *text;
	struct slice coded;
} rows[] = {
	/* RFC 7541, C.4 and C.6 */
	{ "www.example.com", SLICE("\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff") },
	{ "no-cache", SLICE("\xa8\xeb\x10\x64\x9c\xbf") },
	{ "custom-value", SLICE("\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf") },
	{ "302", SLICE("\x64\x02") },
	{ "Mon, 21 Oct 2013 20:13:21 GMT",
	  SLICE("\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff") },
	{ "", SLICE("") },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice text = slice_of_string(rows[i].text);
		uint8_t symbols[64], bytes[64];

		assert_int_equal(huffman_decode(rows[i].coded, symbols, sizeof(symbols)), text.len);
		assert_memory_equal(symbols, text.data, text.len);
		assert_true(huffman_encode(symbols, text.len, bytes, rows[i].coded.len));
		assert_memory_equal(bytes, rows[i].coded.data, rows[i].coded.len);
		assert_false(huffman_encode(symbols, text.len, bytes, rows[i].coded.len + 1));
		if (text.len) {
			assert_false(huffman_encode(symbols, text.len, bytes, rows[i].coded.len - 1));
			assert_int_equal(huffman_decode(rows[i].coded, symbols, text.len - 1), -1);
		}
	}
}

static void test_all_symbols(void **state)
{
	(void)state;
	for (int symbol = 0; symbol < 256; symbol++) {
		uint8_t in[8], out[8], bytes[32], like = huffman_like((uint8_t)symbol);
		size_t len = (huffman_bits((uint8_t)symbol) * 8 + 7) / 8;

		memset(in, symbol, sizeof(in));
		assert_true(huffman_encode(in, 8, bytes, len));
		assert_int_equal(huffman_decode(slice_of(bytes, len), out, 8), 8);
		assert_memory_equal(in, out, 8);
		assert_int_equal(huffman_bits(like), huffman_bits((uint8_t)symbol));
		assert_int_equal(huffman_like(like), like);
	}
}

static void test_wrong(void **state)
{
	static const struct slice wrong[] = {
		SLICE("\x00"),		   /* padding of zeros */
		SLICE("\xff"),		   /* a whole byte of padding */
		SLICE("\xff\xff\xff\xff"), /* the end symbol */
		SLICE("\x1f\xff"),
	};
	uint8_t symbols[16];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(huffman_decode(wrong[i], symbols, sizeof(symbols)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_all_symbols),
					    cmocka_unit_test(test_wrong) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

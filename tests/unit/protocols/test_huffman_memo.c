/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever came before, a string means what it means by itself. */
#include "huffman_memo.h"

#include "huffman.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ROUNDS 200000

/* As huffman_decode() has it, with room for so many symbols. */
static void assert_told(struct huffman_memo *memo, struct slice coded, size_t capacity)
{
	uint8_t expected[128], symbols[128];
	long count = huffman_decode(coded, expected, capacity);

	assert_int_equal(huffman_memo_decode(memo, coded, symbols, capacity), count);
	if (count > 0)
		assert_memory_equal(symbols, expected, (size_t)count);
}

static uint32_t random_next(uint32_t below)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(state >> 33) % below;
}

/* Few strings, which come again, alike in their ends, and as many lengths as there are. */
static struct slice coded_any(uint8_t *bytes)
{
	size_t len = 1 + random_next(HUFFMAN_MEMO_CODED + 8);
	uint8_t fill = (uint8_t)(random_next(3) * 0x44), odd = (uint8_t)random_next(4);

	for (size_t i = 0; i < len; i++)
		bytes[i] = fill;
	bytes[len / 2] = (uint8_t)(bytes[len / 2] + odd);
	bytes[len - 1] |= 0x7f; /* padding, of some */
	return slice_of(bytes, len);
}

static void test_any_order(void **state)
{
	struct huffman_memo memo = { 0 };
	uint8_t bytes[HUFFMAN_MEMO_CODED + 8];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct slice coded = coded_any(bytes);

		assert_told(&memo, coded, random_next(8) ? 128 : random_next(64));
		assert_told(&memo, coded, 128);
	}
}

/* The very same bytes are known again: what the memo holds is told. */
static void test_known(void **state)
{
	struct slice coded = SLICE("\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"); /* RFC 7541, C.4 */
	struct huffman_memo memo = { 0 };
	uint8_t symbols[32];

	(void)state;
	assert_int_equal(huffman_memo_decode(&memo, coded, symbols, sizeof(symbols)), 15);
	memo.known[0].symbols[0] = 'W';
	assert_int_equal(huffman_memo_decode(&memo, coded, symbols, sizeof(symbols)), 15);
	assert_memory_equal(symbols, "Www.example.com", 15);
	assert_int_equal(huffman_memo_decode(&memo, coded, symbols, 14), -1);
	assert_int_equal(huffman_memo_decode(NULL, coded, symbols, sizeof(symbols)), 15);
	assert_memory_equal(symbols, "www.example.com", 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_order), cmocka_unit_test(test_known) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

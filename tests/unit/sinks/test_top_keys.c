/* SPDX-License-Identifier: Apache-2.0 */
/* The table of top's keys: each means one thing, and the way out is the last. */
#include "sinks/top/top.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static void test_no_code_has_two_rows(void **state)
{
	static const char *const digits_and_moves = "1234jk";

	(void)state;
	for (size_t i = 0; i < top_key_count * TOP_KEY_CODES; i++) {
		uint32_t code = top_keys[i / TOP_KEY_CODES].codes[i % TOP_KEY_CODES];

		if (!code)
			continue;
		assert_false(code < 0x80 && strchr(digits_and_moves, (int)code));
		assert_int_equal(top_screen_rows(code, 10), 0);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(top_keys[j / TOP_KEY_CODES].codes[j % TOP_KEY_CODES], code);
	}
}

static void test_words_come_in_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < top_key_count; i++) {
		assert_int_equal(top_keys[i].bar_key != NULL, top_keys[i].bar_word != NULL);
		assert_int_equal(top_keys[i].help_keys != NULL, top_keys[i].help != NULL);
		assert_true(!top_keys[i].bar_key || top_keys[i].help);
	}
}

static void test_the_way_out_is_the_last(void **state)
{
	const struct top_key_row *last = &top_keys[top_key_count - 1];

	(void)state;
	assert_string_equal(last->bar_word, "Quit");
	for (const struct top_key_row *row = top_keys; row <= last; row++)
		if (row->codes[0])
			assert_int_equal(row->act == NULL, row == last);
}

static void test_rows_that_a_key_moves(void **state)
{
	(void)state;
	assert_int_equal(top_screen_rows(TOP_KEY_UP, 10), -1);
	assert_int_equal(top_screen_rows('j', 10), 1);
	assert_int_equal(top_screen_rows(TOP_KEY_PAGE_UP, 10), -9);
	assert_int_equal(top_screen_rows(TOP_KEY_PAGE_DOWN, 10), 9);
	assert_int_equal(top_screen_rows(TOP_KEY_PAGE_DOWN, 1), 1);
	assert_int_equal(top_screen_rows(TOP_KEY_PAGE_DOWN, 0), 1);
	assert_true(top_screen_rows(TOP_KEY_HOME, 10) < -1000000);
	assert_true(top_screen_rows(TOP_KEY_END, 10) > 1000000);
	assert_int_equal(top_screen_rows('x', 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_code_has_two_rows),
		cmocka_unit_test(test_words_come_in_pairs),
		cmocka_unit_test(test_the_way_out_is_the_last),
		cmocka_unit_test(test_rows_that_a_key_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

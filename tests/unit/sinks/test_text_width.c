/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/text_width.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text;
	size_t width;
} widths[] = {
	{ "", 0 }, { "abc", 3 }, { "\033[31mred\033[0m", 3 }, { "日本", 4 }, { "e\u0301a", 2 }, { "שלום", 4 },
};

static const struct {
	const char *text;
	size_t width;
	bool utf8;
	const char *cut;
} cuts[] = {
	{ "short", 5, true, "short" },
	{ "abcdefghij", 7, true, "abc…hij" },
	{ "abcdefghij", 8, true, "abcd…hij" },
	{ "abcdefghij", 8, false, "abc..hij" },
	{ "abcdefghij", 3, true, "a…j" },
	{ "日本語日本語", 7, true, "日…語" }, /* half a character does not fit */
	{ "aaaae\u0301bbbb", 5, true, "aa…bb" },
	{ "aaaaaaaabe\u0301", 3, true, "a…e\u0301" },
};

static const struct {
	const char *text;
	size_t width;
	bool utf8;
	const char *cut;
} ends[] = {
	{ "short", 5, true, "short" }, { "abcdef", 5, true, "abcd…" },	     { "abcdef", 5, false, "abc.." },
	{ "abcdef", 2, true, "a…" },   { "日本語日本語", 6, true, "日本…" }, /* half a character does not fit
									      */
	{ "", 2, true, "" },
};

static void test_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct buffer buffer = { .data = NULL };

		buffer_string(&buffer, "before ");
		buffer_string(&buffer, ends[i].text);
		text_cut_end(&buffer, 7, ends[i].width, ends[i].utf8);
		buffer_char(&buffer, '\0');
		assert_string_equal(buffer.data + 7, ends[i].cut);
		buffer_fini(&buffer);
	}
}

static void test_widths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		assert_int_equal(text_width(widths[i].text, strlen(widths[i].text)), widths[i].width);
}

/* Plain text of each length, and with a character of two bytes, or a colour, at each place of it. */
static void test_widths_by_words(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	char text[64];

	(void)state;
	for (size_t len = 0; len <= 26; len++) {
		assert_int_equal(text_width(letters, len), len);
		for (size_t at = 0; at <= len; at++) {
			snprintf(text, sizeof(text), "%.*s\u00e9%.*s", (int)at, letters, (int)(len - at),
				 letters + at);
			assert_int_equal(text_width(text, len + 2), len + 1);
			snprintf(text, sizeof(text), "%.*s\033[1m%.*s", (int)at, letters, (int)(len - at),
				 letters + at);
			assert_int_equal(text_width(text, len + 4), len);
		}
	}
}

static void test_cuts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct buffer buffer = { .data = NULL };

		buffer_string(&buffer, "before ");
		buffer_string(&buffer, cuts[i].text);
		text_cut_middle(&buffer, 7, cuts[i].width, cuts[i].utf8);
		buffer_char(&buffer, '\0');
		assert_string_equal(buffer.data + 7, cuts[i].cut);
		buffer_fini(&buffer);
	}
}

/* Whatever the width, it is kept, and the text stays well-formed. */
static void test_every_width(void **state)
{
	static const char text[] = "/ab/日本語/e\u0301e\u0301/שלום/\U0001f600\U0001f600/xyz";

	(void)state;
	for (size_t width = 3; width < 60; width++) {
		struct buffer buffer = { .data = NULL };

		buffer_string(&buffer, text);
		text_cut_middle(&buffer, 0, width, true);
		assert_true(text_width(buffer.data, buffer.len) <= width);
		buffer_char(&buffer, '\0');
		assert_true(mbstowcs(NULL, buffer.data, 0) != (size_t)-1);
		buffer_fini(&buffer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),	    cmocka_unit_test(test_widths_by_words),
		cmocka_unit_test(test_cuts),	    cmocka_unit_test(test_ends),
		cmocka_unit_test(test_every_width),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

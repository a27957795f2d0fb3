/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

/* clang-format off */
#define IN(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }
/* clang-format on */

static const struct {
	const char *name;
	struct slice input;
	const char *ascii, *utf8, *json;
} rows[] = {
	{ "empty", IN(""), "", "", "\"\"" },
	{ "plain", IN("GET /a b~"), "GET /a b~", "GET /a b~", "\"GET /a b~\"" },
	{ "short escapes", IN("\n\r\t\\"), "\\n\\r\\t\\\\", "\\n\\r\\t\\\\", "\"\\n\\r\\t\\\\\"" },
	{ "quote", IN("a\"b"), "a\"b", "a\"b", "\"a\\\"b\"" },
	{ "controls", IN("\x00\x1b[2J\x7f"), "\\x00\\x1b[2J\\x7f", "\\x00\\x1b[2J\\x7f",
	  "\"\\u0000\\u001b[2J\\u007f\"" },
	{ "two bytes", IN("\xc3\xa9"), "\\xc3\\xa9", "\xc3\xa9", "\"\xc3\xa9\"" },
	{ "four bytes", IN("\xf0\x9f\x98\x80"), "\\xf0\\x9f\\x98\\x80", "\xf0\x9f\x98\x80",
	  "\"\xf0\x9f\x98\x80\"" },
	{ "C1 control", IN("\xc2\x9b"), "\\xc2\\x9b", "\\xc2\\x9b", "\"\\u009b\"" },
	{ "bidi override", IN("a\xe2\x80\xae"), "a\\xe2\\x80\\xae", "a\\xe2\\x80\\xae", "\"a\\u202e\"" },
	{ "line separator", IN("\xe2\x80\xa8"), "\\xe2\\x80\\xa8", "\\xe2\\x80\\xa8", "\"\\u2028\"" },
	{ "zero width", IN("\xe2\x80\x8b"), "\\xe2\\x80\\x8b", "\\xe2\\x80\\x8b", "\"\\u200b\"" },
	{ "tag beyond 16 bits", IN("\xf3\xa0\x80\x81"), "\\xf3\\xa0\\x80\\x81", "\\xf3\\xa0\\x80\\x81",
	  "\"\\udb40\\udc01\"" },
	{ "a backslash and xff are no escaped byte", IN("\\xff\xff\\xg0\\x5cxff\\x"),
	  "\\\\xff\\xff\\\\xg0\\\\x5cxff\\\\x", "\\\\xff\\xff\\\\xg0\\\\x5cxff\\\\x",
	  "\"\\\\x5cxff\\\\xff\\\\xg0\\\\x5cx5cxff\\\\x\"" },
	{ "lone continuation", IN("\x80x"), "\\x80x", "\\x80x", "\"\\\\x80x\"" },
	{ "cut character", IN("\xe2\x82"), "\\xe2\\x82", "\\xe2\\x82", "\"\\\\xe2\\\\x82\"" },
	{ "overlong", IN("\xc0\xaf\xe0\x80\xaf"), "\\xc0\\xaf\\xe0\\x80\\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf",
	  "\"\\\\xc0\\\\xaf\\\\xe0\\\\x80\\\\xaf\"" },
	{ "surrogate", IN("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\\xed\\xa0\\x80",
	  "\"\\\\xed\\\\xa0\\\\x80\"" },
	{ "beyond Unicode", IN("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80",
	  "\"\\\\xf4\\\\x90\\\\x80\\\\x80\"" },
};

static void assert_buffer(struct buffer *buffer, const char *name, const char *expected)
{
	buffer_char(buffer, '\0');
	if (strcmp(buffer->data, expected) != 0)
		fail_msg("%s: %s, not %s", name, buffer->data, expected);
	buffer_clear(buffer);
}

static void test_rows(void **state)
{
	struct buffer buffer = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		escape_text(&buffer, rows[i].input, false);
		assert_buffer(&buffer, rows[i].name, rows[i].ascii);
		escape_text(&buffer, rows[i].input, true);
		assert_buffer(&buffer, rows[i].name, rows[i].utf8);
		escape_json(&buffer, rows[i].input);
		assert_buffer(&buffer, rows[i].name, rows[i].json);
	}
	buffer_fini(&buffer);
}

/* What JSON has behind its quotes, and no byte that acts on a terminal. */
static void test_column(void **state)
{
	static const struct {
		struct slice input;
		const char *expected;
	} columns[] = {
		{ IN(""), "" },
		{ IN("GET /a b~\"\\ \xc3\xa9"), "GET /a b~\"\\ \xc3\xa9" },
		{ IN("\x00\n\x1b[2J\x7f\xff"), "\\x00\\x0a\\x1b[2J\\x7f\\xff" },
		{ IN("\\xff\\xg0\\"), "\\x5cxff\\xg0\\" },
		{ IN("\xc2\x9b\xe2\x80\xae\xe2\x82"), "\\xc2\\x9b\\xe2\\x80\\xae\\xe2\\x82" },
	};
	struct buffer buffer = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		escape_column(&buffer, columns[i].input);
		assert_buffer(&buffer, "column", columns[i].expected);
	}
	buffer_fini(&buffer);
}

/* Text that is never escaped otherwise keeps its backslashes. */
static void test_json_text(void **state)
{
	struct buffer buffer = { 0 };

	(void)state;
	escape_json_text(&buffer, SLICE("\\xff\n"));
	assert_buffer(&buffer, "text", "\"\\\\xff\\n\"");
	buffer_fini(&buffer);
}

/* Each length up to five words, plain, and with each byte that is not at each place. */
static void test_lengths(void **state)
{
	static const struct {
		char byte;
		const char *text, *json;
	} odd[] = { { 'x', "x", "x" },
		    { '"', "\"", "\\\"" },
		    { '\\', "\\\\", "\\\\" },
		    { '\n', "\\n", "\\n" },
		    { '\x1f', "\\x1f", "\\u001f" },
		    { '\x7f', "\\x7f", "\\u007f" },
		    { '\x80', "\\x80", "\\\\x80" },
		    { '\xff', "\\xff", "\\\\xff" } };
	static const char plain[] = " ~!#[]^AZaz09{}|";
	struct buffer buffer = { 0 };

	(void)state;
	for (size_t len = 1; len <= 40; len++) {
		for (size_t at = 0; at < len; at++) {
			for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
				char input[40], before[41] = "", after[41] = "", expected[64];

				for (size_t k = 0; k < len; k++)
					input[k] = (k < at ? before : after)[k < at ? k : k - at - (k > at)] =
						plain[(k + len) % (sizeof(plain) - 1)];
				after[len - at - 1] = '\0';
				input[at] = odd[i].byte;
				snprintf(expected, sizeof(expected), "%s%s%s", before, odd[i].text, after);
				escape_text(&buffer, slice_of(input, len), false);
				assert_buffer(&buffer, "text", expected);
				snprintf(expected, sizeof(expected), "\"%s%s%s\"", before, odd[i].json,
					 after);
				escape_json(&buffer, slice_of(input, len));
				assert_buffer(&buffer, "json", expected);
			}
		}
	}
	buffer_fini(&buffer);
}

/* Whatever comes in, what goes out is printable ASCII or well-formed UTF-8, in both forms. */
static void test_output_is_always_clean(void **state)
{
	struct buffer buffer = { 0 };
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[12];
		struct slice out;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			random = random * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(random >> 24);
		}
		if (round % 2)
			escape_text(&buffer, slice_of(bytes, sizeof(bytes)), true);
		else
			escape_json(&buffer, slice_of(bytes, sizeof(bytes)));
		out = slice_of(buffer.data, buffer.len);
		assert_true(escape_utf8_is_text(out));
		for (size_t i = 0; i < out.len; i++)
			assert_true(out.data[i] >= 0x20 && out.data[i] != 0x7f);
		buffer_clear(&buffer);
	}
	buffer_fini(&buffer);
}

static void test_base64(void **state)
{
	static const struct {
		struct slice input;
		const char *expected;
	} cases[] = { { IN(""), "" },
		      { IN("f"), "Zg==" },
		      { IN("fo"), "Zm8=" },
		      { IN("foo"), "Zm9v" },
		      { IN("\xff\xfe\xfd\xfc"), "//79/A==" } };
	struct buffer buffer = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		escape_base64(&buffer, cases[i].input);
		assert_buffer(&buffer, "base64", cases[i].expected);
	}
	buffer_fini(&buffer);
}

static void test_trim(void **state)
{
	static const struct {
		struct slice input;
		size_t len;
	} cases[] = { { IN(""), 0 },
		      { IN("abc"), 3 },
		      { IN("a\xc3\xa9"), 3 },
		      { IN("a\xc3"), 1 },
		      { IN("a\xe2\x82"), 1 },
		      { IN("a\xf0\x9f\x98"), 1 },
		      { IN("\xe2\x82\xac"), 3 },
		      { IN("\x80\x80\x80\x80"), 4 },
		      { IN("\xe2"), 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(escape_utf8_trim(cases[i].input).len, cases[i].len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_json_text),
		cmocka_unit_test(test_column),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_output_is_always_clean),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_trim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

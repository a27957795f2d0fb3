/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void check(const char *what, struct slice got, const char *expected)
{
	if (!expected != !got.data || !slice_equal(got, slice_of_string(expected)))
		fail_msg("%s: got %.*s, not %s", what, (int)got.len, got.data ? (const char *)got.data : "",
			 expected ? expected : "none");
}

static const struct {
	const char *text, *name, *value;
} members[] = {
	{ "{\"a\":1,\"b\":\"x\"}", "a", "1" },
	{ "{\"a\":1,\"b\":\"x\"}", "b", "\"x\"" },
	{ " { \"a\" : {\"b\":[1,2,{\"c\":\"}\"}]} , \"c\" : true }", "a", "{\"b\":[1,2,{\"c\":\"}\"}]} " },
	{ " { \"a\" : {\"b\":[1,2,{\"c\":\"}\"}]} , \"c\" : true }", "c", "true " },
	{ "{\"a\":{\"b\":1}}", "b", NULL },
	{ "{\"\\\\\":1,\"a\":\"\\\"\",\"b\":2}", "b", "2" },
	{ "{\"a\":1,\"a\":2}", "a", "1" },
	{ "{}", "a", NULL },
	{ "[\"a\",1]", "a", NULL },
	{ "\"a\"", "a", NULL },
	{ "", "a", NULL },
	{ "{\"a\"", "a", NULL },
	{ "{\"a\":", "a", NULL },
	{ "{\"a\":\"x", "a", NULL },
	{ "{\"a\":[1", "a", NULL },
	{ "{\"a\" 1}", "a", NULL },
	{ "{a:1}", "a", NULL },
};

static void test_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		check(members[i].text, json_text_member(slice_of_string(members[i].text), members[i].name),
		      members[i].value);
}

static void test_elements(void **state)
{
	struct slice list = json_text_inside(SLICE(" [1, \"a\",[2,3] ,{\"b\":4}]"), '['), value;
	static const char *const expected[] = { "1", "\"a\"", "[2,3] ", "{\"b\":4}" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(json_text_next(&list, NULL, &value));
		check("element", value, expected[i]);
	}
	assert_false(json_text_next(&list, NULL, &value));
	list = json_text_inside(SLICE("[]"), '[');
	assert_false(json_text_next(&list, NULL, &value));
	assert_null(json_text_inside(SLICE("{}"), '[').data);
}

static const struct {
	const char *text, *value; /* NULL: it is wrong */
} strings[] = {
	{ "\"abc\"", "abc" },
	{ "\"\"", "" },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
	{ "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\"\xc3\xa9\"", "\xc3\xa9" },
	{ "\"\\u0000\"", NULL },
	{ "\"\\ud83d\"", NULL },
	{ "\"\\ud83d\\u0041\"", NULL },
	{ "\"\\ude00\"", NULL },
	{ "\"\\u00g0\"", NULL },
	{ "\"\\u00\"", NULL },
	{ "\"\\x41\"", NULL },
	{ "\"abc", NULL },
	{ "\"a\\\"", NULL },
	{ "abc", NULL },
	{ "1", NULL },
	{ "", NULL },
};

static void test_strings(void **state)
{
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		ssize_t len = json_text_string(slice_of_string(strings[i].text), out, sizeof(out));

		if (strings[i].value)
			assert_int_equal(len, strlen(strings[i].value));
		else
			assert_int_equal(len, -EINVAL);
		assert_string_equal(out, strings[i].value ? strings[i].value : "");
	}
	assert_int_equal(json_text_string(SLICE("\"abc\""), out, 4), 3);
	assert_int_equal(json_text_string(SLICE("\"abc\""), out, 3), -ENAMETOOLONG);
	assert_string_equal(out, "");
	assert_int_equal(json_text_string(SLICE("\"ab\\u20ac\""), out, 5), -ENAMETOOLONG);
	assert_int_equal(json_text_string(SLICE("\"a\0b\""), out, sizeof(out)), -EINVAL);
}

/* Each beginning of a text, in memory of just its size: nothing is read behind it. */
static void test_cut_anywhere(void **state)
{
	static const char text[] = "{\"a\":[\"\\ud83d\\ude00\",{\"id\":\"x\\n\"},-1.5e3],\"b\":{\"c\":null}}";
	char out[16];

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		char *copy = malloc(len + !len);
		struct slice rest = json_text_inside(slice_of(memcpy(copy, text, len), len), '{'), key, value,
			     list;

		while (json_text_next(&rest, &key, &value)) {
			list = json_text_inside(value, '[');
			while (json_text_next(&list, NULL, &value)) {
				(void)json_text_string(value, out, sizeof(out));
				(void)json_text_member(value, "id");
			}
		}
		free(copy);
	}
}

/* A million levels are no million calls. */
static void test_depth(void **state)
{
	size_t size = 1000000;
	char *text = malloc(size);

	(void)state;
	memset(text, '[', size);
	assert_null(json_text_member(slice_of(text, size), "a").data);
	memcpy(text, "{\"a\":", 5);
	assert_null(json_text_member(slice_of(text, size), "a").data);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members), cmocka_unit_test(test_elements),
		cmocka_unit_test(test_strings), cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* JSON by rows, each whole, byte by byte and cut everywhere. */
#include "content/json_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
	size_t len;
	char text[8192];
};

static void put(struct text *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && out->len + 4 < sizeof(out->text); i++) {
		unsigned char c = (unsigned char)bytes[i];

		out->len += (size_t)sprintf(out->text + out->len, c >= ' ' && c < 0x7f ? "%c" : "\\%02x", c);
	}
}

/* "a.#=x " of a value, "a{" and "a[" and "a/" of what begins and ends; what is called "skip" is passed over.
 */
static bool on_value(void *ctx, const struct json_value *value)
{
	static const char *const marks[] = { "{ ", "[ ", "/ ", "=", "=", "=true ", "=false ", "=null ", "!" };
	struct text *out = ctx;

	put(out, (const char *)value->path.data, value->path.len);
	put(out, marks[value->type], strlen(marks[value->type]));
	if (value->type == JSON_STRING || value->type == JSON_NUMBER) {
		if (value->text.data)
			put(out, (const char *)value->text.data, value->text.len);
		else
			put(out, "(unknown)", 9);
		put(out, value->cut ? "... " : " ", value->cut ? 4 : 1);
	}
	return !slice_equal(value->key, SLICE("skip"));
}

static const struct {
	const char *name, *bytes, *expected;
} rows[] = {
	{ "members", "{\"a\": 1, \"b\":\"x\" ,\"c\":true,\"d\":false,\"e\":null}",
	  "{ a=1 b=x c=true d=false e=null / !" },
	{ "elements", "[1,[2,{\"a\":[]}],\"x\"]", "[ #=1 #[ #.#=2 #.#{ #.#.a[ #.#.a/ #.#/ #/ #=x / !" },
	{ "the path comes back", "{\"a\":{\"b\":{\"c\":1},\"d\":2},\"e\":3}",
	  "{ a{ a.b{ a.b.c=1 a.b/ a.d=2 a/ e=3 / !" },
	{ "empty ones", "{\"a\":{},\"b\":[],\"c\":\"\"}", "{ a{ a/ b[ b/ c= / !" },
	{ "blanks", " \t\r\n{ \"a\" : [ 1 , 2 ] } \n", "{ a[ a.#=1 a.#=2 a/ / !" },
	{ "what is passed over", "{\"skip\":{\"a\":[1,{\"b\":\"}\"}]},\"c\":1}", "{ skip{ skip/ c=1 / !" },
	{ "escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"]",
	  "[ #=\"\\/\\08\\0c\\0a\\0d\\09 #=A\\c3\\a9\\e2\\82\\ac\\f0\\9f\\98\\80 / !" },
	{ "half a surrogate is no character",
	  "[\"\\ud83dx\",\"\\ude00\",\"\\ud83d\",\"\\ud83d\\u0041\",\"y\"]",
	  "[ #=(unknown) #=(unknown) #=(unknown) #=(unknown) #=y / !" },
	{ "escaped keys are keys", "{\"\\u0061\":1}", "{ a=1 / !" },
	{ "keys that could be paths", "{\"a.b\":1,\"#\":2,\"\":3,\"?\":4,\"a\\u0000\":5}",
	  "{ ?=1 ?=2 ?=3 ?=4 ?=5 / !" },
	{ "a long key", "{\"0123456789012345678901234567890123456789012345678\":1}", "{ ?=1 / !" },
	{ "a long path is passed over and comes back",
	  "{\"0123456789012345678901234567890123456789\":{\"0123456789012345678901234567890123456789\":"
	  "{\"0123456789012345678901234567890123456789\":{\"0123456789\":{\"x\":[1]},\"y\":2}}},\"z\":3}",
	  "{ 0123456789012345678901234567890123456789{ "
	  "0123456789012345678901234567890123456789.0123456789012345678901234567890123456789{ "
	  "0123456789012345678901234567890123456789.0123456789012345678901234567890123456789."
	  "0123456789012345678901234567890123456789{ "
	  "0123456789012345678901234567890123456789.0123456789012345678901234567890123456789."
	  "0123456789012345678901234567890123456789.y=2 "
	  "0123456789012345678901234567890123456789.0123456789012345678901234567890123456789."
	  "0123456789012345678901234567890123456789/ "
	  "0123456789012345678901234567890123456789.0123456789012345678901234567890123456789/ "
	  "0123456789012345678901234567890123456789/ z=3 / !" },
	{ "a string that is cut", "[\"0123456789012345\",\"01234567890123456\"]",
	  "[ #=0123456789012345 #=0123456789012345... / !" },
	{ "numbers", "[0,-1,1.5,1e9,-0.5E-3]", "[ #=0 #=-1 #=1.5 #=1e9 #=-0.5E-3 / !" },
	{ "no numbers", "[01]", "[ " },
	{ "no numbers 2", "[1.]", "[ " },
	{ "no numbers 3", "[-]", "[ " },
	{ "no numbers 4", "[1e]", "[ " },
	{ "no numbers 5", "[+1]", "[ " },
	{ "alone", "\"x\"", "=x !" },
	{ "a second document", "{} {}", "{ / !" },
	{ "no commas", "[1 2]", "[ #=1 " },
	{ "a comma too many", "[1,]", "[ #=1 " },
	{ "a comma too many 2", "{\"a\":1,}", "{ a=1 " },
	{ "the wrong bracket", "[1}", "[ #=1 " },
	{ "the wrong bracket 2", "{\"a\":1]", "{ a=1 " },
	{ "no colon", "{\"a\" 1}", "{ " },
	{ "no key", "{1:1}", "{ " },
	{ "no word", "[trie]", "[ " },
	{ "no escape", "[\"\\x\"]", "[ " },
	{ "no unicode", "[\"\\u00g0\"]", "[ " },
	{ "a line feed in a string", "[\"a\nb\"]", "[ " },
	{ "not ended", "{\"a\":[1", "{ a[ " },
	{ "no UTF-8 passes as it is", "[\"\xff\xfe\"]", "[ #=\\ff\\fe / !" },
};

static void check(const char *bytes, const char *expected, bool lines)
{
	struct slice all = slice_of_string(bytes);

	for (size_t cut = 0; cut <= all.len + 1; cut++) {
		struct json_stream json = { .text_max = 16, .lines = lines };
		struct text out = { 0 };

		json_stream_feed(&json, slice_take(all, cut), on_value, &out);
		for (struct slice rest = slice_drop(all, cut); rest.len; rest = slice_drop(rest, 1))
			json_stream_feed(&json, slice_take(rest, 1), on_value, &out);
		out.text[out.len] = '\0';
		assert_string_equal(out.text, expected);
		json_stream_fini(&json);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		check(rows[i].bytes, rows[i].expected, false);
	}
}

static void test_lines(void **state)
{
	(void)state;
	check("{\"a\":1}\n{\"b\":2}\n", "{ a=1 / !{ b=2 / !", true);
}

/* Deeper than the limit is no JSON to us; as deep as it is, whole. */
static void test_depth(void **state)
{
	char bytes[2 * JSON_DEPTH_MAX + 3];

	(void)state;
	for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		struct json_stream json = { .text_max = 16 };
		struct text *out = calloc(1, sizeof(*out));

		memset(bytes, '[', depth);
		memset(bytes + depth, ']', depth);
		json_stream_feed(&json, slice_of(bytes, 2 * depth), on_value, out);
		assert_int_equal(json.state, depth <= JSON_DEPTH_MAX ? JSON_BEHIND : JSON_WRONG);
		json_stream_fini(&json);
		free(out);
	}
}

/* A megabyte in a string, in a key and in a number: what is held is bounded. */
static void test_large(void **state)
{
	static const char *const begins[] = { "[\"", "{\"", "[1" };
	static char bytes[1 << 20];

	(void)state;
	memset(bytes, '7', sizeof(bytes));
	for (size_t i = 0; i < 3; i++) {
		struct json_stream json = { .text_max = 1024 };
		struct text out = { 0 };

		json_stream_feed(&json, slice_of_string(begins[i]), on_value, &out);
		json_stream_feed(&json, slice_of(bytes, sizeof(bytes)), on_value, &out);
		assert_true(json.text.capacity <= 2048);
		json_stream_feed(&json, SLICE("\"]"), on_value, &out);
		assert_int_equal(json.state, i == 0 ? JSON_BEHIND : JSON_WRONG);
		json_stream_fini(&json);
	}
}

struct stopping {
	struct json_stream json;
	int told;
};

static bool stop(void *ctx, const struct json_value *value)
{
	struct stopping *stopping = ctx;

	stopping->told++;
	if (slice_equal(value->key, SLICE("b")))
		json_stream_stop(&stopping->json);
	return true;
}

/* Nothing is told behind a stop, until another document begins. */
static void test_stop(void **state)
{
	struct stopping stopping = { .json.text_max = 16 };

	(void)state;
	json_stream_feed(&stopping.json, SLICE("{\"a\":1,\"b\":{\"c\":[2]}}"), stop, &stopping);
	assert_int_equal(stopping.told, 3);
	assert_int_equal(stopping.json.state, JSON_WRONG);
	json_stream_again(&stopping.json);
	json_stream_feed(&stopping.json, SLICE("{\"a\":1}"), stop, &stopping);
	assert_int_equal(stopping.told, 7);
	json_stream_fini(&stopping.json);
}

static void test_numbers(void **state)
{
	struct json_value value = { .type = JSON_NUMBER, .text = SLICE("18446744073709551615") };
	uint64_t number;

	(void)state;
	assert_true(json_number_of(&value, &number));
	assert_int_equal(number, UINT64_MAX);
	value.text = SLICE("18446744073709551616");
	assert_false(json_number_of(&value, &number));
	value.text = SLICE("-1");
	assert_false(json_number_of(&value, &number));
	value.text = SLICE("1.0");
	assert_false(json_number_of(&value, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),  cmocka_unit_test(test_lines),   cmocka_unit_test(test_depth),
		cmocka_unit_test(test_large), cmocka_unit_test(test_numbers), cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "content/contents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *type, *name;
	enum content_secrets secrets;
} rows[] = {
	{ "application/json", "json", CONTENT_WORDS },
	{ "Application/JSON ; charset=utf-8", "json", CONTENT_WORDS },
	{ "text/json", "json", CONTENT_WORDS },
	{ "application/vnd.api+json", "json", CONTENT_WORDS },
	{ "+json", "json", CONTENT_WORDS },
	{ "application/json5", NULL, CONTENT_OPAQUE },
	{ "application/x-ndjson", "ndjson", CONTENT_WORDS },
	{ "application/x-www-form-urlencoded", "form", CONTENT_FORM },
	{ "application/grpc", "grpc", CONTENT_OPAQUE },
	{ "application/grpc-web+proto", "grpc", CONTENT_OPAQUE },
	{ "application/grp", NULL, CONTENT_OPAQUE },
	{ "text/event-stream", "sse", CONTENT_WORDS },
	{ "text/html; charset=\"UTF-16LE\"", "text", CONTENT_OPAQUE },
	{ "text/html; charset=utf-32", "text", CONTENT_OPAQUE },
	{ "image/svg+xml", "text", CONTENT_WORDS },
	{ "multipart/form-data; boundary=x", "text", CONTENT_WORDS },
	{ "multipart/byteranges; boundary=x", NULL, CONTENT_OPAQUE },
	{ "application/octet-stream", NULL, CONTENT_OPAQUE },
	{ "", NULL, CONTENT_WORDS },
	{ ";", NULL, CONTENT_WORDS },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice type = slice_of_string(rows[i].type);
		const struct content *content = content_of_type(type);

		print_message("%s\n", rows[i].type);
		if (rows[i].name)
			assert_string_equal(content->name, rows[i].name);
		else
			assert_null(content);
		assert_int_equal(content_secrets_of_type(type), rows[i].secrets);
	}
	assert_null(content_of_type(slice_of(NULL, 0)));
	assert_int_equal(content_secrets_of_type(slice_of(NULL, 0)), CONTENT_WORDS);
}

/* Each type stands in one row, in lower case, and each row can be reached. */
static void test_table(void **state)
{
#define ROW(name) &name,
	static const struct content *const table[] = { CONTENTS(ROW) };

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i]->upgrade.len)
			assert_ptr_equal(content_of_upgrade(table[i]->upgrade), table[i]);
		else
			assert_ptr_equal(content_of_type(table[i]->types[0]), table[i]);
		for (size_t j = 0; j < CONTENT_TYPES_MAX; j++)
			for (size_t at = 0; at < table[i]->types[j].len; at++)
				assert_false(table[i]->types[j].data[at] >= 'A' &&
					     table[i]->types[j].data[at] <= 'Z');
	}
}

static void test_charset(void **state)
{
	static const struct {
		const char *type, *charset;
	} charsets[] = {
		{ "text/html; charset=x", "x" },
		{ "text/html;CHARSET=\"a b\";q=1", "a" },
		{ "text/html; a=b; charset=c;d", "c" },
		{ "text/html; charset=", NULL },
		{ "text/html", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		assert_true(slice_equal(content_charset(slice_of_string(charsets[i].type)),
					slice_of_string(charsets[i].charset)));
	assert_true(content_is_coded(SLICE("br")));
	assert_false(content_is_coded(SLICE("Identity")));
	assert_false(content_is_coded(slice_of(NULL, 0)));
}

/* Of JSON only what a POST asked for is read; the readers of other types are asked about any exchange. */
static void test_readers_asked(void **state)
{
	struct message posted = { .method = SLICE("POST") }, got = { .method = SLICE("GET") };
	const struct content *json = content_of_type(SLICE("application/json"));
	const struct content *sse = content_of_type(SLICE("text/event-stream"));

	(void)state;
	assert_true(content_is_read(json, &posted));
	assert_false(content_is_read(json, &got));
	assert_false(content_is_read(json, NULL));
	assert_true(content_is_read(sse, &got));
	assert_true(content_is_read(sse, NULL));
	assert_false(content_is_read(content_of_type(SLICE("text/html")), &posted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_charset),
		cmocka_unit_test(test_readers_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* GraphQL's requests by rows, each whole, byte by byte and cut everywhere; with holes nothing is told. */
#include "reading_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define TYPED(type, name, operation)                                                             \
	"hark.graphql.requests=1\ngraphql.operation.type=" type "\ngraphql.operation.name=" name \
	"\nhark.operation=" operation "\n"

static const struct row {
	const char *name, *path, *request, *response, *expected;
} rows[] = {
	{ "a query", "/api",
	  "{\"query\":\"query GetUser($id: ID!) { user(id: $id) { name } }\",\"variables\":{\"id\":1}}",
	  "{\"data\":{\"user\":null},\"errors\":[{\"message\":\"no\",\"path\":[\"user\"]},{\"message\":\"x\"}"
	  "]}",
	  TYPED("query", "GetUser", "query GetUser") "hark.graphql.errors=2\n" },
	{ "a mutation with comments, strings and fragments", "/api",
	  "{\"query\":\"# mutation A {\\n fragment F on T { a }\\n mutation\\n Save @d(x: \\\"{\\\\\\\"\\\") "
	  "{\\n s(t: "
	  "\\\"\\\"\\\"} \\\\\\\"\\\"\\\" {\\\"\\\"\\\") { ...F } # }\\n}\\n\"}",
	  "{\"data\":{}}", TYPED("mutation", "Save", "mutation Save") "hark.graphql.errors=0\n" },
	{ "lines end with CR, too", "/api", "{\"query\":\"# c\\rquery A { a # {\\r }\"}", "{}",
	  "hark.graphql.requests=1\ngraphql.operation.type=query\ngraphql.operation.name=A\n"
	  "hark.operation=query A\nhark.graphql.errors=0\n" },
	{ "behind a comment that CR ends is another", "/api",
	  "{\"query\":\"query A { a } # c\\rmutation B { b }\"}", "{}",
	  "hark.graphql.requests=1\nhark.graphql.errors=0\n" },
	{ "two queries", "/api",
	  "{\"operationName\":\"A\",\"query\":\"query A { a }\",\"query\":\"mutation A { b }\"}", "{}",
	  "hark.graphql.requests=1\nhark.graphql.errors=0\n" },
	{ "two names", "/api",
	  "{\"operationName\":\"A\",\"operationName\":\"B\",\"query\":\"query A { a } query B { b }\"}", "{}",
	  "hark.graphql.requests=1\nhark.graphql.errors=0\n" },
	{ "one of several", "/api",
	  "{\"operationName\":\"B\",\"query\":\"query A{a} subscription B{b}\",\"variables\":null}",
	  "{\"data\":{}}", TYPED("subscription", "B", "subscription B") "hark.graphql.errors=0\n" },
	{ "one of several, and nobody says which", "/api", "{\"query\":\"query A{a} query B{b}\"}",
	  "{\"errors\":[{}]}", "hark.graphql.requests=1\nhark.graphql.errors=1\n" },
	{ "one that is not there", "/api", "{\"operationName\":\"C\",\"query\":\"query A{a}\"}",
	  "{\"errors\":[{}]}", "hark.graphql.requests=1\nhark.graphql.errors=1\n" },
	{ "without a name", "/api", "{\"query\":\"query($a:[Int]){a}\"}", "{}",
	  "hark.graphql.requests=1\ngraphql.operation.type=query\nhark.operation=query\nhark.graphql.errors="
	  "0\n" },
	{ "without a type, where the path says it", "/v1/graphql?x", "{\"query\":\"{ me { name } }\"}", "{}",
	  "hark.graphql.requests=1\ngraphql.operation.type=query\nhark.operation=query\nhark.graphql.errors="
	  "0\n" },
	{ "without a type, elsewhere", "/search", "{\"query\":\"{ me { name } }\"}", "{}", "" },
	{ "a persisted one", "/x",
	  "{\"operationName\":\"A\",\"variables\":{},\"extensions\":{\"persistedQuery\":{"
	  "\"version\":1,\"sha256Hash\":\"x\"}}}",
	  "{\"data\":null}",
	  "hark.graphql.requests=1\ngraphql.operation.name=A\nhark.operation=A\nhark.graphql.errors=0\n" },
	{ "a batch", "/graphql", "[{\"query\":\"query A{a}\"},{\"query\":\"query A{a}\"}]",
	  "[{\"data\":{}},{\"errors\":[{}]}]",
	  "hark.graphql.requests=2\ngraphql.operation.type=query\ngraphql.operation.name=A\n"
	  "hark.operation=query A\nhark.graphql.errors=1\n" },
	{ "a batch of several", "/graphql", "[{\"query\":\"query A{a}\"},{\"query\":\"mutation B{b}\"}]",
	  "[]", "hark.graphql.requests=2\nhark.operation=batch\nhark.graphql.errors=0\n" },
	{ "a search", "/search", "{\"query\":\"query of mine\"}", "{}", "" },
	{ "another search", "/graphql", "{\"query\":{\"match\":{}}}", "{}", "" },
	{ "another member", "/graphql", "{\"query\":\"query A{a}\",\"size\":1}", "{}", "" },
	{ "not balanced", "/graphql", "{\"query\":\"query A{a\"}", "{}", "" },
	{ "not balanced 2", "/graphql", "{\"query\":\"query A}{a}\"}", "{}", "" },
	{ "not ended", "/graphql", "{\"query\":\"query A{a}\"", "{}", "" },
	{ "nothing", "/graphql", "{}", "{}", "" },
};

static void begin(struct reading_text *out, const struct row *row)
{
	reading_text_init(out, READER_OPERATION);
	out->message[MESSAGE_REQUEST]->method = SLICE("POST");
	out->message[MESSAGE_REQUEST]->target = slice_of_string(row->path);
	reading_text_field(out, MESSAGE_REQUEST, "Content-Type", "application/json");
	reading_text_field(out, MESSAGE_RESPONSE, "Content-Type", "application/graphql-response+json");
	assert_true(reading_text_head(out, MESSAGE_REQUEST));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice request = slice_of_string(rows[i].request);
		struct slice response = slice_of_string(rows[i].response);

		print_message("%s\n", rows[i].name);
		for (size_t cut = 0; cut <= request.len + 1; cut++) {
			struct reading_text out;

			begin(&out, &rows[i]);
			reading_text_exchange(&out, request, response, cut);
			assert_string_equal(reading_text_end(&out), rows[i].expected);
			reading_text_fini(&out);
		}
	}
}

static void test_holes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice request = slice_of_string(rows[i].request);

		for (size_t from = 0; from < request.len; from++) {
			struct reading_text out;

			begin(&out, &rows[i]);
			reading_text_around(&out, MESSAGE_REQUEST, request, from, 1);
			assert_string_equal(reading_text_end(&out), "");
			reading_text_fini(&out);
		}
	}
}

/* An answer's errors are not counted when some may be missing. */
static void test_response_holes(void **state)
{
	struct slice response = slice_of_string(rows[0].response);

	(void)state;
	for (size_t from = 0; from < response.len; from++) {
		struct reading_text out;

		begin(&out, &rows[0]);
		reading_text_feed(&out, MESSAGE_REQUEST, slice_of_string(rows[0].request));
		assert_true(reading_text_head(&out, MESSAGE_RESPONSE));
		reading_text_feed(&out, MESSAGE_RESPONSE, slice_take(response, from));
		reading_text_hole(&out, MESSAGE_RESPONSE, 1);
		reading_text_feed(&out, MESSAGE_RESPONSE, slice_drop(response, from + 1));
		assert_string_equal(reading_text_end(&out), TYPED("query", "GetUser", "query GetUser"));
		reading_text_fini(&out);
	}
}

/* A query that is not kept whole: its operation is told only where the request names it. */
static void test_large(void **state)
{
	static char bytes[1 << 16];
	struct reading_text out;

	(void)state;
	memset(bytes, ' ', sizeof(bytes));
	begin(&out, &rows[6]);
	reading_text_feed(&out, MESSAGE_REQUEST, SLICE("{\"query\":\"query A {a}"));
	reading_text_feed(&out, MESSAGE_REQUEST, slice_of(bytes, sizeof(bytes)));
	reading_text_feed(&out, MESSAGE_REQUEST, SLICE("query B {b}\"}"));
	assert_string_equal(reading_text_end(&out), "hark.graphql.requests=1\n");
	reading_text_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_response_holes),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by what bodies say: a fact of any name, and operations as endpoints of their own. */
#include "stats/stats.h"

#include "fact.h"
#include "stats_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>

struct row {
	const char *target;
	struct fact fact;   /* of the request; name NULL: none */
	struct fact answer; /* of the response */
};

#define OPERATION(text_)                                                          \
	{                                                                         \
		.name = "hark.operation", .kind = FACT_TEXT, .text = SLICE(text_) \
	}

static const struct row rows[] = {
	{ "/rpc", OPERATION("list"), { .name = NULL } },
	{ "/rpc", OPERATION("get"), { .name = NULL } },
	{ "/rpc", OPERATION("list"), { .name = "x.model", .kind = FACT_TEXT, .text = SLICE("large") } },
	{ "/rpc", { .name = NULL }, { .name = "x.model", .kind = FACT_NUMBER, .number = 7 } },
	{ "/items/17", OPERATION("list"), { .name = NULL } },
	{ "/items/18", OPERATION("list"), { .name = "x.model", .kind = FACT_TEXT, .text = SLICE("large") } },
	{ "/rpc", OPERATION("get"), { .name = "x.code", .kind = FACT_INTEGER, .number = (uint64_t)-32601 } },
	{ "/rpc", OPERATION("get"), { .name = "x.code", .kind = FACT_NS, .number = 1500000 } },
	{ "/rpc", OPERATION("get"), { .name = "x.code", .kind = FACT_MILLI, .number = 2050 } },
	{ "/rpc", OPERATION("get"), { .name = "x.code", .kind = FACT_TRUE, .number = 1 } },
};

static void put(void *ctx, struct stats_row *row)
{
	char *text = ctx;

	snprintf(text + strlen(text), 1000 - strlen(text), "%s %s %s=%" PRIu64 "\n",
		 row->route ? row->route : "-", row->operation ? row->operation : "-",
		 row->fact ? row->fact : "-", row->run.count);
}

static struct stats *stats_of(enum stats_by by, const char *fact)
{
	const struct stats_config config = { .by = by, .fact = fact, .no_windows = true };
	struct stats *stats = stats_new(&config);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fact facts[2] = { rows[i].fact, rows[i].answer };
		struct one_call call;

		call_init(&call, &(struct call_text){ .host = "a",
						      .method = "POST",
						      .target = rows[i].target,
						      .status = 200,
						      .role = ROLE_SERVER,
						      .start_ns = S,
						      .duration_ns = MS });
		call.exchange.request->facts = facts[0].name ? &facts[0] : NULL;
		call.exchange.response->facts = facts[1].name ? &facts[1] : NULL;
		stats_exchange(stats, &call.exchange);
		exchange_fini(&call.exchange);
	}
	return stats;
}

static void check(enum stats_by by, const char *fact, const char *const *expected, size_t count)
{
	struct stats *stats = stats_of(by, fact);
	char text[1000] = "";

	stats_each(stats, put, text);
	for (size_t i = 0; i < count; i++)
		if (!strstr(text, expected[i]))
			fail_msg("no %s in\n%s", expected[i], text);
	assert_int_equal(stats_count(stats), count);
	stats_free(stats);
}

static void test_by_fact(void **state)
{
	static const char *const expected[] = { "- - large=2\n", "- - 7=1\n", "- - -=7\n" };

	static const char *const numbers[] = { "- - -32601=1\n", "- - 1.500000=1\n", "- - 2.050=1\n",
					       "- - true=1\n", "- - -=6\n" };

	(void)state;
	check(BY_FACT, "x.model", expected, 3);
	check(BY_FACT, "x.code", numbers, 5);
}

static void test_operations(void **state)
{
	static const char *const expected[] = { "/rpc list -=2\n", "/rpc get -=5\n", "/rpc - -=1\n",
						"/items/{id} list -=2\n" };

	(void)state;
	check(BY_ENDPOINT, NULL, expected, 4);
}

static void test_names(void **state)
{
	enum stats_by by;

	(void)state;
	assert_int_equal(stats_by_of("gen_ai.request.model", &by), 0);
	assert_int_equal(by, BY_FACT);
	assert_true(stats_by_of("model", &by) < 0);
	assert_null(stats_by_name(BY_FACT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_fact),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation fails in turn: requests are still counted once each, if need
 * be with the rest, and nothing is lost or freed twice.
 */
#include "alloc_fail.h"

#include "../../../agent/routes/routes.c"
#include "../../../agent/routes/routes_cache.c"
#include "../../../agent/routes/routes_learn.c"
#include "../../../agent/routes/routes_pattern.c"
#include "../../../agent/routes/routes_segment.c"
#include "../../../agent/routes/routes_set.c"
#include "../../../agent/routes/routes_tree.c"
#include "../../../agent/routes/routes_walk.c"
#include "../../../agent/routes/routes_words.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *const paths[] = {
	"/weather/oslo/now", "/weather/rome/now", "/weather/bern/now", "/users/1",
	"/users/anna/pets",  "/fixed/a",	  "/repos/a/b/issues", "/*/x",
	"/weather/bern",     "/gizmos/anna",	  "/gizmos/bert",      "/gizmos/carl"
};

static void add_up(void *ctx, struct endpoint *into, struct endpoint *from)
{
	(void)ctx;
	into->data = (void *)((uintptr_t)into->data + (uintptr_t)from->data);
}

static void sum(void *ctx, struct endpoint *endpoint)
{
	*(uintptr_t *)ctx += (uintptr_t)endpoint->data;
}

static void run(struct routes *routes)
{
	uintptr_t seen = 0;
	size_t count = sizeof(paths) / sizeof(*paths);

	for (size_t i = 0; i < 3 * count; i++) {
		struct endpoint *endpoint =
			routes_find(routes, i % 2 ? SLICE("a") : (struct slice){ .data = NULL }, SLICE("GET"),
				    slice_of_string(paths[i * 5 % count]), false);

		endpoint->data = (void *)((uintptr_t)endpoint->data + 1);
	}
	routes_each(routes, sum, &seen);
	assert_int_equal(seen, 3 * count);
}

static void test_each_allocation_fails(void **state)
{
	static const char *const patterns[] = { "/fixed/*", "GET /other" };
	const struct routes_config config = {
		.patterns = patterns, .pattern_count = 2, .merge = add_up, .limit = 20
	};
	bool reached = true;
	long nth = 0;

	(void)state;
	while (reached) {
		struct routes *routes;

		alloc_fail_countdown = ++nth;
		routes = routes_new(&config);
		if (routes)
			run(routes);
		routes_free(routes);
		reached = alloc_fail_countdown == 0;
		alloc_fail_countdown = 0;
	}
	assert_true(nth > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

/* A table that cannot grow takes what it is given all the same: a node that is in none has no way up. */
static void test_a_fold_without_memory(void **state)
{
	const struct routes_config config = { .limit = 1000 };
	struct routes *routes = routes_new(&config);
	struct tree *tree = &routes->tree;
	struct node *root = routes_tree_add(tree, NULL, SLICE("")), *placeholder;
	struct node *names[] = { routes_tree_add(tree, root, SLICE("anna")),
				 routes_tree_add(tree, root, SLICE("bert")) };
	char text[16];
	bool failed = false;

	(void)state;
	for (int i = 0; i < 800; i++) {
		snprintf(text, sizeof(text), "page-%d", i);
		assert_non_null(routes_tree_add(tree, names[i % 2], slice_of_string(text)));
	}
	placeholder = routes_tree_fold(tree, names[0]);
	alloc_fail_countdown = 1;
	assert_ptr_equal(routes_tree_fold(tree, names[1]), placeholder);
	failed = alloc_fail_countdown == 0;
	alloc_fail_countdown = 0;
	assert_true(failed);
	assert_int_equal(HASH_COUNT(placeholder->children), 800);
	for (int i = 0; i < 800; i++) {
		snprintf(text, sizeof(text), "page-%d", i);
		assert_non_null(routes_tree_child(placeholder, slice_of_string(text)));
	}
	routes_tree_free(tree, root, NULL);
	routes_free(routes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation_fails),
		cmocka_unit_test(test_a_fold_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

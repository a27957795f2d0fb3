/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the filter's fails in turn: it is complained about, or costs the kernel's sets; never
 * more. */
#include "alloc_fail.h"

#include <string.h>

static char *alloc_fail_strdup(const char *text)
{
	char *copy = alloc_fail_malloc(strlen(text) + 1);

	return copy ? memcpy(copy, text, strlen(text) + 1) : NULL;
}

#undef strdup
#define strdup(text) alloc_fail_strdup(text)

#include "../../../agent/base/array.c"
#include "../../../agent/filter/filter.c"
#include "../../../agent/filter/filter_parse.c"
#include "../../../agent/filter/filter_values.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *const words[] = { "(pid:1,2,3 or pid:4)", "port:80,90-99", "!(host:a*,b or path:~^/x$)",
				     "header:a=~b" };
static const char *const more[] = { "pid:2", "comm:a" };

/* Which of the two parses, and the sum, still came about; -1: all of it. */
static int run(void)
{
	struct filter_error error;
	struct filter_kernel sets;
	struct filter *second, *first = filter_parse(words, 4, &error);

	if (!first) {
		assert_string_equal(error.message, "out of memory");
		return 0;
	}
	second = filter_parse(more, 2, &error);
	if (!second) {
		assert_string_equal(error.message, "out of memory");
		filter_free(first);
		return 1;
	}
	if (filter_add(first, second) < 0) {
		filter_free(first);
		return 2;
	}
	filter_kernel(first, &sets);
	assert_true(sets.pid_count == 0 || sets.pids[0] == 2 || sets.pids[0] == 1);
	assert_true(sets.port_count == 0 || (sets.port_count == 11 && sets.ports[0] == 80));
	filter_free(first);
	return -1;
}

static void test_each_allocation_fails(void **state)
{
	size_t failures[3] = { 0 };
	long nth = 1;

	(void)state;
	for (;; nth++) {
		int reached;

		alloc_fail_countdown = nth;
		reached = run();
		if (alloc_fail_countdown > 0)
			break;
		if (reached >= 0)
			failures[reached]++;
	}
	alloc_fail_countdown = 0;
	assert_int_equal(run(), -1);
	assert_true(nth > 30 && failures[0] > 10 && failures[1] > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_allocation_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

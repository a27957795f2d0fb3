/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/base/loop.c: who is called, how often, and that removing is safe at any time. */
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

struct seen {
	struct loop *loop;
	int fd, other; /* other: removed by the callback; -1: none */
	unsigned int calls, closed;
};

static void take(void *ctx, bool closed)
{
	struct seen *seen = ctx;
	char byte;

	seen->calls++;
	seen->closed += closed;
	if (!closed && seen->fd >= 0)
		assert_int_equal(read(seen->fd, &byte, 1), 1);
	if (seen->other >= 0)
		loop_remove(seen->loop, seen->other);
}

static struct loop *loop_of_test(void)
{
	struct loop *loop = loop_new();

	assert_non_null(loop);
	assert_true(loop_is_empty(loop));
	return loop;
}

static void test_descriptors(void **state)
{
	struct loop *loop = loop_of_test();
	struct seen seen = { .loop = loop, .other = -1 };
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	seen.fd = ends[0];
	assert_int_equal(loop_add(loop, ends[0], take, &seen), 0);
	assert_int_equal(loop_add(loop, ends[0], take, &seen), -EEXIST);
	assert_int_equal(loop_add(loop, -1, take, &seen), -EBADF);
	assert_false(loop_is_empty(loop));
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_int_equal(seen.calls, 0);
	assert_int_equal(write(ends[1], "ab", 2), 2);
	assert_int_equal(loop_turn(loop, LOOP_FOREVER), 0);
	assert_int_equal(loop_turn(loop, LOOP_FOREVER), 0);
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_int_equal(seen.calls, 2);
	close(ends[1]);
	assert_int_equal(loop_turn(loop, LOOP_FOREVER), 0);
	assert_int_equal(seen.closed, 1);
	loop_remove(loop, ends[0]);
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_true(loop_is_empty(loop));
	close(ends[0]);
	loop_free(loop);
}

/* What nobody reads ends one turn, not every one. */
static void test_edges(void **state)
{
	struct loop *loop = loop_of_test();
	struct seen seen = { .loop = loop, .fd = -1, .other = -1 };
	int ends[2], timer = loop_add_timer(loop, 20000000, take, &seen);

	(void)state;
	assert_true(timer >= 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(loop_add_edge(loop, ends[0]), 0);
	for (unsigned int calls = 0; calls < 2; calls++) {
		assert_int_equal(write(ends[1], "a", 1), 1);
		assert_int_equal(loop_turn(loop, 0), 0);
		assert_int_equal(loop_turn(loop, LOOP_FOREVER), 0);
		assert_true(seen.calls > calls);
	}
	loop_remove(loop, ends[0]);
	close(ends[0]);
	close(ends[1]);
	loop_free(loop);
}

static void test_timers(void **state)
{
	struct loop *loop = loop_of_test();
	struct seen seen = { .loop = loop, .fd = -1, .other = -1 };
	int timer = loop_add_timer(loop, 1000000, take, &seen);

	(void)state;
	assert_true(timer >= 0);
	while (seen.calls < 3)
		assert_int_equal(loop_turn(loop, LOOP_FOREVER), 0);
	loop_remove(loop, timer);
	assert_int_equal(loop_turn(loop, 3000000), 0);
	assert_int_equal(seen.calls, 3);
	assert_true(loop_add_timer(loop, 1000000, NULL, NULL) >= 0);
	assert_int_equal(loop_turn(loop, LOOP_FOREVER), 0);
	loop_free(loop);
}

/* Both are due in one turn; whichever is called first removes the other. */
static void test_removed_by_another(void **state)
{
	struct loop *loop = loop_of_test();
	struct seen seen[2] = { { .loop = loop }, { .loop = loop } };
	int ends[2][2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(ends[i]), 0);
		seen[i].fd = ends[i][0];
		seen[1 - i].other = ends[i][0];
		assert_int_equal(loop_add(loop, ends[i][0], take, &seen[i]), 0);
		assert_int_equal(write(ends[i][1], "x", 1), 1);
	}
	assert_int_equal(loop_turn(loop, LOOP_FOREVER), 0);
	assert_int_equal(seen[0].calls + seen[1].calls, 1);
	for (int i = 0; i < 4; i++)
		close(ends[i / 2][i % 2]);
	loop_free(loop);
}

static void test_stop(void **state)
{
	struct loop *loop = loop_of_test();

	(void)state;
	assert_false(loop_is_stopped(loop));
	loop_stop(loop);
	assert_true(loop_is_stopped(loop));
	loop_free(loop);
	loop_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors), cmocka_unit_test(test_edges),
		cmocka_unit_test(test_timers),	    cmocka_unit_test(test_removed_by_another),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

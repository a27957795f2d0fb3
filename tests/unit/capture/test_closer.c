/* SPDX-License-Identifier: Apache-2.0 */
/* Items that are given are closed, several at once, and nobody who gives waits for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "capture/closer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <time.h>

#define ITEMS 20000 /* more than a pipe holds */

static int items[ITEMS];
static int closed; /* by whomever */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_t owner;
static int by_owner;

/* An item that the closer gets while the gate is shut waits; its owner, who shut it, must not. */
static void item_close(void *item)
{
	bool own = pthread_equal(pthread_self(), owner);

	if (!own)
		pthread_mutex_lock(&gate);
	by_owner += own;
	__atomic_add_fetch(&closed, 1, __ATOMIC_SEQ_CST);
	*(int *)item += 1;
	if (!own)
		pthread_mutex_unlock(&gate);
}

static void setup_run(void)
{
	owner = pthread_self();
	closed = by_owner = 0;
	for (size_t i = 0; i < ITEMS; i++)
		items[i] = 0;
}

static void test_nobody_waits(void **state)
{
	struct closer *closer = closer_new(item_close);

	(void)state;
	setup_run();
	assert_non_null(closer);
	pthread_mutex_lock(&gate);
	for (size_t i = 0; i < 100; i++)
		closer_give(closer, &items[i]);
	assert_int_equal(closed, 0);
	pthread_mutex_unlock(&gate);
	closer_free(closer);
	assert_int_equal(closed, 100);
	assert_int_equal(by_owner, 0);
}

static void test_too_many(void **state)
{
	struct closer *closer = closer_new(item_close);

	(void)state;
	setup_run();
	assert_non_null(closer);
	pthread_mutex_lock(&gate);
	for (size_t i = 0; i < ITEMS; i++)
		closer_give(closer, &items[i]);
	assert_true(by_owner > 0);
	pthread_mutex_unlock(&gate);
	closer_free(closer);
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(items[i], 1);
}

/* Two items, each of which waits until the other has begun. */
static sem_t begun[2];
static int met;

static void item_meet(void *item)
{
	size_t which = (sem_t *)item - begun;
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 30;
	sem_post(&begun[which]);
	if (sem_timedwait(&begun[!which], &deadline) == 0)
		__atomic_add_fetch(&met, 1, __ATOMIC_SEQ_CST);
}

static void test_several_at_once(void **state)
{
	struct closer *closer = closer_new(item_meet);

	(void)state;
	assert_non_null(closer);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(sem_init(&begun[i], 0, 0), 0);
	for (size_t i = 0; i < 2; i++)
		closer_give(closer, &begun[i]);
	closer_free(closer);
	assert_int_equal(met, 2);
}

static void test_nothing(void **state)
{
	(void)state;
	closer_free(closer_new(item_close));
	closer_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_waits),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_several_at_once),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

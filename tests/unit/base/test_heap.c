/* SPDX-License-Identifier: Apache-2.0 */
/* Order, and what it costs: comparisons are counted, so the figures are the same on every machine. */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#define ITEMS 65536

struct item {
	struct heap_node node;
	uint32_t value;
};

static size_t comparisons;

static bool before(const struct heap_node *a, const struct heap_node *b)
{
	comparisons++;
	return ((const struct item *)a)->value < ((const struct item *)b)->value;
}

enum order {
	UPWARDS,
	DOWNWARDS,
	ANY,
	IN_TURN, /* the largest, the least, the next largest, … */
	ORDERS,
};

static uint32_t value_at(enum order order, uint32_t i, uint32_t count)
{
	switch (order) {
	case UPWARDS:
		return i;
	case DOWNWARDS:
		return count - 1 - i;
	case ANY:
		return (uint32_t)(i * 2654435761u) % count; /* odd: each value once */
	case IN_TURN:
		return i % 2 ? i / 2 : count - 1 - i / 2;
	case ORDERS:
		break;
	}
	return 0;
}

/* All in, all out; returns the comparisons that it took. */
static size_t sort(enum order order, uint32_t count)
{
	struct item *items = calloc(count, sizeof(*items));
	struct heap heap = { .first = NULL };

	comparisons = 0;
	for (uint32_t i = 0; i < count; i++) {
		items[i].value = value_at(order, i, count);
		heap_add(&heap, &items[i].node, before);
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct item *item = (const struct item *)heap_take(&heap, before);

		assert_non_null(item);
		assert_int_equal(item->value, i);
	}
	assert_null(heap_take(&heap, before));
	free(items);
	return comparisons;
}

static void test_order(void **state)
{
	(void)state;
	for (int order = 0; order < ORDERS; order++)
		for (uint32_t count = 1; count <= 64; count *= 2)
			sort((enum order)order, count);
}

static void test_growth(void **state)
{
	(void)state;
	for (int order = 0; order < ORDERS; order++) {
		size_t half = sort((enum order)order, ITEMS / 2), whole = sort((enum order)order, ITEMS);

		assert_true(whole < (size_t)3 * 16 * ITEMS);
		assert_true(whole < half / 4 * 10);
	}
}

/* One in, one out, as with a stream that is always a little out of order. */
static void test_few_at_once(void **state)
{
	struct item items[4] = { { .value = 3 }, { .value = 2 }, { .value = 1 } };
	struct heap heap = { .first = NULL };

	(void)state;
	heap_add(&heap, &items[0].node, before);
	heap_add(&heap, &items[1].node, before);
	assert_ptr_equal(heap_take(&heap, before), &items[1]);
	heap_add(&heap, &items[2].node, before);
	heap_add(&heap, &items[1].node, before);
	assert_ptr_equal(heap_take(&heap, before), &items[2]);
	assert_ptr_equal(heap_take(&heap, before), &items[1]);
	assert_ptr_equal(heap_take(&heap, before), &items[0]);
	assert_null(heap.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_few_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

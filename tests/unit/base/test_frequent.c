/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that have a place: those that come most often, whoever came first and however many come once. */
#include "base/frequent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define PLACES 100
#define KEYS   4000000u

struct place {
	struct frequent_item item;
	uint64_t hash;
};

struct table {
	struct frequent frequent;
	struct place places[PLACES];
	size_t count;
	uint64_t taken; /* how often one took another's place */
};

static uint64_t hash_of(uint64_t key)
{
	key = (key + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return key ^ key >> 29;
}

static struct place *find(struct table *table, uint64_t hash)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->places[i].hash == hash)
			return &table->places[i];
	return NULL;
}

static void come(struct table *table, uint64_t key)
{
	uint64_t hash = hash_of(key), count = 0;
	struct place *place = find(table, hash);
	struct frequent_item *least;

	if (place) {
		frequent_count(&table->frequent, &place->item, 1);
		return;
	}
	if (table->count < PLACES) {
		place = &table->places[table->count++];
	} else {
		if (!frequent_miss(&table->frequent, hash, &least, &count))
			return;
		place = (struct place *)least;
		frequent_remember(&table->frequent, place->hash, least->count);
		frequent_remove(&table->frequent, least);
		table->taken++;
	}
	place->hash = hash;
	frequent_add(&table->frequent, &place->item, count ? count : 1);
}

/* A scanner comes first and takes all places; what comes again and again gets one at its second time. */
static void test_late_but_often(void **state)
{
	static struct table table;

	(void)state;
	memset(&table, 0, sizeof(table));
	for (uint64_t key = 0; key < 1000; key++)
		come(&table, key);
	assert_int_equal(table.taken, 0);
	come(&table, KEYS);
	assert_null(find(&table, hash_of(KEYS)));
	come(&table, KEYS);
	assert_non_null(find(&table, hash_of(KEYS)));
	assert_int_equal(find(&table, hash_of(KEYS))->item.count, 2);
	frequent_fini(&table.frequent);
}

/*
 * Fifty that come again and again among two million that come once: each of them has its place at the end,
 * and hardly any of the others ever took one.
 */
static void test_scanner(void **state)
{
	static struct table table;
	uint64_t scanned = 0;

	(void)state;
	memset(&table, 0, sizeof(table));
	while (scanned < 2000000) {
		come(&table, KEYS + scanned / 40 % 50);
		for (int i = 0; i < 40; i++)
			come(&table, scanned++);
	}
	for (uint64_t key = KEYS; key < KEYS + 50; key++) {
		const struct place *place = find(&table, hash_of(key));

		assert_non_null(place);
		/* Never too low but for what came before it had a place, never too high by more than the
		 * sketch is. */
		assert_in_range(place->item.count, 1000, 1000 + table.frequent.misses / FREQUENT_CELLS);
	}
	assert_in_range(table.taken, 50, 20000);
	frequent_fini(&table.frequent);
}

/* One that lost its place is not forgotten. */
static void test_remembered(void **state)
{
	struct frequent frequent = { .sketch = NULL };
	struct frequent_item item, *least;
	uint64_t count;

	(void)state;
	frequent_add(&frequent, &item, 5);
	frequent_remember(&frequent, 77, 9);
	assert_true(frequent_miss(&frequent, 77, &least, &count));
	assert_ptr_equal(least, &item);
	assert_int_equal(count, 10);
	frequent_count(&frequent, &item, 6);
	assert_false(frequent_miss(&frequent, 77, &least, &count));
	frequent_remove(&frequent, &item);
	assert_false(frequent_miss(&frequent, 77, &least, &count));
	frequent_fini(&frequent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_but_often),
		cmocka_unit_test(test_scanner),
		cmocka_unit_test(test_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

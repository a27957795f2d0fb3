/* SPDX-License-Identifier: Apache-2.0 */
/* As many as a connection may have open and shown, in orders that come and go; each is found, and no other.
 */
#include "pair/pair_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define ENTRIES 8192

static struct pair_entry entries[ENTRIES];

static void assert_found(const struct pair_keys *keys, size_t from, size_t to)
{
	for (size_t i = 0; i < ENTRIES; i++)
		assert_ptr_equal(pair_keys_find(keys, entries[i].key),
				 i >= from && i < to ? &entries[i] : NULL);
	assert_null(pair_keys_find(keys, 2));
}

static void run(uint32_t step)
{
	static const size_t sizes[] = { 1, 8, 33, 300, ENTRIES };
	struct pair_keys keys = { .count = 0 };

	for (size_t i = 0; i < ENTRIES; i++)
		entries[i].key = 1 + (uint32_t)i * step;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		size_t count = sizes[s];

		for (size_t i = 0; i < count; i++)
			pair_keys_add(&keys, &entries[i]);
		assert_found(&keys, 0, count);
		for (size_t i = 0; i < count / 2; i++) /* the oldest first */
			pair_keys_remove(&keys, &entries[i]);
		assert_found(&keys, count / 2, count);
		for (size_t i = count; i > count / 2; i--) /* the newest first */
			pair_keys_remove(&keys, &entries[i - 1]);
		assert_found(&keys, 0, 0);
		assert_null(keys.many);
	}
}

static void test_streams(void **state)
{
	(void)state;
	run(2);
	run(4);		  /* one side's of HTTP/2 in HTTP/3's counting */
	run(1 << 19);	  /* only the highest bits differ */
	run(2654435769u); /* high and low ones */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_streams) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

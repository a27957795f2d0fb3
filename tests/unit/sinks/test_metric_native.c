/* SPDX-License-Identifier: Apache-2.0 */
/* Each time is in the bucket whose bounds are around it, and sums of histograms have all counts. */
#include "alloc_fail.h"

#include "../../../agent/sinks/serve/metric_native.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	uint64_t ns;
	int bucket;
} rows[] = {
	{ 1000000000, 0 },	    { 1000000001, 1 },
	{ 500000000, -8 },	    { 500000001, -7 },
	{ 2000000000, 8 },	    { 2000000001, 9 },
	{ 1090507732, 1 },	    { 1090507733, 2 },
	{ 1834008086, 7 },	    { 1834008087, 8 },
	{ 1000000, -79 },	    { 0, METRIC_NATIVE_FIRST },
	{ 1, METRIC_NATIVE_FIRST }, { UINT64_MAX, METRIC_NATIVE_LAST },
};

static void test_buckets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (metric_native_bucket(rows[i].ns) != rows[i].bucket)
			fail_msg("%llu ns: %d", (unsigned long long)rows[i].ns,
				 metric_native_bucket(rows[i].ns));
}

/* In order, and at most one further for 9 % more. */
static void test_buckets_grow_with_time(void **state)
{
	int before = METRIC_NATIVE_FIRST;

	(void)state;
	for (double ns = 1000; ns < 1e13; ns *= 1.01) {
		int bucket = metric_native_bucket((uint64_t)ns);

		assert_true(bucket == before || bucket == before + 1);
		before = bucket;
	}
}

static uint64_t sum(const struct metric_native *native)
{
	uint64_t all = 0;

	for (size_t i = 0; i < native->count; i++)
		all += native->counts[i];
	return all;
}

static void test_sums(void **state)
{
	static const int buckets[] = { 5, -3, 5, 100, -160, 112, 0 };
	struct metric_native one = { .count = 0 }, other = { .count = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++) {
		metric_native_add(i % 2 ? &one : &other, buckets[i], i + 1);
	}
	metric_native_merge(&one, &other);
	assert_int_equal(sum(&one), 28);
	assert_int_equal(one.first, -160);
	assert_int_equal(one.count, 273);
	assert_int_equal(one.counts[165], 4);
	assert_false(one.lost);
	metric_native_fini(&one);
	metric_native_fini(&other);
}

/* What has no memory is told as lost, and for good. */
static void test_each_allocation_fails(void **state)
{
	(void)state;
	for (long nth = 1; nth <= 3; nth++) {
		struct metric_native native = { .count = 0 };

		alloc_fail_countdown = nth;
		metric_native_add(&native, 1, 1);
		metric_native_add(&native, 2, 1);
		metric_native_add(&native, 0, 1);
		alloc_fail_countdown = 0;
		metric_native_add(&native, 0, 1);
		assert_true(native.lost);
		assert_true(sum(&native) < 3);
		metric_native_fini(&native);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_buckets),
					    cmocka_unit_test(test_buckets_grow_with_time),
					    cmocka_unit_test(test_sums),
					    cmocka_unit_test(test_each_allocation_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

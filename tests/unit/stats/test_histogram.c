/* SPDX-License-Identifier: Apache-2.0 */
/* The error bound against an exact sort, merging, and what happens without memory. */
#include "alloc_fail.h"

#include "../../../agent/stats/histogram.c"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define US   UINT64_C(1000)
#define HOUR UINT64_C(3600000000000)

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Uniform in the logarithm: as many around 1 µs as around 1 h. */
static uint64_t random_latency(uint64_t *state)
{
	uint64_t low = US << random_next(state) % 32;
	uint64_t value = low + random_next(state) % low;

	return value < HOUR ? value : HOUR;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void check_quantiles(const struct histogram *histogram, uint64_t *values, size_t count)
{
	static const double shares[] = {
		0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1
	};

	qsort(values, count, sizeof(*values), compare);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		size_t rank = (size_t)(shares[i] * (double)count * (1 - 1e-12));
		uint64_t exact, got = histogram_quantile(histogram, shares[i]), off;

		rank += (double)rank < shares[i] * (double)count * (1 - 1e-12);
		exact = values[(rank ? rank : 1) - 1];
		off = got > exact ? got - exact : exact - got;
		if (off * 100 > exact)
			fail_msg("%zu values, share %g: %" PRIu64 " is more than 1 %% off %" PRIu64, count,
				 shares[i], got, exact);
	}
	assert_int_equal(histogram_quantile(histogram, 1), values[count - 1]);
	assert_int_equal(histogram->min_ns, values[0]);
}

static void test_error_bound(void **state)
{
	static const size_t counts[] = { 1, 2, 3, 10, 16, 17, 100, 1000, 100000 };
	uint64_t seed = 88172645463325252;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct histogram histogram = { 0 };
		uint64_t *values = calloc(counts[i], sizeof(*values)), sum = 0;

		for (size_t n = 0; n < counts[i]; n++) {
			values[n] = random_latency(&seed);
			sum += values[n];
			assert_int_equal(histogram_add(&histogram, values[n]), 0);
		}
		check_quantiles(&histogram, values, counts[i]);
		assert_int_equal(histogram_mean(&histogram), sum / counts[i]);
		free(values);
		histogram_fini(&histogram);
	}
}

/* Each power of two with its neighbours, and every width of the buckets. */
static void test_every_edge(void **state)
{
	(void)state;
	for (uint64_t low = 512; low <= HOUR; low *= 2) {
		for (unsigned int i = 0; i < 3 * 65; i++) {
			struct histogram histogram = { 0 };
			uint64_t value = low + low / 64 * (i / 3) + i % 3 - 1, got, off;

			/*
			 * The largest and the smallest are exact: only what
			 * stands between shows its bucket.
			 */
			histogram_add(&histogram, 0);
			histogram_add(&histogram, value);
			histogram_add(&histogram, UINT64_MAX / 4);
			got = histogram_quantile(&histogram, 0.5);
			off = got > value ? got - value : value - got;
			if (value >= US && off * 127 > value)
				fail_msg("%" PRIu64 " for %" PRIu64, got, value);
			histogram_fini(&histogram);
		}
	}
}

static void test_out_of_range(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
	assert_int_equal(histogram_mean(&histogram), 0);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(histogram_add(&histogram, 0), 0);
		assert_int_equal(histogram_add(&histogram, UINT64_MAX / 128), 0);
	}
	assert_int_equal(histogram.count, 80);
	assert_int_equal(histogram.min_ns, 0);
	assert_int_equal(histogram_quantile(&histogram, 1), UINT64_MAX / 128);
	assert_true(histogram_quantile(&histogram, 0.25) < 520);
	assert_true(histogram_quantile(&histogram, 0.75) > HOUR);
	assert_int_equal(histogram_quantile(&histogram, 2), histogram.max_ns);
	assert_true(histogram_quantile(&histogram, -1) < 520);
	histogram_fini(&histogram);
}

static void test_order(void **state)
{
	uint64_t seed = 1234567;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct histogram histogram = { 0 };
		uint64_t last = 0;

		for (uint64_t n = random_next(&seed) % 60 + 1; n > 0; n--)
			histogram_add(&histogram, random_latency(&seed));
		for (double share = 0; share <= 1; share += 0.01) {
			uint64_t value = histogram_quantile(&histogram, share);

			assert_true(value >= last && value <= histogram.max_ns);
			last = value;
		}
		histogram_fini(&histogram);
	}
}

static void test_merge_is_adding_all(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (size_t n = 1; n < 3000; n = n * 2 + 1) {
		struct histogram all = { 0 }, sum = { 0 }, part = { 0 };

		for (size_t i = 0; i < 5; i++) {
			histogram_clear(&part);
			for (size_t k = 0; k < n; k++) {
				uint64_t value = random_latency(&seed);

				histogram_add(&all, value);
				histogram_add(&part, value);
			}
			assert_int_equal(histogram_merge(&sum, &part), 0);
		}
		assert_int_equal(sum.count, all.count);
		assert_int_equal(sum.sum_ns, all.sum_ns);
		assert_int_equal(sum.min_ns, all.min_ns);
		assert_int_equal(sum.max_ns, all.max_ns);
		for (double share = 0; share <= 1; share += 0.001)
			assert_int_equal(histogram_quantile(&sum, share), histogram_quantile(&all, share));
		histogram_fini(&all);
		histogram_fini(&sum);
		histogram_fini(&part);
	}
}

static void test_merge_empty(void **state)
{
	struct histogram one = { 0 }, empty = { 0 };

	(void)state;
	histogram_add(&one, 5 * US);
	assert_int_equal(histogram_merge(&one, &empty), 0);
	assert_int_equal(one.count, 1);
	assert_int_equal(one.min_ns, 5 * US);
	assert_int_equal(histogram_merge(&empty, &one), 0);
	assert_int_equal(empty.min_ns, 5 * US);
	histogram_fini(&one);
	histogram_fini(&empty);
}

struct buckets {
	uint64_t count, last_high;
};

static void count_bucket(void *ctx, uint64_t low_ns, uint64_t high_ns, uint64_t count)
{
	struct buckets *buckets = ctx;

	assert_true(low_ns < high_ns && low_ns >= buckets->last_high && count > 0);
	buckets->last_high = high_ns;
	buckets->count += count;
}

static void test_each(void **state)
{
	struct histogram histogram = { 0 };
	struct buckets buckets = { 0 };
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 500; i++)
		histogram_add(&histogram, random_latency(&seed));
	histogram_add(&histogram, 1);
	histogram_add(&histogram, UINT64_MAX / 2);
	histogram_each(&histogram, count_bucket, &buckets);
	assert_int_equal(buckets.count, 502);
	assert_int_equal(buckets.last_high, UINT64_MAX);
	histogram_fini(&histogram);
}

static void test_clear(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		histogram_add(&histogram, HOUR);
	histogram_clear(&histogram);
	assert_int_equal(histogram.count, 0);
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
	for (uint64_t i = 1; i <= 100; i++)
		histogram_add(&histogram, i * US);
	assert_int_equal(histogram.max_ns, 100 * US);
	assert_true(histogram_quantile(&histogram, 0.5) < 51 * US);
	histogram_fini(&histogram);
}

static void test_no_memory(void **state)
{
	struct histogram histogram = { 0 }, other = { 0 };
	uint64_t count;

	(void)state;
	for (int i = 0; i < HISTOGRAM_FEW; i++)
		assert_int_equal(histogram_add(&histogram, US), 0);
	alloc_fail_countdown = 1;
	assert_int_equal(histogram_add(&histogram, HOUR), -ENOMEM);
	assert_int_equal(histogram.count, HISTOGRAM_FEW);
	assert_int_equal(histogram.max_ns, US);
	assert_int_equal(histogram_add(&histogram, HOUR), 0);
	for (int i = 0; i < 100; i++)
		histogram_add(&other, (uint64_t)i * US * US);
	count = histogram.count;
	alloc_fail_countdown = 1;
	assert_int_equal(histogram_merge(&histogram, &other), -ENOMEM);
	assert_true(histogram.count > count && histogram.count < count + 100);
	histogram_fini(&histogram);
	histogram_fini(&other);
}

static void test_saturation(void **state)
{
	struct histogram a = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		histogram_add(&a, US);
	for (int i = 0; i < 40; i++) {
		struct histogram copy = { 0 };

		histogram_merge(&copy, &a);
		histogram_merge(&a, &copy);
		histogram_fini(&copy);
	}
	assert_int_equal(a.count, UINT64_C(20) << 40);
	assert_int_equal(histogram_quantile(&a, 0.5), US);
	histogram_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_bound),
		cmocka_unit_test(test_every_edge),
		cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_merge_is_adding_all),
		cmocka_unit_test(test_merge_empty),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_saturation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

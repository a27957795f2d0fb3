/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket's number is octave * 64 + the six bits behind the leading one, so
 * that finding it is a count of leading zeros, a shift and a mask.
 */
#include "histogram.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SUB_BITS     6
#define OCTAVE_FIRST 9 /* 2^9 ns */
#define BUCKETS	     (HISTOGRAM_OCTAVES * HISTOGRAM_SUB_BUCKETS)
#define BLOCK_BYTES  (HISTOGRAM_SUB_BUCKETS * sizeof(uint32_t))

void histogram_fini(struct histogram *histogram)
{
	free(histogram->blocks);
	*histogram = (struct histogram){ 0 };
}

void histogram_clear(struct histogram *histogram)
{
	if (histogram->block_count)
		memset(histogram->blocks, 0, histogram->block_count * BLOCK_BYTES);
	histogram->count = histogram->sum_ns = histogram->max_ns = histogram->min_ns = 0;
	histogram->few_count = 0;
}

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int top;

	if (ns < UINT64_C(1) << OCTAVE_FIRST)
		return 0;
	top = 63 - (unsigned int)__builtin_clzll(ns);
	if (top >= OCTAVE_FIRST + HISTOGRAM_OCTAVES)
		return BUCKETS - 1;
	return (top - OCTAVE_FIRST) * HISTOGRAM_SUB_BUCKETS +
	       (unsigned int)(ns >> (top - SUB_BITS) & (HISTOGRAM_SUB_BUCKETS - 1));
}

static uint64_t bucket_low(unsigned int bucket)
{
	return (uint64_t)(HISTOGRAM_SUB_BUCKETS + bucket % HISTOGRAM_SUB_BUCKETS)
	       << (bucket / HISTOGRAM_SUB_BUCKETS + OCTAVE_FIRST - SUB_BITS);
}

static uint64_t bucket_width(unsigned int bucket)
{
	return UINT64_C(1) << (bucket / HISTOGRAM_SUB_BUCKETS + OCTAVE_FIRST - SUB_BITS);
}

/* A block for the octave. False: out of memory. */
static bool block_make(struct histogram *histogram, unsigned int octave)
{
	uint32_t *blocks = realloc(histogram->blocks, (histogram->block_count + 1u) * BLOCK_BYTES);

	if (!blocks)
		return false;
	memset(blocks + (size_t)histogram->block_count * HISTOGRAM_SUB_BUCKETS, 0, BLOCK_BYTES);
	histogram->blocks = blocks;
	histogram->block_of[octave] = ++histogram->block_count;
	return true;
}

static uint32_t *block_find(const struct histogram *histogram, unsigned int octave)
{
	unsigned int number = histogram->block_of[octave];

	return number ? histogram->blocks + (size_t)(number - 1) * HISTOGRAM_SUB_BUCKETS : NULL;
}

static int bucket_add(struct histogram *histogram, unsigned int bucket, uint32_t count)
{
	unsigned int octave = bucket / HISTOGRAM_SUB_BUCKETS;
	uint32_t *cell;

	if (count == 1 && histogram->few_count < HISTOGRAM_FEW) {
		histogram->few[histogram->few_count++] = (uint16_t)bucket;
		return 0;
	}
	if (!histogram->block_of[octave] && !block_make(histogram, octave))
		return -ENOMEM;
	cell = block_find(histogram, octave) + bucket % HISTOGRAM_SUB_BUCKETS;
	*cell = count > UINT32_MAX - *cell ? UINT32_MAX : *cell + count;
	return 0;
}

int histogram_add(struct histogram *histogram, uint64_t ns)
{
	int err = bucket_add(histogram, bucket_of(ns), 1);

	if (err)
		return err;
	if (histogram->count == 0 || ns < histogram->min_ns)
		histogram->min_ns = ns;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
	histogram->count++;
	histogram->sum_ns += ns;
	return 0;
}

/* Walks both places in which counts stand, upwards. */
struct cursor {
	const struct histogram *histogram;
	unsigned int bucket; /* the next one */
	unsigned int few_at;
	uint16_t few[HISTOGRAM_FEW]; /* sorted */
};

static void cursor_init(struct cursor *cursor, const struct histogram *histogram)
{
	*cursor = (struct cursor){ .histogram = histogram };
	for (unsigned int i = 0; i < histogram->few_count; i++) {
		unsigned int at = i;

		for (; at > 0 && cursor->few[at - 1] > histogram->few[i]; at--)
			cursor->few[at] = cursor->few[at - 1];
		cursor->few[at] = histogram->few[i];
	}
}

/* The next bucket with a count. False: there is none. */
static bool cursor_next(struct cursor *cursor, unsigned int *bucket, uint64_t *count)
{
	const struct histogram *histogram = cursor->histogram;

	for (; cursor->bucket < BUCKETS; cursor->bucket++) {
		const uint32_t *block = block_find(histogram, cursor->bucket / HISTOGRAM_SUB_BUCKETS);
		bool few = cursor->few_at < histogram->few_count;

		*count = block ? block[cursor->bucket % HISTOGRAM_SUB_BUCKETS] : 0;
		for (; cursor->few_at < histogram->few_count && cursor->few[cursor->few_at] == cursor->bucket;
		     cursor->few_at++)
			*count += 1;
		if (*count) {
			*bucket = cursor->bucket++;
			return true;
		}
		if (!block && (!few || cursor->few[cursor->few_at] / HISTOGRAM_SUB_BUCKETS !=
					       cursor->bucket / HISTOGRAM_SUB_BUCKETS))
			cursor->bucket |= HISTOGRAM_SUB_BUCKETS - 1;
	}
	return false;
}

static void merge_exact(struct histogram *into, const struct histogram *from, uint64_t added)
{
	if (added == 0)
		return;
	if (into->count == 0 || from->min_ns < into->min_ns)
		into->min_ns = from->min_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	into->count += added;
	into->sum_ns += added == from->count ? from->sum_ns : from->sum_ns / from->count * added;
}

int histogram_merge(struct histogram *into, const struct histogram *from)
{
	struct cursor cursor;
	unsigned int bucket;
	uint64_t count, lost = 0;

	cursor_init(&cursor, from);
	while (cursor_next(&cursor, &bucket, &count))
		if (bucket_add(into, bucket, count > UINT32_MAX ? UINT32_MAX : (uint32_t)count))
			lost += count;
	merge_exact(into, from, from->count > lost ? from->count - lost : 0);
	return lost ? -ENOMEM : 0;
}

/* Which one in order a share stands for, from 1 on. The factor keeps 0.07 * 100 from being more than 7. */
static uint64_t rank_of(double share, uint64_t count)
{
	double exact = share * (double)count * (1 - 1e-12);
	uint64_t rank = exact > 0 ? (uint64_t)exact : 0;

	if ((double)rank < exact)
		rank++;
	if (rank == 0)
		return 1;
	return rank < count ? rank : count;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
	uint64_t rank = rank_of(share, histogram->count), count, value;
	struct cursor cursor;
	unsigned int bucket;

	if (histogram->count == 0)
		return 0;
	if (rank == histogram->count)
		return histogram->max_ns;
	cursor_init(&cursor, histogram);
	while (cursor_next(&cursor, &bucket, &count)) {
		if (count < rank) {
			rank -= count;
			continue;
		}
		value = bucket_low(bucket) + bucket_width(bucket) / 2;
		if (value < histogram->min_ns)
			return histogram->min_ns;
		return value < histogram->max_ns ? value : histogram->max_ns;
	}
	return histogram->max_ns;
}

uint64_t histogram_mean(const struct histogram *histogram)
{
	return histogram->count ? histogram->sum_ns / histogram->count : 0;
}

void histogram_each(const struct histogram *histogram,
		    void (*fn)(void *ctx, uint64_t low_ns, uint64_t high_ns, uint64_t count), void *ctx)
{
	struct cursor cursor;
	unsigned int bucket;
	uint64_t count;

	cursor_init(&cursor, histogram);
	while (cursor_next(&cursor, &bucket, &count)) {
		uint64_t low = bucket_low(bucket), high = low + bucket_width(bucket);

		fn(ctx, bucket == 0 ? 0 : low, bucket == BUCKETS - 1 ? UINT64_MAX : high, count);
	}
}

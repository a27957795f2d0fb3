/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latencies, log-linear: each power of two of nanoseconds has 64 buckets of one
 * width, so that a bucket's middle is at most 1/128 (0.8 %) off any value in
 * it. From 1 µs to 1 h; what is outside counts at the end, the largest, the
 * smallest and the sum are exact.
 *
 * Own code instead of HdrHistogram for its memory: the first few values stand
 * in the struct itself, and only octaves that more of them fall into get
 * memory. So a thousand endpoints with their windows, most of which hold a
 * handful of values, fit in a few megabytes.
 */
#ifndef HARK_HISTOGRAM_H
#define HARK_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_OCTAVES     33 /* 2^9 ns to 2^42 ns: below 1 µs to over 1 h */
#define HISTOGRAM_SUB_BUCKETS 64
#define HISTOGRAM_FEW	      16

struct histogram {
	uint64_t count;
	uint64_t sum_ns, max_ns, min_ns;     /* exact; min_ns only with a count */
	uint32_t *blocks;		     /* HISTOGRAM_SUB_BUCKETS counts each */
	uint16_t few[HISTOGRAM_FEW];	     /* buckets of the first values; they are in no block */
	uint8_t block_of[HISTOGRAM_OCTAVES]; /* its number from 1 on; 0: none, all zero */
	uint8_t block_count, few_count;
};

/* All zero is an empty one. */
void histogram_fini(struct histogram *histogram);
void histogram_clear(struct histogram *histogram); /* keeps its memory */

/* All the memory that it takes besides itself. */
static inline size_t histogram_memory(const struct histogram *histogram)
{
	return histogram->block_count * HISTOGRAM_SUB_BUCKETS * sizeof(*histogram->blocks);
}

/* 0, or -ENOMEM: not counted at all. A bucket stays at 2^32 - 1. */
int histogram_add(struct histogram *histogram, uint64_t ns);
/* 0, or -ENOMEM: what there was memory for is added. */
int histogram_merge(struct histogram *into, const struct histogram *from);

/* The value that a share (0.5, 0.99) of all is not above, within the error stated; never above max_ns, and
 * max_ns itself for 1. 0 when empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);
uint64_t histogram_mean(const struct histogram *histogram); /* exact; 0 when empty */

/*
 * Each bucket with a count, upwards: [low_ns, high_ns). The first
 * begins at 0, the last ends at UINT64_MAX.
 */
void histogram_each(const struct histogram *histogram,
		    void (*fn)(void *ctx, uint64_t low_ns, uint64_t high_ns, uint64_t count), void *ctx);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latencies, log-linear: each power of two of nanoseconds has 64 buckets of one
 * width, so that a bucket's middle is at most 1/128 (0.8 %) off any value in
 * it. From 1 µs to 1 h; what is outside counts at the end, the largest and the
 * sum are exact. The octaves that are used have memory, the others none, which
 * is what HdrHistogram cannot do: a thousand endpoints with windows fit in
 * a few megabytes.
 */
#ifndef HARK_HISTOGRAM_H
#define HARK_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_OCTAVES     33 /* 2^9 ns to 2^42 ns: below 1 µs to over 1 h */
#define HISTOGRAM_SUB_BUCKETS 64

struct histogram {
	uint32_t *octaves[HISTOGRAM_OCTAVES]; /* HISTOGRAM_SUB_BUCKETS each; NULL: all zero */
	uint64_t count;
	uint64_t sum_ns, max_ns, min_ns; /* exact; min_ns only with a count */
};

/* All zero is an empty one. */
void histogram_fini(struct histogram *histogram);
void histogram_clear(struct histogram *histogram); /* keeps its memory */

/* 0, or -ENOMEM: not counted at all. */
int histogram_add(struct histogram *histogram, uint64_t ns);
/* 0, or -ENOMEM: what there was memory for is added. */
int histogram_merge(struct histogram *into, const struct histogram *from);

/* The value that a share (0.5, 0.99) of all is not above, within the error stated; never above max_ns, and
 * max_ns itself for 1. 0 when empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

/* Each bucket with a count, upwards: [low_ns, high_ns). */
void histogram_each(const struct histogram *histogram,
		    void (*fn)(void *ctx, uint64_t low_ns, uint64_t high_ns, uint64_t count), void *ctx);

#endif

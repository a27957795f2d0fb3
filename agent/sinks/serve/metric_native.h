/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sparse buckets of a native histogram of Prometheus', schema 3: eight to a power of two, each bound
 * 2^(1/8) (9 %) above the one before. Bucket i holds what is above 2^((i-1)/8) seconds and up to 2^(i/8).
 */
#ifndef HARK_METRIC_NATIVE_H
#define HARK_METRIC_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRIC_NATIVE_SCHEMA 3
#define METRIC_NATIVE_FIRST  (-160) /* about 1 us; what is shorter is counted there */
#define METRIC_NATIVE_LAST   112    /* 16384 s; what is longer is counted there */

struct metric_native {	  /* all zero is an empty one */
	int first;	  /* number of the first of the buckets */
	size_t count;	  /* of buckets: those from the first to the last in which anything is */
	uint64_t *counts; /* NULL: nothing yet, or it has no memory */
	bool lost;	  /* something is missing, so that nothing of it is told */
};

void metric_native_fini(struct metric_native *native);

/* The bucket of a time. */
int metric_native_bucket(uint64_t ns);

void metric_native_add(struct metric_native *native, int bucket, uint64_t n);
void metric_native_merge(struct metric_native *into, const struct metric_native *from);

#endif

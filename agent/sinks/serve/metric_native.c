/* SPDX-License-Identifier: Apache-2.0 */
#include "metric_native.h"

#include <stdlib.h>
#include <string.h>

#define A_POWER	      8	   /* buckets */
#define EXPONENT_BIAS 1022 /* of a double whose fraction is from 1/2 on, below 1 */

void metric_native_fini(struct metric_native *native)
{
	free(native->counts);
	*native = (struct metric_native){ .count = 0 };
}

/* The double's own exponent and fraction tell the power of two and the place in it. */
int metric_native_bucket(uint64_t ns)
{
	/* 2^(i/8 - 1) */
	static const double bounds[A_POWER] = { 0.5,
						0.5452538663326288,
						0.5946035575013605,
						0.6484197773255048,
						0.7071067811865475,
						0.7711054127039704,
						0.8408964152537144,
						0.9170040432046711 };
	double seconds = (double)ns / 1e9, fraction;
	uint64_t bits;
	int exponent, bucket = 0;

	if (ns == 0)
		return METRIC_NATIVE_FIRST;
	memcpy(&bits, &seconds, sizeof(bits));
	exponent = (int)(bits >> 52) - EXPONENT_BIAS;
	bits = (bits & ((UINT64_C(1) << 52) - 1)) | (uint64_t)EXPONENT_BIAS << 52;
	memcpy(&fraction, &bits, sizeof(fraction));
	while (bucket < A_POWER && fraction > bounds[bucket])
		bucket++;
	bucket += (exponent - 1) * A_POWER;
	return bucket < METRIC_NATIVE_FIRST  ? METRIC_NATIVE_FIRST
	       : bucket > METRIC_NATIVE_LAST ? METRIC_NATIVE_LAST
					     : bucket;
}

/* Room for buckets from first to last. False: out of memory, and it stays as it is. */
static bool native_span(struct metric_native *native, int first, int last)
{
	int before = native->count ? native->first : first;
	int behind = native->count ? native->first + (int)native->count - 1 : last;
	int from = first < before ? first : before, to = last > behind ? last : behind;
	size_t count = (size_t)(to - from) + 1, move = (size_t)(before - from);
	uint64_t *counts;

	if (native->count && count == native->count)
		return true;
	counts = calloc(count, sizeof(*counts));
	if (!counts)
		return false;
	if (native->count)
		memcpy(counts + move, native->counts, native->count * sizeof(*counts));
	free(native->counts);
	*native = (struct metric_native){ .first = from, .count = count, .counts = counts };
	return true;
}

void metric_native_add(struct metric_native *native, int bucket, uint64_t n)
{
	if (native->lost || !native_span(native, bucket, bucket)) {
		native->lost = true;
		return;
	}
	native->counts[bucket - native->first] += n;
}

void metric_native_merge(struct metric_native *into, const struct metric_native *from)
{
	into->lost |= from->lost;
	for (size_t i = 0; i < from->count; i++)
		if (from->counts[i])
			metric_native_add(into, from->first + (int)i, from->counts[i]);
}

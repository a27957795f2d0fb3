/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A classic histogram of Prometheus: counts by fixed bounds, exactly, unlike the log-linear ones of stats/,
 * whose buckets are no other's. A bucket may keep the last value that a trace is known of (an exemplar).
 */
#ifndef HARK_METRIC_HISTOGRAM_H
#define HARK_METRIC_HISTOGRAM_H

#include "base/buffer.h"
#include "metric_native.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRIC_BOUNDS_MAX 14

/* What is counted, and up to where each bucket goes (inclusive), in nanoseconds or bytes. */
struct metric_bounds {
	uint64_t scale; /* of its unit: 1,000,000,000 for seconds, 1 for bytes */
	bool native;	/* there are native buckets besides; of seconds alone */
	size_t count;
	uint64_t at[METRIC_BOUNDS_MAX];
	const char *le[METRIC_BOUNDS_MAX]; /* the same in the unit, as a float is written canonically */
};

/* OpenTelemetry's advice for durations of requests and of connections; bytes by powers of ten. */
extern const struct metric_bounds metric_request_bounds, metric_connection_bounds, metric_byte_bounds;

struct metric_exemplar {
	uint64_t value;
	int64_t wall_ns;
	char trace[32], span[16]; /* in hex */
	uint8_t trace_len;	  /* 0: there is none */
	bool span_known;
};

struct metric_histogram { /* all zero is an empty one */
	uint64_t count, sum;
	uint64_t buckets[METRIC_BOUNDS_MAX + 1]; /* each for itself, the last beyond all bounds */
	struct metric_native native;
	struct metric_exemplar *exemplars; /* one a bucket; NULL: none yet */
};

void metric_histogram_fini(struct metric_histogram *histogram);

/* All the memory that it takes besides itself. */
size_t metric_histogram_bytes(const struct metric_histogram *histogram);

/* All but exemplars. */
void metric_histogram_merge(struct metric_histogram *into, const struct metric_histogram *from);

/* The bucket that the value went to. */
size_t metric_histogram_add(struct metric_histogram *histogram, const struct metric_bounds *bounds,
			    uint64_t value);
/* Keeps an exemplar, without memory none. */
void metric_histogram_exemplify(struct metric_histogram *histogram, size_t bucket,
				const struct metric_exemplar *exemplar);

/*
 * The lines of one series: NAME_bucket{LABELS,le="…"} …, NAME_count, NAME_sum. labels: as they are written,
 * without braces; empty: none. exemplars: OpenMetrics alone has them.
 */
void metric_histogram_put(struct buffer *text, const char *name, struct slice labels,
			  const struct metric_histogram *histogram, const struct metric_bounds *bounds,
			  bool exemplars);

/* value / scale as a decimal number, exactly. */
void metric_put_scaled(struct buffer *text, uint64_t value, uint64_t scale);

#endif

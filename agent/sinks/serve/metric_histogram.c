/* SPDX-License-Identifier: Apache-2.0 */
#include "metric_histogram.h"

#include <stdlib.h>

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

const struct metric_bounds metric_request_bounds = {
	.scale = S,
	.native = true,
	.count = 14,
	.at = { 5 * MS, 10 * MS, 25 * MS, 50 * MS, 75 * MS, 100 * MS, 250 * MS, 500 * MS, 750 * MS, S,
		2500 * MS, 5 * S, 7500 * MS, 10 * S },
	.le = { "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0",
		"7.5", "10.0" },
};

const struct metric_bounds metric_connection_bounds = {
	.scale = S,
	.native = true,
	.count = 13,
	.at = { 10 * MS, 20 * MS, 50 * MS, 100 * MS, 200 * MS, 500 * MS, S, 2 * S, 5 * S, 10 * S, 30 * S,
		60 * S, 300 * S },
	.le = { "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1.0", "2.0", "5.0", "10.0", "30.0", "60.0",
		"300.0" },
};

const struct metric_bounds metric_byte_bounds = {
	.scale = 1,
	.count = 7,
	.at = { 100, 1000, 10000, 100000, 1000000, 10000000, 100000000 },
	.le = { "100.0", "1000.0", "10000.0", "100000.0", "1e+06", "1e+07", "1e+08" },
};

void metric_histogram_fini(struct metric_histogram *histogram)
{
	metric_native_fini(&histogram->native);
	free(histogram->exemplars);
	*histogram = (struct metric_histogram){ .count = 0 };
}

size_t metric_histogram_bytes(const struct metric_histogram *histogram)
{
	size_t exemplars = histogram->exemplars ? METRIC_BOUNDS_MAX + 1 : 0;

	return histogram->native.count * sizeof(*histogram->native.counts) +
	       exemplars * sizeof(*histogram->exemplars);
}

size_t metric_histogram_add(struct metric_histogram *histogram, const struct metric_bounds *bounds,
			    uint64_t value)
{
	size_t bucket = 0;

	while (bucket < bounds->count && value > bounds->at[bucket])
		bucket++;
	histogram->buckets[bucket]++;
	histogram->count++;
	histogram->sum += value;
	if (bounds->native)
		metric_native_add(&histogram->native, metric_native_bucket(value), 1);
	return bucket;
}

void metric_histogram_merge(struct metric_histogram *into, const struct metric_histogram *from)
{
	into->count += from->count;
	into->sum += from->sum;
	for (size_t i = 0; i <= METRIC_BOUNDS_MAX; i++)
		into->buckets[i] += from->buckets[i];
	metric_native_merge(&into->native, &from->native);
}

void metric_histogram_exemplify(struct metric_histogram *histogram, size_t bucket,
				const struct metric_exemplar *exemplar)
{
	if (!histogram->exemplars)
		histogram->exemplars = calloc(METRIC_BOUNDS_MAX + 1, sizeof(*histogram->exemplars));
	if (histogram->exemplars)
		histogram->exemplars[bucket] = *exemplar;
}

void metric_put_scaled(struct buffer *text, uint64_t value, uint64_t scale)
{
	buffer_u64(text, value / scale);
	if (scale == 1)
		return;
	buffer_char(text, '.');
	buffer_digits(text, value % scale, 9);
}

static void put_name(struct buffer *text, const char *name, const char *suffix, struct slice labels,
		     const char *le)
{
	buffer_string(text, name);
	buffer_string(text, suffix);
	if (!labels.len && !le)
		return;
	buffer_char(text, '{');
	buffer_put(text, labels.data, labels.len);
	if (le) {
		buffer_string(text, labels.len ? ",le=\"" : "le=\"");
		buffer_string(text, le);
		buffer_char(text, '"');
	}
	buffer_char(text, '}');
}

/* OpenMetrics 1.0, 4.8 of its grammar: # {labels} value time. */
static void put_exemplar(struct buffer *text, const struct metric_exemplar *exemplar, uint64_t scale)
{
	if (!exemplar->trace_len)
		return;
	buffer_string(text, " # {trace_id=\"");
	buffer_put(text, exemplar->trace, exemplar->trace_len);
	if (exemplar->span_known) {
		buffer_string(text, "\",span_id=\"");
		buffer_put(text, exemplar->span, sizeof(exemplar->span));
	}
	buffer_string(text, "\"} ");
	metric_put_scaled(text, exemplar->value, scale);
	buffer_char(text, ' ');
	buffer_u64(text, (uint64_t)exemplar->wall_ns / S);
	buffer_char(text, '.');
	buffer_digits(text, (uint64_t)exemplar->wall_ns % S / MS, 3);
}

void metric_histogram_put(struct buffer *text, const char *name, struct slice labels,
			  const struct metric_histogram *histogram, const struct metric_bounds *bounds,
			  bool exemplars)
{
	uint64_t below = 0;

	for (size_t i = 0; i <= bounds->count; i++) {
		below += histogram->buckets[i];
		put_name(text, name, "_bucket", labels, i < bounds->count ? bounds->le[i] : "+Inf");
		buffer_char(text, ' ');
		buffer_u64(text, below);
		if (exemplars && histogram->exemplars)
			put_exemplar(text, &histogram->exemplars[i], bounds->scale);
		buffer_char(text, '\n');
	}
	put_name(text, name, "_count", labels, NULL);
	buffer_char(text, ' ');
	buffer_u64(text, histogram->count);
	buffer_char(text, '\n');
	put_name(text, name, "_sum", labels, NULL);
	buffer_char(text, ' ');
	metric_put_scaled(text, histogram->sum, bounds->scale);
	buffer_char(text, '\n');
}

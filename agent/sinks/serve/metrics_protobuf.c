/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as Prometheus' messages (io.prometheus.client, metrics.proto), each family behind its length: the
 * one form that carries native histograms. Classic buckets stand beside them.
 */
#include "base/protobuf_put.h"
#include "metrics_private.h"

#include <assert.h>

/* Numbers of fields in metrics.proto. */
enum {
	FAMILY = 1,
	FAMILY_NAME = 1,
	FAMILY_HELP,
	FAMILY_TYPE,
	FAMILY_METRIC
};
enum {
	METRIC_LABEL = 1,
	METRIC_HAS_GAUGE = 2,
	METRIC_HAS_COUNTER = 3,
	METRIC_HAS_HISTOGRAM = 7
};
enum {
	LABEL_NAME = 1,
	LABEL_VALUE
};
enum {
	VALUE = 1
};
enum {
	HISTOGRAM_COUNT = 1,
	HISTOGRAM_SUM = 2,
	HISTOGRAM_BUCKET = 3,
	HISTOGRAM_SCHEMA = 5,
	HISTOGRAM_ZERO_THRESHOLD = 6,
	HISTOGRAM_ZERO_COUNT = 7,
	HISTOGRAM_SPAN = 12,
	HISTOGRAM_DELTA = 13,
};
enum {
	BUCKET_COUNT = 1,
	BUCKET_BOUND,
	BUCKET_EXEMPLAR
};
enum {
	SPAN_OFFSET = 1,
	SPAN_LENGTH
};
enum {
	EXEMPLAR_LABEL = 1,
	EXEMPLAR_VALUE,
	EXEMPLAR_TIME
};
enum {
	TIME_SECONDS = 1,
	TIME_NANOS
};

#define ZERO_THRESHOLD 2.938735877055719e-39 /* 2^-128: nothing but 0 is below it */
#define S	       UINT64_C(1000000000)

/* sint32, sint64 */
static uint64_t zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static void put_label(struct buffer *out, uint32_t field, struct slice name, struct slice value)
{
	size_t begin = protobuf_begin(out, field);

	protobuf_put_bytes(out, LABEL_NAME, name);
	protobuf_put_bytes(out, LABEL_VALUE, value);
	protobuf_end(out, begin);
}

/* One NAME="VALUE" of the text that labels are kept as, its escapes taken off. */
static struct slice label_take(struct buffer *out, struct slice labels)
{
	struct slice name = slice_take(labels, slice_find(labels, '='));
	struct buffer value = { .data = NULL };
	size_t at = name.len + 2; /* =" */

	for (; at < labels.len && labels.data[at] != '"'; at++) {
		at += labels.data[at] == '\\' && at + 1 < labels.len;
		buffer_char(&value, (char)labels.data[at]);
	}
	put_label(out, METRIC_LABEL, name, slice_of(value.data, value.len));
	out->failed |= value.failed;
	buffer_fini(&value);
	return slice_drop(labels, at + 2); /* ", */
}

static size_t metric_begin(struct buffer *out, struct slice labels)
{
	size_t begin = protobuf_begin(out, FAMILY_METRIC);

	while (labels.len)
		labels = label_take(out, labels);
	return begin;
}

/* The message of the family's kind; its length, which comes first, is that of a field. */
static void protobuf_family_begin(struct metrics_writer *writer, const struct metric_family *family)
{
	static const uint64_t types[] = { 1, 0, 4, 1 };
	const char *suffix = family->kind == METRIC_COUNTER ? "_total"
			     : family->kind == METRIC_INFO  ? "_info"
							    : "";
	struct buffer *out = &writer->message, name = { .data = NULL };

	writer->family = *family;
	buffer_clear(out);
	buffer_string(&name, family->name);
	buffer_string(&name, suffix);
	protobuf_put_bytes(out, FAMILY_NAME, slice_of(name.data, name.len));
	protobuf_put_bytes(out, FAMILY_HELP, slice_of_string(family->help));
	protobuf_put_number(out, FAMILY_TYPE, types[family->kind]);
	out->failed |= name.failed;
	buffer_fini(&name);
}

static void protobuf_value(struct metrics_writer *writer, struct slice labels, uint64_t value, uint64_t scale)
{
	struct buffer *out = &writer->message;
	size_t metric = metric_begin(out, labels);
	bool counter = writer->family.kind == METRIC_COUNTER;
	size_t inner = protobuf_begin(out, counter ? METRIC_HAS_COUNTER : METRIC_HAS_GAUGE);

	protobuf_put_double(out, VALUE, (double)value / (double)scale);
	protobuf_end(out, inner);
	protobuf_end(out, metric);
}

static void put_exemplar(struct buffer *out, const struct metric_exemplar *exemplar, uint64_t scale)
{
	size_t begin, time;

	if (!exemplar->trace_len)
		return;
	begin = protobuf_begin(out, BUCKET_EXEMPLAR);
	put_label(out, EXEMPLAR_LABEL, SLICE("trace_id"), slice_of(exemplar->trace, exemplar->trace_len));
	if (exemplar->span_known)
		put_label(out, EXEMPLAR_LABEL, SLICE("span_id"),
			  slice_of(exemplar->span, sizeof(exemplar->span)));
	protobuf_put_double(out, EXEMPLAR_VALUE, (double)exemplar->value / (double)scale);
	time = protobuf_begin(out, EXEMPLAR_TIME);
	protobuf_put_number(out, TIME_SECONDS, (uint64_t)exemplar->wall_ns / S);
	protobuf_put_number(out, TIME_NANOS, (uint64_t)exemplar->wall_ns % S);
	protobuf_end(out, time);
	protobuf_end(out, begin);
}

/* Those with a bound; that of all is the count. */
static void put_buckets(struct buffer *out, const struct metric_histogram *histogram,
			const struct metric_bounds *bounds)
{
	uint64_t below = 0;

	for (size_t i = 0; i <= bounds->count; i++) {
		size_t begin = protobuf_begin(out, HISTOGRAM_BUCKET);

		below += histogram->buckets[i];
		protobuf_put_number(out, BUCKET_COUNT, below);
		protobuf_put_double(out, BUCKET_BOUND,
				    i < bounds->count ? (double)bounds->at[i] / (double)bounds->scale
						      : __builtin_inf());
		if (histogram->exemplars)
			put_exemplar(out, &histogram->exemplars[i], bounds->scale);
		protobuf_end(out, begin);
	}
}

/* All buckets are one span; each count is told by what it differs from the one before. */
static void put_native(struct buffer *out, const struct metric_native *native)
{
	uint64_t before = 0;
	size_t span;

	if (native->lost || !native->count)
		return;
	protobuf_put_number(out, HISTOGRAM_SCHEMA, zigzag(METRIC_NATIVE_SCHEMA));
	protobuf_put_double(out, HISTOGRAM_ZERO_THRESHOLD, ZERO_THRESHOLD);
	protobuf_put_number(out, HISTOGRAM_ZERO_COUNT, 0);
	span = protobuf_begin(out, HISTOGRAM_SPAN);
	protobuf_put_number(out, SPAN_OFFSET, zigzag(native->first));
	protobuf_put_number(out, SPAN_LENGTH, native->count);
	protobuf_end(out, span);
	for (size_t i = 0; i < native->count; i++) {
		protobuf_put_number(out, HISTOGRAM_DELTA, zigzag((int64_t)(native->counts[i] - before)));
		before = native->counts[i];
	}
}

static void protobuf_histogram(struct metrics_writer *writer, struct slice labels,
			       const struct metric_histogram *histogram, const struct metric_bounds *bounds)
{
	struct buffer *out = &writer->message;
	size_t metric = metric_begin(out, labels), inner = protobuf_begin(out, METRIC_HAS_HISTOGRAM);

	protobuf_put_number(out, HISTOGRAM_COUNT, histogram->count);
	protobuf_put_double(out, HISTOGRAM_SUM, (double)histogram->sum / (double)bounds->scale);
	put_buckets(out, histogram, bounds);
	put_native(out, &histogram->native);
	protobuf_end(out, inner);
	protobuf_end(out, metric);
}

/* A message as a field is its tag, its length and its bytes: of these the last two are what is wanted. */
static void protobuf_family_end(struct metrics_writer *writer)
{
	size_t start = writer->text->len;

	protobuf_put_bytes(writer->text, FAMILY, slice_of(writer->message.data, writer->message.len));
	writer->text->failed |= writer->message.failed;
	if (writer->text->failed)
		return;
	memmove(writer->text->data + start, writer->text->data + start + 1, writer->text->len - start - 1);
	writer->text->len--;
}

const struct metrics_form metrics_protobuf_form = {
	.begin = protobuf_family_begin,
	.value = protobuf_value,
	.histogram = protobuf_histogram,
	.end = protobuf_family_end,
};

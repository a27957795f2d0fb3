/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A label set of the table is the two bodies that a request has of it: that of
 * the Resource, and the attributes of its points, with their lengths in front.
 */
#include "otlp_metrics.h"

#include "base/budget.h"
#include "base/counters.h"
#include "base/protobuf_put.h"
#include "otlp_attribute.h"
#include "otlp_resource.h"
#include "sinks/serve/metric_series.h"
#include "sinks/serve/metrics.h"

#include <endian.h>
#include <stdlib.h>

#define SERIES_MAX 2000 /* of each family, as OpenTelemetry's SDKs have it */

enum {
	REQUEST_RESOURCE_METRICS = 1
};
enum {
	METRICS_RESOURCE = 1,
	METRICS_SCOPE_METRICS = 2
};
enum {
	SCOPE_METRICS_SCOPE = 1,
	SCOPE_METRICS_METRICS = 2
};
enum {
	METRIC_NAME = 1,
	METRIC_DESCRIPTION = 2,
	METRIC_UNIT = 3,
	METRIC_HISTOGRAM = 9
};
enum {
	HISTOGRAM_POINTS = 1,
	HISTOGRAM_TEMPORALITY = 2,
	TEMPORALITY_CUMULATIVE = 2
};
enum {
	POINT_START = 2,
	POINT_TIME = 3,
	POINT_COUNT = 4,
	POINT_SUM = 5,
	POINT_BUCKETS = 6,
	POINT_BOUNDS = 7,
	POINT_ATTRIBUTES = 9,
};

enum {
	FAMILY_SERVER,
	FAMILY_CLIENT,
	FAMILIES
};

static const struct {
	const char *name, *description;
} families[FAMILIES] = {
	[FAMILY_SERVER] = { "http.server.request.duration", "Duration of HTTP server requests." },
	[FAMILY_CLIENT] = { "http.client.request.duration", "Duration of HTTP client requests." },
};

struct otlp_metrics {
	const char *host;
	const struct redact *redact;
	struct metric_table *tables[FAMILIES];
	struct buffer labels, scratch;
	struct budget *budget;
	size_t charged_bytes;
};

/* The resource that all share that have no place. */
static void rest_put(struct buffer *labels, const char *host)
{
	const struct mover nobody = { .fd = -1 };
	struct otlp_attributes to = { labels, POINT_ATTRIBUTES };
	uint32_t len = 0;

	buffer_put(labels, &len, sizeof(len));
	otlp_resource_put(labels, host, &nobody, false);
	len = (uint32_t)(labels->len - sizeof(len));
	otlp_bool(&to, "otel.metric.overflow", true);
	if (!labels->failed)
		memcpy(labels->data, &len, sizeof(len));
}

struct otlp_metrics *otlp_metrics_new(const char *host, const struct redact *redact, struct budget *budget)
{
	struct otlp_metrics *metrics = calloc(1, sizeof(*metrics));
	bool whole;

	if (!metrics)
		return NULL;
	*metrics = (struct otlp_metrics){ .host = host, .redact = redact, .budget = budget };
	rest_put(&metrics->labels, host);
	whole = !metrics->labels.failed;
	for (size_t i = 0; whole && i < FAMILIES; i++) {
		metrics->tables[i] = metric_table_new(SERIES_MAX, budget_share(budget, 8),
						      slice_of(metrics->labels.data, metrics->labels.len));
		whole = metrics->tables[i];
	}
	if (whole)
		return metrics;
	otlp_metrics_free(metrics);
	return NULL;
}

void otlp_metrics_free(struct otlp_metrics *metrics)
{
	if (!metrics)
		return;
	for (size_t i = 0; i < FAMILIES; i++)
		metric_table_free(metrics->tables[i]);
	buffer_fini(&metrics->labels);
	buffer_fini(&metrics->scratch);
	budget_set(metrics->budget, &metrics->charged_bytes, 0);
	free(metrics);
}

static void put_attributes(struct otlp_metrics *metrics, const struct otlp_span *span, bool client)
{
	const struct exchange *exchange = span->exchange;
	const char *version = message_version_name(exchange_version(exchange));
	struct otlp_attributes to = { &metrics->labels, POINT_ATTRIBUTES };
	char text[EXCHANGE_ERROR_MAX];
	const char *error = exchange_error_type(exchange, span->content, text);

	if (span->known && span->known->method.data)
		otlp_text(&to, "http.request.method", metrics_method(span->known->method));
	otlp_observed(&to, "url.scheme", slice_take(exchange_scheme(exchange), METRICS_LABEL_MAX));
	if (exchange->response && exchange->response->status)
		otlp_number(&to, "http.response.status_code", exchange->response->status);
	if (version)
		otlp_text(&to, "network.protocol.version", version);
	if (error)
		otlp_text(&to, "error.type", error);
	if (client && span->known) {
		otlp_observed(&to, "server.address", slice_take(span->known->url.host, METRICS_LABEL_MAX));
		if (span->known->url.port_known)
			otlp_number(&to, "server.port", span->known->url.port);
	}
	if (!client && span->route)
		otlp_observed(&to, "http.route",
			      redact_target(metrics->redact,
					    slice_take(slice_of_string(span->route), METRICS_LABEL_MAX),
					    &metrics->scratch));
}

void otlp_metrics_add(struct otlp_metrics *metrics, const struct otlp_span *span)
{
	const struct exchange *exchange = span->exchange;
	bool client = exchange->conn->role == ROLE_CLIENT;
	struct metric_table *table = metrics->tables[client ? FAMILY_CLIENT : FAMILY_SERVER];
	struct buffer *labels = &metrics->labels;
	struct metric_series *series;
	uint32_t len = 0;

	/* The families are HTTP's: what a database is asked is none of their requests. */
	if (!exchange->duration_known || exchange->conn->role == ROLE_UNKNOWN || !exchange_counts(exchange) ||
	    version_is_query(exchange_version(exchange)))
		return;
	buffer_clear(labels);
	buffer_put(labels, &len, sizeof(len));
	otlp_resource_put(labels, metrics->host, &exchange->mover, false);
	len = (uint32_t)(labels->len - sizeof(len));
	put_attributes(metrics, span, client);
	if (labels->failed) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	memcpy(labels->data, &len, sizeof(len));
	series = metric_table_find(table, slice_of(labels->data, labels->len));
	metric_histogram_add(&series->of[0], &metric_request_bounds, exchange->duration_ns);
	metric_table_weigh(table, series);
	budget_set(metrics->budget, &metrics->charged_bytes,
		   metric_table_bytes(metrics->tables[FAMILY_SERVER]) +
			   metric_table_bytes(metrics->tables[FAMILY_CLIENT]));
}

/* --- telling ------------------------------------------------------------------------------------- */

struct telling {
	size_t family;
	uint64_t start_ns, now_ns;
	size_t chunk_bytes;
	struct buffer request;
	void (*fn)(void *ctx, struct slice request);
	void *ctx;
};

static void point_put(struct telling *telling, struct slice attributes,
		      const struct metric_histogram *histogram)
{
	const struct metric_bounds *bounds = &metric_request_bounds;
	struct buffer *out = &telling->request;
	size_t point = protobuf_begin(out, HISTOGRAM_POINTS), packed;

	protobuf_put_fixed64(out, POINT_START, telling->start_ns);
	protobuf_put_fixed64(out, POINT_TIME, telling->now_ns);
	protobuf_put_fixed64(out, POINT_COUNT, histogram->count);
	protobuf_put_double(out, POINT_SUM, (double)histogram->sum / (double)bounds->scale);
	packed = protobuf_begin(out, POINT_BUCKETS);
	for (size_t i = 0; i <= bounds->count; i++) {
		uint64_t bytes = htole64(histogram->buckets[i]);

		buffer_put(out, &bytes, sizeof(bytes));
	}
	protobuf_end(out, packed);
	packed = protobuf_begin(out, POINT_BOUNDS);
	for (size_t i = 0; i < bounds->count; i++) {
		double bound = (double)bounds->at[i] / (double)bounds->scale;
		uint64_t bytes;

		memcpy(&bytes, &bound, sizeof(bytes));
		bytes = htole64(bytes);
		buffer_put(out, &bytes, sizeof(bytes));
	}
	protobuf_end(out, packed);
	buffer_put(out, attributes.data, attributes.len);
	protobuf_end(out, point);
}

static void telling_flush(struct telling *telling)
{
	if (telling->request.failed)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	else if (telling->request.len)
		telling->fn(telling->ctx, slice_of(telling->request.data, telling->request.len));
	buffer_clear(&telling->request);
}

static void series_put(void *ctx, struct slice labels, const struct metric_series *series)
{
	struct telling *telling = ctx;
	struct buffer *out = &telling->request;
	size_t resource, scopes, scope, metric, histogram;
	uint32_t len;

	memcpy(&len, labels.data, sizeof(len));
	labels = slice_drop(labels, sizeof(len));
	resource = protobuf_begin(out, REQUEST_RESOURCE_METRICS);
	protobuf_put_bytes(out, METRICS_RESOURCE, slice_take(labels, len));
	scopes = protobuf_begin(out, METRICS_SCOPE_METRICS);
	scope = protobuf_begin(out, SCOPE_METRICS_SCOPE);
	otlp_scope_put(out);
	protobuf_end(out, scope);
	metric = protobuf_begin(out, SCOPE_METRICS_METRICS);
	protobuf_put_bytes(out, METRIC_NAME, slice_of_string(families[telling->family].name));
	protobuf_put_bytes(out, METRIC_DESCRIPTION, slice_of_string(families[telling->family].description));
	protobuf_put_bytes(out, METRIC_UNIT, SLICE("s"));
	histogram = protobuf_begin(out, METRIC_HISTOGRAM);
	point_put(telling, slice_drop(labels, len), &series->of[0]);
	protobuf_put_number(out, HISTOGRAM_TEMPORALITY, TEMPORALITY_CUMULATIVE);
	protobuf_end(out, histogram);
	protobuf_end(out, metric);
	protobuf_end(out, scopes);
	protobuf_end(out, resource);
	if (out->len >= telling->chunk_bytes || out->failed)
		telling_flush(telling);
}

void otlp_metrics_each(struct otlp_metrics *metrics, uint64_t start_ns, uint64_t now_ns, size_t chunk_bytes,
		       void (*fn)(void *ctx, struct slice request), void *ctx)
{
	struct telling telling = {
		.start_ns = start_ns, .now_ns = now_ns, .chunk_bytes = chunk_bytes, .fn = fn, .ctx = ctx
	};

	for (; telling.family < FAMILIES; telling.family++)
		metric_table_each(metrics->tables[telling.family], true, series_put, &telling);
	telling_flush(&telling);
	buffer_fini(&telling.request);
}

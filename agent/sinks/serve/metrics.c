/* SPDX-License-Identifier: Apache-2.0 */
/* Taking in: which series an exchange or a connection belongs to. metrics_put.c writes them. */
#include "metrics.h"

#include "base/budget.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/escape.h"
#include "base/table.h"
#include "content/contents.h"
#include "metrics_private.h"
#include "model/trace.h"

#include <stdlib.h>

#define CONNS_SERIES_MAX 1000 /* all that there can be: no label of a connection is observed text */

struct metrics *metrics_new(const struct metrics_config *config)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	struct routes_config none = { .limit = 0 };
	struct slice rest = SLICE("otel_metric_overflow=\"true\"");

	if (!metrics)
		return NULL;
	metrics->config = *config;
	metrics->began_wall_ns = (uint64_t)((int64_t)clock_ns() + clock_wall_offset_ns());
	metrics->routes = routes_new(config->routes ? config->routes : &none);
	metrics->known = known_requests_new();
	for (enum side side = 0; side < SIDES; side++)
		metrics->requests[side] =
			metric_table_new(config->series_max, budget_share(config->budget, 8), rest);
	metrics->conns = metric_table_new(CONNS_SERIES_MAX, 0, rest);
	if (metrics->routes && metrics->known && metrics->requests[SIDE_SERVER] &&
	    metrics->requests[SIDE_CLIENT] && metrics->conns)
		return metrics;
	metrics_free(metrics);
	return NULL;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	budget_set(metrics->config.budget, &metrics->charged_bytes, 0);
	routes_free(metrics->routes);
	known_requests_free(metrics->known);
	for (enum side side = 0; side < SIDES; side++)
		metric_table_free(metrics->requests[side]);
	metric_table_free(metrics->conns);
	buffer_fini(&metrics->labels);
	buffer_fini(&metrics->value);
	buffer_fini(&metrics->scratch);
	free(metrics);
}

/* --- labels ---------------------------------------------------------------------------------- */

static void label_begin(struct buffer *labels, const char *name)
{
	if (labels->len)
		buffer_char(labels, ',');
	buffer_string(labels, name);
	buffer_string(labels, "=\"");
}

/* A value of ours. */
static void label_plain(struct buffer *labels, const char *name, const char *value)
{
	label_begin(labels, name);
	buffer_string(labels, value);
	buffer_char(labels, '"');
}

static void label_number(struct buffer *labels, const char *name, uint64_t value)
{
	label_begin(labels, name);
	buffer_u64(labels, value);
	buffer_char(labels, '"');
}

/* What was observed: controls and bytes that are no UTF-8 become \xNN, as for people. */
static void label_observed(struct metrics *metrics, const char *name, struct slice value)
{
	struct buffer *labels = &metrics->labels, *plain = &metrics->value;
	bool cut = value.len > METRICS_LABEL_MAX;

	buffer_clear(plain);
	escape_text(plain, cut ? escape_utf8_trim(slice_take(value, METRICS_LABEL_MAX)) : value, true);
	label_begin(labels, name);
	for (size_t i = 0; i < plain->len; i++) {
		if (plain->data[i] == '\\' || plain->data[i] == '"')
			buffer_char(labels, '\\');
		buffer_char(labels, plain->data[i]);
	}
	labels->failed |= plain->failed;
	buffer_string(labels, cut ? "…\"" : "\"");
}

const char *metrics_method(struct slice method)
{
	for (size_t i = 0; metric_methods[i]; i++)
		if (slice_equal(method, slice_of_string(metric_methods[i])))
			return metric_methods[i];
	return "_OTHER";
}

static const char *const schemes[] = { "http", "https" };

/* NULL: not known, or another. */
static const char *scheme_of(const struct exchange *exchange)
{
	struct slice scheme = exchange_scheme(exchange);

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (slice_equal_nocase(scheme, slice_of_string(schemes[i])))
			return schemes[i];
	return NULL;
}

/* The endpoint as it is known by now; what has no place among them is one of the rest. */
static void label_endpoint(struct metrics *metrics, const struct known_request *known, enum side side,
			   const struct endpoint *endpoint)
{
	struct buffer *labels = &metrics->labels;

	if (endpoint && endpoint->overflow) {
		label_plain(labels, "otel_metric_overflow", "true");
		return;
	}
	if (endpoint && endpoint->route)
		label_observed(metrics, side == SIDE_SERVER ? "http_route" : "url_template",
			       redact_target(metrics->config.redact, slice_of_string(endpoint->route),
					     &metrics->scratch));
	if (endpoint && endpoint->host)
		label_observed(metrics, "server_address", slice_of_string(endpoint->host));
	if (side == SIDE_CLIENT && known->url.port_known)
		label_number(labels, "server_port", known->url.port);
}

static const struct endpoint *endpoint_of(struct metrics *metrics, struct known_request *known,
					  const struct content *content)
{
	if (!known->url.path.data)
		return NULL;
	return routes_find_again(metrics->routes, &known->route, known->url.host, known->method, known->path,
				 content && content->path_is_name);
}

static void labels_of(struct metrics *metrics, const struct exchange *exchange, enum side side)
{
	struct known_request *known =
		exchange->request ? known_requests_find(metrics->known, exchange) : NULL;
	const struct content *content = exchange_content_again(&metrics->last_type, exchange);
	const char *version = message_version_name(exchange_version(exchange));
	const char *scheme = scheme_of(exchange);
	char text[EXCHANGE_ERROR_MAX];
	const char *error = exchange_error_type(exchange, content, text);
	struct buffer *labels = &metrics->labels;

	buffer_clear(labels);
	if (known && known->method.data)
		label_plain(labels, "http_request_method", metrics_method(known->method));
	if (scheme)
		label_plain(labels, "url_scheme", scheme);
	if (version)
		label_plain(labels, "network_protocol_version", version);
	if (exchange->response && exchange->response->status)
		label_number(labels, "http_response_status_code", (uint64_t)exchange->response->status);
	if (error)
		label_plain(labels, "error_type", error);
	if (known)
		label_endpoint(metrics, known, side, endpoint_of(metrics, known, content));
}

/* --- exchanges ------------------------------------------------------------------------------- */

/* The families are HTTP's: what a database is asked is none of their requests. */
static bool is_statement(const struct exchange *exchange)
{
	return version_is_query(exchange_version(exchange));
}

static bool side_of(const struct exchange *exchange, enum side *side)
{
	*side = exchange->conn->role == ROLE_SERVER ? SIDE_SERVER : SIDE_CLIENT;
	return exchange->conn->role != ROLE_UNKNOWN;
}

static void exemplify(struct metrics *metrics, struct metric_histogram *histogram, size_t bucket,
		      const struct exchange *exchange)
{
	struct metric_exemplar exemplar = {
		.value = exchange->duration_ns,
		.wall_ns = (int64_t)(exchange->start_ns + exchange->duration_ns) +
			   metrics->config.wall_offset_ns,
	};
	struct trace trace;

	if (!trace_of(exchange->request, &trace) || !trace.id.data || trace.id.len > sizeof(exemplar.trace))
		return;
	memcpy(exemplar.trace, trace.id.data, trace.id.len);
	exemplar.trace_len = (uint8_t)trace.id.len;
	exemplar.span_known = trace.span.len == sizeof(exemplar.span);
	if (exemplar.span_known)
		memcpy(exemplar.span, trace.span.data, trace.span.len);
	metric_histogram_exemplify(histogram, bucket, &exemplar);
}

static void weigh(struct metrics *metrics, struct metric_table *table, struct metric_series *series)
{
	size_t bytes = sizeof(*metrics) + known_requests_bytes();

	metric_table_weigh(table, series);
	bytes += metric_table_bytes(metrics->conns);
	for (enum side side = 0; side < SIDES; side++)
		bytes += metric_table_bytes(metrics->requests[side]);
	budget_set(metrics->config.budget, &metrics->charged_bytes, bytes);
}

void metrics_exchange(struct metrics *metrics, const struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;
	struct metric_series *series;
	enum side side;
	size_t bucket;

	if (!exchange_counts(exchange) || exchange->flags & FLAG_IN_FLIGHT || is_statement(exchange))
		return;
	if (!side_of(exchange, &side)) {
		metrics->sideless++;
		return;
	}
	if (!exchange->duration_known)
		metrics->untimed[side]++;
	labels_of(metrics, exchange, side);
	if (metrics->labels.failed) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	series = metric_table_find(metrics->requests[side],
				   slice_of(metrics->labels.data, metrics->labels.len));
	if (exchange->duration_known) {
		bucket = metric_histogram_add(&series->of[REQUEST_DURATION], &metric_request_bounds,
					      exchange->duration_ns);
		exemplify(metrics, &series->of[REQUEST_DURATION], bucket, exchange);
	}
	if (request && request->body_known)
		metric_histogram_add(&series->of[REQUEST_BYTES], &metric_byte_bounds, request->body_bytes);
	if (response && response->body_known)
		metric_histogram_add(&series->of[RESPONSE_BYTES], &metric_byte_bounds, response->body_bytes);
	weigh(metrics, metrics->requests[side], series);
}

void metrics_in_flight_begin(struct metrics *metrics)
{
	memset(metrics->in_flight, 0, sizeof(metrics->in_flight));
}

void metrics_in_flight(struct metrics *metrics, const struct exchange *exchange)
{
	const char *scheme = scheme_of(exchange);
	size_t of_method = 0;
	enum side side;

	if (!exchange->request || is_statement(exchange) || !side_of(exchange, &side))
		return;
	while (metric_methods[of_method] &&
	       !slice_equal(exchange->request->method, slice_of_string(metric_methods[of_method])))
		of_method++;
	metrics->in_flight[side][of_method][scheme ? (scheme == schemes[1] ? 2 : 1) : 0]++;
}

/* --- connections ------------------------------------------------------------------------------ */

void metrics_conn_closed(struct metrics *metrics, const struct conn_facts *conn)
{
	const char *role = conn_facts_role_name(conn->role), *version = message_version_name(conn->version);
	const char *tls = conn_facts_tls_version_name(conn->tls_version);
	struct buffer *labels = &metrics->labels;
	struct metric_series *series;

	buffer_clear(labels);
	label_plain(labels, "hark_role", role ? role : "unknown");
	label_plain(labels, "tls", conn->tls ? "true" : conn->tls_unknown ? "unknown" : "false");
	if (conn->tls_library)
		label_plain(labels, "tls_library", conn->tls_library);
	if (tls)
		label_plain(labels, "tls_protocol_version", tls);
	if (version)
		label_plain(labels, "network_protocol_version", version);
	if (labels->failed) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	series = metric_table_find(metrics->conns, slice_of(labels->data, labels->len));
	if (conn->opened_ns && conn->closed_ns > conn->opened_ns)
		metric_histogram_add(&series->of[CONN_DURATION], &metric_connection_bounds,
				     conn->closed_ns - conn->opened_ns);
	if (conn->connect_ns)
		metric_histogram_add(&series->of[CONN_CONNECT], &metric_request_bounds, conn->connect_ns);
	if (conn->handshake_ns)
		metric_histogram_add(&series->of[CONN_HANDSHAKE], &metric_request_bounds, conn->handshake_ns);
	weigh(metrics, metrics->conns, series);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /metrics tells: requests by OpenTelemetry's names (http.server.request.duration …), each end of an
 * exchange in its own family; connections and TLS; hark's counters. Label sets are bounded (metric_series.h),
 * and no value of a label is longer than METRICS_LABEL_MAX bytes.
 *
 * stats/ is not used for it: its rows become one another when a route is learnt, and a counter that somebody
 * collects must not; and its buckets have other bounds than those that OpenTelemetry advises.
 */
#ifndef HARK_METRICS_H
#define HARK_METRICS_H

#include "base/buffer.h"
#include "base/redact.h"
#include "model/conn_facts.h"
#include "model/exchange.h"
#include "routes/routes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_LABEL_MAX 200

struct budget;

struct metrics_config {
	const struct routes_config *routes; /* borrowed; NULL: none */
	const struct redact *redact;	    /* borrowed */
	struct budget *budget;		    /* NULL: no limit */
	size_t series_max;		    /* of requests */
	int64_t wall_offset_ns;
};

struct metrics;

struct metrics *metrics_new(const struct metrics_config *config); /* NULL: out of memory */
void metrics_free(struct metrics *metrics);			  /* NULL is legal */

/* One of the methods that OpenTelemetry knows; all others are "_OTHER". */
const char *metrics_method(struct slice method);

/* An exchange ended; of a joined one both ends are passed. */
void metrics_exchange(struct metrics *metrics, const struct exchange *exchange);
/* The exchanges that are open now: begin forgets, then each is passed. */
void metrics_in_flight_begin(struct metrics *metrics);
void metrics_in_flight(struct metrics *metrics, const struct exchange *exchange);
void metrics_conn_closed(struct metrics *metrics, const struct conn_facts *conn);

enum metrics_format {
	METRICS_PROMETHEUS,  /* text, version 0.0.4 */
	METRICS_OPENMETRICS, /* 1.0.0, with exemplars */
	METRICS_PROTOBUF,    /* Prometheus' messages, with exemplars and native histograms */
};

/* What a request's Accept field (RFC 9110, 12.5.1) wants most; anything else is METRICS_PROMETHEUS. */
enum metrics_format metrics_format_of(const char *accept);
/* Its Content-Type. */
const char *metrics_format_type(enum metrics_format format);

/* All of it, which counts as read. */
void metrics_put(struct metrics *metrics, enum metrics_format format, struct buffer *text);

/* The Prometheus name of a counter, without its "_total"; "hark_events_lost". */
void metrics_counter_name(struct buffer *name, const char *counter);

#endif

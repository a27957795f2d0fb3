/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of metrics. */
#ifndef HARK_METRICS_PRIVATE_H
#define HARK_METRICS_PRIVATE_H

#include "metric_series.h"
#include "metrics.h"
#include "routes/known_request.h"

enum side {
	SIDE_SERVER,
	SIDE_CLIENT,
	SIDES
};

/* What the histograms of a series are: of requests, and of connections. */
enum {
	REQUEST_DURATION,
	REQUEST_BYTES,
	RESPONSE_BYTES
};
enum {
	CONN_DURATION,
	CONN_CONNECT,
	CONN_HANDSHAKE
};

#define METRIC_METHODS 10 /* that OpenTelemetry knows; those behind the last are one, "_OTHER" */
#define METRIC_SCHEMES 3  /* not known, http, https */

extern const char *const metric_methods[METRIC_METHODS + 1];

struct metrics {
	struct metrics_config config;
	struct routes *routes;
	struct known_requests *known;
	struct content_memo last_type;
	struct metric_table *requests[SIDES], *conns;
	uint64_t in_flight[SIDES][METRIC_METHODS + 1][METRIC_SCHEMES];
	uint64_t untimed[SIDES]; /* exchanges whose duration is not known */
	uint64_t sideless;	 /* of which it is not known who asked */
	uint64_t began_wall_ns;
	size_t charged_bytes;
	struct buffer labels, value, scratch;
};

#endif

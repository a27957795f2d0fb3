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

/* --- how it is written: metrics_text.c, metrics_protobuf.c ------------------------------------- */

enum metric_kind {
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_HISTOGRAM,
	METRIC_INFO
};

struct metric_family {
	const char *name; /* without "_total" or "_info" */
	enum metric_kind kind;
	const char *unit; /* with which the name ends; "": it has none */
	const char *help;
};

struct metrics_form;

struct metrics_writer {
	const struct metrics_form *form;
	struct buffer *text;
	struct metric_family family; /* that was begun */
	struct buffer message;	     /* the form's own */
};

/* Between begin and end stand the samples of a family; labels: as OpenMetrics writes them, without braces. */
struct metrics_form {
	void (*begin)(struct metrics_writer *writer, const struct metric_family *family);
	void (*value)(struct metrics_writer *writer, struct slice labels, uint64_t value, uint64_t scale);
	void (*histogram)(struct metrics_writer *writer, struct slice labels,
			  const struct metric_histogram *histogram, const struct metric_bounds *bounds);
	void (*end)(struct metrics_writer *writer);
	void (*finish)(struct metrics_writer *writer); /* NULL: nothing stands behind the last family */
};

extern const struct metrics_form metrics_text_form, metrics_open_form, metrics_protobuf_form;

/* --- all that is kept ---------------------------------------------------------------------------- */

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

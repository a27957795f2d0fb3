/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by what hark serve answers with. */
#ifndef HARK_SERVE_H
#define HARK_SERVE_H

#include "metrics.h"
#include "serve_http.h"
#include "sinks/json_writer.h"
#include "sinks/recent.h"
#include "sinks/sink.h"
#include "stats/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink {
	struct metrics *metrics;
	struct recent *recent; /* the last exchanges and connections */
	struct stats *stats;   /* by endpoint */
	struct json_writer writer;
	struct serve_http *http;
	bool live;
	bool secrets;	    /* are shown */
	bool news;	    /* since the streams were woken */
	bool taking;	    /* what is open is being told */
	uint64_t next_ns;   /* event time of the next count of it */
	uint64_t turned_ns; /* clock_ns() of the last poll; 0: there was none */
};

/* What is answered: serve_paths.c. */
extern const struct serve_path serve_paths[];
extern const size_t serve_path_count;

/* The functions of the table, each of a struct sink. */
void serve_answer_metrics(void *ctx, const struct serve_request *request, struct serve_answer *answer);
void serve_answer_exchanges(void *ctx, const struct serve_request *request, struct serve_answer *answer);
void serve_answer_exchange(void *ctx, const struct serve_request *request, struct serve_answer *answer);
void serve_answer_connections(void *ctx, const struct serve_request *request, struct serve_answer *answer);
void serve_answer_endpoints(void *ctx, const struct serve_request *request, struct serve_answer *answer);
void serve_answer_counters(void *ctx, const struct serve_request *request, struct serve_answer *answer);
void serve_answer_events(void *ctx, const struct serve_request *request, struct serve_answer *answer);
void serve_answer_health(void *ctx, const struct serve_request *request, struct serve_answer *answer);

/* {"number":…,"failed":…,"exchange":{…} without the brace at its end. */
void serve_put_exchange(struct sink *sink, const struct recent_item *item, int verbose, struct buffer *out);

#endif

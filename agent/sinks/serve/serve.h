/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by what hark serve answers with. */
#ifndef HARK_SERVE_H
#define HARK_SERVE_H

#include "metrics.h"
#include "serve_http.h"
#include "sinks/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink {
	struct metrics *metrics;
	struct serve_http *http;
	bool live;
	bool over;	    /* the recording is */
	bool taking;	    /* what is open is being told */
	uint64_t next_ns;   /* event time of the next count of it */
	uint64_t turned_ns; /* clock_ns() of the last poll; 0: there was none */
};

/* What is answered: serve_paths.c. */
extern const struct serve_path serve_paths[];
extern const size_t serve_path_count;

/* The functions of the table, each of a struct sink. */
void serve_answer_metrics(void *ctx, const struct serve_request *request, struct serve_answer *answer);
void serve_answer_health(void *ctx, const struct serve_request *request, struct serve_answer *answer);

#endif

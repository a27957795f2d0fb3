/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /api/…: one JSON object an answer, in which exchanges, connections and endpoints are the very objects that
 * -o json writes of them. Answers are bounded by number, by size, and by the time that a filter takes, whose
 * expressions are the asker's, whatever is asked for.
 */
#include "base/clock.h"
#include "base/counters.h"
#include "serve.h"
#include "serve_ask.h"
#include "sinks/stat/stat_feed.h"
#include "sinks/stat/stat_row_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT	     100
#define LIMIT_MAX    1000
#define ANSWER_BYTES (4u << 20) /* no object is begun behind them */

void serve_put_exchange(struct sink *sink, const struct recent_item *item, int verbose, struct buffer *out)
{
	buffer_format(out, "{\"number\":%" PRIu64 ",\"failed\":%s,\"exchange\":", item->number,
		      item->failed ? "true" : "false");
	recent_put_json(sink->recent, item, verbose, out);
}

/* --- exchanges ---------------------------------------------------------------------------------- */

static void put_exchanges(struct sink *sink, struct buffer *body, const struct filter *filter,
			  const uint64_t bounds[2], uint64_t conn, uint64_t limit, int verbose)
{
	struct recent_figures figures = recent_figures(sink->recent);
	uint64_t at = bounds[1] <= figures.last ? bounds[1] - 1 : figures.last, count = 0;
	uint64_t until_ns = filter ? clock_ns() + SERVE_TURN_NS : UINT64_MAX;

	buffer_format(body,
		      "{\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"fell_out\":%" PRIu64 ",\"lost\":%" PRIu64
		      ",\"exchanges\":[",
		      figures.first, figures.last, figures.fell_out, figures.lost);
	for (; at >= figures.first && at > bounds[0] && count < limit && body->len < ANSWER_BYTES &&
	       clock_ns() < until_ns;
	     at--) {
		const struct recent_item *item = recent_find(sink->recent, at);

		if (!item || (conn && item->conn->id != conn && item->conn->facts.number != conn) ||
		    !filter_exchange(filter, &item->exchange))
			continue;
		if (count++)
			buffer_char(body, ',');
		serve_put_exchange(sink, item, verbose, body);
		buffer_char(body, '}');
	}
	buffer_string(body, "]");
	/* There is, or may be, more: the next page's `before`. */
	if (at >= figures.first && at > bounds[0])
		buffer_format(body, ",\"before\":%" PRIu64, at + 1);
	buffer_string(body, "}\n");
}

void serve_answer_exchanges(void *ctx, const struct serve_request *request, struct serve_answer *answer)
{
	struct sink *sink = ctx;
	uint64_t bounds[2] = { 0, UINT64_MAX }, limit = LIMIT, verbose = 0, conn = 0;
	struct filter *filter;

	if (!serve_ask_number(request, answer, "after", 0, UINT64_MAX, &bounds[0]) ||
	    !serve_ask_number(request, answer, "before", 1, UINT64_MAX, &bounds[1]) ||
	    !serve_ask_number(request, answer, "limit", 1, LIMIT_MAX, &limit) ||
	    !serve_ask_number(request, answer, "verbose", 0, 2, &verbose) ||
	    !serve_ask_number(request, answer, "connection", 1, UINT64_MAX, &conn) ||
	    !serve_ask_filter(request, answer, sink->secrets, &filter))
		return;
	put_exchanges(sink, &answer->body, filter, bounds, conn, limit, (int)verbose);
	filter_free(filter);
}

void serve_answer_exchange(void *ctx, const struct serve_request *request, struct serve_answer *answer)
{
	struct sink *sink = ctx;
	struct buffer *body = &answer->body, curl = { .data = NULL };
	const struct recent_item *item = NULL;
	uint64_t number;

	if (slice_number(slice_of_string(request->rest), &number))
		item = recent_find(sink->recent, number);
	if (!item) {
		serve_answer_words(answer, 404, "this exchange is not kept (any more)");
		return;
	}
	serve_put_exchange(sink, item, 2, body);
	if (recent_put_curl(sink->recent, item, &curl)) {
		buffer_string(body, ",\"curl\":");
		escape_json_text(body, slice_of(curl.data, curl.len));
	}
	body->failed |= curl.failed;
	buffer_fini(&curl);
	buffer_string(body, "}\n");
}

/* --- connections ---------------------------------------------------------------------------------- */

void serve_answer_connections(void *ctx, const struct serve_request *request, struct serve_answer *answer)
{
	struct sink *sink = ctx;
	struct buffer *body = &answer->body;
	const struct recent_conn *conn = NULL;
	uint64_t limit = LIMIT, count = 0;
	struct filter *filter;

	if (!serve_ask_number(request, answer, "limit", 1, LIMIT_MAX, &limit) ||
	    !serve_ask_filter(request, answer, sink->secrets, &filter))
		return;
	buffer_format(body, "{\"fell_out\":%" PRIu64 ",\"connections\":[",
		      recent_figures(sink->recent).conns_fell_out);
	while ((conn = recent_conn_next(sink->recent, conn)) && count < limit && body->len < ANSWER_BYTES) {
		if (!filter_conn(filter, &conn->facts, &conn->facts.owner))
			continue;
		buffer_format(body,
			      "%s{\"open\":%s,\"errors\":%" PRIu64 ",\"connection\":", count++ ? "," : "",
			      conn->closed ? "false" : "true", conn->errors);
		recent_put_conn(sink->recent, conn, body);
		buffer_char(body, '}');
	}
	buffer_format(body, "],\"more\":%s}\n", conn ? "true" : "false");
	filter_free(filter);
}

/* --- endpoints -------------------------------------------------------------------------------------- */

static bool window_of(const char *name, enum stats_window *window)
{
	static const char *const names[WINDOW_COUNT] = {
		[WINDOW_RUN] = "run", [WINDOW_10S] = "10s", [WINDOW_60S] = "60s"
	};

	for (*window = WINDOW_RUN; *window < WINDOW_COUNT; ++*window)
		if (strcmp(name, names[*window]) == 0)
			return true;
	return false;
}

static void put_endpoints(struct sink *sink, struct buffer *body, enum stats_sort sort,
			  enum stats_window window, uint64_t limit)
{
	const struct stats_options options = { .by = BY_ENDPOINT };
	struct stat_row_around around = { .span_ns = stats_span_ns(sink->stats, window) };
	struct stats_row **rows = NULL;
	size_t total = 0, count = 0;

	if (stats_sorted(sink->stats, sort, false, window, &rows, &total))
		body->failed = true;
	buffer_format(body, "{\"span_s\":");
	stat_put_decimal(body, (double)around.span_ns / 1e9, 3);
	buffer_string(body, ",\"endpoints\":[");
	for (size_t i = 0; i < total && count < limit && body->len < ANSWER_BYTES; i++) {
		struct stats_numbers numbers;

		if (stats_window(sink->stats, rows[i], window, &numbers))
			counter_add(COUNTER_LIMIT_MEMORY, 1);
		around.in_flight = &rows[i]->in_flight;
		if (numbers.count || rows[i]->in_flight) {
			if (count++)
				buffer_char(body, ',');
			stat_row_json_key(&sink->writer, &options, rows[i]);
			stat_row_json_numbers(&sink->writer, &numbers, &around);
			json_take(&sink->writer, body);
		}
		stats_numbers_fini(&numbers);
	}
	buffer_format(body, "],\"total\":%zu}\n", total);
	free(rows);
}

void serve_answer_endpoints(void *ctx, const struct serve_request *request, struct serve_answer *answer)
{
	const char *by = serve_request_argument(request, "sort");
	const char *of = serve_request_argument(request, "window");
	enum stats_window window = WINDOW_RUN;
	enum stats_sort sort = SORT_COUNT;
	uint64_t limit = LIMIT;

	if (!serve_ask_number(request, answer, "limit", 1, LIMIT_MAX, &limit))
		return;
	if (of && !window_of(of, &window))
		serve_answer_words(answer, 400, "window is none of run, 10s, 60s");
	else if (by && stats_sort_of(by, &sort) < 0)
		serve_answer_words(answer, 400, "sort is no column (as of hark stat --sort)");
	else
		put_endpoints(ctx, &answer->body, sort, window, limit);
}

/* --- counters ----------------------------------------------------------------------------------------- */

void serve_answer_counters(void *ctx, const struct serve_request *request, struct serve_answer *answer)
{
	(void)ctx;
	(void)request;
	for (enum counter i = 0; i < COUNTER_COUNT; i++)
		buffer_format(&answer->body, "%s\"%s\":%" PRIu64, i ? "," : "{", counter_name(i),
			      counters[i]);
	buffer_string(&answer->body, "}\n");
}

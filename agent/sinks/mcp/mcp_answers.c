/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tools answer. Each answer is bounded, by the number that was asked for and by bytes, and says how
 * to get the rest; what fell out of what is kept is told with it.
 */
#include "mcp_tools.h"

#include "base/escape.h"
#include "base/losses.h"
#include "filter/filter_point.h"
#include "sinks/stat/stat_row_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_BYTES (96u << 10) /* of the rows: past them no further one comes */

/* --- what several have in common -------------------------------------------------------------------- */

/* False: nothing was captured, for a reason that is told. */
static bool is_capturing(const struct mcp_view *view, struct buffer *wrong)
{
	const struct sink_host *host = view->config->host;

	if (!host || !host->failed)
		return true;
	buffer_string(wrong, "hark captures nothing here. What it said:\n");
	host->said(host->ctx, wrong);
	buffer_string(wrong, "A recording can be asked without privileges: hark replay FILE mcp");
	return false;
}

/* *filter: NULL: everything. False: *wrong says why. */
static bool filter_take(const struct mcp_value *value, struct filter **filter, struct buffer *wrong)
{
	struct filter_error error = { .word = 0 };
	const char *text = value->text;

	*filter = NULL;
	if (!value->given || !text[strspn(text, " ")])
		return true;
	*filter = filter_parse(&text, 1, &error);
	if (!*filter) {
		buffer_format(wrong, "filter, byte %zu: ", error.at);
		filter_point(wrong, text, &error);
		return false;
	}
	/* Bodies are redacted when they are shown: whoever may ask what stands in them need not see it. */
	if (!filter_wants_bodies(*filter))
		return true;
	filter_free(*filter);
	*filter = NULL;
	buffer_string(wrong,
		      "body: is no filter here: it would also find what is redacted. Take what else is known "
		      "of the exchange, and look at its bodies with detail");
	return false;
}

/* What the first answer began with, or the number of a cursor that has this letter. False: it is none. */
static bool cursor_take(const struct mcp_value *value, char letter, uint64_t *number, struct buffer *wrong)
{
	char *end;

	if (!value->given)
		return true;
	if (value->text[0] == letter && value->text[1] >= '0' && value->text[1] <= '9' &&
	    strlen(value->text) < 20) {
		*number = strtoull(value->text + 1, &end, 10);
		if (!*end)
			return true;
	}
	buffer_string(wrong,
		      "cursor is none that came with an answer to the same question; leave it out to begin");
	return false;
}

static void put_cursor(struct buffer *data, char letter, uint64_t number)
{
	buffer_format(data, ",\"next_cursor\":\"%c%" PRIu64 "\"", letter, number);
}

/* What answers end with: what they stand on. */
static void put_basis(const struct mcp_view *view, struct buffer *data)
{
	struct recent_figures figures = recent_figures(view->recent);
	struct buffer losses = { .data = NULL };

	buffer_format(data,
		      ",\"source\":\"%s\",\"kept\":{\"first\":%" PRIu64 ",\"last\":%" PRIu64
		      ",\"fell_out\":%" PRIu64 ",\"lost\":%" PRIu64 "}",
		      view->config->live ? "live" : "recording", figures.first, figures.last,
		      figures.fell_out, figures.lost);
	losses_put(&losses);
	if (losses.len) {
		buffer_string(data, ",\"losses\":");
		escape_json(data, slice_of(losses.data, losses.len));
	}
	buffer_string(data, ",\"about\":\"" MCP_IS_DATA "\"}");
	buffer_fini(&losses);
}

/* --- exchanges ---------------------------------------------------------------------------------------- */

enum {
	DETAIL_SUMMARY,
	DETAIL_HEADERS,
	DETAIL_BODIES,
	DETAIL_CURL,
};

static void put_exchange(const struct mcp_view *view, const struct recent_item *item, int64_t detail,
			 struct buffer *data)
{
	buffer_format(data, "{\"number\":%" PRIu64 ",\"exchange\":", item->number);
	recent_put_json(view->recent, item, detail == DETAIL_CURL ? 0 : (int)detail, data);
	if (detail == DETAIL_CURL) {
		struct buffer text = { .data = NULL };

		recent_put_curl(view->recent, item, &text);
		buffer_string(data, ",\"curl\":");
		escape_json_text(data, slice_of(text.data, text.len));
		data->failed |= text.failed;
		buffer_fini(&text);
	}
	buffer_char(data, '}');
}

static bool put_numbered(const struct mcp_view *view, int64_t number, int64_t detail, struct buffer *data,
			 struct buffer *wrong)
{
	const struct recent_item *item = recent_find(view->recent, (uint64_t)number);
	struct recent_figures figures = recent_figures(view->recent);

	if (!item) {
		if (figures.first > figures.last)
			buffer_string(wrong, "no exchange is kept yet");
		else
			buffer_format(wrong,
				      "exchange %" PRId64 " is not kept: %" PRIu64 " to %" PRIu64 " are",
				      number, figures.first, figures.last);
		return false;
	}
	buffer_string(data, "{\"exchanges\":[");
	put_exchange(view, item, detail, data);
	buffer_char(data, ']');
	put_basis(view, data);
	return true;
}

/* Does its other end stand for it? */
static bool is_told(const struct mcp_view *view, const struct recent_item *item, const struct filter *filter)
{
	const struct recent_item *first = recent_find_first_end(view->recent, item);

	return first && filter_exchange(filter, &first->exchange);
}

bool mcp_exchanges(const struct mcp_view *view, const struct mcp_value *values, struct buffer *data,
		   struct buffer *wrong)
{
	enum {
		FILTER,
		LIMIT,
		DETAIL,
		ORDER,
		CURSOR,
		NUMBER,
		BOTH_ENDS,
	};
	struct recent_figures figures = recent_figures(view->recent);
	bool oldest = values[ORDER].number == 1;
	uint64_t at = oldest ? figures.first : figures.last, asked;
	struct filter *filter;
	int64_t count = 0;

	if (!is_capturing(view, wrong))
		return false;
	if (values[NUMBER].given)
		return put_numbered(view, values[NUMBER].number, values[DETAIL].number, data, wrong);
	if (!cursor_take(&values[CURSOR], oldest ? 'o' : 'n', &at, wrong) ||
	    !filter_take(&values[FILTER], &filter, wrong))
		return false;
	asked = at;
	if (oldest && at < figures.first)
		at = figures.first;
	if (at > figures.last)
		at = oldest ? figures.last + 1 : figures.last;
	buffer_string(data, "{\"exchanges\":[");
	for (; at >= figures.first && at <= figures.last && at && count < values[LIMIT].number;
	     oldest ? at++ : at--) {
		const struct recent_item *item = recent_find(view->recent, at);

		if (!filter_exchange(filter, &item->exchange) ||
		    (!values[BOTH_ENDS].number && is_told(view, item, filter)))
			continue;
		if (count && data->len > ANSWER_BYTES)
			break;
		buffer_string(data, count++ ? "," : "");
		put_exchange(view, item, values[DETAIL].number, data);
	}
	filter_free(filter);
	buffer_char(data, ']');
	if (oldest || (at >= figures.first && at))
		put_cursor(data, oldest ? 'o' : 'n', at);
	if (oldest && asked < figures.first && values[CURSOR].given)
		buffer_format(data, ",\"missed\":%" PRIu64, figures.first - asked);
	put_basis(view, data);
	return true;
}

/* --- endpoints ---------------------------------------------------------------------------------------- */

/* Of the exchanges that are kept. NULL: out of memory. */
static struct stats *stats_of_kept(const struct mcp_view *view, const struct stats_options *options,
				   const struct filter *filter)
{
	struct recent_figures figures = recent_figures(view->recent);
	struct stats *stats = stats_new(&(struct stats_config){
		.by = options->by,
		.fact = options->by_fact,
		.budget = options->budget,
		.routes = options->routes,
		.no_windows = true,
	});

	for (uint64_t at = figures.first; stats && at <= figures.last; at++) {
		const struct exchange *exchange = &recent_find(view->recent, at)->exchange;

		if (exchange_counts(exchange) && filter_exchange(filter, exchange))
			stats_exchange(stats, exchange);
	}
	return stats;
}

static void put_row(struct json_writer *writer, const struct stats *stats,
		    const struct stats_options *options, const struct stats_row *row, struct buffer *data)
{
	const struct stat_row_around around = {
		.span_ns = stats_span_ns(stats, WINDOW_RUN),
		.by_fact = options->by == BY_FACT ? options->by_fact : NULL,
	};
	struct stats_numbers numbers;

	if (stats_window(stats, row, WINDOW_RUN, &numbers))
		data->failed = true;
	stat_row_json_key(writer, options, row);
	stat_row_json_numbers(writer, &numbers, &around);
	stats_numbers_fini(&numbers);
	json_take(writer, data);
}

static bool put_rows(const struct mcp_view *view, struct stats *stats, const struct stats_options *options,
		     const struct mcp_value *limit, uint64_t at, struct buffer *data)
{
	struct json_writer writer;
	struct stats_row **rows;
	size_t total;
	int64_t count = 0;

	if (stats_sorted(stats, options->sort, false, WINDOW_RUN, &rows, &total))
		return false;
	json_init(&writer, view->config);
	buffer_string(data, "{\"rows\":[");
	for (; at < total && count < limit->number && (!count || data->len <= ANSWER_BYTES); at++) {
		buffer_string(data, count++ ? "," : "");
		put_row(&writer, stats, options, rows[at], data);
	}
	buffer_format(data, "],\"total\":%zu", total);
	if (at < total)
		put_cursor(data, 'r', at);
	json_fini(&writer);
	free(rows);
	return true;
}

bool mcp_endpoints(const struct mcp_view *view, const struct mcp_value *values, struct buffer *data,
		   struct buffer *wrong)
{
	enum {
		FILTER,
		BY,
		SORT,
		LIMIT,
		CURSOR
	};
	struct stats_options options = { .by = BY_ENDPOINT };
	struct stats *stats = NULL;
	struct filter *filter;
	uint64_t at = 0;
	bool kept;

	if (view->config->stats)
		options = *view->config->stats;
	options.by = BY_ENDPOINT;
	if (!is_capturing(view, wrong))
		return false;
	if (values[BY].given && stats_by_of(values[BY].text, &options.by) < 0) {
		buffer_string(wrong,
			      "by is none of endpoint, host, path, process, peer, status, connection, trace, "
			      "container, pod, unit, and no name of a fact, which has a dot");
		return false;
	}
	options.by_fact = values[BY].text;
	if (stats_sort_of(values[SORT].given ? values[SORT].text : "count", &options.sort) < 0 ||
	    !cursor_take(&values[CURSOR], 'r', &at, wrong) || !filter_take(&values[FILTER], &filter, wrong))
		return false;
	kept = filter || options.by != BY_ENDPOINT;
	if (kept)
		stats = stats_of_kept(view, &options, filter);
	filter_free(filter);
	if ((kept && !stats) ||
	    !put_rows(view, kept ? stats : view->stats, &options, &values[LIMIT], at, data))
		data->failed = true;
	buffer_format(data, ",\"of\":\"%s\"", kept ? "the exchanges that are kept" : "the whole run");
	put_basis(view, data);
	stats_free(stats);
	return true;
}

/* --- connections --------------------------------------------------------------------------------------- */

/* A Unix socket that carried no HTTP is most often a program's own, between its processes. */
static bool conn_passes(const struct recent_conn *conn, const struct filter *filter,
			const struct mcp_value *open)
{
	if (conn->facts.sock.family == AF_UNIX && conn->facts.exchanges == 0)
		return false;
	if (open->given && open->number == conn->closed)
		return false;
	return filter_conn(filter, &conn->facts, &conn->facts.owner);
}

bool mcp_connections(const struct mcp_view *view, const struct mcp_value *values, struct buffer *data,
		     struct buffer *wrong)
{
	enum {
		FILTER,
		OPEN,
		LIMIT,
		CURSOR
	};
	const struct recent_conn *conn = NULL;
	struct filter *filter;
	uint64_t skip = 0, place = 0;
	int64_t count = 0;
	bool more = false;

	if (!is_capturing(view, wrong) || !cursor_take(&values[CURSOR], 'c', &skip, wrong) ||
	    !filter_take(&values[FILTER], &filter, wrong))
		return false;
	buffer_string(data, "{\"connections\":[");
	while ((conn = recent_conn_next(view->recent, conn))) {
		if (!conn_passes(conn, filter, &values[OPEN]) || place++ < skip)
			continue;
		more = count == values[LIMIT].number || (count && data->len > ANSWER_BYTES);
		if (more)
			break;
		buffer_format(data, "%s{\"open\":%s,\"failed_exchanges\":%" PRIu64 ",\"connection\":",
			      count++ ? "," : "", conn->closed ? "false" : "true", conn->errors);
		recent_put_conn(view->recent, conn, data);
		buffer_char(data, '}');
	}
	filter_free(filter);
	buffer_char(data, ']');
	if (more)
		put_cursor(data, 'c', skip + (uint64_t)count);
	put_basis(view, data);
	return true;
}

/* --- doctor ------------------------------------------------------------------------------------------- */

bool mcp_doctor(const struct mcp_view *view, const struct mcp_value *values, struct buffer *data,
		struct buffer *wrong)
{
	const struct sink_host *host = view->config->host;
	struct buffer text = { .data = NULL }, said = { .data = NULL };

	if (!host) {
		buffer_string(
			wrong,
			"this is a recording, which tells nothing of the machine that it is looked at on; "
			"`hark doctor` and `hark mcp` look at one");
		return false;
	}
	host->doctor(host->ctx, (uint32_t)values[0].number, &text);
	host->said(host->ctx, &said);
	buffer_format(data, "{\"as_of\":\"%s\",\"doctor\":", values[0].given ? "now" : "the start of hark");
	escape_json_text(data, slice_of(text.data, text.len));
	buffer_string(data, ",\"said\":");
	escape_json(data, slice_of(said.data, said.len)); /* lines may be cut anywhere */
	data->failed |= text.failed || said.failed;
	put_basis(view, data);
	buffer_fini(&text);
	buffer_fini(&said);
	return true;
}

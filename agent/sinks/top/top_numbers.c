/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot half of `hark top`: what an exchange costs. Numbers of endpoints and
 * processes, the history, a record for the lists. A row's slowest exchanges
 * hang on the row, and go where it goes when rows become one.
 */
#include "top.h"

#include "base/counters.h"

#include <errno.h>
#include <stdlib.h>

static void rows_merge(void *ctx, struct stats_row *into, struct stats_row *from)
{
	struct sink *sink = ctx;

	if (into->data)
		top_drill_merge(&sink->kept, into->data, from->data);
	else
		into->data = from->data;
	from->data = NULL;
}

static void row_release(void *ctx, struct stats_row *row)
{
	struct sink *sink = ctx;

	top_drill_free(&sink->kept, row->data);
	row->data = NULL;
}

int top_numbers_init(struct sink *sink, struct top_numbers *numbers)
{
	const enum stats_by by[] = { [TOP_ENDPOINTS] = top_by(sink), [TOP_PROCESSES] = BY_PROCESS };
	struct stats_config config = { .fact = sink->config.stats ? sink->config.stats->by_fact : NULL,
				       .budget = sink->config.stats ? sink->config.stats->budget : NULL,
				       .routes = sink->config.stats ? sink->config.stats->routes : NULL,
				       .merge = rows_merge,
				       .release = row_release,
				       .ctx = sink };

	for (int i = 0; i < 2; i++) {
		config.by = by[i];
		numbers->stats[i] = stats_new(&config);
	}
	return numbers->stats[0] && numbers->stats[1] ? 0 : -ENOMEM;
}

static void numbers_fini(struct top_numbers *numbers)
{
	stats_free(numbers->stats[0]);
	stats_free(numbers->stats[1]);
	top_history_fini(&numbers->history);
	*numbers = (struct top_numbers){ 0 };
}

void top_numbers_fini(struct sink *sink)
{
	numbers_fini(&sink->numbers[1]);
	numbers_fini(&sink->numbers[0]);
	filter_free(sink->filter);
}

static bool is_error(const struct exchange *exchange)
{
	return exchange->flags & (FLAG_RESET | FLAG_TIMEOUT) ||
	       (exchange->response && exchange->response->status >= 400) ||
	       exchange_outcome(exchange, NULL) > 0;
}

/* What hangs on the row, made when there is none; NULL: out of memory (counted). */
static struct top_drill *row_drill(struct stats_row *row)
{
	if (!row->data)
		row->data = calloc(1, sizeof(struct top_drill));
	if (!row->data)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	return row->data;
}

/* *record: of the exchange, when there is one already; made when a row wants it. */
static void numbers_count(struct sink *sink, struct top_numbers *numbers, const struct exchange *exchange,
			  bool error, bool fresh, struct top_record **record)
{
	struct top_drill *endpoint, *process;
	bool second = exchange->join == JOIN_SECOND;
	bool counted = stats_figures(top_by(sink), exchange); /* else the other end stands in the row */
	bool slow_process, slow_endpoint;

	if (!exchange_counts(exchange))
		return;
	endpoint = row_drill(stats_exchange(numbers->stats[TOP_ENDPOINTS], exchange));
	process = row_drill(stats_exchange(numbers->stats[TOP_PROCESSES], exchange));
	if (endpoint)
		top_drill_count(endpoint, exchange, error, counted, fresh);
	if (process && sink->tree && sink->config.live && process->exchanges == 0) /* it may be gone soon */
		top_family_find(&sink->family, mover_pid_shown(exchange->mover.pid));
	if (process)
		top_drill_count(process, exchange, error, true, fresh);
	slow_process = process && top_slowest_wants(&process->slowest, exchange);
	slow_endpoint = endpoint && counted && top_slowest_wants(&endpoint->slowest, exchange);
	if (!second)
		top_history_add(&numbers->history, error, exchange->duration_known, exchange->duration_ns);
	if (!*record && (slow_process || slow_endpoint))
		*record = top_record_new(&sink->kept, exchange, true);
	if (*record && slow_endpoint)
		top_slowest_add(&sink->kept, &endpoint->slowest, *record);
	if (*record && slow_process)
		top_slowest_add(&sink->kept, &process->slowest, *record);
}

void top_numbers_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;
	uint64_t end = exchange->start_ns + (exchange->duration_known ? exchange->duration_ns : 0);
	bool matched = sink->filter && filter_exchange(sink->filter, exchange);
	bool error = is_error(exchange), fresh = top_is_fresh(exchange);
	struct top_record *record = NULL;
	struct top_conn *conn;

	if (end > sink->now_ns)
		sink->now_ns = end;
	for (int i = 0; i <= (sink->filter != NULL); i++)
		top_history_tick(&sink->numbers[i].history, sink->now_ns);
	if (top_live_allows(&sink->kept, sink->now_ns)) {
		top_live_make_room(&sink->kept);
		record = top_record_new(&sink->kept, exchange, false);
	}
	if (record)
		top_live_add(&sink->kept, record);
	numbers_count(sink, &sink->numbers[0], exchange, error, fresh, &record);
	if (matched)
		numbers_count(sink, &sink->numbers[1], exchange, error, fresh, &record);
	conn = top_conn_get(&sink->kept, exchange->conn, sink->now_ns);
	if (conn) {
		conn->matched += matched;
		top_conn_count(conn, exchange, record ? record->serial : 0, error);
	}
	top_record_drop(&sink->kept, record);
}

void top_numbers_tick(struct sink *sink)
{
	for (int i = 0; i <= (sink->filter != NULL); i++) {
		top_history_tick(&sink->numbers[i].history, sink->now_ns);
		stats_tick(sink->numbers[i].stats[TOP_ENDPOINTS], sink->now_ns);
		stats_tick(sink->numbers[i].stats[TOP_PROCESSES], sink->now_ns);
	}
}

void top_numbers_in_flight_begin(struct sink *sink)
{
	for (int i = 0; i <= (sink->filter != NULL); i++) {
		stats_in_flight_begin(sink->numbers[i].stats[TOP_ENDPOINTS]);
		stats_in_flight_begin(sink->numbers[i].stats[TOP_PROCESSES]);
	}
}

void top_numbers_in_flight(struct sink *sink, const struct exchange *exchange, bool passes)
{
	for (int i = 0; i <= (sink->filter && passes); i++) {
		stats_in_flight(sink->numbers[i].stats[TOP_ENDPOINTS], exchange);
		stats_in_flight(sink->numbers[i].stats[TOP_PROCESSES], exchange);
	}
}

/* --- the filter on the screen --------------------------------------------------------- */

/* The new numbers begin with what is kept of the last exchanges. */
static void some_begin(struct sink *sink)
{
	struct top_conn *conn;

	sink->filter_since_ns = sink->now_ns;
	for (conn = sink->kept.conn_list; conn; conn = conn->next)
		conn->matched = 0;
	for (size_t i = 0; i < sink->kept.live_count; i++) {
		struct top_record *record = top_live_at(&sink->kept, i);
		const struct exchange *exchange = &record->exchange;
		uint64_t end = exchange->start_ns + exchange->duration_ns;

		if (i == 0)
			sink->filter_since_ns = end;
		top_history_tick(&sink->numbers[1].history, end);
		if (!filter_exchange(sink->filter, exchange))
			continue;
		numbers_count(sink, &sink->numbers[1], exchange, is_error(exchange), record->fresh, &record);
		record->conn->matched++;
	}
	top_numbers_tick(sink);
}

static void filter_take(struct sink *sink, struct filter *filter)
{
	filter_free(sink->filter);
	sink->filter = NULL;
	numbers_fini(&sink->numbers[1]);
	if (!filter)
		return;
	if (top_numbers_init(sink, &sink->numbers[1]) < 0) {
		numbers_fini(&sink->numbers[1]);
		filter_free(filter);
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	sink->filter = filter;
	some_begin(sink);
}

/* Words as a shell would give them, quotes apart: the filter's own quotes hold spaces. */
void top_filter_typed(struct sink *sink)
{
	const char *word = sink->filter_text.text;
	struct filter_error error = { .word = 0 };
	struct filter *filter = NULL;

	sink->prompt_error[0] = '\0';
	if (word[strspn(word, " ")]) {
		filter = filter_parse(&word, 1, &error);
		if (!filter) {
			snprintf(sink->prompt_error, sizeof(sink->prompt_error), "%s", error.message);
			return;
		}
	}
	filter_take(sink, filter);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Counting: which end of an exchange, into which of a row's numbers. */
#include "stats.h"

#include "base/counters.h"
#include "content/contents.h"
#include "fact.h"
#include "stats_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_NS UINT64_C(70000000000) /* a row that was idle for so long has nothing in its windows */

struct stats *stats_new(const struct stats_config *config)
{
	struct stats *stats = calloc(1, sizeof(*stats));

	if (!stats)
		return NULL;
	stats->config = *config;
	if (stats_rows_init(stats) == 0)
		return stats;
	stats_free(stats);
	return NULL;
}

void stats_free(struct stats *stats)
{
	if (!stats)
		return;
	stats_rows_fini(stats);
	buffer_fini(&stats->key);
	buffer_fini(&stats->address);
	free(stats->folded_seen);
	free(stats);
}

/* An exchange that hark lost a part of, or did not see to its end, is no failure of the programs. */
#define OWN_LOSSES (FLAG_GAP | FLAG_LATE_JOINED | FLAG_TRUNCATED | FLAG_IN_FLIGHT)

/* Of an exchange what goes into each of a row's numbers. */
struct tally {
	bool counts; /* else only the client's duration is added */
	const struct exchange *exchange;
	const struct content *content;
	struct stats_numbers one; /* without latencies */
	bool client_known;
	uint64_t client_ns;
};

static void tally_add(const struct tally *tally, struct stats_numbers *numbers)
{
	const struct exchange *exchange = tally->exchange;
	int err = 0;

	if (tally->client_known)
		err |= histogram_add(&numbers->client, tally->client_ns);
	if (tally->counts) {
		stats_numbers_merge_counts(numbers, &tally->one);
		if (exchange->duration_known)
			err |= histogram_add(&numbers->duration, exchange->duration_ns);
		if (exchange->ttfb_known)
			err |= histogram_add(&numbers->ttfb, exchange->ttfb_ns);
	}
	if (err)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
}

/* Everywhere in the row that it belongs to. */
static void tally_count(struct stats *stats, const struct tally *tally, struct stats_private *row)
{
	tally_add(tally, &row->row.run);
	if (stats->interval_wanted)
		tally_add(tally, &row->interval);
	for (enum stats_window window = WINDOW_10S; !stats->config.no_windows && window < WINDOW_COUNT;
	     window++) {
		struct stats_numbers *numbers = stats_window_now(row, window, stats->now_ns);

		if (!numbers) {
			counter_add(COUNTER_LIMIT_MEMORY, 1);
			return;
		}
		tally_add(tally, numbers);
	}
}

static bool is_client(const struct exchange *exchange)
{
	return exchange->conn->role == ROLE_CLIENT;
}

/* Whose figures count where the key is not one end's own: the server's, while it is at hand. */
static const struct exchange *server_end(const struct exchange *exchange)
{
	if (exchange->join != JOIN_NONE && exchange->other && is_client(exchange) &&
	    exchange->other->conn->role == ROLE_SERVER)
		return exchange->other;
	return exchange;
}

/* Each end in a row of its own? */
static bool counts_by_end(enum stats_by by, const struct exchange *exchange)
{
	const struct mover *own = &exchange->mover, *other = exchange->other ? &exchange->other->mover : NULL;
	const enum container_name *place = stats_place(by);
	bool differ = false;

	if (!stats_by_end(by) || !other)
		return stats_by_end(by);
	if (by == BY_PROCESS)
		return own->pid != other->pid;
	if (!place)
		return true;
	for (size_t i = 0; i < 2; i++)
		differ |= !slice_equal(container_name(own->container, place[i]),
				       container_name(other->container, place[i]));
	return differ;
}

const struct exchange *stats_figures(enum stats_by by, const struct exchange *exchange)
{
	bool by_end = counts_by_end(by, exchange);
	const struct exchange *end = by_end ? exchange : server_end(exchange);

	if (end->flags & FLAG_IN_FLIGHT)
		return NULL;
	return by_end || exchange->join != JOIN_SECOND ? end : NULL;
}

static void tally_take_client(struct tally *tally, const struct exchange *client)
{
	tally->client_known = client->duration_known && !(client->flags & FLAG_IN_FLIGHT);
	tally->client_ns = client->duration_ns;
}

static void tally_of_joined(const struct stats *stats, const struct exchange *exchange, struct tally *tally)
{
	const struct exchange *other = exchange->other;

	if (exchange->join == JOIN_NONE)
		return;
	if (counts_by_end(stats->config.by, exchange)) {
		if (other && exchange->conn->role == ROLE_SERVER)
			tally_take_client(tally, other);
		return;
	}
	if (exchange->join == JOIN_FIRST && other) {
		if (tally->exchange != exchange)
			tally_take_client(tally, exchange);
		else if (is_client(other))
			tally_take_client(tally, other);
	} else if (exchange->join == JOIN_SECOND && !other && is_client(exchange)) {
		tally_take_client(tally, exchange);
	}
}

static void tally_tokens(struct stats_numbers *one, const struct fact *facts)
{
	const struct fact *input = fact_find(facts, SLICE("gen_ai.usage.input_tokens"));
	const struct fact *output = fact_find(facts, SLICE("gen_ai.usage.output_tokens"));

	one->told_tokens = input || output;
	one->input_tokens = input ? input->number : 0;
	one->output_tokens = output ? output->number : 0;
}

static void tally_of(struct stats *stats, const struct exchange *exchange, struct tally *tally)
{
	const struct exchange *end =
		counts_by_end(stats->config.by, exchange) ? exchange : server_end(exchange);
	const struct content *content = exchange_content_again(&stats->last_type, end);
	int status = end->response ? end->response->status : 0;
	int grpc = content == &grpc_content ? exchange_outcome_of(end, content) : -1;
	struct stats_numbers *one = &tally->one;

	*tally = (struct tally){
		.counts = stats_figures(stats->config.by, exchange) != NULL,
		.exchange = end,
		.content = content,
		.one = {
			.count = 1,
			.errors_4xx = status / 100 == 4,
			.errors_5xx = status / 100 == 5,
			.errors_reset = end->flags & FLAG_RESET && !(end->flags & OWN_LOSSES),
			.errors_timeout = (end->flags & FLAG_TIMEOUT) != 0,
			.errors_grpc = grpc > 0,
			.errors_query = exchange_error_code(end).data != NULL,
			.grpc = grpc >= 0,
			.closed = end->flags & FLAG_CLOSED && !(end->flags & (FLAG_RESET | OWN_LOSSES)),
			.request_bytes = end->request ? end->request->body_bytes : 0,
			.response_bytes = end->response ? end->response->body_bytes : 0,
		},
	};
	if (end->response && end->response->facts)
		tally_tokens(one, end->response->facts);
	one->errors = one->errors_4xx || one->errors_5xx || one->errors_reset || one->errors_timeout ||
		      one->errors_grpc || one->errors_query;
	tally_of_joined(stats, exchange, tally);
}

static void clock_forward(struct stats *stats, uint64_t from_ns, uint64_t to_ns)
{
	if (from_ns && (stats->first_ns == 0 || from_ns < stats->first_ns))
		stats->first_ns = from_ns;
	if (to_ns > stats->now_ns)
		stats->now_ns = to_ns;
}

struct stats_row *stats_exchange(struct stats *stats, const struct exchange *exchange)
{
	uint64_t duration = exchange->duration_known ? exchange->duration_ns : 0, start = exchange->start_ns;
	struct stats_private *row;
	struct tally tally;

	clock_forward(stats, start, start <= UINT64_MAX - duration ? start + duration : start);
	tally_of(stats, exchange, &tally);
	stats_rows_shed(stats);
	row = stats_row_find(stats, tally.exchange, tally.content, true);
	tally_count(stats, &tally, row);
	stats_row_weigh(stats, row, false);
	return &row->row;
}

static void row_sweep(void *ctx, struct stats_row *row)
{
	struct stats *stats = ctx;
	struct stats_windows *windows = row->private->windows;

	if (!windows || stats->now_ns - windows->last_ns <= SWEEP_NS)
		return;
	stats_windows_free(row->private);
	stats_row_weigh(stats, row->private, true);
}

void stats_tick(struct stats *stats, uint64_t now_ns)
{
	clock_forward(stats, now_ns, now_ns);
	if (stats->config.no_windows || stats->now_ns - stats->sweep_ns < SWEEP_NS)
		return;
	stats->sweep_ns = stats->now_ns;
	stats_each(stats, row_sweep, stats);
}

static void row_land(void *ctx, struct stats_row *row)
{
	(void)ctx;
	row->in_flight = row->private->local_clients = row->private->local_servers = 0;
}

void stats_in_flight_begin(struct stats *stats)
{
	stats_each(stats, row_land, NULL);
}

void stats_in_flight(struct stats *stats, const struct exchange *exchange)
{
	const struct content *content = exchange_content_again(&stats->last_type, exchange);
	struct stats_private *row = stats_row_find(stats, exchange, content, false);
	bool paired = exchange->peer_connection && !stats_by_end(stats->config.by);
	uint64_t *end = is_client(exchange) ? &row->local_clients : &row->local_servers, *other;

	if (!paired) {
		row->row.in_flight++;
		return;
	}
	/*
	 * The other end may not be passed (a filter, no request read
	 * yet): what both ends tell counts once.
	 */
	other = is_client(exchange) ? &row->local_servers : &row->local_clients;
	if (++*end > *other)
		row->row.in_flight++;
}

static void row_interval_clear(void *ctx, struct stats_row *row)
{
	(void)ctx;
	stats_numbers_clear(&row->private->interval);
}

void stats_interval_begin(struct stats *stats)
{
	stats->interval_wanted = true;
	stats->interval_ns = stats->now_ns;
	stats_each(stats, row_interval_clear, NULL);
}

uint64_t stats_now_ns(const struct stats *stats)
{
	return stats->now_ns;
}

double stats_rate(uint64_t count, uint64_t span_ns)
{
	return span_ns ? (double)count * 1e9 / (double)span_ns : 0;
}

size_t stats_count(const struct stats *stats)
{
	return stats->row_count + stats->overflow->row.overflow;
}

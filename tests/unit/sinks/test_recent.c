/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of exchanges is what the outputs show of them, within its bounds, and when an allocation fails
 * one exchange is missing, which is counted.
 */
#include "alloc_fail.h"

#include "arena.c"
#include "message.c"
#include "model/exchange.c"
#include "sinks/recent.c"

#include "filter/filter.h"
#include "sample.h"
#include "sinks/sinks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct store {
	struct recent *recent;
	struct budget budget;
	struct redact *redact;
	struct stats_options stats;
	struct sink_config sink;
};

static void store_open_of(struct store *store, size_t count_max, size_t bytes_max, size_t body_max,
			  bool redacted)
{
	*store = (struct store){ .redact = redact_new(false) };
	store->stats.budget = &store->budget;
	store->sink = (struct sink_config){ .redact = store->redact,
					    .stats = &store->stats,
					    .wall_offset_ns = SAMPLE_WALL_OFFSET_NS };
	store->recent = recent_new(&(struct recent_config){ .sink = &store->sink,
							    .count_max = count_max,
							    .bytes_max = bytes_max,
							    .redacted = redacted,
							    .body_max = body_max });
}

static void store_open(struct store *store, size_t count_max, size_t bytes_max, size_t body_max)
{
	store_open_of(store, count_max, bytes_max, body_max, false);
}

static void store_close(struct store *store)
{
	recent_free(store->recent);
	assert_int_equal(store->budget.held_bytes, 0);
	redact_free(store->redact);
}

static void sample_rich(struct sample *sample)
{
	static struct fact fact = { .name = "gen_ai.request.model", .kind = FACT_TEXT };

	sample_init(sample);
	fact.text = SLICE("small-1");
	sample->exchange.request->facts = &fact;
	sample->exchange.request->body = SLICE("password=hunter2&a=1");
	sample->exchange.request->body_bytes = 20;
	sample_header(sample->exchange.request, &sample->exchange.request->headers, "Content-Type",
		      "application/x-www-form-urlencoded");
	sample_header(sample->exchange.request, &sample->exchange.request->headers, "traceparent",
		      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
	sample_header(sample->exchange.response, &sample->exchange.response->trailers, "x-end", "1");
	sample->exchange.interims[0] = message_new(MESSAGE_RESPONSE, 0);
	assert_non_null(sample->exchange.interims[0]);
	sample->exchange.interims[0]->status = 103;
	sample->exchange.interim_count = 1;
}

static void sample_rich_fini(struct sample *sample)
{
	sample->exchange.request->facts = NULL;
	message_free(sample->exchange.interims[0]);
	sample_fini(sample);
}

/* The object, the connection's and the command are those of the outputs, when the exchange is long gone. */
static void test_is_what_outputs_show(void **state)
{
	static const struct sink_ops *const ops[] = { &watch_json_sink, &watch_json_sink, &watch_json_sink,
						      &watch_curl_sink, &conns_json_sink };

	(void)state;
	for (int n = 0; n < 10; n++) {
		struct buffer text = { .data = NULL };
		struct sample_sink shown;
		struct sample sample;
		struct store store;
		int i = n % 5;

		sample_rich(&sample);
		store_open_of(&store, 10, 1u << 20, 4096, n >= 5);
		recent_conn_closed(store.recent, &sample.conn);
		assert_non_null(recent_exchange(store.recent, &sample.exchange));
		sample_sink_open(&shown, ops[i], i, false, false);
		if (i == 4)
			sample_show_conn(ops[i], shown.sink, RESULT_CONN_CLOSED, &sample.conn);
		else
			sample_show(ops[i], shown.sink, RESULT_EXCHANGE, &sample.exchange);
		sample_rich_fini(&sample);
		if (i == 4)
			recent_put_conn(store.recent, recent_conn_find(store.recent, 12), &text);
		else if (i == 3)
			assert_true(recent_put_curl(store.recent, recent_find(store.recent, 1), &text));
		else
			recent_put_json(store.recent, recent_find(store.recent, 1), i, &text);
		if (i != 3)
			buffer_char(&text, '\n');
		buffer_char(&text, '\0');
		assert_string_equal(text.data, sample_sink_text(&shown));
		assert_null(strstr(text.data, "hunter2"));
		buffer_fini(&text);
		sample_sink_close(&shown);
		store_close(&store);
	}
}

static const struct {
	const char *filter;
	bool passes;
} filters[] = {
	{ "status:2xx", true },
	{ "status:5xx", false },
	{ "host:example.com path:/a", true },
	{ "comm:nginx", false },
	{ "header:server=nginx", true },
	{ "fact:gen_ai.request.model=small-*", true },
	{ "port:8443", true },
	{ "peer:10.0.0.3", false },
	{ "body:hunter2", true },
	{ "trace:4bf92*", true },
};

static void test_filters(void **state)
{
	struct sample sample;
	struct store store;

	(void)state;
	sample_rich(&sample);
	store_open(&store, 10, 1u << 20, 4096);
	recent_exchange(store.recent, &sample.exchange);
	sample_rich_fini(&sample);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct filter_error error;
		struct filter *filter = filter_parse(&filters[i].filter, 1, &error);

		assert_non_null(filter);
		if (filter_exchange(filter, &recent_find(store.recent, 1)->exchange) != filters[i].passes)
			fail_msg("%s", filters[i].filter);
		filter_free(filter);
	}
	store_close(&store);
}

/* What is kept redacted tells a filter nothing that is not shown. */
static void test_redacted_is_not_found(void **state)
{
	static const char *const guesses[] = { "header:cookie=*7*", "header:cookie=id=7", "url:*hunter2*",
					       "query:password=h*", "path:*hunter2*" };
	struct sample sample;

	(void)state;
	sample_rich(&sample);
	sample.exchange.request->target = SLICE("/a?password=hunter2");
	for (size_t i = 0; i < 2 * sizeof(guesses) / sizeof(guesses[0]); i++) {
		struct filter_error error;
		struct filter *filter = filter_parse(&guesses[i / 2], 1, &error);
		bool redacted = i % 2, path = guesses[i / 2][0] == 'p';
		struct store store;

		assert_non_null(filter);
		store_open_of(&store, 10, 1u << 20, 0, redacted);
		recent_exchange(store.recent, &sample.exchange);
		if (filter_exchange(filter, &recent_find(store.recent, 1)->exchange) != (!redacted && !path))
			fail_msg("%s, redacted: %d", guesses[i / 2], redacted);
		filter_free(filter);
		store_close(&store);
	}
	sample_rich_fini(&sample);
}

static const struct {
	const char *name;
	size_t count_max, bytes_max, limit; /* of the budget */
	size_t left_least, left_most;
} bounds[] = {
	{ "count", 3, 1u << 30, 0, 3, 3 },
	{ "one", 1, 1u << 30, 0, 1, 1 },
	{ "bytes", 1000, 64u << 10, 0, 5, 40 },
	{ "nearly nothing", 1000, 1, 0, 1, 1 },
	{ "a quarter of the budget", 1000, 1u << 30, 1150u << 10, 30, 99 },
	{ "all", 1000, 1u << 30, 0, 100, 100 },
};

static void test_bounds(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		struct recent_figures figures;
		struct store store;
		size_t left, own;

		store_open(&store, bounds[i].count_max, bounds[i].bytes_max, 0);
		own = store.budget.held_bytes; /* of the writer */
		store.budget.limit_bytes = bounds[i].limit;
		for (uint64_t n = 1; n <= 100; n++) {
			sample.exchange.response->status = (int)(100 + n);
			assert_int_equal(recent_exchange(store.recent, &sample.exchange)->number, n);
			assert_int_equal(store.budget.held_bytes, own + recent_figures(store.recent).bytes);
		}
		figures = recent_figures(store.recent);
		assert_int_equal(figures.last, 100);
		left = (size_t)(figures.last - figures.first + 1);
		if (left < bounds[i].left_least || left > bounds[i].left_most)
			fail_msg("%s: %zu left", bounds[i].name, left);
		assert_int_equal(figures.fell_out, figures.first - 1);
		assert_null(recent_find(store.recent, figures.first - 1));
		assert_null(recent_find(store.recent, 101));
		for (uint64_t n = figures.first; n <= 100; n++)
			assert_int_equal(recent_find(store.recent, n)->exchange.response->status, 100 + n);
		store_close(&store);
	}
	sample_fini(&sample);
}

/* When others need all of the memory, the last exchange alone stays. */
static void test_gives_way(void **state)
{
	struct recent_figures figures;
	struct sample sample;
	struct store store;

	(void)state;
	sample_init(&sample);
	store_open(&store, 1000, 1u << 30, 0);
	for (int i = 0; i < 50; i++)
		recent_exchange(store.recent, &sample.exchange);
	store.budget.limit_bytes = 1u << 20;
	store.budget.held_bytes += 2u << 20;
	recent_exchange(store.recent, &sample.exchange);
	figures = recent_figures(store.recent);
	assert_int_equal(figures.first, figures.last);
	store.budget.held_bytes -= 2u << 20;
	sample_fini(&sample);
	store_close(&store);
}

static void test_connections(void **state)
{
	const struct recent_conn *conn = NULL;
	struct sample sample;
	struct store store;

	(void)state;
	sample_init(&sample);
	store_open(&store, 2, 1u << 20, 0);
	for (uint64_t id = 1; id <= CONNS_MAX + 10; id++) {
		sample.conn.id = id;
		recent_conn_opened(store.recent, &sample.conn);
	}
	sample.conn.id = 100;
	sample.exchange.response->status = 500;
	recent_exchange(store.recent, &sample.exchange);
	recent_conn_closed(store.recent, &sample.conn);
	sample.conn.closed_by = CLOSED_UNKNOWN; /* it was held for its other end, and knows less */
	recent_exchange(store.recent, &sample.exchange);
	assert_int_equal(recent_figures(store.recent).conn_count, CONNS_MAX);
	assert_int_equal(recent_figures(store.recent).conns_fell_out, 10);
	assert_null(recent_conn_find(store.recent, 10));
	conn = recent_conn_next(store.recent, NULL);
	assert_int_equal(conn->id, 100);
	assert_int_equal(conn->errors, 2);
	assert_true(conn->closed);
	assert_int_equal(conn->facts.closed_by, CLOSED_PEER);
	for (int i = 1; i < CONNS_MAX; i++) {
		conn = recent_conn_next(store.recent, conn);
		assert_non_null(conn);
	}
	assert_int_equal(conn->id, 11);
	assert_null(recent_conn_next(store.recent, conn));
	sample_fini(&sample);
	store_close(&store);
}

static void test_each_allocation_fails(void **state)
{
	bool failed = true;

	(void)state;
	for (long fail = 1; failed; fail++) {
		struct buffer text = { .data = NULL };
		const struct recent_item *item;
		struct sample sample;
		struct store store;

		sample_rich(&sample);
		alloc_fail_countdown = fail;
		store_open(&store, 10, 1u << 20, 4096);
		item = store.recent ? recent_exchange(store.recent, &sample.exchange) : NULL;
		failed = !alloc_fail_countdown;
		alloc_fail_countdown = 0;
		if (item)
			recent_put_json(store.recent, item, 2, &text);
		else if (store.recent)
			assert_int_equal(recent_figures(store.recent).lost, 1);
		if (!failed)
			assert_non_null(item);
		buffer_fini(&text);
		sample_rich_fini(&sample);
		store_close(&store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_what_outputs_show),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_redacted_is_not_found),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_gives_way),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_each_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

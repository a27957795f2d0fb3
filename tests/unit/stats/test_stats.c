/* SPDX-License-Identifier: Apache-2.0 */
/* Which row an exchange counts in, what it counts there, windows and order. */
#include "base/budget.h"
#include "base/counters.h"
#include "stats/stats.h"

#include "stats_call.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static struct stats *stats_by(enum stats_by by, size_t limit)
{
	struct stats_config config = { .by = by, .limit = limit };
	struct stats *stats = stats_new(&config);

	assert_non_null(stats);
	return stats;
}

static const char *or_none(const char *string)
{
	return string ? string : "-";
}

/* A row's key and count in short. */
static void row_text(enum stats_by by, const struct stats_row *row, struct buffer *out)
{
	if (out->len)
		buffer_char(out, ' ');
	if (row->overflow) {
		buffer_format(out, "more:%" PRIu64 "=%" PRIu64, row->folded, row->run.count);
		return;
	}
	switch (by) {
	case BY_ENDPOINT:
		buffer_format(out, "%s,%s,%s", or_none(row->host), or_none(row->method), or_none(row->route));
		break;
	case BY_HOST:
		buffer_string(out, or_none(row->host));
		break;
	case BY_PATH:
		buffer_string(out, or_none(row->path));
		break;
	case BY_PROCESS:
		buffer_format(out, "%s%s[%u]", or_none(row->program), row->program_is_comm ? "~" : "",
			      row->pid);
		break;
	case BY_PEER:
		buffer_format(out, "%u:%u", row->conn.sock.peer[3], row->conn.sock.peer_port);
		break;
	case BY_STATUS:
		buffer_format(out, "%d", row->status);
		break;
	case BY_CONNECTION:
		buffer_format(out, "#%" PRIu64, row->conn.id);
		break;
	case BY_TRACE:
		buffer_format(out, "%s%s", or_none(row->trace), row->trace_is_request ? "~" : "");
		break;
	case BY_FACT: /* test_stats_facts.c */
		break;
	case BY_CONTAINER:
	case BY_POD:
	case BY_UNIT:
		buffer_format(out, "%s/%s", or_none(row->place), or_none(row->beside));
		break;
	}
	buffer_format(out, "=%" PRIu64, row->run.count);
}

static void check_sorted(struct stats *stats, enum stats_by by, enum stats_sort column, bool reverse,
			 enum stats_window window, const char *expected)
{
	struct buffer out = { 0 };
	struct stats_row **rows;
	size_t count;

	assert_int_equal(stats_sorted(stats, column, reverse, window, &rows, &count), 0);
	assert_int_equal(count, stats_count(stats));
	for (size_t i = 0; i < count; i++)
		row_text(by, rows[i], &out);
	buffer_char(&out, '\0');
	assert_string_equal(out.data, expected);
	buffer_fini(&out);
	free(rows);
}

static const struct call_text calls[] = {
	{ .host = "a",
	  .method = "GET",
	  .target = "/x?q=1",
	  .status = 200,
	  .pid = 7,
	  .exe = "nginx",
	  .comm = "worker-1",
	  .container = "c1",
	  .name = "web",
	  .pod = "web-1",
	  .unit = "web.service",
	  .conn_id = 1,
	  .peer = 2,
	  .peer_port = 40000,
	  .role = ROLE_SERVER,
	  .start_ns = S,
	  .duration_ns = MS },
	{ .host = "a:80",
	  .method = "GET",
	  .target = "/x?q=2",
	  .request_id = "r1",
	  .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	  .status = 404,
	  .pid = 7,
	  .exe = "nginx",
	  .comm = "worker-2",
	  .container = "c1",
	  .name = "web",
	  .pod = "web-1",
	  .namespace = "shop",
	  .unit = "web.service",
	  .conn_id = 1,
	  .peer = 2,
	  .peer_port = 40001,
	  .role = ROLE_SERVER,
	  .start_ns = S,
	  .duration_ns = MS },
	{ .method = "PUT",
	  .request_id = "r1",
	  .target = "/y",
	  .status = 200,
	  .pid = 8,
	  .comm = "curl",
	  .conn_id = 2,
	  .peer = 3,
	  .peer_port = 443,
	  .role = ROLE_CLIENT,
	  .start_ns = S,
	  .duration_ns = MS },
	{ .status = 500,
	  .pid = 0,
	  .conn_id = 3,
	  .peer = 3,
	  .peer_port = 444,
	  .role = ROLE_CLIENT,
	  .start_ns = S },
	{ .method = "GET",
	  .target = "/x",
	  .conn_id = 4,
	  .role = ROLE_UNKNOWN,
	  .peer = 9,
	  .peer_port = 1,
	  .start_ns = S },
};

static const struct {
	enum stats_by by;
	const char *name, *expected;
} groups[] = {
	{ BY_HOST, "host", "-=1 10.0.0.3=2 a=2" },
	{ BY_PATH, "path", "-=1 /x=3 /y=1" },
	{ BY_PROCESS, "process", "-[0]=2 curl~[8]=1 nginx[7]=2" },
	{ BY_PEER, "peer", "2:0=2 3:443=1 3:444=1 9:0=1" },
	{ BY_STATUS, "status", "0=1 200=2 404=1 500=1" },
	{ BY_CONNECTION, "connection", "#1=2 #2=1 #3=1 #4=1" },
	{ BY_TRACE, "trace", "-=3 4bf92f3577b34da6a3ce929d0e0e4736=1 r1~=1" },
	{ BY_CONTAINER, "container", "-/-=3 c1/web=2" },
	{ BY_POD, "pod", "-/-=3 web-1/-=1 web-1/shop=1" },
	{ BY_UNIT, "unit", "-/-=3 web.service/web.service=2" },
	{ BY_ENDPOINT, "endpoint", "-,GET,/x=1 10.0.0.3,-,-=1 10.0.0.3,PUT,/y=1 a,GET,/x=2" },
};

static void test_groups(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct stats *stats = stats_by(groups[i].by, 0);
		enum stats_by by;

		for (size_t n = 0; n < sizeof(calls) / sizeof(calls[0]); n++)
			call_count(stats, &calls[n]);
		print_message("%s\n", groups[i].name);
		assert_int_equal(stats_by_of(groups[i].name, &by), 0);
		assert_int_equal(by, groups[i].by);
		assert_string_equal(stats_by_name(by), groups[i].name);
		check_sorted(stats, by, SORT_NAME, false, WINDOW_RUN, groups[i].expected);
		stats_free(stats);
	}
}

static void test_mapped_peer(void **state)
{
	struct stats *stats = stats_by(BY_PEER, 0);
	struct one_call call;

	(void)state;
	call_count(stats, &calls[0]);
	call_init(&call, &calls[0]);
	call.conn.sock.family = AF_INET6;
	memcpy(call.conn.sock.peer, (uint8_t[16]){ [10] = 0xff, 0xff, 10, 0, 0, 2 }, 16);
	stats_exchange(stats, &call.exchange);
	assert_int_equal(stats_count(stats), 1);
	call_fini(&call);
	stats_free(stats);
}

static void test_long_names_are_cut(void **state)
{
	char path[STATS_NAME_MAX + 200];
	struct call_text text = { .method = "GET", .target = path };
	struct stats *stats = stats_by(BY_PATH, 0);
	struct stats_row *row;

	(void)state;
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	row = call_count(stats, &text);
	assert_int_equal(strlen(row->path), STATS_NAME_MAX);
	stats_free(stats);
}

static const struct {
	const char *name;
	struct call_text call;
	const char *expected; /* 4xx 5xx reset timeout grpc, any; bytes */
} errors[] = {
	{ "fine", { .method = "GET", .status = 200, .in_bytes = 3, .out_bytes = 5 }, "0 0 0 0 0, 0; 3/5" },
	{ "399", { .method = "GET", .status = 399 }, "0 0 0 0 0, 0; 0/0" },
	{ "400", { .method = "GET", .status = 400 }, "1 0 0 0 0, 1; 0/0" },
	{ "499", { .method = "GET", .status = 499 }, "1 0 0 0 0, 1; 0/0" },
	{ "500", { .method = "GET", .status = 500 }, "0 1 0 0 0, 1; 0/0" },
	{ "600", { .method = "GET", .status = 600 }, "0 0 0 0 0, 0; 0/0" },
	{ "reset 503", { .method = "GET", .status = 503, .flags = FLAG_RESET }, "0 1 1 0 0, 1; 0/0" },
	{ "timeout", { .method = "GET", .flags = FLAG_TIMEOUT | FLAG_UNANSWERED }, "0 0 0 1 0, 1; 0/0" },
	{ "unanswered", { .method = "GET", .flags = FLAG_UNANSWERED }, "0 0 0 0 0, 0; 0/0" },
	{ "closed", { .method = "GET", .flags = FLAG_CLOSED }, "0 0 0 0 0, 0; 0/0" },
	{ "gRPC", { .method = "POST", .status = 200, .grpc_status = "5" }, "0 0 0 0 1, 1; 0/0" },
	{ "gRPC OK", { .method = "POST", .status = 200, .grpc_status = "0" }, "0 0 0 0 0, 0; 0/0" },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct stats *stats = stats_by(BY_HOST, 0);
		const struct stats_numbers *run = &call_count(stats, &errors[i].call)->run;
		char text[100];

		print_message("%s\n", errors[i].name);
		snprintf(text, sizeof(text),
			 "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 ", %" PRIu64 "; %" PRIu64
			 "/%" PRIu64,
			 run->errors_4xx, run->errors_5xx, run->errors_reset, run->errors_timeout,
			 run->errors_grpc, run->errors, run->request_bytes, run->response_bytes);
		assert_string_equal(text, errors[i].expected);
		assert_int_equal(run->count, 1);
		stats_free(stats);
	}
}

static void test_unknown_duration(void **state)
{
	struct call_text text = { .host = "a", .method = "GET", .start_ns = S };
	struct stats *stats = stats_by(BY_HOST, 0);
	struct stats_row *row;

	(void)state;
	call_count(stats, &text);
	text.duration_ns = 30 * MS;
	row = call_count(stats, &text);
	assert_int_equal(row->run.count, 2);
	assert_int_equal(row->run.duration.count, 1);
	assert_int_equal(row->run.ttfb.count, 1);
	assert_int_equal(row->run.duration.max_ns, 30 * MS);
	text.flags = FLAG_IN_FLIGHT | FLAG_UNANSWERED;
	row = call_count(stats, &text);
	assert_int_equal(row->run.count, 2);
	stats_free(stats);
}

/* Both sides of one exchange; the server took 10 ms, the client waited for 30. */
struct pair {
	struct one_call client, server;
};

static void pair_init(struct pair *pair)
{
	struct call_text text = { .host = "h", .method = "GET", .target = "/", .status = 200, .start_ns = S };

	text.role = ROLE_CLIENT;
	text.exe = "curl";
	text.pid = 1;
	text.duration_ns = 30 * MS;
	text.peer_connection = 2;
	call_init(&pair->client, &text);
	text.role = ROLE_SERVER;
	text.exe = "nginx";
	text.pid = 2;
	text.conn_id = 2;
	text.duration_ns = 10 * MS;
	text.peer_connection = 1;
	call_init(&pair->server, &text);
}

static void pair_fini(struct pair *pair)
{
	call_fini(&pair->client);
	call_fini(&pair->server);
}

static struct stats_row *pass(struct stats *stats, struct one_call *call, enum exchange_join join,
			      struct one_call *other)
{
	call->exchange.join = join;
	call->exchange.other = other ? &other->exchange : NULL;
	return stats_exchange(stats, &call->exchange);
}

static void check_joined(const struct stats_row *row, uint64_t duration_ns, uint64_t client_ns)
{
	assert_int_equal(row->run.count, 1);
	assert_int_equal(row->run.duration.count, 1);
	assert_int_equal(row->run.duration.max_ns, duration_ns);
	assert_int_equal(row->run.client.count, client_ns != 0);
	assert_int_equal(row->run.client.max_ns, client_ns);
}

static void test_joined_counts_once(void **state)
{
	static const enum stats_by keys[] = { BY_ENDPOINT, BY_HOST, BY_PATH, BY_STATUS };

	(void)state;
	for (size_t i = 0; i < 4 * 2 * 2; i++) {
		struct stats *stats = stats_by(keys[i / 4], 0);
		bool client_first = i & 1, other_stays = i & 2;
		struct one_call *first, *second;
		struct pair pair;

		pair_init(&pair);
		first = client_first ? &pair.client : &pair.server;
		second = client_first ? &pair.server : &pair.client;
		pass(stats, first, JOIN_FIRST, second);
		if (other_stays)
			check_joined(pass(stats, second, JOIN_SECOND, first), 10 * MS, 30 * MS);
		else if (client_first) /* the second one adds nothing that the first did not have */
			check_joined(pass(stats, second, JOIN_SECOND, NULL), 10 * MS, 30 * MS);
		assert_int_equal(stats_count(stats), 1);
		pair_fini(&pair);
		stats_free(stats);
	}
}

static void test_late_sides(void **state)
{
	struct stats *stats = stats_by(BY_HOST, 0);
	struct pair pair;

	(void)state;
	pair_init(&pair);
	check_joined(pass(stats, &pair.server, JOIN_NONE, NULL), 10 * MS, 0);
	check_joined(pass(stats, &pair.client, JOIN_SECOND, NULL), 10 * MS, 30 * MS);
	stats_free(stats);
	stats = stats_by(BY_HOST, 0);
	check_joined(pass(stats, &pair.client, JOIN_NONE, NULL), 30 * MS, 0);
	check_joined(pass(stats, &pair.server, JOIN_SECOND, NULL), 30 * MS, 0);
	pair_fini(&pair);
	stats_free(stats);
}

static void test_joined_by_side(void **state)
{
	struct stats *stats = stats_by(BY_PROCESS, 0);
	struct pair pair;

	(void)state;
	pair_init(&pair);
	check_joined(pass(stats, &pair.client, JOIN_FIRST, &pair.server), 30 * MS, 0);
	check_joined(pass(stats, &pair.server, JOIN_SECOND, &pair.client), 10 * MS, 30 * MS);
	check_sorted(stats, BY_PROCESS, SORT_NAME, false, WINDOW_RUN, "curl[1]=1 nginx[2]=1");
	pair_fini(&pair);
	stats_free(stats);
}

static void test_in_flight(void **state)
{
	struct call_text text = { .host = "h", .method = "GET", .target = "/", .pid = 1, .start_ns = S };
	struct stats *stats = stats_by(BY_HOST, 0);
	struct stats_row **rows;
	struct pair pair;
	struct one_call alone;
	size_t count;

	(void)state;
	pair_init(&pair);
	call_init(&alone, &text);
	for (int round = 0; round < 2; round++) {
		stats_in_flight_begin(stats);
		stats_in_flight(stats, &pair.client.exchange); /* its server's side is not passed: a filter */
		stats_in_flight(stats, &pair.client.exchange);
		stats_in_flight(stats, &pair.server.exchange);
		stats_in_flight(stats, &alone.exchange);
	}
	assert_int_equal(stats_sorted(stats, SORT_IN_FLIGHT, false, WINDOW_RUN, &rows, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0]->in_flight, 3);
	assert_int_equal(rows[0]->run.count, 0);
	stats_in_flight_begin(stats);
	assert_int_equal(rows[0]->in_flight, 0);
	free(rows);
	call_fini(&alone);
	pair_fini(&pair);
	stats_free(stats);
}

static uint64_t count_in(struct stats *stats, const struct stats_row *row, enum stats_window window,
			 uint64_t *max_ns)
{
	struct stats_numbers numbers;
	uint64_t count;

	assert_int_equal(stats_window(stats, row, window, &numbers), 0);
	count = numbers.count;
	assert_int_equal(numbers.duration.count, count);
	if (max_ns)
		*max_ns = numbers.duration.max_ns;
	stats_numbers_fini(&numbers);
	return count;
}

/* A window holds the exchanges that ended within it, to the second, or to ten of them. */
static void test_windows_move(void **state)
{
	struct call_text text = { .host = "h", .method = "GET", .start_ns = 1000 * S, .duration_ns = MS };
	struct stats *stats = stats_by(BY_HOST, 0);
	struct stats_row *row = NULL;
	uint64_t max;

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		text.start_ns = (1000 + i) * S + 5;
		text.duration_ns = (i + 1) * 100;
		row = call_count(stats, &text);
		assert_int_equal(count_in(stats, row, WINDOW_10S, &max), i < 10 ? i + 1 : 10);
		assert_int_equal(max, text.duration_ns);
		assert_in_range(count_in(stats, row, WINDOW_60S, NULL), i < 50 ? i + 1 : 51, 60);
	}
	for (unsigned int gap = 1; gap <= 9; gap++) {
		stats_tick(stats, (1199 + gap) * S);
		assert_int_equal(count_in(stats, row, WINDOW_10S, NULL), 10 - gap);
	}
	stats_tick(stats, 1209 * S);
	assert_int_equal(count_in(stats, row, WINDOW_10S, &max), 0);
	assert_int_equal(max, 0);
	assert_in_range(count_in(stats, row, WINDOW_60S, NULL), 40, 50);
	stats_tick(stats, 1260 * S);
	assert_int_equal(count_in(stats, row, WINDOW_60S, NULL), 0);
	/* Idle for so long that the ring came round, and its memory was given back. */
	stats_tick(stats, 9000 * S);
	assert_int_equal(count_in(stats, row, WINDOW_10S, NULL), 0);
	text.start_ns = 9001 * S;
	row = call_count(stats, &text);
	assert_int_equal(count_in(stats, row, WINDOW_10S, NULL), 1);
	assert_int_equal(count_in(stats, row, WINDOW_60S, NULL), 1);
	assert_int_equal(row->run.count, 201);
	stats_free(stats);
}

static void test_spans(void **state)
{
	struct call_text text = { .host = "h", .method = "GET", .start_ns = 1000 * S, .duration_ns = 2 * S };
	struct stats *stats = stats_by(BY_HOST, 0);

	(void)state;
	assert_int_equal(stats_span_ns(stats, WINDOW_RUN), 0);
	assert_true(stats_rate(5, 0) == 0);
	call_count(stats, &text);
	assert_int_equal(stats_now_ns(stats), 1002 * S);
	for (enum stats_window window = WINDOW_RUN; window < WINDOW_COUNT; window++)
		assert_int_equal(stats_span_ns(stats, window), 2 * S);
	stats_tick(stats, 1500 * S + S / 2);
	stats_tick(stats, 1400 * S); /* a clock that goes back is no clock */
	assert_int_equal(stats_span_ns(stats, WINDOW_RUN), 500 * S + S / 2);
	assert_int_equal(stats_span_ns(stats, WINDOW_10S), 9 * S + S / 2);
	assert_int_equal(stats_span_ns(stats, WINDOW_60S), 50 * S + S / 2);
	assert_true(stats_rate(10, 4 * S) == 2.5);
	stats_free(stats);
}

static void test_intervals(void **state)
{
	struct call_text text = { .host = "h", .method = "GET", .start_ns = 5 * S, .duration_ns = MS };
	struct stats *stats = stats_by(BY_HOST, 0);
	struct stats_row *row;

	(void)state;
	row = call_count(stats, &text);
	assert_int_equal(count_in(stats, row, WINDOW_INTERVAL, NULL), 1);
	stats_tick(stats, 7 * S);
	stats_interval_begin(stats);
	assert_int_equal(count_in(stats, row, WINDOW_INTERVAL, NULL), 0);
	text.start_ns = 8 * S;
	text.duration_ns = 9 * MS;
	row = call_count(stats, &text);
	assert_int_equal(count_in(stats, row, WINDOW_INTERVAL, NULL), 1);
	assert_int_equal(stats_span_ns(stats, WINDOW_INTERVAL), S + 9 * MS);
	stats_interval_begin(stats);
	assert_int_equal(count_in(stats, row, WINDOW_INTERVAL, NULL), 0);
	assert_int_equal(row->run.count, 2);
	stats_free(stats);
}

static void test_overflow(void **state)
{
	struct stats *stats = stats_by(BY_PATH, 3);
	char path[20];
	struct call_text text = { .method = "GET", .target = path, .start_ns = S, .duration_ns = MS };
	struct stats_row *row = NULL;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 103; i++) {
			snprintf(path, sizeof(path), "/%d", i);
			row = call_count(stats, &text);
		}
	}
	assert_true(row->overflow);
	assert_int_equal(stats_count(stats), 4);
	assert_int_equal(row->run.count, 200);
	assert_in_range(row->folded, 95, 100);
	snprintf(path, sizeof(path), "/0");
	assert_false(call_count(stats, &text)->overflow);
	stats_free(stats);
}

static void test_endpoint_overflow(void **state)
{
	struct stats *stats = stats_by(BY_ENDPOINT, 2);
	char host[20];
	struct call_text text = { .host = host, .method = "GET", .target = "/", .start_ns = S };
	struct stats_row *row = NULL;

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(host, sizeof(host), "h%d", i);
		row = call_count(stats, &text);
	}
	assert_true(row->overflow);
	assert_int_equal(row->run.count, 3);
	assert_in_range(row->folded, 1, 3);
	assert_int_equal(stats_count(stats), 3);
	stats_free(stats);
}

struct heavy {
	uint64_t sum, rows, heavy_rows, overflow, least;
};

static void heavy_add(void *ctx, struct stats_row *row)
{
	const char *name = row->path ? row->path : row->host;
	struct heavy *heavy = ctx;

	heavy->sum += row->run.count;
	assert_int_equal(row->run.duration.count, row->run.count);
	if (row->overflow) {
		heavy->overflow = row->run.count;
		return;
	}
	heavy->rows++;
	if (strncmp(name, "/orders-", 8) && strncmp(name, "orders-", 7))
		return;
	heavy->heavy_rows++;
	if (!heavy->least || row->run.count < heavy->least)
		heavy->least = row->run.count;
}

/* A scanner asks for 20,000 things once, before and between five that people ask for: these have rows, and
 * every exchange is counted once. */
static void test_scanner_hides_nothing(void **state)
{
	static const struct {
		enum stats_by by;
		const char *scanned_host, *scanned_path, *host, *path;
		bool learnt; /* all becomes one endpoint */
	} kinds[] = {
		{ BY_PATH, "h", "/%c%c%c%c.php", "h", "/orders-%c", false },
		{ BY_HOST, "%c%c%c%c.example", "/", "orders-%c", "/", false },
		{ BY_ENDPOINT, "h", "/scan-%c%c%c%c.php/x", "h", "/orders-%c/open", true },
		{ BY_ENDPOINT, "%c%c%c%c.example", "/", "orders-%c", "/", false },
	};

	(void)state;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		struct stats *stats = stats_by(kinds[kind].by, 20);
		struct heavy heavy = { 0 };
		char path[40], host[40];
		struct call_text text = {
			.host = host, .method = "GET", .target = path, .start_ns = S, .duration_ns = MS
		};

		counters[COUNTER_LIMIT_ENDPOINTS] = 0;
		for (int i = 0; i < 20000; i++) {
			int a = 'a' + i % 26, b = 'a' + i / 26 % 26, c = 'a' + i / 676 % 26,
			    d = 'b' + i / 17576 % 25;

			snprintf(host, sizeof(host), kinds[kind].scanned_host, a, b, c, d);
			snprintf(path, sizeof(path), kinds[kind].scanned_path, a, b, c, d);
			call_count(stats, &text);
			if (i < 5000 || i % 10)
				continue;
			snprintf(host, sizeof(host), kinds[kind].host, 'a' + i / 10 % 5);
			snprintf(path, sizeof(path), kinds[kind].path, 'a' + i / 10 % 5);
			call_count(stats, &text);
		}
		stats_each(stats, heavy_add, &heavy);
		assert_int_equal(heavy.sum, 21500);
		stats_free(stats);
		if (kinds[kind].learnt)
			continue;
		assert_int_equal(heavy.heavy_rows, 5);
		/* The exchanges from before the row had its place stand in the rest: once or twice. */
		assert_in_range(heavy.least, 295, 300);
		assert_int_equal(heavy.rows, 20);
		assert_in_range(heavy.overflow, 19000, 20000);
		assert_in_range(counters[COUNTER_LIMIT_ENDPOINTS], 19000, heavy.overflow);
	}
}

static void count_add(void *ctx, struct stats_row *row)
{
	*(uint64_t *)ctx += row->run.count;
	assert_int_equal(row->run.duration.count, row->run.count);
}

/* Latencies of every size make rows large: an eighth of the budget is theirs, then the least frequent go. */
static void test_budget(void **state)
{
	static const enum stats_by kinds[] = { BY_PATH, BY_ENDPOINT };

	(void)state;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		struct budget budget = { .limit_bytes = 16 << 20 };
		struct stats_config config = { .by = kinds[kind], .budget = &budget };
		struct stats *stats = stats_new(&config);
		char path[40], host[40];
		struct call_text text = { .host = host, .method = "GET", .target = path };
		uint64_t sum = 0;

		counters[COUNTER_LIMIT_MEMORY] = 0;
		for (unsigned int i = 0; i < 20000; i++) {
			snprintf(host, sizeof(host), "h%u", i % 500);
			snprintf(path, sizeof(path), "/%u", i % 500);
			text.start_ns = 1000 * S + i * MS;
			text.duration_ns = UINT64_C(1000) << (i / 500 * 7 % 31);
			call_count(stats, &text);
			assert_in_range(budget.held_bytes, 1, (2 << 20) + 200000);
		}
		assert_true(counters[COUNTER_LIMIT_MEMORY] > 0);
		stats_each(stats, count_add, &sum);
		assert_int_equal(sum, 20000);
		stats_free(stats);
		assert_int_equal(budget.held_bytes, 0);
	}
}

struct sum {
	struct stats *stats;
	uint64_t run, window;
};

static void sum_row(void *ctx, struct stats_row *row)
{
	struct sum *sum = ctx;

	sum->run += row->run.count;
	sum->window += count_in(sum->stats, row, WINDOW_60S, NULL);
}

/* Paths that turn out to be one template take their numbers along. */
static void test_endpoints_become_one(void **state)
{
	struct stats *stats = stats_by(BY_ENDPOINT, 0);
	struct sum sum = { .stats = stats };
	char path[40];
	struct call_text text = {
		.host = "h", .method = "GET", .target = path, .status = 200, .duration_ns = MS
	};

	(void)state;
	for (unsigned int i = 0; i < 400; i++) {
		text.start_ns = 100 * S + i * 10 * MS;
		snprintf(path, sizeof(path), "/users/name%cx%u/posts", 'a' + i % 26, i);
		call_count(stats, &text);
	}
	assert_true(stats_count(stats) < 400);
	stats_each(stats, sum_row, &sum);
	assert_int_equal(sum.run, 400);
	assert_int_equal(sum.window, 400);
	stats_free(stats);
}

static const struct {
	enum stats_sort column;
	const char *name, *expected;
} sorts[] = {
	{ SORT_COUNT, "count", "c=3 b=2 a=1 d=1" },
	{ SORT_RATE, "rate", "c=3 b=2 a=1 d=1" },
	{ SORT_IN_FLIGHT, "in_flight", "b=2 c=3 a=1 d=1" },
	{ SORT_ERRORS, "errors", "a=1 c=3 b=2 d=1" },
	{ SORT_P50, "p50", "a=1 b=2 c=3 d=1" },
	{ SORT_P90, "p90", "c=3 a=1 b=2 d=1" },
	{ SORT_P99, "p99", "c=3 a=1 b=2 d=1" },
	{ SORT_P999, "p99.9", "c=3 a=1 b=2 d=1" },
	{ SORT_MAX, "max", "c=3 a=1 b=2 d=1" },
	{ SORT_TTFB, "ttfb", "a=1 b=2 c=3 d=1" },
	{ SORT_TOTAL, "total", "c=3 b=2 a=1 d=1" },
	{ SORT_REQUEST_BYTES, "request_bytes", "b=2 c=3 a=1 d=1" },
	{ SORT_RESPONSE_BYTES, "response_bytes", "a=1 c=3 b=2 d=1" },
	{ SORT_NAME, "name", "a=1 b=2 c=3 d=1" },
};

static struct stats *stats_to_sort(void)
{
	static const struct call_text list[] = {
		{ .host = "a",
		  .method = "GET",
		  .status = 500,
		  .start_ns = S,
		  .duration_ns = 50 * MS,
		  .out_bytes = 9 },
		{ .host = "b",
		  .method = "GET",
		  .status = 200,
		  .start_ns = S,
		  .duration_ns = 40 * MS,
		  .in_bytes = 9 },
		{ .host = "b", .method = "GET", .status = 200, .start_ns = S, .duration_ns = 40 * MS },
		{ .host = "c", .method = "GET", .status = 200, .start_ns = S, .duration_ns = 10 * MS },
		{ .host = "c", .method = "GET", .status = 200, .start_ns = S, .duration_ns = 10 * MS },
		{ .host = "c", .method = "GET", .status = 200, .start_ns = S, .duration_ns = 90 * MS },
		{ .host = "d", .method = "GET", .start_ns = S },
	};
	struct stats *stats = stats_by(BY_HOST, 0);
	struct one_call call;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		call_count(stats, &list[i]);
	call_init(&call, &list[1]);
	stats_in_flight(stats, &call.exchange);
	call_fini(&call);
	return stats;
}

static void test_sorts(void **state)
{
	struct stats *stats = stats_to_sort();
	enum stats_sort column;

	(void)state;
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
		print_message("%s\n", sorts[i].name);
		assert_int_equal(stats_sort_of(sorts[i].name, &column), 0);
		assert_int_equal(column, sorts[i].column);
		check_sorted(stats, BY_HOST, column, false, WINDOW_RUN, sorts[i].expected);
		check_sorted(stats, BY_HOST, column, false, WINDOW_10S, sorts[i].expected);
	}
	check_sorted(stats, BY_HOST, SORT_COUNT, true, WINDOW_RUN, "a=1 d=1 b=2 c=3");
	check_sorted(stats, BY_HOST, SORT_NAME, true, WINDOW_RUN, "d=1 c=3 b=2 a=1");
	assert_int_equal(stats_sort_of("p5", &column), -EINVAL);
	assert_int_equal(stats_by_of("", &(enum stats_by){ 0 }), -EINVAL);
	stats_free(stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_mapped_peer),
		cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_unknown_duration),
		cmocka_unit_test(test_joined_counts_once),
		cmocka_unit_test(test_late_sides),
		cmocka_unit_test(test_joined_by_side),
		cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_windows_move),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_endpoint_overflow),
		cmocka_unit_test(test_scanner_hides_nothing),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_endpoints_become_one),
		cmocka_unit_test(test_sorts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

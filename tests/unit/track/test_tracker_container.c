/* SPDX-License-Identifier: Apache-2.0 */
/* Containers of processes, and how long their names live. */
#include "base/counters.h"
#include "event_builder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GET  "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK_3 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"

static const char *text(const char *container)
{
	return container ? container : "-";
}

static void log_exchange(void *ctx, struct exchange *exchange)
{
	bench_log(ctx, "exchange %s %s\n", text(exchange->mover.container),
		  text(exchange->conn->owner.container));
}

static void log_result(void *ctx, const struct result *result)
{
	if (result->kind == RESULT_CONN_CLOSED)
		bench_log(ctx, "closed %s\n", text(result->mover->container));
	else if (result->kind == RESULT_UNSEEN)
		bench_log(ctx, "unseen %u by %u %s\n", result->unseen->kind, result->mover->pid,
			  text(result->mover->container));
}

static int setup(void **state)
{
	struct pipeline_handler handler = { .exchange = log_exchange, .result = log_result };
	struct bench *bench;

	bench_setup(state);
	bench = handler.ctx = *state;
	bench->tracker = tracker_new(&bench->config, &handler);
	return 0;
}

static void cgroup_put(struct bench *bench, uint32_t pid, const char *path)
{
	const struct peer peer = { .pid = pid };
	struct event_cgroup event = { .h = bench_header(bench, &peer, EVENT_CGROUP, sizeof(event)) };

	snprintf(event.path, sizeof(event.path), "%s", path);
	tracker_event(bench->tracker, &event.h);
}

static void test_known_first(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	cgroup_put(bench, 8, "/system.slice/other.service");
	cgroup_put(bench, 7, "/system.slice/web.service");
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	assert_string_equal(bench->log, "exchange web.service web.service\n");
}

/* Learnt and changed while the connection is there: each message has what was known when it began. */
static void test_known_later(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	data_sent(bench, &peer, GET);
	cgroup_put(bench, 7, "/system.slice/web.service");
	data_received(bench, &peer, OK_3);
	data_sent(bench, &peer, GET);
	cgroup_put(bench, 7, "/");
	data_received(bench, &peer, OK_3);
	assert_string_equal(bench->log, "exchange - web.service\n"
					"exchange web.service -\n");
}

/* A child that serves one connection and ends: nobody had time to look where it belongs. */
static void test_fork(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), bare = { .pid = 8 };
	struct event_process event;

	cgroup_put(bench, 7, "/system.slice/web.service");
	event = (struct event_process){ .h = bench_header(bench, &bare, EVENT_FORK, sizeof(event)),
					.parent = 7,
					.name = "mini_httpd" };
	tracker_event(bench->tracker, &event.h);
	peer.pid = 8;
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	assert_string_equal(bench->log, "exchange web.service web.service\n");
}

/* The process is long gone when its last exchange comes out. */
static void test_outlives_its_process(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), other = peer_client();

	other.pid = 8;
	cgroup_put(bench, 7, "/system.slice/web.service");
	data_sent(bench, &peer, GET);
	data_received(bench, &other, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab");
	process_put(bench, 7, EVENT_EXIT, "");
	poll_put(bench, 5);
	cgroup_put(bench, 7, "/system.slice/successor.service");
	tracker_end(bench->tracker);
	assert_string_equal(bench->log, "exchange web.service -\nclosed -\n");
}

static void test_unseen(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();
	struct event_unseen event = {
		.h = bench_header(bench, &peer, EVENT_UNSEEN, sizeof(event)),
		.sock = bench_socket(&peer),
		.kind = UNSEEN_UDP_443,
	};

	cgroup_put(bench, 7, "/system.slice/web.service");
	tracker_event(bench->tracker, &event.h);
	assert_string_equal(bench->log, "unseen 1 by 7 web.service\n");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_known_first), T(test_known_later), T(test_outlives_its_process),
		T(test_fork),	     T(test_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

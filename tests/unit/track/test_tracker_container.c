/* SPDX-License-Identifier: Apache-2.0 */
/* Containers of processes, and how long their names live. */
#include "base/counters.h"
#include "event_builder.h"
#include "model/container.h"
#include "model/event_check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GET  "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK_3 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"

/* "id", "id(name pod)"; the next call but three takes the memory. */
static const char *text(const struct container *container)
{
	static char texts[4][256];
	static unsigned int next;
	char *out = texts[next++ % 4];
	struct slice id = container_name(container, CONTAINER_ID),
		     name = container_name(container, CONTAINER_NAME),
		     pod = container_name(container, CONTAINER_POD);

	if (!id.data)
		return "-";
	if (!name.data)
		snprintf(out, sizeof(texts[0]), "%.*s", (int)id.len, id.data);
	else
		snprintf(out, sizeof(texts[0]), "%.*s(%.*s %.*s)", (int)id.len, id.data, (int)name.len,
			 name.data, (int)pod.len, pod.data ? (const char *)pod.data : "");
	return out;
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

static void names_put(struct bench *bench, uint32_t pid, const char *name, const char *pod)
{
	const struct peer peer = { .pid = pid };
	struct event_names event = { .h = bench_header(bench, &peer, EVENT_NAMES, sizeof(event)) };
	int len = snprintf(event.text, sizeof(event.text), "%s%c%s", name, 0, pod);

	event.h.size = (uint32_t)(sizeof(event.h) + (size_t)len + 1);
	assert_true(event_valid(&event.h, sizeof(event)));
	tracker_event(bench->tracker, &event.h);
}

/* Names belong to the cgroup that was told before them, and a child has its parent's. */
static void test_names(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), bare = { .pid = 8 };
	struct event_process fork = { .h = bench_header(bench, &bare, EVENT_FORK, sizeof(fork)),
				      .parent = 7 };

	names_put(bench, 7, "early", "x"); /* of no place */
	cgroup_put(bench, 7, "/docker/a.scope");
	names_put(bench, 7, "web", "web-1");
	tracker_event(bench->tracker, &fork.h);
	peer.pid = 8;
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	cgroup_put(bench, 8, "/docker/b.scope");
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	assert_string_equal(bench->log, "exchange a.scope(web web-1) a.scope(web web-1)\n"
					"exchange b.scope b.scope\n");
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
		T(test_fork),	     T(test_unseen),	  T(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What whoever asks for calls is told of each: where it stands in its direction, and what is missing before
 * it or behind it. Positions of TCP are shown from the first byte on.
 */
#include "base/counters.h"
#include "event_builder.h"
#include "protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GET "GET /a HTTP/1.1\r\nHost: x\r\n\r\n" /* 28 bytes */

static void log_result(void *ctx, const struct result *result)
{
	const struct call *call = result->call;
	uint64_t position;

	if (result->kind == RESULT_SECRET)
		bench_log(ctx, "secret %s of %u\n", result->secret->label, result->mover->pid);
	if (result->kind != RESULT_CALL)
		return;
	position = call->numbered ? (uint32_t)call->position - TEST_SEQ_BASE : call->position;
	bench_log(ctx, "%s %llu+%llu", call->direction == DIRECTION_SENT ? "sent" : "received",
		  (unsigned long long)(call->numbered ? (uint32_t)position : position),
		  (unsigned long long)call->len);
	if (call->bytes.len < call->len)
		bench_log(ctx, " of which %zu", call->bytes.len);
	if (call->lost_bytes == HOLE_UNKNOWN_SIZE)
		bench_log(ctx, " lost ?");
	else if (call->lost_bytes)
		bench_log(ctx, " lost %llu", (unsigned long long)call->lost_bytes);
	bench_log(ctx, "%s%s %s\n", call->numbered ? " tcp" : "", call->end ? " end" : "",
		  call->protocol ? call->protocol : "-");
}

static int setup(void **state)
{
	struct pipeline_handler handler = { .result = log_result };
	struct bench *bench;

	bench_setup(state);
	bench = handler.ctx = *state;
	bench->config.want_calls = bench->config.want_other = true;
	bench->tracker = tracker_new(&bench->config, &handler);
	poll_put(bench, 1);
	return 0;
}

static void test_positions(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	SEND(bench, &peer, GET);
	SEND(bench, &peer, GET);
	poll_put(bench, 1);
	CHECK(bench, "sent 0+28 tcp http/1\nsent 28+28 tcp http/1\n");
}

static void test_of_a_session(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_session();

	SEND(bench, &peer, GET);
	RECEIVE(bench, &peer, "HTTP/1.1 204 No Content\r\n\r\n");
	SEND(bench, &peer, GET);
	poll_put(bench, 1);
	CHECK(bench, "sent 0+28 http/1\nreceived 0+27 http/1\nsent 28+28 http/1\n");
}

/* The rest of a call that was not copied stands behind what was, or by itself. */
static void test_not_copied(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	SEND(bench, &peer, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
	poll_put(bench, 1);
	event_send(bench, data_make(bench, &peer, DIRECTION_SENT, 50, "abc", 3, 60));
	event_send(bench, data_make(bench, &peer, DIRECTION_SENT, 110, "", 0, 40));
	poll_put(bench, 1);
	CHECK(bench, "sent 0+50 tcp http/1\nsent 50+3 tcp http/1\nsent 53+57 of which 0 tcp http/1\n"
		     "sent 110+40 of which 0 tcp http/1\n");
}

static void test_lost(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	SEND(bench, &peer, GET);
	poll_put(bench, 1);
	event_send(bench, data_make(bench, &peer, DIRECTION_SENT, 100, GET, 28, 28));
	for (int i = 0; i < 4; i++)
		poll_put(bench, 1);
	CHECK(bench, "sent 0+28 tcp http/1\nsent 28+0 lost 72 tcp http/1\nsent 100+28 tcp http/1\n");
}

/* A secret is its process's, whatever its connection is. */
static void test_secret(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();
	struct event_secret event = { .h = bench_header(bench, &peer, EVENT_TLS_SECRET, sizeof(event)),
				      .label = "CLIENT_RANDOM",
				      .secret_len = 48 };

	tracker_event(bench->tracker, &event.h);
	CHECK(bench, "secret CLIENT_RANDOM of 7\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_positions), T(test_of_a_session), T(test_not_copied), T(test_lost), T(test_secret),
	};

	return cmocka_run_group_tests_name("tracker_calls", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The facts and verdicts of a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/counters.h"
#include "event_builder.h"
#include "track/conn.h"

#define GET "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

struct fixture {
	struct bench bench; /* clock and log; its tracker is not used */
	struct pipeline pipeline;
	struct conn *conn;
	struct peer peer;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct event_socket sock;

	memset(counters, 0, sizeof(counters));
	bench_init(&fixture->bench);
	fixture->pipeline.config = fixture->bench.config;
	fixture->pipeline.handler = (struct pipeline_handler){
		.ctx = &fixture->bench,
		.exchange = bench_exchange,
		.result = bench_result,
		.mark = bench_mark,
	};
	fixture->peer = (struct peer){ .pid = 7, .fd = 3, .id = 100, .family = AF_INET };
	sock = bench_socket(&fixture->peer);
	fixture->conn = conn_new(&fixture->pipeline, 1, &sock);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	conn_free(fixture->conn);
	free(fixture);
	return 0;
}

static void put(struct fixture *fixture, enum event_direction direction, const char *text, size_t missing,
		enum event_hole hole)
{
	struct event_data *event =
		data_make(&fixture->bench, &fixture->peer, direction, fixture->peer.offset[direction], text,
			  strlen(text), strlen(text) + missing);

	event->hole = (uint8_t)hole;
	fixture->peer.offset[direction] += strlen(text) + missing;
	fixture->pipeline.now_ns = event->h.time_ns;
	conn_socket_data(fixture->conn, event);
	free(event);
}

static void test_bytes_by_reason(void **state)
{
	static const struct {
		enum event_hole hole;
		uint64_t skipped, lost;
	} rows[] = {
		{ HOLE_SNAPLEN, 50, 0 }, { HOLE_SKIPPED, 50, 0 }, { HOLE_KERNEL, 50, 0 },
		{ HOLE_COMPAT, 50, 0 },	 { HOLE_FAULT, 0, 50 },
	};
	struct fixture *fixture = *state;
	struct conn_facts *facts = &fixture->conn->facts;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t skipped = facts->skipped_bytes, lost = facts->lost_bytes;

		put(fixture, DIRECTION_SENT, "GE", 50, rows[i].hole);
		assert_int_equal(facts->skipped_bytes - skipped, rows[i].skipped);
		assert_int_equal(facts->lost_bytes - lost, rows[i].lost);
		assert_int_equal(facts->moved_bytes,
				 facts->copied_bytes + facts->skipped_bytes + facts->lost_bytes);
	}
}

static void test_lost_record_is_counted(void **state)
{
	struct fixture *fixture = *state;
	struct conn_facts *facts = &fixture->conn->facts;

	put(fixture, DIRECTION_SENT, GET, 0, HOLE_NONE);
	data_lose(&fixture->peer, DIRECTION_SENT, 1000);
	put(fixture, DIRECTION_SENT, GET, 0, HOLE_NONE);
	assert_int_equal(facts->lost_bytes, 0);
	fixture->pipeline.poll = GRACE_POLLS;
	assert_false(conn_poll(fixture->conn));
	assert_int_equal(facts->lost_bytes, 1000);
	assert_int_equal(facts->moved_bytes, 1000 + 2 * strlen(GET));
}

static void test_verdict_once(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, DIRECTION_SENT, "\x16\x03\x01\x00\x05\x01", 4, HOLE_SNAPLEN);
	put(fixture, DIRECTION_SENT, "\x17\x03\x03 more", 0, HOLE_NONE);
	conn_mark_tls(fixture->conn, "openssl");
	assert_string_equal(fixture->bench.log, "verdict 100 ciphertext\n");
	assert_int_equal(fixture->conn->facts.moved_bytes, 0);
	assert_string_equal(fixture->conn->facts.tls_library, "openssl");
	assert_false(fixture->conn->facts.tls_unknown);
}

static void splice_put(struct fixture *fixture, uint64_t bytes, enum event_hole hole)
{
	struct event_data *event;

	fixture->peer.offset[DIRECTION_RECEIVED] += bytes;
	event = data_make(&fixture->bench, &fixture->peer, DIRECTION_RECEIVED,
			  fixture->peer.offset[DIRECTION_RECEIVED], "", 0, 0);
	event->h.flags |= EVENT_REACHED;
	event->hole = (uint8_t)hole;
	fixture->pipeline.now_ns = event->h.time_ns;
	conn_socket_data(fixture->conn, event);
	free(event);
}

#define HELLO "\x16\x03\x01\x02\x05\x01"

/*
 * splice(2): of TLS, whose hello is still read or no more, and of what is muted. HOLE_MUTED: the kernel side
 * counted the bytes, for it knew where they began.
 */
static void test_spliced_bytes_have_a_counter(void **state)
{
	static const struct {
		const char *first;
		bool library;		       /* it owns the socket */
		enum conn_plaintext plaintext; /* calls are nested then, and leave no records */
		enum event_hole hole;
		uint64_t skipped, ciphertext; /* that user space counts, of 3000 bytes */
		uint64_t facts;		      /* bytes of the connection, behind the first 10 */
	} rows[] = {
		{ HELLO, true, CONN_PLAINTEXT_UNSEEN, HOLE_KERNEL, 0, 3000, 3000 },
		{ HELLO, true, CONN_PLAINTEXT_UNSEEN, HOLE_MUTED, 0, 0, 0 },
		{ HELLO, true, CONN_PLAINTEXT_APART, HOLE_KERNEL, 0, 3000, 3000 },
		{ HELLO, true, CONN_PLAINTEXT_SEEN, HOLE_KERNEL, 0, 0, 0 },
		{ HELLO, false, CONN_PLAINTEXT_UNSEEN, HOLE_KERNEL, 0, 3000, 3000 },
		{ "SSH-2.", false, CONN_PLAINTEXT_UNSEEN, HOLE_KERNEL, 3000, 0, 3000 },
		{ "SSH-2.", false, CONN_PLAINTEXT_UNSEEN, HOLE_MUTED, 0, 0, 3000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *own = NULL;
		/* Enough that what turns out to be ciphertext can be taken off. */
		struct event_counters kernel = { .h.size = sizeof(kernel),
						 .value = { [KC_BYTES_MOVED] = 200000,
							    [KC_BYTES_COPIED] = 100000,
							    [KC_BYTES_SKIPPED] = 100000 } };
		struct fixture *fixture;
		struct conn_facts *facts;
		uint64_t skipped, ciphertext;

		setup(&own);
		fixture = own;
		facts = &fixture->conn->facts;
		counters_set_kernel(&kernel);
		put(fixture, DIRECTION_RECEIVED, rows[i].first, 4, HOLE_SNAPLEN);
		if (rows[i].library)
			conn_mark_tls(fixture->conn, "openssl");
		fixture->conn->plaintext = rows[i].plaintext;
		skipped = counters[COUNTER_BYTES_SKIPPED];
		ciphertext = counters[COUNTER_BYTES_CIPHERTEXT];
		splice_put(fixture, 1000, rows[i].hole);
		splice_put(fixture, 2000, rows[i].hole);
		assert_int_equal(counters[COUNTER_BYTES_SKIPPED] - skipped, rows[i].skipped);
		assert_int_equal(counters[COUNTER_BYTES_CIPHERTEXT] - ciphertext, rows[i].ciphertext);
		assert_int_equal(facts->moved_bytes + facts->ciphertext_bytes, 10 + rows[i].facts);
		assert_int_equal(facts->moved_bytes,
				 facts->copied_bytes + facts->skipped_bytes + facts->lost_bytes);
		teardown(&own);
	}
	(void)state;
}

/* Some transfers leave no record any more: what is missing then was not lost. */
static void test_unrecorded_bytes_are_not_lost(void **state)
{
	static const struct {
		bool told;
		uint16_t flags; /* of what tells it */
		bool library;	/* which becomes known before the poll that gives up on the bytes */
		uint64_t holes, lost, ciphertext;
	} rows[] = {
		{ true, EVENT_PID_VALID, false, 0, 0, 18 },
		{ true, EVENT_PID_VALID, true, 0, 0, 18 },
		{ true, EVENT_REACHED, false, 1, 1500, 18 },
		{ false, 0, false, 1, 1500, 18 },
		{ false, 0, true, 0, 0, 18 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *fixture;
		struct event_data *event;
		void *own;

		setup(&own);
		fixture = own;
		event = data_make(&fixture->bench, &fixture->peer, DIRECTION_SENT, 0, "", 0, 0);
		event->hole = HOLE_MUTED;
		event->h.flags = rows[i].flags;
		event->pos = event->offset = 0;
		put(fixture, DIRECTION_RECEIVED, HELLO, 4, HOLE_SNAPLEN);
		if (rows[i].told)
			conn_socket_data(fixture->conn, event);
		data_lose(&fixture->peer, DIRECTION_RECEIVED, 1500);
		put(fixture, DIRECTION_RECEIVED, "\x17\x03\x03 more", 0, HOLE_NONE);
		fixture->pipeline.poll = GRACE_POLLS;
		if (rows[i].library)
			conn_mark_tls(fixture->conn, "boringssl");
		conn_poll(fixture->conn);
		assert_int_equal(counters[COUNTER_STREAM_HOLES], rows[i].holes);
		assert_int_equal(fixture->conn->facts.lost_bytes, rows[i].lost);
		assert_int_equal(fixture->conn->facts.ciphertext_bytes, rows[i].ciphertext);
		assert_int_equal(fixture->conn->facts.moved_bytes, rows[i].lost);
		free(event);
		teardown(&own);
	}
}

static void test_unknown_until_told(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture->conn->facts.tls_unknown);
	put(fixture, DIRECTION_SENT, "GET /a HTT", 0, HOLE_NONE);
	assert_true(fixture->conn->facts.tls_unknown);
	assert_null(fixture->conn->facts.protocol);
	put(fixture, DIRECTION_SENT, "P/1.1\r\nHost: x\r\n\r\n", 0, HOLE_NONE);
	assert_false(fixture->conn->facts.tls_unknown);
	assert_false(fixture->conn->facts.tls);
	assert_string_equal(fixture->conn->facts.protocol, "http");
	assert_int_equal(fixture->conn->facts.role, ROLE_CLIENT);
}

static void test_addresses_are_kept(void **state)
{
	struct fixture *fixture = *state;
	struct event_socket bare = { .fd = -1 }, full = bench_socket(&fixture->peer);

	full.local_port = 4000;
	full.peer_port = 443;
	full.fd = 9;
	conn_update_socket(fixture->conn, &full);
	conn_update_socket(fixture->conn, &bare);
	full.local_port = 0; /* as the kernel shows it while it closes */
	conn_update_socket(fixture->conn, &full);
	assert_int_equal(fixture->conn->facts.sock.local_port, 4000);
	assert_int_equal(fixture->conn->facts.sock.peer_port, 443);
	assert_int_equal(fixture->conn->facts.sock.fd, 9);
	assert_int_equal(fixture->conn->facts.sock.id, 100);
}

static void test_absorb(void **state)
{
	struct fixture *fixture = *state;
	struct event_socket nowhere = { .fd = -1 };
	struct conn *other = conn_new(&fixture->pipeline, 2, &nowhere);
	struct tls_session *session =
		tls_session_new(&fixture->pipeline, (struct tls_key){ .ssl = 5, .pid = 7 });

	conn_add_session(other, session);
	other->facts.exchanges = 3;
	other->facts.moved_bytes = other->facts.copied_bytes = 10;
	conn_absorb(fixture->conn, other);
	assert_null(other->sessions);
	assert_ptr_equal(session->conn, fixture->conn);
	assert_ptr_equal(session->flow.facts, &fixture->conn->facts);
	assert_int_equal(fixture->conn->facts.id, CONN_ID_OWN + 2);
	assert_int_equal(fixture->conn->facts.exchanges, 3);
	assert_int_equal(fixture->conn->facts.moved_bytes, 10);
	conn_free(other);
}

static void test_end_reasons(void **state)
{
	static const struct {
		enum protocol_end reason;
		const char *expected;
	} rows[] = {
		{ END_CLOSED, "1:GET /a - closed unanswered\n1 closed ? client x1 28=28+0+0 c0\n" },
		{ END_RESET,
		  "1:GET /a - reset closed unanswered\n1 closed ? client x1 28=28+0+0 c0 reset\n" },
		{ END_EXIT, "1:GET /a - closed unanswered\n1 closed exit client x1 28=28+0+0 c0\n" },
		{ END_IN_FLIGHT, "1:GET /a - in-flight\n1 closed ? client x1 28=28+0+0 c0 in-flight\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *fixture;
		void *own;

		setup(&own);
		fixture = own;
		put(fixture, DIRECTION_SENT, GET, 0, HOLE_NONE);
		conn_end(fixture->conn, rows[i].reason);
		assert_memory_equal(fixture->bench.log, "1 open\n", strlen("1 open\n"));
		assert_string_equal(fixture->bench.log + strlen("1 open\n"), rows[i].expected);
		teardown(&own);
	}
	(void)state;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_bytes_by_reason),
		T(test_lost_record_is_counted),
		T(test_verdict_once),
		T(test_unknown_until_told),
		T(test_addresses_are_kept),
		T(test_absorb),
		T(test_end_reasons),
		T(test_spliced_bytes_have_a_counter),
		T(test_unrecorded_bytes_are_not_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

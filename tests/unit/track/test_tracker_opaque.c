/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS judged by its bytes: when the kernel side is told, what the
 * hellos say, who is told that it is opaque.
 */
#include "base/counters.h"
#include "event_builder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ZEROS_8	 "\0\0\0\0\0\0\0\0"
#define ZEROS_32 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8

/* Server name a.b, protocol h2. */
#define CLIENT_HELLO                                                               \
	"\x16\x03\x01\0\x49\x01\0\0\x45\x03\x03" ZEROS_32 "\0\0\2\x13\1\1\0\0\x1a" \
	"\0\0\0\x08\0\6\0\0\3a.b"                                                  \
	"\0\x10\0\x05\0\3\2h2\0\x2b\0\1\0"
#define SERVER_HELLO_13 "\x16\x03\x03\0\x30\x02\0\0\x2c\x03\x03" ZEROS_32 "\0\x13\1\0\0\x04\0\x15\0\0"
#define SERVER_HELLO_12 "\x16\x03\x03\0\x35\x02\0\0\x31\x03\x03" ZEROS_32 "\0\x13\1\0\0\x09\0\x10\0\5\0\3\2h2"
#define APPLICATION	"\x17\x03\x03\0\4data"

static int setup(void **state)
{
	struct bench *bench;

	bench_setup(state);
	bench = *state;
	bench_start(bench);
	return 0;
}

/* A session over memory: the library never touches a socket. */
static struct peer session_apart(uint32_t pid)
{
	return (struct peer){ .pid = pid, .fd = -1, .ssl = 0x6000 };
}

/* The kernel side is told when the connection carries data, and the user somewhat later. */
static void test_told_once(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	SEND(bench, &peer, CLIENT_HELLO);
	RECEIVE(bench, &peer, SERVER_HELLO_12);
	poll_put(bench, 60);
	CHECK(bench, "1 open\n");
	SEND(bench, &peer, APPLICATION);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n");
	poll_put(bench, 30);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n");
	poll_put(bench, 20);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n1 opaque sni=a.b alpn=h2 offered=h2 0303\n");
	SEND(bench, &peer, APPLICATION);
	poll_put(bench, 60);
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 2);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n1 opaque sni=a.b alpn=h2 offered=h2 0303\n"
		     "1 closed ? client tls opaque x0 0=0+0+0 c154\n");
	assert_int_equal(counters[COUNTER_CONNECTIONS_OPAQUE], 1);
	assert_int_equal(counters[COUNTER_CONNECTIONS_UNBOUND], 0);
}

/* In TLS 1.3 the client's first such record ends the handshake. */
static void test_data_of_tls_13(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	SEND(bench, &peer, CLIENT_HELLO);
	RECEIVE(bench, &peer,
		"\x16\x03\x03\0\x32\x02\0\0\x2e\x03\x03" ZEROS_32
		"\0\x13\1\0\0\x06\0\x2b\0\2\3\4" APPLICATION APPLICATION);
	SEND(bench, &peer, APPLICATION);
	CHECK(bench, "1 open\n");
	SEND(bench, &peer, APPLICATION);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n");
	poll_put(bench, 50);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n1 opaque sni=a.b alpn= offered=h2 0304\n");
}

static void test_close_is_early_enough(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	SEND(bench, &peer, CLIENT_HELLO);
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 3);
	CHECK(bench, "1 open\n1 opaque sni=a.b alpn= offered=h2 0000\n"
		     "1 closed ? client tls opaque x0 0=0+0+0 c78\n");
}

/* Looked at while the process ran; nothing can be learned of it afterwards. */
static void test_process_gone_by_then(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->asks_why = true;
	bench->unread_why = "crypto/tls";
	SEND(bench, &peer, CLIENT_HELLO);
	RECEIVE(bench, &peer, SERVER_HELLO_12);
	SEND(bench, &peer, APPLICATION);
	poll_put(bench, 1);
	bench->unread_why = NULL;
	process_put(bench, 7, EVENT_EXIT, "");
	poll_put(bench, 60);
	assert_non_null(strstr(bench->log, "1 opaque sni=a.b alpn=h2 offered=h2 0303 by crypto/tls\n"));
}

/* The kernel side tells of ciphertext when the socket closes, which may be long after its process ended. */
static void test_process_gone_before_ciphertext(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->asks_why = true;
	bench->unread_why = "crypto/tls";
	SEND(bench, &peer, CLIENT_HELLO);
	poll_put(bench, 1);
	bench->unread_why = NULL;
	process_put(bench, 7, EVENT_EXIT, "");
	poll_put(bench, 60);
	RECEIVE(bench, &peer, SERVER_HELLO_12);
	SEND(bench, &peer, APPLICATION);
	poll_put(bench, 60);
	assert_non_null(strstr(bench->log, "1 opaque sni=a.b alpn=h2 offered=h2 0303 by crypto/tls\n"));
}

/* Seen in the middle: nobody knows what the hellos said. */
static void test_joined_late(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	peer.offset[0] = 5000;
	SEND(bench, &peer, APPLICATION APPLICATION);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n");
	poll_put(bench, 50);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n1 opaque sni= alpn= offered= 0000\n");
}

static void hello_put(struct bench *bench, struct peer *peer, enum event_direction direction, char random)
{
	char hello[] = CLIENT_HELLO;

	hello[5 + 4 + 2 + EVENT_RANDOM_AT] = random;
	data_put(bench, peer, direction, hello, sizeof(hello) - 1);
}

/* The same client's hello in and out of a process: a relay. Out of one and into another: the two ends. */
static void test_relay(void **state)
{
	struct bench *bench = *state;
	struct peer in = peer_client(), out = peer_client(), end = peer_client(), other = peer_client();

	out.id = 101, out.sk = 9001, out.fd = 4;
	end.id = 102, end.sk = 9002, end.pid = 8;
	other.id = 103, other.sk = 9003, other.fd = 5;
	hello_put(bench, &in, DIRECTION_RECEIVED, 1);
	hello_put(bench, &out, DIRECTION_SENT, 1);
	hello_put(bench, &end, DIRECTION_RECEIVED, 1);
	hello_put(bench, &other, DIRECTION_SENT, 2);
	state_put(bench, &in, 4, 7);
	state_put(bench, &out, 4, 7);
	state_put(bench, &end, 4, 7);
	state_put(bench, &other, 4, 7);
	bench->used = 0;
	bench->quiet_conns = true;
	poll_put(bench, 3);
	CHECK(bench, "1 opaque sni=a.b alpn= offered=h2 0000 relayed\n"
		     "2 opaque sni=a.b alpn= offered=h2 0000 relayed\n"
		     "3 opaque sni=a.b alpn= offered=h2 0000\n"
		     "4 opaque sni=a.b alpn= offered=h2 0000\n");
}

/* Both ends in one process: no relay. */
static void test_talk_to_oneself(void **state)
{
	struct bench *bench = *state;
	struct peer here = peer_client(), there = peer_client();

	there.id = 101, there.sk = 9001, there.fd = 4;
	here.local_port = there.peer_port = 40000;
	here.peer_port = there.local_port = 443;
	hello_put(bench, &here, DIRECTION_SENT, 1);
	hello_put(bench, &there, DIRECTION_RECEIVED, 1);
	state_put(bench, &here, 4, 7);
	state_put(bench, &there, 4, 7);
	bench->used = 0;
	bench->quiet_conns = true;
	poll_put(bench, 3);
	CHECK(bench, "1 opaque sni=a.b alpn= offered=h2 0000\n"
		     "2 opaque sni=a.b alpn= offered=h2 0000\n");
}

/* A library's session in time, and one that is late. */
static void test_not_with_a_session(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), ssl = peer_session();

	SEND(bench, &peer, CLIENT_HELLO);
	RECEIVE(bench, &peer, SERVER_HELLO_12 APPLICATION);
	poll_put(bench, 20);
	tls_put(bench, &ssl, EVENT_TLS_BIND);
	poll_put(bench, 60);
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 3);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n1 closed ? client tls x0 0=0+0+0 c145\n");
	assert_int_equal(counters[COUNTER_CONNECTIONS_OPAQUE], 0);
}

/* The session may have ended before its connection does. */
static void test_not_with_sessions_apart(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), apart = session_apart(7);

	SEND(bench, &peer, CLIENT_HELLO);
	RECEIVE(bench, &peer, SERVER_HELLO_12 APPLICATION);
	data_sent(bench, &apart, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	tls_put(bench, &apart, EVENT_TLS_FREE);
	poll_put(bench, 60);
	bench->used = 0;
	process_put(bench, 7, EVENT_EXIT, "");
	state_put(bench, &peer, 1, 4);
	poll_put(bench, 5);
	CHECK(bench, "1 closed exit client tls x0 0=0+0+0 c145\n");
	assert_int_equal(counters[COUNTER_CONNECTIONS_UNBOUND], 1);
	assert_int_equal(counters[COUNTER_CONNECTIONS_OPAQUE], 0);
}

/* Such sessions of another process tell nothing. */
static void test_sessions_of_another_process(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), apart = session_apart(8);

	bench->quiet_conns = true;
	data_sent(bench, &apart, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	SEND(bench, &peer, CLIENT_HELLO);
	RECEIVE(bench, &peer, SERVER_HELLO_12 APPLICATION);
	poll_put(bench, 60);
	CHECK(bench, "verdict 100 ciphertext\n1 opaque sni=a.b alpn=h2 offered=h2 0303\n");
}

/* Nothing moved: nothing is said. */
static void test_quiet_connection(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();
	struct event_state seen = {
		.h = bench_header(bench, &peer, EVENT_SOCKET_SEEN, sizeof(seen)),
		.sock = bench_socket(&peer),
	};

	tracker_event(bench->tracker, &seen.h);
	poll_put(bench, 60);
	tracker_end(bench->tracker);
	CHECK(bench, "1 open existing\n1 closed ? ? x0 0=0+0+0 c0 in-flight\n");
}

/* Before the first poll libraries may have no probes yet; only what moves later is judged. */
static void test_before_hark_was_ready(void **state)
{
	struct bench *bench = *state;
	const struct pipeline_handler handler = {
		.ctx = bench,
		.result = bench_result,
		.mark = bench_mark,
	};
	struct peer quiet = peer_client(), busy = peer_client();

	bench_stop(bench);
	bench->tracker = tracker_new(&bench->config, &handler);
	quiet.offset[0] = busy.offset[0] = 5000;
	busy.id = 101;
	busy.sk = 9001;
	busy.fd = 4;
	SEND(bench, &quiet, APPLICATION APPLICATION);
	SEND(bench, &busy, APPLICATION APPLICATION);
	poll_put(bench, 60);
	CHECK(bench, "1 open\n2 open\n");
	SEND(bench, &busy, APPLICATION);
	poll_put(bench, 60);
	CHECK(bench, "1 open\n2 open\nverdict 101 ciphertext\n2 opaque sni= alpn= offered= 0000\n");
	bench->used = 0;
	state_put(bench, &quiet, 4, 7);
	poll_put(bench, 3);
	CHECK(bench, "1 closed ? ? tls opaque x0 0=0+0+0 c18 late-joined\n");
}

/* What was under way, or began in the last moment: too little of it was seen to call a followed library
 * unread. */
static void test_too_short_to_tell(void **state)
{
	struct bench *bench = *state;
	const struct pipeline_handler handler = {
		.ctx = bench,
		.result = bench_result,
		.unread_why = bench_unread_why,
	};
	struct peer early = peer_client(), last = peer_client(), long_lived = peer_client();

	bench_stop(bench);
	bench->tracker = tracker_new(&bench->config, &handler);
	bench->unread_why = "its library is followed";
	bench->followed = true;
	bench->quiet_conns = true;
	last.id = 101, long_lived.id = 102;
	last.sk = 9001, long_lived.sk = 9002;
	last.fd = 4, long_lived.fd = 5;
	early.offset[0] = long_lived.offset[0] = 5000;
	SEND(bench, &early, APPLICATION);
	SEND(bench, &long_lived, APPLICATION);
	poll_put(bench, 60);
	SEND(bench, &early, APPLICATION);
	SEND(bench, &long_lived, APPLICATION);
	poll_put(bench, 60);
	state_put(bench, &early, 4, 7);
	poll_put(bench, 60);
	CHECK(bench, "");
	assert_int_equal(counters[COUNTER_CONNECTIONS_CUT], 1);
	poll_put(bench, 160);
	SEND(bench, &last, CLIENT_HELLO);
	RECEIVE(bench, &last, SERVER_HELLO_12 APPLICATION);
	poll_put(bench, 3);
	tracker_end(bench->tracker);
	CHECK(bench, "1 opaque sni= alpn= offered= 0000\n");
	assert_int_equal(counters[COUNTER_CONNECTIONS_CUT], 2);
	assert_int_equal(counters[COUNTER_CONNECTIONS_OPAQUE], 1);
}

/* Ciphertext that is too long is not copied for ever. */
static void test_bound(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();
	static char block[8192];

	SEND(bench, &peer, CLIENT_HELLO);
	RECEIVE(bench, &peer,
		"\x16\x03\x03\0\x32\x02\0\0\x2e\x03\x03" ZEROS_32 "\0\x13\1\0\0\x06\0\x2b\0\2\3\4");
	for (int i = 0; i < 5; i++) {
		RECEIVE(bench, &peer, "\x17\x03\x03\x20");
		data_put(bench, &peer, DIRECTION_RECEIVED, block, 1);
		data_put(bench, &peer, DIRECTION_RECEIVED, block, sizeof(block));
		if (i < 2)
			CHECK(bench, "1 open\n");
	}
	CHECK(bench, "1 open\nverdict 100 ciphertext\n");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_told_once),
		T(test_data_of_tls_13),
		T(test_close_is_early_enough),
		T(test_process_gone_by_then),
		T(test_process_gone_before_ciphertext),
		T(test_joined_late),
		T(test_relay),
		T(test_talk_to_oneself),
		T(test_not_with_a_session),
		T(test_not_with_sessions_apart),
		T(test_sessions_of_another_process),
		T(test_quiet_connection),
		T(test_before_hark_was_ready),
		T(test_too_short_to_tell),
		T(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel TLS: what a program moves by itself is plaintext of a session without a library, on a socket whose
 * other bytes are ciphertext.
 */
#include "base/counters.h"
#include "event_builder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REQUEST	 "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define RESPONSE "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define HELLO	 "\x16\x03\x01\0\x06\x01\0\0\x02\x03\x03"
#define DATA	 "\x17\x03\x03\0\4data"

static int setup(void **state)
{
	struct bench *bench;

	bench_setup(state);
	bench = *state;
	bench->quiet_conns = true;
	bench_start(bench);
	return 0;
}

/* The plaintext of a socket, as the kernel side names it. */
static struct peer plaintext_of(const struct peer *socket)
{
	struct peer peer = *socket;

	peer.ssl = 0xffff888000000000u + socket->sk;
	peer.generation = socket->id;
	peer.offset[0] = peer.offset[1] = 0;
	return peer;
}

/* Of `len` bytes those of the text are copied. */
static void plaintext_put(struct bench *bench, struct peer *peer, enum event_direction direction,
			  const char *text, size_t len)
{
	struct event_data *event =
		data_make(bench, peer, direction, peer->offset[direction], text, strlen(text), len);

	event->source = SOURCE_KERNEL_TLS;
	peer->offset[direction] += len;
	event_send(bench, event);
}

#define SENT(bench, peer, text)	    plaintext_put(bench, peer, DIRECTION_SENT, text, strlen(text))
#define RECEIVED(bench, peer, text) plaintext_put(bench, peer, DIRECTION_RECEIVED, text, strlen(text))

/* A library that hark cannot read, or that is no library at all, made the keys. */
static void test_behind_a_handshake(void **state)
{
	struct bench *bench = *state;
	struct peer socket = peer_client(), plaintext = plaintext_of(&socket);

	SEND(bench, &socket, HELLO);
	RECEIVE(bench, &socket, DATA);
	SEND(bench, &socket, DATA);
	SENT(bench, &plaintext, REQUEST);
	RECEIVED(bench, &plaintext, RESPONSE);
	eof_put(bench, &socket, DIRECTION_RECEIVED);
	poll_put(bench, 60);
	tracker_end(bench->tracker);
	CHECK(bench, "verdict 100 ciphertext\n1:GET /a 200 2\n");
}

static void test_without_a_handshake(void **state)
{
	struct bench *bench = *state;
	struct peer socket = peer_client(), plaintext = plaintext_of(&socket);

	bench->quiet_conns = false;
	SENT(bench, &plaintext, REQUEST);
	RECEIVED(bench, &plaintext, RESPONSE);
	state_put(bench, &socket, 4, 7);
	poll_put(bench, 5);
	CHECK(bench, "1 open\nverdict 100 ciphertext\n1:GET /a 200 2\n"
		     "1 closed ? client tls x1 68=68+0+0 c0\n");
}

/* In one direction alone, the other's bytes are ciphertext. */
static void test_one_direction(void **state)
{
	struct bench *bench = *state;
	struct peer socket = peer_client(), plaintext = plaintext_of(&socket);

	SEND(bench, &socket, HELLO);
	RECEIVE(bench, &socket, DATA);
	SENT(bench, &plaintext, REQUEST);
	RECEIVE(bench, &socket, DATA);
	tracker_end(bench->tracker);
	CHECK(bench, "verdict 100 ciphertext\n1:GET /a - in-flight\n");
}

/* All plaintext is counted of a connection that was seen to open: what begins otherwise is no HTTP. */
static void test_begins(void **state)
{
	struct bench *bench = *state;

	for (uint64_t seen = 0; seen < 2; seen++) {
		struct peer socket = peer_client(), plaintext;

		socket.id += seen;
		socket.sk += seen;
		plaintext = plaintext_of(&socket);
		if (seen)
			state_put(bench, &socket, 2, 1);
		RECEIVED(bench, &plaintext, "220 ready\r\n");
		SENT(bench, &plaintext, "EHLO x\r\n");
		RECEIVED(bench, &plaintext, "250 x\r\n");
		SENT(bench, &plaintext, REQUEST);
		RECEIVED(bench, &plaintext, RESPONSE);
	}
	tracker_end(bench->tracker);
	CHECK(bench, "verdict 100 ciphertext\n1:GET /a 200 2 late-joined guess\nverdict 101 ciphertext\n");
}

/* The next socket has the address of the one before, whose end is still awaited. */
static void test_address_used_again(void **state)
{
	struct bench *bench = *state;

	for (uint64_t id = 100; id < 103; id++) {
		struct peer socket = peer_client(), plaintext;

		socket.id = id;
		plaintext = plaintext_of(&socket);
		SENT(bench, &plaintext, REQUEST);
		RECEIVED(bench, &plaintext, RESPONSE);
		state_put(bench, &socket, 4, 7);
	}
	tracker_end(bench->tracker);
	CHECK(bench, "verdict 100 ciphertext\n1:GET /a 200 2\nverdict 101 ciphertext\n2:GET /a 200 2\n"
		     "verdict 102 ciphertext\n3:GET /a 200 2\n");
}

/* A library's session of the same socket: its transfers are nested and come no second time; the end does. */
static void test_by_a_library(void **state)
{
	struct bench *bench = *state;
	struct peer socket = peer_client(), session = peer_session();
	struct event_data *end;

	tls_put(bench, &session, EVENT_TLS_BIND);
	data_sent(bench, &session, REQUEST);
	data_received(bench, &session, RESPONSE);
	end = data_make(bench, &socket, DIRECTION_RECEIVED, 0, NULL, 0, 0);
	end->h.flags = EVENT_PID_VALID | EVENT_EOF;
	end->source = SOURCE_KERNEL_TLS;
	event_send(bench, end);
	tracker_end(bench->tracker);
	CHECK(bench, "verdict 100 ciphertext\n1:GET /a 200 2\n");
}

/* The library sends a head, the program the body, by sendfile(2): where that stands no counter tells. */
static void test_by_both(void **state)
{
	struct bench *bench = *state;
	struct peer session = peer_session(), socket = peer_client(), plaintext = plaintext_of(&socket);

	data_received(bench, &session, REQUEST);
	data_sent(bench, &session, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n");
	plaintext_put(bench, &plaintext, DIRECTION_SENT, "", 50);
	data_received(bench, &session, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
	data_sent(bench, &session, RESPONSE);
	tracker_end(bench->tracker);
	CHECK(bench, "verdict 100 ciphertext\n1:GET /a 200 0 gap\n1:GET /b 200 2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_behind_a_handshake, setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_without_a_handshake, setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_one_direction, setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_begins, setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_address_used_again, setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_by_a_library, setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_by_both, setup, bench_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

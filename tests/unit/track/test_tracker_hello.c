/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions over memory find their connection by the randoms of their hellos: on one exact match of both, and
 * never else.
 */
#include "base/counters.h"
#include "event_builder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ZEROS_8	 "\0\0\0\0\0\0\0\0"
#define ZEROS_32 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8

static const char client_hello[] = "\x16\x03\x01\0\x2f\x01\0\0\x2b\x03\x03" ZEROS_32 "\0\0\2\x13\1\1\0\0\0";
static const char server_hello[] = "\x16\x03\x03\0\x2c\x02\0\0\x28\x03\x03" ZEROS_32 "\0\x13\1\0\0\0";

#define RANDOM_AT 11
#define REQUEST	  "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define RESPONSE  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define OF_CLIENT 5
#define OF_SERVER 6

static int setup(void **state)
{
	struct bench *bench;

	bench_setup(state);
	bench = *state;
	bench->quiet_conns = true;
	bench_start(bench);
	return 0;
}

/* A hello whose random is all zero but for its 17th byte. */
static void hello_put(struct bench *bench, struct peer *peer, enum event_direction direction, bool client,
		      char value)
{
	char bytes[sizeof(client_hello)];
	size_t len = (client ? sizeof(client_hello) : sizeof(server_hello)) - 1;

	memcpy(bytes, client ? client_hello : server_hello, len);
	bytes[RANDOM_AT + EVENT_RANDOM_AT] = value;
	data_put(bench, peer, direction, bytes, len);
}

/* Both, as the client's end has them, or the server's. */
static void hellos_put(struct bench *bench, struct peer *peer, bool client, char of_client, char of_server)
{
	hello_put(bench, peer, client ? DIRECTION_SENT : DIRECTION_RECEIVED, true, of_client);
	hello_put(bench, peer, client ? DIRECTION_RECEIVED : DIRECTION_SENT, false, of_server);
}

static void randoms_put(struct bench *bench, struct peer *session, bool client, char of_client,
			char of_server)
{
	struct event_data *event =
		data_make(bench, session, client ? DIRECTION_SENT : DIRECTION_RECEIVED, 0, NULL, 0, 0);

	event->h.type = EVENT_TLS_RANDOMS;
	event->pos = event->offset = 0;
	memcpy(&event->pos, &of_client, 1);
	memcpy(&event->offset, &of_server, 1);
	event_send(bench, event);
}

static struct peer socket_of(uint32_t number)
{
	struct peer peer = peer_client();

	peer.id = 100 + number;
	peer.sk = 9000 + number;
	peer.fd = 3 + (int32_t)number;
	return peer;
}

static struct peer session_of(uint32_t number)
{
	return (struct peer){ .pid = 7, .fd = -1, .ssl = 0x6000 + 0x1000 * number, .generation = 1 };
}

static void ask(struct bench *bench, struct peer *session, bool client)
{
	if (client) {
		data_sent(bench, session, REQUEST);
		data_received(bench, session, RESPONSE);
	} else {
		data_received(bench, session, REQUEST);
		data_sent(bench, session, RESPONSE);
	}
}

/* Closes the sockets, in order, and lets everything come out. */
static void finish(struct bench *bench, struct peer *sockets, size_t count)
{
	bench->quiet_conns = false;
	bench->used = 0;
	memset(bench->ids, 0, sizeof(bench->ids));
	for (size_t i = 0; i < count; i++) {
		state_put(bench, &sockets[i], 4, 7);
		poll_put(bench, 3);
	}
}

static void test_bound_from_the_first_exchange_on(void **state)
{
	struct bench *bench = *state;
	struct peer sock = socket_of(0), session = session_of(0);

	hellos_put(bench, &sock, true, OF_CLIENT, OF_SERVER);
	randoms_put(bench, &session, true, OF_CLIENT, OF_SERVER);
	bench->used = 0;
	ask(bench, &session, true);
	poll_put(bench, 1);
	CHECK(bench, "1:GET /a 200 2\n");
	finish(bench, &sock, 1);
	CHECK(bench, "1 closed ? client tls x1 68=68+0+0 c101\n");
	assert_int_equal(counters[COUNTER_CONNECTIONS_OPENED], 1);
	assert_int_equal(counters[COUNTER_CONNECTIONS_UNBOUND], 0);
}

/* Both ends in one process know the same hellos: which end the session is decides. */
static void test_both_ends_in_one_process(void **state)
{
	struct bench *bench = *state;
	struct peer socks[] = { socket_of(0), socket_of(1) };
	struct peer client = session_of(0), server = session_of(1);

	hello_put(bench, &socks[0], DIRECTION_SENT, true, OF_CLIENT);
	hello_put(bench, &socks[1], DIRECTION_RECEIVED, true, OF_CLIENT);
	hello_put(bench, &socks[1], DIRECTION_SENT, false, OF_SERVER);
	hello_put(bench, &socks[0], DIRECTION_RECEIVED, false, OF_SERVER);
	randoms_put(bench, &server, false, OF_CLIENT, OF_SERVER);
	randoms_put(bench, &client, true, OF_CLIENT, OF_SERVER);
	data_sent(bench, &client, REQUEST);
	ask(bench, &server, false);
	data_received(bench, &client, RESPONSE);
	data_sent(bench, &client, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
	data_received(bench, &client, RESPONSE);
	poll_put(bench, 1);
	finish(bench, socks, 2);
	assert_non_null(strstr(bench->log, "1 closed ? client tls x2"));
	assert_non_null(strstr(bench->log, "2 closed ? server tls x1"));
}

/* Nothing but both randoms, the way of the hello and the process together tell the connection. */
static void test_not_bound(void **state)
{
	static const struct {
		const char *name;
		bool client;
		char of_client, of_server;
		uint32_t pid;
	} rows[] = {
		{ "another client's random", true, OF_CLIENT + 1, OF_SERVER, 7 },
		{ "another server's random", true, OF_CLIENT, OF_SERVER + 1, 7 },
		{ "the server's random is not known", true, OF_CLIENT, 0, 7 },
		{ "none is", true, 0, 0, 7 },
		{ "the other end", false, OF_CLIENT, OF_SERVER, 7 },
		{ "another process", true, OF_CLIENT, OF_SERVER, 8 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench *bench;
		struct peer sock = socket_of(0), session = session_of(0);

		bench_stop(*state);
		bench_init(*state);
		bench = *state;
		bench->quiet_conns = true;
		bench_start(bench);
		session.pid = rows[i].pid;
		hellos_put(bench, &sock, true, OF_CLIENT, OF_SERVER);
		randoms_put(bench, &session, rows[i].client, rows[i].of_client, rows[i].of_server);
		ask(bench, &session, true);
		poll_put(bench, 1);
		finish(bench, &sock, 1);
		if (!strstr(bench->log, "1 closed ? client tls") || strstr(bench->log, "x1"))
			fail_msg("%s: %s", rows[i].name, bench->log);
	}
}

/* A client may send the hello of another connection again: what the server answered tells them apart. */
static void test_the_same_hello_twice(void **state)
{
	struct bench *bench = *state;
	struct peer socks[] = { socket_of(0), socket_of(1) };
	struct peer sessions[] = { session_of(0), session_of(1) };

	for (size_t i = 0; i < 2; i++)
		hellos_put(bench, &socks[i], false, OF_CLIENT, (char)(OF_SERVER + i));
	for (size_t i = 2; i-- > 0;) {
		randoms_put(bench, &sessions[i], false, OF_CLIENT, (char)(OF_SERVER + i));
		ask(bench, &sessions[i], false);
	}
	poll_put(bench, 1);
	finish(bench, socks, 2);
	assert_non_null(strstr(bench->log, "1 closed ? server tls x1 68=68+0+0 c101\n"));
	assert_non_null(strstr(bench->log, "2 closed ? server tls x0 0=0+0+0 c101\n"));
}

/* An object that was cleared goes on with another connection, and counts on. */
static void test_the_object_goes_over(void **state)
{
	struct bench *bench = *state;
	struct peer socks[] = { socket_of(0), socket_of(1) };
	struct peer session = session_of(0);

	for (size_t i = 0; i < 2; i++) {
		hellos_put(bench, &socks[i], true, (char)(OF_CLIENT + i), OF_SERVER);
		for (int again = 0; again < 2; again++)
			randoms_put(bench, &session, true, (char)(OF_CLIENT + i), OF_SERVER);
		ask(bench, &session, true);
		ask(bench, &session, true);
	}
	poll_put(bench, 1);
	finish(bench, socks, 2);
	CHECK(bench,
	      "1 closed ? client tls x2 136=136+0+0 c101\n2 closed ? client tls x2 136=136+0+0 c101\n");
}

/* Early data comes before the server's hello. */
static void test_plaintext_before_the_randoms(void **state)
{
	struct bench *bench = *state;
	struct peer sock = socket_of(0), session = session_of(0);

	hello_put(bench, &sock, DIRECTION_SENT, true, OF_CLIENT);
	data_sent(bench, &session, REQUEST);
	hello_put(bench, &sock, DIRECTION_RECEIVED, false, OF_SERVER);
	randoms_put(bench, &session, true, OF_CLIENT, OF_SERVER);
	data_received(bench, &session, RESPONSE);
	poll_put(bench, 1);
	finish(bench, &sock, 1);
	CHECK(bench, "1 closed ? client tls x1 68=68+0+0 c101\n");
}

/* Bytes that a session moves after its connection's end belong to none. */
static void test_the_connection_is_gone(void **state)
{
	struct bench *bench = *state;
	struct peer sock = socket_of(0), session = session_of(0);

	hellos_put(bench, &sock, true, OF_CLIENT, OF_SERVER);
	state_put(bench, &sock, 4, 7);
	poll_put(bench, 3);
	randoms_put(bench, &session, true, OF_CLIENT, OF_SERVER);
	ask(bench, &session, true);
	bench->used = 0;
	poll_put(bench, 1);
	bench->quiet_conns = false;
	tracker_end(bench->tracker);
	assert_non_null(strstr(bench->log, "socketless x1"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_bound_from_the_first_exchange_on),
		T(test_both_ends_in_one_process),
		T(test_not_bound),
		T(test_the_same_hello_twice),
		T(test_the_object_goes_over),
		T(test_plaintext_before_the_randoms),
		T(test_the_connection_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

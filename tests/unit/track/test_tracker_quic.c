/* SPDX-License-Identifier: Apache-2.0 */
/* QUIC connections are told of once, by name where their hello came whole; and QUIC's streams are no HTTP/2.
 */
#include "base/budget.h"
#include "base/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "event_builder.h"
#include "quic_build.h"
#include "quic_vectors.h"

#define NAMED	"1 opaque sni=example.com alpn= offered=alpn 0000 by QUIC, which hark does not read\n"
#define UNNAMED "1 opaque sni= alpn= offered= 0000 by QUIC, which hark does not read\n"

static int setup(void **state)
{
	struct bench *bench;

	bench_setup(state);
	bench = *state;
	bench->asks_why = true;
	bench_start(bench);
	return 0;
}

static struct peer quic_client(void)
{
	return (struct peer){
		.pid = 7, .fd = 3, .id = 100, .family = AF_INET, .local_port = 40000, .peer_port = 4433
	};
}

static struct peer quic_server(uint16_t peer_port)
{
	return (struct peer){
		.pid = 8, .fd = 4, .id = 200, .family = AF_INET, .local_port = 4433, .peer_port = peer_port
	};
}

static void datagram_put(struct bench *bench, const struct peer *peer, enum event_direction direction,
			 const uint8_t *bytes, size_t len)
{
	struct event_data *event = data_make(bench, peer, direction, 0, bytes, len, len);

	event->h.type = EVENT_DATAGRAM;
	event->h.flags = EVENT_PID_VALID;
	event->sock.protocol = IPPROTO_UDP;
	event_send(bench, event);
}

static void vector_put(struct bench *bench, const struct peer *peer, const char *vector)
{
	uint8_t bytes[2048];

	datagram_put(bench, peer, DIRECTION_SENT, bytes, quic_hex(vector, bytes));
}

/* Bytes [from, to) of the hello, in a packet with these ids and this token, each behind its length. */
#define PIECE(bench, peer, direction, version, ids, from, to) \
	piece_put(bench, peer, direction, version, ids, sizeof(ids) - 1, from, to)

static void piece_put(struct bench *bench, const struct peer *peer, enum event_direction direction,
		      size_t version, const char *ids, size_t ids_len, size_t from, size_t to)
{
	uint8_t hello[256], frames[512], packet[1024];

	quic_hex(QUIC_HELLO, hello);
	datagram_put(bench, peer, direction, packet,
		     quic_seal(packet, &quic_keys[version], ids, ids_len, 0, frames,
			       quic_crypto(frames, from, hello + from, to - from)));
}

static void unseen_put(struct bench *bench, const struct peer *peer)
{
	struct event_unseen event = {
		.h = bench_header(bench, peer, EVENT_UNSEEN, sizeof(event)),
		.sock = bench_socket(peer),
		.kind = UNSEEN_UDP_443,
	};

	tracker_event(bench->tracker, &event.h);
}

static void test_both_versions(void **state)
{
	struct bench *bench = *state;
	struct peer one = quic_client(), two = quic_client();

	two.id = 101;
	vector_put(bench, &one, QUIC_RFC9001_A2);
	vector_put(bench, &two, QUIC_RFC9369_A2);
	CHECK(bench,
	      NAMED "2 opaque sni=example.com alpn= offered=alpn 0000 by QUIC, which hark does not read\n");
	assert_int_equal(counters[COUNTER_CONNECTIONS_QUIC], 2);
	assert_int_equal(counters[COUNTER_QUIC_UNNAMED], 0);
}

static void test_told_once(void **state)
{
	struct bench *bench = *state;
	struct peer peer = quic_client();

	vector_put(bench, &peer, QUIC_RFC9001_A2);
	vector_put(bench, &peer, QUIC_RFC9001_A2);
	unseen_put(bench, &peer);
	poll_put(bench, 500);
	tracker_end(bench->tracker);
	CHECK(bench, NAMED);
	assert_int_equal(counters[COUNTER_CONNECTIONS_QUIC], 1);
}

static void test_two_datagrams(void **state)
{
	struct bench *bench = *state;
	struct peer peer = quic_client();

	PIECE(bench, &peer, DIRECTION_SENT, 0, QUIC_FIRST_IDS "\0", 100, QUIC_HELLO_BYTES);
	CHECK(bench, "");
	PIECE(bench, &peer, DIRECTION_SENT, 0, "\4help\0\0", 0, 100);
	CHECK(bench, NAMED);
}

/* Half a hello: told of when three seconds are over, or when hark ends. */
static void test_not_whole(void **state)
{
	struct bench *bench = *state;
	struct peer peer = quic_client(), other = quic_client();

	other.id = 101;
	PIECE(bench, &peer, DIRECTION_SENT, 0, QUIC_FIRST_IDS "\0", 0, 100);
	unseen_put(bench, &peer);
	poll_put(bench, 250);
	CHECK(bench, "");
	poll_put(bench, 60);
	CHECK(bench, UNNAMED);
	PIECE(bench, &other, DIRECTION_SENT, 1, QUIC_FIRST_IDS "\0", 0, 100);
	tracker_end(bench->tracker);
	CHECK(bench, UNNAMED "2 opaque sni= alpn= offered= 0000 by QUIC, which hark does not read\n");
	assert_int_equal(counters[COUNTER_QUIC_UNNAMED], 2);
}

static void test_nobodys(void **state)
{
	static const uint8_t zeros[1200] = { 0xc0, 0, 0, 0, 1, 8 };
	struct bench *bench = *state;
	struct peer peer = quic_client();
	uint8_t bytes[2048];
	size_t len = quic_hex(QUIC_RFC9001_A2, bytes);

	bytes[700] ^= 1;
	datagram_put(bench, &peer, DIRECTION_SENT, bytes, len);
	datagram_put(bench, &peer, DIRECTION_SENT, zeros, sizeof(zeros));
	unseen_put(bench, &peer);
	tracker_end(bench->tracker);
	CHECK(bench, "unseen 1\n");
	assert_int_equal(counters[COUNTER_CONNECTIONS_QUIC], 0);
}

#define IDS_OF(source) "\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\x02" source

/* A client's datagram shows where the answer goes to; without one the line does not wait for long. */
static void test_server(void **state)
{
	static const uint8_t answer[] = { 0xc0, 0, 0, 0, 1, 2, 'm', 'e', 1, 'x', 0, 1, 0 };
	struct bench *bench = *state;
	struct peer unknown = quic_server(0), known = quic_server(50000);

	PIECE(bench, &unknown, DIRECTION_RECEIVED, 0, IDS_OF("me") "\0", 0, QUIC_HELLO_BYTES);
	CHECK(bench, "");
	datagram_put(bench, &known, DIRECTION_SENT, answer, sizeof(answer));
	CHECK(bench, NAMED);
	unknown.id = 201;
	PIECE(bench, &unknown, DIRECTION_RECEIVED, 0, IDS_OF("me") "\0", 0, QUIC_HELLO_BYTES);
	poll_put(bench, 35);
	CHECK(bench, NAMED);
	poll_put(bench, 10);
	CHECK(bench,
	      NAMED "2 opaque sni=example.com alpn= offered=alpn 0000 by QUIC, which hark does not read\n");
}

/* The same client with a token is the same connection, as is one with the same hello. The version stands for
 * another first id, whose keys these tests do not have. */
static void test_retry(void **state)
{
	struct bench *bench = *state;
	struct peer peer = quic_client(), other = quic_client();

	PIECE(bench, &peer, DIRECTION_SENT, 0, IDS_OF("me") "\0", 0, QUIC_HELLO_BYTES);
	PIECE(bench, &peer, DIRECTION_SENT, 1, IDS_OF("me") "\4take", 0, 100);
	other.id = 101;
	PIECE(bench, &other, DIRECTION_SENT, 0, QUIC_FIRST_IDS "\0", 0, QUIC_HELLO_BYTES);
	PIECE(bench, &other, DIRECTION_SENT, 1, QUIC_FIRST_IDS "\4take", 0, QUIC_HELLO_BYTES);
	tracker_end(bench->tracker);
	CHECK(bench,
	      NAMED "2 opaque sni=example.com alpn= offered=alpn 0000 by QUIC, which hark does not read\n");
}

static void test_other_processes(void **state)
{
	static const uint32_t pids[] = { 1 };
	struct bench *bench = *state;
	struct peer peer = quic_client();

	bench_stop(bench);
	bench->config.pids = pids;
	bench->config.pid_count = 1;
	bench_start(bench);
	vector_put(bench, &peer, QUIC_RFC9001_A2);
	tracker_end(bench->tracker);
	CHECK(bench, "");
}

/* A flood of beginnings: what is held is bounded, and each is told of. */
static void test_bound(void **state)
{
	struct bench *bench = *state;
	struct peer peer = quic_client();
	struct budget budget = { .limit_bytes = 0 };

	bench_stop(bench);
	bench->config.budget = &budget;
	bench_start(bench);
	for (peer.id = 1; peer.id <= 500; peer.id++) {
		PIECE(bench, &peer, DIRECTION_SENT, 0, QUIC_FIRST_IDS "\0", 0, 100);
		assert_true(budget.held_bytes < 1100 * 1024);
	}
	assert_true(counters[COUNTER_LIMIT_MEMORY] > 400);
	tracker_end(bench->tracker);
	assert_int_equal(counters[COUNTER_CONNECTIONS_QUIC], 500);
	bench_stop(bench);
	assert_int_equal(budget.held_bytes, 0);
}

/*
 * OpenSSL 3.5 gives QUIC's streams objects of their own, which SSL_read_ex() and SSL_write_ex() move HTTP/3's
 * frames through (RFC 9114, 7.2), without a stream socket around: here as its calls would be recorded.
 */
static void test_streams_are_not_read(void **state)
{
	static const struct {
		enum event_direction direction;
		const char *bytes;
	} streams[] = {
		{ DIRECTION_SENT, "00 04 0d 01 8000 1000 06 8000 4000 07 8000 0064 08 01" }, /* control */
		{ DIRECTION_RECEIVED, "00 04 04 01 00 07 00 07 01 00" },
		{ DIRECTION_SENT, "02 3fe11f" }, /* QPACK's encoder (RFC 9204, 4.2), then its decoder */
		{ DIRECTION_RECEIVED, "03 84" },
		{ DIRECTION_SENT, "01 12 0000 d1 d7 50 07 6578616d706c65 c1 5f 50 2a 2f 2a 00 00 00 00" },
		{ DIRECTION_RECEIVED, "01 0b 0000 d9 54 03 313233 f0 00 00 00 00 05 68656c6c6f" },
		{ DIRECTION_RECEIVED,
		  "0000 04 00 00000000 00 40 64 00000008 0000" }, /* h2's frames, but torn */
	};
	struct bench *bench = *state;
	struct peer peer = { .pid = 7, .fd = -1, .ssl = 0x7000 };
	uint8_t bytes[256], *body = malloc(16384);
	uint32_t random = 1;

	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		peer.ssl += 0x100;
		peer.offset[0] = peer.offset[1] = 0;
		data_put(bench, &peer, streams[i].direction, bytes, quic_hex(streams[i].bytes, bytes));
		poll_put(bench, 5);
	}
	/* A large DATA frame; 64 KiB of a compressed body. */
	for (size_t piece = 0; piece < 4; piece++) {
		for (size_t i = 0; i < 16384; i++)
			body[i] = (uint8_t)((random = random * 1103515245 + 12345) >> 16);
		if (!piece)
			memcpy(body, "\x00\x80\x01\x00\x00", 5);
		data_put(bench, &peer, DIRECTION_RECEIVED, body, 16384);
		poll_put(bench, 5);
	}
	free(body);
	bench->quiet_conns = true;
	bench->used = 0;
	bench->log[0] = '\0';
	tracker_end(bench->tracker);
	CHECK(bench, "");
	assert_int_equal(counters[COUNTER_EXCHANGES_WHOLE] + counters[COUNTER_EXCHANGES_FLAGGED], 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_both_versions),	 T(test_told_once),
		T(test_two_datagrams),	 T(test_not_whole),
		T(test_nobodys),	 T(test_server),
		T(test_retry),		 T(test_bound),
		T(test_other_processes), T(test_streams_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Real HTTP bytes from events to exchanges, through the whole pipeline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/counters.h"
#include "event_builder.h"

#define GET  "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK_3 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"

static void test_client_life(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	process_put(bench, 7, EVENT_EXEC, "curl");
	state_put(bench, &peer, 7, 2);
	state_put(bench, &peer, 2, 1);
	CHECK(bench, "1 open\n");
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	CHECK(bench, "1 open\n1:GET /a 200 3\n");
	state_put(bench, &peer, 1, 4);
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 1);
	CHECK(bench, "1 open\n1:GET /a 200 3\n");
	poll_put(bench, 1);
	CHECK(bench, "1 open\n1:GET /a 200 3\n1 closed local client x1 69=69+0+0 c0\n");
	tracker_end(bench->tracker);
	CHECK(bench, "1 open\n1:GET /a 200 3\n1 closed local client x1 69=69+0+0 c0\n");
	assert_int_equal(counters[COUNTER_EXCHANGES_WHOLE], 1);
}

#define PREFACE	     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS     "\0\0\0\4\0\0\0\0\0"
#define H2_GET	     "\0\0\3\1\5\0\0\0\1\x82\x84\x86" /* GET / on stream 1 */
#define H2_GET_3     "\0\0\3\1\5\0\0\0\3\x82\x85\x86" /* GET /index.html on stream 3 */
#define H2_OK	     "\0\0\1\1\5\0\0\0\1\x88"	      /* 200 on stream 1 */
#define H2_404_3     "\0\0\1\1\5\0\0\0\3\x8d"
#define H2_RST_3     "\0\0\4\3\0\0\0\0\3\0\0\0\x8" /* CANCEL */
#define CLIENT_HELLO "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"

static void test_fd_reuse(void **state)
{
	struct bench *bench = *state;
	struct peer first = peer_client(), second = peer_client();

	second.id = 101;
	second.sk = 9001;
	bench_start(bench);
	data_sent(bench, &first, GET);
	data_received(bench, &first, OK_3);
	data_sent(bench, &second, GET);
	data_received(bench, &second, OK_3);
	poll_put(bench, 3);
	CHECK(bench, "1 open\n1:GET /a 200 3\n2 open\n2:GET /a 200 3\n");
	state_put(bench, &first, 1, 4); /* nobody is known to hold it any more: that will do */
	poll_put(bench, 3);
	CHECK(bench, "1 open\n1:GET /a 200 3\n2 open\n2:GET /a 200 3\n"
		     "1 closed local client x1 69=69+0+0 c0\n");
}

/* Passed on to another process, which answers late; meanwhile its number and its process came to an end. */
static void test_handover(void **state)
{
	struct bench *bench = *state;
	struct peer acceptor = peer_client(), next = peer_client(), worker;

	next.id = 101;
	next.sk = 9001;
	bench_start(bench);
	data_received(bench, &acceptor, GET);
	worker = acceptor;
	worker.pid = 8;
	worker.fd = 5;
	data_received(bench, &next, GET);
	poll_put(bench, 50);
	process_put(bench, 7, EVENT_EXIT, "");
	poll_put(bench, 50);
	CHECK(bench, "1 open\n2 open\n");
	data_sent(bench, &worker, OK_3);
	CHECK(bench, "1 open\n2 open\n1:GET /a 200 3\n");
	worker.id = 101;
	worker.sk = 9001;
	worker.fd = 6;
	worker.offset[DIRECTION_SENT] = 0;
	data_sent(bench, &worker, OK_3);
	CHECK(bench, "1 open\n2 open\n1:GET /a 200 3\n2:GET /a 200 3\n");
	tracker_end(bench->tracker);
	assert_non_null(strstr(bench->log, "1 closed ? server x1 69=69+0+0 c0 in-flight\n"));
}

/* Whoever holds it has gone, and nothing told its end: no exchange waits for ever. */
static void test_orphan(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->config.timeout_ns = 1000000000;
	bench_start(bench);
	data_sent(bench, &peer, GET);
	process_put(bench, 7, EVENT_EXIT, "");
	poll_put(bench, 3);
	CHECK(bench, "1 open\n");
	poll_put(bench, 2000);
	CHECK(bench, "1 open\n1:GET /a - timeout unanswered\n1 closed ? client x1 28=28+0+0 c0\n");
}

static void test_orphan_at_the_end(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	data_sent(bench, &peer, GET);
	process_put(bench, 7, EVENT_EXIT, "");
	poll_put(bench, 3);
	tracker_end(bench->tracker);
	CHECK(bench, "1 open\n1:GET /a - closed unanswered\n1 closed exit client x1 28=28+0+0 c0\n");
}

/* The same kernel address for the next socket, as it nearly always is. */
static void test_sk_reuse(void **state)
{
	struct bench *bench = *state;
	struct peer first = peer_client(), second = peer_client();

	second.id = 101;
	bench_start(bench);
	data_sent(bench, &first, GET);
	data_received(bench, &first, OK_3);
	state_put(bench, &first, 1, 4);
	state_put(bench, &first, 4, 7);
	state_put(bench, &second, 7, 2);
	state_put(bench, &second, 2, 1);
	data_sent(bench, &second, GET);
	data_received(bench, &second, OK_3);
	poll_put(bench, 3);
	CHECK(bench, "1 open\n1:GET /a 200 3\n2 open\n2:GET /a 200 3\n"
		     "1 closed local client x1 69=69+0+0 c0\n");
	tracker_end(bench->tracker);
	assert_non_null(strstr(bench->log, "2 closed ? client x1 69=69+0+0 c0 in-flight\n"));
}

/* In the syscall way state events know the address alone; the role waits for the first record. */
static void test_state_without_id(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), bare = peer_client();

	bare.id = 0;
	bare.pid = 0;
	bench_start(bench);
	state_put(bench, &bare, 3, 1);
	data_received(bench, &peer, GET);
	data_sent(bench, &peer, OK_3);
	state_put(bench, &bare, 1, 8);
	state_put(bench, &bare, 9, 7);
	poll_put(bench, 2);
	CHECK(bench, "1 open\n1:GET /a 200 3\n1 closed peer server x1 69=69+0+0 c0\n");
}

static void test_connect_without_bytes(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	peer.id = 0;
	bench_start(bench);
	state_put(bench, &peer, 7, 2);
	state_put(bench, &peer, 2, 1);
	state_put(bench, &peer, 1, 4);
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 2);
	CHECK(bench, "1 open\n1 closed local client x0 0=0+0+0 c0\n");
}

static void test_data_after_close(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	data_sent(bench, &peer, GET);
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 1);
	data_received(bench, &peer, OK_3);
	poll_put(bench, 1);
	CHECK(bench, "1 open\n1:GET /a 200 3\n1 closed ? client x1 69=69+0+0 c0\n");
}

static void test_unanswered(void **state)
{
	static const struct {
		const char *name, *expected;
		uint8_t from;
	} rows[] = {
		{ "closed", "1:GET /a - closed unanswered\n", 4 },
		{ "reset", "1:GET /a - reset closed unanswered\n", 1 },
		{ "hark ends", "1:GET /a - in-flight\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;
		struct peer peer = peer_client();

		bench_init(&bench);
		bench_start(&bench);
		data_sent(&bench, &peer, GET);
		if (rows[i].from)
			state_put(&bench, &peer, rows[i].from, 7);
		poll_put(&bench, rows[i].from ? 2 : 0);
		tracker_end(bench.tracker);
		if (!strstr(bench.log, rows[i].expected))
			fail_msg("%s: %s", rows[i].name, bench.log);
		bench_stop(&bench);
	}
}

static void test_expiry(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->config.timeout_ns = 1000000000;
	bench_start(bench);
	data_sent(bench, &peer, GET);
	poll_put(bench, 50);
	CHECK(bench, "1 open\n");
	poll_put(bench, 300);
	CHECK(bench, "1 open\n1:GET /a - timeout unanswered\n");
	data_received(bench, &peer, OK_3);
	CHECK(bench, "1 open\n1:GET /a - timeout unanswered\n1:- 200 3 timeout no-request\n");
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	assert_non_null(strstr(bench->log, "no-request\n1:GET /a 200 3\n"));
}

static void test_slow_body_does_not_expire(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->config.timeout_ns = 1000000000;
	bench_start(bench);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
	for (int i = 0; i < 6; i++) {
		poll_put(bench, 80);
		data_received(bench, &peer, "x");
	}
	CHECK(bench, "1 open\n1:GET /a 200 6\n");
}

static void test_exit(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	data_sent(bench, &peer, GET);
	process_put(bench, 7, EVENT_EXIT, "");
	data_received(bench, &peer, OK_3);
	state_put(bench, &peer, 1, 4);
	poll_put(bench, 2);
	CHECK(bench, "1 open\n1:GET /a 200 3\n1 closed exit client x1 69=69+0+0 c0\n");
}

static void test_exit_of_one_of_two(void **state)
{
	struct bench *bench = *state;
	struct peer parent = peer_client(), child;

	bench_start(bench);
	data_sent(bench, &parent, GET);
	child = parent;
	child.pid = 8;
	data_received(bench, &child, OK_3);
	process_put(bench, 7, EVENT_EXIT, "");
	poll_put(bench, 3);
	CHECK(bench, "1 open\n1:GET /a 200 3\n");
	process_put(bench, 8, EVENT_EXIT, "");
	state_put(bench, &child, 1, 4);
	poll_put(bench, 3);
	CHECK(bench, "1 open\n1:GET /a 200 3\n1 closed exit client x1 69=69+0+0 c0\n");
}

static void test_not_http_is_muted(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	data_received(bench, &peer, "220 mail ready\r\n");
	data_received(bench, &peer, "250 fine\r\n");
	tracker_end(bench->tracker);
	CHECK(bench, "1 open\nverdict 100 muted\n"
		     "1 closed ? ? muted:not HTTP x0 26=26+0+0 c0 in-flight\n");
}

/* A client's bytes are no request, and yet the server answers; bytes that are no answer mute. */
static void test_answer_to_no_request(void **state)
{
	static const struct {
		const char *name, *asked;
		size_t asked_len;
		const char *answered, *expected;
	} rows[] = {
#define ASKED(literal) literal, sizeof(literal) - 1
		{ "a TLS hello", ASKED(CLIENT_HELLO), OK_3, "1:- 200 3 no-request\n" },
		{ "HTTP/0.9", ASKED("GET /\r\n"), OK_3,
		  "verdict 100 muted sent\nverdict 100 heard\n1:- 200 3 no-request\n" },
		{ "a blank in the target", ASKED("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"), OK_3,
		  "verdict 100 muted sent\nverdict 100 heard\n1:- 200 3 no-request\n" },
		{ "HTTP/0.9, answered so", ASKED("GET /\r\n"), "<h1>hello</h1>",
		  "verdict 100 muted sent\nverdict 100 muted\n" },
		{ "SIP", ASKED("OPTIONS sip:a SIP/2.0\r\n\r\n"), "SIP/2.0 200 OK\r\n\r\n",
		  "verdict 100 muted sent\nverdict 100 muted\n" },
		{ "TLS", ASKED(CLIENT_HELLO), "\x15\x03\x01", "" },
		{ "HTTP/2", ASKED(PREFACE SETTINGS H2_GET), OK_3,
		  "1:GET / - unanswered\n1:- 200 3 no-request\n" },
		{ "another protocol", ASKED("SSH-2.0-x\r\n"), OK_3, "verdict 100 muted\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer peer = peer_client();
		struct bench bench;

		bench_init(&bench);
		bench.quiet_conns = true;
		bench_start(&bench);
		data_put(&bench, &peer, DIRECTION_SENT, rows[i].asked, rows[i].asked_len);
		data_received(&bench, &peer, rows[i].answered);
		poll_put(&bench, LATE_POLLS + 3);
		if (strcmp(bench.log, rows[i].expected) != 0)
			fail_msg("%s: got\n%s", rows[i].name, bench.log);
		bench_stop(&bench);
	}
}

static void test_late_join_is_held(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	peer.offset[0] = peer.offset[1] = 5000;
	bench_start(bench);
	data_received(bench, &peer, "the end of some body");
	CHECK(bench, "1 open\n");
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	bench->quiet_conns = true;
	tracker_end(bench->tracker);
	CHECK(bench, "1 open\n1:GET /a 200 3 late-joined guess\n");
	assert_null(strstr(bench->log, "verdict"));
}

#define OK_4 "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"

/* The first request went by before hark looked; its answer was the first of that direction. */
static void test_late_join_at_the_first_response(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	peer.offset[0] = 100;
	bench->quiet_conns = true;
	bench_start(bench);
	data_received(bench, &peer, OK_4);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	poll_put(bench, 3);
	/* The 100 bytes may have been two requests, and the second answer that to the second of them. */
	CHECK(bench, "1:- 200 4 gap no-request\n1:GET /a 200 3 gap guess\n1:GET /a 200 3 gap guess\n");
}

/* The records of two processors in another order: TCP's offsets tell. */
static void test_first_response_before_its_request(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();
	struct event_data *first;

	bench->quiet_conns = true;
	bench_start(bench);
	first = data_make(bench, &peer, DIRECTION_SENT, 0, GET, strlen(GET), strlen(GET));
	peer.offset[DIRECTION_SENT] = strlen(GET);
	data_received(bench, &peer, OK_4);
	event_send(bench, first);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	CHECK(bench, "1:GET /a 200 4\n1:GET /a 200 3\n");
}

/* The first answers are missing, and so is the end of a request: each is told when its turn comes. */
static void test_lost_answers_behind_a_lost_body(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &peer, "POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\n");
	data_lose(&peer, DIRECTION_SENT, 9);
	data_lose(&peer, DIRECTION_RECEIVED, 70);
	data_sent(bench, &peer, "GET /b HTTP/1.1\r\n\r\n");
	data_lose(&peer, DIRECTION_RECEIVED, 70);
	data_lose(&peer, DIRECTION_SENT, strlen(GET));
	data_received(bench, &peer, OK_3);
	data_sent(bench, &peer, "GET /d HTTP/1.1\r\n\r\n");
	data_received(bench, &peer, OK_4);
	poll_put(bench, 3);
	tracker_end(bench->tracker);
	CHECK(bench, "1:POST /a 0 0 gap unanswered\n1:GET /b 0 0 gap unanswered\n1:- 200 3 gap no-request\n"
		     "1:GET /d 200 4 gap guess\n");
}

#define FAKE(n) "GET /fake" n " HTTP/1.1\r\nHost: f\r\n\r\n"

/* The bytes that a connection carries when hark joins; then one exchange follows. */
struct late_row {
	const char *name;
	const char *before[6]; /* in the client's direction, or, from '<' on, in the server's */
	const char *expected;
};

#define ROW(n, e, ...)                                              \
	{                                                           \
		.name = n, .expected = e, .before = { __VA_ARGS__ } \
	}
#define GUESS(n)      "1:GET /fake" n " - unanswered guess\n"
#define LOST_GUESS(n) "1:GET /fake" n " 0 0 gap unanswered guess\n"

static const struct late_row late_rows[] = {
	ROW("text in an upload", "1:- 200 4 late-joined no-request guess\n", "tail\n" FAKE("1") "tail",
	    FAKE("2") FAKE("3"), "<" OK_4),
	ROW("a shipped log, a block a call", "", "16:00 up\n" FAKE("1") "16:01 down\n", FAKE("2") "16:02\n"),
	ROW("a shipped log, a head a call", LOST_GUESS("1") LOST_GUESS("2") LOST_GUESS("3"), FAKE("1"),
	    FAKE("2"), FAKE("3")),
	ROW("heads of both kinds", LOST_GUESS("1"), FAKE("1") OK_4 FAKE("2") OK_4),
	ROW("text in a download", "", "<tail\n" OK_4 "tail", "<" OK_4 OK_4),
	ROW("heads of requests in a download",
	    LOST_GUESS("1") "1:GET /fake2 - late-joined unanswered guess\n", "<" FAKE("1") FAKE("2")),
	ROW("mail", LOST_GUESS("1"), "DATA\r\n", "<354 go\r\n", FAKE("1") ".\r\n", "<250 fine\r\n"),
	ROW("memcached", "", "set a 0 0 80\r\n" FAKE("1"), "<STORED\r\n", "get a\r\n",
	    "<VALUE a 0 80\r\n" FAKE("1")),
	ROW("SIP and ICAP", "", "OPTIONS sip:a SIP/2.0\r\nVia: b\r\n\r\n",
	    "<SIP/2.0 200 OK\r\nVia: b\r\n\r\n", "REQMOD icap://a ICAP/1.0\r\nHost: a\r\n\r\n" FAKE("1"),
	    "<ICAP/1.0 200 OK\r\n\r\n" FAKE("1")),
};

static void test_late_join_into_text(void **state)
{
	static const char after[] = "1:GET /a 200 3 late-joined guess\n1:GET /a 200 3 late-joined guess\n";

	(void)state;
	for (size_t i = 0; i < sizeof(late_rows) / sizeof(*late_rows); i++) {
		const struct late_row *row = &late_rows[i];
		struct peer peer = peer_client();
		struct bench bench;

		bench_init(&bench);
		bench.quiet_conns = true;
		peer.offset[0] = peer.offset[1] = 5000;
		bench_start(&bench);
		for (const char *const *bytes = row->before; *bytes; bytes++) {
			if (**bytes == '<')
				data_received(&bench, &peer, *bytes + 1);
			else
				data_sent(&bench, &peer, *bytes);
		}
		data_received(&bench, &peer, "{}\n");
		for (int j = 0; j < 2; j++) {
			data_sent(&bench, &peer, GET);
			data_received(&bench, &peer, OK_3);
		}
		tracker_end(bench.tracker);
		if (strncmp(bench.log, row->expected, strlen(row->expected)) != 0 ||
		    strcmp(bench.log + strlen(row->expected), after) != 0)
			fail_msg("%s: got\n%s", row->name, bench.log);
		bench_stop(&bench);
	}
}

static void test_late_join_is_muted_in_the_end(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();
	char noise[4096];

	memset(noise, '~', sizeof(noise));
	peer.offset[0] = 5000;
	bench->config.undetermined_limit_bytes = 5 * sizeof(noise);
	bench->config.held_limit_bytes = 2 * sizeof(noise);
	bench_start(bench);
	for (int i = 0; i < 4; i++)
		data_put(bench, &peer, DIRECTION_SENT, noise, sizeof(noise));
	poll_put(bench, 1);
	CHECK(bench, "1 open\n");
	data_put(bench, &peer, DIRECTION_SENT, noise, sizeof(noise));
	poll_put(bench, 1);
	CHECK(bench, "1 open\nverdict 100 muted sent\n");
	for (int i = 0; i < 5; i++)
		data_put(bench, &peer, DIRECTION_RECEIVED, noise, sizeof(noise));
	CHECK(bench, "1 open\nverdict 100 muted sent\nverdict 100 muted\n");
	assert_true(counters[COUNTER_LIMIT_HELD] > 0);
	assert_int_equal(counters[COUNTER_CONNECTIONS_MUTED], 1);
}

static void noise_put(struct bench *bench, struct peer *peer, enum event_direction direction, int count)
{
	char noise[4096];

	memset(noise, '~', sizeof(noise));
	for (int i = 0; i < count; i++)
		data_put(bench, peer, direction, noise, sizeof(noise));
}

/* A body of any length passes; the next request is the other direction's. */
static void test_join_in_a_long_body(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	peer.offset[0] = peer.offset[1] = 5000;
	bench->config.undetermined_limit_bytes = 5 * 4096;
	bench->quiet_conns = true;
	bench_start(bench);
	noise_put(bench, &peer, DIRECTION_RECEIVED, 5);
	poll_put(bench, 1);
	peer.offset[DIRECTION_RECEIVED] += 1000000; /* what the kernel side did not copy */
	data_sent(bench, &peer, GET);
	CHECK(bench, "verdict 100 muted received\nverdict 100 heard\n");
	data_received(bench, &peer, OK_3);
	poll_put(bench, 5);
	CHECK(bench, "verdict 100 muted received\nverdict 100 heard\n1:GET /a 200 3 late-joined guess\n");
	assert_int_equal(counters[COUNTER_STREAM_HOLES], 0);
}

/* The answer to a request that came while its direction was muted is missed, and answers no later one. */
static void test_answer_in_a_muted_direction(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	peer.offset[0] = peer.offset[1] = 5000;
	bench->config.undetermined_limit_bytes = 5 * 4096;
	bench->quiet_conns = true;
	bench_start(bench);
	noise_put(bench, &peer, DIRECTION_RECEIVED, 5);
	poll_put(bench, 1);
	data_sent(bench, &peer, GET);
	peer.offset[DIRECTION_RECEIVED] += 1000000 + sizeof(OK_4);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	poll_put(bench, 5);
	CHECK(bench, "verdict 100 muted received\nverdict 100 heard\n"
		     "1:GET /a 0 0 gap unanswered guess\n1:GET /a 200 3 late-joined guess\n");
}

/* The body ends and the next request comes before the kernel side was told anything. */
static void test_body_that_ends_within_a_poll(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	peer.offset[0] = peer.offset[1] = 5000;
	bench->config.undetermined_limit_bytes = 5 * 4096;
	bench->quiet_conns = true;
	bench_start(bench);
	noise_put(bench, &peer, DIRECTION_RECEIVED, 5);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	poll_put(bench, 5);
	CHECK(bench, "1:GET /a 200 3 late-joined guess\n");
}

/* After a second, then after two: a look costs little while nothing is found. */
static void test_mute_is_looked_at_again(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	peer.offset[0] = peer.offset[1] = 5000;
	bench->config.undetermined_limit_bytes = 1024 * 1024;
	bench->quiet_conns = true;
	bench_start(bench);
	poll_put(bench, 1);
	for (int i = 0; i < 2; i++)
		noise_put(bench, &peer, i, 256);
	CHECK(bench, "verdict 100 muted\n");
	poll_put(bench, 250);
	CHECK(bench, "verdict 100 muted\nverdict 100 heard\n");
	bench->log[bench->used = 0] = '\0';
	peer.offset[0] += 1000000;
	noise_put(bench, &peer, 0, 16);
	poll_put(bench, 1);
	CHECK(bench, "verdict 100 muted sent\n");
	peer.offset[1] += 1000000;
	noise_put(bench, &peer, 1, 16);
	bench->log[bench->used = 0] = '\0';
	poll_put(bench, 150);
	CHECK(bench, "");
	poll_put(bench, 200);
	CHECK(bench, "verdict 100 heard\n");
	peer.offset[0] += 1000000;
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	poll_put(bench, 5);
	CHECK(bench, "verdict 100 heard\n1:GET /a 200 3 late-joined guess\n");
	assert_int_equal(counters[COUNTER_STREAM_HOLES], 0);
	assert_int_equal(counters[COUNTER_CONNECTIONS_MUTED], 1);
}

static void test_tls_by_bytes_is_opaque(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	SEND(bench, &peer, CLIENT_HELLO);
	data_received(bench, &peer, "\x16\x03\x03 whatever");
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 2);
	CHECK(bench, "1 open\n1 opaque sni= alpn= offered= 0000\n1 closed ? ? tls opaque x0 0=0+0+0 c22\n");
	assert_int_equal(counters[COUNTER_TLS_DISCARDED], 10);
	assert_int_equal(counters[COUNTER_CONNECTIONS_OPAQUE], 1);
}

/* Whichever comes first, the bytes or the library: one connection, each exchange once. */
static void test_tls_both_orders(void **state)
{
	(void)state;
	for (int bytes_first = 0; bytes_first < 2; bytes_first++) {
		struct bench bench;
		struct peer peer = peer_client(), ssl = peer_session();

		bench_init(&bench);
		bench_start(&bench);
		if (bytes_first)
			SEND(&bench, &peer, CLIENT_HELLO);
		tls_put(&bench, &ssl, EVENT_TLS_BIND);
		if (!bytes_first)
			SEND(&bench, &peer, CLIENT_HELLO);
		data_sent(&bench, &ssl, GET);
		data_received(&bench, &ssl, OK_3);
		data_received(&bench, &peer, "\x17\x03\x03 GET / HTTP/1.1\r\n\r\n");
		tls_put(&bench, &ssl, EVENT_TLS_FREE);
		state_put(&bench, &peer, 4, 7);
		poll_put(&bench, 2);
		assert_string_equal(bench.log, "1 open\nverdict 100 ciphertext\n1:GET /a 200 3\n"
					       "1 closed ? client tls x1 69=69+0+0 c32\n");
		bench_stop(&bench);
	}
}

static void test_tls_without_socket(void **state)
{
	struct bench *bench = *state;
	struct peer ssl = peer_session();

	ssl.id = ssl.sk = 0;
	ssl.fd = -1;
	ssl.family = 0;
	bench_start(bench);
	data_sent(bench, &ssl, GET);
	data_received(bench, &ssl, OK_3);
	tls_put(bench, &ssl, EVENT_TLS_FREE);
	poll_put(bench, 2);
	CHECK(bench, "1:GET /a 200 3\n1 open\n1 closed ? client tls socketless x1 69=69+0+0 c0\n");
	assert_int_equal(bench->ids[0], CONN_ID_OWN + 1);
	assert_int_equal(counters[COUNTER_TLS_UNBOUND], 1);
}

/* Positions of plaintext count from hark's first sight: nothing says that a request came before. */
static void test_late_session_at_the_first_response(void **state)
{
	struct bench *bench = *state;
	struct peer ssl = peer_session();

	bench->quiet_conns = true;
	bench_start(bench);
	data_received(bench, &ssl, OK_4);
	data_sent(bench, &ssl, GET);
	data_received(bench, &ssl, OK_3);
	poll_put(bench, 3);
	CHECK(bench, "verdict 100 ciphertext\n1:- 200 4 late-joined no-request guess\n1:GET /a 200 3 "
		     "late-joined guess\n");
}

static void test_tls_bound_later(void **state)
{
	struct bench *bench = *state;
	struct peer ssl = peer_session(), peer = peer_client(), bare = peer_session();

	bare.id = bare.sk = 0;
	bare.fd = -1;
	bare.family = 0;
	bench_start(bench);
	SEND(bench, &peer, CLIENT_HELLO);
	data_sent(bench, &bare, GET);
	data_received(bench, &bare, OK_3);
	CHECK(bench, "1 open\n2:GET /a 200 3\n");
	ssl.offset[0] = bare.offset[0];
	ssl.offset[1] = bare.offset[1];
	tls_put(bench, &ssl, EVENT_TLS_BIND);
	data_sent(bench, &ssl, GET);
	data_received(bench, &ssl, OK_3);
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 2);
	CHECK(bench, "1 open\n2:GET /a 200 3\nverdict 100 ciphertext\n2:GET /a 200 3\n"
		     "2 closed ? client tls x2 138=138+0+0 c10\n");
}

/* SSL_free() and the same address at once for another session. */
static void test_ssl_reuse(void **state)
{
	struct bench *bench = *state;
	struct peer first = peer_session(), second = peer_session();

	second.id = 101;
	second.sk = 9001;
	second.fd = 4;
	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &first, GET);
	tls_put(bench, &first, EVENT_TLS_FREE);
	data_sent(bench, &second, GET);
	data_received(bench, &second, OK_3);
	CHECK(bench, "verdict 100 ciphertext\nverdict 101 ciphertext\n1:GET /a 200 3\n");
	poll_put(bench, 2);
	CHECK(bench, "verdict 100 ciphertext\nverdict 101 ciphertext\n1:GET /a 200 3\n"
		     "2:GET /a - closed unanswered\n");
	assert_int_equal(bench->ids[0], 101);
}

/* A session at the same address whose records come before the end of the first is known. */
static void test_ssl_reuse_out_of_order(void **state)
{
	struct bench *bench = *state;
	struct peer first = peer_session(), second = peer_session(), late;

	first.generation = UINT64_C(0x1234567890);
	second.generation = UINT64_C(0x1234567891);
	second.id = second.sk = 0; /* its socket is told later */
	second.fd = -1;
	second.family = 0;
	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &first, GET);
	late = first;
	data_sent(bench, &second, GET);
	data_received(bench, &second, OK_4);
	data_received(bench, &late, OK_3);
	tls_put(bench, &first, EVENT_TLS_FREE);
	tls_put(bench, &second, EVENT_TLS_FREE);
	poll_put(bench, 2);
	CHECK(bench, "verdict 100 ciphertext\n1:GET /a 200 4\n2:GET /a 200 3\n");
}

/*
 * A message that is sent begins when its call is entered and ends when that is over, at both ends of a
 * connection.
 */
static void test_tls_times(void **state)
{
	struct bench *bench = *state;
	struct peer client = peer_session(), server = peer_session();

	client.call_ns = server.call_ns = 400; /* events are 1,000 ns apart */
	server.id = 101;
	server.pid = 8;
	bench->quiet_conns = bench->times = true;
	bench_start(bench);
	bench->now_ns = 10000;
	data_sent(bench, &client, GET);	     /* 10,600 to 11,000 */
	data_received(bench, &server, GET);  /* to 12,000 */
	data_sent(bench, &server, OK_3);     /* 12,600 to 13,000 */
	data_received(bench, &client, OK_3); /* to 14,000 */
	CHECK(bench, "verdict 100 ciphertext\nverdict 101 ciphertext\n"
		     "1:GET /a 200 3 12000+1000\n2:GET /a 200 3 10600+3400\n");
}

#define EARLY_GET "GET /early HTTP/1.1\r\n\r\n"

static void early_put(struct bench *bench, struct peer *peer, const char *bytes)
{
	struct event_data *event =
		data_make(bench, peer, DIRECTION_SENT, 0, bytes, strlen(bytes), strlen(bytes));

	event->h.flags |= EVENT_EARLY;
	peer->offset[DIRECTION_SENT] = strlen(bytes);
	event_send(bench, event);
}

/* Early data waits for its fate, which an event tells, or the position of what is sent next. */
static void test_early_data(void **state)
{
	static const struct {
		bool told, taken, goes_on;
		const char *expected;
	} rows[] = {
		{ true, true, true, "1:GET /early 200 3\n1:GET /a 200 4\n" },
		{ false, true, true, "1:GET /early 200 3\n1:GET /a 200 4\n" },
		{ true, false, true, "1:GET /a 200 4\n" },
		{ false, false, true, "1:GET /a 200 4\n" },
		{ true, false, false, "" },
		{ false, false, false, "1:GET /early - closed unanswered\n" }, /* nobody knows: it was sent */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer ssl = peer_session();
		struct event_data *fate;
		struct bench bench;

		memset(counters, 0, sizeof(counters));
		ssl.generation = 5;
		bench_init(&bench);
		bench.quiet_conns = true;
		bench_start(&bench);
		bench.used = 0;
		early_put(&bench, &ssl, EARLY_GET);
		fate = data_make(&bench, &ssl, DIRECTION_SENT, 0, NULL, 0, 0);
		fate->h.type = EVENT_TLS_EARLY;
		fate->h.flags |= rows[i].taken ? EVENT_EARLY : 0;
		if (rows[i].told)
			tracker_event(bench.tracker, &fate->h);
		free(fate);
		if (!rows[i].taken)
			ssl.offset[DIRECTION_SENT] = 0;
		if (rows[i].taken)
			data_received(&bench, &ssl, OK_3);
		if (rows[i].goes_on) {
			data_sent(&bench, &ssl, GET);
			data_received(&bench, &ssl, OK_4);
		}
		tls_put(&bench, &ssl, EVENT_TLS_FREE);
		poll_put(&bench, 2);
		assert_string_equal(bench.log + strlen("verdict 100 ciphertext\n"), rows[i].expected);
		assert_int_equal(counters[COUNTER_STREAM_HOLES], 0);
		bench_stop(&bench);
	}
}

static void test_tls_refused_is_a_hole(void **state)
{
	struct bench *bench = *state;
	struct peer ssl = peer_session();

	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &ssl, GET);
	data_received(bench, &ssl, OK_3);
	tls_put(bench, &ssl, EVENT_TLS_REFUSED);
	data_sent(bench, &ssl, GET);
	data_received(bench, &ssl, OK_3);
	tracker_end(bench->tracker);
	assert_true(strncmp(bench->log, "verdict 100 ciphertext\n1:GET /a 200 3\n", 38) == 0);
	assert_int_equal(counters[COUNTER_STREAM_HOLES], 1);
}

#define ASK(n)	  "GET /" n " HTTP/1.1\r\nHost: x\r\n\r\n"
#define ANSWER(n) "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\n\r\n123456789"

/* Nobody measured the call that read the answer to /4: its hole comes when that to /2 is given up, and /4
 * did. */
static void test_tls_refused_waits_its_turn(void **state)
{
	struct bench *bench = *state;
	struct peer ssl = peer_session();

	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &ssl, ASK("1"));
	data_received(bench, &ssl, ANSWER("9"));
	data_sent(bench, &ssl, ASK("2"));
	data_lose(&ssl, DIRECTION_RECEIVED, strlen(ANSWER("9")));
	data_sent(bench, &ssl, ASK("3"));
	data_received(bench, &ssl, ANSWER("9"));
	data_sent(bench, &ssl, ASK("4"));
	tls_put(bench, &ssl, EVENT_TLS_REFUSED);
	data_sent(bench, &ssl, ASK("5"));
	data_received(bench, &ssl, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfifth");
	poll_put(bench, 4);
	data_sent(bench, &ssl, ASK("6"));
	data_received(bench, &ssl, ANSWER("9"));
	data_sent(bench, &ssl, ASK("7"));
	data_received(bench, &ssl, ANSWER("9"));
	tracker_end(bench->tracker);
	CHECK(bench, "verdict 100 ciphertext\n1:GET /1 200 9\n1:GET /2 0 0 gap unanswered\n"
		     "1:GET /3 0 0 gap unanswered\n1:- 200 9 gap no-request\n1:GET /4 0 0 gap unanswered\n"
		     "1:GET /5 200 5\n1:GET /6 200 9\n1:GET /7 200 9\n");
}

static void test_connect_then_tls(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), ssl = peer_session();

	bench_start(bench);
	data_sent(bench, &peer, "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
	data_received(bench, &peer, "HTTP/1.1 200 OK\r\n\r\n");
	SEND(bench, &peer, CLIENT_HELLO);
	data_sent(bench, &ssl, GET);
	data_received(bench, &ssl, OK_3);
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 2);
	CHECK(bench, "1 open\n1:CONNECT h:443 200 0 upgraded\nverdict 100 ciphertext\n1:GET /a 200 3\n"
		     "1 closed ? client tls x2 127=127+0+0 c10\n");
}

static void test_connect_then_http(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &peer, "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n");
	data_received(bench, &peer, "HTTP/1.1 200 OK\r\n\r\n");
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	CHECK(bench, "1:CONNECT h:80 200 0 upgraded\n1:GET /a 200 3\n");
}

static void test_websocket_is_muted(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	data_sent(bench, &peer,
		  "GET /w HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	data_received(
		bench, &peer,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	data_sent(bench, &peer, "\x81\x05hello\x81\x05hello");
	bench->quiet_conns = true;
	CHECK(bench, "1 open\n1:GET /w 101 0 upgraded\nverdict 100 muted\n");
}

static void test_h2c_upgrade(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &peer,
		  "GET /u HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		  "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
	RECEIVE(bench, &peer,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" SETTINGS);
	SEND(bench, &peer, PREFACE SETTINGS);
	RECEIVE(bench, &peer, H2_OK);
	SEND(bench, &peer, H2_GET_3);
	RECEIVE(bench, &peer, H2_404_3);
	CHECK(bench, "1:GET /u 200 0 upgraded\n1:GET /index.html 404 0\n");
}

/* The client asks on before it has the 101: those requests began when it did, each. */
static void test_h2c_upgrade_early(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->quiet_conns = bench->times = true;
	bench_start(bench);
	SEND(bench, &peer,
	     "GET /u HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
	     "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
	SEND(bench, &peer, PREFACE SETTINGS);
	SEND(bench, &peer, H2_GET_3);
	RECEIVE(bench, &peer,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" SETTINGS);
	RECEIVE(bench, &peer, H2_OK);
	RECEIVE(bench, &peer, H2_404_3);
	CHECK(bench, "1:GET /u 200 0 upgraded 1000001000+4000\n1:GET /index.html 404 0 1000003000+3000\n");
}

/* The server's SETTINGS may be seen before the client's preface. */
static void test_http2_server_first(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->quiet_conns = true;
	bench_start(bench);
	RECEIVE(bench, &peer, SETTINGS);
	SEND(bench, &peer, PREFACE SETTINGS H2_GET);
	RECEIVE(bench, &peer, H2_OK);
	SEND(bench, &peer, H2_GET_3 H2_RST_3);
	CHECK(bench, "1:GET / 200 0\n1:GET /index.html - reset unanswered error=8\n");
}

static void test_proxy_preface(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->quiet_conns = true;
	bench_start(bench);
	data_received(bench, &peer, "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n");
	data_received(bench, &peer, GET);
	data_sent(bench, &peer, OK_3);
	CHECK(bench, "1:GET /a 200 3\n");
}

static void test_unix_socket(void **state)
{
	struct bench *bench = *state;
	struct peer peer = { .pid = 7, .fd = 5, .id = 55, .family = AF_UNIX };

	bench_start(bench);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	eof_put(bench, &peer, DIRECTION_RECEIVED);
	poll_put(bench, 150);
	CHECK(bench, "1 open\n1:GET /a 200 3\n1 closed peer client x1 69=69+0+0 c0\n");
}

static void test_close_delimited(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &peer, "GET /a HTTP/1.0\r\n\r\n");
	data_received(bench, &peer, "HTTP/1.0 200 OK\r\n\r\nabcdef");
	CHECK(bench, "");
	eof_put(bench, &peer, DIRECTION_RECEIVED);
	CHECK(bench, "1:GET /a 200 6\n");
}

static void test_close_delimited_server(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->quiet_conns = true;
	bench_start(bench);
	data_received(bench, &peer, "GET /a HTTP/1.0\r\n\r\n");
	state_put(bench, &peer, 1, 4);
	data_sent(bench, &peer, "HTTP/1.0 200 OK\r\n\r\nabcdef");
	poll_put(bench, 2);
	CHECK(bench, "1:GET /a 200 6\n");
}

static void test_skip_hint(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";

	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, head);
	data_received(bench, &peer, "some bytes");
	{
		struct event_data *event =
			data_make(bench, &peer, DIRECTION_RECEIVED, peer.offset[1], NULL, 0, 999990);

		event->hole = HOLE_SKIPPED;
		event_send(bench, event);
		peer.offset[1] += 999990;
	}
	/* 0xfffffff0 + 44 + 1000000, wrapped */
	CHECK(bench, "skip 100 0 0 received 1000028-1000000\n1:GET /a 200 1000000\n");
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	CHECK(bench, "skip 100 0 0 received 1000028-1000000\n1:GET /a 200 1000000\n1:GET /a 200 3\n");
}

/* At most a GiB at once, whose numbers cannot be mistaken for others, and the next one in time. */
static void test_skip_hint_of_much(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();
	const uint64_t size = UINT64_C(5) << 30, step = UINT64_C(100) << 20;
	uint64_t left = size;

	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, "HTTP/1.1 200 OK\r\nContent-Length: 5368709120\r\n\r\n");
	while (left) {
		uint32_t n = left < step ? (uint32_t)left : (uint32_t)step;
		struct event_data *event = data_make(bench, &peer, DIRECTION_RECEIVED,
						     peer.offset[1] + (n - n / 2), NULL, 0, n / 2);

		event->hole = HOLE_SKIPPED;
		event_send(bench, event);
		peer.offset[1] += n;
		left -= n;
	}
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	/* 0xfffffff0 + 47 + 1 GiB; and after each 600 MiB, until the body ends at 1 GiB again. */
	CHECK(bench,
	      "skip 100 0 0 received 1073741855-1073741824\nskip 100 0 0 received 1702887455-1073741824\n"
	      "skip 100 0 0 received 2332033055-1073741824\nskip 100 0 0 received 2961178655-1073741824\n"
	      "skip 100 0 0 received 3590324255-1073741824\nskip 100 0 0 received 4219469855-1073741824\n"
	      "skip 100 0 0 received 553648159-1073741824\nskip 100 0 0 received 1073741855-964689920\n"
	      "1:GET /a 200 5368709120\n1:GET /a 200 3\n");
}

/* A record of a connection whose numbers begin `ahead` of the earlier one's. */
static void data_ahead(struct bench *bench, struct peer *peer, enum event_direction direction,
		       const char *text, uint32_t ahead)
{
	struct event_data *event =
		data_make(bench, peer, direction, peer->offset[direction], text, strlen(text), strlen(text));

	event->pos = (uint32_t)(event->pos + ahead);
	event_send(bench, event);
	peer->offset[direction] += strlen(text);
}

/* Amid a body that is passed over the socket connects anew (connect(2) to AF_UNSPEC), whatever of it is lost.
 */
static void test_connects_again(void **state)
{
	static const struct {
		bool closed, begins, established; /* its states are told */
		uint32_t ahead;
	} rows[] = {
		{ true, true, true, 0 },
		{ true, true, true, 500000 },
		{ true, true, true, 5000000 },
		{ true, true, true, 0x80000000 },
		{ true, true, false, 500000 },
		{ true, false, true, 500000 },
		{ false, true, true, 500000 },
		{ false, false, true, 500000 },
		{ true, false, false, 0x30000000 },
		{ false, false, false, 0x30000000 },
		{ false, false, false, 0xc0000000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;
		struct peer peer = peer_client();
		char expected[256];

		(void)state;
		bench_init(&bench);
		bench.quiet_conns = true;
		bench_start(&bench);
		state_put(&bench, &peer, 7, 2);
		state_put(&bench, &peer, 2, 1);
		data_sent(&bench, &peer, GET);
		data_received(&bench, &peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome");
		peer.offset[1] += 200000;
		if (rows[i].closed)
			closed_put(&bench, &peer, 1, 7);
		peer.offset[0] = peer.offset[1] = 0;
		bench.lost += !rows[i].closed || !rows[i].begins || !rows[i].established;
		if (rows[i].begins)
			state_put(&bench, &peer, 7, 2);
		if (rows[i].established)
			state_put(&bench, &peer, 2, 1);
		data_ahead(&bench, &peer, DIRECTION_SENT, GET, rows[i].ahead);
		data_ahead(&bench, &peer, DIRECTION_RECEIVED, OK_3, rows[i].ahead);
		snprintf(expected, sizeof(expected),
			 "skip 100 0 0 received 1000028-999996\n1:GET /a 200 %s\n2:GET /a 200 3\n",
			 rows[i].closed ? "200004 reset closed" : "4 gap");
		CHECK(&bench, expected);
		bench_stop(&bench);
	}
}

/* The same long after: what was known of the earlier connection has gone, and the later one is another all
 * the same. */
static void test_connects_again_later(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	for (int i = 0; i < 2; i++) {
		state_put(bench, &peer, 7, 2);
		state_put(bench, &peer, 2, 1);
		data_sent(bench, &peer, GET);
		data_received(bench, &peer, OK_3);
		closed_put(bench, &peer, 1, 7);
		poll_put(bench, 100);
		peer.offset[0] = peer.offset[1] = 0;
	}
	assert_non_null(strstr(bench->log, "1 closed"));
	assert_non_null(strstr(bench->log, "2:GET /a 200 3\n2 closed"));
}

/* Of what is skipped not each call leaves a record: the last one does, and none of it is lost. */
static void test_skip_leaves_no_records(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();
	uint64_t holes = counters[COUNTER_STREAM_HOLES];
	struct event_data *event;

	bench->quiet_conns = true;
	bench_start(bench);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
	peer.offset[1] += 999000;
	event = data_make(bench, &peer, DIRECTION_RECEIVED, peer.offset[1], NULL, 0, 1000);
	event->hole = HOLE_SKIPPED;
	event_send(bench, event);
	peer.offset[1] += 1000;
	CHECK(bench, "skip 100 0 0 received 1000028-1000000\n1:GET /a 200 1000000\n");
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	CHECK(bench, "skip 100 0 0 received 1000028-1000000\n1:GET /a 200 1000000\n1:GET /a 200 3\n");
	assert_int_equal(counters[COUNTER_STREAM_HOLES], holes);
}

static void test_connection_limit(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->config.connection_limit = 2;
	bench->quiet_conns = true;
	bench_start(bench);
	for (uint32_t i = 0; i < 3; i++) {
		peer = (struct peer){
			.pid = 7, .fd = (int32_t)i, .id = 100 + i, .sk = 9000 + i, .family = AF_INET
		};
		data_sent(bench, &peer, GET);
	}
	CHECK(bench, "1:GET /a - truncated unanswered\n");
	assert_int_equal(counters[COUNTER_CONNECTIONS_EVICTED], 1);
}

static void test_pid_filter(void **state)
{
	static const uint32_t wanted[] = { 8 };
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->config.pids = wanted;
	bench->config.pid_count = 1;
	bench_start(bench);
	data_sent(bench, &peer, GET);
	state_put(bench, &peer, 7, 2);
	state_put(bench, &peer, 2, 1);
	tracker_end(bench->tracker);
	CHECK(bench, "");
}

#define EXCHANGES 4

/* Plays a row of records: every order, loss and overlap gives right exchanges or marked ones. */
static void conversation(struct bench *bench, int swap, int lose, int overlap)
{
	struct peer peer = peer_client();
	struct event_data *records[2 * EXCHANGES];
	char request[64], response[96];

	bench->quiet_conns = true;
	bench_start(bench);
	state_put(bench, &peer, 7, 2);
	state_put(bench, &peer, 2, 1);
	for (int i = 0; i < EXCHANGES; i++) {
		snprintf(request, sizeof(request), "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
		snprintf(response, sizeof(response), "HTTP/1.1 20%d OK\r\nContent-Length: 2\r\n\r\n%d\n", i,
			 i);
		records[2 * i] = data_make(bench, &peer, DIRECTION_SENT, peer.offset[0], request,
					   strlen(request), strlen(request));
		records[2 * i + 1] = data_make(bench, &peer, DIRECTION_RECEIVED,
					       peer.offset[1] - (overlap == i && i ? 2 : 0), response,
					       strlen(response), strlen(response));
		peer.offset[0] += strlen(request);
		peer.offset[1] += strlen(response);
	}
	if (swap >= 0 && swap + 2 < 2 * EXCHANGES) {
		struct event_data *tmp = records[swap];

		records[swap] = records[swap + 2];
		records[swap + 2] = tmp;
	}
	for (int i = 0; i < 2 * EXCHANGES; i++) {
		if (i == lose)
			free(records[i]);
		else
			event_send(bench, records[i]);
		if (swap < 0)
			poll_put(bench, 3);
	}
	poll_put(bench, 3);
	tracker_end(bench->tracker);
}

static void test_out_of_order(void **state)
{
	(void)state;
	for (int swap = 0; swap + 2 < 2 * EXCHANGES; swap++) {
		struct bench bench;

		bench_init(&bench);
		conversation(&bench, swap, -1, -1);
		assert_string_equal(bench.log,
				    "1:GET /0 200 2\n1:GET /1 201 2\n1:GET /2 202 2\n1:GET /3 203 2\n");
		bench_stop(&bench);
	}
}

/* No unflagged line but the true ones, and the exchanges that were whole are there. */
static void check_never_wrong(const struct bench *bench, int lost, int least)
{
	char copy[sizeof(bench->log)], *save = NULL;
	int whole = 0;

	memcpy(copy, bench->log, sizeof(copy));
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int path = -1, status = -1, body = -1, end = -1;

		if (sscanf(line, "1:GET /%d %d %d%n", &path, &status, &body, &end) != 3)
			continue;
		if (status && status - 200 != path)
			fail_msg("lost %d: wrong pair: %s", lost, bench->log);
		if (!line[end])
			whole++;
	}
	if (whole < least)
		fail_msg("lost %d: only %d whole: %s", lost, whole, bench->log);
}

static void test_lost_records(void **state)
{
	(void)state;
	for (int lose = 0; lose < 2 * EXCHANGES; lose++) {
		struct bench bench;

		bench_init(&bench);
		conversation(&bench, -1, lose, -1);
		check_never_wrong(&bench, lose, lose / 2);
		bench_stop(&bench);
	}
}

#define OK_CLOSE "HTTP/1.1 200 OK\r\n\r\n"

enum ending {
	CLOSED_TCP,
	FREED_TLS,
	EXIT_UNIX,
	RINGS_UNIX
};

/* One exchange of which these records are lost, and the end of its direction with the last of them. */
static const struct {
	const char *name;
	enum ending ending;
	bool server, request_lost, head_lost, body_lost;
	const char *expected;
} lost_ends[] = {
	{ "TCP client, whole", CLOSED_TCP, false, false, false, false, "1:GET /a 200 6\n" },
	{ "TCP client, answer", CLOSED_TCP, false, false, true, true, "1:GET /a 0 0 gap unanswered\n" },
	{ "TCP client, last bytes", CLOSED_TCP, false, false, false, true, "1:GET /a 200 6\n" },
	{ "TCP server, whole", CLOSED_TCP, true, false, false, false, "1:GET /a 200 6\n" },
	{ "TCP server, answer", CLOSED_TCP, true, false, true, true, "1:GET /a 0 0 gap unanswered\n" },
	{ "TCP server, last bytes", CLOSED_TCP, true, false, false, true, "1:GET /a 200 6\n" },
	{ "TLS client, whole", FREED_TLS, false, false, false, false, "1:GET /a 200 6\n" },
	{ "TLS client, answer", FREED_TLS, false, false, true, true, "1:GET /a 0 0 gap unanswered\n" },
	{ "TLS client, last bytes", FREED_TLS, false, false, false, true, "1:GET /a 200 6\n" },
	{ "TLS server, answer", FREED_TLS, true, false, true, true, "1:GET /a 0 0 gap unanswered\n" },
	{ "TLS server, last bytes", FREED_TLS, true, false, false, true, "1:GET /a 200 6\n" },
	{ "Unix client, answer", EXIT_UNIX, false, false, true, true, "1:GET /a 0 0 gap unanswered\n" },
	{ "Unix server, last bytes", EXIT_UNIX, true, false, false, true, "1:GET /a 200 3 gap\n" },
	{ "io_uring client, answer", RINGS_UNIX, false, false, true, true, "1:GET /a 0 0 gap unanswered\n" },
	{ "io_uring server, last bytes", RINGS_UNIX, true, false, false, true, "1:GET /a 200 3 gap\n" },
};

static void lost_end_piece(struct bench *bench, struct peer *peer, enum event_direction direction,
			   const char *text, bool lost)
{
	if (lost)
		data_lose(peer, direction, strlen(text));
	else
		data_put(bench, peer, direction, text, strlen(text));
}

static void lost_end_finish(struct bench *bench, struct peer *peer, enum ending ending, bool lost)
{
	struct event_data *free_event;
	struct event_unseen unseen;

	switch (ending) {
	case CLOSED_TCP:
		closed_put(bench, peer, 1, 4);
		closed_put(bench, peer, 4, 7);
		break;
	case FREED_TLS:
		free_event = data_make(bench, peer, DIRECTION_SENT, peer->offset[0], NULL, 0, 0);
		free_event->h.type = EVENT_TLS_FREE;
		free_event->h.flags = EVENT_PID_VALID | EVENT_OFFSET_KNOWN;
		free_event->offset = peer->offset[1];
		event_send(bench, free_event);
		break;
	case EXIT_UNIX:
		free_event = data_make(bench, &(struct peer){ .pid = 99, .id = 1, .family = AF_UNIX },
				       DIRECTION_SENT, 0, "x", 1, 1);
		free_event->h.lost = lost;
		event_send(bench, free_event); /* of somebody else */
		process_put(bench, 7, EVENT_EXIT, "");
		break;
	case RINGS_UNIX: /* nothing was lost */
		unseen = (struct event_unseen){ .h = bench_header(bench, NULL, EVENT_UNSEEN, sizeof(unseen)),
						.kind = UNSEEN_RINGS };
		unseen.h.pid = 7;
		unseen.h.flags = EVENT_PID_VALID;
		tracker_event(bench->tracker, &unseen.h);
		process_put(bench, 7, EVENT_EXIT, "");
		break;
	}
	poll_put(bench, 4 + LATE_POLLS);
}

static void test_lost_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lost_ends) / sizeof(*lost_ends); i++) {
		struct bench bench;
		struct peer peer = peer_client();
		bool sent = lost_ends[i].server;
		const char *shown;

		bench_init(&bench);
		bench.quiet_conns = true;
		bench_start(&bench);
		peer.ssl = lost_ends[i].ending == FREED_TLS ? 0x5000 : 0;
		if (lost_ends[i].ending == EXIT_UNIX || lost_ends[i].ending == RINGS_UNIX)
			peer.family = AF_UNIX;
		else if (!peer.ssl)
			state_put(&bench, &peer, sent ? 3 : 2, 1);
		lost_end_piece(&bench, &peer, sent ? DIRECTION_RECEIVED : DIRECTION_SENT, GET,
			       lost_ends[i].request_lost);
		lost_end_piece(&bench, &peer, sent ? DIRECTION_SENT : DIRECTION_RECEIVED, OK_CLOSE "abc",
			       lost_ends[i].head_lost);
		lost_end_piece(&bench, &peer, sent ? DIRECTION_SENT : DIRECTION_RECEIVED, "def",
			       lost_ends[i].body_lost);
		lost_end_finish(&bench, &peer, lost_ends[i].ending, lost_ends[i].body_lost);
		shown = strstr(bench.log, "1:");
		if (!shown || strcmp(shown, lost_ends[i].expected) != 0)
			fail_msg("%s: %s", lost_ends[i].name, bench.log);
		bench_stop(&bench);
	}
}

/* The request and the rest of an answer are lost, and hark ends while the answer still waits for its request.
 */
static void test_lost_end_of_held(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), next = peer_client();
	struct event_data *record;

	bench->quiet_conns = true;
	peer.family = next.family = AF_UNIX;
	next.id++;
	bench_start(bench);
	data_lose(&peer, DIRECTION_SENT, strlen(GET));
	data_received(bench, &peer, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
	record = data_make(bench, &next, DIRECTION_SENT, 0, "x", 1,
			   1); /* the number is another socket's now */
	record->h.lost = 1;
	event_send(bench, record);
	tracker_end(bench->tracker);
	CHECK(bench, "1:- 200 0 gap no-request\n");
}

/* Where the first record of a direction stands nobody knows: before it may be what was lost since the
 * opening. */
static void test_no_offset(void **state)
{
	static const struct {
		uint32_t lost;
		const char *expected;
	} rows[] = { { 0, "1:GET /a 200 3\n" },
		     { 1, "1:GET /a 0 0 gap unanswered\n1:- 200 3 gap no-request\n" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench bench;
		struct peer peer = peer_client();
		struct event_data *answer;

		bench_init(&bench);
		bench.quiet_conns = true;
		bench_start(&bench);
		state_put(&bench, &peer, 2, 1);
		data_sent(&bench, &peer, GET);
		data_lose(&peer, DIRECTION_RECEIVED, rows[i].lost ? 20000 : 0);
		answer = data_make(&bench, &peer, DIRECTION_RECEIVED, peer.offset[1], OK_3, strlen(OK_3),
				   strlen(OK_3));
		answer->h.flags &= (uint16_t)~EVENT_OFFSET_KNOWN;
		answer->h.lost = rows[i].lost;
		event_send(&bench, answer);
		process_put(&bench, 7, EVENT_EXIT, "");
		poll_put(&bench, 4);
		CHECK(&bench, rows[i].expected);
		bench_stop(&bench);
	}
}

/* A thread sends the answer and loses its processor; the client has it and resets before the record is
 * written. */
static void test_record_behind_the_end(void **state)
{
	static const struct {
		bool tls;
		uint8_t to; /* the state, from ESTABLISHED: CLOSE, or FIN_WAIT1 by another thread of its own
			     */
		uint32_t lost;
	} rows[] = { { false, 7, 0 }, { true, 7, 0 }, { false, 7, 3 }, { false, 4, 0 } };
	size_t closed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench bench;
		struct peer peer = peer_client();

		bench_init(&bench);
		bench.quiet_conns = true;
		bench.lost = rows[i].lost;
		bench_start(&bench);
		peer.ssl = rows[i].tls ? 0x5000 : 0;
		if (!rows[i].tls)
			state_put(&bench, &peer, 3, 1);
		data_received(&bench, &peer, GET);
		peer.offset[DIRECTION_SENT] += strlen(OK_3);
		closed_put(&bench, &peer, 1, rows[i].to);
		poll_put(&bench, LATE_POLLS - 1);
		assert_null(strstr(bench.log, "GET"));
		peer.offset[DIRECTION_SENT] -= strlen(OK_3);
		data_sent(&bench, &peer, OK_3);
		assert_non_null(strstr(bench.log, "1:GET /a 200 3\n"));
		poll_put(&bench, 1);
		closed += rows[i].to == 7;
		assert_int_equal(counters[COUNTER_CONNECTIONS_CLOSED], closed);
		assert_int_equal(counters[COUNTER_STREAM_HOLES], 0);
		bench_stop(&bench);
		closed += rows[i].to != 7;
	}
}

/* Each waits for its late records from its own end on. */
static void test_ends_by_their_time(void **state)
{
	struct bench *bench = *state;
	struct peer first = peer_client(), second = peer_client();

	second.id++;
	second.sk++;
	second.fd++;
	bench_start(bench);
	state_put(bench, &first, 3, 1);
	state_put(bench, &second, 3, 1);
	data_received(bench, &first, GET);
	data_received(bench, &second, GET);
	process_put(bench, 7, EVENT_EXEC, "server");
	first.pid = second.pid = 0;
	closed_put(bench, &second, 1, 7);
	poll_put(bench, 4);
	closed_put(bench, &first, 1, 7);
	poll_put(bench, LATE_POLLS - 3);
	assert_null(strstr(bench->log, "1:GET"));
	assert_non_null(strstr(bench->log, "2:GET /a - reset closed unanswered\n"));
	poll_put(bench, 4);
	assert_non_null(strstr(bench->log, "1:GET /a - reset closed unanswered\n"));
}

/* One thread of a client asks and loses its processor; another has the answer before the first one's record
 * is written.
 */
static void test_answer_before_its_request(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->quiet_conns = true;
	bench_start(bench);
	state_put(bench, &peer, 7, 2);
	state_put(bench, &peer, 2, 1);
	for (int i = 0; i < 3; i++) {
		const char *text = i % 2 ? GET : "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
		struct event_data *request =
			data_make(bench, &peer, DIRECTION_SENT, peer.offset[DIRECTION_SENT], text,
				  strlen(text), strlen(text));

		data_received(bench, &peer, OK_3);
		poll_put(bench, 4);
		event_send(bench, request);
		peer.offset[DIRECTION_SENT] += strlen(text);
	}
	CHECK(bench, "1:GET /b 200 3\n1:GET /a 200 3\n1:GET /b 200 3\n");
	data_received(bench, &peer, OK_3); /* to nothing: it does not wait for what is asked behind it */
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	CHECK(bench,
	      "1:GET /b 200 3\n1:GET /a 200 3\n1:GET /b 200 3\n1:- 200 3 no-request\n1:GET /a 200 3\n");
	data_received(bench, &peer, OK_3); /* nor for ever */
	poll_put(bench, LATE_POLLS + 3);
	CHECK(bench, "1:GET /b 200 3\n1:GET /a 200 3\n1:GET /b 200 3\n1:- 200 3 no-request\n1:GET /a 200 3\n"
		     "1:- 200 3 no-request\n");
}

/* A close without an id, at the address of a socket whose own end was lost: its counters tell nothing here.
 */
static void test_end_of_another(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), other = peer_client();
	struct event_state_end end = { .state = { .old_state = 1, .new_state = 7, .offset_known = 3 } };

	bench->quiet_conns = true;
	bench_start(bench);
	state_put(bench, &peer, 2, 1);
	data_sent(bench, &peer, GET);
	other.id = 0;
	end.state.sock = bench_socket(&other);
	end.state.h = bench_header(bench, NULL, EVENT_SOCKET_STATE, sizeof(end));
	end.state.h.flags = EVENT_POS_SEQ32;
	end.state.h.lost = 3;
	end.pos[0] = 77000;
	end.pos[1] = 88000;
	end.offset[0] = 100;
	end.offset[1] = 100;
	tracker_event(bench->tracker, &end.state.h);
	poll_put(bench, 4 + LATE_POLLS);
	CHECK(bench, "1:GET /a 0 0 gap unanswered\n"); /* by what was lost since, not by them */
	assert_int_equal(counters[COUNTER_STREAM_HOLES], 0);
}

/*
 * Joined late at record `from`, and those of [lose, until) lost:
 * each record tells how many were before it.
 */
static void conversation_joined(struct bench *bench, int from, int lose, int until)
{
	struct peer peer = peer_client();
	char text[96];

	bench->quiet_conns = true;
	bench_start(bench);
	peer.offset[0] = peer.offset[1] = 5000;
	for (int i = 0; i < 8 * EXCHANGES; i++) {
		bool response = i % 2;
		struct event_data *record;

		snprintf(text, sizeof(text),
			 response ? "HTTP/1.1 %d OK\r\nContent-Length: 2\r\n\r\n--"
				  : "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n",
			 i / 2 + (response ? 200 : 0));
		record = data_make(bench, &peer, response ? DIRECTION_RECEIVED : DIRECTION_SENT,
				   peer.offset[response], text, strlen(text), strlen(text));
		peer.offset[response] += strlen(text);
		record->h.lost = (uint32_t)(i > lose ? (i < until ? i : until) - lose : 0) - 1;
		if (i < from || (i >= lose && i < until))
			free(record);
		else
			event_send(bench, record);
	}
	poll_put(bench, 3);
	tracker_end(bench->tracker);
}

static void test_lost_behind_a_late_join(void **state)
{
	(void)state;
	for (int from = 0; from < 4; from++)
		for (int lose = from; lose < 2 * EXCHANGES; lose++)
			for (int until = lose; until <= 2 * EXCHANGES; until++) {
				struct bench bench;

				bench_init(&bench);
				conversation_joined(&bench, from, lose, until);
				check_never_wrong(&bench, lose, from == 0);
				bench_stop(&bench);
			}
}

static void test_overlap(void **state)
{
	(void)state;
	for (int overlap = 1; overlap < EXCHANGES; overlap++) {
		struct bench bench;

		memset(counters, 0, sizeof(counters));
		bench_init(&bench);
		conversation(&bench, -1, -1, overlap);
		check_never_wrong(&bench, overlap, overlap - 1);
		assert_int_equal(counters[COUNTER_BYTES_OVERLAP], 2);
		bench_stop(&bench);
	}
}

/* Hostile numbers must not harm; the sanitizers watch. */
static void test_hostile_records(void **state)
{
	static const uint64_t numbers[] = { 0, 1, UINT32_MAX, UINT64_MAX, UINT64_MAX / 2, UINT64_C(1) << 62 };
	struct bench *bench = *state;

	bench->quiet_conns = true;
	bench_start(bench);
	for (size_t i = 0; i < 6 * 6 * 6 * 8; i++) {
		struct peer peer = {
			.pid = 7, .fd = -1, .id = numbers[i % 6], .sk = numbers[i / 6 % 6], .family = AF_INET
		};
		struct event_data *event = data_make(bench, &peer, i & 1, 0, GET, strlen(GET), UINT32_MAX);

		event->pos = numbers[i / 36 % 6];
		event->offset = numbers[(i + 1) % 6];
		event->ssl = i / 216 & 1 ? numbers[i % 5] : 0;
		event->h.type = event->ssl ? EVENT_TLS_DATA : EVENT_SOCKET_DATA;
		event->h.flags = (uint16_t)(i * 7);
		event_send(bench, event);
		state_put(bench, &peer, (uint8_t)(i % 13), (uint8_t)(i / 7 % 13));
		poll_put(bench, i % 5 == 0);
	}
	tracker_end(bench->tracker);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, bench_setup, bench_teardown)

static void seen_put(struct bench *bench, const struct peer *peer)
{
	struct event_state event = {
		.h = bench_header(bench, peer, EVENT_SOCKET_SEEN, sizeof(event)),
		.sock = bench_socket(peer),
		.old_state = 1,
		.new_state = 1,
	};

	event.h.flags |= EVENT_SYNTHETIC;
	tracker_event(bench->tracker, &event.h);
}

/* Idle when hark began, then used and closed: one connection under its socket's number, nothing guessed. */
static void test_existing(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	seen_put(bench, &peer);
	CHECK(bench, "1 open existing\n");
	poll_put(bench, 3);
	data_lose(&peer, DIRECTION_SENT, 50);
	data_lose(&peer, DIRECTION_RECEIVED, 50);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	state_put(bench, &peer, 1, 4);
	state_put(bench, &peer, 4, 7);
	poll_put(bench, 2);
	CHECK(bench, "1 open existing\n1:GET /a 200 3 late-joined guess\n"
		     "1 closed local client x1 69=69+0+0 c0 late-joined\n");
	assert_int_equal(bench->ids[0], 100);
}

/* A session that was there before hark goes on with text that looks like a head: a guess, and soon refuted.
 */
static void test_existing_session_in_text(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client(), ssl = peer_session();

	bench->quiet_conns = true;
	bench_start(bench);
	seen_put(bench, &peer);
	data_received(bench, &ssl, FAKE("1") "tail");
	data_sent(bench, &ssl, GET);
	data_received(bench, &ssl, OK_3);
	data_sent(bench, &ssl, GET);
	data_received(bench, &ssl, OK_3);
	poll_put(bench, 3);
	tracker_end(bench->tracker);
	CHECK(bench, "verdict 100 ciphertext\n1:GET /fake1 0 0 gap unanswered guess\n"
		     "1:GET /a 200 3 late-joined guess\n1:GET /a 200 3 late-joined guess\n");
}

/* Shared by a fork: it lives until the last holder is gone. */
static void test_existing_shared(void **state)
{
	struct bench *bench = *state;
	struct peer one = peer_client(), other = peer_client();

	one.family = other.family = AF_UNIX;
	other.pid = 8;
	bench_start(bench);
	seen_put(bench, &one);
	seen_put(bench, &other);
	process_put(bench, 7, EVENT_EXIT, "");
	poll_put(bench, 5);
	CHECK(bench, "1 open existing\n");
	process_put(bench, 8, EVENT_EXIT, "");
	poll_put(bench, 5);
	CHECK(bench, "1 open existing\n1 closed exit ? x0 0=0+0+0 c0\n");
}

/* The connection's states and first bytes were in the ring already: it is seen whole. */
static void test_existing_just_opened(void **state)
{
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench_start(bench);
	seen_put(bench, &peer);
	state_put(bench, &peer, 7, 2);
	state_put(bench, &peer, 2, 1);
	data_sent(bench, &peer, GET);
	data_received(bench, &peer, OK_3);
	tracker_end(bench->tracker);
	CHECK(bench, "1 open existing\n1:GET /a 200 3\n1 closed ? client x1 69=69+0+0 c0 in-flight\n");
}

static void test_existing_unwanted(void **state)
{
	const uint32_t pids[] = { 9 };
	struct bench *bench = *state;
	struct peer peer = peer_client();

	bench->config.pids = pids;
	bench->config.pid_count = 1;
	bench_start(bench);
	seen_put(bench, &peer);
	peer.id = 0;
	peer.pid = 9;
	seen_put(bench, &peer); /* no identity: not told apart from others */
	CHECK(bench, "");
}

/* Numbers are the sockets' own, the end comes in order of appearance. */
static void test_numbers(void **state)
{
	struct bench *bench = *state;
	struct peer first = peer_client(), second = peer_client();

	first.id = 900;
	second.id = UINT64_MAX - 4; /* a cookie made in an interrupt */
	second.sk = 9001;
	second.fd = 4;
	bench_start(bench);
	data_sent(bench, &first, GET);
	data_sent(bench, &second, GET);
	data_received(bench, &first, OK_3);
	data_received(bench, &second, OK_3);
	tracker_end(bench->tracker);
	assert_int_equal(bench->ids[0], 900);
	assert_int_equal(bench->ids[1], 2 * CONN_ID_OWN - 5);
	assert_non_null(strstr(bench->log, "1 closed ? client x1"));
	assert_true(strstr(bench->log, "1 closed") < strstr(bench->log, "2 closed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_client_life),
		T(test_fd_reuse),
		T(test_handover),
		T(test_orphan),
		T(test_orphan_at_the_end),
		T(test_sk_reuse),
		T(test_state_without_id),
		T(test_connect_without_bytes),
		T(test_data_after_close),
		T(test_unanswered),
		T(test_expiry),
		T(test_slow_body_does_not_expire),
		T(test_exit),
		T(test_exit_of_one_of_two),
		T(test_not_http_is_muted),
		T(test_answer_to_no_request),
		T(test_late_join_is_held),
		T(test_late_join_into_text),
		T(test_late_join_is_muted_in_the_end),
		T(test_join_in_a_long_body),
		T(test_answer_in_a_muted_direction),
		T(test_body_that_ends_within_a_poll),
		T(test_mute_is_looked_at_again),
		T(test_late_join_at_the_first_response),
		T(test_first_response_before_its_request),
		T(test_lost_answers_behind_a_lost_body),
		T(test_late_session_at_the_first_response),
		T(test_tls_by_bytes_is_opaque),
		T(test_tls_both_orders),
		T(test_tls_without_socket),
		T(test_tls_bound_later),
		T(test_ssl_reuse),
		T(test_tls_times),
		T(test_early_data),
		T(test_ssl_reuse_out_of_order),
		T(test_tls_refused_is_a_hole),
		T(test_tls_refused_waits_its_turn),
		T(test_connect_then_tls),
		T(test_connect_then_http),
		T(test_websocket_is_muted),
		T(test_h2c_upgrade),
		T(test_h2c_upgrade_early),
		T(test_http2_server_first),
		T(test_proxy_preface),
		T(test_unix_socket),
		T(test_close_delimited),
		T(test_close_delimited_server),
		T(test_skip_hint),
		T(test_skip_hint_of_much),
		T(test_connects_again),
		T(test_connects_again_later),
		T(test_skip_leaves_no_records),
		T(test_connection_limit),
		T(test_pid_filter),
		T(test_out_of_order),
		T(test_lost_records),
		T(test_lost_ends),
		T(test_lost_end_of_held),
		T(test_no_offset),
		T(test_record_behind_the_end),
		T(test_ends_by_their_time),
		T(test_answer_before_its_request),
		T(test_end_of_another),
		T(test_lost_behind_a_late_join),
		T(test_overlap),
		T(test_hostile_records),
		T(test_existing),
		T(test_existing_session_in_text),
		T(test_existing_shared),
		T(test_existing_just_opened),
		T(test_existing_unwanted),
		T(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

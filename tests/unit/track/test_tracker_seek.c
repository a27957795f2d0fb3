/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the sockets of a process are looked for by their ciphertext, and when no longer: everybody who shares
 * its library pays meanwhile.
 */
#include "base/counters.h"
#include "event_builder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REQUEST	      "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define RESPONSE      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define POLLS_A_SWEEP 120
#define POLLS_IDLE    6200 /* a minute and a sweep */

static int setup(void **state)
{
	struct bench *bench;

	bench_setup(state);
	bench = *state;
	bench->quiet_conns = bench->seeking = true;
	bench_start(bench);
	return 0;
}

static struct peer session_of(uint32_t pid, uint32_t number)
{
	return (struct peer){ .pid = pid, .fd = -1, .ssl = 0x6000 + 0x1000 * number, .generation = 1 };
}

/* The kernel side found the session's socket. */
static void bind_put(struct bench *bench, const struct peer *session, uint64_t socket_id)
{
	struct peer bound = *session;

	bound.id = socket_id;
	bound.sk = 9000 + socket_id;
	bound.fd = 3;
	bound.family = AF_INET;
	tls_put(bench, &bound, EVENT_TLS_BIND);
}

static void test_until_it_is_found(void **state)
{
	struct bench *bench = *state;
	struct peer session = session_of(7, 0);

	data_received(bench, &session, RESPONSE);
	CHECK(bench, "");
	data_sent(bench, &session, REQUEST);
	CHECK(bench, "seek 7\n");
	data_sent(bench, &session, REQUEST);
	poll_put(bench, POLLS_A_SWEEP);
	CHECK(bench, "seek 7\n");
	bind_put(bench, &session, 100);
	poll_put(bench, POLLS_A_SWEEP);
	CHECK(bench, "seek 7\nverdict 100 ciphertext\nseek 7 no more\n");
	data_sent(bench, &session, REQUEST);
	CHECK(bench, "seek 7\nverdict 100 ciphertext\nseek 7 no more\n");
}

/* A call in which a transfer was nested tells its socket first. */
static void test_not_of_a_session_on_its_socket(void **state)
{
	struct bench *bench = *state;
	struct peer session = peer_session();

	tls_put(bench, &session, EVENT_TLS_BIND);
	data_sent(bench, &session, REQUEST);
	CHECK(bench, "verdict 100 ciphertext\n");
}

/* Once for all sessions of a process, as long as one of them is looked for. */
static void test_two_sessions_of_a_process(void **state)
{
	struct bench *bench = *state;
	struct peer one = session_of(7, 0), two = session_of(7, 1), other = session_of(8, 0);

	data_sent(bench, &one, REQUEST);
	data_sent(bench, &two, REQUEST);
	data_sent(bench, &other, REQUEST);
	CHECK(bench, "seek 7\nseek 8\n");
	bind_put(bench, &one, 100);
	bind_put(bench, &other, 101);
	bench->used = 0;
	poll_put(bench, POLLS_A_SWEEP);
	CHECK(bench, "seek 8 no more\n");
	tls_put(bench, &two, EVENT_TLS_FREE);
	poll_put(bench, POLLS_A_SWEEP);
	CHECK(bench, "seek 8 no more\nseek 7 no more\n");
}

/* TLS inside of TLS: what it encrypts reaches no socket. */
static void test_given_up_after_many_calls(void **state)
{
	struct bench *bench = *state;
	struct peer session = session_of(7, 0);

	for (int i = 0; i < 100; i++)
		data_sent(bench, &session, REQUEST); /* the probes are not there yet */
	poll_put(bench, POLLS_A_SWEEP);
	CHECK(bench, "seek 7\n");
	for (int i = 0; i < 16; i++)
		data_sent(bench, &session, REQUEST);
	poll_put(bench, POLLS_A_SWEEP);
	CHECK(bench, "seek 7\n");
	data_sent(bench, &session, REQUEST);
	poll_put(bench, POLLS_A_SWEEP);
	CHECK(bench, "seek 7\nseek 7 no more\n");
	data_sent(bench, &session, REQUEST);
	CHECK(bench, "seek 7\nseek 7 no more\n");
}

/* Nobody pays for what is idle; when it goes on it is looked for again. */
static void test_idle(void **state)
{
	struct bench *bench = *state;
	struct peer session = session_of(7, 0);

	data_sent(bench, &session, REQUEST);
	poll_put(bench, POLLS_IDLE / 2);
	data_sent(bench, &session, REQUEST);
	poll_put(bench, POLLS_IDLE / 2);
	CHECK(bench, "seek 7\n");
	poll_put(bench, POLLS_IDLE / 2);
	CHECK(bench, "seek 7\nseek 7 no more\n");
	data_sent(bench, &session, REQUEST);
	CHECK(bench, "seek 7\nseek 7 no more\nseek 7\n");
	bind_put(bench, &session, 100);
	bench->used = 0;
	poll_put(bench, POLLS_A_SWEEP);
	CHECK(bench, "seek 7 no more\n");
}

static void test_the_process_ends(void **state)
{
	struct bench *bench = *state;
	struct peer session = session_of(7, 0);

	data_sent(bench, &session, REQUEST);
	process_put(bench, 7, EVENT_EXIT, "");
	poll_put(bench, 4);
	CHECK(bench, "seek 7\nseek 7 no more\n");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_until_it_is_found),
		T(test_not_of_a_session_on_its_socket),
		T(test_two_sessions_of_a_process),
		T(test_given_up_after_many_calls),
		T(test_idle),
		T(test_the_process_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Real HTTP bytes from events to exchanges, through the whole pipeline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "event_builder.h"
#include "counters.h"

#define GET   "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK_3  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
#define CHECK(bench, expected) assert_string_equal((bench)->log, expected)

static int setup(void **state)
{
	struct bench *bench = malloc(sizeof(*bench));

	bench_init(bench);
	memset(counters, 0, sizeof(counters));
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	bench_stop(bench);
	free(bench);
	return 0;
}

static struct peer client(void)
{
	return (struct peer){ .pid = 7, .fd = 3, .id = 100, .sk = 9000, .family = AF_INET };
}

static void test_client_life(void **state)
{
	struct bench *bench = *state;
	struct peer peer = client();

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_client_life, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One sum for all that connections hold: who goes when it is too much, and that nothing stays charged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/budget.h"
#include "base/counters.h"
#include "event_builder.h"

#define HEAD "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"

struct stage {
	struct bench bench;
	struct budget budget;
};

static int setup(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	bench_init(&stage->bench);
	memset(counters, 0, sizeof(counters));
	stage->bench.config.budget = &stage->budget;
	stage->budget.limit_bytes = 1 << 20;
	bench_start(&stage->bench);
	*state = stage;
	return 0;
}

static int teardown(void **state)
{
	struct stage *stage = *state;

	bench_stop(&stage->bench);
	assert_int_equal(stage->budget.held_bytes, 0);
	free(stage);
	return 0;
}

static struct peer peer_of(uint32_t number)
{
	return (struct peer){ .pid = 7,
			      .fd = (int32_t)number + 3,
			      .id = 100 + number,
			      .sk = 9000 + number,
			      .family = AF_INET };
}

/* A request whose head takes so many KiB and whose body never comes. */
static void request_put(struct stage *stage, struct peer *peer, size_t kib)
{
	char line[4100] = "x: "; /* larger than an arena's block: nothing is left over of one */

	data_sent(&stage->bench, peer, HEAD);
	memset(line + 3, 'v', 4096 - 5);
	memcpy(line + 4094, "\r\n", 3);
	for (size_t i = 0; i < kib / 4; i++)
		data_sent(&stage->bench, peer, line);
	data_sent(&stage->bench, peer, "\r\n");
}

/* Half a megabyte on one connection counts for more than little on many, however new it is. */
static void test_heaviest_first(void **state)
{
	struct stage *stage = *state;
	struct peer light[8], heavy[3];

	stage->bench.quiet_conns = true;
	for (uint32_t i = 0; i < 8; i++) {
		light[i] = peer_of(i);
		request_put(stage, &light[i], 4);
	}
	for (uint32_t i = 0; i < 3; i++) {
		heavy[i] = peer_of(10 + i);
		request_put(stage, &heavy[i], 300);
	}
	/* Of the three heavy ones the oldest went, and nothing else. */
	assert_string_equal(stage->bench.log, "1:POST /a - truncated unanswered\n");
	assert_int_equal(counters[COUNTER_LIMIT_MEMORY], 1);
	assert_int_equal(counters[COUNTER_CONNECTIONS_EVICTED], 1);
	assert_in_range(stage->budget.held_bytes, 600 << 10, 1 << 20);
	assert_in_range(counters[COUNTER_MEMORY_HELD_PEAK], 1 << 20, (1 << 20) + 65536);
	/* The light ones are whole. */
	data_sent(&stage->bench, &light[0], "123456789");
	data_received(&stage->bench, &light[0], "HTTP/1.1 204 OK\r\n\r\n");
	assert_non_null(strstr(stage->bench.log, "2:POST /a 204 0\n"));
}

/* Of like ones the longest quiet. */
static void test_oldest_of_like(void **state)
{
	struct stage *stage = *state;
	struct peer peers[4];

	for (uint32_t i = 0; i < 3; i++) {
		peers[i] = peer_of(i);
		request_put(stage, &peers[i], 270);
	}
	assert_int_equal(counters[COUNTER_CONNECTIONS_EVICTED], 0);
	data_sent(&stage->bench, &peers[0], "1");
	peers[3] = peer_of(3);
	stage->bench.used = 0;
	request_put(stage, &peers[3], 270);
	/* The first one moved since; the second did not. */
	assert_non_null(strstr(stage->bench.log, "2:POST /a - truncated unanswered\n2 closed"));
	assert_int_equal(counters[COUNTER_CONNECTIONS_EVICTED], 1);
}

/* A connection that is forgotten goes on as one that was joined late. */
static void test_goes_on(void **state)
{
	struct stage *stage = *state;
	struct peer peer = peer_of(0), other = peer_of(1);

	stage->bench.quiet_conns = true;
	request_put(stage, &peer, 400);
	request_put(stage, &other, 400);
	request_put(stage, &other, 400);
	stage->bench.used = 0;
	data_sent(&stage->bench, &peer, "123456789" HEAD "\r\n123456789");
	data_received(&stage->bench, &peer, "HTTP/1.1 204 OK\r\n\r\n");
	assert_non_null(strstr(stage->bench.log, "1:POST /a 204 0"));
}

/* All ends well: what was charged is given back, layer by layer. */
static void test_nothing_stays(void **state)
{
	struct stage *stage = *state;
	struct peer peer = peer_of(0), tls = peer_of(1);
	size_t empty = stage->budget.held_bytes;

	request_put(stage, &peer, 100);
	tls.ssl = 0x1000;
	request_put(stage, &tls, 100);
	assert_in_range(stage->budget.held_bytes, 200 << 10, 400 << 10);
	data_received(&stage->bench, &peer, "HTTP/1.1 204 OK\r\n\r\n");
	data_sent(&stage->bench, &peer, "123456789");
	poll_put(&stage->bench, 3);
	assert_in_range(stage->budget.held_bytes, 100 << 10, 200 << 10);
	process_put(&stage->bench, 7, EVENT_EXIT, "");
	state_put(&stage->bench, &peer, 1, 4);
	state_put(&stage->bench, &tls, 1, 4);
	poll_put(&stage->bench, 9);
	assert_int_equal(stage->budget.held_bytes, empty);
}

/* Sockets of which only their states are known. */
static void test_waiting_sockets(void **state)
{
	struct stage *stage = *state;

	for (uint32_t i = 0; i < 2000; i++) {
		struct peer peer = peer_of(i);

		peer.pid = 0;
		state_put(&stage->bench, &peer, 3, 1);
	}
	assert_in_range(stage->budget.held_bytes, 100 << 10, 128 << 10);
	assert_in_range(counters[COUNTER_LIMIT_CONNECTIONS], 1000, 1999);
}

/* Processes whose end was never told, and one socket in the hands of many. */
static void test_processes_and_descriptors(void **state)
{
	struct stage *stage = *state;
	struct peer peer = peer_of(0);

	for (uint32_t pid = 1; pid <= 5000; pid++)
		process_put(&stage->bench, pid, EVENT_EXEC, "program");
	assert_in_range(stage->budget.held_bytes, 100 << 10, 128 << 10);
	assert_in_range(counters[COUNTER_LIMIT_MEMORY], 3000, 4999);
	for (uint32_t pid = 1; pid <= 5000; pid++) {
		peer.pid = pid;
		data_sent(&stage->bench, &peer, pid == 1 ? HEAD : "");
	}
	assert_in_range(stage->budget.held_bytes, 100 << 10, 400 << 10);
	for (int32_t fd = 3; fd < 5000; fd++) {
		peer.fd = fd;
		data_sent(&stage->bench, &peer, "");
	}
	assert_in_range(stage->budget.held_bytes, 100 << 10, 400 << 10);
	data_sent(&stage->bench, &peer, "\r\n");
	state_put(&stage->bench, &peer, 1, 7);
	poll_put(&stage->bench, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_heaviest_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oldest_of_like, setup, teardown),
		cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_processes_and_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waiting_sockets, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

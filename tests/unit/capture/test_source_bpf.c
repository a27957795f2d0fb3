/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/capture/source_bpf.c over a ring that the test plays. */
#include "capture/source_bpf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <time.h>

#define GRACE_LEAST_MS 8

static unsigned int in_ring, taken, polls;

/* One record a call, as long as there are any; what is being written stops the reader before it. */
int probes_consume(struct probes *probes, event_fn *fn, void *ctx)
{
	const struct event_header event = { .size = sizeof(event), .type = EVENT_COUNTERS };

	(void)probes;
	if (!in_ring)
		return 0;
	in_ring--;
	return fn(ctx, &event);
}

bool probes_pending(const struct probes *probes)
{
	(void)probes;
	return in_ring > 0;
}

void probes_protect(struct probes *probes, uint32_t pid)
{
	(void)probes;
	(void)pid;
}

int probes_counters(struct probes *probes, struct event_counters *out)
{
	(void)probes;
	*out = (struct event_counters){ .h = { .size = sizeof(*out), .type = EVENT_COUNTERS } };
	return 0;
}

int probes_existing(struct probes *probes, event_fn *fn, void *ctx)
{
	(void)probes;
	(void)fn;
	(void)ctx;
	return 0;
}

static int take(void *ctx, const struct event_header *event)
{
	(void)ctx;
	if (event->type == EVENT_POLL)
		polls++;
	else
		taken++;
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A ring that wakes its reader all the time, with and without something to read. */
static void test_grace_is_time_as_well(void **state)
{
	struct source_bpf *source = source_bpf_new(NULL, take, NULL);
	uint64_t begin = now_ms();

	(void)state;
	taken = polls = 0;
	for (int i = 0; i < 2000; i++) {
		in_ring = i % 2;
		assert_int_equal(source_bpf_poll(source), 0);
	}
	assert_int_equal(taken, 1000);
	assert_in_range(polls, 1, (now_ms() + 1 - begin) / GRACE_LEAST_MS + 1);
	source_bpf_free(source);
}

/* What came is followed by as many polls as anything waits for. */
static void test_polls_follow_what_came(void **state)
{
	struct source_bpf *source = source_bpf_new(NULL, take, NULL);
	const struct timespec pause = { .tv_nsec = 1000000 };

	(void)state;
	taken = polls = 0;
	in_ring = 1;
	for (int i = 0; i < 10000 && polls < 4; i++) {
		assert_int_equal(source_bpf_poll(source), 0);
		nanosleep(&pause, NULL);
	}
	assert_int_equal(taken, 1);
	assert_int_equal(polls, 4);
	source_bpf_free(source);
}

static void test_the_end_polls_at_once(void **state)
{
	struct source_bpf *source = source_bpf_new(NULL, take, NULL);

	(void)state;
	taken = polls = 0;
	in_ring = 3;
	assert_int_equal(source_bpf_end(source), 0);
	assert_int_equal(taken, 3 + 1);
	assert_int_equal(polls, 4);
	source_bpf_free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grace_is_time_as_well),
		cmocka_unit_test(test_polls_follow_what_came),
		cmocka_unit_test(test_the_end_polls_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

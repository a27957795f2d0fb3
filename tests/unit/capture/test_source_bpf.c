/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/capture/source_bpf.c over a ring that the test plays. */
#include "alloc_fail.h"

#include "../../../agent/capture/source_bpf.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

#define GRACE_LEAST_MS 8

static unsigned int in_ring, taken, polls;
static bool sleeps;	  /* the reader told so */
static uint64_t due_ns;	  /* when the clock is waited for */
static uint32_t ring_pid; /* of the records in the ring; 0: of no process */

/* One record a call, as long as there are any; what is being written stops the reader before it. */
int probes_consume(struct probes *probes, event_fn *fn, void *ctx)
{
	const struct event_header event = { .size = sizeof(event),
					    .type = EVENT_COUNTERS,
					    .flags = ring_pid ? EVENT_PID_VALID : 0,
					    .pid = ring_pid };

	(void)probes;
	if (!in_ring)
		return 0;
	in_ring--;
	return fn(ctx, &event);
}

bool probes_has_records(const struct probes *probes)
{
	(void)probes;
	return in_ring > 0;
}

void probes_sleep(struct probes *probes, bool asleep)
{
	(void)probes;
	sleeps = asleep;
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

static uint64_t never(void *ctx)
{
	(void)ctx;
	return UINT64_MAX;
}

static uint64_t due(void *ctx)
{
	(void)ctx;
	return due_ns;
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
	struct source_bpf *source = source_bpf_new(NULL, NULL, take, never, NULL);
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

/* Records are followed by as many polls as anything waits for. */
static void test_polls_follow_what_came(void **state)
{
	struct source_bpf *source = source_bpf_new(NULL, NULL, take, never, NULL);
	uint64_t begin = now_ms();

	(void)state;
	taken = polls = 0;
	in_ring = 1;
	while (polls < 4 && now_ms() - begin < 10000)
		assert_int_equal(source_bpf_poll(source), 0);
	assert_int_equal(taken, 1);
	assert_int_equal(polls, 4);
	source_bpf_free(source);
}

/* Polls until one is further away than the next of those that follow records. */
static void poll_until_idle(struct source_bpf *source)
{
	uint64_t end = now_ms() + 10000;

	do {
		assert_true(now_ms() < end);
		assert_int_equal(source_bpf_poll(source), 0);
	} while (source->polls_due);
}

/* Nothing comes, nobody waits: the kernel side wakes, and was told so a poll before the last. */
static void test_an_idle_reader_sleeps(void **state)
{
	struct source_bpf *source = source_bpf_new(NULL, NULL, take, never, NULL);
	uint64_t polled;

	(void)state;
	taken = polls = 0;
	in_ring = 1;
	sleeps = true;
	while (polls < 3) {
		assert_int_equal(source_bpf_poll(source), 0);
		assert_int_equal(sleeps, polls == 3);
	}
	poll_until_idle(source);
	assert_int_equal(polls, 4);
	assert_true(sleeps);
	assert_int_equal(source_bpf_next_ns(source) - source->last_poll_ns, POLL_IDLE_NS);
	polled = source->last_poll_ns;
	assert_int_equal(source_bpf_poll(source), 0); /* woken by something else */
	assert_int_equal(source->last_poll_ns, polled);
	in_ring = 1;
	assert_int_equal(source_bpf_poll(source), 0);
	assert_false(sleeps);
	assert_int_equal(source->last_poll_ns, polled); /* too soon after the last */
	assert_int_equal(source_bpf_next_ns(source) - source->last_poll_ns, POLL_NS);
	source_bpf_free(source);
}

/* What is being written when the reader would fall asleep keeps it awake. */
static void test_a_record_being_written_keeps_awake(void **state)
{
	struct source_bpf *source = source_bpf_new(NULL, NULL, take, never, NULL);

	(void)state;
	polls = in_ring = 0;
	poll_until_idle(source);
	in_ring = 1;
	next_set(source);
	assert_int_equal(source_bpf_next_ns(source) - source->last_poll_ns, POLL_NS);
	in_ring = 0;
	source_bpf_free(source);
}

static void test_who_waits_is_polled_for(void **state)
{
	static const struct {
		uint64_t in_ns, next_ns;
	} rows[] = {
		{ 0, POLL_NS },
		{ POLL_NS + 1, POLL_NS + 1 },
		{ 500000000, 500000000 },
		{ UINT64_C(5000000000), POLL_IDLE_NS },
	};
	struct source_bpf *source = source_bpf_new(NULL, NULL, take, due, NULL);

	(void)state;
	in_ring = 0;
	poll_until_idle(source);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		due_ns = source->last_poll_ns + rows[i].in_ns;
		next_set(source);
		assert_int_equal(source_bpf_next_ns(source) - source->last_poll_ns, rows[i].next_ns);
	}
	source_bpf_free(source);
}

static void test_the_end_polls_at_once(void **state)
{
	struct source_bpf *source = source_bpf_new(NULL, NULL, take, never, NULL);

	(void)state;
	taken = polls = 0;
	in_ring = 3;
	assert_int_equal(source_bpf_end(source), 0);
	assert_int_equal(taken, 3 + 1);
	assert_int_equal(polls, 4);
	source_bpf_free(source);
}

/* A process that cannot be remembered is not introduced; its records come, and what is missing is counted. */
static void test_each_allocation_fails(void **state)
{
	(void)state;
	ring_pid = (uint32_t)getpid();
	for (long nth = 1; nth <= 3; nth++) { /* the process, the table, its buckets */
		struct source_bpf *source = source_bpf_new(NULL, NULL, take, never, NULL);
		uint64_t missing = counters[COUNTER_LIMIT_MEMORY];

		taken = 0;
		in_ring = 1;
		alloc_fail_countdown = nth;
		assert_int_equal(probes_consume(source->probes, source_event, source), 0);
		assert_int_equal(alloc_fail_countdown, 0);
		assert_int_equal(taken, 1);
		assert_int_equal(counters[COUNTER_LIMIT_MEMORY] - missing, 1);
		assert_null(known_find(source, ring_pid));
		source_bpf_free(source);
	}
	ring_pid = 0;
}

static char told[8];
static size_t told_count;

static int note(void *ctx, const struct event_header *event)
{
	(void)ctx;
	assert_true(told_count < sizeof(told) - 1);
	told[told_count++] = event->type == EVENT_EXEC ? 'e' : event->type == EVENT_FORK ? 'f' : 'c';
	return 0;
}

/* Events read late: the child, which this process plays, has moved since. A fork gives it the place of its
 * parent. */
static void test_a_place_is_told_behind_the_fork(void **state)
{
	struct source_bpf *source = source_bpf_new(NULL, NULL, note, never, NULL);
	struct event_process fork = {
		.h = { .size = sizeof(fork), .type = EVENT_FORK, .flags = EVENT_PID_VALID }
	};

	(void)state;
	for (int round = 0; round < 2; round++) { /* the number comes again, and its exit was lost */
		fork.h.pid = (uint32_t)getpid();
		told_count = 0;
		memset(told, 0, sizeof(told));
		assert_int_equal(source_event(source, &fork.h), 0);
		assert_string_equal(told, "fc");
	}
	fork.h.pid = UINT32_MAX / 2; /* above any: it is gone */
	fork.parent = (uint32_t)getpid();
	told_count = 0;
	memset(told, 0, sizeof(told));
	assert_int_equal(source_event(source, &fork.h), 0);
	assert_string_equal(told, "f");
	source_bpf_free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grace_is_time_as_well),
		cmocka_unit_test(test_polls_follow_what_came),
		cmocka_unit_test(test_an_idle_reader_sleeps),
		cmocka_unit_test(test_a_record_being_written_keeps_awake),
		cmocka_unit_test(test_who_waits_is_polled_for),
		cmocka_unit_test(test_the_end_polls_at_once),
		cmocka_unit_test(test_each_allocation_fails),
		cmocka_unit_test(test_a_place_is_told_behind_the_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

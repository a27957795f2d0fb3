/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/capture/trials.c: what calls of a file on trial move, and what is handed on of it. */
#include "base/counters.h"
#include "base/log.h"
#include "capture/trials.h"
#include "library/libraries.h"
#include "library/locations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define REQUEST "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define ANSWER	"HTTP/1.1 200 OK\r\n\r\n"
#define PING	"\0\0\10\6\0\0\0\0\0abcdefgh"

struct bench {
	struct trials *trials;
	uint8_t number;
	char log[4096]; /* letter of the event, its source, its first byte */
	struct event_data last;
	uint64_t figures[KC_COUNT];
	size_t refuted;
	uint8_t direction; /* of what is given */
	int answer;	   /* of what takes the events */
};

static char letter_of(const struct event_header *event)
{
	const struct event_data *data = (const struct event_data *)event;

	switch (event->type) {
	case EVENT_TLS_DATA:
		return 'd';
	case EVENT_TLS_BIND:
		return 'b';
	case EVENT_TLS_FREE:
		return 'f';
	case EVENT_SOCKET_DATA:
		return data->hole == HOLE_MUTED ? 'u' : 's';
	case EVENT_POLL:
		return 'p';
	}
	return '?';
}

static int take(void *ctx, const struct event_header *event)
{
	struct bench *bench = ctx;
	const struct event_data *data = (const struct event_data *)event;
	size_t at = strlen(bench->log);

	if (event->type == EVENT_COUNTERS) {
		memcpy(bench->figures, ((const struct event_counters *)event)->value, sizeof(bench->figures));
		return 0;
	}
	if (event->type != EVENT_POLL)
		bench->last = *data;
	if (event->type == EVENT_POLL)
		snprintf(bench->log + at, sizeof(bench->log) - at, "p ");
	else
		snprintf(bench->log + at, sizeof(bench->log) - at, "%c%u%c ", letter_of(event), data->source,
			 data->copied ? data->payload[0] : '-');
	return bench->answer;
}

static void refuted(void *ctx, const struct file_identity *identity)
{
	struct bench *bench = ctx;

	assert_int_equal(identity->inode, 7);
	bench->refuted++;
}

static void bench_open(struct bench *bench, bool ends)
{
	static const struct locations locations = { .source = "signature test" };
	const struct library_found found = { libraries_find_claimable("boringssl"), &locations };
	const struct file_identity identity = { .inode = 7 };

	log_level = LOG_QUIET;
	memset(counters, 0, sizeof(counters));
	*bench = (struct bench){ .trials = trials_new(take, refuted, bench) };
	assert_non_null(bench->trials);
	bench->number = trials_add(bench->trials, &found, &identity, "/x", ends);
	assert_true(bench->number >= (ends ? TLS_TRIAL_FIRST : TLS_TRIAL_ENDLESS));
	assert_true(!ends || bench->number < TLS_TRIAL_ENDLESS);
}

struct record {
	struct event_data event;
	uint8_t payload[256];
};

static int give(struct bench *bench, uint16_t type, uint8_t source, uint16_t flags, uint64_t socket,
		const void *bytes, size_t size)
{
	struct record *record = calloc(1, sizeof(*record));
	int result;

	assert_non_null(record);
	record->event = (struct event_data){
		.h = { .type = type, .flags = flags, .size = (uint32_t)(sizeof(record->event) + size) },
		.sock = { .id = socket },
		.source = source,
		.direction = bench->direction,
		.len = (uint32_t)size,
		.copied = (uint32_t)size,
	};
	if (size)
		memcpy(record->payload, bytes, size);
	result = trials_event(bench->trials, &record->event.h);
	free(record);
	return result;
}

/* Received, into a buffer where something else was. */
static int give_data(struct bench *bench, const void *bytes, size_t size)
{
	bench->direction = DIRECTION_RECEIVED;
	return give(bench, EVENT_TLS_DATA, bench->number, EVENT_FILLED, 1, bytes, size);
}

static int give_sent(struct bench *bench, uint16_t flags, const char *bytes)
{
	bench->direction = DIRECTION_SENT;
	return give(bench, EVENT_TLS_DATA, bench->number, flags, 1, bytes, strlen(bytes));
}

static const struct {
	const char *bytes;
	size_t size;
	bool http;
} calls[] = {
#define BYTES(text) text, sizeof(text) - 1
	{ BYTES(REQUEST), true },
	{ BYTES("POST /x HTTP/1.0\r\n"), true },
	{ BYTES("GET /long"), true },
	{ BYTES("HTTP/1.1 204 No Content\r\n\r\n"), true },
	{ BYTES(PREFACE), true },
	{ BYTES(PREFACE "\0\0\0\4\0\0\0\0\0"), true },
	{ BYTES(PING), true },
	{ BYTES(PING PING), true },
	{ BYTES(PING "x"), false },
	{ BYTES("\0\0\0\0\0\0\0\0\0"), false },
	{ BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), false },
	{ BYTES("\27\3\3\0\25aaaaaaaaaaaaaaaaaaaaa"), false },
	{ BYTES("\26\3\1\0\5\1\0\0\1\0"), false },
	{ BYTES("got it"), false },
	{ BYTES("GETX / HTTP"), false },
	{ BYTES("\177ELF"), false },
	{ BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"), false },
	{ BYTES("x"), false },
#undef BYTES
};

static void test_what_proves(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct bench bench;

		bench_open(&bench, true);
		give_sent(&bench, 0, REQUEST);
		assert_string_equal(bench.log, "");
		assert_int_equal(give_data(&bench, calls[i].bytes, calls[i].size), 0);
		if (calls[i].http != (bench.log[0] == 'd'))
			fail_msg("%s: '%s'", calls[i].bytes, bench.log);
		trials_free(bench.trials);
	}
}

/* All that waited comes, in order, with the library's own number; what others say does not wait. */
static void test_proven(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, true);
	give(&bench, EVENT_TLS_BIND, bench.number, 0, 1, NULL, 0);
	give_data(&bench, "mail", 4);
	give(&bench, EVENT_SOCKET_DATA, SOURCE_SOCKET, 0, 1, "z", 1);
	give(&bench, EVENT_TLS_DATA, SOURCE_OPENSSL, 0, 1, "o", 1);
	assert_string_equal(bench.log, "u0- s1z d3o ");
	give_data(&bench, REQUEST, strlen(REQUEST));
	assert_string_equal(bench.log, "u0- s1z d3o ");
	give_sent(&bench, 0, ANSWER);
	assert_int_equal(bench.last.h.flags, 0);
	give_data(&bench, "any", 3);
	assert_int_equal(bench.last.h.flags, 0);
	give(&bench, EVENT_TLS_FREE, bench.number, 0, 1, NULL, 0);
	assert_string_equal(bench.log, "u0- s1z d3o b4- d4m d4G d4H d4a f4- ");
	for (int i = 0; i < 100; i++)
		give_data(&bench, "not HTTP", 8);
	assert_int_equal(bench.refuted, 0);
	assert_int_equal(counters[COUNTER_PROBES_UNPROVEN], 0);
	trials_free(bench.trials);
}

static void test_refuted(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, true);
	give(&bench, EVENT_TLS_BIND, bench.number, 0, 1, NULL, 0);
	for (int i = 0; i < 40; i++) /* of calls that go on */
		give(&bench, EVENT_TLS_DATA, bench.number, EVENT_MORE, 1, "body", 4);
	for (int i = 0; i < 15; i++)
		give_data(&bench, "mail", 4);
	assert_int_equal(bench.refuted, 0);
	give_data(&bench, "mail", 4);
	assert_int_equal(bench.refuted, 1);
	give_data(&bench, REQUEST, strlen(REQUEST));
	assert_string_equal(bench.log, "u0- ");
	assert_int_equal(bench.refuted, 1);
	assert_int_equal(counters[COUNTER_PROBES_REFUTED], 1);
	assert_int_equal(counters[COUNTER_PROBES_UNPROVEN], 1 + 40 + 16 + 1);
	trials_free(bench.trials);
}

/* A binding tells of its socket at once that transfers leave no record, and nothing of the session. */
static void test_bindings(void **state)
{
	struct record bind = { .event = {
				       .h = { .size = sizeof(bind.event),
					      .type = EVENT_TLS_BIND,
					      .flags = EVENT_PID_VALID | EVENT_POS_SEQ32 | EVENT_FROM_START,
					      .pid = 7 },
				       .sock = { .id = 1, .fd = 3 },
				       .ssl = 5,
				       .pos = 6,
				       .offset = 8,
				       .direction = DIRECTION_RECEIVED,
				       .generation = { 9 } } };
	const struct event_data *told;
	struct bench bench;

	(void)state;
	bench_open(&bench, true);
	bind.event.source = bench.number;
	trials_event(bench.trials, &bind.event.h);
	told = &bench.last;
	assert_int_equal(told->h.type, EVENT_SOCKET_DATA);
	assert_int_equal(told->h.flags, EVENT_PID_VALID);
	assert_int_equal(told->h.pid, 7);
	assert_int_equal(told->hole, HOLE_MUTED);
	assert_memory_equal(&told->sock, &bind.event.sock, sizeof(told->sock));
	assert_true(told->ssl == 0 && told->pos == 0 && told->offset == 0 && told->len == 0);
	assert_true(told->source == SOURCE_UNKNOWN && told->generation[0] == 0);
	bind.event.sock.id = 0;
	trials_event(bench.trials, &bind.event.h);
	assert_string_equal(bench.log, "u0- ");
	for (int i = 0; i < 16; i++)
		give_data(&bench, "mail", 4);
	give(&bench, EVENT_TLS_BIND, bench.number, 0, 2, NULL, 0); /* from before its probes were off */
	assert_string_equal(bench.log, "u0- u0- ");
	bench.answer = -5;
	assert_int_equal(give(&bench, EVENT_TLS_BIND, bench.number, 0, 3, NULL, 0), -5);
	trials_free(bench.trials);
}

/* One without an end is known by its socket. */
static void test_endless(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, false);
	give(&bench, EVENT_TLS_DATA, bench.number, 0, 0, "mail", 4);
	give_data(&bench, REQUEST, strlen(REQUEST));
	give_sent(&bench, 0, ANSWER);
	give(&bench, EVENT_TLS_DATA, bench.number, 0, 0, "x", 1);
	give_data(&bench, "y", 1);
	assert_string_equal(bench.log, "d4G d4H d4y ");
	assert_int_equal(counters[COUNTER_PROBES_UNPROVEN], 2);
	trials_free(bench.trials);
}

/* What waits is bounded, and what the taker answers comes back. */
static void test_bounds(void **state)
{
	uint8_t big[200] = { 0 };
	struct bench bench;

	(void)state;
	bench_open(&bench, true);
	for (int i = 0; i < 10000; i++)
		give(&bench, EVENT_TLS_DATA, bench.number, EVENT_MORE, 1, big, sizeof(big));
	assert_true(counters[COUNTER_PROBES_UNPROVEN] > 10000 - (1 << 20) / sizeof(big));
	bench.answer = -5;
	assert_int_equal(give_sent(&bench, 0, ANSWER), 0);
	assert_int_equal(give_data(&bench, REQUEST, strlen(REQUEST)), -5);
	trials_free(bench.trials);
	trials_free(NULL);
}

/* What is said to write and changes what it is given reads: before it is believed, and after. */
static void test_exchanged(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, true);
	for (int i = 0; i < 100; i++) { /* a write in a read's place never changes it */
		bench.direction = DIRECTION_RECEIVED;
		give(&bench, EVENT_TLS_DATA, bench.number, 0, 1, REQUEST, strlen(REQUEST));
	}
	assert_int_equal(bench.refuted, 0);
	give_sent(&bench, EVENT_FILLED, ANSWER);
	assert_int_equal(bench.refuted, 1);
	assert_string_equal(bench.log, "");
	trials_free(bench.trials);

	bench_open(&bench, true);
	give_data(&bench, ANSWER, strlen(ANSWER));
	give_sent(&bench, 0, REQUEST);
	assert_string_equal(bench.log, "d4H d4G ");
	give_sent(&bench, EVENT_FILLED, ANSWER);
	assert_int_equal(bench.refuted, 1);
	assert_string_equal(bench.log, "d4H d4G ");
	trials_free(bench.trials);
}

/* A byte a call, of one session; another's does not go on with it. */
static void test_pieces(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, true);
	give_sent(&bench, 0, REQUEST);
	for (const char *at = ANSWER; at[0] != '\r'; at++) {
		assert_string_equal(bench.log, "");
		give_data(&bench, at, 1);
	}
	give_data(&bench, "\r", 1);
	give_data(&bench, "\n", 1);
	assert_non_null(strstr(bench.log, "d4G d4H d4T d4T d4P d4/ "));
	assert_int_equal(bench.refuted, 0);
	trials_free(bench.trials);
}

/* What a guess moved counts for nothing until it is believed. */
static void test_counters(void **state)
{
	struct event_counters figures = { .h = { .type = EVENT_COUNTERS, .size = sizeof(figures) },
					  .value = { [KC_BYTES_MOVED] = 1000,
						     [KC_BYTES_COPIED] = 800,
						     [KC_BYTES_SKIPPED] = 200,
						     [KC_BYTES_CIPHERTEXT] = 5 } };
	struct bench bench;

	(void)state;
	bench_open(&bench, true);
	give_data(&bench, ANSWER, strlen(ANSWER));
	trials_event(bench.trials, &figures.h);
	assert_int_equal(bench.figures[KC_BYTES_MOVED], 1000 - strlen(ANSWER));
	assert_int_equal(bench.figures[KC_BYTES_COPIED], 800 - strlen(ANSWER));
	assert_int_equal(bench.figures[KC_BYTES_SKIPPED], 200);
	assert_int_equal(bench.figures[KC_BYTES_CIPHERTEXT], 5);
	give_sent(&bench, 0, REQUEST);
	trials_event(bench.trials, &figures.h);
	assert_int_equal(bench.figures[KC_BYTES_MOVED], 1000);
	assert_int_equal(bench.figures[KC_BYTES_COPIED], 800);
	give_sent(&bench, EVENT_FILLED, ANSWER);
	figures.value[KC_BYTES_COPIED] = 1; /* what follows may be in no figure yet */
	trials_event(bench.trials, &figures.h);
	assert_int_equal(bench.figures[KC_BYTES_MOVED], 1000 - strlen(ANSWER));
	assert_int_equal(bench.figures[KC_BYTES_COPIED], 0);
	trials_free(bench.trials);
}

/* There are some for each kind, and what is removed makes room; what it said before that is nobody's. */
static void test_numbers(void **state)
{
	const struct locations locations = { .source = "signature test" };
	const struct library_found found = { libraries_find_claimable("boringssl"), &locations };
	struct file_identity identity = { .inode = 7 }, other = { .inode = 8 };
	struct bench bench;
	size_t count = 1;

	(void)state;
	bench_open(&bench, true);
	while (trials_add(bench.trials, &found, &other, "/y", true))
		count++;
	assert_int_equal(count, TLS_TRIAL_ENDLESS - TLS_TRIAL_FIRST);
	trials_remove(bench.trials, &(struct file_identity){ .inode = 9 });
	assert_int_equal(trials_add(bench.trials, &found, &identity, "/x", true), 0);
	trials_remove(bench.trials, &identity);
	give_data(&bench, REQUEST, strlen(REQUEST));
	assert_string_equal(bench.log, "");
	assert_int_not_equal(trials_add(bench.trials, &found, &identity, "/x", true), 0);
	give(&bench, EVENT_TLS_DATA, 255, 0, 1, "x", 1);
	trials_event(bench.trials,
		     &(struct event_header){ .type = EVENT_POLL, .size = sizeof(struct event_header) });
	assert_string_equal(bench.log, "p ");
	trials_free(bench.trials);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_proves), cmocka_unit_test(test_proven),
		cmocka_unit_test(test_refuted),	    cmocka_unit_test(test_endless),
		cmocka_unit_test(test_bounds),	    cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bindings),    cmocka_unit_test(test_exchanged),
		cmocka_unit_test(test_pieces),	    cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/3 by streams: the records of a connection that nghttp3 makes, whole, with each one lost, and its bytes
 * where they have no business: as a TLS library's plaintext, and beside another one's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/counters.h"
#include "event_builder.h"
#include "http3_pair.h"

#define LIBRARY_NGHTTP3 16
#define RECORDS_MAX	1024

static const struct peer connection = { .pid = 7, .fd = -1, .ssl = 0x7000, .generation = 1 };

struct record {
	bool by_client, fin, over;
	int64_t stream;
	uint64_t error;
	size_t len;
	uint8_t bytes[4096];
};

struct records {
	struct record items[RECORDS_MAX];
	size_t count;
};

static void records_moved(void *ctx, bool by_client, int64_t stream, const uint8_t *bytes, size_t len,
			  bool fin)
{
	struct records *records = ctx;
	struct record *record = &records->items[records->count++];

	assert_true(records->count < RECORDS_MAX && len <= sizeof(record->bytes));
	*record = (struct record){ .by_client = by_client, .fin = fin, .stream = stream, .len = len };
	memcpy(record->bytes, bytes, len);
}

static void records_cut(void *ctx, int64_t stream, uint64_t error)
{
	struct records *records = ctx;

	records->items[records->count++] = (struct record){ .over = true, .stream = stream, .error = error };
}

static struct records *records_new(const char *script)
{
	struct records *records = calloc(1, sizeof(*records));
	struct http3_pair pair = { .take = 4000, .ctx = records, .moved = records_moved, .cut = records_cut };

	http3_pair_open(&pair);
	http3_pair_run(&pair, script);
	http3_pair_close(&pair);
	return records;
}

/* How far the two directions got. */
struct place {
	uint64_t pos[2];
};

static void record_put(struct bench *bench, const struct record *record, bool server, bool from_start,
		       struct place *place, bool lost)
{
	enum event_direction direction = record->by_client != server ? DIRECTION_SENT : DIRECTION_RECEIVED;
	struct event_data *event = data_make(bench, &connection, direction, place->pos[direction],
					     record->bytes, record->len, record->len);

	event->h.type = record->over ? EVENT_STREAM_OVER : EVENT_STREAM_DATA;
	event->h.flags |= (from_start ? EVENT_FROM_START : 0) | (record->fin ? EVENT_EOF : 0);
	event->source = LIBRARY_NGHTTP3;
	event->offset = (uint64_t)record->stream;
	if (record->over)
		event->pos = record->error;
	else
		place->pos[direction] += record->len + record->fin;
	if (lost)
		free(event);
	else
		event_send(bench, event);
}

static void free_put(struct bench *bench, const struct place *place)
{
	struct event_data *event = data_make(bench, &connection, DIRECTION_SENT, 0, NULL, 0, 0);

	event->h.type = EVENT_TLS_FREE;
	event->h.flags |= EVENT_OFFSET_KNOWN;
	event->pos = place->pos[DIRECTION_SENT];
	event->offset = place->pos[DIRECTION_RECEIVED];
	event_send(bench, event);
}

static void polls(struct bench *bench, size_t count)
{
	struct event_header poll = { .size = sizeof(poll), .type = EVENT_POLL, .flags = EVENT_SYNTHETIC };

	while (count--) {
		poll.time_ns = bench->now_ns += 10000000;
		tracker_event(bench->tracker, &poll);
	}
}

/* Replays all records but number `lost`, from `first` on, and ends the connection object. */
static void replay(struct bench *bench, const struct records *records, bool server, size_t first, size_t lost)
{
	struct place place = { { 0, 0 } };

	for (size_t i = first; i < records->count; i++)
		record_put(bench, &records->items[i], server, first == 0, &place, i == lost);
	free_put(bench, &place);
	polls(bench, 4);
}

static void test_whole(void **state)
{
	static const char *const roles[] = { "client", "server" };
	struct records *records = records_new("GET /a\nPOST /b 9000\nGET /c early\n");

	(void)state;
	for (unsigned int server = 0; server < 2; server++) {
		struct bench *bench;
		char expected[512];

		bench_setup((void **)&bench);
		bench_start(bench);
		replay(bench, records, server, 0, SIZE_MAX);
		snprintf(expected, sizeof(expected), " closed ? %s tls socketless x3 ", roles[server]);
		if (!strstr(bench->log, expected))
			fail_msg("%s", bench->log);
		assert_non_null(strstr(bench->log, ":GET /a 200 2\n"));
		assert_non_null(strstr(bench->log, ":POST /b 200 9000\n"));
		assert_non_null(strstr(bench->log, ":GET /c 200 2\n"));
		assert_int_equal(counters[COUNTER_STREAM_HOLES], 0);
		assert_int_equal(counters[COUNTER_MESSAGES_INTERIM], 1);
		assert_int_equal(counters[COUNTER_HPACK_ERRORS], 0);
		bench_teardown((void **)&bench);
	}
	free(records);
}

static void test_reset(void **state)
{
	struct records *records = records_new("GET /a\nGET /e cut\n");
	struct bench *bench = *state;

	bench_start(bench);
	replay(bench, records, true, 0, SIZE_MAX);
	assert_non_null(strstr(bench->log, ":GET /a 200 2\n"));
	assert_non_null(strstr(bench->log, ":GET /e - reset unanswered error=258\n"));
	free(records);
}

/* Each exchange that shows is one that was, or is marked; each loss is counted. */
static void test_each_lost(void **state)
{
	struct records *records = records_new("GET /a\nPOST /b 9000\nGET /c early\n");

	(void)state;
	for (size_t lost = 0; lost < records->count; lost++) {
		struct bench *bench;

		bench_setup((void **)&bench);
		bench_start(bench);
		bench->quiet_conns = true;
		replay(bench, records, lost % 2, 0, lost);
		assert_int_equal(counters[COUNTER_STREAM_HOLES], 1);
		for (char *line = strtok(bench->log, "\n"); line; line = strtok(NULL, "\n")) {
			static const char *const truth[] = { "1:GET /a 200 2", "1:POST /b 200 9000",
							     "1:GET /c 200 2" };
			bool true_one = false;

			for (size_t i = 0; i < 3; i++)
				true_one |= !strcmp(line, truth[i]);
			if (!true_one && !strstr(line, "gap") && !strstr(line, "partial-headers") &&
			    !strstr(line, "no-request"))
				fail_msg("record %zu lost: %s", lost, line);
		}
		bench_teardown((void **)&bench);
	}
	free(records);
}

static void test_joined_late(void **state)
{
	struct records *records = records_new("GET /a\n");
	struct bench *bench = *state;
	size_t first = 0;

	while (records->items[first].stream != 0)
		first++;
	bench_start(bench);
	replay(bench, records, false, first, SIZE_MAX);
	assert_non_null(strstr(bench->log, ":GET /a 200 2"));
	assert_non_null(strstr(bench->log, " late-joined"));
	free(records);
}

/*
 * OpenSSL 3.5 gives each stream of QUIC an object of its own, which the same functions read: frames of HTTP/3
 * are neither version of HTTP that a TLS library carries.
 */
static void test_not_as_plaintext(void **state)
{
	struct records *records = records_new("GET /a\nPOST /b 30000\nGET /c early\nGET /d trailers\n");
	struct bench *bench = *state;

	bench_start(bench);
	bench->quiet_conns = true;
	for (unsigned int late = 0; late < 2; late++) {
		for (size_t i = 0; i < records->count; i++) {
			const struct record *record = &records->items[i];
			struct peer stream = { .pid = 7,
					       .fd = -1,
					       .ssl = 0x9000 + (uint64_t)record->stream,
					       .generation = 2 + late };
			struct event_data *event;

			event = data_make(bench, &stream,
					  record->by_client ? DIRECTION_SENT : DIRECTION_RECEIVED, 0,
					  record->bytes, record->len, record->len);
			event->h.flags |= late ? 0 : EVENT_FROM_START;
			event->generation[1] = (uint8_t)i; /* each call by itself, too */
			event_send(bench, event);
		}
		polls(bench, 3);
	}
	tracker_end(bench->tracker);
	CHECK(bench, "");
	free(records);
}

/* Neither kind of record is taken for the other one, whatever a recording says. */
static void test_mixed_up(void **state)
{
	struct records *records = records_new("GET /a\n");
	struct bench *bench = *state;
	struct peer peer = connection;
	struct place place = { { 0, 0 } };

	bench_start(bench);
	bench->quiet_conns = true;
	for (size_t i = 0; i < records->count; i++)
		record_put(bench, &records->items[i], false, true, &place, false);
	peer.offset[0] = place.pos[0];
	SEND(bench, &peer, "GET /not HTTP/1.1\r\nHost: x\r\n\r\n");
	polls(bench, 3);
	CHECK(bench, "1:GET /a 200 2\n");
	peer = (struct peer){ .pid = 8, .fd = -1, .ssl = 0x7000, .generation = 1 };
	SEND(bench, &peer, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	for (size_t i = 0; i < records->count; i++) {
		struct event_data *event = data_make(bench, &peer, DIRECTION_RECEIVED, 0, "\1\2", 2, 2);

		event->h.type = EVENT_STREAM_DATA;
		event->offset = i;
		event_send(bench, event);
	}
	RECEIVE(bench, &peer, "HTTP/1.1 204 No\r\n\r\n");
	polls(bench, 3);
	CHECK(bench, "1:GET /a 200 2\n2:GET /one 204 0\n");
	free(records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test_setup_teardown(test_reset, bench_setup, bench_teardown),
		cmocka_unit_test(test_each_lost),
		cmocka_unit_test_setup_teardown(test_joined_late, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_not_as_plaintext, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_mixed_up, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The part that is kept stays within its bounds, and is the right part. */
#include "sinks/top/top_drill.h"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

static struct top_kept kept;

static void test_live_is_a_ring(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample);
	for (size_t i = 0; i < TOP_LIVE_MAX + 5; i++) {
		struct top_record *record = top_record_new(&kept, &sample.exchange, false);

		assert_non_null(record);
		top_live_add(&kept, record);
		top_record_drop(&kept, record);
	}
	assert_int_equal(kept.live_count, TOP_LIVE_MAX);
	assert_int_equal(top_live_at(&kept, 0)->serial, 6);
	assert_int_equal(top_live_at(&kept, TOP_LIVE_MAX - 1)->serial, TOP_LIVE_MAX + 5);
	assert_true(kept.bytes <= TOP_ALL_BYTES);
	sample_fini(&sample);
	top_kept_fini(&kept);
	assert_int_equal(kept.bytes, 0);
	kept = (struct top_kept){ 0 };
}

/* A record lives on its own: headers and trailers too, when the exchange is long gone. */
static void test_record_owns(void **state)
{
	struct top_record *record;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample_header(sample.exchange.response, &sample.exchange.response->trailers, "x-end", "1");
	record = top_record_new(&kept, &sample.exchange, true);
	sample_fini(&sample);
	assert_non_null(record);
	assert_true(
		slice_equal(message_header(record->exchange.request, SLICE("Host")), SLICE("example.com")));
	assert_true(slice_equal(record->exchange.response->trailers.items[0].value, SLICE("1")));
	assert_int_equal(record->exchange.conn->sock.peer_port, 8443);
	top_kept_fini(&kept); /* the connection lives as long as the record */
	assert_int_equal(record->exchange.conn->id, 12);
	top_record_drop(&kept, record);
	assert_int_equal(kept.bytes, 0);
	kept = (struct top_kept){ 0 };
}

static void test_allowance(void **state)
{
	unsigned int allowed = 0;

	(void)state;
	for (int i = 0; i < 5000; i++)
		allowed += top_live_allows(&kept, 100 * SECOND);
	assert_int_equal(allowed, TOP_LIVE_RATE);
	assert_int_equal(kept.unlisted, 5000 - TOP_LIVE_RATE);
	for (int i = 0; i < 5000; i++)
		allowed += top_live_allows(&kept, 100 * SECOND + SECOND / 2);
	assert_in_range(allowed, TOP_LIVE_RATE * 3 / 2 - 1, TOP_LIVE_RATE * 3 / 2 + 1);
	for (int i = 0; i < 5000; i++) /* what was not used in an hour is not saved up */
		allowed += top_live_allows(&kept, 3700 * SECOND);
	assert_in_range(allowed, TOP_LIVE_RATE * 5 / 2 - 1, TOP_LIVE_RATE * 5 / 2 + 1);
	kept = (struct top_kept){ 0 };
}

static struct top_record *record_of(struct sample *sample, uint64_t duration_ns)
{
	struct top_record *record;

	sample->exchange.duration_ns = duration_ns;
	record = top_record_new(&kept, &sample->exchange, true);
	assert_non_null(record);
	return record;
}

static uint64_t sum_of(const struct top_slowest *slowest)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < slowest->count; i++)
		sum += slowest->items[i]->exchange.duration_ns;
	return sum;
}

static void test_slowest(void **state)
{
	struct top_drill *rows[2] = { calloc(1, sizeof(**rows)), calloc(1, sizeof(**rows)) };
	struct top_slowest *one = &rows[0]->slowest, *other = &rows[1]->slowest;
	struct sample sample;

	(void)state;
	assert_true(one && other);
	sample_init(&sample);
	for (uint64_t i = 1; i <= 100; i++) {
		struct top_record *record = record_of(&sample, i * 37 % 101); /* 1 to 100, mixed */

		top_slowest_add(&kept, i % 2 ? one : other, record);
		top_record_drop(&kept, record);
	}
	assert_int_equal(one->count, TOP_SLOWEST_MAX);
	sample.exchange.duration_ns = one->fastest_ns - 1;
	assert_false(top_slowest_wants(one, &sample.exchange));
	sample.exchange.duration_ns = one->fastest_ns;
	assert_true(top_slowest_wants(one, &sample.exchange));
	sample.exchange.duration_known = false;
	assert_false(top_slowest_wants(one, &sample.exchange));
	top_drill_merge(&kept, rows[0], rows[1]); /* 91 to 100 are the slowest of all */
	assert_int_equal(one->count, TOP_SLOWEST_MAX);
	assert_int_equal(sum_of(one), 955);
	top_drill_free(&kept, rows[0]);
	assert_int_equal(kept.bytes, 0);
	sample_fini(&sample);
	top_kept_fini(&kept);
	kept = (struct top_kept){ 0 };
}

static void test_connections_are_bounded(void **state)
{
	struct conn_facts facts = { .id = 1 };
	struct top_conn *first;

	(void)state;
	for (uint64_t id = 1; id <= TOP_CONNS_MAX; id++) {
		struct top_conn *conn;

		facts.id = id;
		conn = top_conn_get(&kept, &facts, id);
		assert_non_null(conn);
		conn->closed = id == 4;
	}
	facts.id = 1;
	first = top_conn_get(&kept, &facts, 5000); /* used again: stays longer */
	facts.id = 2000;
	top_conn_get(&kept, &facts, 5001);
	assert_int_equal(HASH_COUNT(kept.conns), TOP_CONNS_MAX);
	assert_int_equal(kept.conns_forgotten, 1);
	facts.id = 4;
	HASH_FIND(hh, kept.conns, &facts.id, sizeof(facts.id), first);
	assert_null(first); /* the closed one went first */
	facts.id = 2001;
	top_conn_get(&kept, &facts, 5002);
	facts.id = 1;
	HASH_FIND(hh, kept.conns, &facts.id, sizeof(facts.id), first);
	assert_non_null(first); /* another that was not used for longer went */
	top_kept_fini(&kept);
	kept = (struct top_kept){ 0 };
}

static void test_bars_are_a_ring(void **state)
{
	struct top_conn *conn;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	conn = top_conn_get(&kept, &sample.conn, 1);
	for (uint64_t i = 1; i <= TOP_BARS_MAX + 10; i++) {
		sample.exchange.start_ns = i;
		top_conn_count(conn, &sample.exchange, i, i % 2);
	}
	assert_int_equal(conn->bar_count, TOP_BARS_MAX);
	assert_int_equal(top_conn_bar(conn, 0)->serial, 11);
	assert_int_equal(top_conn_bar(conn, TOP_BARS_MAX - 1)->serial, TOP_BARS_MAX + 10);
	assert_string_equal(top_conn_bar(conn, 0)->label, "GET /a");
	assert_int_equal(conn->exchanges, TOP_BARS_MAX + 10);
	assert_int_equal(conn->errors, (TOP_BARS_MAX + 10) / 2);
	sample_fini(&sample);
	top_kept_fini(&kept);
	kept = (struct top_kept){ 0 };
}

/* Labels are cut to their room, whatever stands there. */
static void test_long_label(void **state)
{
	static uint8_t path[3000];
	struct sample sample;
	struct top_bar bar;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	sample_init(&sample);
	sample.exchange.request->target = slice_of(path, sizeof(path));
	sample.exchange.request->method = slice_of(path, sizeof(path));
	top_bar_of(&bar, &sample.exchange, 1);
	assert_int_equal(strnlen(bar.label, sizeof(bar.label)), sizeof(bar.label) - 1);
	sample_fini(&sample);
}

static void test_labels(void **state)
{
	static const struct {
		const char *target, *label;
	} rows[] = {
		{ "/a?token=x", "GET /a" }, { "/", "GET /" }, { "http://u:secret@h/p?q=1", "GET /p" },
		{ "*", "GET *" },	    { "", "GET " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample sample;
		struct top_bar bar;

		sample_init(&sample);
		sample.exchange.request->target = slice_of_string(rows[i].target);
		top_bar_of(&bar, &sample.exchange, 1);
		if (strcmp(bar.label, rows[i].label) != 0)
			fail_msg("%s: '%s'", rows[i].target, bar.label);
		sample_fini(&sample);
	}
}

static uint64_t parties_sum(const struct top_parties *parties)
{
	uint64_t sum = parties->others;

	for (size_t i = 0; i < parties->count; i++)
		sum += parties->items[i].count;
	return sum;
}

/* Of many programs those that come often get a place, also late; none is counted twice, none is left out. */
static void test_parties(void **state)
{
	struct top_drill *drills[2] = { calloc(1, sizeof(**drills)), calloc(1, sizeof(**drills)) };
	const struct top_party *found = NULL;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample.exchange.duration_known = true;
	sample.exchange.duration_ns = 7;
	sample.conn.role = ROLE_SERVER;
	for (uint32_t i = 0; i < 300; i++) {
		sample.exchange.mover.pid = i % 3 && i > 50 ? 7777 : 100 + i;
		sample.conn.sock.peer_port = (uint16_t)(1000 + i); /* a client's tells nothing */
		top_drill_count(drills[i % 2], &sample.exchange, i % 2, true, i % 10 == 0);
	}
	assert_int_equal(drills[0]->addresses.count, 1);
	assert_int_equal(drills[0]->addresses.items[0].sock.peer_port, 0);
	assert_int_equal(parties_sum(&drills[0]->programs), 150);
	top_drill_merge(&kept, drills[0], drills[1]);
	assert_int_equal(parties_sum(&drills[0]->programs), 300);
	assert_int_equal(drills[0]->programs.count, TOP_PARTIES_MAX);
	for (size_t i = 0; i < TOP_PARTIES_MAX; i++)
		if (drills[0]->programs.items[i].pid == 7777)
			found = &drills[0]->programs.items[i];
	assert_non_null(found);
	assert_in_range(found->count, 140, 166);
	assert_int_equal(found->total_ns, found->count * 7);
	assert_int_equal(drills[0]->addresses.items[0].count, 300);
	assert_int_equal(drills[0]->addresses.items[0].errors, 150);
	assert_int_equal(drills[0]->exchanges, 300);
	assert_int_equal(drills[0]->total_ns, 2100);
	assert_int_equal(drills[0]->fresh, 30);
	assert_int_equal(drills[0]->fresh_ns, 210);
	top_drill_free(&kept, drills[0]);
	sample_fini(&sample);
}

static const struct {
	uint64_t exchanges, opened_ns;
	bool existing, expected;
} fresh[] = {
	{ 1, 5, false, true },	{ 2, 5, false, false },
	{ 0, 5, false, false }, /* the second half of one that came out in two */
	{ 1, 0, false, false }, { 1, 5, true, false },
};

static void test_fresh(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fresh) / sizeof(fresh[0]); i++) {
		struct conn_facts conn = { .exchanges = fresh[i].exchanges,
					   .opened_ns = fresh[i].opened_ns,
					   .existing = fresh[i].existing };
		struct exchange exchange = { .conn = &conn };

		assert_int_equal(top_is_fresh(&exchange), fresh[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_is_a_ring),
		cmocka_unit_test(test_record_owns),
		cmocka_unit_test(test_allowance),
		cmocka_unit_test(test_slowest),
		cmocka_unit_test(test_parties),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_connections_are_bounded),
		cmocka_unit_test(test_bars_are_a_ring),
		cmocka_unit_test(test_long_label),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

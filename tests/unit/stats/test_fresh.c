/* SPDX-License-Identifier: Apache-2.0 */
/* Whose exchanges have connections of their own: by rows, too many pairs, and each allocation failing. */
#include "alloc_fail.h"

#include "../../../agent/stats/fresh.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

struct ends {
	struct conn_facts conn;
	struct exchange exchange;
};

/* An exchange of "node" with 10.0.0.2:443 over TLS, the first of its connection. */
static void ends_init(struct ends *ends)
{
	*ends = (struct ends){
		.conn = { .sock = { .family = AF_INET,
				    .peer_port = 443,
				    .local = { 10, 0, 0, 1 },
				    .peer = { 10, 0, 0, 2 } },
			  .role = ROLE_CLIENT,
			  .tls = true,
			  .opened_ns = 5,
			  .connect_ns = 100,
			  .handshake_ns = 1000 },
		.exchange = { .mover = { .pid = 7, .exe = "node" }, .opening = true },
	};
	ends->exchange.conn = &ends->conn;
}

static void nothing(struct ends *ends)
{
	(void)ends;
}

static void kept(struct ends *ends)
{
	ends->exchange.opening = false;
}

static void existed(struct ends *ends)
{
	ends->conn.existing = true;
}

static void never_opened(struct ends *ends)
{
	ends->conn.opened_ns = 0;
}

static void on_unix(struct ends *ends)
{
	ends->conn.sock.family = AF_UNIX;
}

static void served(struct ends *ends)
{
	ends->conn.role = ROLE_SERVER;
	ends->conn.sock.peer_port = 40000;
}

static void served_here(struct ends *ends)
{
	served(ends);
	memcpy(ends->conn.sock.local, ends->conn.sock.peer, sizeof(ends->conn.sock.local));
}

static void served_to_a_client_that_is_seen(struct ends *ends)
{
	static const struct exchange client;

	served(ends);
	ends->exchange.other = &client;
}

static void role_unknown(struct ends *ends)
{
	ends->conn.role = ROLE_UNKNOWN;
}

static void in_the_clear(struct ends *ends)
{
	ends->conn.tls = false;
	ends->conn.handshake_ns = 0;
}

static const struct {
	const char *name;
	void (*change)(struct ends *ends);
	size_t changed, others; /* so many of either, in turn */
	const char *expected;	/* "program[pid] port fresh/tls of exchanges connect handshake", each */
} rows[] = {
	{ "each has its own", nothing, 0, 5, "node[7] 443 5/5 of 5 500 5000\n" },
	{ "too few to tell", nothing, 0, 4, "" },
	{ "more than half", kept, 2, 3, "node[7] 443 3/3 of 5 300 3000\n" },
	{ "half", kept, 3, 3, "" },
	{ "one connection", kept, 9, 1, "" },
	{ "in the clear", in_the_clear, 5, 0, "node[7] 443 5/0 of 5 500 0\n" },
	{ "connections older than hark", existed, 9, 0, "" },
	{ "their beginning was not seen", never_opened, 9, 0, "" },
	{ "Unix sockets", on_unix, 9, 0, "" },
	{ "at the server, the client elsewhere", served, 5, 0, "node[7] 0 5/5 of 5 500 5000\n" },
	{ "at the server, the client here", served_here, 9, 0, "" },
	{ "at both ends", served_to_a_client_that_is_seen, 9, 5, "node[7] 443 5/5 of 5 500 5000\n" },
	{ "nobody knows which end", role_unknown, 9, 0, "" },
};

static const char *habits_text(const struct fresh *fresh, char text[1024])
{
	const struct fresh_pair *pairs[3];
	size_t count = fresh_habits(fresh, pairs, 3), len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)sprintf(text + len, "%s[%u] %u %u/%u of %u %u %u\n", pairs[i]->program,
				       pairs[i]->pid, pairs[i]->peer.peer_port, (unsigned int)pairs[i]->fresh,
				       (unsigned int)pairs[i]->fresh_tls, (unsigned int)pairs[i]->exchanges,
				       (unsigned int)pairs[i]->connect_ns,
				       (unsigned int)pairs[i]->handshake_ns);
	return text;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fresh *fresh = fresh_new();
		struct ends ends;
		char text[1024];

		assert_non_null(fresh);
		for (size_t n = 0; n < rows[i].changed + rows[i].others; n++) {
			ends_init(&ends);
			if (n < rows[i].changed)
				rows[i].change(&ends);
			fresh_count(fresh, &ends.exchange);
		}
		if (strcmp(habits_text(fresh, text), rows[i].expected) != 0)
			fail_msg("%s: %s", rows[i].name, text);
		fresh_free(fresh);
	}
}

/* Of several those who pay most stand first; a program that is many processes has no number. */
static void test_order(void **state)
{
	struct fresh *fresh = fresh_new();
	struct ends ends;
	char text[1024];

	(void)state;
	for (uint32_t n = 0; n < 5 * 6; n++) {
		ends_init(&ends);
		ends.conn.sock.peer_port = (uint16_t)(n % 5);
		ends.conn.connect_ns = n % 5;
		ends.exchange.mover.pid = n % 5 == 3 ? n : 7;
		fresh_count(fresh, &ends.exchange);
	}
	assert_string_equal(habits_text(fresh, text),
			    "node[7] 4 6/6 of 6 24 6000\nnode[0] 3 6/6 of 6 18 6000\n"
			    "node[7] 2 6/6 of 6 12 6000\n");
	fresh_free(fresh);
	fresh_free(NULL);
}

/* Thousands of programs that ask once leave the one that asks often in its place. */
static void test_many(void **state)
{
	struct fresh *fresh = fresh_new();
	struct ends ends;
	char text[1024];

	(void)state;
	for (int n = 0; n < 20000; n++) {
		ends_init(&ends);
		if (n % 100)
			sprintf(ends.exchange.mover.exe, "scan%d", n);
		fresh_count(fresh, &ends.exchange);
	}
	assert_string_equal(habits_text(fresh, text), "node[7] 443 200/200 of 200 20000 200000\n");
	assert_int_equal(HASH_COUNT(fresh->entries), PAIRS_MAX);
	fresh_free(fresh);
}

/* What there is no memory for is counted, and what was counted before stands. */
static void test_no_memory(void **state)
{
	struct ends ends;

	(void)state;
	for (long nth = 1; nth < 4; nth++) {
		struct fresh *fresh = fresh_new();
		uint64_t before = counters[COUNTER_LIMIT_MEMORY];

		ends_init(&ends);
		alloc_fail_countdown = nth;
		fresh_count(fresh, &ends.exchange);
		alloc_fail_countdown = 0;
		assert_int_equal(counters[COUNTER_LIMIT_MEMORY] - before, 1);
		fresh_count(fresh, &ends.exchange);
		assert_int_equal(HASH_COUNT(fresh->entries), 1);
		fresh_free(fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

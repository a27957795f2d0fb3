/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each row is a script of two or more ends of connections, and what was shown:
 *
 *   +C *C -C         the connection C is there, opens, closes (C, c: client and server of one; X: another,
 * elsewhere; D: a second socket with C's addresses; E, e: C's addresses in another network namespace; V, v:
 * client and server in two namespaces; W: V's addresses in a third, and another connection) C:1:a:0:10 an
 * exchange on C: stream 1, target a, from 0 ms for 10 ms ("?" for 10: not known) !500             one poll at
 * 500 ms
 *   @500             as many polls as it takes at 500 ms
 *
 *   C:1:a            shown alone; > first of a joined pair, < second of it, ~ after its other end
 */
#include "base/budget.h"
#include "base/counters.h"
#include "message.h"
#include "pair/join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MS 1000000ull

struct row {
	const char *name, *script, *expected;
};

static const struct row rows[] = {
	{ "stream joined, server first", "+C +c c:1:a:1:5 C:1:a:0:9", "c:1:a> C:1:a<" },
	{ "stream joined, client first", "+C +c C:1:a:0:9 c:1:a:1:5", "c:1:a> C:1:a<" },
	{ "streams in any order", "+C +c c:3:b:1:5 c:1:a:1:5 C:1:a:0:9 C:3:b:0:9",
	  "c:1:a> C:1:a< c:3:b> C:3:b<" },
	{ "stream of another request", "+C +c c:1:a:1:5 C:1:b:0:9 @600", "c:1:a C:1:b" },
	{ "two sides of one role", "+C +D C:1:a:0:9 D:1:a:0:9", "C:1:a D:1:a" },
	{ "no other end here", "+C C:1:a:0:9", "C:1:a" },
	{ "the other end opens later", "+C C:1:a:0:9 +c c:3:b:1:5 C:3:b:0:9", "C:1:a c:3:b> C:3:b<" },
	{ "in another namespace", "+V V:1:a:0:9 +v v:3:b:1:5 V:3:b:0:9", "V:1:a v:3:b> V:3:b<" },
	{ "a second socket of the same addresses, later", "+C +c c:1:a:1:5 C:1:a:0:9 +D c:3:b:1:5 C:3:b:0:9",
	  "c:1:a> C:1:a< c:3:b C:3:b" },
	{ "other addresses", "+C +X C:1:a:0:9 X:1:a:0:9", "C:1:a X:1:a" },
	{ "other end never tells: shown after a while", "+C +c C:1:a:0:9 @100 @508 @509", "C:1:a" },
	{ "other end comes late", "+C +c c:1:a:0:9 @509 C:1:a:0:900", "c:1:a C:1:a~" },
	{ "a poll far in time is not enough", "+C +c c:1:a:1:5 !9000 C:1:a:0:9", "c:1:a> C:1:a<" },
	{ "nor is time before its end", "+C +c c:1:a:100:9000 @9500 C:1:a:0:9200", "c:1:a> C:1:a<" },
	{ "closed: what waits is shown", "+C C:1:a:0:9 -C", "C:1:a" },
	{ "closed first: it waits for its other end", "+C +c C:1:a:0:9 -C c:1:a:1:5", "c:1:a> C:1:a<" },
	{ "closed first, server", "+C +c c:1:a:1:5 -c C:1:a:0:9 -C", "c:1:a> C:1:a<" },
	{ "closed first, HTTP/1, two of them", "*C *c C:0:a:0:9 C:0:b:20:9 -C c:0:a:1:5 c:0:b:21:5 -c",
	  "c:0:a> C:0:a< c:0:b> C:0:b<" },
	{ "closed first, in vain: both closed", "+C +c C:1:a:0:9 -C -c", "C:1:a" },
	{ "closed first, in vain: the grace passed", "+C +c C:1:a:0:9 -C @509 c:1:a:1:700", "C:1:a c:1:a~" },
	{ "closed first, in vain: addresses used again", "+C +c C:1:a:0:9 -C +C C:1:b:20:9 c:1:b:21:5",
	  "?:1:a c:1:b> C:1:b<" },
	{ "its other end closed", "+C +c C:1:a:0:9 -c", "C:1:a" },
	{ "after the other end closed", "+C +c c:1:a:0:9 -c @509 C:1:a:0:900", "c:1:a C:1:a~" },
	{ "HTTP/1: request, order, time", "+C +c c:0:a:1:5 C:0:a:0:9 c:0:a:11:5 C:0:a:10:9",
	  "c:0:a> C:0:a< c:0:a> C:0:a<" },
	{ "HTTP/1: another time", "+C +c c:0:a:1:5 C:0:a:100:9 @700", "c:0:a C:0:a" },
	{ "HTTP/1: times that only touch", "+C +c c:0:a:1:8 C:0:a:8:9 @600", "c:0:a C:0:a" },
	{ "HTTP/1: duration not known", "+C +c c:0:a:1:? C:0:a:0:9 @600", "c:0:a C:0:a" },
	{ "HTTP/1: what is older stays alone", "+C +c c:0:a:1:5 c:0:b:6:2 C:0:b:6:3", "c:0:a c:0:b> C:0:b<" },
	{ "HTTP/1: counted from the beginning, whatever the times",
	  "*C *c c:0:a:1:5 C:0:a:7:9 C:0:a:20:3 c:0:a:18:1", "c:0:a> C:0:a< c:0:a> C:0:a<" },
	{ "HTTP/1: counted, one is missing here", "*C *c C:0:a:0:5 C:0:b:6:3 c:0:b:7:1 @700",
	  "C:0:a C:0:b c:0:b" },
	{ "two sockets of the same addresses: nobody can tell", "+C +D +c c:1:a:1:5 C:1:a:0:9",
	  "c:1:a C:1:a" },
	{ "the same addresses in two namespaces", "+C +E +e +c c:1:a:1:5 E:1:a:0:9 C:1:a:0:9 e:1:a:1:5",
	  "c:1:a> C:1:a< e:1:a> E:1:a<" },
	{ "no other end in this namespace", "+C +e C:1:a:0:9 e:1:a:1:5 @600", "C:1:a e:1:a" },
	{ "between two namespaces", "+V +v v:1:a:1:5 V:1:a:0:9", "v:1:a> V:1:a<" },
	{ "between two namespaces, after the end", "+V +v v:1:a:1:5 -v V:1:a:0:9", "v:1:a> V:1:a<" },
	{ "other sequence numbers", "+W +v v:1:a:1:5 W:1:a:0:9", "v:1:a W:1:a" },
	{ "between two of three namespaces", "+V +W +v v:1:a:1:5 V:1:a:0:9 W:1:a:0:9",
	  "v:1:a> V:1:a< W:1:a" },
	{ "addresses used again", "+C +c c:1:a:1:5 C:1:a:0:9 -c -C +C +c c:1:b:1:5 C:1:b:0:9",
	  "c:1:a> C:1:a< c:1:b> C:1:b<" },
	{ "addresses used again while the other end is kept", "+C +c -c +c c:1:b:1:5 C:1:b:0:9",
	  "c:1:b> C:1:b<" },
};

struct stage {
	struct join *join;
	struct conn_facts conns[256]; /* by letter */
	char shown[4096];
	bool wanted;
	uint64_t server_ns, network_ns, peer;
};

/* An exchange that waited has facts of its own. */
static char letter_of(const struct stage *stage, const struct conn_facts *conn)
{
	for (int i = 0; i < 128; i++)
		if (stage->conns[i].id && stage->conns[i].id == conn->id)
			return (char)i;
	return '?';
}

static bool show(void *ctx, const struct exchange *exchange)
{
	struct stage *stage = ctx;
	size_t used = strlen(stage->shown);
	char letter = letter_of(stage, exchange->conn);
	const char *join = exchange->join == JOIN_FIRST	 ? ">"
			   : exchange->join == JOIN_NONE ? ""
			   : exchange->other		 ? "<"
							 : "~";

	assert_true((exchange->join == JOIN_FIRST) <= (exchange->other != NULL));
	snprintf(stage->shown + used, sizeof(stage->shown) - used, "%s%c:%u:%.*s%s", used ? " " : "", letter,
		 exchange->key, (int)exchange->request->target.len,
		 (const char *)exchange->request->target.data, join);
	if (exchange->split_known) {
		stage->server_ns = exchange->server_ns;
		stage->network_ns = exchange->network_ns;
	}
	stage->peer = exchange->peer_connection;
	return stage->wanted;
}

/* In a namespace of its own, with its place in the sequence numbers. */
static void conn_set_apart(struct conn_facts *conn, char letter)
{
	bool server = islower(letter);

	conn->sock.family = AF_INET;
	memcpy(conn->sock.local, server ? "\x0a\0\0\2" : "\x0a\0\0\1", 4);
	memcpy(conn->sock.peer, server ? "\x0a\0\0\1" : "\x0a\0\0\2", 4);
	conn->sock.netns[0] = letter;
	conn->origin.number[!server] = letter == 'W' ? 5000 : 1000;
	conn->origin.known[!server] = true;
}

static void conn_set(struct conn_facts *conn, char letter)
{
	static uint64_t ids;
	bool server = islower(letter);

	*conn = (struct conn_facts){
		.id = ++ids,
		.role = server ? ROLE_SERVER : ROLE_CLIENT,
		.sock = { .family = server ? AF_INET6 : AF_INET,
			  .local_port = server ? 80 : 4000,
			  .peer_port = server ? 4000 : 80 },
	};
	/* The server is a dual-stack one. */
	if (server) {
		memcpy(conn->sock.local, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
		memcpy(conn->sock.peer, conn->sock.local, 16);
	} else {
		memcpy(conn->sock.local, "\x7f\0\0\1", 4);
		memcpy(conn->sock.peer, "\x7f\0\0\1", 4);
	}
	if (letter == 'X')
		conn->sock.local_port++;
	if (toupper(letter) == 'E')
		conn->sock.netns[0] = 2;
	if (toupper(letter) == 'V' || toupper(letter) == 'W')
		conn_set_apart(conn, letter);
}

static void give(struct stage *stage, const char *word)
{
	char letter = word[0], target, duration[16];
	unsigned int key, start;
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	assert_int_equal(sscanf(word, "%c:%u:%c:%u:%15s", &letter, &key, &target, &start, duration), 5);
	exchange->request = message_new(MESSAGE_REQUEST, 4096);
	exchange->request->method = SLICE("GET");
	exchange->request->target = (struct slice){ (const uint8_t *)(target == 'a' ? "a" : "b"), 1 };
	exchange->conn = &stage->conns[(unsigned char)letter];
	exchange->key = key;
	exchange->start_ns = start * MS;
	exchange->duration_known = *duration != '?';
	exchange->duration_ns = strtoull(duration, NULL, 10) * MS;
	exchange->keepable = true;
	stage->conns[(unsigned char)letter].exchanges++;
	join_exchange(stage->join, exchange);
	exchange_fini(exchange);
	free(exchange);
}

static void run(struct stage *stage, const char *script)
{
	char *words = strdup(script), *rest = words, *word;

	while ((word = strtok_r(rest, " ", &rest))) {
		struct conn_facts *conn = &stage->conns[(unsigned char)word[1]];

		if (*word == '+' || *word == '*') {
			conn_set(conn, word[1]);
			conn->opened_ns = *word == '*';
			join_conn_opened(stage->join, conn);
		} else if (*word == '-') {
			join_conn_closed(stage->join, conn);
		} else if (*word == '!') {
			join_poll(stage->join, strtoull(word + 1, NULL, 10) * MS);
		} else if (*word == '@') {
			for (int i = 0; i < 4; i++)
				join_poll(stage->join, strtoull(word + 1, NULL, 10) * MS);
		} else {
			give(stage, word);
		}
	}
	free(words);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct stage stage;

		memset(&stage, 0, sizeof(stage));
		stage.wanted = true;
		stage.join = join_new(NULL, show, &stage);
		run(&stage, rows[i].script);
		join_free(stage.join);
		if (strcmp(stage.shown, rows[i].expected) != 0)
			fail_msg("%s: %s, not %s", rows[i].name, stage.shown, rows[i].expected);
	}
}

static void test_split_and_peer(void **state)
{
	static struct stage stage;

	(void)state;
	stage.join = join_new(NULL, show, &stage);
	run(&stage, "+C +c c:1:a:1:5 C:1:a:0:9");
	assert_int_equal(stage.server_ns, 5 * MS);
	assert_int_equal(stage.network_ns, 4 * MS);
	assert_int_equal(stage.peer, stage.conns['c'].id);
	run(&stage,
	    "c:3:a:20:5 @600 C:3:a:19:700"); /* nobody wanted the first: the second stands for itself */
	assert_string_equal(stage.shown, "c:1:a> C:1:a< c:3:a C:3:a");
	assert_int_equal(stage.network_ns, 695 * MS);
	join_free(stage.join);
}

/* One that says nothing is not waited for, nor what may not be kept. */
static void test_no_waiting(void **state)
{
	static struct stage stage;

	(void)state;
	stage.join = join_new(NULL, show, &stage);
	run(&stage, "+C +c");
	stage.conns['c'].muted = "not HTTP";
	run(&stage, "C:1:a:0:9");
	assert_string_equal(stage.shown, "C:1:a");
	stage.conns['c'].muted = NULL;
	stage.conns['c'].opaque = "why";
	run(&stage, "C:3:a:0:9");
	assert_string_equal(stage.shown, "C:1:a C:3:a");
	join_free(stage.join);
}

static void test_end_shows_what_waits(void **state)
{
	static struct stage stage;

	(void)state;
	stage.join = join_new(NULL, show, &stage);
	run(&stage, "+C +c C:1:a:0:9 C:3:b:0:9");
	assert_string_equal(stage.shown, "");
	join_end(stage.join);
	assert_string_equal(stage.shown, "C:1:a C:3:b");
	join_free(stage.join);
}

/* Of what was shown already the last ones are kept in mind, no more. */
static void test_bound(void **state)
{
	static struct stage stage;
	char word[32];

	(void)state;
	stage.join = join_new(NULL, show, &stage);
	stage.wanted = true;
	run(&stage, "+C +c");
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(word, sizeof(word), "C:%u:a:0:9", 2 * i + 1);
		give(&stage, word);
	}
	run(&stage, "@600");
	stage.shown[0] = '\0';
	run(&stage, "c:71:a:0:9 c:73:a:0:9 @1200");
	assert_string_equal(stage.shown, "c:73:a~ c:71:a");
	join_free(stage.join);
}

static void give_large(struct stage *stage, uint32_t key, size_t bytes)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	exchange->request = message_new(MESSAGE_REQUEST, 0);
	exchange->request->method = SLICE("GET");
	exchange->request->target = SLICE("a");
	assert_non_null(arena_alloc(&exchange->request->arena, bytes));
	exchange->conn = &stage->conns['C'];
	exchange->key = key;
	exchange->keepable = exchange->duration_known = true;
	join_exchange(stage->join, exchange);
	exchange_fini(exchange);
	free(exchange);
}

/*
 * Exchanges that wait are charged to the budget, of which it takes a quarter: the oldest do not wait any
 * longer.
 */
static void test_bytes_are_bounded(void **state)
{
	struct budget budget = { .limit_bytes = 256 << 20 };
	static struct stage stage;

	(void)state;
	memset(counters, 0, sizeof(counters));
	stage.join = join_new(&budget, show, &stage);
	run(&stage, "+C +c");
	for (unsigned int i = 0; !stage.shown[0] && i < 1000; i++)
		give_large(&stage, 2 * i + 1, 1 << 20);
	assert_string_equal(stage.shown, "C:1:a");
	assert_int_equal(counters[COUNTER_LIMIT_JOINS], 1);
	assert_in_range(budget.held_bytes, 63 << 20, 64 << 20);
	assert_in_range(counters[COUNTER_MEMORY_HELD_PEAK], 63 << 20, 64 << 20);
	run(&stage, "-C -c");
	assert_int_equal(budget.held_bytes, 0);
	join_free(stage.join);
}

static bool look_at_tls(void *ctx, const struct exchange *exchange)
{
	bool *tls = ctx;

	*tls = exchange->conn->tls;
	return true;
}

/*
 * A tunnel that was asked for in the clear: what waits says of its
 * connection what was so when it was over.
 */
static void test_facts_are_those_of_then(void **state)
{
	static struct stage stage;
	bool tls = true;

	(void)state;
	stage.join = join_new(NULL, look_at_tls, &tls);
	run(&stage, "+C +c C:1:a:0:9");
	assert_true(tls); /* nothing was shown yet */
	stage.conns['C'].tls = true;
	run(&stage, "-C -c");
	assert_false(tls);
	join_free(stage.join);
}

/* Others hold too much: waiting ends at once. */
static void test_budget_is_shared(void **state)
{
	struct budget budget = { .limit_bytes = 256 << 20 };
	size_t others = 0;
	static struct stage stage;

	(void)state;
	stage.join = join_new(&budget, show, &stage);
	run(&stage, "+C +c");
	give_large(&stage, 1, 1000);
	give_large(&stage, 3, 1000);
	assert_string_equal(stage.shown, "");
	budget_set(&budget, &others, 257 << 20);
	give_large(&stage, 5, 1000);
	assert_string_equal(stage.shown, "C:1:a C:3:a");
	budget_set(&budget, &others, 0);
	join_end(stage.join);
	join_free(stage.join);
	assert_int_equal(budget.held_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_split_and_peer),
		cmocka_unit_test(test_no_waiting),
		cmocka_unit_test(test_end_shows_what_waits),
		cmocka_unit_test(test_facts_are_those_of_then),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_bytes_are_bounded),
		cmocka_unit_test(test_budget_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

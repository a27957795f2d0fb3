/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's protocol by conversations: whole, byte by byte, split everywhere, with a hole everywhere,
 * joined at each turn, which gives right exchanges or marked ones.
 */
#include "pg_build.h"
#include "postgresql/pg_evidence.h"
#include "query_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TURNS_MAX 16

/* What the client sends, then the server, by turns. */
struct talk {
	struct pg_bytes turns[TURNS_MAX];
	size_t count;
};

static struct pg_bytes *turn(struct talk *talk)
{
	return &talk->turns[talk->count++];
}

static void begin(struct talk *talk)
{
	pg_startup(turn(talk));
	pg_welcome(turn(talk));
}

static void simple(struct talk *talk)
{
	struct pg_bytes *out;

	begin(talk);
	PG(turn(talk), 'Q', "select 1\0");
	out = turn(talk);
	pg_columns(out);
	pg_row(out);
	pg_row(out);
	PG(out, 'C', "SELECT 2\0");
	PG(out, 'Z', "I");
	PG(turn(talk), 'Q', "insert into t values (1)\0");
	out = turn(talk);
	PG(out, 'N', "SNOTICE\0C00000\0Mhm\0\0");
	PG(out, 'C', "INSERT 0 3\0");
	PG(out, 'Z', "I");
	PG(turn(talk), 'Q', "selct\0");
	out = turn(talk);
	PG(out, 'E', "SERROR\0VERROR\0C42601\0Msyntax\0\0");
	PG(out, 'Z', "I");
	PG(turn(talk), 'Q', "create table t (a int); select 1\0");
	out = turn(talk);
	PG(out, 'C', "CREATE TABLE\0");
	pg_columns(out);
	pg_row(out);
	PG(out, 'C', "SELECT 1\0");
	PG(out, 'Z', "I");
}

static void execute(struct pg_bytes *out)
{
	PG(out, 'D', "P\0");
	PG(out, 'E', "\0\0\0\0\0");
}

static void executed(struct pg_bytes *out)
{
	PG(out, '2', "");
	pg_columns(out);
	pg_row(out);
	PG(out, 'C', "SELECT 1\0");
}

static void extended(struct talk *talk)
{
	struct pg_bytes *out;

	begin(talk);
	out = turn(talk);
	PG(out, 'P', "\0select $1\0\0\0");
	PG(out, 'B', "\0\0\0\0\0\1\0\0\0\2hi\0\0");
	execute(out);
	PG(out, 'S', "");
	out = turn(talk);
	PG(out, '1', "");
	executed(out);
	PG(out, 'Z', "I");
	/* Prepared by itself, then run twice, and once more by pieces. */
	out = turn(talk);
	PG(out, 'P', "s1\0select $1 from a\0\0\0");
	PG(out, 'D', "Ss1\0");
	PG(out, 'S', "");
	out = turn(talk);
	PG(out, '1', "");
	PG(out, 't', "\0\1\0\0\0\x19");
	pg_columns(out);
	PG(out, 'Z', "I");
	for (int i = 0; i < 2; i++) {
		out = turn(talk);
		PG(out, 'B', "\0s1\0\0\0\0\0\0\0");
		execute(out);
		PG(out, 'S', "");
		out = turn(talk);
		executed(out);
		PG(out, 'Z', "I");
	}
	out = turn(talk);
	PG(out, 'B', "port\0s1\0\0\0\0\0\0\0");
	PG(out, 'E', "port\0\0\0\0\1");
	PG(out, 'H', "");
	out = turn(talk);
	PG(out, '2', "");
	pg_row(out);
	PG(out, 's', "");
	out = turn(talk);
	PG(out, 'E', "port\0\0\0\0\1");
	PG(out, 'C', "Pport\0");
	PG(out, 'S', "");
	out = turn(talk);
	PG(out, 'C', "SELECT 0\0");
	PG(out, '3', "");
	PG(out, 'Z', "I");
}

static void pipelined(struct talk *talk)
{
	struct pg_bytes *out;

	begin(talk);
	out = turn(talk);
	PG(out, 'P', "\0select 1\0\0\0");
	PG(out, 'B', "\0\0\0\0\0\0\0\0");
	PG(out, 'E', "\0\0\0\0\0");
	PG(out, 'S', "");
	PG(out, 'P', "bad\0select no\0\0\0");
	PG(out, 'B', "\0bad\0\0\0\0\0\0\0");
	PG(out, 'E', "\0\0\0\0\0");
	PG(out, 'P', "\0select 2\0\0\0");
	PG(out, 'B', "\0\0\0\0\0\0\0\0");
	PG(out, 'E', "\0\0\0\0\0");
	PG(out, 'S', "");
	PG(out, 'P', "\0select 3\0\0\0");
	PG(out, 'B', "\0\0\0\0\0\0\0\0");
	PG(out, 'E', "\0\0\0\0\0");
	PG(out, 'S', "");
	out = turn(talk);
	PG(out, '1', "");
	PG(out, '2', "");
	PG(out, 'C', "SELECT 0\0");
	PG(out, 'Z', "I");
	PG(out, 'E', "SERROR\0C42703\0Mno\0\0");
	PG(out, 'Z', "I");
	PG(out, '1', "");
	PG(out, '2', "");
	pg_row(out);
	PG(out, 'C', "SELECT 1\0");
	PG(out, 'Z', "I");
	/* The statement whose Parse failed is not known. */
	out = turn(talk);
	PG(out, 'B', "\0bad\0\0\0\0\0\0\0");
	PG(out, 'E', "\0\0\0\0\0");
	PG(out, 'S', "");
	out = turn(talk);
	PG(out, 'E', "SERROR\0C26000\0Mno\0\0");
	PG(out, 'Z', "I");
}

/* The error comes before the client has sent all up to Sync. */
static void failed_early(struct talk *talk)
{
	struct pg_bytes *out;

	begin(talk);
	out = turn(talk);
	PG(out, 'P', "x\0selct\0\0\0");
	PG(out, 'H', "");
	PG(turn(talk), 'E', "SERROR\0C42601\0Mno\0\0");
	out = turn(talk);
	PG(out, 'B', "\0x\0\0\0\0\0\0\0");
	PG(out, 'E', "\0\0\0\0\0");
	PG(out, 'S', "");
	PG(turn(talk), 'Z', "I");
	PG(turn(talk), 'Q', "select 9\0");
	out = turn(talk);
	PG(out, 'C', "SELECT 0\0");
	PG(out, 'Z', "I");
}

static void copied(struct talk *talk)
{
	struct pg_bytes *out;

	begin(talk);
	PG(turn(talk), 'Q', "copy t from stdin\0");
	PG(turn(talk), 'G', "\0\0\1\0\0");
	out = turn(talk);
	PG(out, 'd', "1\n2\n");
	PG(out, 'c', "");
	out = turn(talk);
	PG(out, 'C', "COPY 2\0");
	PG(out, 'Z', "I");
	PG(turn(talk), 'Q', "copy t to stdout\0");
	out = turn(talk);
	PG(out, 'H', "\0\0\1\0\0");
	PG(out, 'd', "1\n");
	PG(out, 'c', "");
	PG(out, 'C', "COPY 1\0");
	PG(out, 'Z', "I");
	PG(turn(talk), 'F', "\0\0\0\1\0\0\0\0\0\0");
	out = turn(talk);
	PG(out, 'V', "\xff\xff\xff\xff");
	PG(out, 'Z', "I");
	PG(turn(talk), 'X', "");
}

static void refused(struct talk *talk)
{
	struct pg_bytes *out = turn(talk);

	PG(out, 0, "\x04\xd2\x16\x2f");
	pg_put(turn(talk), "N", 1);
	pg_startup(turn(talk));
	PG(turn(talk), 'R', "\0\0\0\3");
	PG(turn(talk), 'p', "secret\0");
	PG(turn(talk), 'E', "SFATAL\0C28P01\0Mpassword authentication failed\0\0");
}

static const struct {
	const char *name;
	void (*make)(struct talk *talk);
	const char *expected;
} cases[] = {
	{ "simple", simple,
	  "query \"select 1\" -> ok returned 2\n"
	  "query \"insert into t values (1)\" -> ok affected 3\n"
	  "query \"selct\" -> 42601\n"
	  "query \"create table t (a int); select 1\" -> ok returned 1\n" },
	{ "extended", extended,
	  "execute \"select $1\" -> ok returned 1\n"
	  "prepare \"select $1 from a\" -> ok\n"
	  "execute \"select $1 from a\" -> ok returned 1\n"
	  "execute \"select $1 from a\" -> ok returned 1\n"
	  "execute \"select $1 from a\" -> ok returned 1\n"
	  "execute \"select $1 from a\" -> ok returned 0\n" },
	{ "pipelined", pipelined,
	  "execute \"select 1\" -> ok returned 0\n"
	  "execute \"select no\" -> 42703\n"
	  "execute \"select 2\" -> nothing [unanswered]\n"
	  "execute \"select 3\" -> ok returned 1\n"
	  "execute ? -> 26000 [gap]\n" },
	{ "failed early", failed_early,
	  "prepare \"selct\" -> 42601\n"
	  "execute ? -> nothing [gap,unanswered]\n"
	  "query \"select 9\" -> ok returned 0\n" },
	{ "copied", copied,
	  "query \"copy t from stdin\" -> ok affected 2\n"
	  "query \"copy t to stdout\" -> ok affected 1\n"
	  "function ? -> ok\n" },
	{ "refused", refused, "connect ? -> 28P01\n" },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

struct run {
	struct query_text text;
	struct protocol *protocol;
};

static void run_begin(struct run *run, bool from_start)
{
	struct protocol_config config = { .from_start = { from_start, from_start },
					  .message_limit_bytes = 65536 };
	struct protocol_handler handler;

	*run = (struct run){ .protocol = NULL };
	handler = query_text_handler(&run->text);
	run->protocol = postgresql_protocol.create(&config, &handler);
	assert_non_null(run->protocol);
}

static void run_feed(struct run *run, size_t number, struct slice bytes)
{
	assert_int_equal(postgresql_protocol.feed(run->protocol,
						  number % 2 ? DIRECTION_RECEIVED : DIRECTION_SENT, bytes,
						  number + 1),
			 bytes.len);
}

static char *run_end(struct run *run)
{
	postgresql_protocol.end(run->protocol, END_CLOSED, 99);
	assert_false(postgresql_protocol.memory(run->protocol) > 1000000);
	postgresql_protocol.destroy(run->protocol);
	return query_text_get(&run->text);
}

/* Each turn whole, in pieces of `step` bytes, or in two at `at`. */
static void check(size_t i, size_t step, size_t at)
{
	struct talk talk = { .count = 0 };
	struct run run;
	char *text;

	cases[i].make(&talk);
	run_begin(&run, true);
	for (size_t n = 0; n < talk.count; n++) {
		struct slice bytes = slice_of(talk.turns[n].data, talk.turns[n].len);

		if (at)
			run_feed(&run, n, slice_take(bytes, at));
		bytes = slice_drop(bytes, at);
		while (bytes.len) {
			run_feed(&run, n, slice_take(bytes, step));
			bytes = slice_drop(bytes, step);
		}
	}
	text = run_end(&run);
	assert_string_equal(text, cases[i].expected);
	assert_int_equal(run.text.notes[NOTE_BYTES_UNPARSED], 0);
	assert_int_equal(run.text.notes[NOTE_MESSAGE_REFUSED], 0);
	free(text);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		print_message("%s\n", cases[i].name);
		check(i, 8192, 0);
		check(i, 1, 0);
		for (size_t at = 1; at < 200; at++)
			check(i, 8192, at);
	}
}

/* `size` bytes are missing at each place; unknown: nobody knows how many. */
static void holes(size_t i, size_t size, bool unknown)
{
	struct talk talk = { .count = 0 };

	cases[i].make(&talk);
	for (size_t t = 0; t < talk.count; t++) {
		for (size_t at = 0; at + size <= talk.turns[t].len; at++) {
			struct run run;
			char *text;

			run_begin(&run, true);
			for (size_t n = 0; n < talk.count; n++) {
				struct slice bytes = slice_of(talk.turns[n].data, talk.turns[n].len);

				if (n == t) {
					run_feed(&run, n, slice_take(bytes, at));
					postgresql_protocol.hole(run.protocol,
								 n % 2 ? DIRECTION_RECEIVED : DIRECTION_SENT,
								 unknown ? HOLE_UNKNOWN_SIZE : size, n + 1);
					bytes = slice_drop(bytes, at + size);
				}
				run_feed(&run, n, bytes);
			}
			text = run_end(&run);
			if (!query_text_fits(text, cases[i].expected))
				fail_msg("%s, turn %zu, at %zu:\n%s", cases[i].name, t, at, text);
			free(text);
		}
	}
}

static void test_holes(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		holes(i, 1, false);
		holes(i, 7, false);
		holes(i, 20, true);
	}
}

/* After a hole the next but one is whole again. */
static void test_next_after_hole(void **state)
{
	struct talk talk = { .count = 0 };

	(void)state;
	simple(&talk);
	for (size_t t = 2; t < 4; t++) {
		struct run run;
		char *text;

		run_begin(&run, true);
		for (size_t n = 0; n < talk.count; n++) {
			struct slice bytes = slice_of(talk.turns[n].data, talk.turns[n].len);

			if (n == t) {
				postgresql_protocol.hole(
					run.protocol, n % 2 ? DIRECTION_RECEIVED : DIRECTION_SENT, 6, n + 1);
				bytes = slice_drop(bytes, 6);
			}
			run_feed(&run, n, bytes);
		}
		text = run_end(&run);
		assert_non_null(strstr(text, "query \"selct\" -> 42601\n"));
		assert_non_null(strstr(text, "insert into t values (1)\" -> ok affected 3"));
		free(text);
	}
}

/* Joined at each turn: what comes out is right, or marked. */
static void test_late(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		struct talk talk = { .count = 0 };

		cases[i].make(&talk);
		for (size_t from = 0; from < talk.count; from++) {
			for (size_t at = 0; at < 12 && at < talk.turns[from].len; at++) {
				struct run run;
				char *text;

				run_begin(&run, false);
				for (size_t n = from; n < talk.count; n++)
					run_feed(&run, n,
						 slice_drop(slice_of(talk.turns[n].data, talk.turns[n].len),
							    n == from ? at : 0));
				text = run_end(&run);
				if (!query_text_fits(text, cases[i].expected))
					fail_msg("%s, from %zu, at %zu:\n%s", cases[i].name, from, at, text);
				if (cases[i].make == simple && from == 2)
					assert_non_null(strstr(text, "query \"selct\" -> 42601\n"));
				free(text);
			}
		}
	}
}

/* A client that asks and asks, without an answer. */
static void test_many(void **state)
{
	struct pg_bytes out = { .len = 0 };
	struct run run;
	char *text;

	(void)state;
	run_begin(&run, true);
	pg_startup(&out);
	run_feed(&run, 0, slice_of(out.data, out.len));
	out.len = 0;
	PG(&out, 'S', "");
	for (size_t i = 0; i < 10000; i++)
		run_feed(&run, 2, slice_of(out.data, out.len));
	assert_int_equal(run.text.notes[NOTE_PIPELINE_LIMIT], 1);
	text = run_end(&run);
	assert_string_equal(text, "");
	free(text);
}

/* Names without end: those of the oldest statements are forgotten. */
static void test_names(void **state)
{
	char content[64];
	struct run run;
	char *text;

	(void)state;
	run_begin(&run, true);
	for (size_t i = 0; i < 1100; i++) {
		struct pg_bytes out = { .len = 0 };
		size_t len = (size_t)sprintf(content, "s%zu", i) + 1;

		if (!i)
			pg_startup(&out);
		memcpy(content + len, "select 1\0\0", 11);
		pg_put_message(&out, 'P', content, len + 11);
		run_feed(&run, 2 * i, slice_of(out.data, out.len));
		run.text = (struct query_text){ .notes = { [NOTE_STATEMENT_LIMIT] =
								   run.text.notes[NOTE_STATEMENT_LIMIT] } };
	}
	assert_int_equal(run.text.notes[NOTE_STATEMENT_LIMIT], 1100 - 1024);
	text = run_end(&run);
	free(text);
}

/* What is recognised. */
static void test_evidence(void **state)
{
	struct pg_bytes out = { .len = 0 };
	struct slice bytes;

	(void)state;
	pg_startup(&out);
	bytes = slice_of(out.data, out.len);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(pg_begins(slice_take(bytes, len)), PG_MORE);
	assert_int_equal(pg_begins(bytes), PG_FOUND);
	for (size_t i = 0; i < 8; i++) {
		out.data[i] ^= 0x80;
		assert_int_not_equal(pg_begins(bytes), PG_FOUND);
		out.data[i] ^= 0x80;
	}
	assert_int_equal(pg_answers(bytes), PG_NONE); /* a client begins with a zero, and a server does not */
	out.data[9] = 'X';			      /* no user */
	assert_int_equal(pg_begins(bytes), PG_NONE);
	out.len = 0;
	PG(&out, 'C', "UPDATE 12\0");
	PG(&out, 'Z', "T");
	bytes = slice_of(out.data, out.len);
	for (size_t len = 1; len < bytes.len; len++)
		assert_int_equal(pg_ready(slice_take(bytes, len)), PG_MORE);
	assert_int_equal(pg_ready(bytes), PG_FOUND);
	for (size_t i = 0; i < bytes.len; i++) {
		out.data[i] ^= 0x80;
		assert_int_equal(pg_ready(bytes), PG_NONE);
		out.data[i] ^= 0x80;
	}
	assert_false(pg_asks(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_next_after_hole),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

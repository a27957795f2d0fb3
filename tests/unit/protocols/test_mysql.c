/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL's protocol by conversations: whole, byte by byte, split everywhere, with a hole everywhere, joined at
 * each turn, which gives right exchanges or marked ones.
 */
#include "mysql/mysql_evidence.h"
#include "query_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TURNS_MAX 24

struct wire {
	uint8_t data[2048];
	size_t len;
};

/* What the server sends, then the client, by turns. */
struct talk {
	struct wire turns[TURNS_MAX];
	size_t count;
	uint8_t number;
};

static void put(struct wire *out, uint8_t number, const void *payload, size_t len)
{
	const uint8_t header[] = { (uint8_t)len, (uint8_t)(len >> 8), 0, number };

	memcpy(out->data + out->len, header, 4);
	memcpy(out->data + out->len + 4, payload, len);
	out->len += 4 + len;
}

#define PACKET(out, number, content) put(out, number, "" content, sizeof(content) - 1)

static struct wire *turn(struct talk *talk)
{
	return &talk->turns[talk->count++];
}

static void begin(struct talk *talk)
{
	PACKET(turn(talk), 0,
	       "\n5.5.5-10.11.6-"
	       "MariaDB\0\1\0\0\0saltsalt\0\xff\xf7\x2d\2\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0saltsalt1234\0");
	PACKET(turn(talk), 1,
	       "\x8d\xa2\x0a\0\0\0\0\1\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	       "me\0\x06secretbase\0mysql_native_password\0");
	PACKET(turn(talk), 2, "\0\0\0\2\0\0\0");
}

/* Rows behind columns, with the EOFs of old or without. */
static void rows(struct wire *out, bool eofs, bool more)
{
	uint8_t number = 1;

	PACKET(out, number++, "\2");
	PACKET(out, number++, "\3def\0\0\0\1a\0\xc\x3f\0\1\0\0\0\3\x81\0\0\0\0");
	PACKET(out, number++, "\3def\0\0\0\1b\0\xc\x3f\0\1\0\0\0\3\x81\0\0\0\0");
	if (eofs)
		PACKET(out, number++, "\xfe\0\0\2\0");
	PACKET(out, number++, "\0011\0012");
	PACKET(out, number++, "\xfb\0013");
	if (eofs && more)
		PACKET(out, number++, "\xfe\0\0\xa\0");
	else if (eofs)
		PACKET(out, number++, "\xfe\0\0\2\0");
	else
		PACKET(out, number++, "\xfe\0\0\2\0\0\0");
	if (more)
		PACKET(out, number++, "\0\3\0\2\0\0\0");
}

static void simple(struct talk *talk)
{
	begin(talk);
	PACKET(turn(talk), 0, "\3select a, b from t");
	rows(turn(talk), true, false);
	PACKET(turn(talk), 0, "\3select a, b from u");
	rows(turn(talk), false, false);
	PACKET(turn(talk), 0, "\3insert into t values ('x')");
	PACKET(turn(talk), 1, "\0\5\7\2\0\0\0");
	PACKET(turn(talk), 0, "\3select nothing");
	PACKET(turn(talk), 1, "\xff\x1e\4#42S22Unknown column");
	PACKET(turn(talk), 0, "\3select 1; update t set a = 1");
	rows(turn(talk), true, true);
	PACKET(turn(talk), 0, "\x0e");
	PACKET(turn(talk), 1, "\0\0\0\2\0\0\0");
	PACKET(turn(talk), 0, "\2other");
	PACKET(turn(talk), 1, "\0\0\0\2\0\0\0");
	PACKET(turn(talk), 0, "\1");
}

static void prepared(struct talk *talk)
{
	struct wire *out;

	begin(talk);
	PACKET(turn(talk), 0, "\x16select ? from t");
	out = turn(talk);
	PACKET(out, 1, "\0\7\0\0\0\1\0\1\0\0\0\0");
	PACKET(out, 2, "\3def\0\0\0\1?\0\xc\x3f\0\0\0\0\0\xfd\x80\0\0\0\0");
	PACKET(out, 3, "\xfe\0\0\2\0");
	PACKET(out, 4, "\3def\0\0\0\1?\0\xc\x3f\0\0\0\0\0\xfd\x80\0\0\0\0");
	PACKET(out, 5, "\xfe\0\0\2\0");
	PACKET(turn(talk), 0, "\x17\7\0\0\0\0\1\0\0\0\0\1\xfd\0\1x");
	rows(turn(talk), true, false);
	PACKET(turn(talk), 0, "\x17\x63\0\0\0\0\1\0\0\0");
	PACKET(turn(talk), 1, "\xff\xdb\4#HY000Unknown handler");
	PACKET(turn(talk), 0, "\x19\7\0\0\0");
}

static void infile(struct talk *talk)
{
	struct wire *out;

	begin(talk);
	PACKET(turn(talk), 0, "\3load data local infile 'f' into table t");
	PACKET(turn(talk), 1,
	       "\xfb"
	       "f");
	out = turn(talk);
	PACKET(out, 2, "1\n2\n");
	PACKET(out, 3, "");
	PACKET(turn(talk), 4, "\0\2\0\2\0\0\0");
}

static void refused(struct talk *talk)
{
	begin(talk);
	talk->turns[--talk->count].len = 0;
	PACKET(turn(talk), 2, "\xff\x15\4#28000Access denied");
}

static const struct {
	const char *name;
	void (*make)(struct talk *talk);
	const char *expected;
} cases[] = {
	{ "simple", simple,
	  "query \"select a, b from t\" -> ok returned 2\n"
	  "query \"select a, b from u\" -> ok returned 2\n"
	  "query \"insert into t values ('x')\" -> ok affected 5\n"
	  "query \"select nothing\" -> 1054\n"
	  "query \"select 1; update t set a = 1\" -> ok returned 2\n" },
	{ "prepared", prepared,
	  "prepare \"select ? from t\" -> ok\n"
	  "execute \"select ? from t\" -> ok returned 2\n"
	  "execute ? -> 1243 [gap]\n" },
	{ "infile", infile, "query \"load data local infile 'f' into table t\" -> ok affected 2\n" },
	{ "refused", refused, "connect ? -> 1045\n" },
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
	run->protocol = mysql_protocol.create(&config, &handler);
	assert_non_null(run->protocol);
}

static enum event_direction way(size_t number)
{
	return number % 2 ? DIRECTION_SENT : DIRECTION_RECEIVED;
}

static void run_feed(struct run *run, size_t number, struct slice bytes)
{
	assert_int_equal(mysql_protocol.feed(run->protocol, way(number), bytes, number + 1), bytes.len);
}

static char *run_end(struct run *run)
{
	mysql_protocol.end(run->protocol, END_CLOSED, 99);
	assert_false(mysql_protocol.memory(run->protocol) > 1000000);
	mysql_protocol.destroy(run->protocol);
	return query_text_get(&run->text);
}

static struct slice bytes_of(const struct talk *talk, size_t n)
{
	return slice_of(talk->turns[n].data, talk->turns[n].len);
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
		struct slice bytes = bytes_of(&talk, n);

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
				struct slice bytes = bytes_of(&talk, n);

				if (n == t) {
					run_feed(&run, n, slice_take(bytes, at));
					mysql_protocol.hole(run.protocol, way(n),
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
		holes(i, 5, false);
		holes(i, 20, true);
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
					run_feed(&run, n, slice_drop(bytes_of(&talk, n), n == from ? at : 0));
				text = run_end(&run);
				if (!query_text_fits(text, cases[i].expected))
					fail_msg("%s, from %zu, at %zu:\n%s", cases[i].name, from, at, text);
				if (cases[i].make == simple && from == 4)
					assert_non_null(strstr(text, "query \"select nothing\" -> 1054\n"));
				free(text);
			}
		}
	}
}

/* What is recognised. */
static void test_evidence(void **state)
{
	struct talk talk = { .count = 0 };
	struct slice bytes;

	(void)state;
	simple(&talk);
	bytes = bytes_of(&talk, 0);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(mysql_greets(slice_take(bytes, len)), MYSQL_MORE);
	assert_int_equal(mysql_greets(bytes), MYSQL_FOUND);
	assert_int_equal(mysql_logs_in(bytes), MYSQL_NONE);
	bytes = bytes_of(&talk, 1);
	assert_int_equal(mysql_logs_in(bytes), MYSQL_FOUND);
	for (size_t i = 13; i < 32; i++) {
		talk.turns[1].data[i] ^= 1;
		assert_int_equal(mysql_logs_in(bytes), MYSQL_NONE);
		talk.turns[1].data[i] ^= 1;
	}
	bytes = bytes_of(&talk, 3);
	assert_int_equal(mysql_asks(bytes), MYSQL_FOUND);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(mysql_asks(slice_take(bytes, len)), MYSQL_MORE);
	for (size_t i = 0; i < 11; i++) {
		talk.turns[3].data[i] ^= 0x80;
		assert_int_not_equal(mysql_asks(bytes), MYSQL_FOUND);
		talk.turns[3].data[i] ^= 0x80;
	}
}

static void shown_done(void *ctx, struct message *message)
{
	const struct fact *fact = fact_find(message->facts, SLICE("db.query.text"));

	if (message->kind == MESSAGE_REQUEST)
		snprintf(ctx, 100, "%.*s", fact ? (int)fact->text.len : 1,
			 fact ? (const char *)fact->text.data : "?");
	message_free(message);
}

/* The text as it may be shown, of the first query behind a login with this status. */
static void shown_of(const char *status, struct slice query, char shown[100])
{
	struct protocol_config config = { .from_start = { true, true }, .message_limit_bytes = 65536 };
	struct protocol_handler handler = {
		.ctx = shown, .head = query_text_head, .done = shown_done, .note = NULL
	};
	struct protocol *protocol = mysql_protocol.create(&config, &handler);
	struct talk talk = { .count = 0 };

	begin(&talk);
	memcpy(talk.turns[2].data + 4 + 3, status, 2);
	put(turn(&talk), 0, query.data, query.len);
	for (size_t n = 0; n < talk.count; n++)
		mysql_protocol.feed(protocol, way(n), bytes_of(&talk, n), n + 1);
	mysql_protocol.destroy(protocol);
}

static void test_what_is_shown(void **state)
{
	static const struct {
		const char *status;
		struct slice query;
		const char *shown;
	} rows[] = {
		{ "\2\0", SLICE("\3select 'a\\', b, 'c'"), "select ?c?" },
		{ "\2\2", SLICE("\3select 'a\\', b, 'c'"), "select ?, b, ?" }, /* NO_BACKSLASH_ESCAPES */
		{ "\2\0", SLICE("\3\0\1select 1"), "select ?" },
		{ "\2\0", SLICE("\3\tselect 1"), "select ?" },
		/* Attributes, with names and values before the text. */
		{ "\2\0", SLICE("\3\1\1\0\1\xfe\0\1n\3keyselect 1"), "?" },
		{ "\2\0", SLICE("\3\t\1\0\1\xfe\0\1n\3keyselect 1"), "?" },
		{ "\2\0", SLICE("\3 \1\0\1\xfe\0\1n\3keyselect 1"), "?" },
		{ "\2\0", SLICE("\3\0\2keyselect 1"), "?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char shown[100] = "";

		shown_of(rows[i].status, rows[i].query, shown);
		assert_string_equal(shown, rows[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	 cmocka_unit_test(test_holes),
		cmocka_unit_test(test_late),	 cmocka_unit_test(test_what_is_shown),
		cmocka_unit_test(test_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

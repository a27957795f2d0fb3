/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that nghttp3 itself makes, decoded: whole, byte by byte, in small writes, joined late at every
 * piece, with every piece lost, and with the insertions of QPACK's table late. What is shown of the disturbed
 * runs is what the whole one showed, or is marked.
 */
#include "http3_pair.h"
#include "message_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define PIECES_MAX 4096

struct piece {
	enum event_direction direction; /* as the client sees it */
	struct protocol_piece is;
	uint64_t error; /* not 0: the stream is over */
};

struct pieces {
	struct piece items[PIECES_MAX];
	size_t count;
};

static void pieces_moved(void *ctx, bool by_client, int64_t stream, const uint8_t *bytes, size_t len,
			 bool fin)
{
	struct pieces *pieces = ctx;
	uint8_t *copy = malloc(len + 1);

	assert_true(pieces->count < PIECES_MAX);
	memcpy(copy, bytes, len);
	pieces->items[pieces->count++] = (struct piece){
		.direction = by_client ? DIRECTION_SENT : DIRECTION_RECEIVED,
		.is = { .stream = (uint64_t)stream, .bytes = slice_of(copy, len), .ends = fin }
	};
}

static void pieces_cut(void *ctx, int64_t stream, uint64_t error)
{
	struct pieces *pieces = ctx;

	pieces->items[pieces->count++] =
		(struct piece){ .is = { .stream = (uint64_t)stream }, .error = error };
}

/* Each part of the script, behind a '|', is sent when the one before was answered. */
static struct pieces *pieces_new(const char *script, size_t take)
{
	struct pieces *pieces = calloc(1, sizeof(*pieces));
	struct http3_pair pair = { .take = take, .ctx = pieces, .moved = pieces_moved, .cut = pieces_cut };
	char part[2048];

	http3_pair_open(&pair);
	while (*script) {
		size_t len = strcspn(script, "|");

		memcpy(part, script, len);
		part[len] = 0;
		http3_pair_run(&pair, part);
		script += len + (script[len] == '|');
	}
	http3_pair_close(&pair);
	return pieces;
}

static void pieces_free(struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->count; i++)
		free((void *)(uintptr_t)pieces->items[i].is.bytes.data);
	free(pieces);
}

struct run {
	bool server; /* the observed end */
	size_t from; /* the first piece that is seen */
	size_t lost; /* this one is; SIZE_MAX: none */
	size_t step; /* bytes at once; 0: as they came */
};

static const struct run whole = { .lost = SIZE_MAX };

static struct protocol *protocol_new(const struct run *run, struct message_text *out)
{
	const struct protocol_config config = { .from_start = { !run->from, !run->from },
						.want_bodies = true,
						.body_limit_bytes = 40,
						.message_limit_bytes = 65536,
						.stream_limit = 100,
						.table_limit_bytes = 65536 };
	const struct protocol_handler handler = message_text_handler(out);

	return http3_protocol.create(&config, &handler);
}

static void piece_give(struct protocol *protocol, const struct piece *piece, const struct run *run,
		       uint64_t time_ns)
{
	enum event_direction direction = run->server ? !piece->direction : piece->direction;
	struct protocol_piece part = piece->is;

	if (piece->error) {
		http3_protocol.over(protocol, piece->is.stream, piece->error, time_ns);
		return;
	}
	for (size_t at = 0; run->step && at + run->step < piece->is.bytes.len; at += run->step) {
		part.ends = false;
		part.bytes = slice_take(slice_drop(piece->is.bytes, at), run->step);
		http3_protocol.piece(protocol, direction, &part, time_ns);
		part.bytes = slice_drop(piece->is.bytes, at + run->step);
	}
	part.ends = piece->is.ends;
	http3_protocol.piece(protocol, direction, &part, time_ns);
}

static char *run_text(const struct pieces *pieces, const struct run *run)
{
	struct message_text out = { 0 };
	struct protocol *protocol = protocol_new(run, &out);
	char *text;

	assert_non_null(protocol);
	for (size_t i = run->from; i < pieces->count; i++) {
		if (i == run->lost)
			http3_protocol.hole(protocol,
					    run->server ? !pieces->items[i].direction
							: pieces->items[i].direction,
					    HOLE_UNKNOWN_SIZE, i + 1);
		else
			piece_give(protocol, &pieces->items[i], run, i + 1);
	}
	http3_protocol.end(protocol, END_CLOSED, pieces->count + 1);
	assert_int_equal(http3_protocol.idle(protocol), true);
	http3_protocol.destroy(protocol);
	text = strdup(message_text_get(&out));
	message_text_fini(&out);
	return text;
}

static const struct row {
	const char *name, *script, *expected;
} rows[] = {
	{ "one", "GET /a\n",
	  "request 1 GET https://pair.test /a 3.0 {user-agent: pair/1} 0\n"
	  "response 1 200 3.0 {server: pair; x-path: /a} \"/a\"\n" },
	{ "two, one after the other", "GET /a\n|GET /a\n",
	  "request 1 GET https://pair.test /a 3.0 {user-agent: pair/1} 0\n"
	  "response 1 200 3.0 {server: pair; x-path: /a} \"/a\"\n"
	  "request 2 GET https://pair.test /a 3.0 {user-agent: pair/1} 0\n"
	  "response 2 200 3.0 {server: pair; x-path: /a} \"/a\"\n" },
	{ "an interim response, trailers", "GET /c early\n|GET /d trailers\n",
	  "request 1 GET https://pair.test /c 3.0 {user-agent: pair/1} 0\n"
	  "interim 103 {link: </style>}\n"
	  "response 1 200 3.0 {server: pair; x-path: /c} \"/c\"\n"
	  "request 2 GET https://pair.test /d 3.0 {user-agent: pair/1} 0\n"
	  "response 2 200 3.0 {server: pair; x-path: /d} \"/d\" trailers {checksum: abc}\n" },
	{ "a stream that ends by an error", "GET /e cut\n",
	  "request 1 GET https://pair.test /e 3.0 {user-agent: pair/1} 0\nreset 1 258\n" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t take = 0; take < 4; take++) {
			struct pieces *pieces = pieces_new(rows[i].script, take);

			for (unsigned int server = 0; server < 2; server++) {
				for (size_t step = 0; step < 3; step++) {
					const struct run run = { server, 0, SIZE_MAX, step };
					char *text = run_text(pieces, &run);

					if (strcmp(text, rows[i].expected))
						fail_msg("%s, take %zu, step %zu:\n%s", rows[i].name, take,
							 step, text);
					free(text);
				}
			}
			pieces_free(pieces);
		}
	}
}

#define MIXED                                                                                        \
	"GET /one\nPOST /two 3000\nGET /three early\n|GET /one\nGET /four trailers\nGET /five cut\n" \
	"|GET /one\nGET /two\nGET /three\n|POST /two 20000\nGET /one\n"

static void test_sizes(void **state)
{
	struct pieces *pieces = pieces_new("POST /b 20000\n", 700);
	char *text = run_text(pieces, &whole);
	struct message_text out = { 0 };
	struct protocol *protocol = protocol_new(&whole, &out);
	uint64_t cut = 0;

	(void)state;
	/* The first 40 bytes are kept: what is left is told by the sum. */
	assert_non_null(
		strstr(text, "request 1 POST https://pair.test /b 3.0 {user-agent: pair/1} \"\\x01\\x0e"));
	for (size_t i = 0; i < pieces->count; i++) {
		struct piece piece = pieces->items[i];

		/* What is not copied of a body is counted. */
		if (piece.is.bytes.len == 700 && i % 2) {
			piece.is.bytes.len = 500;
			piece.is.missing = 200;
			cut++;
		}
		piece_give(protocol, &piece, &whole, i);
	}
	http3_protocol.end(protocol, END_CLOSED, 9999);
	assert_true(cut > 10);
	assert_int_equal(out.bodies_bytes, 40000 - 200 * cut);
	assert_null(strstr(message_text_get(&out), "~"));
	assert_null(strstr(message_text_get(&out), "partial"));
	http3_protocol.destroy(protocol);
	message_text_fini(&out);
	free(text);
	pieces_free(pieces);
}

/* The line without what a loss may take from it: is it one of the truth? */
static void line_check(const char *truth, const char *line, const char *what, size_t at)
{
	if (strstr(truth, line) || strstr(line, " ["))
		return;
	if (strncmp(line, "interim", 7) == 0 && strchr(line, '?'))
		return;
	fail_msg("%s at %zu, unmarked and wrong: %s", what, at, line);
}

/* Values that a marked line shows are the truth's or unknown, too. */
static void line_check_values(const char *line, const char *what, size_t at)
{

	static const char *const names[] = { "://", "user-agent: ", "server: ", "checksum: " };
	static const char *const values[] = { "pair.test", "pair/1", "pair", "abc" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *found = strstr(line, names[i]);

		if (!found)
			continue;
		found += strlen(names[i]);
		/* An unknown host is left out; "x" is what a body says. */
		if (!strncmp(found, "x /evil", 7))
			continue;
		if (*found != '?' && *found != '/' && strncmp(found, values[i], strlen(values[i])))
			fail_msg("%s at %zu, a wrong value: %s", what, at, line);
	}
}

static size_t text_check(const char *truth, char *text, const char *what, size_t at)
{
	size_t whole_lines = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		line_check(truth, line, what, at);
		line_check_values(line, what, at);
		whole_lines += !strchr(line, '[');
	}
	return whole_lines;
}

static void test_disturbed(void **state)
{
	(void)state;
	/* An odd number: pieces of bodies begin anywhere in what stands there to be taken for a request. */
	for (size_t take = 0; take <= 301; take += 301) {
		struct pieces *pieces = pieces_new(MIXED, take);
		char *truth = run_text(pieces, &whole);
		size_t late = 0, lossy = 0, evil = 0;

		assert_null(strstr(truth, "?"));
		assert_null(strstr(truth, "partial"));
		assert_null(strstr(truth, "GET https://x"));
		for (size_t i = 1; i < pieces->count; i++) {
			for (unsigned int server = 0; server < 2; server++) {
				const struct run joined = { server, i, SIZE_MAX, 0 };
				const struct run lost = { server, 0, i, 0 };
				char *text = run_text(pieces, &joined);

				evil += strstr(text, "GET https://x /evil") != NULL;
				late += text_check(truth, text, "joined", i);
				free(text);
				text = run_text(pieces, &lost);
				lossy += text_check(truth, text, "lost", i);
				free(text);
			}
		}
		/* They are not merely silent, nor is what cannot be told from a request. */
		assert_int_equal(evil > 0, take > 0);
		assert_true(late > pieces->count / 2);
		assert_true(lossy > pieces->count * 4);
		free(truth);
		pieces_free(pieces);
	}
}

/* The piece with a request's head is lost: what follows it begins anywhere in the body, also where a head
 * could. */
static void test_lost_beginning(void **state)
{
	size_t evil = 0;

	(void)state;
	for (size_t take = 80; take < 100; take++) {
		struct pieces *pieces = pieces_new("POST /b 3200\n", take);
		char *truth = run_text(pieces, &whole), *text;
		struct run run = { .server = true };

		while (pieces->items[run.lost].is.stream != 0)
			run.lost++;
		text = run_text(pieces, &run);
		evil += strstr(text, "GET https://x /evil") != NULL;
		text_check(truth, text, "beginning lost", take);
		free(text);
		free(truth);
		pieces_free(pieces);
	}
	assert_true(evil > 0);
}

/* A section may come before the insertions that it needs: it waits, and so does what is behind it. */
static void test_late_insertions(void **state)
{
	struct pieces *pieces = pieces_new(MIXED, 0);
	char *truth = run_text(pieces, &whole);
	size_t moved = 0, blocked = 0;

	(void)state;
	for (size_t i = 0; i + 1 < pieces->count; i++) {
		struct piece *piece = &pieces->items[i], first = *piece;
		size_t to = i;
		char *text, *line;

		if (first.is.stream != 6 && first.is.stream != 7)
			continue;
		/* Behind the next ones of other streams. */
		for (; to + 1 < pieces->count && to < i + 12 &&
		       pieces->items[to + 1].is.stream != first.is.stream;
		     to++)
			pieces->items[to] = pieces->items[to + 1];
		pieces->items[to] = first;
		text = run_text(pieces, &whole);
		blocked += strcmp(text, truth) != 0; /* another order, the same lines */
		assert_int_equal(strlen(text), strlen(truth));
		for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			assert_non_null(strstr(truth, line));
		free(text);
		memmove(&pieces->items[i + 1], &pieces->items[i], (to - i) * sizeof(first));
		pieces->items[i] = first;
		moved++;
	}
	assert_true(moved > 4);
	assert_true(blocked > 0);
	free(truth);
	pieces_free(pieces);
}

static void test_late_join_says_unknown(void **state)
{
	struct pieces *pieces = pieces_new("GET /one\n|GET /one\n|GET /one\n", 0);
	struct run run = whole;
	char *text;

	(void)state;
	while (pieces->items[run.from].is.stream != 8)
		run.from++;
	text = run_text(pieces, &run);
	/* What the table held is not shown, what a section says itself is. */
	assert_non_null(strstr(text, "request 3 GET https://"));
	assert_non_null(strstr(text, "partial-headers"));
	assert_null(strstr(text, "pair/1"));
	assert_non_null(strstr(text, "response 3 200 3.0"));
	free(text);
	pieces_free(pieces);
}

static void test_memory(void **state)
{
	struct pieces *pieces = pieces_new(MIXED, 0);
	struct message_text out = { 0 };
	struct protocol *protocol = protocol_new(&whole, &out);
	size_t before = http3_protocol.memory(protocol), most = before;

	(void)state;
	for (size_t i = 0; i < pieces->count; i++) {
		piece_give(protocol, &pieces->items[i], &whole, i);
		if (http3_protocol.memory(protocol) > most)
			most = http3_protocol.memory(protocol);
	}
	assert_true(most > before + 1000);
	assert_true(http3_protocol.memory(protocol) < most);
	assert_int_equal(http3_protocol.role(protocol), ROLE_CLIENT);
	/* Bytes that come without their stream are nobody's. */
	assert_int_equal(http3_protocol.feed(protocol, DIRECTION_SENT, SLICE("GET / HTTP/1.1\r\n\r\n"), 1),
			 18);
	http3_protocol.destroy(protocol);
	message_text_fini(&out);
	pieces_free(pieces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_disturbed),
		cmocka_unit_test(test_lost_beginning),
		cmocka_unit_test(test_late_insertions),
		cmocka_unit_test(test_late_join_says_unknown),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

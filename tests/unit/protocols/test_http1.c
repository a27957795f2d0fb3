/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every conversation of http1_cases.h whole, byte by byte, split at every
 * offset and with a hole at every offset; then what single rules say: roles,
 * order, limits, hostile forms, ends.
 */
#include "http1_cases.h"
#include "message_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CASES	 (sizeof(http1_cases) / sizeof(*http1_cases))
#define NO_SPLIT SIZE_MAX
#define PAIRS	 64

/* Pairs as the stage behind does: in the order of heads (or ends, when there was no head). */
struct pairs {
	char waiting[PAIRS][256]; /* targets */
	size_t first, last;
	const struct message *headed[2]; /* by kind: counted at its head already */
	unsigned int wrong, made;
};

struct run {
	struct message_text text;
	struct pairs pairs;
	const char *unmarked_from; /* each message without flags must be a line of this */
	unsigned int strangers;
	struct protocol_config config;
	struct protocol *http1;
	uint64_t now_ns, first_ns, head_ns, last_ns; /* of the last message that was done */
	uint32_t hand;
	bool left;
	bool shrinks; /* before all that is fed */
};

static void pairs_request(struct pairs *pairs, const struct message *message)
{
	if (message->flags & FLAG_UNANSWERED)
		return;
	assert_true(pairs->last < PAIRS);
	snprintf(pairs->waiting[pairs->last++], sizeof(pairs->waiting[0]), "%.*s", (int)message->target.len,
		 (const char *)message->target.data);
}

static void pairs_response(struct pairs *pairs, const struct message *message)
{
	struct slice answered = message_header(message, SLICE("x-for"));

	if (message->flags & FLAG_NO_REQUEST)
		return;
	if (pairs->first == pairs->last) {
		pairs->wrong++;
		return;
	}
	if (answered.data && !slice_equal(answered, slice_of_string(pairs->waiting[pairs->first])))
		pairs->wrong++;
	pairs->first++;
	pairs->made += message->status != 0;
}

static void run_pair(struct run *run, const struct message *message)
{
	if (message->kind == MESSAGE_REQUEST)
		pairs_request(&run->pairs, message);
	else
		pairs_response(&run->pairs, message);
}

static void run_head(void *ctx, struct message *message)
{
	struct run *run = ctx;

	assert_ptr_not_equal(run->pairs.headed[message->kind], message);
	run->pairs.headed[message->kind] = message;
	run_pair(run, message);
}

static void run_done(void *ctx, struct message *message)
{
	struct run *run = ctx;
	size_t start = run->text.len;

	if (run->pairs.headed[message->kind] != message)
		run_pair(run, message);
	run->pairs.headed[message->kind] = NULL;
	assert_true(message->flags || message->body_known);
	assert_true(message->first_byte_ns <= message->last_byte_ns);
	run->first_ns = message->first_byte_ns;
	run->head_ns = message->head_ns;
	run->last_ns = message->last_byte_ns;
	message_text_write(&run->text, message);
	if (run->unmarked_from && !message->flags && !strstr(run->unmarked_from, run->text.text + start))
		run->strangers++;
	message_free(message);
}

static void run_body(void *ctx, struct message *message, struct slice bytes)
{
	struct run *run = ctx;

	message_text_body(&run->text, message, bytes);
}

static void run_interim(void *ctx, const struct message *message)
{
	message_text_interim(&((struct run *)ctx)->text, message);
}

static void run_upgrade(void *ctx, struct slice to, const struct message *request)
{
	struct run *run = ctx;

	run->left = true;
	message_text_upgrade(&run->text, to, request);
}

static uint32_t run_hand(void *ctx)
{
	return ((struct run *)ctx)->hand;
}

static void run_note(void *ctx, enum protocol_note note, uint64_t n)
{
	message_text_note(&((struct run *)ctx)->text, note, n);
}

static void run_create(struct run *run)
{
	struct protocol_handler handler = {
		.ctx = run,
		.head = run_head,
		.body = run_body,
		.done = run_done,
		.interim = run_interim,
		.upgrade = run_upgrade,
		.hand = run_hand,
		.note = run_note,
	};

	run->http1 = http1_protocol.create(&run->config, &handler);
	assert_non_null(run->http1);
}

static void run_open(struct run *run, enum protocol_role role, bool from_start, bool want_bodies)
{
	*run = (struct run){ 0 };
	run->config = (struct protocol_config){
		.role = role,
		.from_start = { from_start, from_start },
		.want_bodies = want_bodies,
		.body_limit_bytes = 4096,
		.message_limit_bytes = 65536,
		.pipeline_limit = 16,
	};
	run_create(run);
}

/* Before anything is fed. */
static void run_few(struct run *run)
{
	http1_protocol.destroy(run->http1);
	run->config.few_fields = true;
	run_create(run);
}

/* Requests travel in direction SENT for a client and where the role must be learnt. */
static enum event_direction run_direction(const struct run *run, int side)
{
	bool server = run->config.role == ROLE_SERVER;

	return (side == TURN_REQUEST) != server ? DIRECTION_SENT : DIRECTION_RECEIVED;
}

static void run_feed(struct run *run, int side, const char *bytes, size_t len)
{
	/* A copy of exact size, so that the sanitizer sees every byte read too far. */
	uint8_t *copy = malloc(len ? len : 1);
	long taken;

	if (len)
		memcpy(copy, bytes, len);
	if (run->shrinks)
		http1_protocol.shrink(run->http1);
	taken = http1_protocol.feed(run->http1, run_direction(run, side), slice_of(copy, len), ++run->now_ns);
	assert_true(taken == (long)len || run->left || http1_protocol.refuted(run->http1));
	free(copy);
}

static void run_hole(struct run *run, int side, uint64_t size)
{
	http1_protocol.hole(run->http1, run_direction(run, side), size, ++run->now_ns);
}

static void run_close(struct run *run, enum protocol_end reason)
{
	if (reason == END_CLOSED)
		http1_protocol.finish(run->http1, run_direction(run, TURN_RESPONSE), ++run->now_ns);
	http1_protocol.end(run->http1, reason, ++run->now_ns);
	http1_protocol.destroy(run->http1);
	message_text_fini(&run->text);
}

static void run_expect(struct run *run, const char *expected)
{
	http1_protocol.finish(run->http1, run_direction(run, TURN_RESPONSE), ++run->now_ns);
	http1_protocol.end(run->http1, END_CLOSED, ++run->now_ns);
	assert_string_equal(message_text_get(&run->text), expected);
	assert_int_equal(run->pairs.wrong, 0);
	run_close(run, END_IN_FLIGHT);
}

static size_t case_len(const struct http1_case *row)
{
	size_t len = 0;

	for (const struct http1_turn *turn = row->turns; turn->side; turn++)
		len += turn->len;
	return len;
}

/* The conversation with one cut, or cut everywhere. */
static void case_play(struct run *run, const struct http1_case *row, size_t split, bool bytewise)
{
	size_t offset = 0;

	for (const struct http1_turn *turn = row->turns; turn->side && !run->left; turn++) {
		size_t cut = split > offset && split - offset < turn->len ? split - offset : 0;

		for (size_t i = 0; bytewise && i < turn->len && !run->left; i++)
			run_feed(run, turn->side, turn->bytes + i, 1);
		if (!bytewise && cut)
			run_feed(run, turn->side, turn->bytes, cut);
		if (!bytewise && !run->left)
			run_feed(run, turn->side, turn->bytes + cut, turn->len - cut);
		offset += turn->len;
	}
}

static size_t case_responses(const struct http1_case *row)
{
	size_t count = 0;

	for (const char *at = row->expected; (at = strstr(at, "response ")); at++)
		count++;
	return count;
}

static void test_whole(void **state)
{
	static const enum protocol_role roles[] = { ROLE_CLIENT, ROLE_SERVER, ROLE_UNKNOWN };

	(void)state;
	for (size_t i = 0; i < CASES; i++)
		for (size_t j = 0; j < 3; j++) {
			struct run run;

			run_open(&run, roles[j], true, true);
			case_play(&run, &http1_cases[i], NO_SPLIT, false);
			assert_int_not_equal(http1_protocol.role(run.http1), ROLE_UNKNOWN);
			assert_true(http1_protocol.idle(run.http1) || run.left ||
				    strstr(http1_cases[i].name, "until"));
			assert_int_equal(run.pairs.wrong, 0);
			assert_true(run.pairs.last == case_responses(&http1_cases[i]));
			run_expect(&run, http1_cases[i].expected);
		}
}

static void test_bytewise(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++)
		for (size_t j = 0; j < 2; j++) {
			struct run run;

			run_open(&run, j ? ROLE_UNKNOWN : ROLE_CLIENT, true, true);
			case_play(&run, &http1_cases[i], NO_SPLIT, true);
			run_expect(&run, http1_cases[i].expected);
		}
}

static void test_every_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++)
		for (size_t split = 1; split < case_len(&http1_cases[i]); split++) {
			struct run run;

			run_open(&run, ROLE_CLIENT, true, true);
			case_play(&run, &http1_cases[i], split, false);
			run_expect(&run, http1_cases[i].expected);
		}
}

/* What is given back changes nothing but the memory. */
static void test_shrinks(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++)
		for (size_t split = 0; split < case_len(&http1_cases[i]); split++) {
			size_t bytes;
			struct run run;

			run_open(&run, split % 2 ? ROLE_UNKNOWN : ROLE_CLIENT, true, true);
			run.shrinks = true;
			case_play(&run, &http1_cases[i], split, !split);
			bytes = http1_protocol.memory(run.http1);
			http1_protocol.shrink(run.http1);
			assert_true(http1_protocol.memory(run.http1) <= bytes);
			run_expect(&run, http1_cases[i].expected);
		}
}

/* The conversation without `size` bytes from offset `at` on, all of one turn and side. */
static void case_play_hole(struct run *run, const struct http1_case *row, size_t at, size_t size, bool known)
{
	size_t offset = 0;

	for (const struct http1_turn *turn = row->turns; turn->side && !run->left; turn++) {
		size_t from = at - offset, gone = size;

		offset += turn->len;
		if (at < offset - turn->len || from >= turn->len) {
			run_feed(run, turn->side, turn->bytes, turn->len);
			continue;
		}
		if (gone > turn->len - from)
			gone = turn->len - from;
		if (from)
			run_feed(run, turn->side, turn->bytes, from);
		if (!run->left)
			run_hole(run, turn->side, known ? gone : HOLE_UNKNOWN_SIZE);
		if (!run->left && from + gone < turn->len)
			run_feed(run, turn->side, turn->bytes + from + gone, turn->len - from - gone);
	}
}

static char *case_text(const struct http1_case *row, bool want_bodies, bool few)
{
	struct run run;
	char *text;

	run_open(&run, ROLE_CLIENT, true, want_bodies);
	if (few)
		run_few(&run);
	case_play(&run, row, NO_SPLIT, false);
	http1_protocol.finish(run.http1, DIRECTION_RECEIVED, ++run.now_ns);
	text = strdup(message_text_get(&run.text));
	run_close(&run, END_CLOSED);
	return text;
}

static void check_hole(const struct http1_case *row, const char *whole, size_t at, size_t size, int variant)
{
	struct run run;

	run_open(&run, variant & 1 ? ROLE_UNKNOWN : ROLE_CLIENT, !(variant & 8), variant & 2);
	run.unmarked_from = whole;
	case_play_hole(&run, row, at, size, !(variant & 4));
	http1_protocol.finish(run.http1, DIRECTION_RECEIVED, ++run.now_ns);
	http1_protocol.end(run.http1, END_CLOSED, ++run.now_ns);
	if (run.strangers || run.pairs.wrong)
		fail_msg("%s: hole of %zu at %zu (variant %d): %u strangers, %u wrong pairs:\n%s", row->name,
			 size, at, variant, run.strangers, run.pairs.wrong, message_text_get(&run.text));
	run_close(&run, END_IN_FLIGHT);
}

/* Every size for a client seen from its start and one joined late; else some of each order of magnitude. */
static size_t hole_next(size_t size, int variant)
{
	if (variant & 7)
		return size * 2 + 1;
	return size < 70 ? size + 1 : size + 40;
}

static void test_every_hole(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++)
		for (int variant = 0; variant < 16; variant++) {
			const struct http1_case *row = &http1_cases[i];
			char *whole = case_text(row, variant & 2, false);

			for (size_t at = 0; at < case_len(row); at++)
				for (size_t size = 1; size < 200; size = hole_next(size, variant))
					check_hole(row, whole, at, size, variant);
			free(whole);
		}
}

/* --- single rules: a script of turns, its text and its notes ------------------- */

struct rule {
	const char *name;
	const char *script; /* lines "> bytes", "< bytes", ">hole N", "<hole N" (N of `?`: unknown), "tick",
			       "end REASON", "@N" (the thread), "+N" (nanoseconds pass) */
	const char *expected;
	uint64_t refused, resyncs, pipeline, headers;
	bool late, bodies;
};

#define RN	 "\\r\\n"
#define R(n)	 "GET /" n " HTTP/1.1" RN "Host: x" RN RN
#define S(n)	 "HTTP/1.1 200 x" RN "X-For: /" n RN "Content-Length: 0" RN RN
#define LOST	 "response 0 0 0.0 {} 0~ [gap,unanswered]\n"
#define RT(n)	 "request 0 GET /" n " 1.1 {Host: x} 0"
#define ST(n)	 "response 0 200 1.1 {X-For: /" n "; Content-Length: 0} 0"
#define TEXT	 " [gap,no-request,guess]\n"
#define GUESS	 " [gap,guess]\n"
#define ASKED	 "> " R("a") "\n< " S("a") "\n"
#define LATE	 ST("a") " [late-joined,guess]\n"
#define WHOSE(n) " [late-joined,gap," n ",guess]\n"

static const struct rule rules[] = {
	{ .name = "late: a turn and its answer prove each other, and what follows",
	  .late = true,
	  .script = "> " R("a") "\n< " S("a") "\n> " R("b") "\n< " S("b"),
	  .expected = RT("a") " [guess]\n" ST("a") " [late-joined,guess]\n" RT("b") "\n" ST(
		  "b") " [late-joined,guess]\n" },
	{ .name = "late: a client that was seen to wait five times waits",
	  .late = true,
	  .script = "> " R("a") "\n< " S("a") "\n" ASKED ASKED ASKED ASKED ASKED,
	  .expected = RT("a") " [guess]\n" LATE RT("a") "\n" LATE RT("a") "\n" LATE RT("a") "\n" LATE RT(
		  "a") "\n" LATE RT("a") "\n" ST("a") "\n" },
	{ .name = "late: an answer too many, and the pairs are guesses again",
	  .late = true,
	  .script = "> " R("a") "\n< " S("a") "\n" ASKED ASKED ASKED ASKED ASKED "< " S("d") "\n" ASKED,
	  .expected = RT("a") " [guess]\n" LATE RT("a") "\n" LATE RT("a") "\n" LATE RT("a") "\n" LATE RT(
		  "a") "\n" LATE RT("a") "\n" ST("a") "\n" ST("d") " [no-request]\n" RT("a") "\n" LATE },
	{ .name = "a loss smaller than a request, inside of one: what begins right behind it is whole",
	  .resyncs = 1,
	  .script = "> POST /b HTTP/1.1" RN "Transfer-Encoding: chunked" RN RN "3" RN "abc" RN
		    "\n>hole 5\n< " S("b") "\n> " R("c") "\n< " S("c"),
	  .expected = "request 0 POST /b 1.1 {Transfer-Encoding: chunked} 3~ [gap]\n" ST("b") "\n" RT(
		  "c") "\n" ST("c") "\n" },
	{ .name = "the same, and something stood between: a guess",
	  .resyncs = 1,
	  .script = "> POST /b HTTP/1.1" RN "Transfer-Encoding: chunked" RN RN "3" RN "abc" RN
		    "\n>hole 5\n> ef" RN "\n< " S("b") "\n> " R("c") "\n< " S("c"),
	  .expected = "request 0 POST /b 1.1 {Transfer-Encoding: chunked} 3~ [gap]\n" ST("b") "\n" RT(
		  "c") "\n" ST("c") " [gap,guess]\n" },
	{ .name = "late: it pipelines, so its answers may be those to requests that nobody saw",
	  .late = true,
	  .script = "> " R("a") "\n< " S("a") "\n> " R("b") R("c") "\n< " S("b") S("c"),
	  .expected = RT("a") " [guess]\n" ST("a") " [late-joined,guess]\n" RT("b") "\n" LOST
		  RT("c") " [late-joined,unanswered]\n" ST("b") " [late-joined,no-request]\n" ST(
			  "c") " [late-joined,no-request]\n" },
	{ .name = "a response from before the request is not its answer",
	  .script = "< HTTP/1.1 408 x" RN "Content-Length: 0" RN RN "\n> " R("a") "\n< " S("a"),
	  .expected = "response 0 408 1.1 {Content-Length: 0} 0 [no-request]\n" RT("a") "\n" ST("a") "\n" },
	{ .name = "a body of which nobody saw the bytes takes the next requests, until their answers show it",
	  .script = "> POST /p HTTP/1.1" RN "Content-Length: 300" RN RN
		    "\n< " S("p") "\n> " R("a") "\n< " S("a") "\n> " R("b") "\n< " S("b"),
	  .expected = ST("p") "\nrequest 0 POST /p 1.1 {Content-Length: 300} 28~ [gap]\n"
			      "response 0 200 1.1 {X-For: /a; Content-Length: 0} 0 [gap,no-request]\n" RT(
				      "b") "\n" ST("b") "\n",
	  .resyncs = 1 },
	{ .name = "a surplus behind an answer, in the same call",
	  .script = "> " R("a") "\n< " S("a") "HTTP/1.1 500 x" RN "Content-Length: 0" RN RN
					      "\n> " R("b") "\n< " S("b"),
	  .expected = RT("a") "\n" ST("a") "\nresponse 0 500 1.1 {Content-Length: 0} 0 [no-request]\n" RT(
		  "b") "\n" ST("b") "\n" },
	{ .name = "another thread of a client: seen in the wrong order by little, not by much",
	  .script = "@1\n< HTTP/1.1 408 x" RN "Content-Length: 0" RN RN
		    "\n+20000000\n@2\n> " R("a") "\n< " S("a"),
	  .expected = "response 0 408 1.1 {Content-Length: 0} 0 [no-request]\n" RT("a") "\n" ST("a") "\n" },
	{ .name = "one lost request: its answer is alone, what follows is whole",
	  .resyncs = 1,
	  .script = "> " R("a") "\n< " S("a") "\n< " S("b") "\n>hole 30\n> " R("c") "\n< " S("c") "\n> " R(
		  "d") "\n< " S("d"),
	  .expected = RT("a") "\n" ST("a") "\n" ST("b") " [gap,no-request]\n" RT("c") "\n" ST("c") "\n" RT(
		  "d") "\n" ST("d") "\n" },
	{ .name = "a lost request, perhaps two: the next pair is a guess, the one after is whole",
	  .resyncs = 1,
	  .script =
		  "> " R("1") "\n< " S("1") "\n> " R("2") "\n< " S("2") "\n> " R("3") "\n< " S("3") "\n> " R("4") "\n< " S("4") "\n> " R(
			  "a") "\n< " S("a") "\n< " S("b") "\n>hole 60\n> " R("c") "\n< " S("c") "\n> " R("d") "\n< " S("d"),
	  .expected = RT("1") "\n" ST("1") "\n" RT("2") "\n" ST("2") "\n" RT("3") "\n" ST("3") "\n" RT("4") "\n" ST("4") "\n" RT(
		  "a") "\n" ST("a") "\n" ST("b") " [gap,no-request]\n" RT("c") "\n" ST("c") " [gap,guess]"
											    "\n" RT("d") "\n" ST(
												    "d") "\n" },
	{ .name = "a lost request and its lost answer: the next exchange is split, the one after a guess",
	  .resyncs = 2,
	  .script = "> " R("a") "\n< " S("a") "\n>hole 30\n> " R("c") "\n<hole 50\n< " S("c") "\n> " R(
		  "d") "\n< " S("d") "\n> " R("e") "\n< " S("e"),
	  .expected =
		  RT("a") "\n" ST("a") "\n" RT("c") " [gap,unanswered]\n" ST("c") " [gap,no-request]\n" RT(
			  "d") "\n" ST("d") " [gap,guess]\n" RT("e") "\n" ST("e") "\n" },
	{ .name = "a lost request of a client that pipelines: its next one is not answered by the lost one's "
		  "answer",
	  .resyncs = 1,
	  .script = ">hole 30\n> " R("b") "\n< " S("a") "\n< " S("b") "\n> " R("c") "\n< " S("c"),
	  .expected = RT("b") " [gap,unanswered]\n" ST("a") " [gap,no-request]\n" ST(
		  "b") " [gap,no-request]\n" RT("c") " [gap,unanswered]\n" ST("c") " [gap,no-request]\n" },
	{ .name = "late: three requests behind a lost one have no answer: whose the next one is nobody knows",
	  .late = true,
	  .resyncs = 1,
	  .script = ">hole 30\n> " R("a") "\n> " R("b") "\n> " R("c") "\n< " S("0") "\n> " R("d") "\n< " S(
		  "a") "\n> " R("e") "\n< " S("b"),
	  .expected = RT("a") WHOSE("unanswered") RT("b") WHOSE("unanswered") RT("c") WHOSE("unanswered")
		  ST("0") WHOSE("no-request") RT("d") WHOSE("unanswered") ST("a") WHOSE("no-request") RT("e")
			  WHOSE("unanswered") ST("b") WHOSE("no-request") },
	{ .name = "what begins like a head in a body that may be none is a guess, until a turn begins",
	  .resyncs = 1,
	  .script = "> " R("a") "\n< " S("a") "\n>hole 30\n< HTTP/1.1 200 x" RN "Content-Length: 99" RN RN S(
		  "1") S("2") "\n> " R("b") "\n< " S("b"),
	  .expected = RT("a") "\n" ST("a") "\n"
					   "response 0 200 1.1 {Content-Length: 99} 0~ [gap,no-request]\n" ST(
						   "1") TEXT ST("2") TEXT RT("b") "\n" ST("b") GUESS },
	{ .name = "two requests without an answer at the loss of one: the next exchange is whole",
	  .resyncs = 1,
	  .script = "> " R("a") "\n> " R("b") "\n<hole 50\n< " S("b") "\n> " R("c") "\n< " S("c"),
	  .expected = RT("a") "\n" RT("b") "\n" LOST LOST ST("b") " [gap,no-request]\n" RT("c") "\n" ST(
		  "c") "\n" },
	{ .name = "an answer before the end of a request's head is its answer",
	  .script = "> GET /a HTTP/1.1" RN "A: b\n< HTTP/1.1 431 x" RN "X-For: /a" RN
		    "Content-Length: 0" RN RN "\ntick\n+500000000\ntick\nend closed",
	  .expected = "response 0 431 1.1 {X-For: /a; Content-Length: 0} 0\n"
		      "request 0 GET /a 1.1 {} 0~ [partial-headers,closed]\n" },
	{ .name = "an answer before the end of a request's line is its answer",
	  .script = "> GET /abc\n< HTTP/1.1 414 x" RN "X-For: /abc" RN "Content-Length: 0" RN RN
		    "\ntick\n+500000000\ntick\nend closed",
	  .expected = "response 0 414 1.1 {X-For: /abc; Content-Length: 0} 0\n"
		      "request 0 GET /abc 0.0 {} 0~ [truncated,partial-headers,closed]\n" },
	{ .name = "an answer before the end of a line that ends all the same: its rest is no field",
	  .script = "> GET /abc\n< HTTP/1.1 414 x" RN "X-For: /abc" RN "Content-Length: 0" RN RN
		    "\ntick\n+500000000\ntick\n> d:e HTTP/1.1" RN "A: b" RN RN "\n> " R("b") "\n< " S("b"),
	  .expected = "response 0 414 1.1 {X-For: /abc; Content-Length: 0} 0\n"
		      "request 0 GET /abc 0.0 {A: b} 0 [truncated]\n" RT("b") "\n" ST("b") "\n" },
	{ .name = "behind lost answers a refusal may be another request's: not that of the line under way",
	  .resyncs = 2,
	  .script = "> GET /abc\n<hole 50\n< HTTP/1.1 404 x" RN "X-For: /b" RN "Content-Length: 0" RN RN
		    "\ntick\n+500000000\ntick\n>hole 60\n> " R("c") "\n< " S("c") "\n> " R("d") "\n< " S("d"),
	  .expected = "response 0 404 1.1 {X-For: /b; Content-Length: 0} 0 [gap,no-request]\n" RT(
		  "c") "\n" ST("c") GUESS RT("d") "\n" ST("d") GUESS },
	{ .name = "a line has one answer: the refusal behind it is another request's",
	  .resyncs = 1,
	  .script = "> GET /abc\n< HTTP/1.1 103 x" RN RN
		    "\n< " S("abc") "\ntick\n+500000000\ntick\n< HTTP/1.1 404 x" RN "X-For: /b" RN
				    "Content-Length: 0" RN RN "\ntick\n+500000000\ntick\n>hole 60\n> " R(
					    "c") "\n< " S("c") "\n> " R("d") "\n< " S("d"),
	  .expected = "interim 103 {}\n" ST(
		  "abc") " [no-request]\n"
			 "response 0 404 1.1 {X-For: /b; Content-Length: 0} 0 [gap,no-request]\n" RT(
				 "c") "\n" ST("c") GUESS RT("d") "\n" ST("d") GUESS },
	{ .name = "an answer before the end of a head that ends all the same",
	  .script =
		  "> GET /a HTTP/1.1" RN "A: b\n< HTTP/1.1 431 x" RN "X-For: /a" RN "Content-Length: 0" RN RN
		  "\ntick\n+500000000\ntick\n> " RN RN "\n> " R("b") "\n< " S("b"),
	  .expected = "response 0 431 1.1 {X-For: /a; Content-Length: 0} 0\n"
		      "request 0 GET /a 1.1 {A: b} 0\n" RT("b") "\n" ST("b") "\n" },
	{ .name = "a line that is no field stays missing in a head that ends behind its answer",
	  .script = "> GET /a HTTP/1.1" RN "no field" RN "A: b\n< HTTP/1.1 431 x" RN "X-For: /a" RN
		    "Content-Length: 0" RN RN "\ntick\n+500000000\ntick\n> " RN RN "\n> GET /b HTTP/1.1" RN
		    "A: b\n< HTTP/1.1 431 x" RN "X-For: /b" RN "Content-Length: 0" RN RN
		    "\ntick\n+500000000\ntick\n> " RN "no field" RN RN,
	  .expected = "response 0 431 1.1 {X-For: /a; Content-Length: 0} 0\n"
		      "request 0 GET /a 1.1 {A: b} 0 [partial-headers]\n"
		      "response 0 431 1.1 {X-For: /b; Content-Length: 0} 0\n"
		      "request 0 GET /b 1.1 {A: b} 0 [partial-headers]\n" },
	{ .name = "late: a head behind the answer to an unseen request is a head, not its body",
	  .late = true,
	  .script = "< HTTP/1.1 200 x" RN "Content-Length: 2" RN RN "\n< " S("b"),
	  .expected = "response 0 200 1.1 {Content-Length: 2} 0~ [late-joined,gap,no-request,guess]\n" ST(
		  "b") " [late-joined,no-request,guess]\n" },
	{ .name = "late: the line that proves a start line comes in two calls",
	  .late = true,
	  .script = "> GET /a HTTP/1.1" RN "Ho\n> st: x" RN RN "\n< HTTP/1.1 200 x" RN "X-F\n< or: /a" RN
		    "Content-Length: 0" RN RN,
	  .expected = RT("a") " [guess]\n" ST("a") " [late-joined,guess]\n" },
	{ .name = "late: what stands inside a turn is no proof, its answer proves nothing",
	  .late = true,
	  .resyncs = 1,
	  .script = "> some text" RN R("a") "\n< " S("a") "\n> " R("b") "\n< " S("b"),
	  .expected = RT("a") " [guess]\n" ST("a") " [guess]\n" RT("b") " [guess]\n" ST(
		  "b") " [late-joined,guess]\n" },
	{ .name = "late: bytes behind a guess refute it, and only a turn is believed then",
	  .late = true,
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> " R("a") "more text" RN R("b") "\n> " R("c") "\n< 250 fine" RN "\n> " R("d"),
	  .expected = RT("a") " [guess]\n" LOST },
	{ .name = "late: a line behind a guess that the other side's turn breaks is none, the turn begins "
		  "one",
	  .late = true,
	  .resyncs = 1,
	  .script = "> " R("a") "G\n< " S("a") "\n> " R("b") "\n< " S("b") "\n> " R("c") "\n< " S("c"),
	  .expected = RT("a") " [guess]\n" ST("a") " [guess]\n" RT("b") " [gap,unanswered,guess]\n" ST(
		  "b") " [gap,no-request,guess]\n" RT("c") " [guess]\n" ST("c") " [late-joined,guess]\n" },
	{ .name = "late: and the rest of a line is no other method",
	  .late = true,
	  .resyncs = 1,
	  .script = "> " R("a") "G\n< " S("a") "\n> ET /b HTTP/1.1" RN "Host: x" RN RN
					       "\n< " S("b") "\ntick\n+500000000\ntick",
	  .expected = RT("a") " [guess]\n" ST("a") " [guess]\n" ST("b") " [gap,no-request,guess]\n" },
	{ .name = "late: no other side's head in one direction",
	  .late = true,
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> " R("a") S("a") R("b") S("b"),
	  .expected = RT("a") " [guess]\n" LOST },
	{ .name = "late: the end of a line in front of a method is none of it",
	  .late = true,
	  .resyncs = 1,
	  .script = "> the last line\n> " R("a") "\n< " S("a") "\n> " R("b") "\n< " S("b"),
	  .expected = RT("a") " [guess]\n" ST("a") " [guess]\n" RT("b") " [guess]\n" ST(
		  "b") " [late-joined,guess]\n" },
	{ .name = "late: words in front of a target are no methods",
	  .late = true,
	  .script = "> x" RN "lineGET / HTTP/1.1" RN "Host: x" RN RN "\n> x" RN "--bound--GET / HTTP/1.1" RN
		    "Host: x" RN RN "\n> bc / HTTP/1.1" RN "a: b" RN RN,
	  .resyncs = 1,
	  .expected = "" },
	{ .name = "from the start any method is one",
	  .script = "> lineGET /a HTTP/1.1" RN RN "\n< HTTP/1.1 501 x" RN "X-For: /a" RN
		    "Content-Length: 0" RN RN,
	  .expected = "request 0 lineGET /a 1.1 {} 0\n"
		      "response 0 501 1.1 {X-For: /a; Content-Length: 0} 0\n" },
	{ .name = "a head inside a body whose framing was refused is none; the next turn is a message",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1" RN "Transfer-Encoding: x" RN RN R("b") "\n> " R(
		  "c") "\n< HTTP/1.1 400 x" RN "X-For: /a" RN "Content-Length: 0" RN RN
		       "\n> " R("d") "\n< " S("d"),
	  .expected = "request 0 POST /a 1.1 {Transfer-Encoding: x} 0~ [gap,malformed]\n"
		      "response 0 400 1.1 {X-For: /a; Content-Length: 0} 0\n" RT("d") "\n" ST("d") "\n" },
	{ .name = "behind a hole a turn is believed, text is a guess",
	  .resyncs = 1,
	  .script = "> " R("a") "\n< " S("a") "\n> " R("b") "\n<hole 9\n< text" RN S("z") "\n> " R(
		  "c") "\n< " S("c"),
	  .expected = RT("a") "\n" ST("a") "\n" RT("b") "\nresponse 0 0 0.0 {} 0~ [gap,unanswered]\n" ST(
		  "z") " [gap,no-request,guess]\n" RT("c") "\n" ST("c") "\n" },
	{ .name = "two Host fields: malformed, even when they agree",
	  .script = "> GET /a HTTP/1.1\\r\\nHost: x\\r\\nhost: x\\r\\n\\r\\n\n< HTTP/1.1 204 "
		    "x\\r\\nX-For: /a\\r\\nHost: y\\r\\nHost: z\\r\\n\\r\\n",
	  .expected = "request 0 GET /a 1.1 {Host: x; host: x} 0 [malformed]\n"
		      "response 0 204 1.1 {X-For: /a; Host: y; Host: z} 0\n" },
	{ .name = "chunked twice: read as once, malformed",
	  .script = "> POST /a HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\nTransfer-Encoding: "
		    "chunked\\r\\n\\r\\n1\\r\\nx\\r\\n0\\r\\n\\r\\n\n< HTTP/1.1 200 x\\r\\nX-For: "
		    "/a\\r\\nTransfer-Encoding: Chunked, chunked\\r\\n\\r\\n0\\r\\n\\r\\n",
	  .expected = "request 0 POST /a 1.1 {Transfer-Encoding: chunked; Transfer-Encoding: chunked} 1 "
		      "[malformed]\nresponse 0 200 1.1 {X-For: /a; Transfer-Encoding: Chunked, chunked} 0 "
		      "[malformed]\n" },
	{ .name = "chunked in HTTP/1.0: read so, malformed",
	  .script = "> GET /a HTTP/1.0\\r\\n\\r\\n\n< HTTP/1.0 200 x\\r\\nX-For: /a\\r\\nTransfer-Encoding: "
		    "chunked\\r\\n\\r\\n1\\r\\nx\\r\\n0\\r\\n\\r\\n",
	  .expected =
		  "request 0 GET /a 1.0 {} 0\nresponse 0 200 1.0 {X-For: /a; Transfer-Encoding: chunked} 1 "
		  "[malformed]\n" },
	{ .name = "zeros before a length, and the same number twice",
	  .script =
		  "> POST /a HTTP/1.1\\r\\nContent-Length: 0000000000000000000000000002\\r\\nContent-Length: "
		  "2\\r\\n\\r\\nxy\n< HTTP/1.1 200 x\\r\\nX-For: /a\\r\\nContent-Length: 00\\r\\n\\r\\n",
	  .expected =
		  "request 0 POST /a 1.1 {Content-Length: 0000000000000000000000000002; Content-Length: 2} "
		  "2\nresponse 0 200 1.1 {X-For: /a; Content-Length: 00} 0\n" },
	{ .name = "a response before its request waits: another thread's record was late",
	  .script = "@1\n< HTTP/1.1 200 OK\\r\\nX-For: /a\\r\\nContent-Length: 0\\r\\n\\r\\n\ntick\n"
		    "@2\n> GET /a HTTP/1.1\\r\\n\\r\\n",
	  .expected = "request 0 GET /a 1.1 {} 0\nresponse 0 200 1.1 {X-For: /a; Content-Length: 0} 0\n" },
	{ .name = "a response without a request comes out after a poll",
	  .script = "< HTTP/1.1 408 Late\\r\\nContent-Length: 0\\r\\n\\r\\n\ntick\n+500000000\ntick",
	  .expected = "response 0 408 1.1 {Content-Length: 0} 0 [no-request]\n" },
	{ .name = "a response without a request comes out at the end",
	  .script = "< HTTP/1.1 408 Late\\r\\nConnection: close\\r\\n\\r\\nx\nend closed",
	  .expected = "response 0 408 1.1 {Connection: close} 1 [no-request]\n" },
	{ .name = "late: a response of an unseen request pairs with nothing",
	  .late = true,
	  .resyncs = 1,
	  .script =
		  "< tail of a body\\r\\nHTTP/1.1 200 OK\\r\\nX-For: /0\\r\\nContent-Length: 0\\r\\n\\r\\n\n"
		  "> GET /a HTTP/1.1\\r\\n\\r\\n\n< HTTP/1.1 200 OK\\r\\nX-For: /a\\r\\nContent-Length: "
		  "0\\r\\n\\r\\n",
	  .expected = "response 0 200 1.1 {X-For: /0; Content-Length: 0} 0 [late-joined,no-request,guess]\n"
		      "request 0 GET /a 1.1 {} 0 [guess]\nresponse 0 200 1.1 {X-For: /a; Content-Length: 0} "
		      "0 [late-joined,guess]\n" },
	{ .name = "late: the answer to an unseen HEAD eats nothing",
	  .late = true,
	  .resyncs = 1,
	  .script = "< HTTP/1.1 200 OK\\r\\nContent-Length: 900\\r\\n\\r\\n\n> GET /a HTTP/1.1\\r\\n\\r\\n\n"
		    "< HTTP/1.1 200 OK\\r\\nX-For: /a\\r\\nContent-Length: 0\\r\\n\\r\\n",
	  .expected = "response 0 200 1.1 {Content-Length: 900} 0~ [late-joined,gap,no-request,guess]\n"
		      "request 0 GET /a 1.1 {} 0 [guess]\nresponse 0 200 1.1 {X-For: /a; Content-Length: 0} "
		      "0 [late-joined,guess]\n" },
	{ .name = "a lost response leaves an empty one, the next exchange is whole",
	  .resyncs = 1,
	  .script = "> GET /a HTTP/1.1\\r\\n\\r\\n\n<hole 50\n> GET /b HTTP/1.1\\r\\n\\r\\n\n"
		    "< HTTP/1.1 200 OK\\r\\nX-For: /b\\r\\nContent-Length: 0\\r\\n\\r\\n",
	  .expected = "request 0 GET /a 1.1 {} 0\nresponse 0 0 0.0 {} 0~ [gap,unanswered]\n"
		      "request 0 GET /b 1.1 {} 0\nresponse 0 200 1.1 {X-For: /b; Content-Length: 0} 0\n" },
	{ .name = "a hole told after the next request: two exchanges in doubt, the third is whole",
	  .resyncs = 1,
	  .script = "> GET /a HTTP/1.1\\r\\n\\r\\n\n> GET /b HTTP/1.1\\r\\n\\r\\n\n<hole 50\n"
		    "< HTTP/1.1 204 x\\r\\nX-For: /b\\r\\n\\r\\n\n> GET /c HTTP/1.1\\r\\n\\r\\n\n"
		    "< HTTP/1.1 204 x\\r\\nX-For: /c\\r\\n\\r\\n",
	  .expected = "request 0 GET /a 1.1 {} 0\nrequest 0 GET /b 1.1 {} 0\n"
		      "response 0 0 0.0 {} 0~ [gap,unanswered]\nresponse 0 0 0.0 {} 0~ [gap,unanswered]\n"
		      "response 0 204 1.1 {X-For: /b} 0 [gap,no-request]\n"
		      "request 0 GET /c 1.1 {} 0\nresponse 0 204 1.1 {X-For: /c} 0\n" },
	{ .name = "the answer to an Upgrade is lost: the client's bytes may be anything",
	  .resyncs = 2,
	  .script = "> GET /a HTTP/1.1\\r\\nConnection: upgrade\\r\\nUpgrade: x\\r\\n\\r\\n\n<hole ?\n> "
		    "\\r\\nx GET /b HTTP/1.1\\r\\n\\r\\n",
	  .expected = "request 0 GET /a 1.1 {Connection: upgrade; Upgrade: x} 0\n"
		      "response 0 0 0.0 {} 0~ [gap,unanswered]\n" },
	{ .name = "a client that pipelines proves nothing by its next request",
	  .resyncs = 1,
	  .script = "> GET /a HTTP/1.1\\r\\n\\r\\n\n> GET /b HTTP/1.1\\r\\n\\r\\n\n"
		    "< HTTP/1.1 204 x\\r\\nX-For: /a\\r\\n\\r\\n\n<hole 9\n> GET /c HTTP/1.1\\r\\n\\r\\n\n"
		    "< HTTP/1.1 204 x\\r\\nX-For: /b\\r\\n\\r\\n",
	  .expected = "request 0 GET /a 1.1 {} 0\nrequest 0 GET /b 1.1 {} 0\n"
		      "response 0 204 1.1 {X-For: /a} 0\nresponse 0 0 0.0 {} 0~ [gap,unanswered]\n"
		      "request 0 GET /c 1.1 {} 0 [gap,unanswered]\n"
		      "response 0 204 1.1 {X-For: /b} 0 [gap,no-request]\n" },
	{ .name = "two requests in one call do not wait for each other",
	  .resyncs = 1,
	  .script = "> GET /a HTTP/1.1\\r\\n\\r\\n\n<hole 9\n"
		    "> GET /b HTTP/1.1\\r\\n\\r\\nGET /c HTTP/1.1\\r\\n\\r\\n\n"
		    "< HTTP/1.1 204 x\\r\\nX-For: /b\\r\\n\\r\\n",
	  .expected = "request 0 GET /a 1.1 {} 0\nresponse 0 0 0.0 {} 0~ [gap,unanswered]\n"
		      "request 0 GET /b 1.1 {} 0\nresponse 0 0 0.0 {} 0~ [gap,unanswered]\n"
		      "request 0 GET /c 1.1 {} 0 [gap,unanswered]\n"
		      "response 0 204 1.1 {X-For: /b} 0 [gap,no-request]\n" },
	{ .name = "behind a hole the rest of a method is no method",
	  .resyncs = 1,
	  .script = ">hole 2\n> LOCK /b HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
	  .expected = "" },
	{ .name = "a hole inside a body of known length only counts",
	  .script = "> GET /a HTTP/1.1\\r\\n\\r\\n\n< HTTP/1.1 200 OK\\r\\nContent-Length: "
		    "100\\r\\n\\r\\nab\n<hole 97\n< z",
	  .expected = "request 0 GET /a 1.1 {} 0\nresponse 0 200 1.1 {Content-Length: 100} 100\n" },
	{ .name = "a hole inside a kept body is marked",
	  .bodies = true,
	  .script = "> GET /a HTTP/1.1\\r\\n\\r\\n\n< HTTP/1.1 200 OK\\r\\nContent-Length: "
		    "100\\r\\n\\r\\nab\n<hole 98",
	  .expected = "request 0 GET /a 1.1 {} 0\nresponse 0 200 1.1 {Content-Length: 100} \"ab\" [gap]\n" },
	{ .name = "a hole inside a chunk only counts",
	  .script = "> GET /a HTTP/1.1\\r\\n\\r\\n\n< HTTP/1.1 200 OK\\r\\nTransfer-Encoding: "
		    "chunked\\r\\n\\r\\n64\\r\\nab\n"
		    "<hole 98\n< \\r\\n0\\r\\n\\r\\n",
	  .expected = "request 0 GET /a 1.1 {} 0\nresponse 0 200 1.1 {Transfer-Encoding: chunked} 100\n" },
	{ .name = "a hole across the end of a chunk loses the framing",
	  .resyncs = 1,
	  .script = "> GET /a HTTP/1.1\\r\\n\\r\\n\n< HTTP/1.1 200 OK\\r\\nTransfer-Encoding: "
		    "chunked\\r\\n\\r\\n64\\r\\nab\n"
		    "<hole 99\n< \\n0\\r\\n\\r\\n",
	  .expected =
		  "request 0 GET /a 1.1 {} 0\nresponse 0 200 1.1 {Transfer-Encoding: chunked} 100~ [gap]\n" },
	{ .name = "a hole of unknown size in a body until the end",
	  .script =
		  "> GET /a HTTP/1.0\\r\\n\\r\\n\n< HTTP/1.0 200 OK\\r\\n\\r\\nab\n<hole ?\n< c\nend closed",
	  .expected = "request 0 GET /a 1.0 {} 0\nresponse 0 200 1.0 {} 3~ [gap]\n" },
	{ .name = "ends: closed",
	  .script = "> GET /a HTTP/1.1\\r\\nHost: x\\r\\n\nend exit",
	  .expected = "request 0 GET /a 1.1 {} 0~ [partial-headers,closed,unanswered]\n" },
	{ .name = "ends: reset inside a body",
	  .script = "> GET /a HTTP/1.1\\r\\n\\r\\n\n< HTTP/1.1 200 OK\\r\\nContent-Length: "
		    "9\\r\\n\\r\\nab\nend reset",
	  .expected =
		  "request 0 GET /a 1.1 {} 0\nresponse 0 200 1.1 {Content-Length: 9} 2~ [reset,closed]\n" },
	{ .name = "ends: in flight",
	  .script = "> POST /a HTTP/1.1\\r\\nContent-Length: 9\\r\\n\\r\\nab\nend in-flight",
	  .expected = "request 0 POST /a 1.1 {Content-Length: 9} 2~ [in-flight]\n" },
	{ .name = "smuggling: both lengths, the coding wins",
	  .script = "> POST /a HTTP/1.1\\r\\nContent-Length: 3\\r\\nTransfer-Encoding: "
		    "chunked\\r\\n\\r\\n1\\r\\nx\\r\\n0\\r\\n\\r\\n",
	  .expected =
		  "request 0 POST /a 1.1 {Content-Length: 3; Transfer-Encoding: chunked} 1 [malformed]\n" },
	{ .name = "smuggling: two lengths",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nContent-Length: 3\\r\\nContent-Length: 4\\r\\n\\r\\nabcd",
	  .expected = "request 0 POST /a 1.1 {Content-Length: 3; Content-Length: 4} 0~ [gap,malformed]\n" },
	{ .name = "smuggling: a blank before the colon",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nTransfer-Encoding : chunked\\r\\n\\r\\n0\\r\\n\\r\\n",
	  .expected = "request 0 POST /a 1.1 {} 0~ [gap,partial-headers,malformed]\n" },
	{ .name = "smuggling: a bare CR before a length (CVE-2023-30589)",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nDummy:\\rContent-Length: 5\\r\\n\\r\\nabcde",
	  .expected = "request 0 POST /a 1.1 {} 0~ [gap,partial-headers,malformed]\n" },
	{ .name = "smuggling: chunked is not the last coding",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nTransfer-Encoding: chunked, gzip\\r\\n\\r\\nab",
	  .expected = "request 0 POST /a 1.1 {Transfer-Encoding: chunked, gzip} 0~ [gap,malformed]\n" },
	{ .name = "a negative length",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nContent-Length: -5\\r\\n\\r\\nab",
	  .expected = "request 0 POST /a 1.1 {Content-Length: -5} 0~ [gap,malformed]\n" },
	{ .name = "a length beyond 64 bits",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nContent-Length: 18446744073709551616\\r\\n\\r\\nab",
	  .expected = "request 0 POST /a 1.1 {Content-Length: 18446744073709551616} 0~ [gap,malformed]\n" },
	{ .name = "a chunk size beyond 64 bits",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n10000000000000000\\r\\nab",
	  .expected = "request 0 POST /a 1.1 {Transfer-Encoding: chunked} 0~ [gap]\n" },
	{ .name = "chunk sizes: upper case, leading zeros, blanks and extensions",
	  .script =
		  "> POST /a HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0000000000000000000A \\r\\n"
		  "0123456789\\r\\nb;x=y\\r\\n0123456789a\\r\\n00\\r\\n\\r\\n",
	  .expected = "request 0 POST /a 1.1 {Transfer-Encoding: chunked} 21\n" },
	{ .name = "a chunk size with a sign of its kind",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0x1\\r\\nab",
	  .expected = "request 0 POST /a 1.1 {Transfer-Encoding: chunked} 0~ [gap]\n" },
	{ .name = "a chunk size behind the letters of hexadecimal",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\ng\\r\\nab",
	  .expected = "request 0 POST /a 1.1 {Transfer-Encoding: chunked} 0~ [gap]\n" },
	{ .name = "a negative chunk size",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> POST /a HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n-1\\r\\nab",
	  .expected = "request 0 POST /a 1.1 {Transfer-Encoding: chunked} 0~ [gap]\n" },
	{ .name = "a giant chunk",
	  .script = "> POST /a HTTP/1.1\\r\\nTransfer-Encoding: "
		    "chunked\\r\\n\\r\\nffffffffffffffff\\r\\nab\nend closed",
	  .expected = "request 0 POST /a 1.1 {Transfer-Encoding: chunked} 2~ [closed]\n" },
	{ .name = "what is no start line is passed over",
	  .refused = 1,
	  .resyncs = 1,
	  .script = "> GET /a\\r\\nGET /b HTTP/1.1\\r\\n\\r\\n",
	  .expected = "request 0 GET /b 1.1 {} 0 [gap,unanswered,guess]\n" },
	{ .name = "more requests than are followed",
	  .pipeline = 2,
	  .script = "> GET /1 HTTP/1.1\\r\\n\\r\\nGET /2 HTTP/1.1\\r\\n\\r\\nGET /3 HTTP/1.1\\r\\n\\r\\nGET "
		    "/4 HTTP/1.1\\r\\n\\r\\n\n"
		    "< HTTP/1.1 204 a\\r\\nX-For: /1\\r\\n\\r\\nHTTP/1.1 204 a\\r\\nX-For: /2\\r\\n\\r\\n"
		    "HTTP/1.1 204 a\\r\\nX-For: /3\\r\\n\\r\\nHTTP/1.1 204 a\\r\\nX-For: /4\\r\\n\\r\\n\n"
		    "> GET /5 HTTP/1.1\\r\\n\\r\\n\n< HTTP/1.1 204 a\\r\\nX-For: /5\\r\\n\\r\\n",
	  .expected = "request 0 GET /1 1.1 {} 0\nrequest 0 GET /2 1.1 {} 0\n"
		      "request 0 GET /3 1.1 {} 0 [truncated,unanswered]\n"
		      "request 0 GET /4 1.1 {} 0 [truncated,unanswered]\n"
		      "response 0 204 1.1 {X-For: /1} 0\nresponse 0 204 1.1 {X-For: /2} 0\n"
		      "response 0 204 1.1 {X-For: /3} 0 [truncated,no-request]\n"
		      "response 0 204 1.1 {X-For: /4} 0 [truncated,no-request]\n"
		      "request 0 GET /5 1.1 {} 0\nresponse 0 204 1.1 {X-For: /5} 0\n" },
};

/* Writes the bytes that a script's line means; \r and \n are escaped there. */
static size_t unescape(const char *from, const char *end, char *to)
{
	size_t n = 0;

	for (; from < end; from++) {
		if (*from == '\\' && from + 1 < end) {
			from++;
			to[n++] = *from == 'r' ? '\r' : '\n';
		} else {
			to[n++] = *from;
		}
	}
	return n;
}

static enum protocol_end end_parse(const char *word)
{
	if (*word == 'c')
		return END_CLOSED;
	if (*word == 'e')
		return END_EXIT;
	return *word == 'r' ? END_RESET : END_IN_FLIGHT;
}

static void script_line(struct run *run, const char *line, const char *end)
{
	int side = *line == '>' ? TURN_REQUEST : TURN_RESPONSE;
	char bytes[1024];

	if (*line == '@')
		run->hand = (uint32_t)atoi(line + 1);
	else if (*line == '+')
		run->now_ns += strtoull(line + 1, NULL, 10);
	else if (*line == 't')
		http1_protocol.tick(run->http1, ++run->now_ns);
	else if (*line == 'e')
		http1_protocol.end(run->http1, end_parse(line + 4), ++run->now_ns);
	else if (line[1] == 'h')
		run_hole(run, side, line[6] == '?' ? HOLE_UNKNOWN_SIZE : strtoull(line + 6, NULL, 10));
	else
		run_feed(run, side, bytes, unescape(line + 2, end, bytes));
}

static void rule_open(struct run *run, const struct rule *rule)
{
	run_open(run, ROLE_CLIENT, !rule->late, rule->bodies);
	http1_protocol.destroy(run->http1);
	run->config.pipeline_limit = 2;
	run->http1 = http1_protocol.create(&run->config, &(struct protocol_handler){
								 .ctx = run,
								 .head = run_head,
								 .body = run_body,
								 .done = run_done,
								 .interim = run_interim,
								 .upgrade = run_upgrade,
								 .hand = run_hand,
								 .note = run_note,
							 });
}

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *rule = &rules[i];
		struct run run;

		rule_open(&run, rule);
		for (const char *line = rule->script; line && *line;) {
			const char *end = strchr(line, '\n');

			script_line(&run, line, end ? end : line + strlen(line));
			line = end ? end + 1 : NULL;
		}
		if (strcmp(message_text_get(&run.text), rule->expected))
			fail_msg("%s: got\n%s", rule->name, message_text_get(&run.text));
		if (run.text.notes[NOTE_MESSAGE_REFUSED] != rule->refused ||
		    run.text.notes[NOTE_RESYNC] != rule->resyncs ||
		    run.text.notes[NOTE_PIPELINE_LIMIT] != rule->pipeline || run.pairs.wrong)
			fail_msg("%s: refused %d resyncs %d pipeline %d wrong pairs %u", rule->name,
				 (int)run.text.notes[NOTE_MESSAGE_REFUSED], (int)run.text.notes[NOTE_RESYNC],
				 (int)run.text.notes[NOTE_PIPELINE_LIMIT], run.pairs.wrong);
		http1_protocol.destroy(run.http1);
		message_text_fini(&run.text);
	}
}

/* --- what frames a body (RFC 9112, 6) ---------------------------------------------- */

#define CL "Content-Length: "
#define TE "Transfer-Encoding: "
#define XY "2\r\nxy\r\n0\r\n\r\n"

/* The end of the message's line, behind its fields, when the connection was closed behind the body. */
static const struct {
	const char *name, *fields, *body, *request, *response;
} framings[] = {
	{ "a length", CL "2\r\n", "xy", "2", "2" },
	{ "none", "", "", "0", "0" },
	{ "chunked", TE "chunked\r\n", XY, "2", "2" },
	{ "a length and chunked", CL "9\r\n" TE "chunked\r\n", XY, "2 [malformed]", "2 [malformed]" },
	{ "chunked and a length that fits", TE "chunked\r\n" CL "12\r\n", XY, "2 [malformed]",
	  "2 [malformed]" },
	{ "two lengths that differ", CL "2\r\n" CL "3\r\n", "xy", "0~ [gap,malformed]",
	  "0~ [gap,malformed]" },
	{ "a list of lengths that differ", CL "2, 3\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "two lengths that agree", CL "2\r\n" CL "2\r\n", "xy", "2", "2" },
	{ "a list of lengths that agree", CL "2, 2\r\n", "xy", "2", "2" },
	{ "a sign", CL "+2\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "a negative length", CL "-2\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "an empty length", CL "\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "an empty member", CL "2,\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "hexadecimal", CL "0x2\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "two numbers", CL "2 2\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "2^64", CL "18446744073709551616\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "2^64 and 2", CL "18446744073709551618\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "30 digits", CL "100000000000000000000000000002\r\n", "xy", "0~ [gap,malformed]",
	  "0~ [gap,malformed]" },
	{ "gzip in chunks", TE "gzip, chunked\r\n", XY, "2", "2" },
	{ "in two fields", TE "gzip\r\n" TE "chunked\r\n", XY, "2", "2" },
	{ "chunks within gzip end with the connection", TE "chunked, gzip\r\n", "xyz", "0~ [gap,malformed]",
	  "3" },
	{ "gzip alone", TE "gzip\r\n", "xyz", "0~ [gap,malformed]", "3" },
	{ "gzip alone and a length", TE "gzip\r\n" CL "1\r\n", "xyz", "0~ [gap,malformed]", "3 [malformed]" },
	{ "chunked first and last", TE "chunked, gzip, chunked\r\n", XY, "2 [malformed]", "2 [malformed]" },
	{ "identity", TE "identity\r\n", "", "0 [malformed]", "0" },
	{ "identity and a length", TE "identity\r\n" CL "2\r\n", "xy", "2 [malformed]", "2 [malformed]" },
	{ "an empty coding and a length", TE "\r\n" CL "2\r\n", "xy", "2 [malformed]", "2 [malformed]" },
	{ "what looks like chunked",
	  TE "\x0b"
	     "chunked\r\n",
	  XY, "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "quoted", TE "\"chunked\"\r\n", XY, "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "its case does not matter", TE "CHUNKED\r\n", XY, "2", "2" },
	{ "blanks behind it", TE "chunked \t\r\n", XY, "2", "2" },
	{ "folded", TE "\r\n chunked\r\n", XY, "2", "2" },
	{ "a folded length", CL "\r\n\t2\r\n", "xy", "2", "2" },
	{ "a folded number", CL "1\r\n 2\r\n", "xy", "0~ [gap,malformed]", "0~ [gap,malformed]" },
	{ "a space before the colon", "Content-Length : 2\r\n", "xy", "0~ [gap,partial-headers,malformed]",
	  "0~ [gap,partial-headers,malformed]" },
	{ "a space before the colon of the coding", "Transfer-Encoding : chunked\r\n", XY,
	  "0~ [gap,partial-headers,malformed]", "0~ [gap,partial-headers,malformed]" },
	{ "NUL in the length", CL "2\\0\r\n", "xy", "0~ [gap,partial-headers,malformed]",
	  "0~ [gap,partial-headers,malformed]" },
	{ "CR in the length", CL "2\r2\r\n", "xy", "0~ [gap,partial-headers,malformed]",
	  "0~ [gap,partial-headers,malformed]" },
	{ "lines that end with LF alone", CL "2\n", "xy", "2", "2" },
	{ "a space before another field's colon", "A : b\r\n" CL "2\r\n", "xy", "2 [partial-headers]",
	  "2 [partial-headers]" },
	{ "CR in another field", "A: b\rc\r\n" CL "2\r\n", "xy", "2 [partial-headers]",
	  "2 [partial-headers]" },
};

static void framing_play(size_t row, int side, char *bytes, size_t len)
{
	static const char get[] = "GET /a HTTP/1.1\r\n\r\n";
	const char *expected = side == TURN_REQUEST ? framings[row].request : framings[row].response, *line;
	char wanted[64];
	struct run run;

	snprintf(wanted, sizeof(wanted), "} %s\n", expected);
	run_open(&run, ROLE_CLIENT, true, false);
	if (side == TURN_RESPONSE)
		run_feed(&run, TURN_REQUEST, get, strlen(get));
	run_feed(&run, side, bytes, len);
	http1_protocol.end(run.http1, END_CLOSED, ++run.now_ns);
	line = strstr(message_text_get(&run.text), side == TURN_REQUEST ? "request 0 POST" : "response 0");
	if (!line || !strstr(line, wanted))
		fail_msg("%s: wanted %s, got\n%s", framings[row].name, expected, message_text_get(&run.text));
	http1_protocol.destroy(run.http1);
	message_text_fini(&run.text);
}

static void test_framings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++) {
		for (int side = TURN_REQUEST; side <= TURN_RESPONSE; side++) {
			char bytes[1024], *nul;
			size_t len = (size_t)snprintf(bytes, sizeof(bytes), "%s\r\n%s\r\n%s",
						      side == TURN_REQUEST ? "POST /a HTTP/1.1"
									   : "HTTP/1.1 200 OK\r\nX-For: /a",
						      framings[i].fields, framings[i].body);

			nul = strstr(bytes, "\\0");
			if (nul) {
				*nul = '\0';
				memmove(nul + 1, nul + 2, len - (size_t)(nul + 2 - bytes));
				len--;
			}
			framing_play(i, side, bytes, len);
		}
	}
}

/* --- limits and hints ---------------------------------------------------------- */

static void test_many_headers(void **state)
{
	static const char head[] = "GET /a HTTP/1.1\r\n", field[] = "N: v\r\n",
			  next[] = "\r\nGET /b HTTP/1.1\r\n\r\n";
	struct run run;

	(void)state;
	run_open(&run, ROLE_CLIENT, true, false);
	run_feed(&run, TURN_REQUEST, head, strlen(head));
	for (int i = 0; i < 100000; i++)
		run_feed(&run, TURN_REQUEST, field, strlen(field));
	run_feed(&run, TURN_REQUEST, next, strlen(next));
	assert_int_equal(run.text.notes[NOTE_HEADER_LIMIT], 1);
	assert_non_null(strstr(run.text.text, "} 0 [truncated]\nrequest 0 GET /b 1.1 {} 0\n"));
	run_close(&run, END_CLOSED);
}

/* A head that comes again, one that goes on where it ended, one that ends before, one in pieces; and many
 * others. */
static void test_heads_again(void **state)
{
	static const struct {
		const char *head, *fields;
	} rows[] = {
		{ "A: b\r\n\r\n", "A: b" },
		{ "A: b\r\n\r\n", "A: b" },
		{ "A: b\r\nC: d\r\n\r\n", "A: b; C: d" },
		{ "A: b\r\n\r\n", "A: b" },
		{ "A: b\n\n", "A: b" },
		{ "A: b\r\n\r\n", "A: b" },
		{ "A: b\r\n c\r\n\r\n", "A: b c" },
		{ "\r\n", "" },
		{ "\r\n", "" },
		{ "\n", "" },
		{ "Content-Length: 0\r\n\r\n", "Content-Length: 0" },
		{ "Content-Length: 0\r\n\r\n", "Content-Length: 0" },
	};
	static const char answer[] = "HTTP/1.1 204 N\r\n\r\n";
	const size_t count = sizeof(rows) / sizeof(*rows);
	struct run run;

	(void)state;
	for (int bytewise = 0; bytewise < 2; bytewise++) {
		run_open(&run, ROLE_CLIENT, true, false);
		for (size_t i = 0; i < PAIRS - 1; i++) {
			char text[96], expected[96], fields[32];
			size_t len, at = i ? strlen(run.text.text) : 0;

			/* Behind the rows each differs, with some that come again. */
			snprintf(fields, sizeof(fields), "N: %zu", i / 3 % 7 ? i : i / 3);
			snprintf(text, sizeof(text), "GET /%zu HTTP/1.1\r\n%s%s", i,
				 i < count ? rows[i].head : fields, i < count ? "" : "\r\n\r\n");
			snprintf(expected, sizeof(expected), "request 0 GET /%zu 1.1 {%s} 0\n", i,
				 i < count ? rows[i].fields : fields);
			len = strlen(text);
			for (size_t j = 0; bytewise && j < len; j++)
				run_feed(&run, TURN_REQUEST, text + j, 1);
			if (!bytewise)
				run_feed(&run, TURN_REQUEST, text, len);
			assert_string_equal(run.text.text + at, expected);
			run_feed(&run, TURN_RESPONSE, answer, strlen(answer));
		}
		run_close(&run, END_CLOSED);
	}
}

static void erase_lists(char *text)
{
	char *to = text;

	for (bool inside = false; *text; text++) {
		inside |= *text == '{' || strncmp(text, " trailers {", 11) == 0;
		if (!inside)
			*to++ = *text;
		inside &= *text != '}' || !strchr(" \n", text[1]);
	}
	*to = 0;
}

/* Where nobody wants all fields the messages are the same but for those. */
static void test_few_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		char *all = case_text(&http1_cases[i], false, false),
		     *few = case_text(&http1_cases[i], false, true);

		erase_lists(all);
		erase_lists(few);
		assert_string_equal(few, all);
		free(all);
		free(few);
	}
}

/* Kept are those that somebody asks for, in each way of reading; all of them frame, and are judged. */
static void test_few_fields_kept(void **state)
{
	static const char text[] =
		"POST /a HTTP/1.1\r\nHOST: h\r\nAccept: */*\r\nConnection: "
		"keep-alive\r\nX-Trace-Identifier-Of-Some-"
		"Length: 1\r\nContent-Type:  a/b \r\nUser-Agent: x\r\nContent-Length: 2\r\nx_y: 1\r\n\r\nab"
		"POST /b HTTP/1.1\r\nHost: h\r\nhost: i\r\nTransfer-Encoding: chunked\r\n\r\n"
		"0\r\nX: 1\r\ngrpc-status: 0\r\n\r\n"
		"GET /c HTTP/1.1\r\nA: b\r\n c\r\nHost: h\r\n\r\n";

	(void)state;
	for (size_t step = 1; step <= sizeof(text); step++) {
		struct run run;

		run_open(&run, ROLE_CLIENT, true, false);
		run_few(&run);
		for (size_t at = 0; at < sizeof(text) - 1; at += step)
			run_feed(&run, TURN_REQUEST, text + at,
				 sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step);
		assert_string_equal(
			run.text.text,
			"request 0 POST /a 1.1 {HOST: h; Connection: keep-alive; Content-Type: a/b} 2\n"
			"request 0 POST /b 1.1 {Host: h; host: i} 0 trailers {grpc-status: 0} [malformed]\n"
			"request 0 GET /c 1.1 {Host: h} 0\n");
		run_close(&run, END_CLOSED);
	}
}

/* So does the framing that a head gave. */
static void test_framed_again(void **state)
{
	static const char two[] = "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n",
			  chunked[] = "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
			  both[] = "POST /c HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
	struct run run;

	(void)state;
	run_open(&run, ROLE_CLIENT, true, false);
	for (int i = 0; i < 3; i++) {
		run_feed(&run, TURN_REQUEST, two, strlen(two));
		run_feed(&run, TURN_REQUEST, "xy", 2);
	}
	for (int i = 0; i < 2; i++) {
		run_feed(&run, TURN_REQUEST, chunked, strlen(chunked));
		run_feed(&run, TURN_REQUEST, "3\r\nxyz\r\n0\r\n\r\n", 13);
	}
	assert_string_equal(run.text.text, "request 0 POST /a 1.1 {Content-Length: 2} 2\n"
					   "request 0 POST /a 1.1 {Content-Length: 2} 2\n"
					   "request 0 POST /a 1.1 {Content-Length: 2} 2\n"
					   "request 0 POST /b 1.1 {Transfer-Encoding: chunked} 3\n"
					   "request 0 POST /b 1.1 {Transfer-Encoding: chunked} 3\n");
	run_feed(&run, TURN_REQUEST, both, strlen(both));
	run_feed(&run, TURN_REQUEST, both, strlen(both));
	assert_non_null(strstr(run.text.text, "{Content-Length: 1; Content-Length: 2} 0~ [gap,malformed]\n"));
	run_close(&run, END_CLOSED);
}

/* Names and values of each length, of which the end of what is there cuts off all but so much. */
static void test_cut_fields(void **state)
{
	(void)state;
	for (int name = 1; name < 50; name++)
		for (int value = 0; value < 40; value++) {
			char head[256], expected[256];
			struct run run;
			int len = snprintf(head, sizeof(head), "GET /a HTTP/1.1\r\n%0*d: %.*s\r\n\r\n", name,
					   0, value, "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv");

			snprintf(expected, sizeof(expected), "request 0 GET /a 1.1 {%0*d: %.*s} 0\n", name, 0,
				 value, "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv");
			for (int cut = 17 + name; cut <= len; cut++) {
				run_open(&run, ROLE_CLIENT, true, false);
				run_feed(&run, TURN_REQUEST, head, (size_t)cut);
				run_feed(&run, TURN_REQUEST, head + cut, (size_t)(len - cut));
				assert_string_equal(run.text.text, expected);
				run_close(&run, END_CLOSED);
			}
		}
}

static void test_long_header(void **state)
{
	static const char head[] = "GET /a HTTP/1.1\r\nA: ",
			  next[] = "\r\nB: 1\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
	static char value[100000];
	struct run run;

	(void)state;
	memset(value, 'v', sizeof(value));
	run_open(&run, ROLE_CLIENT, true, false);
	run_feed(&run, TURN_REQUEST, head, strlen(head));
	run_feed(&run, TURN_REQUEST, value, sizeof(value));
	run_feed(&run, TURN_REQUEST, next, strlen(next));
	assert_int_equal(run.text.notes[NOTE_HEADER_LIMIT], 1);
	assert_string_equal(run.text.text,
			    "request 0 GET /a 1.1 {} 0 [truncated]\nrequest 0 GET /b 1.1 {} 0\n");
	run_close(&run, END_CLOSED);
}

/* A request line beyond the limit, in pieces of every kind: a request, cut; without a version it is none. */
static void test_long_request_line(void **state)
{
	static const char end[] = " HTTP/1.1\r\nA: b\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
	static char target[100000];

	(void)state;
	memset(target, 't', sizeof(target));
	for (size_t piece = 1; piece < 40; piece++) {
		struct run run;

		run_open(&run, ROLE_CLIENT, true, false);
		run_feed(&run, TURN_REQUEST, "GET /", 5);
		run_feed(&run, TURN_REQUEST, target, sizeof(target));
		for (size_t at = 0; at < strlen(end); at += piece)
			run_feed(&run, TURN_REQUEST, end + at,
				 strlen(end) - at < piece ? strlen(end) - at : piece);
		assert_string_equal(run.text.text, "request 0 GET ? 1.1 {} 0 [truncated]\n"
						   "request 0 GET /b 1.1 {} 0\n");
		run_close(&run, END_CLOSED);
	}
}

static void test_body_limit(void **state)
{
	static const char head[] = "POST /a HTTP/1.1\r\nContent-Length: 10000\r\n\r\n";
	static char body[10000];
	struct run run;

	(void)state;
	memset(body, 'b', sizeof(body));
	run_open(&run, ROLE_CLIENT, true, true);
	run_feed(&run, TURN_REQUEST, head, strlen(head));
	run_feed(&run, TURN_REQUEST, body, sizeof(body));
	assert_int_equal(run.text.bodies_bytes, 10000);
	assert_non_null(strstr(run.text.text, "bbb\"\n"));
	assert_int_equal(strlen(strchr(run.text.text, '"')), 4096 + 3);
	run_close(&run, END_CLOSED);
}

static void test_body_left(void **state)
{
	static const char get[] = "GET /a HTTP/1.1\r\n\r\n",
			  head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc";
	struct run run;

	(void)state;
	run_open(&run, ROLE_SERVER, true, false);
	run_feed(&run, TURN_REQUEST, get, strlen(get));
	assert_int_equal(http1_protocol.body_left(run.http1, DIRECTION_SENT), 0);
	run_feed(&run, TURN_RESPONSE, head, strlen(head));
	assert_int_equal(http1_protocol.body_left(run.http1, DIRECTION_SENT), 997);
	assert_false(http1_protocol.idle(run.http1));
	run_hole(&run, TURN_RESPONSE, 997);
	assert_int_equal(http1_protocol.body_left(run.http1, DIRECTION_SENT), 0);
	assert_true(http1_protocol.idle(run.http1));
	run_close(&run, END_CLOSED);
}

static void hand_on(void *ctx, struct slice bytes, uint64_t time_ns)
{
	char *told = ctx;

	sprintf(told + strlen(told), "%.*s at %llu\n", (int)bytes.len, (const char *)bytes.data,
		(unsigned long long)time_ns);
}

static void test_upgrade_hands_on(void **state)
{
	static const char ask[] = "GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HT";
	static const char yes[] = "HTTP/1.1 101 Go\r\n\r\nSETTINGS";
	struct slice bytes = slice_of(yes, strlen(yes));
	char told[64] = "";
	struct run run;

	(void)state;
	run_open(&run, ROLE_CLIENT, true, false);
	run_feed(&run, TURN_REQUEST, ask, strlen(ask));
	run_feed(&run, TURN_REQUEST, "TP/2.0", 6);
	run_hole(&run, TURN_REQUEST, 7);
	assert_int_equal(http1_protocol.feed(run.http1, DIRECTION_RECEIVED, bytes, 9), strlen(yes) - 8);
	assert_non_null(strstr(run.text.text, "upgrade h2c /a\n"));
	assert_int_equal(http1_protocol.held(run.http1, DIRECTION_SENT, hand_on, told), 7);
	assert_string_equal(told, "PRI * HT at 1\nTP/2.0 at 2\n");
	assert_int_equal(http1_protocol.feed(run.http1, DIRECTION_SENT, SLICE("x"), 9), 0);
	run_close(&run, END_CLOSED);
}

/* Java's client asks for h2c with each request of a connection until a server takes it: what waits is
 * counted, once. */
static void test_refused_upgrades_hold_nothing(void **state)
{
	static const char ask[] = "GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
	static const char no[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	size_t quiet_bytes = 0, waiting_bytes;
	struct run run;

	(void)state;
	run_open(&run, ROLE_CLIENT, true, false);
	for (int i = 0; i < 10; i++) {
		run_feed(&run, TURN_REQUEST, ask, strlen(ask));
		waiting_bytes = http1_protocol.memory(run.http1);
		run_feed(&run, TURN_RESPONSE, no, strlen(no));
		if (!i)
			quiet_bytes = http1_protocol.memory(run.http1);
		assert_int_equal(http1_protocol.memory(run.http1), quiet_bytes);
		assert_true(waiting_bytes > quiet_bytes);
	}
	run_close(&run, END_CLOSED);
}

/* The byte that begins the start line counts, not the empty line before it. */
static void test_times(void **state)
{
	static const struct http1_case row = { .turns = { { TURN_REQUEST, "\r\n", 2 },
							  { TURN_REQUEST, "P", 1 },
							  { TURN_REQUEST,
							    "OST /a HTTP/1.1\r\nContent-Length: 1\r\n", 36 },
							  { TURN_REQUEST, "\r\n", 2 },
							  { TURN_REQUEST, "x", 1 } } };
	struct run run;

	(void)state;
	run_open(&run, ROLE_CLIENT, true, false);
	case_play(&run, &row, NO_SPLIT, false);
	assert_int_equal(run.first_ns, 2);
	assert_int_equal(run.head_ns, 4);
	assert_int_equal(run.last_ns, 5);
	run_close(&run, END_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_bytewise),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_shrinks),
		cmocka_unit_test(test_every_hole),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_framings),
		cmocka_unit_test(test_many_headers),
		cmocka_unit_test(test_heads_again),
		cmocka_unit_test(test_framed_again),
		cmocka_unit_test(test_few_fields),
		cmocka_unit_test(test_few_fields_kept),
		cmocka_unit_test(test_cut_fields),
		cmocka_unit_test(test_long_header),
		cmocka_unit_test(test_long_request_line),
		cmocka_unit_test(test_body_limit),
		cmocka_unit_test(test_body_left),
		cmocka_unit_test(test_upgrade_hands_on),
		cmocka_unit_test(test_refused_upgrades_hold_nothing),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which response belongs to which request, and when an exchange comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/counters.h"
#include "model/exchange.h"
#include "pair/pair.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const struct mover somebody = { .pid = 7 };

static char log_text[4096];
static size_t log_used;

static void log_add(void *ctx, const char *text)
{
	(void)ctx;
	log_used += (size_t)snprintf(log_text + log_used, sizeof(log_text) - log_used, " %s", text);
}

/* A message's number stands in its status; a request's in its body_bytes. */
static void log_exchange(const struct exchange *exchange)
{
	char text[64];

	snprintf(text, sizeof(text), "%d=%d", exchange->request ? (int)exchange->request->body_bytes : -1,
		 exchange->response ? exchange->response->status : -1);
	log_add(NULL, text);
	if (exchange->interim_count) {
		snprintf(text, sizeof(text), "i%zu", exchange->interim_count);
		log_add(NULL, text);
	}
	exchange_flags_each(exchange->flags, log_add, NULL);
	if (exchange->split_answer)
		log_add(NULL, "split");
	if (exchange->flags & FLAG_CLOSED && exchange->request) {
		assert_true(exchange->duration_known);
		assert_int_equal(exchange->duration_ns, 5);
	}
	if (exchange->error_known) {
		snprintf(text, sizeof(text), "e%u", exchange->error);
		log_add(NULL, text);
	}
}

static void on_exchange(void *ctx, struct exchange *exchange)
{
	(void)ctx;
	log_exchange(exchange);
}

static struct message *make(enum message_kind kind, uint32_t key, int number, unsigned int flags)
{
	struct message *message = message_new(kind, 0);

	message->key = key;
	message->flags = flags;
	message->body_bytes = (uint64_t)number;
	message->status = kind == MESSAGE_RESPONSE ? number : 0;
	message->first_byte_ns = message->last_byte_ns = 5;
	return message;
}

static void on_pending(void *ctx, const struct result *result)
{
	const struct exchange *exchange = result->exchange;

	assert_int_equal(result->kind, RESULT_PENDING);
	assert_true(exchange->pending && !exchange->duration_known && exchange->waited_ns >= 50);
	(void)ctx;
	log_add(NULL, "p");
	log_exchange(exchange);
}

static void give_interim(struct pair *pair, uint32_t key)
{
	struct message *interim = make(MESSAGE_RESPONSE, key, 103, 0);

	pair_interim(pair, interim);
	message_free(interim);
}

static unsigned int word_flags(const char *word)
{
	unsigned int flags = 0;

	flags |= strchr(word, 'n') ? FLAG_NO_REQUEST : 0;
	flags |= strchr(word, 'u') ? FLAG_UNANSWERED : 0;
	flags |= strchr(word, 'x') ? FLAG_RESET : 0;
	flags |= strchr(word, 'g') ? FLAG_GAP : 0;
	return flags;
}

/* Something is told when it was said to be due, and not before. */
static void tell_pending(struct pair *pair, struct pipeline *pipeline)
{
	uint64_t due_ns = pair_pending_due_ns(pair);
	size_t told = log_used;

	pipeline->now_ns += 40;
	pair_tell_pending(pair);
	assert_int_equal(log_used != told, due_ns <= pipeline->now_ns);
}

/*
 * A script: "Q1" a request is done, "q1" its head came (done by "Q1"), "A1"/"a1" the same for responses;
 * "@K" behind: on stream K; n, u, x, g: flags; "split": not to be counted; "!" a poll; "~" the time of late
 * records; "t" all that is idle expires; "rK" stream K was reset; "p" 40 ns pass and what is pending (50 ns)
 * is told; "i" an interim response, "i@K" on stream K.
 */
static void run(const char *script, size_t limit, unsigned int end_flags)
{
	struct conn_facts facts = { .id = 1 };
	struct pipeline pipeline = { .handler = { .exchange = on_exchange, .result = on_pending },
				     .now_ns = 10 };
	struct pair *watched = NULL;
	struct message *live[2][10] = { 0 };
	struct pair pair;
	char copy[256], *save = NULL;

	log_used = 0;
	log_text[0] = '\0';
	pipeline.config.exchange_limit = limit;
	pipeline.config.timeout_ns = 100;
	pipeline.config.pending_ns = 50;
	pipeline.watched = &watched;
	pair_init(&pair, &pipeline, &facts);
	snprintf(copy, sizeof(copy), "%s", script);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		int number = atoi(word + 1),
		    kind = toupper(word[0]) == 'A' ? MESSAGE_RESPONSE : MESSAGE_REQUEST;
		const char *at = strchr(word, '@');
		struct message **slot = &live[kind][number % 10];

		if (word[0] == '~') {
			pipeline.now_ns += LATE_NS;
			continue;
		}
		if (word[0] == '!') {
			pipeline.poll++;
			pair_poll(&pair);
		} else if (word[0] == 't') {
			pipeline.now_ns += 1000;
			pair_expire(&pair);
		} else if (word[0] == 'p') {
			tell_pending(&pair, &pipeline);
		} else if (word[0] == 'i') {
			give_interim(&pair, at ? (uint32_t)atoi(at + 1) : 0);
		} else if (word[0] == 'r') {
			pair_reset(&pair, (uint32_t)number, 8);
		} else {
			if (!*slot)
				*slot = make(kind, at ? (uint32_t)atoi(at + 1) : 0, number, word_flags(word));
			(*slot)->flags |= word_flags(word);
			if (islower(word[0])) {
				pair_head(&pair, *slot, &somebody);
			} else {
				pair_done(&pair, *slot, &somebody);
				*slot = NULL;
			}
		}
	}
	assert_true((watched == &pair) == (pair.open > 0));
	pair_end(&pair, end_flags);
	assert_null(watched);
	for (int i = 0; i < 20; i++)
		message_free(live[i / 10][i % 10]);
	pair_fini(&pair);
}

static const struct {
	const char *name, *script, *expected;
	size_t limit;
} rows[] = {
	{ "one", "Q1 A1", " 1=1", 9 },
	{ "pipelined", "Q1 Q2 Q3 A1 A2 A3", " 1=1 2=2 3=3", 9 },
	{ "response head before the request's end", "q1 a1 Q1 A1", " 1=1", 9 },
	{ "response done before the request", "q1 A1 Q1", " 1=1", 9 },
	{ "response first", "A1 Q1 Q2 A2", " 1=1 2=2", 9 },
	{ "response first, two of them", "A1 A2 Q1 Q2", " 1=1 2=2", 9 },
	{ "response alone", "A1 ~ ! ! Q2 A2", " -1=1 no-request 2=2", 9 },
	{ "request behind its response", "A1 ! ! ! Q1", " 1=1", 9 },
	{ "response known to be alone", "Q1 A7n A1", " -1=7 no-request 1=1", 9 },
	{ "request known to be unanswered", "Q1u Q2 A2", " 1=-1 unanswered 2=2", 9 },
	{ "a split exchange counts once", "Q1ug A1ng A2ng",
	  " 1=-1 gap unanswered -1=1 gap no-request split -1=2 gap no-request", 9 },
	{ "a lost answer, and later a lost request: two", "Q1ug Q2 A2 A3ng",
	  " 1=-1 gap unanswered 2=2 -1=3 gap no-request", 9 },
	{ "unanswered at the end", "Q1 Q2 A1", " 1=1 2=-1 closed unanswered", 9 },
	{ "streams in any order", "Q1@1 Q2@3 Q3@5 A2@3 A3@5 A1@1", " 2=2 3=3 1=1", 9 },
	{ "stream reset", "Q1@1 r1 Q2@3 A2@3", " 1=-1 reset unanswered e8 2=2", 9 },
	{ "reset within a response", "Q1@1 a1@1 A1x@1 r1", " 1=1 reset e8", 9 },
	{ "reset whose error never comes", "Q1@1 A1x@1 ! !", " 1=1 reset", 9 },
	{ "reset of an unknown stream", "r7 Q1@1 A1@1", " 1=1", 9 },
	{ "stream used twice", "Q1@1 Q2@1 A2@1", " 1=-1 unanswered 2=2", 9 },
	{ "expired", "Q1 t", " 1=-1 timeout unanswered", 9 },
	{ "expired, answered later", "Q1 t A1 Q2 A2", " 1=-1 timeout unanswered -1=1 timeout no-request 2=2",
	  9 },
	{ "expired within its response", "Q1 a1 t A1 Q2 A2", " 1=1 timeout 2=2", 9 },
	{ "expired within its request", "q1 t Q1 A1 Q2 A2",
	  " 1=-1 timeout unanswered -1=1 timeout no-request 2=2", 9 },
	{ "stream expired, answered later", "Q1@1 t A1@1 Q2@3 A2@3",
	  " 1=-1 timeout unanswered -1=1 timeout no-request 2=2", 9 },
	{ "too many streams", "Q1@1 Q2@3 Q3@5 A3@5 A2@3 A1@1",
	  " 1=-1 truncated unanswered 3=3 2=2 -1=1 truncated no-request", 2 },
	{ "too many responses", "A1@1 A2@3 A3@5 Q3@5 Q2@3", " -1=1 no-request 3=3 2=2", 2 },
	{ "pending once", "Q1 p p p A1", " p 1=-1 1=1", 9 },
	{ "not yet pending", "Q1 p A1", " 1=1", 9 },
	{ "pending, then a long answer", "Q1 p p a1 p p A1", " p 1=-1 p 1=1 1=1", 9 },
	{ "a long answer alone", "Q1 a1 p p A1", " p 1=1 1=1", 9 },
	{ "a long request", "q1 p p Q1 A1", " p 1=-1 1=1", 9 },
	{ "an answer without a request is not pending", "a1 p p p Q1 A1", " 1=1", 9 },
	{ "pending streams", "Q1@1 Q2@3 p A2@3 p A1@1", " 2=2 p 1=-1 1=1", 9 },
	{ "expired is not pending", "Q1 t p p", " 1=-1 timeout unanswered", 9 },
	{ "interim", "Q1 i A1", " 1=1 i1", 9 },
	{ "interims of two", "Q1 Q2 i A1 i i A2", " 1=1 i1 2=2 i2", 9 },
	{ "interim of a stream", "Q1@1 Q2@3 i@3 A1@1 A2@3", " 1=1 2=2 i1", 9 },
	{ "interim before its request", "i Q1 A1", " 1=1", 9 },
	{ "interim of a stream before its request", "i@1 Q1@1 A1@1", " 1=1 i1", 9 },
	{ "interim of a stream, its request never comes", "i@1 A1@1 ~ ! !", " -1=1 i1 no-request", 9 },
	{ "interim of an unknown stream", "i@9 Q1@1 A1@1", " 1=1", 9 },
	{ "more interims than are kept", "Q1 i i i i i i i i i A1", " 1=1 i8", 9 },
	{ "interim of what is pending", "Q1 i p p A1", " p 1=-1 i1 1=1 i1", 9 },
	{ "too many", "Q1 Q2 Q3 A1 A2 A3",
	  " 1=-1 truncated unanswered -1=1 truncated no-request split 2=2 3=3", 2 },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run(rows[i].script, rows[i].limit, FLAG_CLOSED);
		if (strcmp(log_text, rows[i].expected))
			fail_msg("%s:%s, not%s", rows[i].name, log_text, rows[i].expected);
	}
}

static void test_end_reasons(void **state)
{
	(void)state;
	run("Q1", 9, FLAG_IN_FLIGHT);
	assert_string_equal(log_text, " 1=-1 in-flight");
	run("Q1", 9, FLAG_CLOSED | FLAG_RESET);
	assert_string_equal(log_text, " 1=-1 reset closed unanswered");
}

static void test_counts(void **state)
{
	(void)state;
	memset(counters, 0, sizeof(counters));
	run("Q1 A1 Q2 A2 Q3", 9, FLAG_CLOSED);
	assert_int_equal(counters[COUNTER_EXCHANGES_WHOLE], 2);
	assert_int_equal(counters[COUNTER_EXCHANGES_FLAGGED], 1);
}

static struct exchange seen;

static void on_times(void *ctx, struct exchange *exchange)
{
	(void)ctx;
	seen = *exchange;
}

static void test_times(void **state)
{
	static const struct {
		uint64_t asked_ns, first_ns, last_ns, ttfb_ns, duration_ns;
		bool known;
	} cases[] = {
		{ 100, 150, 180, 50, 80, true },
		{ 100, 90, 95, 0, 0, true }, /* inverted between processors */
		{ 0, 150, 180, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct conn_facts facts = { .id = 1 };
		struct pipeline pipeline = { .handler = { .exchange = on_times } };
		struct message *request = make(MESSAGE_REQUEST, 0, 1, 0),
			       *response = make(MESSAGE_RESPONSE, 0, 200, 0);
		struct pair pair;

		pipeline.config.exchange_limit = 9;
		pair_init(&pair, &pipeline, &facts);
		request->first_byte_ns = cases[i].asked_ns;
		response->first_byte_ns = cases[i].first_ns;
		response->last_byte_ns = cases[i].last_ns;
		pair_done(&pair, request, &somebody);
		pair_done(&pair, response, &somebody);
		assert_int_equal(seen.duration_known, cases[i].known);
		assert_int_equal(seen.ttfb_known, cases[i].known);
		assert_int_equal(seen.duration_ns, cases[i].duration_ns);
		assert_int_equal(seen.ttfb_ns, cases[i].ttfb_ns);
		pair_fini(&pair);
	}
}

static void on_mover(void *ctx, struct exchange *exchange)
{
	uint32_t *pid = ctx;

	*pid = exchange->mover.pid;
}

/* Of the request, else of the response; of each the first that has a process. */
static void test_mover(void **state)
{
	static const struct mover nobody = { .fd = -1 }, first = { .pid = 1 }, second = { .pid = 2 };
	uint32_t pid = 0;
	const struct pipeline pipeline = { .handler = { .ctx = &pid, .exchange = on_mover },
					   .config.exchange_limit = 9 };
	struct conn_facts facts = { .id = 1 };
	struct message *request = make(MESSAGE_REQUEST, 0, 1, 0),
		       *response = make(MESSAGE_RESPONSE, 0, 200, 0);
	struct pair pair;

	(void)state;
	pair_init(&pair, &pipeline, &facts);
	pair_head(&pair, request, &nobody);
	pair_done(&pair, request, &first);
	pair_head(&pair, response, &second);
	pair_done(&pair, response, &second);
	assert_int_equal(pid, 1);
	response = make(MESSAGE_RESPONSE, 0, 200, FLAG_NO_REQUEST);
	pair_head(&pair, response, &second);
	pair_done(&pair, response, &first);
	assert_int_equal(pid, 2);
	pair_fini(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),  cmocka_unit_test(test_end_reasons),
		cmocka_unit_test(test_mover), cmocka_unit_test(test_counts),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

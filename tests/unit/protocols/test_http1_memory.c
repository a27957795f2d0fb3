/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of the HTTP/1 decoder fails in turn, in every conversation:
 * nothing leaks, nothing crashes, no message is wrong without a mark, no pair
 * is wrong, and what was passed over is told (-ENOMEM or a counter).
 */
#include "http1_cases.h"
#include "message_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "alloc_fail.h"

#include "../../../protocols/arena.c"
#include "../../../protocols/bytes.c"
#include "../../../protocols/message.c"
#include "../../../protocols/http1/http1_line.c"
#include "../../../protocols/http1/http1_hold.c"
#include "../../../protocols/http1/http1_queue.c"
#include "../../../protocols/http1/http1_body.c"
#include "../../../protocols/http1/http1_parser.c"
#include "../../../protocols/http1/http1_order.c"
#include "../../../protocols/http1/http1_messages.c"
#include "../../../protocols/http1/http1.c"

struct watch {
	char waiting[16][64];
	size_t first, last;
	const struct message *headed[2];
	const char *whole;
	unsigned int wrong, strangers;
	struct message_text text;
};

static void watch_pair(struct watch *watch, const struct message *message)
{
	struct slice answered = message_header(message, SLICE("x-for"));

	if (message->kind == MESSAGE_REQUEST && !(message->flags & FLAG_UNANSWERED)) {
		assert_true(watch->last < 16);
		snprintf(watch->waiting[watch->last++], 64, "%.*s", (int)message->target.len,
			 (const char *)message->target.data);
	} else if (message->kind == MESSAGE_RESPONSE && !(message->flags & FLAG_NO_REQUEST)) {
		if (watch->first == watch->last ||
		    (answered.data && watch->waiting[watch->first][0] &&
		     !slice_equal(answered, slice_of_string(watch->waiting[watch->first]))))
			watch->wrong++;
		watch->first += watch->first < watch->last;
	}
}

static void watch_head(void *ctx, struct message *message)
{
	struct watch *watch = ctx;

	watch->headed[message->kind] = message;
	watch_pair(watch, message);
}

static void watch_done(void *ctx, struct message *message)
{
	struct watch *watch = ctx;
	long countdown = alloc_fail_countdown;
	size_t start = watch->text.len;

	alloc_fail_countdown = 0;
	if (watch->headed[message->kind] != message)
		watch_pair(watch, message);
	watch->headed[message->kind] = NULL;
	message_text_write(&watch->text, message);
	if (!message->flags && !strstr(watch->whole, watch->text.text + start))
		watch->strangers++;
	alloc_fail_countdown = countdown;
	message_free(message);
}

static void watch_interim(void *ctx, const struct message *message)
{
	(void)ctx;
	assert_int_equal(message->status / 100, 1);
}

static void watch_upgrade(void *ctx, struct slice to, const struct message *request)
{
	(void)ctx;
	(void)request;
	assert_true(to.len > 0);
}

static void watch_note(void *ctx, enum protocol_note note, uint64_t n)
{
	((struct watch *)ctx)->text.notes[note] += n;
}

/* Plays the case with the nth allocation failing. False: there was no nth one. */
static bool play(const struct http1_case *row, long nth, struct watch *watch)
{
	struct protocol_config config = {
		.role = nth % 2 ? ROLE_CLIENT : ROLE_UNKNOWN,
		.from_start = { true, true },
		.want_bodies = true,
		.body_limit_bytes = 4096,
		.message_limit_bytes = 65536,
		.pipeline_limit = 16,
	};
	struct protocol_handler handler = {
		.ctx = watch,
		.head = watch_head,
		.done = watch_done,
		.interim = watch_interim,
		.upgrade = watch_upgrade,
		.note = watch_note,
	};
	struct protocol *http1;
	bool failed, told = false;

	alloc_fail_countdown = nth;
	http1 = http1_create(&config, &handler);
	if (!http1)
		return true;
	for (const struct http1_turn *turn = row->turns; turn->side && http1->upgrade != HTTP1_UPGRADE_LEFT;
	     turn++)
		told |= http1_feed(http1, turn->side == TURN_RESPONSE, slice_of(turn->bytes, turn->len), 1) ==
			-ENOMEM;
	http1_finish(http1, DIRECTION_RECEIVED, 2);
	http1_end(http1, END_CLOSED, 2);
	failed = nth && !alloc_fail_countdown;
	alloc_fail_countdown = 0;
	if (failed && !told && !watch->text.notes[NOTE_HEADER_LIMIT] &&
	    !watch->text.notes[NOTE_BYTES_UNPARSED])
		assert_non_null(strstr(message_text_get(&watch->text), "truncated"));
	http1_destroy(http1);
	return failed;
}

static void test_each_allocation_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(http1_cases) / sizeof(*http1_cases); i++) {
		bool failed = true;
		long nth;

		for (nth = 1; failed; nth++) {
			struct watch watch = { .whole = http1_cases[i].expected };

			failed = play(&http1_cases[i], nth, &watch);
			if (watch.wrong || watch.strangers)
				fail_msg("%s: allocation %ld: %u wrong pairs, %u strangers:\n%s",
					 http1_cases[i].name, nth, watch.wrong, watch.strangers,
					 message_text_get(&watch.text));
			message_text_fini(&watch.text);
		}
		assert_true(nth > 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_allocation_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

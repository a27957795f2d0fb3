/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which response answers which request. Requests whose head is complete stand
 * in a queue; the response parser takes the method from its front.
 *
 * Pairing. The stage behind pairs requests and responses in the order in which
 * it hears of them, so this file must never let it pair wrongly:
 *  - A response that has no request in the queue carries FLAG_NO_REQUEST; a
 *    request that does not enter the queue carries FLAG_UNANSWERED.
 *  - Framing of responses lost: nobody knows which of the queued requests was
 *    answered in the hole. Each gets an empty response (status 0, FLAG_GAP and
 *    FLAG_UNANSWERED), and the order is `unsure`.
 *  - Framing of requests lost: queued requests are older than the hole and keep
 *    their place; behind them the order is unsure.
 *  - While it is unsure, responses without a queued request belong to nobody.
 *    It ends with the next request head, for a client that does not pipeline
 *    sends it only when all earlier responses are complete. A client that was
 *    seen to pipeline proves nothing by that: its order stays unsure for good.
 *    Joining late is the same state without the loss.
 */
#include "http1_connection.h"
#include "http1_evidence.h"

#include <errno.h>

#define PIPELINE_EVIDENCE 3 /* requests open at once that one lost response cannot explain */
#define TOKEN_LIMIT_BYTES 64
#define ASKED_LIMIT_BYTES 16384

void http1_order_doubt(struct protocol *http1, unsigned int flag)
{
	http1->unsure = true;
	http1->unsure_flags |= flag;
}

/* Gives the requests that a hole may have answered their empty responses. */
static int order_pay(struct protocol *http1)
{
	for (; http1->owed; http1->owed--) {
		struct message *message = message_new(MESSAGE_RESPONSE, http1->config.message_limit_bytes);

		if (!message) {
			http1->no_memory = true;
			return -ENOMEM;
		}
		message->flags = FLAG_GAP | FLAG_UNANSWERED;
		message->direction = response_parser(http1)->direction;
		message->last_byte_ns = http1->now_ns;
		http1->handler.done(http1->handler.ctx, message);
	}
	return 0;
}

/* Responses may be missing from here on. */
static void order_lose_responses(struct protocol *http1)
{
	if (http1->queue.count >= PIPELINE_EVIDENCE)
		http1->pipelined = true;
	http1->owed += http1->queue.count;
	http1_queue_fini(&http1->queue);
	http1->beyond = 0;
	http1->answer_due = false;
	http1_order_doubt(http1, FLAG_GAP);
	order_pay(http1);
	if (!http1->awaiting)
		return;
	/* The answer to an Upgrade is lost: what the client sends now may be anything. */
	http1->awaiting = false;
	if (request_parser(http1)->state == HTTP1_START)
		http1_parser_lose(request_parser(http1));
}

/* --- requests --------------------------------------------------------------- */

static enum http1_method request_method(const struct message *message)
{
	if (slice_equal(message->method, SLICE("HEAD")))
		return METHOD_HEAD;
	if (slice_equal(message->method, SLICE("CONNECT")))
		return METHOD_CONNECT;
	return METHOD_OTHER;
}

static bool request_asks(const struct message *message)
{
	struct slice upgrade = message_header(message, SLICE("upgrade"));

	if (request_method(message) == METHOD_CONNECT)
		return true;
	return upgrade.len && http1_list_has(message_header(message, SLICE("connection")), SLICE("upgrade"));
}

/* What upgrade() hands on of the request that asked. NULL: out of memory. */
static struct message *request_copy(const struct message *message)
{
	struct message *copy = message_new(MESSAGE_REQUEST, ASKED_LIMIT_BYTES);
	static const char *const names[] = { "Upgrade", "HTTP2-Settings" };

	if (!copy)
		return NULL;
	copy->version = message->version;
	copy->direction = message->direction;
	copy->first_byte_ns = message->first_byte_ns;
	copy->head_ns = message->head_ns;
	if (arena_copy(&copy->arena, message->method, &copy->method) < 0)
		goto out;
	/* A target beyond the limit stays unknown. */
	arena_copy(&copy->arena, message->target, &copy->target);
	for (size_t i = 0; i < 2; i++) {
		struct slice value = message_header(message, slice_of_string(names[i]));

		if (value.data &&
		    message_add_header(copy, &copy->headers, slice_of_string(names[i]), value, 0) < 0)
			goto out;
	}
	return copy;
out:
	message_free(copy);
	return NULL;
}

static void request_queue(struct protocol *http1, struct message *message)
{
	struct http1_request request = {
		.method = request_method(message),
		.guess = message->flags & FLAG_GUESS,
	};

	if (http1->beyond || http1_queue_full(&http1->queue)) {
		http1->beyond++;
		http1_note(http1, NOTE_PIPELINE_LIMIT, 1);
		message->flags |= FLAG_UNANSWERED | FLAG_TRUNCATED;
		return;
	}
	if (request_asks(message))
		request.asked = request_copy(message);
	if ((request_asks(message) && !request.asked) || http1_queue_push(&http1->queue, request) < 0) {
		message_free(request.asked);
		http1->no_memory = true;
		message->flags |= FLAG_UNANSWERED | FLAG_GAP;
		http1_order_doubt(http1, FLAG_GAP);
		return;
	}
	http1->awaiting = request.asked != NULL;
}

/* What the other direction and the queue say about this client when a request head comes. */
static void order_observe(struct protocol *http1)
{
	struct http1_parser *response = response_parser(http1);
	/* A search that has seen nothing cannot have gone past anything. */
	bool searching = response->state == HTTP1_SEARCH && !(response->late && !response->line.size);

	/* Two heads in one call, or a request behind lost ones that were not answered: it does not wait. */
	if (http1->head_feed == http1->feeds || (http1->answer_due && !searching))
		http1->pipelined = true;
	http1->head_feed = http1->feeds;
	if (http1->trial && http1->queue.count && !searching)
		http1->pipelined = true;
	/* The body of a response whose request nobody saw goes on, and yet a request comes: it had none
	 * (HEAD). */
	if (response->message && response->head_done && !http1->matched && !http1->beyond)
		http1_parser_lose(response);
	/* The search for responses went past the answer to an earlier request; or the trial failed. */
	else if (http1->queue.count && (searching || (http1->trial && http1->pipelined)))
		order_lose_responses(http1);
}

static bool request_head(struct protocol *http1, struct message *message)
{
	order_observe(http1);
	if (http1->unsure && (http1->pipelined || http1->queue.count)) {
		http1->pipelined = true;
		message->flags |= FLAG_UNANSWERED | http1->unsure_flags;
	} else {
		if (http1->unsure && !http1->pipelined)
			http1_parser_realign(response_parser(http1));
		http1->trial |= http1->unsure;
		http1->unsure = false;
		http1->unsure_flags = 0;
		request_queue(http1, message);
	}
	http1->handler.head(http1->handler.ctx, message);
	return request_method(message) == METHOD_CONNECT;
}

static void request_done(struct protocol *http1, struct message *message, bool head_missing)
{
	if (head_missing)
		message->flags |= FLAG_UNANSWERED;
	http1->handler.done(http1->handler.ctx, message);
}

/* --- responses -------------------------------------------------------------- */

static bool is_interim(const struct message *message)
{
	return message->status / 100 == 1 && message->status != 101;
}

static int response_begin(struct protocol *http1, struct message *message)
{
	if (order_pay(http1) < 0)
		return -ENOMEM;
	http1->matched = http1->queue.count > 0;
	http1->answer_due &= is_interim(message);
	if (http1->matched) {
		http1_evidence_answer(http1, message);
		http1->trial = false;
		http1->pipelined |= http1->queue.count > 1 && !http1->unsure;
		return 0;
	}
	http1->give_up = false;
	message->flags |= FLAG_NO_REQUEST;
	if (http1->beyond)
		message->flags |= FLAG_TRUNCATED;
	else if (http1->unsure)
		message->flags |= http1->unsure_flags;
	return 0;
}

static bool response_leaves(const struct protocol *http1, const struct message *message)
{
	const struct http1_request *request = http1_queue_front(&http1->queue);

	if (message->status == 101)
		return true;
	return http1->matched && request->method == METHOD_CONNECT && message->status / 100 == 2;
}

static bool response_head(struct protocol *http1, struct message *message)
{
	const struct http1_request *request = http1_queue_front(&http1->queue);

	if (is_interim(message))
		return true;
	http1->handler.head(http1->handler.ctx, message);
	if (response_leaves(http1, message))
		return true;
	if (http1->matched && request->asked)
		http1->awaiting = false;
	if (http1->matched && request->method == METHOD_HEAD)
		return true;
	return message->status == 204 || message->status == 304;
}

static void http1_leave(struct protocol *http1, struct message *message, struct message *asked)
{
	uint8_t token[TOKEN_LIMIT_BYTES];
	struct slice to = message_header(message, SLICE("upgrade"));

	if (!to.len && asked)
		to = message_header(asked, SLICE("upgrade"));
	if (message->status != 101)
		to = SLICE("connect");
	to.len = to.len < sizeof(token) ? to.len : sizeof(token);
	if (to.len)
		memcpy(token, to.data, to.len);
	to = slice_of(token, to.len);
	message->flags |= FLAG_UPGRADED;
	http1_note(http1, NOTE_UPGRADED, 1);
	http1->handler.done(http1->handler.ctx, message);
	if (request_parser(http1)->message)
		http1_parser_end(request_parser(http1), FLAG_GAP | FLAG_UPGRADED);
	http1->left = true;
	http1->parser[0].stopped = http1->parser[1].stopped = true;
	http1->handler.upgrade(http1->handler.ctx, to, asked);
}

static void response_interim(struct protocol *http1, struct message *message, bool cut)
{
	http1_note(http1, NOTE_INTERIM, 1);
	if (!cut)
		http1->handler.interim(http1->handler.ctx, message);
	message_free(message);
}

static void response_done(struct protocol *http1, struct message *message, bool cut)
{
	struct message *asked = NULL;
	bool leaves, asked_for;

	if (is_interim(message)) {
		response_interim(http1, message, cut);
		return;
	}
	leaves = !cut && response_leaves(http1, message);
	asked_for = http1->matched;
	if (http1->matched)
		asked = http1_queue_pop(&http1->queue).asked;
	else if (http1->beyond)
		http1->beyond--;
	http1->matched = false;
	if (asked_for && !cut)
		http1_evidence_answered(http1, message);
	if (leaves)
		http1_leave(http1, message, asked);
	else
		http1->handler.done(http1->handler.ctx, message);
	if (!cut && !leaves && !http1->pipelined && !http1->queue.count)
		http1_parser_realign(request_parser(http1));
	message_free(asked);
}

/* --- hooks ------------------------------------------------------------------ */

static bool hook_ready(void *ctx, struct http1_parser *parser)
{
	struct protocol *http1 = ctx;

	if (parser->kind == MESSAGE_REQUEST)
		return !http1->awaiting;
	return http1->queue.count || http1->unsure || http1->beyond || http1->give_up;
}

static int hook_begin(void *ctx, struct http1_parser *parser)
{
	http1_evidence_begin(ctx, parser);
	return parser->kind == MESSAGE_REQUEST ? 0 : response_begin(ctx, parser->message);
}

static bool hook_head(void *ctx, struct http1_parser *parser)
{
	return parser->kind == MESSAGE_REQUEST ? request_head(ctx, parser->message)
					       : response_head(ctx, parser->message);
}

static void hook_done(void *ctx, struct http1_parser *parser, struct message *message, bool cut)
{
	if (parser->kind == MESSAGE_REQUEST)
		request_done(ctx, message, cut && !parser->head_done);
	else
		response_done(ctx, message, cut);
}

static void hook_lost(void *ctx, struct http1_parser *parser)
{
	struct protocol *http1 = ctx;

	if (parser->kind == MESSAGE_RESPONSE) {
		order_lose_responses(http1);
		return;
	}
	http1_order_doubt(http1, FLAG_GAP);
	http1->answer_due = true;
}

struct http1_hooks http1_order_hooks(struct protocol *http1)
{
	return (struct http1_hooks){
		.ctx = http1,
		.ready = hook_ready,
		.begin = hook_begin,
		.head = hook_head,
		.done = hook_done,
		.lost = hook_lost,
	};
}

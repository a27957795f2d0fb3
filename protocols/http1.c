/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.0 and HTTP/1.1 (RFC 9112): two parsers, one a direction, and what
 * they must know of each other. Requests whose head is complete stand in a
 * queue; the response parser takes the method from its front.
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
 *
 * Waiting. A response may be told before its request, bytes behind an Upgrade
 * may or may not be HTTP/1, and the role may not be known: the bytes then wait
 * in a hold until the other direction, or a tick, decides.
 */
#include "protocol.h"

#include "detect.h"
#include "http1_hold.h"
#include "http1_parser.h"
#include "http1_queue.h"

#include <errno.h>
#include <stdlib.h>

#define TICKS_TO_WAIT	  2 /* a tick may come right after the bytes: one whole poll has passed at the second */
#define PIPELINE_EVIDENCE 3 /* requests open at once that one lost response cannot explain */
#define TOKEN_LIMIT_BYTES 64
#define ASKED_LIMIT_BYTES 16384

struct protocol {
	struct protocol_config config;
	struct protocol_handler handler;
	struct http1_hooks hooks;
	enum protocol_role role;
	struct http1_parser parser[2]; /* by direction */
	struct http1_hold hold[2];
	struct http1_queue queue;

	bool unsure;		   /* see above */
	unsigned int unsure_flags; /* why: FLAG_LATE_JOINED, FLAG_GAP */
	bool pipelined;		   /* the client was seen to pipeline */
	bool trial;		   /* no longer unsure, but no response has confirmed it */
	bool answer_due;	   /* requests were lost, and no response came since */
	bool lossy[2];		   /* bytes were lost while the role was not known */
	uint64_t feeds, head_feed; /* counts feed(); that of the last request head */
	bool matched;		   /* the response under way answers the front of the queue */
	uint64_t owed;		   /* empty responses that memory was short for */
	uint64_t beyond; /* requests that the full queue had no room for: answered behind all queued ones */
	bool awaiting;	 /* the last queued request asked to leave HTTP/1: the client's bytes wait */
	bool give_up;	 /* no longer wait for a request */
	bool left;	 /* upgrade() was called */
	bool no_memory;
	unsigned int ticks;
	uint64_t now_ns;
};

static void http1_note(struct protocol *http1, enum protocol_note note, uint64_t n)
{
	if (n)
		http1->handler.note(http1->handler.ctx, note, n);
}

static enum event_direction request_direction(const struct protocol *http1)
{
	return http1->role == ROLE_CLIENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
}

static struct http1_parser *request_parser(struct protocol *http1)
{
	return &http1->parser[request_direction(http1)];
}

static struct http1_parser *response_parser(struct protocol *http1)
{
	return &http1->parser[!request_direction(http1)];
}

/* --- order ------------------------------------------------------------------ */

static void order_doubt(struct protocol *http1, unsigned int flag)
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
	order_doubt(http1, FLAG_GAP);
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
	struct http1_request request = { .method = request_method(message) };

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
		order_doubt(http1, FLAG_GAP);
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
	if (response->message && response->head_done && !http1->matched)
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

static int response_begin(struct protocol *http1, struct message *message)
{
	if (order_pay(http1) < 0)
		return -ENOMEM;
	http1->matched = http1->queue.count > 0;
	http1->answer_due = false;
	if (http1->matched) {
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

static bool is_interim(const struct message *message)
{
	return message->status / 100 == 1 && message->status != 101;
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
	bool leaves;

	if (is_interim(message)) {
		response_interim(http1, message, cut);
		return;
	}
	leaves = !cut && response_leaves(http1, message);
	if (http1->matched)
		asked = http1_queue_pop(&http1->queue).asked;
	else if (http1->beyond)
		http1->beyond--;
	http1->matched = false;
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
	order_doubt(http1, FLAG_GAP);
	http1->answer_due = true;
}

/* --- role and waiting bytes --------------------------------------------------- */

static void role_set(struct protocol *http1, enum protocol_role role)
{
	http1->role = role;
	request_parser(http1)->kind = MESSAGE_REQUEST;
	response_parser(http1)->kind = MESSAGE_RESPONSE;
	http1->answer_due = http1->lossy[request_direction(http1)];
}

/* The side that sends requests is the client. */
static void role_learn(struct protocol *http1, enum event_direction direction)
{
	struct http1_hold *hold = &http1->hold[direction];
	struct slice bytes = slice_of(hold->bytes, hold->len);
	bool sent = direction == DIRECTION_SENT;
	struct detect_result found =
		http1->config.from_start[direction] ? detect_first(bytes) : detect_late(bytes);

	if (found.kind == DETECT_HTTP1_REQUEST)
		role_set(http1, sent ? ROLE_CLIENT : ROLE_SERVER);
	else if (found.kind == DETECT_HTTP1_RESPONSE)
		role_set(http1, sent ? ROLE_SERVER : ROLE_CLIENT);
}

/* Bytes of an unknown role that find no room are older than any message that will be seen. */
static void role_forget(struct protocol *http1, enum event_direction direction)
{
	struct http1_parser *parser = &http1->parser[direction];

	http1_note(http1, NOTE_BYTES_UNPARSED, http1->hold[direction].len);
	http1_hold_fini(&http1->hold[direction]);
	http1->config.from_start[direction] = false;
	http1_parser_init(parser, direction, &http1->config, &http1->handler, &http1->hooks);
	http1->lossy[direction] = true;
	order_doubt(http1, FLAG_GAP);
}

static void hold_add(struct protocol *http1, enum event_direction direction, struct slice bytes,
		     uint64_t time_ns)
{
	struct http1_hold *hold = &http1->hold[direction];

	if (http1->role == ROLE_UNKNOWN && bytes.len > HTTP1_HOLD_LIMIT_BYTES - hold->len)
		role_forget(http1, direction);
	http1_note(http1, NOTE_BYTES_UNPARSED, http1_hold_add(hold, bytes, time_ns));
	if (http1->role == ROLE_UNKNOWN)
		role_learn(http1, direction);
}

/* Moves what waits into its parser. True when something moved. */
static bool hold_drain(struct protocol *http1, enum event_direction direction)
{
	struct http1_hold *hold = &http1->hold[direction];
	struct http1_parser *parser = &http1->parser[direction];
	uint64_t time_ns, lost = hold->lost_bytes;
	struct slice front = http1_hold_front(hold, &time_ns);
	size_t taken;

	if (http1->left || http1_hold_empty(hold))
		return false;
	if (front.len) {
		taken = http1_parser_feed(parser, front, time_ns);
		http1_hold_drop(hold, taken);
		return taken > 0;
	}
	hold->lost_bytes = 0;
	if (lost)
		http1_parser_hole(parser, lost, hold->last_ns);
	else
		http1_parser_finish(parser, hold->last_ns);
	hold->finished &= lost > 0;
	return true;
}

static void hold_pump(struct protocol *http1)
{
	bool moved = http1->role != ROLE_UNKNOWN;

	while (moved) {
		moved = hold_drain(http1, DIRECTION_SENT);
		moved |= hold_drain(http1, DIRECTION_RECEIVED);
	}
	if (http1_hold_empty(&http1->hold[0]) && http1_hold_empty(&http1->hold[1]))
		http1->ticks = 0;
}

static bool hold_wanted(const struct protocol *http1, enum event_direction direction)
{
	return http1->role == ROLE_UNKNOWN || !http1_hold_empty(&http1->hold[direction]);
}

/* --- protocol_ops ----------------------------------------------------------- */

static struct protocol *http1_create(const struct protocol_config *config,
				     const struct protocol_handler *handler)
{
	struct protocol *http1 = calloc(1, sizeof(*http1));

	if (!http1)
		return NULL;
	http1->config = *config;
	http1->config.upgrade_settings = (struct slice){ 0 };
	http1->handler = *handler;
	http1->hooks = (struct http1_hooks){
		.ctx = http1,
		.ready = hook_ready,
		.begin = hook_begin,
		.head = hook_head,
		.done = hook_done,
		.lost = hook_lost,
	};
	http1_queue_init(&http1->queue, config->pipeline_limit);
	for (int i = 0; i < 2; i++)
		http1_parser_init(&http1->parser[i], i, &http1->config, &http1->handler, &http1->hooks);
	if (!config->from_start[0] || !config->from_start[1])
		order_doubt(http1, FLAG_LATE_JOINED);
	if (config->role != ROLE_UNKNOWN)
		role_set(http1, config->role);
	return http1;
}

static void http1_destroy(struct protocol *http1)
{
	if (!http1)
		return;
	for (int i = 0; i < 2; i++) {
		http1_parser_fini(&http1->parser[i]);
		http1_hold_fini(&http1->hold[i]);
	}
	http1_queue_fini(&http1->queue);
	free(http1);
}

static bool http1_starved(struct protocol *http1)
{
	bool starved = http1->no_memory || http1->parser[0].no_memory || http1->parser[1].no_memory;

	http1->no_memory = http1->parser[0].no_memory = http1->parser[1].no_memory = false;
	return starved;
}

static long http1_feed(struct protocol *http1, enum event_direction direction, struct slice bytes,
		       uint64_t time_ns)
{
	size_t taken;

	if (http1->left)
		return 0;
	http1->now_ns = time_ns;
	http1->feeds++;
	if (hold_wanted(http1, direction)) {
		hold_add(http1, direction, bytes, time_ns);
	} else {
		taken = http1_parser_feed(&http1->parser[direction], bytes, time_ns);
		if (http1->left)
			return (long)taken;
		if (taken < bytes.len)
			hold_add(http1, direction, slice_drop(bytes, taken), time_ns);
	}
	hold_pump(http1);
	return http1_starved(http1) ? -ENOMEM : (long)bytes.len;
}

static void http1_hole(struct protocol *http1, enum event_direction direction, uint64_t size,
		       uint64_t time_ns)
{
	if (http1->left || !size)
		return;
	http1->now_ns = time_ns;
	if (http1->role == ROLE_UNKNOWN)
		role_forget(http1, direction);
	else if (hold_wanted(http1, direction))
		http1_hold_lose(&http1->hold[direction], size, time_ns);
	else
		http1_parser_hole(&http1->parser[direction], size, time_ns);
	hold_pump(http1);
}

static void http1_finish(struct protocol *http1, enum event_direction direction, uint64_t time_ns)
{
	struct http1_hold *hold = &http1->hold[direction];

	if (http1->left)
		return;
	http1->now_ns = time_ns;
	hold->finished = true;
	if (!hold->lost_bytes)
		hold->last_ns = time_ns;
	hold_pump(http1);
}

static void http1_tick(struct protocol *http1, uint64_t time_ns)
{
	http1->now_ns = time_ns;
	if (http1->left || http1->role == ROLE_UNKNOWN)
		return;
	if (http1_hold_empty(&http1->hold[!request_direction(http1)]) || ++http1->ticks < TICKS_TO_WAIT)
		return;
	http1->ticks = 0;
	http1->give_up = true;
	hold_pump(http1);
}

static unsigned int end_flags(enum protocol_end reason)
{
	switch (reason) {
	case END_CLOSED:
	case END_EXIT:
		return FLAG_CLOSED;
	case END_RESET:
		return FLAG_RESET | FLAG_CLOSED;
	case END_IN_FLIGHT:
		return FLAG_IN_FLIGHT;
	}
	return FLAG_CLOSED;
}

/* What still waits is given its last chance; every response that found no request is one without. */
static void http1_flush(struct protocol *http1)
{
	size_t before;

	if (http1->role == ROLE_UNKNOWN)
		return;
	do {
		before = http1->hold[0].len + http1->hold[1].len;
		http1->give_up = true;
		hold_pump(http1);
	} while (!http1->left && http1->hold[0].len + http1->hold[1].len < before);
}

static void http1_end(struct protocol *http1, enum protocol_end reason, uint64_t time_ns)
{
	if (http1->left)
		return;
	http1->now_ns = time_ns;
	http1_flush(http1);
	if (http1->left)
		return;
	http1_note(http1, NOTE_BYTES_UNPARSED, http1->hold[0].len + http1->hold[1].len);
	if (http1->role == ROLE_UNKNOWN)
		return;
	if (reason == END_CLOSED)
		http1_parser_finish(response_parser(http1), time_ns);
	http1_parser_end(request_parser(http1), end_flags(reason));
	http1_parser_end(response_parser(http1), end_flags(reason));
}

static uint64_t http1_body_left(const struct protocol *http1, enum event_direction direction)
{
	const struct http1_parser *parser = &http1->parser[direction];

	if (parser->state != HTTP1_BODY_LENGTH && parser->state != HTTP1_CHUNK_DATA)
		return 0;
	/* The response to an unseen HEAD would have no body. */
	if (parser->kind == MESSAGE_RESPONSE && !http1->matched)
		return 0;
	return parser->llhttp.content_length;
}

static bool http1_idle(const struct protocol *http1)
{
	for (int i = 0; i < 2; i++) {
		const struct http1_parser *parser = &http1->parser[i];

		if (parser->message || parser->line.size || parser->candidate.size || http1->hold[i].len)
			return false;
	}
	return true;
}

static enum protocol_role http1_role(const struct protocol *http1)
{
	return http1->role;
}

static struct slice http1_held(const struct protocol *http1, enum event_direction direction,
			       uint64_t *lost_bytes)
{
	*lost_bytes = http1->hold[direction].lost_bytes;
	return slice_of(http1->hold[direction].bytes, http1->hold[direction].len);
}

const struct protocol_ops http1_protocol = {
	.name = "http/1",
	.create = http1_create,
	.destroy = http1_destroy,
	.feed = http1_feed,
	.hole = http1_hole,
	.finish = http1_finish,
	.end = http1_end,
	.tick = http1_tick,
	.body_left = http1_body_left,
	.idle = http1_idle,
	.role = http1_role,
	.held = http1_held,
};

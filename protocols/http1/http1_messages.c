/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which response answers which request. A request stands in a queue from its
 * start line on; the response parser takes the method from the queue's front.
 *
 * Pairing. The stage behind pairs requests and responses in the order in which
 * it hears of them, so this file must never let it pair wrongly:
 *  - A response that answers no queued request carries FLAG_NO_REQUEST; a
 *    request that does not enter the queue carries FLAG_UNANSWERED.
 *  - What is queued and cannot be paired any more gets an empty response
 *    (status 0, FLAG_GAP and FLAG_UNANSWERED).
 *  - A response never answers a request that began after it, by the times at
 *    which their first bytes moved.
 * Whether a pair may be made is http1_order.c's matter.
 */
#include "http1_connection.h"
#include "http1_evidence.h"

#include <errno.h>

#define TOKEN_LIMIT_BYTES  64
#define ASKED_LIMIT_BYTES  16384
#define REQUEST_MIN_BYTES  16	    /* "GET / HTTP/1.1\n\n" */
#define REQUEST_LESS_BYTES 14	    /* behind a loss of fewer, more of a request shows than empty lines */
#define INVERSION_NS	   10000000 /* a thread may be held up so long between its call and its record */

/* For certain one moved before the other: two threads may be seen in the wrong order by a little, if
 * unordered. */
static bool is_before(uint64_t a_ns, uint32_t a_hand, uint64_t b_ns, uint32_t b_hand, bool ordered)
{
	bool threads = a_hand && b_hand && a_hand != b_hand;

	return a_ns < b_ns && (ordered || !threads || b_ns - a_ns > INVERSION_NS);
}

/*
 * The response that the bytes belong to began before a request, so that it cannot be its answer. A server's
 * record of a request is made before its program gets the bytes.
 */
static bool response_before(const struct protocol *http1, uint64_t response_ns, uint64_t request_ns,
			    uint32_t request_hand)
{
	return is_before(response_ns, http1->hand, request_ns, request_hand, http1->role == ROLE_SERVER);
}

/* A request left before the response that the bytes belong to came. */
static bool request_before(const struct protocol *http1, uint64_t request_ns, uint32_t request_hand,
			   uint64_t response_ns)
{
	return is_before(request_ns, request_hand, response_ns, http1->hand, http1->role == ROLE_CLIENT);
}

/* Gives the requests that a loss may have answered their empty responses. */
static int messages_pay(struct protocol *http1)
{
	for (; http1->owed; http1->owed--) {
		struct message *message = message_new_of(http1->config.rooms, MESSAGE_RESPONSE,
							 http1->config.message_limit_bytes);

		if (!message) {
			http1->no_memory = true;
			return -ENOMEM;
		}
		message->flags = FLAG_GAP | FLAG_UNANSWERED;
		message->direction = http1_response_parser(http1)->direction;
		http1->handler.done(http1->handler.ctx, message);
	}
	return 0;
}

/* Nothing that is queued can be paired any more, but with the response that is under way. */
static void messages_give_up(struct protocol *http1)
{
	struct http1_parser *parser = http1_request_parser(http1);
	size_t keep = http1->matched ? 1 : 0;

	/* The stage behind has not heard of the newest request: it will hear that there is no answer. */
	if (http1->queue.count > keep && parser->message && !parser->head_done &&
	    http1->told != parser->message && http1_queue_find(&http1->queue, parser->message)) {
		http1_queue_drop_newest(&http1->queue);
		parser->message->flags |= FLAG_UNANSWERED | FLAG_GAP;
	}
	for (; http1->queue.count > keep; http1->owed++)
		http1_queue_drop_newest(&http1->queue);
	http1->beyond = 0;
	messages_pay(http1);
	if (http1->upgrade != HTTP1_UPGRADE_ASKED || http1->matched)
		return;
	/* The answer to an Upgrade is lost: what the client sends now may be anything. */
	http1->upgrade = HTTP1_UPGRADE_STAYS;
	if (parser->state == HTTP1_START)
		http1_parser_lose(parser);
}

/* Responses may be missing from here on. */
static void messages_lose_answers(struct protocol *http1)
{
	http1_order_lose_answers(&http1->order, http1->queue.count + http1->cut);
	http1->cut = 0;
	http1->answered_ns = 0;
	messages_give_up(http1);
}

/* whole: the loss began at a message border, and is as large as a request; size 0: only the framing
 * was lost. */
static void messages_lose_requests(struct protocol *http1, bool whole, uint64_t size)
{
	/* One client's requests differ little in what is around their targets. */
	uint64_t least = http1->smallest * 3 / 5;
	enum http1_place place = http1->hole.place;
	bool lost, answered = !http1->queue.count;

	http1->answered_ns = 0;
	if (least < REQUEST_MIN_BYTES)
		least = REQUEST_MIN_BYTES;
	if (size && ((place == HTTP1_AT_BORDER && size < REQUEST_LESS_BYTES) ||
		     (place == HTTP1_IN_MESSAGE && size < least - 2))) {
		lost = http1_order_lose_framing(&http1->order, place == HTTP1_IN_MESSAGE, answered);
	} else {
		answered = answered && size &&
			   (place == HTTP1_IN_MESSAGE ||
			    (place == HTTP1_AT_BORDER && size != HOLE_UNKNOWN_SIZE));
		if (size && size != HOLE_UNKNOWN_SIZE)
			size = size / least + !(size / least);
		lost = http1_order_lose_requests(&http1->order, whole, size, answered);
	}
	if (lost)
		messages_give_up(http1);
}

/* --- requests --------------------------------------------------------------- */

/* By the line itself: memory may have been short for the message's own copy. */
static enum http1_method request_method(struct slice method)
{
	if (slice_equal(method, SLICE("HEAD")))
		return METHOD_HEAD;
	if (slice_equal(method, SLICE("CONNECT")))
		return METHOD_CONNECT;
	return METHOD_OTHER;
}

static bool request_asks(const struct protocol *http1, const struct message *message)
{
	struct slice upgrade = message_known(message, HEADER_UPGRADE);

	if (http1->method == METHOD_CONNECT)
		return true;
	return upgrade.len && http1_list_has(message_known(message, HEADER_CONNECTION), SLICE("upgrade"));
}

/* A copy of the request that asked, for upgrade(). NULL: out of memory. */
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

/* Notes what the other direction and the queue say about this client when a request begins. */
static void request_observe(struct protocol *http1, const struct message *message)
{
	struct http1_parser *response = http1_response_parser(http1);
	enum http1_order_state state = http1->order.state;
	/* A search that has seen nothing cannot have gone past anything. */
	bool searching = response->state == HTTP1_SEARCH && response->passed == HTTP1_PASSED_SOME;

	if (message->first_byte_ns == http1->asked_ns && http1->asked_feed == http1->feeds &&
	    (http1->queue.count || state != ORDER_KNOWN)) {
		/* Two requests in one call. */
		if (http1_order_prove(&http1->order))
			messages_give_up(http1);
		return;
	}
	if (state == ORDER_KNOWN && http1->answered_ns && http1->answered_ns <= message->first_byte_ns &&
	    !http1->queue.count)
		http1_order_waited(&http1->order);
	/* The body of a response whose request nobody saw goes on, and yet a request comes: it had none
	 * (HEAD). */
	if (response->message && response->head_done && !http1->matched && !http1->beyond &&
	    state != ORDER_PIPELINED)
		http1_parser_lose(response);
	/* The search for responses went past the answer to an earlier request. */
	else if (http1->queue.count && searching)
		messages_lose_answers(http1);
}

/* The request is ordered: its answer will be told from others. */
static void request_queue(struct protocol *http1, struct http1_parser *parser, unsigned int doubt)
{
	struct message *message = parser->message;
	const struct http1_request request = {
		.method = http1->method,
		.first_ns = message->first_byte_ns,
		.hand = http1->hand,
		.guess = message->flags & FLAG_GUESS,
		.doubt = doubt,
		.message = message,
	};

	if (http1->beyond || http1->queue.count >= http1->queue.limit) {
		http1->beyond++;
		protocol_count(&http1->handler, NOTE_PIPELINE_LIMIT, 1);
		message->flags |= FLAG_UNANSWERED | FLAG_TRUNCATED;
		return;
	}
	if (http1_queue_push(&http1->queue, request) < 0) {
		http1->no_memory = true;
		message->flags |= FLAG_UNANSWERED | FLAG_GAP;
		messages_lose_requests(http1, true, HOLE_UNKNOWN_SIZE);
	}
}

static void request_begin(struct protocol *http1, struct http1_parser *parser)
{
	unsigned int flags;

	http1->method = request_method(parser->method);
	request_observe(http1, parser->message);
	if (parser->searched && parser->passed != HTTP1_PASSED_NOTHING &&
	    http1_order_part(&http1->order, !http1->queue.count))
		messages_give_up(http1);
	if (!http1_order_request(&http1->order, parser->message->first_byte_ns, &flags)) {
		parser->message->flags |= FLAG_UNANSWERED | flags;
		return;
	}
	/* All that was asked before is answered, so an answer begins with the next byte. */
	if (!http1->queue.count)
		http1_parser_realign(http1_response_parser(http1));
	request_queue(http1, parser, flags);
}

static enum http1_body request_head(struct protocol *http1, const struct http1_parser *parser)
{
	struct message *message = parser->message;
	struct http1_request *request = http1_queue_find(&http1->queue, message);

	if (!http1->smallest || parser->head_size < http1->smallest)
		http1->smallest = parser->head_size;
	if (request) {
		request->head_done = true;
		if (request_asks(http1, message)) {
			http1_queue_ask(&http1->queue, request, request_copy(message));
			http1->upgrade = request->asked ? HTTP1_UPGRADE_ASKED : HTTP1_UPGRADE_STAYS;
			http1->no_memory |= !request->asked;
		}
	}
	/* Told before its end, it was marked so for that. */
	if (http1->told == message && !parser->field_refused)
		message->flags &= ~(unsigned int)FLAG_PARTIAL_HEADERS;
	if (http1->told != message)
		http1->handler.head(http1->handler.ctx, message);
	return http1->method == METHOD_CONNECT ? HTTP1_BODY_NONE : HTTP1_BODY_FRAMED;
}

/* A response begins while the head of its request is not complete: the stage behind must know of it. */
static void request_tell(struct protocol *http1)
{
	struct message *message = http1_request_parser(http1)->message;

	if (!message || http1->told == message || http1_request_parser(http1)->head_done)
		return;
	http1->told = message;
	message->flags |= FLAG_PARTIAL_HEADERS;
	http1->handler.head(http1->handler.ctx, message);
}

static void request_done(struct protocol *http1, struct http1_parser *parser, struct message *message,
			 bool cut)
{
	struct http1_request *request = http1_queue_find(&http1->queue, message);
	bool in_use = http1->matched && http1->queue.count == 1;

	if (request)
		request->message = NULL;
	/* The request will not be answered any more, or nobody knows to whom its answer belongs. */
	if (request && cut && !parser->head_done && !in_use && !(message->flags & FLAG_GAP)) {
		http1_queue_drop_newest(&http1->queue);
		message->flags |= FLAG_UNANSWERED;
	}
	http1->told = NULL;
	http1->asked_ns = message->last_byte_ns;
	http1->asked_feed = http1->feeds;
	http1->handler.done(http1->handler.ctx, message);
}

/* --- responses -------------------------------------------------------------- */

static bool is_interim(const struct message *message)
{
	return message->status / 100 == 1 && message->status != 101;
}

static bool response_fits(const struct protocol *http1, uint64_t first_ns)
{
	const struct http1_request *front = http1_queue_at(&http1->queue, 0);

	return front && !response_before(http1, first_ns, front->first_ns, front->hand);
}

/* Had another request left before this answer to the oldest one came? */
static bool second_begun(const struct protocol *http1, uint64_t first_ns)
{
	const struct http1_request *second = http1_queue_at(&http1->queue, 1);
	const struct http1_order *order = &http1->order;

	if (second && request_before(http1, second->first_ns, second->hand, first_ns))
		return true;
	return order->state == ORDER_PASSED && request_before(http1, order->passed_ns, 0, first_ns);
}

/* Does the final response that begins answer the oldest request? */
static bool response_pairs(struct protocol *http1, const struct http1_parser *parser)
{
	uint64_t first_ns = parser->message->first_byte_ns;

	if (!response_fits(http1, first_ns)) {
		http1_order_stray(&http1->order, !parser->searched);
		return false;
	}
	/* Not the first bytes behind the request: something else came before. */
	if (parser->searched && parser->passed == HTTP1_PASSED_SOME && http1->order.state == ORDER_TRIAL) {
		messages_lose_answers(http1);
	} else if (http1_order_answer(&http1->order, second_begun(http1, first_ns),
				      http1->queue.count == 1)) {
		return true;
	} else {
		messages_give_up(http1);
	}
	http1_order_stray(&http1->order, false);
	return false;
}

/*
 * An answer without a request, while the body of a request that has its answer goes on: what that body took
 * were further requests. Some of its own bytes moved where nobody saw them (splice(2) out of a Unix socket).
 */
static void request_body_check(struct protocol *http1)
{
	struct http1_parser *request = http1_request_parser(http1);

	if (request->message && request->head_done && !http1->beyond && http1->order.state == ORDER_KNOWN)
		http1_parser_lose(request);
}

/*
 * A server that reads no further refuses a line that did not end, with a 414 in most cases. Behind any other
 * answer the rest of the line was read, and its record lost: the next answer is another request's.
 */
static void request_line_answered(struct protocol *http1, const struct http1_parser *parser)
{
	struct http1_parser *request = http1_request_parser(http1);
	const struct message *response = parser->message;
	struct http1_line *line = &request->line;

	if (http1->queue.count || http1->beyond || !line->size || line->first_ns > response->first_byte_ns)
		return;
	/* The answer to the line may be among those that were lost. */
	line->answered |= parser->searched && http1->order.why & FLAG_GAP;
	if (is_interim(response))
		return;
	if (response->status / 100 == 4 && !line->answered)
		http1_parser_cut_line(request);
	line->answered = line->size;
}

static int response_begin(struct protocol *http1, struct http1_parser *parser)
{
	struct message *message = parser->message;

	request_line_answered(http1, parser);
	if (messages_pay(http1) < 0)
		return -ENOMEM;
	http1->patience = HTTP1_WAITS; /* the next one begins to wait anew */
	if (is_interim(message)) {
		http1->matched = response_fits(http1, message->first_byte_ns);
	} else {
		http1->matched = response_pairs(http1, parser);
		if (messages_pay(http1) < 0)
			return -ENOMEM;
	}
	if (http1->matched) {
		http1_evidence_answer(http1, message);
		request_tell(http1);
		return 0;
	}
	if (!is_interim(message))
		request_body_check(http1);
	message->flags |= FLAG_NO_REQUEST | http1->missed;
	message->flags |= http1->beyond ? FLAG_TRUNCATED : http1->order.why;
	return 0;
}

static bool response_leaves(const struct protocol *http1, const struct message *message)
{
	const struct http1_request *request = http1_queue_at(&http1->queue, 0);

	if (message->status == 101)
		return true;
	return http1->matched && request->method == METHOD_CONNECT && message->status / 100 == 2;
}

static enum http1_body response_head(struct protocol *http1, struct message *message)
{
	const struct http1_request *request = http1_queue_at(&http1->queue, 0);

	if (is_interim(message))
		return HTTP1_BODY_NONE;
	http1->handler.head(http1->handler.ctx, message);
	if (response_leaves(http1, message))
		return HTTP1_BODY_NONE;
	if (http1->matched && request->asked)
		http1->upgrade = HTTP1_UPGRADE_STAYS;
	if (http1->matched && request->method == METHOD_HEAD) {
		if (request->doubt) {
			message->body_known = false;
			message->flags |= FLAG_GAP;
		}
		return HTTP1_BODY_NONE;
	}
	if (message->status == 204 || message->status == 304)
		return HTTP1_BODY_NONE;
	if (http1->beyond)
		return HTTP1_BODY_FRAMED;
	if (http1->matched)
		return request->doubt ? HTTP1_BODY_TURN : HTTP1_BODY_FRAMED;
	return HTTP1_BODY_UNSURE;
}

static void http1_leave(struct protocol *http1, struct message *message, struct message *asked)
{
	uint8_t token[TOKEN_LIMIT_BYTES];
	struct slice to = message_known(message, HEADER_UPGRADE);

	if (!to.len && asked)
		to = message_known(asked, HEADER_UPGRADE);
	if (message->status != 101)
		to = SLICE("connect");
	to.len = to.len < sizeof(token) ? to.len : sizeof(token);
	if (to.len)
		memcpy(token, to.data, to.len);
	to = slice_of(token, to.len);
	message->flags |= FLAG_UPGRADED;
	protocol_count(&http1->handler, NOTE_UPGRADED, 1);
	http1->handler.done(http1->handler.ctx, message);
	if (http1_request_parser(http1)->message)
		http1_parser_end(http1_request_parser(http1), FLAG_GAP | FLAG_UPGRADED);
	http1->upgrade = HTTP1_UPGRADE_LEFT;
	http1->parser[0].state = http1->parser[1].state = HTTP1_LEFT;
	http1->handler.upgrade(http1->handler.ctx, to, asked);
}

static void response_interim(struct protocol *http1, struct message *message, bool cut)
{
	protocol_count(&http1->handler, NOTE_INTERIM, 1);
	if (!cut)
		http1->handler.interim(http1->handler.ctx, message);
	http1->matched = false;
	message_free(message);
}

static void response_done(struct protocol *http1, struct message *message, bool cut)
{
	struct message *asked = NULL;
	bool leaves, asked_for = http1->matched;
	unsigned int doubt = 0;

	if (is_interim(message)) {
		response_interim(http1, message, cut);
		return;
	}
	leaves = !cut && response_leaves(http1, message);
	if (http1->matched) {
		doubt = http1_queue_at(&http1->queue, 0)->doubt;
		asked = http1_queue_pop(&http1->queue).asked;
		http1->cut = cut;
		http1->answered_ns = cut ? 0 : message->last_byte_ns;
	} else if (http1->beyond) {
		http1->beyond--;
	}
	http1->matched = false;
	if (asked_for && !cut)
		http1_evidence_answered(http1, message);
	/*
	 * A guess may be no answer at all and tells no more than that: with late-joined it would be one,
	 * perhaps another's.
	 */
	message->flags |= message->flags & FLAG_GUESS ? doubt & ~(unsigned int)FLAG_LATE_JOINED : doubt;
	if (leaves)
		http1_leave(http1, message, asked);
	else
		http1->handler.done(http1->handler.ctx, message);
	if (!cut && !leaves && !http1->order.pipelines && !http1->queue.count)
		http1_parser_realign(http1_request_parser(http1));
	message_free(asked);
}

/* --- hooks ------------------------------------------------------------------ */

/* Requests of that time have been seen, so none that moved earlier will come. */
static bool response_overdue(const struct protocol *http1, uint64_t time_ns)
{
	const struct http1_hold *asked = &http1->hold[http1_request_direction(http1)];
	const struct http1_run *front = http1_hold_front(asked);

	return response_before(http1, time_ns, http1->requests_ns, http1->requests_hand) ||
	       (front && response_before(http1, time_ns, front->time_ns, front->hand));
}

static bool hook_ready(void *ctx, struct http1_parser *parser, uint64_t time_ns)
{
	struct protocol *http1 = ctx;
	const struct http1_request *front = http1_queue_at(&http1->queue, 0);

	if (parser->kind == MESSAGE_REQUEST)
		return http1->upgrade != HTTP1_UPGRADE_ASKED;
	/* Nothing is gained by waiting where no pair can be made. */
	if (http1->patience == HTTP1_WAITED || http1->beyond || http1->order.state == ORDER_PIPELINED ||
	    http1->order.state == ORDER_SUSPECTED)
		return true;
	if (front)
		return front->head_done || !front->message || !response_fits(http1, time_ns);
	return http1_request_parser(http1)->state == HTTP1_ENDED || response_overdue(http1, time_ns);
}

static int hook_begin(void *ctx, struct http1_parser *parser)
{
	http1_evidence_begin(ctx, parser);
	if (parser->kind == MESSAGE_RESPONSE)
		return response_begin(ctx, parser);
	request_begin(ctx, parser);
	return 0;
}

static enum http1_body hook_head(void *ctx, struct http1_parser *parser)
{
	return parser->kind == MESSAGE_REQUEST ? request_head(ctx, parser)
					       : response_head(ctx, parser->message);
}

static void hook_done(void *ctx, struct http1_parser *parser, struct message *message, bool cut)
{
	if (parser->kind == MESSAGE_REQUEST)
		request_done(ctx, parser, message, cut);
	else
		response_done(ctx, message, cut);
}

static void hook_lost(void *ctx, struct http1_parser *parser)
{
	struct protocol *http1 = ctx;
	enum http1_place place = http1->hole.place;
	uint64_t size = http1->hole.size;
	bool whole = place == HTTP1_IN_LINE ||
		     (place == HTTP1_AT_BORDER && size >= REQUEST_LESS_BYTES && size != HOLE_UNKNOWN_SIZE);

	if (parser->kind == MESSAGE_RESPONSE)
		messages_lose_answers(http1);
	else
		messages_lose_requests(http1, whole && http1_response_parser(http1)->state != HTTP1_SEARCH,
				       size);
}

struct http1_hooks http1_message_hooks(struct protocol *http1)
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

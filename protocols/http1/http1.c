/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.0 and HTTP/1.1 (RFC 9112): two parsers, one a direction; what they
 * must know of each other is http1_messages.c. Here: the role, and bytes that
 * wait. A response may be told before its request, bytes behind an Upgrade may
 * or may not be HTTP/1, and the role may not be known: such bytes stay in a
 * hold until the other direction, or a tick, decides.
 */
#include "protocol.h"

#include "detect.h"
#include "http1_connection.h"
#include "http1_evidence.h"

#include <errno.h>
#include <stdlib.h>

#define QUIET_NS 1000000000

/* --- role and waiting bytes --------------------------------------------------- */

static void role_set(struct protocol *http1, enum protocol_role role)
{
	http1->role = role;
	http1_request_parser(http1)->kind = MESSAGE_REQUEST;
	http1_response_parser(http1)->kind = MESSAGE_RESPONSE;
	if (http1->rested[http1_request_direction(http1)])
		http1_order_quiet(&http1->order);
	if (http1->lossy[http1_request_direction(http1)])
		http1_order_lose_requests(&http1->order, true, HOLE_UNKNOWN_SIZE, true);
	if (http1->lossy[!http1_request_direction(http1)])
		http1_order_lose_answers(&http1->order, 0);
}

/* The side that sends requests is the client. */
static void role_learn(struct protocol *http1, enum event_direction direction)
{
	struct http1_hold *hold = &http1->hold[direction];
	uint64_t lost;
	struct slice bytes = http1_hold_bytes(hold, &lost);
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

	protocol_count(&http1->handler, NOTE_BYTES_UNPARSED, http1_hold_len(&http1->hold[direction]));
	http1_hold_fini(&http1->hold[direction]);
	http1->config.from_start[direction] = false;
	http1_parser_init(parser, direction, &http1->config, &http1->handler, &http1->hooks);
	http1->lossy[direction] = true;
}

static void hold_add(struct protocol *http1, enum event_direction direction, struct slice bytes,
		     uint64_t time_ns, bool turn)
{
	struct http1_hold *hold = &http1->hold[direction];
	size_t missed;

	if (http1->role == ROLE_UNKNOWN && bytes.len > HTTP1_HOLD_LIMIT_BYTES - http1_hold_len(hold))
		role_forget(http1, direction);
	missed = http1_hold_add(hold, bytes, time_ns, http1->hand, turn);
	protocol_count(&http1->handler, NOTE_BYTES_UNPARSED, missed);
	if (missed && http1_hold_empty(hold)) {
		http1->no_memory = true;
		http1_parser_lose(&http1->parser[direction]);
	}
	if (http1->role == ROLE_UNKNOWN)
		role_learn(http1, direction);
}

static void hole_tell(struct protocol *http1, enum event_direction direction, uint64_t size, uint64_t time_ns)
{
	struct http1_parser *parser = &http1->parser[direction];

	http1->hole.size = size;
	http1->hole.place = http1_parser_place(parser);
	http1_parser_hole(parser, size, time_ns);
	http1->hole.size = 0;
}

/* Moves what waits into its parser. True when something moved. */
static bool hold_drain(struct protocol *http1, enum event_direction direction)
{
	struct http1_hold *hold = &http1->hold[direction];
	const struct http1_run *front = http1_hold_front(hold);
	struct http1_parser *parser = &http1->parser[direction];
	struct http1_run run;
	size_t taken;

	if (http1->upgrade == HTTP1_UPGRADE_LEFT || http1_hold_empty(hold))
		return false;
	if (!front) {
		hold->finished = false;
		http1_parser_finish(parser, hold->last_ns);
		return true;
	}
	run = *front;
	if (!run.len) {
		http1_hold_drop(hold, 0);
		hole_tell(http1, direction, run.lost, run.time_ns);
		return true;
	}
	http1->hand = run.hand;
	http1->feeds++;
	parser->turn = run.turn;
	taken = http1_parser_feed(parser, slice_of(hold->bytes.data + hold->bytes_at, run.len), run.time_ns);
	http1_hold_drop(hold, taken);
	return taken > 0;
}

/* When the front of what waits came. */
static uint64_t hold_time_ns(const struct http1_hold *hold)
{
	const struct http1_run *front = http1_hold_front(hold);

	if (front)
		return front->time_ns;
	return hold->finished ? hold->last_ns : UINT64_MAX;
}

static bool nothing_waits(const struct protocol *http1)
{
	return http1_hold_empty(&http1->hold[0]) && http1_hold_empty(&http1->hold[1]);
}

/* By time: a response that began before a request does not answer it. */
static void hold_pump(struct protocol *http1)
{
	bool moved = http1->role != ROLE_UNKNOWN && !nothing_waits(http1);

	while (moved) {
		enum event_direction requests = http1_request_direction(http1);
		uint64_t asked_ns = hold_time_ns(&http1->hold[requests]);
		bool first = asked_ns <= hold_time_ns(&http1->hold[!requests]);

		if (first && asked_ns != UINT64_MAX)
			http1->requests_ns = asked_ns;
		moved = hold_drain(http1, first ? requests : !requests) ||
			hold_drain(http1, first ? !requests : requests);
	}
	if (http1->patience == HTTP1_WAITS_A_TICK && nothing_waits(http1))
		http1->patience = HTTP1_WAITS;
}

/* A client that waits for nothing is at rest, and so is its server. */
static void http1_rest(struct protocol *http1, enum event_direction direction, uint64_t time_ns)
{
	uint64_t moved_ns = http1->moved_ns;

	if (time_ns > moved_ns)
		http1->moved_ns = time_ns;
	if (http1->role == ROLE_UNKNOWN)
		http1->rested[direction] = moved_ns && time_ns >= moved_ns + QUIET_NS;
	if (!moved_ns || http1->role == ROLE_UNKNOWN || direction != http1_request_direction(http1))
		return;
	if (time_ns < moved_ns + QUIET_NS || http1->queue.count || http1->beyond ||
	    http1_response_parser(http1)->message || http1_request_parser(http1)->message)
		return;
	http1_order_quiet(&http1->order);
}

/* Requests come that moved at time_ns: responses that wait for an earlier one have waited enough. */
static void hold_advance(struct protocol *http1, enum event_direction direction, uint64_t time_ns)
{
	if (http1->role == ROLE_UNKNOWN || direction != http1_request_direction(http1))
		return;
	if (time_ns > http1->requests_ns) {
		http1->requests_ns = time_ns;
		http1->requests_hand = http1->hand;
	}
	if (!http1_hold_empty(&http1->hold[!direction]))
		hold_pump(http1);
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
	http1->hooks = http1_message_hooks(http1);
	http1->moved_ns = config->seen_ns;
	http1_queue_init(&http1->queue, config->pipeline_limit);
	for (int i = 0; i < 2; i++) {
		http1_parser_init(&http1->parser[i], i, &http1->config, &http1->handler, &http1->hooks);
		/* A start line at the first byte that was seen is no more than a found one. */
		if (config->joined_late)
			http1->parser[i].trust = HTTP1_TRUST_SEARCH;
	}
	http1_order_init(&http1->order, config->from_start[0] && config->from_start[1] && !config->joined_late
						? 0
						: FLAG_LATE_JOINED);
	if (config->beginning_lost)
		http1_order_distrust(&http1->order);
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

/* Bytes that were taken for messages come out with their marks; nothing more does. */
static void http1_refute(struct protocol *http1)
{
	for (int i = 0; i < 2; i++) {
		if (http1->parser[i].state != HTTP1_SEARCH)
			http1_parser_lose(&http1->parser[i]);
		http1_parser_end(&http1->parser[i], FLAG_GAP);
		protocol_count(&http1->handler, NOTE_BYTES_UNPARSED, http1_hold_len(&http1->hold[i]));
		http1_hold_fini(&http1->hold[i]);
	}
	http1->proof = HTTP1_REFUTED;
}

static long http1_feed(struct protocol *http1, enum event_direction direction, struct slice bytes,
		       uint64_t time_ns)
{
	uint32_t hand = http1->handler.hand ? http1->handler.hand(http1->handler.ctx) : 0;
	size_t taken;
	bool turn;

	if (http1->upgrade == HTTP1_UPGRADE_LEFT || http1->proof == HTTP1_REFUTED)
		return 0;
	http1->hand = hand;
	hold_advance(http1, direction, time_ns);
	if (http1->upgrade == HTTP1_UPGRADE_LEFT)
		return 0;
	http1->hand = hand;
	http1->feeds++;
	http1_rest(http1, direction, time_ns);
	if (http1_evidence_refutes(http1, direction, bytes)) {
		http1_refute(http1);
		return 0;
	}
	turn = http1_evidence_turn(http1, direction);
	if (hold_wanted(http1, direction)) {
		hold_add(http1, direction, bytes, time_ns, turn);
	} else {
		http1->parser[direction].turn = turn;
		taken = http1_parser_feed(&http1->parser[direction], bytes, time_ns);
		if (http1->upgrade == HTTP1_UPGRADE_LEFT)
			return (long)taken;
		if (taken < bytes.len)
			hold_add(http1, direction, slice_drop(bytes, taken), time_ns, turn && !taken);
	}
	hold_pump(http1);
	return http1_starved(http1) ? -ENOMEM : (long)bytes.len;
}

static void http1_hole(struct protocol *http1, enum event_direction direction, uint64_t size,
		       uint64_t time_ns)
{
	if (http1->upgrade == HTTP1_UPGRADE_LEFT || !size)
		return;
	http1->moved_ns = time_ns;
	http1->hand = 0;
	/* Responses that wait still, and are older than what comes behind the hole, answer what is in it. */
	http1->missed = FLAG_GAP;
	hold_advance(http1, direction, time_ns);
	http1->missed = 0;
	if (http1->upgrade == HTTP1_UPGRADE_LEFT)
		return;
	if (http1->role == ROLE_UNKNOWN)
		role_forget(http1, direction);
	else if (hold_wanted(http1, direction))
		http1_hold_lose(&http1->hold[direction], size, time_ns);
	else
		hole_tell(http1, direction, size, time_ns);
	hold_pump(http1);
}

static void http1_finish(struct protocol *http1, enum event_direction direction, uint64_t time_ns)
{
	struct http1_hold *hold = &http1->hold[direction];

	if (http1->upgrade == HTTP1_UPGRADE_LEFT)
		return;
	hold->finished = true;
	hold->last_ns = time_ns;
	hold_pump(http1);
}

/* A response waits for its request. */
static bool http1_waits(const struct protocol *http1)
{
	return http1->upgrade != HTTP1_UPGRADE_LEFT && http1->role != ROLE_UNKNOWN &&
	       !http1_hold_empty(&http1->hold[!http1_request_direction(http1)]);
}

static bool http1_tick(struct protocol *http1, uint64_t time_ns)
{
	if (!http1_waits(http1))
		return false;
	if (http1->patience == HTTP1_WAITS) {
		http1->patience = HTTP1_WAITS_A_TICK;
		http1->waits_ns = time_ns;
	}
	if (time_ns < http1->waits_ns + LATE_NS)
		return true;
	http1->patience = HTTP1_WAITED;
	hold_pump(http1);
	http1->patience = HTTP1_WAITS;
	return http1_waits(http1);
}

static size_t http1_waiting(const struct protocol *http1)
{
	return http1_hold_len(&http1->hold[0]) + http1_hold_len(&http1->hold[1]);
}

static void http1_end(struct protocol *http1, enum protocol_end reason, uint64_t time_ns)
{
	size_t before;

	if (http1->upgrade == HTTP1_UPGRADE_LEFT)
		return;
	/* Bytes that still wait are given their last chance; every response that found no request is one
	 * without. */
	do {
		before = http1_waiting(http1);
		http1->patience = HTTP1_WAITED;
		hold_pump(http1);
	} while (http1->upgrade != HTTP1_UPGRADE_LEFT && http1_waiting(http1) < before);
	if (http1->upgrade == HTTP1_UPGRADE_LEFT)
		return;
	protocol_count(&http1->handler, NOTE_BYTES_UNPARSED, http1_waiting(http1));
	if (http1->role == ROLE_UNKNOWN)
		return;
	if (reason == END_CLOSED)
		http1_parser_finish(http1_response_parser(http1), time_ns);
	http1_parser_end(http1_request_parser(http1), protocol_end_flags(reason));
	http1_parser_end(http1_response_parser(http1), protocol_end_flags(reason));
}

static uint64_t http1_body_left(const struct protocol *http1, enum event_direction direction)
{
	const struct http1_parser *parser = &http1->parser[direction];

	if (parser->state != HTTP1_BODY_LENGTH && parser->state != HTTP1_CHUNK_DATA)
		return 0;
	/* The response to an unseen HEAD would have no body. */
	if (parser->kind == MESSAGE_RESPONSE && !http1->matched)
		return 0;
	return parser->body_left;
}

static bool http1_idle(const struct protocol *http1)
{
	for (int i = 0; i < 2; i++) {
		const struct http1_parser *parser = &http1->parser[i];

		if (parser->message || parser->line.size || parser->candidate.size ||
		    http1_hold_len(&http1->hold[i]))
			return false;
	}
	return true;
}

static bool http1_refuted(const struct protocol *http1)
{
	return http1->proof == HTTP1_REFUTED;
}

static enum protocol_role http1_role(const struct protocol *http1)
{
	return http1->role;
}

static size_t http1_memory(const struct protocol *http1)
{
	size_t bytes = sizeof(*http1) + http1->queue.capacity * sizeof(*http1->queue.items) +
		       http1->queue.asked_bytes;

	for (int i = 0; i < 2; i++) {
		const struct http1_parser *parser = &http1->parser[i];

		bytes += parser->line.kept.capacity + parser->candidate.kept.capacity +
			 parser->known.capacity + http1->hold[i].bytes.capacity +
			 message_memory(parser->message);
	}
	return bytes;
}

static void http1_shrink(struct protocol *http1)
{
	for (int i = 0; i < 2; i++) {
		struct http1_parser *parser = &http1->parser[i];

		http1_known_fini(&parser->known);
		if (!parser->line.kept.len)
			bytes_fini(&parser->line.kept);
		if (!parser->candidate.kept.len)
			bytes_fini(&parser->candidate.kept);
	}
	if (!http1->queue.count)
		http1_queue_fini(&http1->queue);
}

static uint64_t http1_held(const struct protocol *http1, enum event_direction direction,
			   void (*run)(void *ctx, struct slice bytes, uint64_t time_ns), void *ctx)
{
	const struct http1_hold *hold = &http1->hold[direction];
	const struct http1_run *next = http1_hold_front(hold); /* NULL: none */
	uint64_t lost;
	struct slice bytes = http1_hold_bytes(hold, &lost);

	for (; bytes.len; bytes = slice_drop(bytes, next++->len))
		run(ctx, slice_take(bytes, next->len), next->time_ns);
	return lost;
}

const struct protocol_ops http1_protocol = {
	.name = "http/1",
	.takes_lost_start = true,
	.yields_to_tls = true,
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
	.refuted = http1_refuted,
	.memory = http1_memory,
	.shrink = http1_shrink,
	.held = http1_held,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a record through one layer: stream (order), then by state held,
 * decoded, or only counted.
 *
 * Invariants: `decoder` exists exactly in FLOW_HTTP; bytes are held only in
 * FLOW_UNDETERMINED; facts count each byte of a record once, when it comes,
 * and lost bytes when they are given up on.
 */
#include "flow.h"

#include "base/counters.h"
#include "detect.h"
#include "flow_decode.h"
#include "flow_judge.h"
#include "hello.h"
#include "model/source.h"

void flow_init(struct flow *flow, const struct pipeline *pipeline, struct conn_facts *facts,
	       const struct tls_key *session)
{
	*flow = (struct flow){
		.pipeline = pipeline,
		.facts = facts,
		.session = session,
		.state = FLOW_UNDETERMINED,
	};
	pair_init(&flow->pair, pipeline, facts);
	for (int i = 0; i < 2; i++)
		stream_init(&flow->side[i].stream);
}

void flow_fini(struct flow *flow)
{
	if (flow->decoder)
		flow->ops->destroy(flow->decoder);
	flow->decoder = NULL;
	message_free(flow->switching);
	flow->switching = NULL;
	calls_fini(&flow->calls);
	hello_free(flow->hello);
	flow->hello = NULL;
	pair_fini(&flow->pair);
	for (int i = 0; i < 2; i++) {
		stream_fini(&flow->side[i].stream);
		held_fini(&flow->side[i].held);
	}
}

void flow_move(struct flow *flow, struct conn_facts *facts)
{
	flow->facts = facts;
	flow->pair.facts = facts;
}

static void flow_finished(struct flow *flow, enum event_direction direction, uint64_t time_ns)
{
	if (flow->side[direction].finished)
		return;
	flow->side[direction].finished = true;
	if (flow->state == FLOW_HTTP)
		flow->ops->finish(flow->decoder, direction, time_ns);
}

static struct calls_context flow_calls(const struct flow *flow)
{
	return (struct calls_context){ flow->pipeline, flow->facts, flow->session != NULL };
}

static enum calls_verdict flow_calls_verdict(const struct flow *flow)
{
	if (flow->session)
		return CALLS_PLAIN;
	switch (flow->state) {
	case FLOW_UNDETERMINED:
		return CALLS_UNKNOWN;
	case FLOW_TLS:
		return CALLS_SECRET;
	case FLOW_HTTP:
	case FLOW_MUTED:
		return CALLS_PLAIN;
	}
	return CALLS_UNKNOWN;
}

/* What is no HTTP may turn to TLS too (SMTP's STARTTLS). Nobody else looks at it any more. */
static void flow_look_for_tls(struct flow *flow, struct slice bytes)
{
	if (flow->state == FLOW_MUTED && !flow->session && detect_first(bytes).kind == DETECT_TLS)
		flow_turn_tls(flow);
}

static void take_data(struct flow *flow, enum event_direction direction, struct slice bytes, uint64_t time_ns,
		      const struct mover *mover)
{
	struct calls_context context = flow_calls(flow);

	if (!flow->pipeline->config.want_calls) {
		flow_data(flow, direction, bytes, time_ns, mover);
		return;
	}
	if (flow->state != FLOW_TLS)
		calls_data(&flow->calls, &context, direction, bytes, time_ns, mover);
	flow_data(flow, direction, bytes, time_ns, mover);
	flow_look_for_tls(flow, bytes);
	calls_judge(&flow->calls, &context, flow_calls_verdict(flow));
}

static void take_hole(struct flow *flow, enum event_direction direction, uint64_t size, bool lost,
		      uint64_t time_ns)
{
	struct calls_context context = flow_calls(flow);

	if (flow->pipeline->config.want_calls && flow->state != FLOW_TLS)
		calls_hole(&flow->calls, &context, direction, size, lost, time_ns);
	flow_hole(flow, direction, size, lost, time_ns);
}

static void take_end(struct flow *flow, enum event_direction direction, bool reset, uint64_t time_ns)
{
	struct calls_context context = flow_calls(flow);

	if (flow->pipeline->config.want_calls && flow->state != FLOW_TLS)
		calls_end(&flow->calls, &context, direction, reset, time_ns);
}

void flow_reset(struct flow *flow, enum event_direction direction)
{
	take_end(flow, direction, true, flow->pipeline->now_ns);
}

static void sent_data(void *ctx, struct slice bytes, uint64_t time_ns, const struct mover *mover)
{
	take_data(ctx, DIRECTION_SENT, bytes, time_ns, mover);
}

static void sent_hole(void *ctx, uint64_t size, bool lost, uint64_t time_ns)
{
	take_hole(ctx, DIRECTION_SENT, size, lost, time_ns);
}

static void sent_finish(void *ctx, uint64_t time_ns)
{
	take_end(ctx, DIRECTION_SENT, false, time_ns);
	flow_finished(ctx, DIRECTION_SENT, time_ns);
}

static void received_data(void *ctx, struct slice bytes, uint64_t time_ns, const struct mover *mover)
{
	take_data(ctx, DIRECTION_RECEIVED, bytes, time_ns, mover);
}

static void received_hole(void *ctx, uint64_t size, bool lost, uint64_t time_ns)
{
	take_hole(ctx, DIRECTION_RECEIVED, size, lost, time_ns);
}

static void received_finish(void *ctx, uint64_t time_ns)
{
	take_end(ctx, DIRECTION_RECEIVED, false, time_ns);
	flow_finished(ctx, DIRECTION_RECEIVED, time_ns);
}

static struct stream_handler flow_handler(struct flow *flow, enum event_direction direction)
{
	if (direction == DIRECTION_SENT)
		return (struct stream_handler){ flow, sent_data, sent_hole, sent_finish };
	return (struct stream_handler){ flow, received_data, received_hole, received_finish };
}

static void flow_count(struct conn_facts *facts, const struct event_data *event)
{
	uint32_t missing = event->len - event->copied;

	facts->moved_bytes += event->len;
	facts->copied_bytes += event->copied;
	if (event->hole == HOLE_FAULT)
		facts->lost_bytes += missing;
	else
		facts->skipped_bytes += missing;
}

/* Bytes that no record stood for were not counted in the kernel either. */
static void flow_count_past(struct flow *flow, struct flow_side *side)
{
	uint64_t bytes = side->stream.past_bytes;

	if (!bytes)
		return;
	side->stream.past_bytes = 0;
	flow->facts->moved_bytes += bytes;
	flow->facts->skipped_bytes += bytes;
	counters_add_skipped(bytes);
}

static bool flow_beginning_is_certain(const struct flow_side *side, const struct event_data *event)
{
	return side->stream.from_start || (side->stream.from_zero && event->h.flags & EVENT_FROM_START);
}

/* The decoder was told that this direction would show from its first byte on; it does not. */
static void flow_check_guess(struct flow *flow, struct flow_side *side, const struct stream_record *record,
			     bool beginning_seen)
{
	if (!side->from_start_guessed || beginning_seen || !record->seq32 || !record->offset_known ||
	    !record->offset)
		return;
	side->from_start = side->from_start_guessed = false;
	if (flow->state == FLOW_HTTP)
		flow->ops->hole(flow->decoder, side == &flow->side[0] ? 0 : 1, record->offset,
				record->time_ns);
}

/* Is this the direction of the requests, for certain? */
static bool flow_asks(const struct flow *flow, enum event_direction direction)
{
	enum protocol_role role = flow->state == FLOW_HTTP ? flow->ops->role(flow->decoder) : ROLE_UNKNOWN;

	return role != ROLE_UNKNOWN && (role == ROLE_CLIENT) == (direction == DIRECTION_SENT);
}

/*
 * Where a direction began is not known after a late join: what was lost of it between the other's first
 * record and its own leaves no gap in its positions, and the answer that shows first may be to a later
 * request. Lost requests do no such harm, their answers show them.
 */
static void flow_watch_losses(struct flow *flow, enum event_direction direction, uint32_t lost, bool first)
{
	struct flow_side *side = &flow->side[direction];

	if (first && !flow->side[!direction].stream.started)
		flow->lost = flow->side[!direction].lost = lost;
	side->lost = lost;
	flow->lossy |= lost != flow->lost;
	if (first && flow->lossy && !side->from_start && side->stream.seq32 && !flow_asks(flow, direction))
		stream_doubt(&side->stream);
}

/* Which direction's next record is due first? -1: none is. At one time a request comes before its answer. */
static int flow_due(const struct flow *flow)
{
	int asks = flow->facts->role == ROLE_SERVER ? DIRECTION_RECEIVED : DIRECTION_SENT;
	uint64_t due_ns[2] = { stream_due_ns(&flow->side[0].stream), stream_due_ns(&flow->side[1].stream) };

	if (due_ns[0] == UINT64_MAX && due_ns[1] == UINT64_MAX)
		return -1;
	return due_ns[asks] <= due_ns[!asks] ? asks : !asks;
}

static bool flow_is_blocked(const struct flow *flow)
{
	return stream_is_blocked(&flow->side[0].stream) || stream_is_blocked(&flow->side[1].stream);
}

/* Gives on what waited, both directions by time; nothing while one of them misses a record. */
static void flow_drain(struct flow *flow)
{
	int direction;

	while (!flow_is_blocked(flow) && (direction = flow_due(flow)) >= 0) {
		struct stream_handler handler = flow_handler(flow, direction);

		stream_step(&flow->side[direction].stream, &handler);
	}
	for (int i = 0; i < 2; i++)
		flow_count_past(flow, &flow->side[i]);
}

/* Gives up what has been missing for long, or all that is missing. */
static void flow_give_up(struct flow *flow, bool all)
{
	bool again = true;

	while (again) {
		again = false;
		for (int i = 0; i < 2; i++) {
			struct stream *stream = &flow->side[i].stream;

			if (!stream_is_blocked(stream) ||
			    !(all || stream_is_overdue(stream, flow->pipeline->poll)))
				continue;
			stream_give_up(stream);
			again = true;
		}
		flow_drain(flow);
	}
}

/*
 * While the other direction misses a record, this one waits: who answers whom is told by time, and a decoder
 * that ran ahead would take what piled up for pipelining. Without room to wait, what is missing is given up.
 */
static bool flow_must_wait(struct flow *flow, enum event_direction direction,
			   const struct stream_record *record)
{
	size_t limit = flow->pipeline->config.reorder_limit_bytes;

	if (flow->state == FLOW_TLS || flow->state == FLOW_MUTED)
		return false;
	if (stream_is_blocked(&flow->side[!direction].stream) &&
	    !stream_has_room(&flow->side[direction].stream, record, limit))
		flow_give_up(flow, true);
	return stream_is_blocked(&flow->side[!direction].stream);
}

void flow_record(struct flow *flow, const struct event_data *event, const struct mover *mover,
		 bool beginning_seen)
{
	enum event_direction direction =
		event->direction == DIRECTION_SENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
	struct flow_side *side = &flow->side[direction];
	struct stream_handler handler = flow_handler(flow, direction);
	bool first = !side->stream.started;
	struct stream_record record = {
		.pos = event->pos,
		.offset = event->offset,
		.offset_known = event->h.flags & EVENT_OFFSET_KNOWN,
		.seq32 = event->h.flags & EVENT_POS_SEQ32,
		.eof = event->h.flags & EVENT_EOF && !event->len,
		.reached = event->h.flags & EVENT_REACHED && !event->len,
		.len = event->len,
		.payload = slice_of(event->payload, event->copied),
		.time_ns = event_began_ns(event),
		.mover = mover,
	};

	flow_count(flow->facts, event);
	side->last_ns = event->h.time_ns;
	if (first) { /* the protocol begins here or not; the other direction's verdict may have told already
		      */
		stream_start(&side->stream, &record, beginning_seen);
		side->from_start =
			(side->from_start || flow_beginning_is_certain(side, event)) && !side->beheaded;
		side->beheaded &= flow_beginning_is_certain(side, event);
		flow_check_guess(flow, side, &record, beginning_seen);
	}
	flow_watch_losses(flow, direction, event->h.lost, first);
	if (first && !side->from_start && side->stream.seq32)
		flow->facts->flags |= FLAG_LATE_JOINED;
	if (side->rejoin)
		stream_rejoin(&side->stream, &record);
	side->rejoin = false;
	flow->calls.record++;
	flow->calls.more = event->h.flags & EVENT_MORE;
	flow->calls.hole = (enum event_hole)event->hole;
	stream_put(&side->stream, &record, flow->pipeline->poll, flow->pipeline->config.reorder_limit_bytes,
		   flow_must_wait(flow, direction, &record), &handler);
	flow_drain(flow);
	flow_hint_skip(flow, direction);
}

void flow_stood(struct flow *flow, const struct event_data *event, const struct mover *mover,
		bool beginning_seen)
{
	enum event_direction direction =
		event->direction == DIRECTION_SENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
	bool seq32 = event->h.flags & EVENT_POS_SEQ32;
	bool placed = !seq32 || (event->h.flags & EVENT_OFFSET_KNOWN && beginning_seen);

	if (flow->state == FLOW_TLS || flow->state == FLOW_MUTED || flow_is_muted(flow, direction))
		return;
	if (!flow->side[direction].stream.started &&
	    (!placed || !event->offset || !flow->side[!direction].stream.started))
		return;
	flow->side[direction].stood = true;
	flow_record(flow, event, mover, beginning_seen);
}

void flow_unknown(struct flow *flow, enum event_direction direction)
{
	struct stream_handler handler = flow_handler(flow, direction);

	stream_flush(&flow->side[direction].stream, &handler);
	stream_unknown(&flow->side[direction].stream, flow->pipeline->now_ns, &handler);
}

/*
 * Without positions at the end (Unix sockets, sessions that are never freed) nobody knows whether the last
 * records of a direction were among those that were lost since its newest one. What is open is in doubt then.
 */
static void flow_doubt_end(struct flow *flow, enum event_direction direction)
{
	const struct flow_side *side = &flow->side[direction];
	bool lost = (int32_t)(flow->pipeline->lost - side->lost) > 0;

	if (lost && !side->stood && !side->finished && flow->pair.open && flow->state == FLOW_HTTP)
		flow_hole(flow, direction, HOLE_UNKNOWN_SIZE, true, flow->pipeline->now_ns);
}

void flow_finish(struct flow *flow, enum event_direction direction)
{
	struct stream_handler handler = flow_handler(flow, direction);

	stream_flush(&flow->side[direction].stream, &handler);
	flow_count_past(flow, &flow->side[direction]);
	flow_doubt_end(flow, direction);
	flow_finished(flow, direction, flow->pipeline->now_ns);
}

bool flow_poll(struct flow *flow)
{
	bool waits;

	flow_give_up(flow, false);
	waits = stream_waits(&flow->side[0].stream) || stream_waits(&flow->side[1].stream);
	if (flow->pipeline->config.want_calls) {
		struct calls_context context = flow_calls(flow);

		calls_poll(&flow->calls, &context, flow_calls_verdict(flow));
	}
	if (flow->state == FLOW_HTTP)
		flow->ops->tick(flow->decoder, flow->pipeline->now_ns);
	if (pair_poll(&flow->pair))
		waits = true;
	return waits;
}

size_t flow_memory(const struct flow *flow)
{
	size_t bytes = flow->pair.held_bytes + flow->calls.bytes + message_memory(flow->switching) +
		       (flow->hello ? hello_memory(flow->hello) : 0) +
		       (flow->decoder ? flow->ops->memory(flow->decoder) : 0);

	for (int i = 0; i < 2; i++)
		bytes += stream_memory(&flow->side[i].stream) + held_memory(&flow->side[i].held);
	return bytes;
}

void flow_expire(struct flow *flow)
{
	struct calls_context context = flow_calls(flow);

	calls_expire(&flow->calls, &context, flow_calls_verdict(flow));
	pair_expire(&flow->pair);
	flow_look_again(flow);
}

bool flow_is_muted(const struct flow *flow, enum event_direction direction)
{
	if (flow->state == FLOW_UNDETERMINED)
		return flow->side[direction].muted;
	return flow->state == FLOW_MUTED && flow->muted;
}

void flow_turn_tls(struct flow *flow)
{
	uint64_t held = flow->side[0].held.len + flow->side[1].held.len;

	hello_free(flow->hello);
	flow->hello = NULL;
	if (flow->state == FLOW_TLS)
		return;
	flow_decode_end(flow, END_CLOSED);
	if (flow->state == FLOW_UNDETERMINED) {
		counter_add(COUNTER_TLS_DISCARDED, held);
		flow_count_ciphertext(flow, flow->undetermined_copied, flow->undetermined_skipped);
	}
	for (int i = 0; i < 2; i++)
		held_fini(&flow->side[i].held);
	calls_fini(&flow->calls);
	flow->state = FLOW_TLS;
	flow->muted = NULL;
}

void flow_end(struct flow *flow, enum protocol_end reason)
{
	flow_give_up(flow, true);
	for (int i = 0; i < 2 && reason != END_IN_FLIGHT; i++)
		flow_doubt_end(flow, i);
	if (flow->pipeline->config.want_calls) {
		struct calls_context context = flow_calls(flow);

		calls_flush(&flow->calls, &context, flow_calls_verdict(flow));
	}
	/* Whoever closes a socket in order has said all that it had to say. */
	if (reason == END_CLOSED || reason == END_EXIT)
		flow_finished(flow, DIRECTION_SENT, flow->pipeline->now_ns);
	flow_decode_end(flow, reason);
	for (int i = 0; i < 2; i++) {
		counter_add(COUNTER_BYTES_UNPARSED, flow->side[i].held.len);
		held_fini(&flow->side[i].held);
	}
}

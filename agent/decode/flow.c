/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a record through one layer: stream (order), then what the layer's state does with it
 * (flow_state.h).
 *
 * Facts count each byte of a record once, when it comes, and lost bytes when they are given up on.
 */
#include "flow.h"

#include "base/counters.h"
#include "detect.h"
#include "flow_decode.h"
#include "flow_state.h"
#include "flow_tunnel.h"
#include "hello.h"
#include "model/event_check.h"

#define SHRINK_NS UINT64_C(2000000000) /* without a transfer: a client that waits */

static const struct stream_handler stream_handler;

void flow_init(struct flow *flow, const struct pipeline *pipeline, struct conn_facts *facts,
	       const struct tls_key *session)
{
	*flow = (struct flow){
		.pipeline = pipeline,
		.facts = facts,
		.session = session,
		.state = FLOW_UNDETERMINED,
		.moved_last = -1,
	};
	pair_init(&flow->pair, pipeline, facts);
	for (int i = 0; i < 2; i++) {
		flow->side[i].flow = flow;
		flow->side[i].direction = (enum event_direction)i;
		flow->side[i].turn_at = FLOW_NO_TURN;
		stream_init(&flow->side[i].stream, &stream_handler, &flow->side[i]);
	}
}

void flow_fini(struct flow *flow)
{
	flow_state_fini(flow);
	message_free(flow->switching);
	flow->switching = NULL;
	free(flow->upgrade_settings);
	flow->upgrade_settings = NULL;
	flow->upgrade_settings_len = 0;
	call_queue_fini(&flow->calls);
	pair_fini(&flow->pair);
	for (int i = 0; i < 2; i++)
		stream_fini(&flow->side[i].stream);
}

void flow_move(struct flow *flow, struct conn_facts *facts)
{
	flow->facts = facts;
	flow->pair.facts = facts;
}

/* --- what comes in order ------------------------------------------------------------------ */

/* The first of a direction comes: before it stood what the decoder was promised, and did not show. */
static void flow_tell_missed(struct flow_side *side, uint64_t time_ns)
{
	const struct flow *flow = side->flow;
	uint64_t size = side->missed_bytes;

	side->missed_bytes = 0;
	if (size && flow->state == FLOW_HTTP)
		flow->ops->hole(flow->decoder, side->direction, size, time_ns);
}

static void take_data(void *ctx, struct slice bytes, uint64_t time_ns, const struct mover *mover)
{
	struct flow_side *side = ctx;
	struct flow *flow = side->flow;

	flow_tell_missed(side, time_ns);
	call_queue_data(flow, side->direction, bytes, time_ns, mover);
	flow_state_data(flow, side->direction, bytes, time_ns, mover);
	if (!flow->pipeline->config.want_calls)
		return;
	/* Other protocols may turn to TLS too (SMTP's STARTTLS). Nobody else looks at it any more. */
	if (flow->state == FLOW_MUTED && !flow->session && detect_first(bytes).kind == DETECT_TLS)
		flow_turn_tls(flow);
	call_queue_judge(flow);
}

/* Bytes that no record stood for; where each transfer leaves one, the kernel side did not count them either.
 */
static void flow_count_past(struct flow *flow, struct flow_side *side)
{
	struct stream *stream = &side->stream;

	if (!stream->past_bytes)
		return;
	flow->facts->moved_bytes += stream->past_bytes;
	flow->facts->skipped_bytes += stream->past_bytes;
	counters_add_skipped(stream->past_bytes - stream->past_counted);
	stream->past_bytes = stream->past_counted = 0;
}

static void take_hole(void *ctx, uint64_t size, bool lost, uint64_t time_ns)
{
	struct flow_side *side = ctx;
	struct flow *flow = side->flow;

	flow_tell_missed(side, time_ns);
	flow_count_past(flow, side);
	if (!lost || !side->stream.unrecorded)
		call_queue_hole(flow, side->direction, size, lost, time_ns);
	flow_state_hole(flow, side->direction, size, lost, time_ns);
}

static void flow_finished(struct flow_side *side, uint64_t time_ns)
{
	struct flow *flow = side->flow;

	if (side->end == FLOW_END_FINISHED)
		return;
	side->end = FLOW_END_FINISHED;
	if (flow->state == FLOW_HTTP)
		flow->ops->finish(flow->decoder, side->direction, time_ns);
}

static void take_finish(void *ctx, uint64_t time_ns)
{
	struct flow_side *side = ctx;

	flow_tell_missed(side, time_ns);
	call_queue_end(side->flow, side->direction, false, time_ns);
	flow_finished(side, time_ns);
}

static const struct stream_handler stream_handler = { take_data, take_hole, take_finish };

/* --- records, in their order -------------------------------------------------------------- */

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

/*
 * The decoder was told that this direction would show from its first byte on; it does not. Its first record
 * may have to wait for older ones of the other direction, and so does what is missing before it.
 */
static void flow_check_start(struct flow_side *side, const struct stream_record *record, bool beginning_seen)
{
	if (!side->told_start || beginning_seen || !record->seq32 || !record->offset_known || !record->offset)
		return;
	side->from_start = side->told_start = false;
	side->missed_bytes = record->offset;
}

/* Nobody knows how much of the direction stood before its first record, and some of it may have been lost. */
static bool flow_begins_anywhere(const struct flow *flow, const struct stream_record *record)
{
	return record->seq32 && !record->offset_known && flow->lossy;
}

/* The protocol begins here or not; the other direction's verdict may have told already. */
static void flow_place(struct flow *flow, struct flow_side *side, const struct stream_record *record,
		       bool from_start, bool beginning_seen)
{
	bool certain;

	stream_start(&side->stream, record, beginning_seen);
	side->stream.lost = flow->lost;
	certain = side->stream.from_start || (side->stream.from_zero && from_start);
	if (flow_begins_anywhere(flow, record))
		certain = side->from_start = side->told_start = false;
	side->from_start = (side->from_start || certain) && !side->lost_bytes;
	if (!certain)
		side->lost_bytes = 0;
	flow_check_start(side, record, beginning_seen);
}

/* Is this the direction of the requests, for certain? */
static bool flow_asks(const struct flow *flow, enum event_direction direction)
{
	enum protocol_role role = flow->state == FLOW_HTTP ? flow->ops->role(flow->decoder) : ROLE_UNKNOWN;

	return role != ROLE_UNKNOWN && (role == ROLE_CLIENT) == (direction == DIRECTION_SENT);
}

static void flow_watch_losses(struct flow *flow, enum event_direction direction, uint32_t lost)
{
	struct flow_side *side = &flow->side[direction];

	if (!flow->side[0].stream.started && !flow->side[1].stream.started)
		flow->lost = flow->side[!direction].lost =
			flow->facts->opened_ns && !flow->session ? flow->facts->opened_lost : lost;
	side->lost = lost;
	flow->lossy |= lost != flow->lost;
}

/*
 * Where a direction began is not known after a late join: what was lost of it between the other's first
 * record and its own leaves no position out, and the answer that shows first may be to a later
 * request. Lost requests do no such harm, their answers show them.
 */
static void flow_doubt_beginning(struct flow *flow, enum event_direction direction,
				 const struct stream_record *record, bool beginning_seen)
{
	struct flow_side *side = &flow->side[direction];
	bool joined_late = record->seq32 && !side->from_start && !beginning_seen;

	if (flow_begins_anywhere(flow, record) || (joined_late && flow->lossy && !flow_asks(flow, direction)))
		side->stream.doubted = true;
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

static bool flow_waits(const struct flow *flow)
{
	return stream_waits(&flow->side[0].stream) || stream_waits(&flow->side[1].stream);
}

/* Gives on what waited, both directions by time; nothing while one of them misses a record. */
static void flow_drain(struct flow *flow)
{
	int direction;

	while (flow_waits(flow) && !flow_is_blocked(flow) && (direction = flow_due(flow)) >= 0) {
		stream_step(&flow->side[direction].stream);
	}
}

/* Gives up what has been missing for long, or all that is missing. */
static void flow_give_up(struct flow *flow, bool all)
{
	bool again = flow_waits(flow);

	while (again) {
		again = false;
		for (int i = 0; i < 2; i++) {
			struct stream *stream = &flow->side[i].stream;

			if (!stream_is_blocked(stream) || !(all || stream_is_overdue(stream, flow->pipeline)))
				continue;
			/* Of a socket that is TLS by now it may have come, and was only counted. */
			stream->unrecorded |= !flow->session && flow->state == FLOW_TLS;
			stream->given_up = true;
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

	if (!stream_waits(&flow->side[!direction].stream) || flow_is_tls(flow) || flow->state == FLOW_MUTED)
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
	bool first = !side->stream.started;
	struct stream_record record = {
		.pos = event->pos,
		.offset = event->offset,
		.offset_known = event->h.flags & EVENT_OFFSET_KNOWN,
		.seq32 = event->h.flags & EVENT_POS_SEQ32,
		.eof = event->h.flags & EVENT_EOF && !event->len,
		.reached = event->h.flags & EVENT_REACHED && !event->len,
		.counted = event->hole == HOLE_MUTED,
		.len = event->len,
		.payload = slice_of(event->payload, event->copied),
		.time_ns = event_began_ns(event),
		.mover = mover,
	};

	flow_count(flow->facts, event);
	side->last_ns = event->h.time_ns;
	flow->shrunk = false;
	flow_watch_losses(flow, direction, event->h.lost);
	if (first) {
		flow_place(flow, side, &record,
			   flow->session ? beginning_seen : event->h.flags & EVENT_FROM_START,
			   beginning_seen);
		flow_doubt_beginning(flow, direction, &record, beginning_seen);
		if (!side->from_start && record.seq32 && !beginning_seen)
			flow->facts->flags |= FLAG_LATE_JOINED;
	}
	if (side->hearing == FLOW_REJOINS || side->hearing == FLOW_AWAITED) {
		stream_rejoin(&side->stream, &record);
		side->hearing = FLOW_HEARD;
	}
	flow->calls.record++;
	flow->calls.more = event->h.flags & EVENT_MORE;
	flow->calls.hole = (enum event_hole)event->hole;
	stream_put(&side->stream, &record, flow->pipeline, flow_must_wait(flow, direction, &record));
	flow_drain(flow);
	flow_decode_hint_skip(flow, direction);
}

void flow_unrecorded(struct flow *flow)
{
	for (int i = 0; i < 2; i++)
		flow->side[i].stream.unrecorded = true;
}

/* --- records of streams ------------------------------------------------------------------- */

/* The position at which the record stands is the next one; else something was lost, or is not what it says.
 */
static void flow_place_piece(struct flow *flow, struct flow_side *side, const struct event_data *event,
			     bool ends)
{
	uint64_t next = side->stream.next;

	if (!side->stream.started)
		stream_continue(&side->stream, 0);
	if (event->pos != next) {
		counter_add(COUNTER_STREAM_HOLES, 1);
		flow_state_hole(flow, side->direction,
				event->pos > next ? event->pos - next : HOLE_UNKNOWN_SIZE, true,
				event->h.time_ns);
	}
	if (event->pos < UINT64_MAX / 2)
		stream_continue(&side->stream, event->pos + event->len + ends);
}

/* 0, or -1: the layer is something else, or memory is out. */
static int flow_begin_streams(struct flow *flow, const struct event_data *event)
{
	if (flow->state == FLOW_UNDETERMINED) {
		for (int i = 0; i < 2; i++)
			flow->side[i].from_start = event->h.flags & EVENT_FROM_START;
		if (flow_state_begin(flow, &http3_protocol))
			return -1;
		if (!flow->side[0].from_start)
			flow->facts->flags |= FLAG_LATE_JOINED;
	}
	return flow->state == FLOW_HTTP && flow->ops == &http3_protocol ? 0 : -1;
}

void flow_record_streams(struct flow *flow, const struct event_data *event, const struct mover *mover)
{
	enum event_direction direction =
		event->direction == DIRECTION_SENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
	struct flow_side *side = &flow->side[direction];
	bool over = event->h.type == EVENT_STREAM_OVER;
	const struct protocol_piece piece = {
		.stream = event->offset,
		.bytes = slice_of(event->payload, event->copied),
		.missing = event->len - event->copied,
		.ends = event->h.flags & EVENT_EOF && !(event->h.flags & EVENT_MORE),
	};

	if (flow_begin_streams(flow, event))
		return;
	flow_watch_losses(flow, direction, event->h.lost);
	side->last_ns = event->h.time_ns;
	flow->fed_ns = event->h.time_ns;
	flow->mover = mover;
	if (over) {
		flow->ops->over(flow->decoder, event->offset, event->pos, event->h.time_ns);
	} else {
		flow_count(flow->facts, event);
		flow_place_piece(flow, side, event, piece.ends);
		if (piece.bytes.len)
			call_queue_data(flow, direction, piece.bytes, event->h.time_ns, mover);
		if (piece.missing)
			call_queue_hole(flow, direction, piece.missing, false, event->h.time_ns);
		flow->ops->piece(flow->decoder, direction, &piece, event->h.time_ns);
	}
	flow->mover = NULL;
	call_queue_judge(flow);
}

void flow_stood(struct flow *flow, const struct event_data *event, const struct mover *mover,
		bool beginning_seen)
{
	enum event_direction direction =
		event->direction == DIRECTION_SENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
	bool seq32 = event->h.flags & EVENT_POS_SEQ32;
	bool placed = !seq32 || (event->h.flags & EVENT_OFFSET_KNOWN && beginning_seen);

	if (flow_is_tls(flow) || flow->state == FLOW_MUTED || flow_is_muted(flow, direction))
		return;
	if (!flow->side[direction].stream.started &&
	    (!placed || !event->offset || !flow->side[!direction].stream.started))
		return;
	if (flow->side[direction].end == FLOW_END_UNKNOWN)
		flow->side[direction].end = FLOW_END_STANDS;
	flow_record(flow, event, mover, beginning_seen);
}

void flow_unknown(struct flow *flow, const struct event_data *event, const struct mover *mover)
{
	enum event_direction direction =
		event->direction == DIRECTION_SENT ? DIRECTION_SENT : DIRECTION_RECEIVED;
	struct stream *stream = &flow->side[direction].stream;
	struct stream_record record = stream_unmeasured(stream, event->h.time_ns, mover);

	stream_put(stream, &record, flow->pipeline, flow_must_wait(flow, direction, &record));
	flow_drain(flow);
}

/*
 * Without positions at the end (Unix sockets, sessions that are never freed) nobody knows whether the last
 * records of a direction were among those that were lost since its newest one, or never made. What is open is
 * in doubt then.
 */
static void flow_doubt_end(struct flow *flow, enum event_direction direction)
{
	const struct flow_side *side = &flow->side[direction];
	bool lost = (int32_t)(flow->pipeline->lost - side->lost) > 0;

	if ((lost || flow->unheard) && side->end == FLOW_END_UNKNOWN && flow->state == FLOW_HTTP &&
	    (flow->pair.open || !flow->ops->idle(flow->decoder)))
		flow_state_hole(flow, direction, HOLE_UNKNOWN_SIZE, true, flow->pipeline->now_ns);
}

void flow_finish(struct flow *flow, enum event_direction direction)
{
	stream_flush(&flow->side[direction].stream);
	flow_doubt_end(flow, direction);
	flow_finished(&flow->side[direction], flow->pipeline->now_ns);
}

bool flow_poll(struct flow *flow)
{
	bool waits;

	flow_give_up(flow, false);
	waits = flow_waits(flow);
	call_queue_poll(flow);
	if (flow->state == FLOW_HTTP && flow->ops->tick(flow->decoder, flow->pipeline->now_ns))
		waits = true;
	if (pair_poll(&flow->pair))
		waits = true;
	return waits;
}

bool flow_may_get(const struct flow *flow, enum event_direction direction)
{
	const struct stream *stream = &flow->side[direction].stream;

	return stream_is_blocked(stream) && !stream_is_overdue(stream, flow->pipeline);
}

bool flow_is_unfinished(const struct flow *flow)
{
	return flow->pair.entries || flow_is_blocked(flow) ||
	       (flow->state == FLOW_HTTP && !flow->ops->idle(flow->decoder));
}

size_t flow_memory(const struct flow *flow)
{
	size_t bytes = flow->pair.held_bytes + flow->calls.bytes + message_memory(flow->switching) +
		       flow_tunnel_memory(flow->tunnel) + (flow->hello ? hello_memory(flow->hello) : 0) +
		       (flow->decoder ? flow->ops->memory(flow->decoder) : 0);

	for (int i = 0; i < 2; i++)
		bytes += stream_memory(&flow->side[i].stream) + held_memory(&flow->side[i].held);
	return bytes;
}

void flow_expire(struct flow *flow)
{
	call_queue_expire(flow);
	pair_expire(&flow->pair);
	flow_state_expire(flow);
}

bool flow_shrink(struct flow *flow)
{
	uint64_t now_ns = flow->pipeline->now_ns;

	if (flow->shrunk || flow->state != FLOW_HTTP || !flow->ops->shrink || !flow->decoder ||
	    now_ns < flow->side[0].last_ns + SHRINK_NS || now_ns < flow->side[1].last_ns + SHRINK_NS)
		return false;
	flow->shrunk = true;
	flow->ops->shrink(flow->decoder);
	return true;
}

bool flow_is_muted(const struct flow *flow, enum event_direction direction)
{
	if (flow->state == FLOW_UNDETERMINED)
		return flow->side[direction].hearing == FLOW_SIDE_MUTED;
	return flow->state == FLOW_MUTED;
}

void flow_end(struct flow *flow, enum protocol_end reason)
{
	flow_give_up(flow, true);
	for (int i = 0; i < 2 && reason != END_IN_FLIGHT; i++)
		flow_doubt_end(flow, i);
	call_queue_flush(flow);
	/* Whoever closes a socket in order has said all that it had to say. */
	if (reason == END_CLOSED || reason == END_EXIT)
		flow_finished(&flow->side[DIRECTION_SENT], flow->pipeline->now_ns);
	flow_state_end(flow, reason);
}

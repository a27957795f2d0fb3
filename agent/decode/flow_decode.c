/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a layer and its decoder: what the decoder says goes to the pairing,
 * and a decoder that the connection leaves (Upgrade, CONNECT) is replaced.
 *
 * A callback must not free the decoder that calls it, so upgrade() only notes
 * what is to come and the feed acts on it when the decoder has returned.
 */
#include "flow_decode.h"

#include "base/budget.h"
#include "base/counters.h"
#include "detect.h"
#include "flow_hello.h"
#include "flow_judge.h"
#include "hello.h"

#include <errno.h>

#define SKIP_WORTH_BYTES (256 * 1024) /* shorter bodies end before a hint reaches the kernel */
#define DECODER_SHARE	 16	      /* of the budget: more no decoder keeps of heads */
#define UPGRADES_MAX	 4	      /* tunnels within tunnels that are followed */
#define TLS_HANDSHAKE	 0x16	      /* RFC 8446, 5.1 */

static const struct mover *flow_mover(const struct flow *flow)
{
	return flow->mover ? flow->mover : &flow->facts->owner;
}

/* What a message says about the connection. */
static void flow_mark(struct flow *flow, const struct message *message)
{
	struct conn_facts *facts = flow->facts;
	bool sent = message->direction == DIRECTION_SENT;

	/*
	 * A guess says nothing about the connection, and neither does
	 * a response that stands for a lost one.
	 */
	if (message->flags & FLAG_GUESS || (message->kind == MESSAGE_RESPONSE && !message->status))
		return;
	facts->protocol = "http";
	if (message->version)
		facts->version = message->version;
	if (facts->role == ROLE_UNKNOWN && !(message->flags & FLAG_PUSHED))
		facts->role = sent == (message->kind == MESSAGE_REQUEST) ? ROLE_CLIENT : ROLE_SERVER;
}

static void on_head(void *ctx, struct message *message)
{
	struct flow *flow = ctx;

	flow_mark(flow, message);
	pair_head(&flow->pair, message, flow_mover(flow));
}

static void on_body(void *ctx, struct message *message, struct slice bytes)
{
	struct flow *flow = ctx;

	(void)bytes;
	pair_touch(&flow->pair, message, flow->pipeline->now_ns);
}

/* A message that is sent begins when its first call does, and ends when its last bytes have left. */
static void flow_mark_end(const struct flow *flow, struct message *message)
{
	if (flow->mover && flow->mover->done_ns && message->last_byte_ns == flow->fed_ns &&
	    message->direction == DIRECTION_SENT)
		message->last_byte_ns = flow->mover->done_ns;
}

static void on_done(void *ctx, struct message *message)
{
	struct flow *flow = ctx;

	flow_mark(flow, message);
	flow_mark_end(flow, message);
	if (message->status == 101 && message->flags & FLAG_UPGRADED && !flow->switching)
		flow->switching = message; /* on_upgrade() tells what it is */
	else
		pair_done(&flow->pair, message, flow_mover(flow));
}

static void on_interim(void *ctx, const struct message *message)
{
	struct flow *flow = ctx;

	pair_interim(&flow->pair, message);
}

static void on_lost(void *ctx, enum message_kind kind, uint32_t key, unsigned int flags)
{
	struct flow *flow = ctx;

	pair_lost(&flow->pair, kind, key, flags);
}

static void on_reset(void *ctx, uint32_t key, uint32_t error)
{
	struct flow *flow = ctx;

	pair_reset(&flow->pair, key, error);
}

static uint32_t on_hand(void *ctx)
{
	const struct flow *flow = ctx;

	return flow->mover ? flow->mover->tid : 0;
}

static void on_note(void *ctx, enum protocol_note note, uint64_t n)
{
	(void)ctx;
	counter_note(note, n);
}

static void on_frame(void *ctx, const struct frame *frame)
{
	struct flow *flow = ctx;

	pipeline_tell(flow->pipeline, &(struct result){
					      .kind = RESULT_FRAME,
					      .conn = flow->facts,
					      .mover = flow_mover(flow),
					      .frame = frame,
				      });
}

/*
 * The request that asked for h2c is stream 1, whose response comes in HTTP/2 (RFC 7540, 3.2): one exchange,
 * of which the 101 is an interim response.
 */
static void on_upgrade(void *ctx, struct slice to, const struct message *request)
{
	struct flow *flow = ctx;
	struct message *switching = flow->switching;
	struct slice settings;

	flow->switching = NULL;
	if (!switching || !slice_equal_nocase(to, SLICE("h2c"))) {
		flow->upgrade = UPGRADE_OTHER;
		if (switching)
			pair_done(&flow->pair, switching, flow_mover(flow));
		return;
	}
	flow->upgrade = UPGRADE_H2C;
	counter_note(NOTE_INTERIM, 1);
	pair_set_aside(&flow->pair, switching, flow_mover(flow));
	if (!request)
		return;
	settings = message_header(request, SLICE("HTTP2-Settings"));
	if (settings.data && settings.len <= sizeof(flow->upgrade_settings)) {
		memcpy(flow->upgrade_settings, settings.data, settings.len);
		flow->upgrade_settings_len = settings.len;
		flow->upgrade_settings_known = true;
	}
}

/* A direction that has not moved yet begins with its first byte, if hark was there when the other one did. */
static bool flow_side_from_start(const struct flow *flow, int direction)
{
	const struct flow_side *side = &flow->side[direction], *other = &flow->side[!direction];

	return side->from_start || (!side->stream.started && other->from_start);
}

/* A lost beginning is a hole that HTTP/1 can be told of; HTTP/2 is looked for as after a late join. */
static bool flow_tells_lost(const struct flow *flow, const struct protocol_ops *ops, int direction)
{
	return ops == &http1_protocol && flow->side[direction].beheaded;
}

int flow_decode_start(struct flow *flow, const struct protocol_ops *ops, bool after_upgrade)
{
	const struct pipeline_config *limits = &flow->pipeline->config;
	const struct protocol_config config = {
		.role = flow->facts->role != ROLE_UNKNOWN ? flow->facts->role : flow->role_found,
		.from_start = { flow_side_from_start(flow, 0) || flow_tells_lost(flow, ops, 0),
				flow_side_from_start(flow, 1) || flow_tells_lost(flow, ops, 1) },
		.joined = flow->joined,
		.beginning_lost = flow->lossy && !flow->facts->opened_ns,
		.seen_ns = flow->facts->existing ? flow->facts->seen_ns : 0,
		.after_upgrade = after_upgrade,
		.upgrade_settings = slice_of(
			after_upgrade && flow->upgrade_settings_known ? flow->upgrade_settings : NULL,
			after_upgrade ? flow->upgrade_settings_len : 0),
		.want_frames = limits->want_frames,
		.want_bodies = limits->want_bodies,
		.body_limit_bytes = limits->body_limit_bytes,
		.message_limit_bytes = limits->message_limit_bytes,
		.stream_limit = limits->stream_limit,
		.pipeline_limit = limits->pipeline_limit,
		.table_limit_bytes = limits->table_limit_bytes,
		.memory_limit_bytes = budget_share(limits->budget, DECODER_SHARE),
		.given_bytes = &flow->pair.held_bytes,
	};
	const struct protocol_handler handler = {
		.ctx = flow,
		.head = on_head,
		.body = on_body,
		.done = on_done,
		.interim = on_interim,
		.reset = on_reset,
		.lost = on_lost,
		.upgrade = on_upgrade,
		.hand = on_hand,
		.note = on_note,
		.frame = on_frame,
	};

	for (int i = 0; i < 2; i++)
		flow->side[i].from_start_guessed = config.from_start[i] && !flow->side[i].stream.started;
	flow->ops = ops;
	flow->decoder = ops->create(&config, &handler);
	if (!flow->decoder) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		flow_mute(flow, "out of memory");
		return -ENOMEM;
	}
	flow->state = FLOW_HTTP;
	/* A message that was found in mid-stream has yet to be proven. */
	if (ops != &http1_protocol || config.from_start[0] || config.from_start[1])
		flow->facts->protocol = "http";
	for (int i = 0; i < 2; i++) {
		if (flow_tells_lost(flow, ops, i))
			ops->hole(flow->decoder, i, flow->side[i].lost_bytes, flow->side[i].last_ns);
		flow->side[i].beheaded = false;
		flow->side[i].lost_bytes = 0;
	}
	return 0;
}

/* flags: of what is under way. */
static void flow_decode_leave(struct flow *flow, enum protocol_end reason, unsigned int flags)
{
	if (!flow->decoder)
		return;
	flow->ops->end(flow->decoder, reason, flow->pipeline->now_ns);
	flow->ops->destroy(flow->decoder);
	flow->decoder = NULL;
	pair_end(&flow->pair, flags);
	flow->state = FLOW_MUTED;
}

void flow_decode_end(struct flow *flow, enum protocol_end reason)
{
	flow_decode_leave(flow, reason, protocol_end_flags(reason));
}

static void flow_leave_h2c(struct flow *flow)
{
	int err = flow_decode_start(flow, &http2_protocol, true);

	pair_take_back(&flow->pair, 1);
	if (err)
		pair_end(&flow->pair, FLAG_TRUNCATED);
}

/* What the decoder took before it knew that it is not its own. */
static void flow_carry(struct flow *flow, enum event_direction direction, struct held *carried,
		       uint64_t *lost, uint64_t time_ns, const struct mover *mover)
{
	struct slice bytes;

	*lost = 0;
	if (!flow->ops->held)
		return;
	bytes = flow->ops->held(flow->decoder, direction, lost);
	if (held_add(carried, bytes, time_ns, mover)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		*lost = HOLE_UNKNOWN_SIZE;
	}
}

static void flow_become(struct flow *flow, enum flow_upgrade upgrade)
{
	flow_decode_end(flow, END_CLOSED);
	for (int i = 0; i < 2; i++) {
		flow->side[i].from_start = true;
		flow->side[i].frames = false;
	}
	if (upgrade == UPGRADE_H2C) {
		flow_leave_h2c(flow);
		return;
	}
	flow->undetermined_copied = flow->undetermined_skipped = 0;
	flow->side[0].searched_bytes = flow->side[1].searched_bytes = 0;
	flow->state = FLOW_UNDETERMINED;
	if (flow->upgrades > UPGRADES_MAX)
		flow_mute(flow, "upgraded");
}

/* The decoder is through with this connection; what follows is something else. */
static void flow_leave(struct flow *flow, uint64_t time_ns, const struct mover *mover)
{
	struct held carried[2] = { { .bytes = NULL }, { .bytes = NULL } };
	uint64_t lost[2];

	for (int i = 0; i < 2; i++)
		flow_carry(flow, i, &carried[i], &lost[i], time_ns, mover);
	flow->upgrades++;
	flow_become(flow, flow->upgrade);
	flow->upgrade = UPGRADE_NONE;
	for (int i = 0; i < 2; i++) {
		flow_data(flow, i, held_bytes(&carried[i]), time_ns, mover);
		if (lost[i])
			flow_hole(flow, i, lost[i], false, time_ns);
		held_fini(&carried[i]);
	}
}

/* The decoder found that the layer is no HTTP: it is undetermined again, from the bytes on that showed it. */
static void flow_doubt(struct flow *flow)
{
	flow_decode_leave(flow, END_IN_FLIGHT, 0);
	flow->state = FLOW_UNDETERMINED;
	flow->role_found = ROLE_UNKNOWN;
	for (int i = 0; i < 2; i++) {
		flow->side[i].from_start = flow->side[i].from_start_guessed = false;
		flow->side[i].frames = flow->side[i].turn_held = false;
	}
}

/* A clear connection turns to TLS only between two messages. */
static bool flow_turns_tls(const struct flow *flow, struct slice bytes)
{
	return bytes.data[0] == TLS_HANDSHAKE && !flow->session && flow->ops == &http1_protocol &&
	       flow->ops->idle(flow->decoder) && detect_first(bytes).kind == DETECT_TLS;
}

/*
 * The other direction was muted until a message came here. When the next one comes and it said nothing yet,
 * what it said was not copied.
 */
static void flow_miss_answer(struct flow *flow, enum event_direction other, uint64_t time_ns)
{
	struct flow_side *side = &flow->side[other];

	if (!side->rejoin)
		return;
	if (side->unheard && flow->ops->idle(flow->decoder))
		flow->ops->hole(flow->decoder, other, HOLE_UNKNOWN_SIZE, time_ns);
	side->unheard = true;
}

/* A server that knows no HTTP/2 answers a client's preface in HTTP/1, with a 400 in most cases. */
static bool flow_answers_http1(const struct flow *flow, enum event_direction direction, struct slice bytes)
{
	const struct flow_side *side = &flow->side[direction];

	return flow->ops == &http2_protocol && !flow->upgrades && side->from_start && !side->fed &&
	       detect_first(bytes).kind == DETECT_HTTP1_RESPONSE;
}

/* How many bytes the decoder took. */
static size_t flow_feed(struct flow *flow, enum event_direction direction, struct slice bytes,
			uint64_t time_ns, const struct mover *mover)
{
	long consumed;

	if (flow_turns_tls(flow, bytes)) {
		flow_begin_tls(flow, true);
		return 0;
	}
	if (flow_answers_http1(flow, direction, bytes)) {
		flow_decode_leave(flow, END_IN_FLIGHT, 0);
		flow_decode_start(flow, &http1_protocol, false);
		return 0;
	}
	flow->side[direction].fed = true;
	flow_miss_answer(flow, !direction, time_ns);
	flow->mover = mover;
	flow->fed_ns = time_ns;
	consumed = flow->ops->feed(flow->decoder, direction, bytes, time_ns);
	flow->mover = NULL;
	if (consumed < 0)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	if (flow->ops->refuted && flow->ops->refuted(flow->decoder)) {
		flow_doubt(flow);
		return 0;
	}
	if (flow->upgrade != UPGRADE_NONE) {
		flow_leave(flow, time_ns, mover);
		return consumed > 0 ? (size_t)consumed : 0;
	}
	return bytes.len;
}

/* A port that speaks no TLS answers a hello in the clear, with a 400 in most cases. */
static bool flow_answers_clear(const struct flow *flow, enum event_direction direction, struct slice bytes)
{
	const struct flow_side *side = &flow->side[direction];

	return flow->hello && side->from_start && !side->secret &&
	       detect_first(bytes).kind == DETECT_HTTP1_RESPONSE;
}

/* The hello was no request: nothing of its direction is decoded. */
static int flow_turn_clear(struct flow *flow)
{
	int err = flow_decode_start(flow, &http1_protocol, false);

	hello_free(flow->hello);
	flow->hello = NULL;
	flow->facts->tls = false;
	return err;
}

/* True when the other direction moved last, or nothing did. */
static bool flow_takes_turn(struct flow *flow, enum event_direction direction)
{
	bool turn = !flow->moved || flow->moved_last != direction;

	flow->moved = true;
	flow->moved_last = direction;
	return turn;
}

void flow_data(struct flow *flow, enum event_direction direction, struct slice bytes, uint64_t time_ns,
	       const struct mover *mover)
{
	bool turn = bytes.len && flow_takes_turn(flow, direction);

	while (bytes.len) {
		switch (flow->state) {
		case FLOW_UNDETERMINED:
			flow_hold(flow, direction, bytes, time_ns, mover, turn);
			return;
		case FLOW_HTTP:
			bytes = slice_drop(bytes, flow_feed(flow, direction, bytes, time_ns, mover));
			break;
		case FLOW_TLS:
			if (flow_answers_clear(flow, direction, bytes) && flow_turn_clear(flow) == 0)
				break;
			flow->side[direction].secret = true;
			flow_hello_data(flow, direction, bytes);
			flow_count_ciphertext(flow, bytes.len, 0);
			return;
		case FLOW_MUTED:
			return;
		}
	}
}

/* The held bytes go too: the first of the direction are lost, not older than hark. */
static void flow_behead(struct flow_side *side, uint64_t size)
{
	uint64_t gone = side->lost_bytes + side->held.len;

	if (!side->from_start && !side->beheaded && side->stream.started)
		return;
	side->beheaded = true;
	side->lost_bytes = size >= HOLE_UNKNOWN_SIZE - gone ? HOLE_UNKNOWN_SIZE : gone + size;
}

void flow_hole(struct flow *flow, enum event_direction direction, uint64_t size, bool lost, uint64_t time_ns)
{
	struct flow_side *side = &flow->side[direction];

	if (lost && size != HOLE_UNKNOWN_SIZE) {
		flow->facts->moved_bytes += size;
		flow->facts->lost_bytes += size;
	}
	if (!lost)
		flow_takes_turn(flow, direction);
	switch (flow->state) {
	case FLOW_UNDETERMINED:
		if (!lost && size != HOLE_UNKNOWN_SIZE)
			flow->undetermined_skipped += size;
		if (!lost && size != HOLE_UNKNOWN_SIZE)
			flow->side[direction].searched_bytes += size;
		flow_behead(side, size);
		flow_drop_held(flow, direction);
		flow_judge(flow, direction);
		return;
	case FLOW_HTTP:
		flow->ops->hole(flow->decoder, direction, size, time_ns);
		return;
	case FLOW_TLS:
		flow_hello_hole(flow, direction);
		if (!lost && size != HOLE_UNKNOWN_SIZE)
			flow_count_ciphertext(flow, 0, size);
		return;
	case FLOW_MUTED:
		return;
	}
}

void flow_hint_skip(struct flow *flow, enum event_direction direction)
{
	const struct pipeline *pipeline = flow->pipeline;
	struct flow_side *side = &flow->side[direction];
	uint64_t left;

	if (flow->state != FLOW_HTTP || pipeline->config.want_bodies || pipeline->config.want_calls ||
	    !pipeline->handler.skip)
		return;
	if (stream_waits(&side->stream) || side->stream.next < side->skip_until)
		return;
	left = flow->ops->body_left(flow->decoder, direction);
	if (left <= SKIP_WORTH_BYTES || left > UINT64_MAX / 4)
		return;
	side->skip_until = side->stream.next + left;
	pipeline->handler.skip(pipeline->handler.ctx, flow->facts->sock.id, flow->session, direction,
			       stream_event_pos(&side->stream, side->skip_until));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a layer and its decoder: what the decoder says goes to the pairing.
 *
 * A callback must not free the decoder that calls it, so upgrade() only notes
 * what is to come and the feed tells of it when the decoder has returned.
 */
#include "flow_decode.h"

#include "base/budget.h"
#include "base/counters.h"
#include "detect.h"
#include "flow_tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SKIP_WORTH_BYTES     (256 * 1024)	   /* shorter bodies end before a hint reaches the kernel */
#define SKIP_MOST_BYTES	     (UINT64_C(1) << 30)   /* of numbers with 32 bits, which wrap */
#define SKIP_AHEAD_BYTES     (SKIP_MOST_BYTES / 2) /* the next hint comes that early */
#define DECODER_SHARE	     16			   /* of the budget: more no decoder keeps of heads */
#define UPGRADE_SETTINGS_MAX 256
#define TLS_HANDSHAKE	     0x16 /* RFC 8446, 5.1 */

/* Every protocol on a stream; flow_judge.c says which one bytes are. */
static const struct protocol_ops *const protocols[] = { &http1_protocol,   &http2_protocol,
							&fastcgi_protocol, &postgresql_protocol,
							&mysql_protocol,   NULL };

static const struct mover *flow_mover(const struct flow *flow)
{
	return flow->mover ? flow->mover : &flow->facts->owner;
}

static const char *network_name(const struct protocol_ops *ops)
{
	return ops->network ? ops->network : "http";
}

/* Takes from a message what it says about the connection. */
static void flow_learn(struct flow *flow, const struct message *message)
{
	struct conn_facts *facts = flow->facts;
	bool sent = message->direction == DIRECTION_SENT;

	/* A guess says nothing about it, and neither does a response that stands for a lost one. */
	if (message->flags & FLAG_GUESS || (message->kind == MESSAGE_RESPONSE && !message->status))
		return;
	facts->protocol = network_name(flow->ops);
	if (message->version)
		facts->version = message->version;
	if (facts->role == ROLE_UNKNOWN && !(message->flags & FLAG_PUSHED))
		facts->role = sent == (message->kind == MESSAGE_REQUEST) ? ROLE_CLIENT : ROLE_SERVER;
}

static void on_head(void *ctx, struct message *message)
{
	struct flow *flow = ctx;

	flow_learn(flow, message);
	pair_head(&flow->pair, message, flow_mover(flow));
}

static void on_body(void *ctx, struct message *message, struct slice bytes)
{
	struct flow *flow = ctx;

	pair_body(&flow->pair, message, bytes, flow->fed_ns);
}

static void on_hole(void *ctx, struct message *message, uint64_t size)
{
	struct flow *flow = ctx;

	pair_hole(&flow->pair, message, size, flow->pipeline->now_ns);
}

static void on_done(void *ctx, struct message *message)
{
	struct flow *flow = ctx;

	flow_learn(flow, message);
	/* A message that is sent begins when its first call does, and ends when its last bytes have left. */
	if (flow->mover && flow->mover->done_ns && message->last_byte_ns == flow->fed_ns &&
	    message->direction == DIRECTION_SENT)
		message->last_byte_ns = flow->mover->done_ns;
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

static const struct protocol_ops *protocol_of_upgrade(struct slice token)
{
	const struct protocol_ops *const *at = protocols;

	while (*at && !(token.len && slice_equal_nocase(token, (*at)->upgrade)))
		at++;
	return *at;
}

/* Without memory the stream's state is the default one. */
static void settings_keep(struct flow *flow, struct slice settings)
{
	free(flow->upgrade_settings);
	flow->upgrade_settings_len = 0;
	flow->upgrade_settings = malloc(settings.len + 1); /* empty ones are some */
	if (!flow->upgrade_settings) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	memcpy(flow->upgrade_settings, settings.data, settings.len);
	flow->upgrade_settings_len = settings.len;
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
	flow->leaves = true;
	flow->leaves_for = switching ? protocol_of_upgrade(to) : NULL;
	if (!flow->leaves_for) {
		if (!switching)
			return;
		flow->tunnel = flow_tunnel_new(flow, to, pair_request(&flow->pair, switching), switching);
		pair_done(&flow->pair, switching, flow_mover(flow));
		return;
	}
	counter_note(NOTE_INTERIM, 1);
	pair_set_aside(&flow->pair, switching, flow_mover(flow));
	if (!request)
		return;
	settings = message_known(request, HEADER_HTTP2_SETTINGS);
	if (settings.data && settings.len <= UPGRADE_SETTINGS_MAX)
		settings_keep(flow, settings);
}

static bool flow_tells_lost(const struct flow *flow, const struct protocol_ops *ops, int direction)
{
	return ops->takes_lost_start && flow->side[direction].lost_bytes;
}

int flow_decode_start(struct flow *flow, const struct protocol_ops *ops)
{
	const struct pipeline_config *limits = &flow->pipeline->config;
	const struct protocol_config config = {
		.role = flow->facts->role != ROLE_UNKNOWN ? flow->facts->role : flow->role_found,
		.from_start = { flow_side_begins(flow, 0) || flow_tells_lost(flow, ops, 0),
				flow_side_begins(flow, 1) || flow_tells_lost(flow, ops, 1) },
		.joined_late = flow->joined_late,
		.beginning_lost = flow->lossy && !flow->facts->opened_ns,
		.seen_ns = flow->facts->existing ? flow->facts->seen_ns : 0,
		.after_upgrade = flow->leaves,
		.upgrade_settings = slice_of(flow->upgrade_settings, flow->upgrade_settings_len),
		.want_frames = limits->want_frames,
		.few_fields = limits->few_fields,
		.rooms = limits->rooms,
		.streams = limits->streams,
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
		.hole = on_hole,
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
		flow->side[i].told_start = config.from_start[i] && !flow->side[i].stream.started;
	flow->ops = ops;
	flow->decoder = ops->create(&config, &handler);
	if (!flow->decoder) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return -ENOMEM;
	}
	/* A message of a protocol that may be refuted has yet to be proven when it was found in mid-stream.
	 */
	if (!ops->refuted || config.from_start[0] || config.from_start[1])
		flow->facts->protocol = network_name(ops);
	for (int i = 0; i < 2; i++) {
		if (flow_tells_lost(flow, ops, i))
			ops->hole(flow->decoder, i, flow->side[i].lost_bytes, flow->side[i].last_ns);
		flow->side[i].lost_bytes = 0;
	}
	return 0;
}

void flow_decode_end(struct flow *flow, enum protocol_end reason, unsigned int flags)
{
	if (!flow->decoder)
		return;
	flow->ops->end(flow->decoder, reason, flow->pipeline->now_ns);
	flow->ops->destroy(flow->decoder);
	flow->decoder = NULL;
	pair_end(&flow->pair, flags);
}

struct carrying {
	struct held *carried;
	const struct mover *mover;
	bool no_memory;
};

static void carry_run(void *ctx, struct slice bytes, uint64_t time_ns)
{
	struct carrying *carrying = ctx;

	if (!carrying->no_memory)
		carrying->no_memory = held_add(carrying->carried, bytes, time_ns, carrying->mover) < 0;
}

uint64_t flow_decode_carry(const struct flow *flow, enum event_direction direction, struct held *carried,
			   const struct mover *mover)
{
	struct carrying carrying = { .carried = carried, .mover = mover };
	uint64_t lost;

	if (!flow->ops->held)
		return 0;
	lost = flow->ops->held(flow->decoder, direction, carry_run, &carrying);
	if (!carrying.no_memory)
		return lost;
	counter_add(COUNTER_LIMIT_MEMORY, 1);
	return HOLE_UNKNOWN_SIZE;
}

/* TLS begins only between two messages. */
static bool flow_turns_tls(const struct flow *flow, struct slice bytes)
{
	return bytes.data[0] == TLS_HANDSHAKE && !flow->session && flow->ops->yields_to_tls &&
	       flow->ops->idle(flow->decoder) && detect_first(bytes).kind == DETECT_TLS;
}

/*
 * The other direction was muted until a message came here. When the next one comes and it said nothing yet,
 * what it said was not copied.
 */
static void flow_miss_answer(struct flow *flow, struct flow_side *other, uint64_t time_ns)
{
	if (other->hearing == FLOW_AWAITED && flow->ops->idle(flow->decoder))
		flow->ops->hole(flow->decoder, other->direction, HOLE_UNKNOWN_SIZE, time_ns);
	if (other->hearing == FLOW_REJOINS)
		other->hearing = FLOW_AWAITED;
}

bool flow_decode_answers(const struct flow *flow, enum event_direction direction, struct slice bytes)
{
	const struct flow_side *side = &flow->side[direction];

	return side->from_start && !side->fed && detect_first(bytes).kind == DETECT_HTTP1_RESPONSE;
}

enum flow_fed flow_decode_feed(struct flow *flow, enum event_direction direction, struct slice *bytes,
			       uint64_t time_ns, const struct mover *mover)
{
	long consumed;

	if (flow_turns_tls(flow, *bytes))
		return FLOW_FED_TLS;
	/* A server that knows no HTTP/2 answers a preface in HTTP/1, with a 400 in most cases. */
	if (flow->ops != &http1_protocol && !flow->upgrades && flow_decode_answers(flow, direction, *bytes))
		return FLOW_FED_HTTP1;
	flow->side[direction].fed = true;
	flow_miss_answer(flow, &flow->side[!direction], time_ns);
	flow->mover = mover;
	flow->fed_ns = time_ns;
	consumed = flow->ops->feed(flow->decoder, direction, *bytes, time_ns);
	flow->mover = NULL;
	if (consumed < 0)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	if (flow->ops->refuted && flow->ops->refuted(flow->decoder))
		return FLOW_FED_REFUTED;
	if (!flow->leaves) {
		*bytes = slice_drop(*bytes, bytes->len);
		return FLOW_FED;
	}
	*bytes = slice_drop(*bytes, consumed > 0 ? (size_t)consumed : 0);
	return FLOW_FED_UPGRADED;
}

void flow_decode_hint_skip(struct flow *flow, enum event_direction direction)
{
	const struct pipeline *pipeline = flow->pipeline;
	struct flow_side *side = &flow->side[direction];
	uint64_t left, until, next = side->stream.next;

	if (flow->state != FLOW_HTTP || pipeline->config.want_bodies || flow->pair.reads ||
	    pipeline->config.want_calls || !pipeline->handler.skip)
		return;
	if (stream_waits(&side->stream) || next + SKIP_AHEAD_BYTES < side->hinted_until)
		return;
	left = flow->ops->body_left(flow->decoder, direction);
	if (left <= SKIP_WORTH_BYTES || left > UINT64_MAX / 4)
		return;
	if (left > SKIP_MOST_BYTES)
		left = SKIP_MOST_BYTES;
	until = next + left;
	if (next < side->hinted_until && until <= side->hinted_until)
		return;
	side->hinted_until = until;
	if (pipeline->handler.skip(pipeline->handler.ctx, flow->facts->sock.id, flow->session, direction,
				   stream_event_pos(&side->stream, until), left))
		side->stream.skipped_until = until;
}

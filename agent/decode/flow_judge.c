/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clear, TLS or neither (docs/design.md, D7). Nothing is emitted before a certain sign.
 * A direction seen from its start is judged by its first bytes. One that was
 * joined late is searched for TLS and HTTP/2 at every byte, for HTTP/1 only
 * where a turn begins: bodies and other protocols carry text that looks like
 * heads. What is found so is still a guess to the decoder
 * (http1_evidence.h). The first direction with a verdict decides for both.
 */
#include "flow_judge.h"

#include "base/counters.h"
#include "detect.h"
#include "flow_decode.h"
#include "flow_hello.h"

#define SEARCH_WHOLE_BYTES 1024 /* so little is searched anew with each record */

#define LOOK_AGAIN_BYTES 65536	    /* of a direction; as much as a line may take */
#define LOOK_AGAIN_NS	 1000000000 /* after the first mute; twice as long after each further one */
#define LOOK_AGAIN_SHIFT 6

void flow_mute(struct flow *flow, const char *reason)
{
	flow->state = FLOW_MUTED;
	flow->muted = flow->upgrades ? "upgraded" : reason;
	for (int i = 0; i < 2; i++) {
		counter_add(COUNTER_BYTES_UNPARSED, flow->side[i].held.len);
		held_fini(&flow->side[i].held);
	}
}

void flow_count_ciphertext(struct flow *flow, uint64_t copied, uint64_t skipped)
{
	struct conn_facts *facts = flow->facts;

	counters_recount_ciphertext(copied, skipped);
	facts->moved_bytes -= copied + skipped;
	facts->copied_bytes -= copied;
	facts->skipped_bytes -= skipped < facts->skipped_bytes ? skipped : facts->skipped_bytes;
	facts->ciphertext_bytes += copied + skipped;
}

void flow_drop_held(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction];

	counter_add(COUNTER_BYTES_UNPARSED, side->held.len);
	held_drop(&side->held, side->held.len);
	side->from_start = false;
	side->frames = side->turn_held = false;
}

/* Drops the oldest bytes that are held. */
static void flow_shed_held(struct flow_side *side, size_t n)
{
	held_drop(&side->held, n);
	side->turn_held = side->turn_held && side->turn_at >= n;
	side->turn_at -= side->turn_held ? n : 0;
}

/* Gives what was held to the decoder, both directions by time. */
static void flow_replay(struct flow *flow)
{
	struct held held[2] = { flow->side[0].held, flow->side[1].held };
	size_t run[2] = { 0, 0 }, at[2] = { 0, 0 };

	for (int i = 0; i < 2; i++)
		flow->side[i].held = (struct held){ .bytes = NULL };
	while (run[0] < held[0].run_count || run[1] < held[1].run_count) {
		int i = run[0] < held[0].run_count ? 0 : 1;
		const struct held_run *next;

		if (i == 0 && run[1] < held[1].run_count &&
		    held[1].runs[run[1]].time_ns < held[0].runs[run[0]].time_ns)
			i = 1;
		next = &held[i].runs[run[i]++];
		flow_data(flow, i, slice_of(held[i].bytes + at[i], next->len), next->time_ns, &next->mover);
		at[i] += next->len;
	}
	for (int i = 0; i < 2; i++)
		held_fini(&held[i]);
}

/* What the kernel side did not copy meanwhile is no loss. */
static void flow_listen(struct flow *flow, struct flow_side *side)
{
	if (!side->muted)
		return;
	side->muted = side->unheard = side->turn_held = false;
	side->rejoin = true;
	flow->muted = NULL;
	flow->look_ns = 0;
}

static void flow_begin_http(struct flow *flow, const struct protocol_ops *ops)
{
	for (int i = 0; i < 2; i++)
		flow_listen(flow, &flow->side[i]);
	flow->looks = 0;
	if (flow_decode_start(flow, ops, false) == 0)
		flow_replay(flow);
}

static bool flow_is_tls_layer(const struct flow *flow)
{
	return flow->session != NULL;
}

/*
 * A response with nothing before it answers a request that was sent before hark looked, where positions count
 * from that on. TCP's tell when the other direction shows (flow_record()).
 */
static bool flow_is_answer_to_older(const struct flow *flow, enum event_direction direction,
				    enum detect_kind kind)
{
	return kind == DETECT_HTTP1_RESPONSE && !flow->side[!direction].stream.started &&
	       !flow->side[direction].from_start && (flow_is_tls_layer(flow) || flow->facts->existing);
}

static bool is_http1(struct detect_result result)
{
	return result.kind == DETECT_HTTP1_REQUEST || result.kind == DETECT_HTTP1_RESPONSE;
}

static enum protocol_role role_of(enum event_direction direction, enum detect_kind kind)
{
	return (kind == DETECT_HTTP1_REQUEST) == (direction == DIRECTION_SENT) ? ROLE_CLIENT : ROLE_SERVER;
}

static bool flow_role_allows(const struct flow *flow, enum event_direction direction, enum detect_kind kind)
{
	enum protocol_role role = flow->facts->role;

	return role == ROLE_UNKNOWN || role == role_of(direction, kind);
}

/* Judges the first bytes of the newest turn of a direction that was joined late. */
static struct detect_result flow_judge_turn(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction];
	/* Where the other direction was never seen, this may be the middle of a message. */
	bool edge = !flow->side[!direction].stream.started;
	struct detect_result result = { DETECT_OTHER, 0 };

	if (!side->turn_held)
		return result;
	result = detect_turn(slice_drop(held_bytes(&side->held), side->turn_at), edge);
	if (is_http1(result) && !flow_role_allows(flow, direction, result.kind))
		result.kind = DETECT_OTHER;
	result.offset += side->turn_at;
	side->turn_held = result.kind != DETECT_OTHER;
	return result;
}

/* A counter that began with a start line: nothing of this protocol came before it that could matter. */
static void flow_begin_http1(struct flow *flow, enum event_direction direction, size_t offset,
			     enum detect_kind kind)
{
	struct flow_side *side = &flow->side[direction], *other = &flow->side[!direction];
	bool certain = side->from_start;

	/* Without a sign of their own the other direction's bytes are the rest of something older. */
	if (!other->from_start && !is_http1(flow_judge_turn(flow, !direction)))
		flow_drop_held(flow, !direction);
	if (offset == 0 && side->stream.from_zero && side->held.len == side->stream.next &&
	    !flow_is_answer_to_older(flow, direction, kind)) {
		side->from_start = true;
		if (!other->stream.started)
			other->from_start = true;
		flow->joined = flow_is_tls_layer(flow) && flow->facts->existing && !certain;
	}
	if (!side->from_start) {
		flow->role_found = role_of(direction, kind);
		flow->facts->tls_unknown = false; /* what is held may be a whole exchange */
		counter_add(COUNTER_BYTES_UNPARSED, offset);
		flow_shed_held(side, offset);
	}
	flow_begin_http(flow, &http1_protocol);
}

/* The preface begins its direction, and says that the other one was seen whole if its first record was. */
static void flow_begin_http2(struct flow *flow, enum event_direction direction, size_t offset)
{
	struct flow_side *other = &flow->side[!direction];

	counter_add(COUNTER_BYTES_UNPARSED, offset);
	held_drop(&flow->side[direction].held, offset);
	flow->side[direction].from_start = true;
	if (other->stream.from_zero && !other->stream.next)
		other->from_start = true;
	if (other->stream.from_zero && other->held.len == other->stream.next)
		other->from_start = true;
	if (!other->stream.started)
		other->from_start = true;
	flow_begin_http(flow, &http2_protocol);
}

/* Records may cut a sign in two, so the newest bytes are searched with those before them. */
static struct detect_result flow_search_binary(struct flow_side *side)
{
	struct slice all = held_bytes(&side->held), tail;
	struct detect_result result;

	if (all.len <= SEARCH_WHOLE_BYTES || all.len - side->held.scanned > side->held.scanned / 4) {
		side->held.scanned = all.len;
		return detect_late_binary(all);
	}
	tail = held_tail(&side->held);
	result = detect_late_binary(tail);
	result.offset += all.len - tail.len;
	return result;
}

static struct detect_result flow_search(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction];
	struct detect_result result;

	if (side->from_start)
		return detect_first(held_bytes(&side->held));
	result = flow_judge_turn(flow, direction);
	return is_http1(result) ? result : flow_search_binary(side);
}

/* Nothing was found in either direction that moved. */
static bool flow_is_hopeless(const struct flow *flow)
{
	for (int i = 0; i < 2; i++)
		if (!flow->side[i].muted)
			return false;
	return true;
}

/*
 * A body of any length may pass in one direction while the other one's next request is still to come: each is
 * judged by itself, and none for ever.
 */
static void flow_mute_side(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction];

	flow_drop_held(flow, direction);
	side->muted = true;
	if (!flow->look_ns) {
		flow->look_ns = flow->pipeline->now_ns + ((uint64_t)LOOK_AGAIN_NS << flow->looks);
		flow->looks += flow->looks < LOOK_AGAIN_SHIFT;
	}
	if (!flow->upgrades)
		flow->muted = "not HTTP";
	if (flow_is_hopeless(flow))
		flow_mute(flow, "not HTTP");
}

void flow_look_again(struct flow *flow)
{
	uint64_t limit = flow->pipeline->config.undetermined_limit_bytes;

	if (!flow->look_ns || flow->pipeline->now_ns < flow->look_ns ||
	    (flow->state != FLOW_UNDETERMINED && flow->state != FLOW_MUTED))
		return;
	for (int i = 0; i < 2; i++) {
		struct flow_side *side = &flow->side[i];

		if (side->muted)
			side->searched_bytes = limit > LOOK_AGAIN_BYTES ? limit - LOOK_AGAIN_BYTES : 0;
		flow_listen(flow, side);
	}
	flow->state = FLOW_UNDETERMINED;
}

static void flow_judge_other(struct flow *flow, enum event_direction direction)
{
	if (flow->side[direction].searched_bytes >= flow->pipeline->config.undetermined_limit_bytes)
		flow_mute_side(flow, direction);
}

/* Does the direction carry requests, as far as anybody knows? */
static bool flow_may_ask(const struct flow *flow, enum event_direction direction)
{
	const struct flow_side *side = &flow->side[direction];

	if (flow->facts->role != ROLE_UNKNOWN)
		return (flow->facts->role == ROLE_CLIENT) == (direction == DIRECTION_SENT);
	return detect_asks(held_bytes(&side->held));
}

/* What a client says may be no request at all, HTTP/0.9 say, and yet a server answers that with a 400. */
static void flow_judge_alien(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction], *answer = &flow->side[!direction];

	if (flow->upgrades || answer->muted || !flow_may_ask(flow, direction) ||
	    (answer->stream.started && !answer->from_start)) {
		flow_mute(flow, "not HTTP");
		return;
	}
	counter_add(COUNTER_BYTES_UNPARSED, side->held.len);
	held_drop(&side->held, side->held.len);
	side->muted = true;
	flow->muted = "not HTTP";
}

static void flow_judge_frames(struct flow *flow, enum event_direction direction)
{
	flow->side[direction].frames = true;
	if (!flow->side[direction].from_start)
		flow_begin_http(flow, &http2_protocol);
}

/* True when the direction should be looked at again (something was stepped over). */
static bool flow_judge_once(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction];
	struct detect_result result = flow_search(flow, direction);

	switch (result.kind) {
	case DETECT_MORE:
		flow_judge_other(flow, direction);
		return false;
	case DETECT_HTTP1_REQUEST:
	case DETECT_HTTP1_RESPONSE:
		flow_begin_http1(flow, direction, result.offset, result.kind);
		return false;
	case DETECT_HTTP2_PREFACE:
		flow_begin_http2(flow, direction, result.offset);
		return false;
	case DETECT_HTTP2_FRAMES:
		flow_judge_frames(flow, direction);
		return false;
	case DETECT_TLS:
		/* TLS within TLS is not HTTP that anybody could read. */
		if (flow_is_tls_layer(flow))
			flow_mute(flow, "not HTTP");
		else
			flow_begin_tls(flow, false);
		return false;
	case DETECT_PROXY:
		held_drop(&side->held, result.offset);
		return result.offset > 0 && side->held.len > 0;
	case DETECT_OTHER:
		flow_judge_alien(flow, direction);
		return false;
	}
	return false;
}

void flow_judge(struct flow *flow, enum event_direction direction)
{
	while (flow->state == FLOW_UNDETERMINED && flow_judge_once(flow, direction)) {
	}
}

void flow_hold(struct flow *flow, enum event_direction direction, struct slice bytes, uint64_t time_ns,
	       const struct mover *mover, bool turn)
{
	struct flow_side *side = &flow->side[direction];
	size_t limit = flow->pipeline->config.held_limit_bytes / 2;
	bool cut = false;

	flow->undetermined_copied += bytes.len;
	side->searched_bytes += bytes.len;
	if (side->muted)
		return;
	if (side->held.len + bytes.len > limit) {
		size_t drop = side->held.len + bytes.len - limit / 2;

		counter_add(COUNTER_LIMIT_HELD, drop);
		cut = drop > side->held.len;
		if (cut)
			bytes = slice_drop(bytes, drop - side->held.len);
		flow_shed_held(side, drop);
		side->from_start = false;
	}
	if (turn && !cut) {
		side->turn_held = true;
		side->turn_at = side->held.len;
	}
	if (held_add(&side->held, bytes, time_ns, mover)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		flow_drop_held(flow, direction);
		return;
	}
	flow_judge(flow, direction);
}

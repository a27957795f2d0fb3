/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clear, TLS or neither (docs/design.md, D7). Nothing is emitted before a certain sign.
 * A direction seen from its start is judged by its first bytes. One that was
 * joined late is searched for TLS, HTTP/2 and FastCGI at every byte, for HTTP/1 only
 * where a turn begins: bodies and other protocols carry text that looks like
 * heads. What is found so is still a guess to the decoder
 * (http1_evidence.h). The first direction with a verdict decides for both.
 */
#include "flow_judge.h"

#include "base/counters.h"
#include "detect.h"

#define RELISTEN_BYTES 65536	  /* of a direction; as much as a line may take */
#define RELISTEN_NS    1000000000 /* after the first mute; twice as long after each further one */
#define RELISTEN_SHIFT 6

/* Forgets what a direction holds: what follows does not continue it. */
static void side_drop(struct flow_side *side)
{
	counter_add(COUNTER_BYTES_UNPARSED, side->held.len);
	held_drop(&side->held, side->held.len);
	side->from_start = false;
	side->turn_at = FLOW_NO_TURN;
}

void flow_judge_drop(struct flow *flow)
{
	for (int i = 0; i < 2; i++) {
		counter_add(COUNTER_BYTES_UNPARSED, flow->side[i].held.len);
		held_fini(&flow->side[i].held);
	}
}

/* Drops the oldest bytes that are held. */
static void side_shed(struct flow_side *side, size_t n)
{
	held_drop(&side->held, n);
	if (side->turn_at != FLOW_NO_TURN)
		side->turn_at = side->turn_at >= n ? side->turn_at - n : FLOW_NO_TURN;
}

/* Bytes that the kernel side did not copy meanwhile are no loss. */
static void side_listen(struct flow_side *side)
{
	if (side->hearing != FLOW_SIDE_MUTED)
		return;
	side->hearing = FLOW_REJOINS;
	side->turn_at = FLOW_NO_TURN;
	side->flow->muted = NULL;
	side->flow->relisten_ns = 0;
}

/* Both directions are wanted. */
static enum flow_verdict flow_found(struct flow *flow, const struct protocol_ops *ops)
{
	for (int i = 0; i < 2; i++)
		side_listen(&flow->side[i]);
	flow->relistens = 0;
	flow->ops = ops;
	return flow->pipeline->config.no_http && !ops->queries ? FLOW_IS_OTHER : FLOW_IS_HTTP;
}

/*
 * A response with nothing before it answers a request that was sent before hark looked, where positions count
 * from that on. TCP's tell when the other direction shows (flow_record()).
 */
static bool flow_is_answer_to_older(const struct flow *flow, enum event_direction direction,
				    enum detect_kind kind)
{
	return kind == DETECT_HTTP1_RESPONSE && !flow->side[!direction].stream.started &&
	       !flow->side[direction].from_start && (flow->session || flow->facts->existing);
}

static bool is_http1(struct detect_result result)
{
	return result.kind == DETECT_HTTP1_REQUEST || result.kind == DETECT_HTTP1_RESPONSE;
}

static enum protocol_role role_of(enum event_direction direction, enum detect_kind kind)
{
	return (kind == DETECT_HTTP1_REQUEST) == (direction == DIRECTION_SENT) ? ROLE_CLIENT : ROLE_SERVER;
}

/* Judges the first bytes of the newest turn of a direction that was joined late. */
static struct detect_result flow_judge_turn(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction];
	/* Where the other direction was never seen, this may be the middle of a message. */
	bool edge = !flow->side[!direction].stream.started;
	struct detect_result result = { DETECT_OTHER, 0 };
	enum protocol_role role = flow->facts->role;

	if (side->turn_at == FLOW_NO_TURN)
		return result;
	result = detect_turn(slice_drop(held_bytes(&side->held), side->turn_at), edge);
	if (is_http1(result) && role != ROLE_UNKNOWN && role != role_of(direction, result.kind))
		result.kind = DETECT_OTHER;
	result.offset += side->turn_at;
	if (result.kind == DETECT_OTHER)
		side->turn_at = FLOW_NO_TURN;
	return result;
}

/* A counter that began with a start line: nothing of this protocol came before it that could matter. */
static enum flow_verdict flow_found_http1(struct flow *flow, enum event_direction direction,
					  struct detect_result result)
{
	struct flow_side *side = &flow->side[direction], *other = &flow->side[!direction];
	bool certain = side->from_start;

	/* Without a sign of their own the other direction's bytes are the rest of something older. */
	if (!other->from_start && !is_http1(flow_judge_turn(flow, !direction)))
		side_drop(other);
	if (result.offset == 0 && side->stream.from_zero && side->held.len == side->stream.next &&
	    !flow_is_answer_to_older(flow, direction, result.kind)) {
		side->from_start = true;
		if (!other->stream.started)
			other->from_start = true;
		flow->joined_late = flow->session && flow->facts->existing && !certain;
	}
	if (!side->from_start) {
		flow->role_found = role_of(direction, result.kind);
		flow->facts->tls_unknown = false; /* what is held may be a whole exchange */
		counter_add(COUNTER_BYTES_UNPARSED, result.offset);
		side_shed(side, result.offset);
	}
	return flow_found(flow, &http1_protocol);
}

/* What is held of a direction begins it, and says that the other one was seen whole if its first record was.
 */
static void flow_found_beginning(struct flow *flow, enum event_direction direction)
{
	struct flow_side *other = &flow->side[!direction];

	flow->side[direction].from_start = true;
	if (!other->stream.started ||
	    (other->stream.from_zero && (!other->stream.next || other->held.len == other->stream.next)))
		other->from_start = true;
}

static enum flow_verdict flow_found_preface(struct flow *flow, enum event_direction direction, size_t offset)
{
	counter_add(COUNTER_BYTES_UNPARSED, offset);
	held_drop(&flow->side[direction].held, offset);
	flow_found_beginning(flow, direction);
	return flow_found(flow, &http2_protocol);
}

/* A request begins there. In mid-stream the decoder finds it again, and the border of the answers by it. */
static enum flow_verdict flow_found_fastcgi(struct flow *flow, enum event_direction direction, size_t offset)
{
	counter_add(COUNTER_BYTES_UNPARSED, offset);
	side_shed(&flow->side[direction], offset);
	return flow_found(flow, &fastcgi_protocol);
}

static struct detect_result flow_judge_first(const struct flow *flow, struct slice bytes)
{
	struct detect_result result = detect_first(bytes), query;

	if (!flow->pipeline->config.want_queries ||
	    (result.kind != DETECT_OTHER && result.kind != DETECT_MORE))
		return result;
	query = detect_query_first(bytes);
	return query.kind == DETECT_OTHER ? result : query;
}

static struct detect_result flow_search(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction];
	struct detect_result result;

	if (side->from_start)
		return flow_judge_first(flow, held_bytes(&side->held));
	if (flow->pipeline->config.want_queries && side->held.len == side->stream.next) {
		result = detect_query_first(held_bytes(&side->held));
		if (result.kind != DETECT_MORE && result.kind != DETECT_OTHER)
			return result;
	}
	if (flow->pipeline->config.want_queries && side->turn_at != FLOW_NO_TURN) {
		result = detect_query_turn(slice_drop(held_bytes(&side->held), side->turn_at));
		result.offset = side->turn_at;
		if (result.kind != DETECT_OTHER)
			return result;
	}
	result = flow_judge_turn(flow, direction);
	return is_http1(result)
		       ? result
		       : held_search(&side->held, flow->pipeline->config.want_queries ? detect_late_query
										      : detect_late_binary);
}

/*
 * A body of any length may pass in one direction while the other one's next request is still to come: each is
 * judged by itself, and none for ever.
 */
static enum flow_verdict flow_found_nothing(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction];

	if (side->searched_bytes < flow->pipeline->config.undetermined_limit_bytes)
		return FLOW_IS_UNKNOWN;
	side_drop(side);
	side->hearing = FLOW_SIDE_MUTED;
	if (!flow->relisten_ns) {
		flow->relisten_ns = flow->pipeline->now_ns + ((uint64_t)RELISTEN_NS << flow->relistens);
		flow->relistens += flow->relistens < RELISTEN_SHIFT;
	}
	if (!flow->upgrades)
		flow->muted = "not HTTP";
	return flow->side[!direction].hearing == FLOW_SIDE_MUTED ? FLOW_IS_OTHER : FLOW_IS_UNKNOWN;
}

bool flow_judge_relisten(struct flow *flow)
{
	uint64_t limit = flow->pipeline->config.undetermined_limit_bytes;

	if (!flow->relisten_ns || flow->pipeline->now_ns < flow->relisten_ns)
		return false;
	for (int i = 0; i < 2; i++) {
		struct flow_side *side = &flow->side[i];

		if (side->hearing == FLOW_SIDE_MUTED)
			side->searched_bytes = limit > RELISTEN_BYTES ? limit - RELISTEN_BYTES : 0;
		side_listen(side);
	}
	return true;
}

/* Does the direction carry requests, as far as anybody knows? */
static bool flow_may_ask(const struct flow *flow, enum event_direction direction)
{
	if (flow->facts->role != ROLE_UNKNOWN)
		return (flow->facts->role == ROLE_CLIENT) == (direction == DIRECTION_SENT);
	return detect_asks(held_bytes(&flow->side[direction].held));
}

/* A client's bytes may be no request at all, HTTP/0.9 say, and yet a server answers them with a 400. */
static enum flow_verdict flow_found_alien(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction], *answer = &flow->side[!direction];

	if (flow->upgrades || answer->hearing == FLOW_SIDE_MUTED || !flow_may_ask(flow, direction) ||
	    (answer->stream.started && !answer->from_start))
		return FLOW_IS_OTHER;
	counter_add(COUNTER_BYTES_UNPARSED, side->held.len);
	held_drop(&side->held, side->held.len);
	side->hearing = FLOW_SIDE_MUTED;
	flow->muted = "not HTTP";
	return FLOW_IS_UNKNOWN;
}

static enum flow_verdict flow_judge(struct flow *flow, enum event_direction direction)
{
	struct flow_side *side = &flow->side[direction];

	for (;;) {
		struct detect_result result = flow_search(flow, direction);

		switch (result.kind) {
		case DETECT_MORE:
			return flow_found_nothing(flow, direction);
		case DETECT_HTTP1_REQUEST:
		case DETECT_HTTP1_RESPONSE:
			return flow_found_http1(flow, direction, result);
		case DETECT_HTTP2_PREFACE:
			return flow_found_preface(flow, direction, result.offset);
		case DETECT_HTTP2_FRAMES:
			if (side->from_start)
				return FLOW_IS_UNKNOWN; /* a server's: the client's preface tells */
			return flow_found(flow, &http2_protocol);
		case DETECT_FASTCGI:
			return flow_found_fastcgi(flow, direction, result.offset);
		case DETECT_POSTGRESQL:
			flow_found_beginning(flow, direction);
			return flow_found(flow, &postgresql_protocol);
		case DETECT_MYSQL:
			flow_found_beginning(flow, direction);
			return flow_found(flow, &mysql_protocol);
		case DETECT_MYSQL_LATE:
			side_drop(&flow->side[!direction]); /* of older answers */
			counter_add(COUNTER_BYTES_UNPARSED, result.offset);
			side_shed(side, result.offset);
			return flow_found(flow, &mysql_protocol);
		case DETECT_POSTGRESQL_LATE:
			counter_add(COUNTER_BYTES_UNPARSED, result.offset);
			side_shed(side, result.offset);
			return flow_found(flow, &postgresql_protocol);
		case DETECT_TLS:
			/* TLS within TLS is not HTTP that anybody could read. */
			return flow->session ? FLOW_IS_OTHER : FLOW_IS_TLS;
		case DETECT_PROXY:
			held_drop(&side->held, result.offset);
			if (!result.offset || !side->held.len)
				return FLOW_IS_UNKNOWN;
			break; /* what stands behind it? */
		case DETECT_OTHER:
			return flow_found_alien(flow, direction);
		}
	}
}

/* Holds bytes within the limits. False: there is nothing new to judge. */
static bool flow_hold(struct flow *flow, struct flow_side *side, struct slice bytes, uint64_t time_ns,
		      const struct mover *mover, bool turn)
{
	size_t limit = flow->pipeline->config.held_limit_bytes / 2;

	if (side->held.len + bytes.len > limit) {
		size_t drop = side->held.len + bytes.len - limit / 2;

		counter_add(COUNTER_LIMIT_HELD, drop);
		if (drop > side->held.len) {
			bytes = slice_drop(bytes, drop - side->held.len);
			turn = false;
		}
		side_shed(side, drop);
		side->from_start = false;
	}
	if (turn)
		side->turn_at = side->held.len;
	if (held_add(&side->held, bytes, time_ns, mover) == 0)
		return true;
	counter_add(COUNTER_LIMIT_MEMORY, 1);
	side_drop(side);
	return false;
}

enum flow_verdict flow_judge_data(struct flow *flow, enum event_direction direction, struct slice bytes,
				  uint64_t time_ns, const struct mover *mover, bool turn)
{
	struct flow_side *side = &flow->side[direction];

	flow->undetermined_copied += bytes.len;
	side->searched_bytes += bytes.len;
	if (side->hearing == FLOW_SIDE_MUTED || !flow_hold(flow, side, bytes, time_ns, mover, turn))
		return FLOW_IS_UNKNOWN;
	return flow_judge(flow, direction);
}

static uint64_t lost_in_all(uint64_t lost, uint64_t more)
{
	return more >= HOLE_UNKNOWN_SIZE - lost ? HOLE_UNKNOWN_SIZE : lost + more;
}

enum flow_verdict flow_judge_hole(struct flow *flow, enum event_direction direction, uint64_t size, bool lost)
{
	struct flow_side *side = &flow->side[direction];

	if (!lost && size != HOLE_UNKNOWN_SIZE) {
		flow->undetermined_skipped += size;
		side->searched_bytes += size;
	}
	/* The held bytes go too: the first of the direction are lost, not older than hark. */
	if (side->from_start || side->lost_bytes || !side->stream.started)
		side->lost_bytes = lost_in_all(lost_in_all(side->lost_bytes, side->held.len), size);
	side_drop(side);
	return flow_judge(flow, direction);
}

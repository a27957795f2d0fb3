/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_state.h"

#include "base/counters.h"
#include "flow_decode.h"
#include "flow_judge.h"
#include "flow_tunnel.h"
#include "hello.h"

#define UPGRADES_MAX 4 /* tunnels within tunnels that are followed */

static void flow_forget_hello(struct flow *flow)
{
	hello_free(flow->hello);
	flow->hello = NULL;
}

static void flow_leave_tunnel(struct flow *flow)
{
	flow_tunnel_free(flow->tunnel);
	flow->tunnel = NULL;
}

/* True when the other direction moved last, or nothing did. */
static bool flow_takes_turn(struct flow *flow, enum event_direction direction)
{
	bool turn = flow->moved_last != (int)direction;

	flow->moved_last = direction;
	return turn;
}

static void flow_mute(struct flow *flow, const char *reason)
{
	flow->state = FLOW_MUTED;
	flow->muted = flow->upgrades ? "upgraded" : reason;
	flow_judge_drop(flow);
}

/* The bytes turned out to be ciphertext: they are counted as such. */
static void flow_count_ciphertext(struct flow *flow, uint64_t copied, uint64_t skipped)
{
	struct conn_facts *facts = flow->facts;

	counters_recount_ciphertext(copied, skipped);
	facts->moved_bytes -= copied + skipped;
	facts->copied_bytes -= copied;
	facts->skipped_bytes -= skipped < facts->skipped_bytes ? skipped : facts->skipped_bytes;
	facts->ciphertext_bytes += copied + skipped;
}

void flow_turn_tls(struct flow *flow)
{
	uint64_t held = flow->side[0].held.len + flow->side[1].held.len;

	if (flow_is_tls(flow)) {
		flow_forget_hello(flow);
		flow->state = FLOW_TLS;
		return;
	}
	flow_decode_end(flow, END_CLOSED, protocol_end_flags(END_CLOSED));
	flow_leave_tunnel(flow);
	if (flow->state == FLOW_UNDETERMINED) {
		counter_add(COUNTER_TLS_DISCARDED, held);
		flow_count_ciphertext(flow, flow->undetermined_copied, flow->undetermined_skipped);
	}
	for (int i = 0; i < 2; i++)
		held_fini(&flow->side[i].held);
	call_queue_fini(&flow->calls);
	flow->state = FLOW_TLS;
	flow->muted = NULL;
}

/* The hellos are awaited as long as they tell something. */
static void flow_await_hello(struct flow *flow)
{
	if (hello_wants(flow->hello))
		return;
	flow_forget_hello(flow);
	flow->state = FLOW_TLS;
}

/*
 * TLS begins: with what is held, or (fresh) with the next bytes of either direction. While hellos are awaited
 * the kernel side still copies the socket's bytes and counts them as plain; flow_state_data() recounts each
 * of them as ciphertext, as it does with bytes that were on their way when the mark was given.
 */
static void flow_begin_tls(struct flow *flow, bool fresh)
{
	struct hello *hello = hello_new();

	if (!hello)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	for (int i = 0; i < 2; i++)
		flow->side[i].fed = !fresh && flow->side[i].held.len > 0;
	for (int i = 0; i < 2 && hello && !fresh; i++) {
		if (flow_side_begins(flow, i))
			hello_data(hello, i, held_bytes(&flow->side[i].held), flow->facts);
		else
			hello_hole(hello, i);
	}
	flow_turn_tls(flow);
	if (!hello)
		return;
	flow->hello = hello;
	flow->state = FLOW_HELLO;
	flow_await_hello(flow);
}

int flow_state_begin(struct flow *flow, const struct protocol_ops *ops)
{
	int err = flow_decode_start(flow, ops);

	if (err)
		flow_mute(flow, "out of memory");
	else
		flow->state = FLOW_HTTP;
	return err;
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
		flow_state_data(flow, i, slice_of(held[i].bytes + at[i], next->len), next->time_ns,
				&next->mover);
		at[i] += next->len;
	}
	for (int i = 0; i < 2; i++)
		held_fini(&held[i]);
}

static void flow_act(struct flow *flow, enum flow_verdict verdict)
{
	switch (verdict) {
	case FLOW_IS_UNKNOWN:
		return;
	case FLOW_IS_HTTP:
		if (flow_state_begin(flow, flow->ops) == 0)
			flow_replay(flow);
		return;
	case FLOW_IS_TLS:
		flow_begin_tls(flow, false);
		return;
	case FLOW_IS_OTHER:
		flow_mute(flow, "not HTTP");
		return;
	}
}

/* The decoder is through with this connection; what follows is something else, from its first byte on. */
static void flow_upgrade(struct flow *flow)
{
	flow_decode_end(flow, END_CLOSED, protocol_end_flags(END_CLOSED));
	for (int i = 0; i < 2; i++)
		flow->side[i].from_start = true;
	flow->upgrades++;
	if (flow->leaves_for) {
		int err = flow_state_begin(flow, flow->leaves_for);

		pair_take_back(&flow->pair, 1);
		if (err)
			pair_end(&flow->pair, FLAG_TRUNCATED);
		return;
	}
	flow->undetermined_copied = flow->undetermined_skipped = 0;
	flow->side[0].searched_bytes = flow->side[1].searched_bytes = 0;
	flow->state = flow->tunnel ? FLOW_TUNNEL : FLOW_UNDETERMINED;
	if (!flow->tunnel && flow->upgrades > UPGRADES_MAX)
		flow_mute(flow, "upgraded");
}

/* With what the old decoder took of that already. */
static void flow_leave(struct flow *flow, uint64_t time_ns, const struct mover *mover)
{
	uint64_t lost[2];

	for (int i = 0; i < 2; i++)
		lost[i] = flow_decode_carry(flow, i, &flow->side[i].held, mover);
	flow_upgrade(flow);
	flow->leaves = false;
	flow_replay(flow);
	for (int i = 0; i < 2; i++)
		if (lost[i])
			flow_state_hole(flow, i, lost[i], false, time_ns);
}

/* The decoder found that the layer is no HTTP: it is undetermined again, from the bytes on that showed it. */
static void flow_doubt(struct flow *flow)
{
	flow_decode_end(flow, END_IN_FLIGHT, 0);
	flow->state = FLOW_UNDETERMINED;
	flow->role_found = ROLE_UNKNOWN;
	for (int i = 0; i < 2; i++) {
		flow->side[i].from_start = flow->side[i].told_start = false;
		flow->side[i].turn_at = FLOW_NO_TURN;
	}
}

/* --- what comes in order ------------------------------------------------------------------ */

/* Bytes that were not taken are for the state that the layer has then. */
static void flow_feed(struct flow *flow, enum event_direction direction, struct slice *bytes,
		      uint64_t time_ns, const struct mover *mover)
{
	switch (flow_decode_feed(flow, direction, bytes, time_ns, mover)) {
	case FLOW_FED:
		return;
	case FLOW_FED_TLS:
		flow_begin_tls(flow, true);
		return;
	case FLOW_FED_HTTP1:
		flow_decode_end(flow, END_IN_FLIGHT, 0);
		flow_state_begin(flow, &http1_protocol);
		return;
	case FLOW_FED_REFUTED:
		flow_doubt(flow);
		return;
	case FLOW_FED_UPGRADED:
		flow_leave(flow, time_ns, mover);
		return;
	}
}

/* The bytes of a hello, or (false) an answer that shows that none was read: the hello was no request. */
static bool flow_read_hello(struct flow *flow, enum event_direction direction, struct slice bytes)
{
	/* A port that speaks no TLS answers a hello in the clear, with a 400 in most cases. */
	if (flow_decode_answers(flow, direction, bytes)) {
		flow_forget_hello(flow);
		flow->facts->tls = false;
		flow_state_begin(flow, &http1_protocol);
		return false;
	}
	flow->side[direction].fed = true;
	hello_data(flow->hello, direction, bytes, flow->facts);
	flow_await_hello(flow);
	return true;
}

void flow_state_data(struct flow *flow, enum event_direction direction, struct slice bytes, uint64_t time_ns,
		     const struct mover *mover)
{
	bool turn = bytes.len && flow_takes_turn(flow, direction);

	while (bytes.len) {
		switch (flow->state) {
		case FLOW_UNDETERMINED:
			flow_act(flow, flow_judge_data(flow, direction, bytes, time_ns, mover, turn));
			return;
		case FLOW_HTTP:
			flow_feed(flow, direction, &bytes, time_ns, mover);
			break;
		case FLOW_TUNNEL:
			flow_tunnel_data(flow->tunnel, direction, bytes, time_ns, mover);
			return;
		case FLOW_HELLO:
			if (!flow_read_hello(flow, direction, bytes))
				break;
			flow_count_ciphertext(flow, bytes.len, 0);
			return;
		case FLOW_TLS:
			flow_count_ciphertext(flow, bytes.len, 0);
			return;
		case FLOW_MUTED:
		case FLOW_ENDED:
			return;
		}
	}
}

void flow_state_hole(struct flow *flow, enum event_direction direction, uint64_t size, bool lost,
		     uint64_t time_ns)
{
	bool uncopied = !lost && size != HOLE_UNKNOWN_SIZE;

	if (lost && size != HOLE_UNKNOWN_SIZE && !flow->side[direction].stream.unrecorded) {
		flow->facts->moved_bytes += size;
		flow->facts->lost_bytes += size;
	}
	if (!lost)
		flow_takes_turn(flow, direction);
	switch (flow->state) {
	case FLOW_UNDETERMINED:
		flow_act(flow, flow_judge_hole(flow, direction, size, lost));
		return;
	case FLOW_HTTP:
		flow->ops->hole(flow->decoder, direction, size, time_ns);
		return;
	case FLOW_TUNNEL:
		flow_tunnel_hole(flow->tunnel, direction, size, time_ns);
		return;
	case FLOW_HELLO:
	case FLOW_TLS:
		if (flow->hello) {
			hello_hole(flow->hello, direction);
			flow_await_hello(flow);
		}
		if (uncopied)
			flow_count_ciphertext(flow, 0, size);
		return;
	case FLOW_MUTED:
	case FLOW_ENDED:
		return;
	}
}

void flow_state_expire(struct flow *flow)
{
	if ((flow->state == FLOW_UNDETERMINED || flow->state == FLOW_MUTED) && flow_judge_relisten(flow))
		flow->state = FLOW_UNDETERMINED;
}

void flow_state_end(struct flow *flow, enum protocol_end reason)
{
	flow_decode_end(flow, reason, protocol_end_flags(reason));
	flow_leave_tunnel(flow);
	flow_judge_drop(flow);
	flow->state = FLOW_ENDED;
}

void flow_state_fini(struct flow *flow)
{
	if (flow->decoder)
		flow->ops->destroy(flow->decoder);
	flow->decoder = NULL;
	flow_forget_hello(flow);
	flow_leave_tunnel(flow);
	for (int i = 0; i < 2; i++)
		held_fini(&flow->side[i].held);
}

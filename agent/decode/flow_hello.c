/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While hellos are awaited the kernel side still copies the socket's bytes and
 * counts them as plain; flow_data() recounts each of them as ciphertext, as it
 * does with bytes that were on their way when the verdict fell.
 */
#include "flow_hello.h"

#include "base/counters.h"
#include "hello.h"

static void flow_end_hello(struct flow *flow)
{
	if (hello_wants(flow->hello))
		return;
	hello_free(flow->hello);
	flow->hello = NULL;
}

/* Was the direction seen from its first byte, or will it be? */
static bool side_is_whole(const struct flow *flow, int direction)
{
	const struct flow_side *side = &flow->side[direction], *other = &flow->side[!direction];

	return side->from_start || (!side->stream.started && other->from_start);
}

void flow_begin_tls(struct flow *flow, bool fresh)
{
	struct hello *hello = hello_new();

	if (!hello)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	for (int i = 0; i < 2; i++)
		flow->side[i].secret = !fresh && flow->side[i].held.len > 0;
	for (int i = 0; i < 2 && hello && !fresh; i++) {
		if (side_is_whole(flow, i))
			hello_data(hello, i, held_bytes(&flow->side[i].held), flow->facts);
		else
			hello_hole(hello, i);
	}
	flow_turn_tls(flow);
	flow->hello = hello;
	if (hello)
		flow_end_hello(flow);
}

void flow_hello_data(struct flow *flow, enum event_direction direction, struct slice bytes)
{
	if (!flow->hello)
		return;
	hello_data(flow->hello, direction, bytes, flow->facts);
	flow_end_hello(flow);
}

void flow_hello_hole(struct flow *flow, enum event_direction direction)
{
	if (!flow->hello)
		return;
	hello_hole(flow->hello, direction);
	flow_end_hello(flow);
}

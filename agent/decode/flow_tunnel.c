/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_tunnel.h"

#include "base/counters.h"
#include "content/readings.h"

#include <stdlib.h>

#define HEAD_BYTES 16384 /* of each of both heads, at most */

struct tunnel {
	struct flow *flow;
	struct message *head[2]; /* by enum message_kind */
	struct readings_config config;
	struct readings *readings;
	struct mover mover; /* of the newest bytes */
	uint64_t time_ns;
};

/* A message within the tunnel, shown with the handshake that opened it. */
static void on_message(void *ctx, void *at, const struct content_message *message)
{
	const struct tunnel *tunnel = ctx;
	const struct message *request = tunnel->head[MESSAGE_REQUEST];
	uint64_t then_ns = request->first_byte_ns;
	struct exchange exchange = {
		.request = tunnel->head[MESSAGE_REQUEST],
		.response = tunnel->head[MESSAGE_RESPONSE],
		.conn = tunnel->flow->facts,
		.mover = tunnel->mover,
		.start_ns = then_ns,
		.waited_ns = tunnel->time_ns > then_ns ? tunnel->time_ns - then_ns : 0,
		.flags = FLAG_UPGRADED,
		.pending = true,
	};
	struct result result = result_of_exchange(RESULT_MESSAGE, &exchange);

	(void)at;
	result.message = message;
	pipeline_tell(tunnel->flow->pipeline, &result);
}

struct tunnel *flow_tunnel_new(struct flow *flow, struct slice to, const struct message *request,
			       const struct message *response)
{
	const struct pipeline_reading *reading = flow->pipeline->reading;
	const struct content *content = reading && request && response ? content_of_upgrade(to) : NULL;
	struct tunnel *tunnel = content ? calloc(1, sizeof(*tunnel)) : NULL;

	if (!content)
		return NULL;
	if (tunnel) {
		tunnel->flow = flow;
		tunnel->config = reading->config;
		tunnel->config.ctx = tunnel;
		tunnel->config.message = on_message;
		tunnel->head[MESSAGE_REQUEST] = message_copy(request, HEAD_BYTES);
		tunnel->head[MESSAGE_RESPONSE] = message_copy(response, HEAD_BYTES);
	}
	if (!tunnel || !tunnel->head[0] || !tunnel->head[1]) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		flow_tunnel_free(tunnel);
		return NULL;
	}
	for (int kind = 0; kind < 2; kind++)
		readings_head(&tunnel->readings, &tunnel->config, tunnel, content, tunnel->head[kind],
			      tunnel->head[!kind]);
	if (tunnel->readings)
		return tunnel;
	flow_tunnel_free(tunnel);
	return NULL;
}

void flow_tunnel_free(struct tunnel *tunnel)
{
	if (!tunnel)
		return;
	for (int kind = 0; kind < 2; kind++)
		if (tunnel->readings)
			readings_end(tunnel->readings, tunnel->head[kind], tunnel->time_ns);
	readings_free(tunnel->readings);
	message_free(tunnel->head[0]);
	message_free(tunnel->head[1]);
	free(tunnel);
}

static enum message_kind kind_of(const struct tunnel *tunnel, enum event_direction direction)
{
	return direction == tunnel->head[MESSAGE_REQUEST]->direction ? MESSAGE_REQUEST : MESSAGE_RESPONSE;
}

void flow_tunnel_data(struct tunnel *tunnel, enum event_direction direction, struct slice bytes,
		      uint64_t time_ns, const struct mover *mover)
{
	if (mover)
		tunnel->mover = *mover;
	tunnel->time_ns = time_ns;
	readings_body(tunnel->readings, kind_of(tunnel, direction), bytes, time_ns);
}

void flow_tunnel_hole(struct tunnel *tunnel, enum event_direction direction, uint64_t size, uint64_t time_ns)
{
	tunnel->time_ns = time_ns;
	readings_hole(tunnel->readings, kind_of(tunnel, direction), size, time_ns);
}

size_t flow_tunnel_memory(const struct tunnel *tunnel)
{
	if (!tunnel)
		return 0;
	return sizeof(*tunnel) + message_memory(tunnel->head[0]) + message_memory(tunnel->head[1]) +
	       readings_memory(tunnel->readings);
}

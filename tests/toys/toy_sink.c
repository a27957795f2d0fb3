/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that exists in tests only: what a new one needs is this file and its row in agent/sinks/sinks.h. */
#include "base/loop.h"
#include "sinks/sinks.h"

#define TICK_NS 1000000

struct sink {
	FILE *out;
	struct loop *loop;
	int timer;
	unsigned int exchanges, ticks;
	size_t body_bytes;
};

static void toy_tick(void *ctx, bool closed)
{
	struct sink *sink = ctx;

	(void)closed;
	sink->ticks++;
}

static int toy_init(struct sink *sink, const struct sink_config *config)
{
	sink->out = config->out;
	sink->loop = config->loop;
	sink->timer = loop_add_timer(config->loop, TICK_NS, toy_tick, sink);
	return sink->timer < 0 ? sink->timer : 0;
}

static void toy_exchange(struct sink *sink, const struct result *result)
{
	sink->exchanges++;
	if (result->exchange->response)
		sink->body_bytes += result->exchange->response->body.len;
}

static void toy_fini(struct sink *sink)
{
	loop_remove(sink->loop, sink->timer);
	fprintf(sink->out, "toy: %u exchanges, %zu bytes of bodies, %s\n", sink->exchanges, sink->body_bytes,
		sink->ticks ? "the clock ticked" : "no tick");
}

const struct sink_ops toy_sink = {
	.format = "toy",
	.view = VIEW_WATCH,
	.bodies = true,
	.size = sizeof(struct sink),
	.init = toy_init,
	.show = { [RESULT_EXCHANGE] = toy_exchange },
	.fini = toy_fini,
};

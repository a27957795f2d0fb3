/* SPDX-License-Identifier: Apache-2.0 */
/* A decoder of one stream a direction, driven by a script (fuzz_script.h); its messages are walked
 * (fuzz_message.h). */
#ifndef HARK_TESTS_FUZZ_PROTOCOL_H
#define HARK_TESTS_FUZZ_PROTOCOL_H

#include "fuzz_message.h"
#include "fuzz_script.h"

static void fuzz_step_run(const struct protocol_ops *ops, struct protocol *protocol,
			  const struct fuzz_step *step, uint64_t now_ns)
{
	switch (step->verb) {
	case FUZZ_FEED:
	case FUZZ_FEED_LONG:
		if (ops->feed(protocol, step->direction, step->bytes, now_ns) != (long)step->bytes.len)
			abort();
		break;
	case FUZZ_HOLE:
	case FUZZ_HOLE_LONG:
		ops->hole(protocol, step->direction, step->amount, now_ns);
		break;
	case FUZZ_HOLE_UNKNOWN:
		ops->hole(protocol, step->direction, HOLE_UNKNOWN_SIZE, now_ns);
		break;
	case FUZZ_FINISH:
		ops->finish(protocol, step->direction, now_ns);
		break;
	case FUZZ_TICK:
		ops->tick(protocol, now_ns);
		break;
	case FUZZ_IDLE:
		sum += ops->body_left(protocol, step->direction) + ops->idle(protocol) + ops->role(protocol) +
		       ops->memory(protocol);
		break;
	}
}

/* choice: its highest bit leaves the end out, its lowest two are how the connection ends. */
static void fuzz_protocol(const struct protocol_ops *ops, const struct protocol_config *config,
			  const struct protocol_handler *handler, struct slice script, uint8_t choice)
{
	struct protocol *protocol = ops->create(config, handler);
	struct fuzz_step step;
	uint64_t now_ns = 0;

	while (protocol && fuzz_step_next(&script, &step))
		fuzz_step_run(ops, protocol, &step, ++now_ns);
	if (protocol && !(choice & 128))
		ops->end(protocol, (enum protocol_end)(choice & 3), ++now_ns);
	ops->destroy(protocol);
}

#endif

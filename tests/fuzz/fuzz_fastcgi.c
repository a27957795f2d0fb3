/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile FastCGI connection: the first byte chooses the configuration, the
 * rest is a script (fuzz_script.h). Every message that comes out is walked
 * (fuzz_message.h).
 */
#include "fuzz_message.h"
#include "fuzz_script.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void step_run(struct protocol *protocol, const struct fuzz_step *step, uint64_t now_ns)
{
	const struct protocol_ops *ops = &fastcgi_protocol;

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct protocol_handler handler = {
		.head = on_head,
		.body = on_body,
		.done = on_done,
		.interim = on_interim,
		.reset = on_reset,
		.note = on_note,
	};
	struct slice script = slice_of(data, size);
	uint8_t choice = size ? data[0] : 0;
	const struct protocol_config config = {
		.role = (enum protocol_role)((choice & 3) % 3),
		.from_start = { !(choice & 4), !(choice & 8) },
		.few_fields = choice & 16,
		.want_bodies = choice & 32,
		.body_limit_bytes = 64,
		.message_limit_bytes = choice & 64 ? 512 : 65536,
		.stream_limit = 8,
	};
	struct protocol *protocol = fastcgi_protocol.create(&config, &handler);
	struct fuzz_step step;
	uint64_t now_ns = 0;

	fuzz_version = FASTCGI_1;
	script = slice_drop(script, 1);
	while (protocol && fuzz_step_next(&script, &step))
		step_run(protocol, &step, ++now_ns);
	if (protocol && !(choice & 128))
		fastcgi_protocol.end(protocol, (enum protocol_end)(choice & 3), ++now_ns);
	fastcgi_protocol.destroy(protocol);
	return 0;
}

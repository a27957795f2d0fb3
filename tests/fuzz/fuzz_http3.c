/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile HTTP/3 connection: the first byte chooses the configuration, the rest is a script. Of a step the
 * first byte says what happens in which direction, the second one on which stream, the third one how much;
 * then come the bytes of a piece.
 */
#include "fuzz_message.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step_verb {
	STEP_PIECE,
	STEP_PIECE_LONG, /* the third byte times 64 */
	STEP_CUT,	 /* a piece of which so many more bytes are missing */
	STEP_OVER,
	STEP_HOLE, /* nobody knows of which stream */
	STEP_ASK,
	STEP_VERBS = 8,
};

#define STEP_ENDS 0x10 /* the stream does, with this piece */

/* Requests, control and encoder streams of both, and ids that are odd. */
static const uint64_t streams[] = { 0,		4, 8, 12, 2, 3, 6, 7, 10, 11, 14, 1, 5, UINT64_C(1) << 61,
				    UINT64_MAX, 16 };

static void step_run(struct protocol *protocol, const uint8_t *step, struct slice *script, uint64_t now_ns)
{
	enum event_direction direction = (enum event_direction)(step[0] & 1);
	uint64_t stream = streams[step[1] % (sizeof(streams) / sizeof(*streams))];
	struct protocol_piece piece = { .stream = stream, .ends = step[0] & STEP_ENDS };
	size_t amount = step[2];

	switch ((enum step_verb)(step[0] >> 1 & 7)) {
	case STEP_PIECE_LONG:
		amount *= 64;
		/* fallthrough */
	case STEP_PIECE:
	case STEP_CUT:
		piece.bytes = slice_take(*script, amount);
		piece.missing = (step[0] >> 1 & 7) == STEP_CUT ? step[1] * UINT64_C(100) : 0;
		*script = slice_drop(*script, piece.bytes.len);
		http3_protocol.piece(protocol, direction, &piece, now_ns);
		break;
	case STEP_OVER:
		http3_protocol.over(protocol, stream, 0xfe + amount, now_ns);
		break;
	case STEP_HOLE:
		http3_protocol.hole(protocol, direction, amount, now_ns);
		break;
	default:
		sum += http3_protocol.idle(protocol) + http3_protocol.role(protocol) +
		       http3_protocol.memory(protocol);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice = size ? data[0] : 0;
	struct slice script = slice_drop(slice_of(data, size), 1);
	const struct protocol_config config = {
		.role = (enum protocol_role)((choice & 3) % 3),
		.from_start = { !(choice & 4), !(choice & 8) },
		.want_bodies = choice & 32,
		.body_limit_bytes = 64,
		.message_limit_bytes = choice & 64 ? 512 : 65536,
		.stream_limit = 8,
		.table_limit_bytes = 65536,
	};
	struct protocol *protocol = http3_protocol.create(&config, &fuzz_handler);
	uint64_t now_ns = 0;

	fuzz_version = HTTP_3;
	while (protocol && script.len >= 3) {
		const uint8_t *step = script.data;

		script = slice_drop(script, 3);
		step_run(protocol, step, &script, ++now_ns);
	}
	if (protocol && !(choice & 128))
		http3_protocol.end(protocol, (enum protocol_end)(choice & 3), ++now_ns);
	http3_protocol.destroy(protocol);
	return 0;
}

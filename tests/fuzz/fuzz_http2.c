/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile HTTP/2 connection: the first byte chooses the configuration, the
 * rest is a script (fuzz_script.h). Every message that comes out is walked
 * (fuzz_message.h).
 */
#include "fuzz_protocol.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches all that a sink may read. */
static void on_frame(void *ctx, const struct frame *frame)
{
	(void)ctx;
	for (size_t i = 0; i < frame->payload.len; i++)
		sum += frame->payload.data[i];
	for (size_t i = 0; frame->headers && i < frame->headers->count; i++)
		sum += frame->headers->items[i].name.len + frame->headers->items[i].value.len;
	if (frame->payload.len > frame->length || frame->direction > DIRECTION_RECEIVED)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct protocol_handler handler = fuzz_handler;
	uint8_t choice = size ? data[0] : 0;
	const struct protocol_config config = {
		.role = (enum protocol_role)((choice & 3) % 3),
		.from_start = { !(choice & 4), !(choice & 8) },
		.after_upgrade = choice & 16,
		.want_frames = choice & 32,
		.few_fields = choice & 128,
		.upgrade_settings = SLICE("AAMAAABkAAUAAP__"),
		.want_bodies = choice & 32,
		.body_limit_bytes = 64,
		.message_limit_bytes = choice & 64 ? 512 : 65536,
		.stream_limit = 8,
		.table_limit_bytes = 65536,
	};

	handler.frame = on_frame;
	fuzz_version = HTTP_2;
	fuzz_protocol(&http2_protocol, &config, &handler, slice_drop(slice_of(data, size), 1), choice);
	return 0;
}

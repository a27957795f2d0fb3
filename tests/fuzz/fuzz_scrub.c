/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of any bytes, in any order, with holes, to the scrubbing stage. Each
 * input is a list of steps: a byte that chooses, a length, so many bytes.
 * Checked: what comes out is valid and as long as what went in.
 */
#include "record/scrub.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sums {
	uint64_t in, out;
};

static int take(void *ctx, const struct event_header *event)
{
	struct sums *sums = ctx;

	if (!event_valid(event, event->size))
		abort();
	if (event->type == EVENT_TLS_DATA || event->type == EVENT_SOCKET_DATA)
		sums->out += ((const struct event_data *)event)->len;
	return 0;
}

static void give_data(struct scrub *scrub, struct sums *sums, uint8_t choice, struct slice bytes,
		      uint64_t pos[2])
{
	static union {
		struct event_data data;
		uint8_t bytes[sizeof(struct event_data) + 256];
	} event;
	int direction = choice & 1;

	event.data = (struct event_data){
		.h = { .size = (uint32_t)(sizeof(struct event_data) + bytes.len),
		       .type = choice & 2 ? EVENT_TLS_DATA : EVENT_SOCKET_DATA,
		       .flags = (choice & 2 ? EVENT_FROM_START : EVENT_POS_SEQ32) |
				(choice & 4 ? EVENT_OFFSET_KNOWN : 0),
		       .pid = 7 },
		.ssl = choice & 2 ? 9 : 0,
		.sock = { .id = 5 },
		.pos = pos[direction] + (choice & 8 ? 3 : 0),
		.offset = pos[direction],
		.len = (uint32_t)bytes.len + (choice & 16 ? 5 : 0),
		.copied = (uint32_t)bytes.len,
		.direction = (uint8_t)direction,
		.hole = choice & 16 ? HOLE_SNAPLEN : HOLE_NONE,
	};
	memcpy(event.data.payload, bytes.data, bytes.len);
	pos[direction] += event.data.len;
	sums->in += event.data.len;
	scrub_event(scrub, &event.data.h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sums sums = { 0, 0 };
	struct redact *redact = redact_new(false);
	const struct scrub_config config = {
		.redact = redact, .keep_other = size && data[0] & 1, .fn = take, .ctx = &sums
	};
	struct scrub *scrub = scrub_new(&config);
	struct slice rest = slice_drop(slice_of(data, size), 1);
	uint64_t pos[2] = { 0, 0 }, now_ns = 0;

	while (rest.len >= 2) {
		uint8_t choice = rest.data[0], len = rest.data[1];

		rest = slice_drop(rest, 2);
		if (choice & 128) {
			struct event_header poll = { .size = sizeof(poll),
						     .type = EVENT_POLL,
						     .time_ns = now_ns += len * 10000000ull };

			scrub_event(scrub, &poll);
			continue;
		}
		give_data(scrub, &sums, choice, slice_take(rest, len), pos);
		rest = slice_drop(rest, len);
	}
	scrub_end(scrub);
	scrub_free(scrub);
	redact_free(redact);
	if (sums.in != sums.out)
		abort();
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile HTTP/1 connection. The first input byte sets the role, where the
 * connection was joined and whether bodies are kept; then follow steps of an
 * operation byte, two length bytes (little endian) and, for a feed, that many
 * bytes:
 *
 *	bit 3 of the operation: direction
 *	bits 0..2: 0..3 feed, 4 hole of the length, 5 hole of unknown size, 6 tick, 7 finish
 *
 * Checked: one head a message, no response without a waiting request unless it
 * says so, nothing unmarked without a certain body, bounds kept.
 */
#include "protocol.h"

#include <errno.h>
#include <stdlib.h>

#define BODY_LIMIT    512
#define MESSAGE_LIMIT 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct check {
	const struct message *headed[2];
	uint64_t waiting; /* requests whose head came and that may be answered */
	uint64_t body[2]; /* bytes told of the message under way */
	int left;
	uint64_t sum;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_slice(struct check *check, struct slice s)
{
	must(s.data || !s.len);
	for (size_t i = 0; i < s.len; i++)
		check->sum += s.data[i];
}

static void check_run(void *ctx, struct slice bytes, uint64_t time_ns)
{
	must(bytes.len && time_ns);
	check_slice(ctx, bytes);
}

static void check_list(struct check *check, const struct header_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		must(list->items[i].name.len > 0 && list->items[i].value.data);
		check_slice(check, list->items[i].name);
		check_slice(check, list->items[i].value);
	}
}

static void check_order(struct check *check, const struct message *message)
{
	if (message->kind == MESSAGE_REQUEST) {
		check->waiting += !(message->flags & FLAG_UNANSWERED);
	} else if (!(message->flags & FLAG_NO_REQUEST)) {
		must(check->waiting > 0);
		check->waiting--;
	}
}

static void on_head(void *ctx, struct message *message)
{
	struct check *check = ctx;

	must(!check->headed[message->kind] && !check->left);
	check->headed[message->kind] = message;
	check_order(check, message);
	check_list(check, &message->headers);
}

static void on_body(void *ctx, struct message *message, struct slice bytes)
{
	struct check *check = ctx;

	must(check->headed[message->kind] == message);
	check->body[message->kind] += bytes.len;
	must(check->body[message->kind] <= message->body_bytes);
	check_slice(check, bytes);
}

static void on_done(void *ctx, struct message *message)
{
	struct check *check = ctx;

	if (check->headed[message->kind] != message)
		check_order(check, message);
	if (check->headed[message->kind] == message) {
		check->headed[message->kind] = NULL;
		check->body[message->kind] = 0;
	}
	must(message->flags || (message->body_known && message->version && message->first_byte_ns));
	must(message->body.len <= BODY_LIMIT && message->body.len <= message->body_bytes);
	must(message->arena.used_bytes <= MESSAGE_LIMIT);
	must(message->status == 0 || (message->status >= 100 && message->status <= 999));
	check_list(check, &message->headers);
	check_list(check, &message->trailers);
	check_slice(check, message->method);
	check_slice(check, message->target);
	check_slice(check, message->scheme);
	check_slice(check, message->authority);
	check_slice(check, message->body);
	message_free(message);
}

static void on_interim(void *ctx, const struct message *message)
{
	must(message->status / 100 == 1 && message->status != 101);
	check_list(ctx, &message->headers);
}

static void on_upgrade(void *ctx, struct slice to, const struct message *request)
{
	struct check *check = ctx;

	must(!check->left);
	check->left = 1;
	check_slice(check, to);
	if (request)
		check_slice(check, request->target);
}

static void on_note(void *ctx, enum protocol_note note, uint64_t n)
{
	(void)ctx;
	must(n > 0 && note < NOTE_COUNT);
}

static void feed(struct protocol *http1, struct check *check, int direction, struct slice bytes, uint64_t now)
{
	long taken = http1_protocol.feed(http1, direction, bytes, now);

	if (http1_protocol.refuted(http1))
		must(taken == 0);
	else
		must(taken == (long)bytes.len || (check->left && taken >= 0 && taken < (long)bytes.len));
}

/* One step; returns how many input bytes it used. */
static size_t step(struct protocol *http1, struct check *check, const uint8_t *data, size_t size,
		   uint64_t now)
{
	size_t len = data[1] + 256u * data[2];
	int direction = data[0] >> 3 & 1;

	switch (data[0] & 7) {
	case 4:
		http1_protocol.hole(http1, direction, len, now);
		return 3;
	case 5:
		http1_protocol.hole(http1, direction, HOLE_UNKNOWN_SIZE, now);
		return 3;
	case 6:
		http1_protocol.tick(http1, now);
		return 3;
	case 7:
		http1_protocol.finish(http1, direction, now);
		return 3;
	default:
		len = len < size - 3 ? len : size - 3;
		feed(http1, check, direction, slice_of(data + 3, len), now);
		return 3 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct check check = { 0 };
	struct protocol_handler handler = {
		.ctx = &check,
		.head = on_head,
		.body = on_body,
		.done = on_done,
		.interim = on_interim,
		.upgrade = on_upgrade,
		.note = on_note,
	};
	struct protocol_config config = {
		.body_limit_bytes = BODY_LIMIT,
		.message_limit_bytes = MESSAGE_LIMIT,
		.pipeline_limit = 3,
	};
	struct protocol *http1;
	uint64_t now = 1;

	if (!size)
		return 0;
	config.role = data[0] % 3;
	config.from_start[0] = !(data[0] & 8);
	config.from_start[1] = !(data[0] & 16);
	config.want_bodies = data[0] & 32;
	config.few_fields = data[0] & 64;
	http1 = http1_protocol.create(&config, &handler);
	must(http1 != NULL);
	for (size_t i = 1; i + 3 <= size;) {
		bool tick = (data[i] & 7) == 6;

		i += step(http1, &check, data + i, size - i, now);
		now += tick ? LATE_NS : 1;
		must(http1_protocol.body_left(http1, 0) == 0 || !http1_protocol.idle(http1));
	}
	(void)http1_protocol.held(http1, DIRECTION_SENT, check_run, &check);
	http1_protocol.end(http1, data[0] >> 6, now);
	must(check.left || (!check.headed[0] && !check.headed[1]));
	http1_protocol.destroy(http1);
	return 0;
}

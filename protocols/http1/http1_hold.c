/* SPDX-License-Identifier: Apache-2.0 */
#include "http1_hold.h"

#include "protocol.h"

#include <stdlib.h>

static struct http1_run *hold_newest(const struct http1_hold *hold)
{
	return hold->run_count ? &hold->runs[hold->run_at + hold->run_count - 1] : NULL;
}

/* A new run at the end; NULL: no room. */
static struct http1_run *hold_run(struct http1_hold *hold)
{
	size_t capacity = hold->run_capacity ? 2 * hold->run_capacity : 8;
	struct http1_run *runs;

	if (hold->run_count == HTTP1_HOLD_LIMIT_RUNS)
		return NULL;
	if (hold->run_at + hold->run_count == hold->run_capacity) {
		runs = realloc(hold->runs, capacity * sizeof(*runs));
		if (!runs)
			return NULL;
		hold->runs = runs;
		hold->run_capacity = capacity;
	}
	hold->run_count++;
	return hold_newest(hold);
}

static bool hold_keep(struct http1_hold *hold, struct slice bytes, uint64_t time_ns, uint32_t hand, bool turn)
{
	struct http1_run *run = hold_newest(hold);

	if (bytes_append(&hold->bytes, bytes, SIZE_MAX) < 0)
		return false;
	if (!run || !run->len || run->time_ns != time_ns || run->hand != hand || turn) {
		run = hold_run(hold);
		if (!run) {
			hold->bytes.len -= bytes.len;
			return false;
		}
		*run = (struct http1_run){ .time_ns = time_ns, .hand = hand, .turn = turn };
	}
	run->len += bytes.len;
	return true;
}

size_t http1_hold_add(struct http1_hold *hold, struct slice bytes, uint64_t time_ns, uint32_t hand, bool turn)
{
	struct slice kept = slice_take(bytes, HTTP1_HOLD_LIMIT_BYTES - http1_hold_len(hold));
	size_t missed = bytes.len - kept.len;

	if (kept.len && !hold_keep(hold, kept, time_ns, hand, turn))
		missed = bytes.len;
	if (missed)
		http1_hold_lose(hold, missed, time_ns);
	return missed;
}

void http1_hold_lose(struct http1_hold *hold, uint64_t size, uint64_t time_ns)
{
	struct http1_run *run = hold_newest(hold);

	if (!run || run->len) {
		run = hold_run(hold);
		if (!run && !hold->run_count)
			return;
		if (!run) { /* the newest run makes room, and is part of the hole */
			run = hold_newest(hold);
			hold->bytes.len -= run->len;
			size = HOLE_UNKNOWN_SIZE;
		}
		*run = (struct http1_run){ .len = 0 };
	}
	run->time_ns = time_ns;
	run->lost = size >= HOLE_UNKNOWN_SIZE - run->lost ? HOLE_UNKNOWN_SIZE : run->lost + size;
}

/* Gives memory back, or moves what waits to the front once that is the smaller part. */
static void hold_settle(struct http1_hold *hold)
{
	if (!hold->run_count) {
		bool finished = hold->finished;
		uint64_t last_ns = hold->last_ns;

		http1_hold_fini(hold);
		hold->finished = finished;
		hold->last_ns = last_ns;
		return;
	}
	if (hold->bytes_at > http1_hold_len(hold)) {
		bytes_drop(&hold->bytes, hold->bytes_at);
		hold->bytes_at = 0;
	}
	if (hold->run_at > hold->run_count) {
		memmove(hold->runs, hold->runs + hold->run_at, hold->run_count * sizeof(*hold->runs));
		hold->run_at = 0;
	}
}

void http1_hold_drop(struct http1_hold *hold, size_t n)
{
	struct http1_run *front = &hold->runs[hold->run_at];

	hold->bytes_at += n;
	front->len -= n;
	front->turn &= !n;
	if (!front->len) {
		hold->run_at++;
		hold->run_count--;
	}
	hold_settle(hold);
}

struct slice http1_hold_bytes(const struct http1_hold *hold, uint64_t *lost)
{
	const struct http1_run *runs = http1_hold_front(hold); /* NULL: none */
	size_t len = 0, i = 0;

	while (i < hold->run_count && runs[i].len)
		len += runs[i++].len;
	*lost = i < hold->run_count ? runs[i].lost : 0;
	if (i + 1 < hold->run_count)
		*lost = HOLE_UNKNOWN_SIZE;
	return slice_take(slice_drop(bytes_slice(&hold->bytes), hold->bytes_at), len);
}

void http1_hold_fini(struct http1_hold *hold)
{
	bytes_fini(&hold->bytes);
	free(hold->runs);
	*hold = (struct http1_hold){ 0 };
}

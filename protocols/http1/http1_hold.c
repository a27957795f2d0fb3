/* SPDX-License-Identifier: Apache-2.0 */
#include "http1_hold.h"

#include "protocol.h"

#include <stdlib.h>

bool http1_hold_empty(const struct http1_hold *hold)
{
	return !hold->run_count && !hold->finished;
}

static bool hold_grow(struct http1_hold *hold, size_t needed)
{
	size_t capacity = hold->capacity ? hold->capacity : 512;
	uint8_t *bytes;

	needed += hold->bytes_at;
	while (capacity < needed)
		capacity *= 2;
	if (capacity == hold->capacity)
		return true;
	bytes = realloc(hold->bytes, capacity);
	if (!bytes)
		return false;
	hold->bytes = bytes;
	hold->capacity = capacity;
	return true;
}

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

	if (!hold_grow(hold, hold->len + bytes.len))
		return false;
	if (!run || !run->len || run->time_ns != time_ns || run->hand != hand || turn) {
		run = hold_run(hold);
		if (!run)
			return false;
		*run = (struct http1_run){ .time_ns = time_ns, .hand = hand, .turn = turn };
	}
	memcpy(hold->bytes + hold->bytes_at + hold->len, bytes.data, bytes.len);
	hold->len += bytes.len;
	run->len += bytes.len;
	return true;
}

size_t http1_hold_add(struct http1_hold *hold, struct slice bytes, uint64_t time_ns, uint32_t hand, bool turn)
{
	size_t room = HTTP1_HOLD_LIMIT_BYTES - hold->len;
	size_t n = bytes.len < room ? bytes.len : room;

	if (n && !hold_keep(hold, slice_take(bytes, n), time_ns, hand, turn))
		n = 0;
	if (n < bytes.len)
		http1_hold_lose(hold, bytes.len - n, time_ns);
	return bytes.len - n;
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
			hold->len -= run->len;
			size = HOLE_UNKNOWN_SIZE;
		}
		*run = (struct http1_run){ .len = 0 };
	}
	run->time_ns = time_ns;
	run->lost = size >= HOLE_UNKNOWN_SIZE - run->lost ? HOLE_UNKNOWN_SIZE : run->lost + size;
}

const struct http1_run *http1_hold_front(const struct http1_hold *hold)
{
	return hold->run_count ? &hold->runs[hold->run_at] : NULL;
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
	if (hold->bytes_at > hold->len) {
		memmove(hold->bytes, hold->bytes + hold->bytes_at, hold->len);
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
	hold->len -= n;
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
	return slice_of(hold->bytes ? hold->bytes + hold->bytes_at : NULL, len);
}

void http1_hold_fini(struct http1_hold *hold)
{
	free(hold->bytes);
	free(hold->runs);
	*hold = (struct http1_hold){ .bytes = NULL };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "http1_hold.h"

#include "protocol.h"

#include <stdlib.h>

bool http1_hold_empty(const struct http1_hold *hold)
{
	return !hold->len && !hold->lost_bytes && !hold->finished;
}

static bool hold_grow(struct http1_hold *hold, size_t needed)
{
	size_t capacity = hold->capacity ? hold->capacity : 512;
	uint8_t *bytes;

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

static void hold_mark(struct http1_hold *hold, uint64_t time_ns, bool turn)
{
	size_t last = hold->marks_count - 1;

	if (hold->marks_count &&
	    (hold->marks_count == HTTP1_HOLD_MARKS || (hold->marks[last].time_ns == time_ns && !turn))) {
		hold->marks[last].end = hold->len;
		return;
	}
	hold->marks[hold->marks_count].end = hold->len;
	hold->marks[hold->marks_count].turn = turn;
	hold->marks[hold->marks_count++].time_ns = time_ns;
}

size_t http1_hold_add(struct http1_hold *hold, struct slice bytes, uint64_t time_ns, bool turn)
{
	size_t room = hold->lost_bytes ? 0 : HTTP1_HOLD_LIMIT_BYTES - hold->len;
	size_t n = bytes.len < room ? bytes.len : room;

	if (n && !hold_grow(hold, hold->len + n))
		n = 0;
	if (n) {
		memcpy(hold->bytes + hold->len, bytes.data, n);
		hold->len += n;
		hold_mark(hold, time_ns, turn);
	}
	if (n < bytes.len)
		http1_hold_lose(hold, bytes.len - n, time_ns);
	return bytes.len - n;
}

void http1_hold_lose(struct http1_hold *hold, uint64_t size, uint64_t time_ns)
{
	hold->last_ns = time_ns;
	if (size >= HOLE_UNKNOWN_SIZE - hold->lost_bytes)
		hold->lost_bytes = HOLE_UNKNOWN_SIZE;
	else
		hold->lost_bytes += size;
}

struct slice http1_hold_front(const struct http1_hold *hold, uint64_t *time_ns)
{
	if (!hold->len)
		return (struct slice){ 0 };
	*time_ns = hold->marks[0].time_ns;
	return slice_of(hold->bytes, hold->marks[0].end);
}

void http1_hold_drop(struct http1_hold *hold, size_t n)
{
	size_t gone = 0;

	memmove(hold->bytes, hold->bytes + n, hold->len - n);
	hold->len -= n;
	while (gone < hold->marks_count && hold->marks[gone].end <= n)
		gone++;
	hold->marks_count -= gone;
	memmove(hold->marks, hold->marks + gone, hold->marks_count * sizeof(*hold->marks));
	if (n && !gone && hold->marks_count)
		hold->marks[0].turn = false;
	for (size_t i = 0; i < hold->marks_count; i++)
		hold->marks[i].end -= n;
	if (!hold->len) {
		free(hold->bytes);
		hold->bytes = NULL;
		hold->capacity = 0;
	}
}

void http1_hold_fini(struct http1_hold *hold)
{
	free(hold->bytes);
	*hold = (struct http1_hold){ 0 };
}

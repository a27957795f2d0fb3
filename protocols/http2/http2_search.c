/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The earliest place where frames may begin is followed until it is proved or
 * refuted; later places wait, for a body may hold frames of another connection
 * inside a frame of this one. Proof is a chain of three frames; or two calls in
 * a row that ended at a border of the chain, as calls of quiet connections do.
 *
 * Memory is bounded: when the buffer is full with nothing proved, its first
 * quarter is passed over.
 */
#include "http2_search.h"

#include "http2_frame.h"

#include <stdlib.h>

#define HELD_LIMIT_BYTES  65536 /* three frames of the default size fit */
#define STAMPS_LIMIT	  16384
#define CHAIN_FRAMES	  3
#define EXACT_ENDS	  2
#define MISSES_FRAMES_MAX 32 /* that are walked from one place: there are 65,536 places */

static size_t stamps_count(const struct http2_search *search)
{
	return search->stamps.len / sizeof(struct http2_search_stamp);
}

static struct http2_search_stamp *stamps_of(const struct http2_search *search)
{
	return (struct http2_search_stamp *)(void *)search->stamps.data;
}

static int stamp_add(struct http2_search *search, uint64_t time_ns)
{
	struct http2_search_stamp stamp = { .end = search->held.len, .time_ns = time_ns };
	size_t count = stamps_count(search);

	if (count > 0 && stamps_of(search)[count - 1].time_ns == time_ns) {
		stamps_of(search)[count - 1].end = stamp.end;
		return 0;
	}
	return bytes_append(&search->stamps, slice_of(&stamp, sizeof(stamp)), STAMPS_LIMIT * sizeof(stamp));
}

void http2_search_skip(struct http2_search *search, size_t n)
{
	size_t count = stamps_count(search), gone = 0;

	if (n == 0)
		return;
	while (gone < count && stamps_of(search)[gone].end <= n)
		gone++;
	bytes_drop(&search->stamps, gone * sizeof(struct http2_search_stamp));
	for (size_t i = 0; i < count - gone; i++)
		stamps_of(search)[i].end -= n;
	bytes_drop(&search->held, n);
	search->exact_ends = 0;
	search->passed_over = true;
	search->unparsed += n;
}

static bool is_full(const struct http2_search *search)
{
	return search->held.len == HELD_LIMIT_BYTES || stamps_count(search) == STAMPS_LIMIT;
}

size_t http2_search_add(struct http2_search *search, struct slice bytes, uint64_t time_ns)
{
	if (is_full(search))
		http2_search_skip(search, search->held.len / 4 + 1);
	bytes = slice_take(bytes, HELD_LIMIT_BYTES - search->held.len);
	if (bytes_append(&search->held, bytes, HELD_LIMIT_BYTES) < 0)
		search->unparsed += http2_search_fini(search) + bytes.len;
	else if (stamp_add(search, time_ns) < 0)
		search->unparsed += http2_search_fini(search);
	search->passed_over |= search->held.len == 0;
	return bytes.len;
}

bool http2_search_run(struct http2_search *search, uint32_t max_frame_size,
		      const struct http2_chain_filter *filter, bool call_end)
{
	struct slice held = bytes_slice(&search->held);
	struct http2_chain chain = { .verdict = CHAIN_MORE };
	size_t at = 0;

	for (; at < held.len; at++) {
		chain = http2_chain_judge(slice_drop(held, at), max_frame_size, CHAIN_FRAMES, filter);
		if (chain.verdict != CHAIN_NONE)
			break;
	}
	http2_search_skip(search, at);
	if (chain.verdict == CHAIN_FOUND)
		return true;
	if (call_end && chain.exact_end)
		search->exact_ends++;
	return search->exact_ends >= EXACT_ENDS;
}

/* Do at least two frames begin at the first byte, the last of them DATA that misses `size` bytes? */
static bool chain_misses(struct slice bytes, uint32_t max_frame_size, uint64_t size)
{
	struct http2_frame before, frame;
	unsigned int frames = 0;

	for (; bytes.len >= HTTP2_FRAME_HEADER_BYTES && frames < MISSES_FRAMES_MAX &&
	       http2_frame_plausible(bytes.data, max_frame_size);
	     before = frame) {
		http2_frame_parse(bytes.data, &frame);
		if (frames && !http2_frame_follows(&before, &frame))
			return false;
		bytes = slice_drop(bytes, HTTP2_FRAME_HEADER_BYTES);
		frames++;
		if (bytes.len < frame.length)
			return frames >= 2 && frame.type == FRAME_DATA && frame.length - bytes.len == size;
		bytes = slice_drop(bytes, frame.length);
	}
	return false;
}

bool http2_search_meets_hole(struct http2_search *search, uint32_t max_frame_size, uint64_t size)
{
	struct slice held = bytes_slice(&search->held);

	for (size_t at = 0; at < held.len; at++) {
		if (!chain_misses(slice_drop(held, at), max_frame_size, size))
			continue;
		http2_search_skip(search, at);
		return true;
	}
	return false;
}

struct slice http2_search_next(const struct http2_search *search, struct http2_search_cursor *cursor,
			       uint64_t *time_ns)
{
	size_t begin = cursor->at;
	const struct http2_search_stamp *stamp;

	if (cursor->stamp == stamps_count(search))
		return slice_of(NULL, 0);
	stamp = &stamps_of(search)[cursor->stamp++];
	cursor->at = stamp->end;
	*time_ns = stamp->time_ns;
	return slice_of(search->held.data + begin, stamp->end - begin);
}

size_t http2_search_fini(struct http2_search *search)
{
	size_t held = search->held.len;

	bytes_fini(&search->held);
	bytes_fini(&search->stamps);
	search->exact_ends = 0;
	search->passed_over = false;
	return held;
}

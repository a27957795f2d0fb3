/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where does a frame begin? Holds the bytes of a direction whose framing is
 * not known until a chain of frames shows it, so that nothing after the border
 * is lost, and remembers when each byte came.
 */
#ifndef HARK_HTTP2_SEARCH_H
#define HARK_HTTP2_SEARCH_H

#include "bytes.h"
#include "http2_frame.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes before `end` (of those held) that no earlier stamp covers came at time_ns. */
struct http2_search_stamp {
	size_t end;
	uint64_t time_ns;
};

struct http2_search {
	struct bytes held;
	struct bytes stamps;	 /* of struct http2_search_stamp, ascending */
	unsigned int exact_ends; /* calls that ended where a frame of the first chain ends */
	uint64_t unparsed; /* bytes that were passed over; the owner sets it back when it has told them */
	bool passed_over;  /* some byte was, so that the first one held is not the first of the search */
};

/* How many bytes of the front were held or passed over (at least one). */
size_t http2_search_add(struct http2_search *search, struct slice bytes, uint64_t time_ns);

/*
 * Passes over what cannot be the begin of a frame. True: the first byte held begins a frame. call_end: the
 * bytes added last end where a call of the observed program ended.
 */
bool http2_search_run(struct http2_search *search, uint32_t max_frame_size,
		      const struct http2_chain_filter *filter, bool call_end);

/*
 * A hole of `size` bytes comes next. True, with what cannot be a frame passed over: the bytes held are frames
 * of which the last is DATA and misses exactly those bytes (a head from memory, a body by sendfile).
 */
bool http2_search_meets_hole(struct http2_search *search, uint32_t max_frame_size, uint64_t size);

/* Passes over the first n bytes; n at most what is held. */
void http2_search_skip(struct http2_search *search, size_t n);

/* Where http2_search_next() is. */
struct http2_search_cursor {
	size_t at, stamp;
};

/* The next run of held bytes that came at one time; empty at the end. */
struct slice http2_search_next(const struct http2_search *search, struct http2_search_cursor *cursor,
			       uint64_t *time_ns);

/* Drops all that is held; returns how much it was. */
size_t http2_search_fini(struct http2_search *search);

#endif

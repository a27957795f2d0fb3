/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of one byte layer: records go in as they come, bytes and
 * holes come out in order of their position.
 */
#ifndef HARK_STREAM_H
#define HARK_STREAM_H

#include "base/heap.h"
#include "model/mover.h"
#include "model/pipeline.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

struct stream_record {
	uint64_t pos;
	uint64_t offset; /* valid with offset_known */
	bool offset_known;
	bool seq32;   /* pos has 32 bits and wraps */
	bool eof;     /* the direction ends at pos */
	bool reached; /* all before pos was read, in records or past them; len is 0 */
	bool counted; /* and what was past them the kernel side has counted */
	bool unknown; /* a call that nobody measured: a hole of unknown size; len is 0 */
	uint32_t len;
	struct slice payload; /* the first bytes of len; borrowed for the call */
	uint64_t time_ns;
	const struct mover *mover; /* borrowed for the call */
};

/* All borrowed for the call. Must not put or free the stream that calls. */
struct stream_handler {
	void (*data)(void *ctx, struct slice bytes, uint64_t time_ns, const struct mover *mover);
	/* size bytes are missing (protocol.h's HOLE_UNKNOWN_SIZE: nobody knows how many); lost: no record
	 * stood for them. */
	void (*hole)(void *ctx, uint64_t size, bool lost, uint64_t time_ns);
	void (*finish)(void *ctx, uint64_t time_ns);
};

struct stream {
	const struct stream_handler *handler;
	void *ctx; /* of its calls */
	bool started;
	bool from_start; /* the first position is the first of the direction, for certain */
	bool from_zero;	 /* a counter that began at 0: hark's first sight */
	bool seq32;
	/* To be set after stream_start() when bytes may have been lost before the position where it placed
	 * the stream: a hole of unknown size comes before the first record that is delivered. */
	bool doubted;
	/* To be set when not every transfer leaves a record any more: what none stands for is no loss. */
	bool unrecorded;
	/* To be set at a position when from it on, before this one, not each transfer leaves a record, but is
	 * counted by the kernel side: nobody wants the bytes. */
	uint64_t skipped_until;
	bool ended;
	uint64_t next;		       /* the position that is due, in 64 bits */
	uint64_t at;		       /* of the first byte of what is being delivered */
	uint64_t reference;	       /* the newest position, to widen the next ones by */
	uint64_t hole_start, hole_end; /* the newest hole that was given up on */
	struct heap late;	       /* of struct stream_chunk, by position */
	size_t late_bytes, late_count;
	uint64_t late_number;		   /* of the next one */
	uint64_t missing_poll, missing_ns; /* when what is missing before `late` was noticed */
	/* Records that were, when nothing was missing yet; to be set after stream_start(). */
	uint32_t lost;
	/* To be set when what is missing before the first of `late` is lost: that is due then, and the hole
	 * comes with it. */
	bool given_up;
	/* That were read past the records, and how many of them the kernel side counted; the owner counts and
	 * clears them. */
	uint64_t past_bytes, past_counted;
};

/* handler and ctx are borrowed for life. */
void stream_init(struct stream *stream, const struct stream_handler *handler, void *ctx);
void stream_fini(struct stream *stream);

/*
 * Places a stream by its first record; must come before stream_put(). beginning_seen: the connection's
 * beginning was seen, so bytes before the record are late or lost, not older than hark.
 */
void stream_start(struct stream *stream, const struct stream_record *record, bool beginning_seen);

/*
 * The bytes that passed before this record were not to be copied: they are no hole. Must come before
 * stream_put().
 */
void stream_rejoin(struct stream *stream, const struct stream_record *record);

/* A counter that goes on from `next` where another stream left it. */
void stream_continue(struct stream *stream, uint64_t next);

/*
 * Takes one record; the pipeline's reorder limit bounds what waits. What is due is delivered, unless it is to
 * wait (for the other direction); what waits already is not: stream_step() does that.
 */
void stream_put(struct stream *stream, const struct stream_record *record, const struct pipeline *pipeline,
		bool wait);

/* True when there is room for the record to wait. */
bool stream_has_room(const struct stream *stream, const struct stream_record *record, size_t limit_bytes);

/* When the first record that waits moved, if it is due; else UINT64_MAX. */
uint64_t stream_due_ns(const struct stream *stream);

/* Delivers the first record that waits; it is due. */
void stream_step(struct stream *stream);

/* True when records wait for one that is missing. */
bool stream_is_blocked(const struct stream *stream);

/*
 * True when what is missing now was missing GRACE_POLLS ago; before an end, LATE_NS ago, unless records were
 * lost meanwhile.
 */
bool stream_is_overdue(const struct stream *stream, const struct pipeline *pipeline);

/* Delivers everything that waits, and gives up on everything missing. */
void stream_flush(struct stream *stream);

/* A hole of unknown size, here and now. */
void stream_unknown(struct stream *stream, uint64_t time_ns);

/* The record of an unmeasured call, for stream_put(): it stands behind all that came so far. */
struct stream_record stream_unmeasured(const struct stream *stream, uint64_t time_ns,
				       const struct mover *mover);

/* Does a record wait for its turn? */
static inline bool stream_waits(const struct stream *stream)
{
	return stream->late.first != NULL;
}

/* The memory of those that wait. */
size_t stream_memory(const struct stream *stream);

/* A stream position in the units of event_data.pos. */
uint64_t stream_event_pos(const struct stream *stream, uint64_t pos);

#endif

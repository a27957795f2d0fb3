/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the records of one direction in order (docs/design.md, D5). One ring serves all
 * processors, so records are nearly in order and the usual record goes
 * straight through, uncopied. A record ahead of its turn is copied and waits;
 * what has not come when its time is over (stream_is_overdue()) is lost, a hole of exactly its size.
 *
 * Invariants: everything before `next` was delivered as bytes or hole, once;
 * every chunk in `late` ends behind `next`.
 */
#include "stream.h"

#include "base/counters.h"

#include <stdlib.h>

/* Far above any 32-bit position and any offset, so that nothing goes below 0. */
#define SEQ32_BASE (UINT64_C(1) << 62)
#define POS_MAX	   (UINT64_C(1) << 63)

struct stream_chunk {
	struct heap_node node;
	uint64_t pos, time_ns;
	uint64_t poll, held_ns; /* when it came */
	uint64_t number;	/* in order of arrival */
	uint32_t len, copied;
	bool eof, reached, counted, unknown;
	bool parked; /* it waits for the other direction */
	struct mover mover;
	uint8_t bytes[];
};

void stream_init(struct stream *stream, const struct stream_handler *handler, void *ctx)
{
	*stream = (struct stream){ .handler = handler, .ctx = ctx };
}

static bool chunk_before(const struct heap_node *left, const struct heap_node *right)
{
	const struct stream_chunk *a = (const struct stream_chunk *)left;
	const struct stream_chunk *b = (const struct stream_chunk *)right;

	if (a->pos != b->pos)
		return a->pos < b->pos;
	if (a->eof != b->eof)
		return b->eof;
	return a->number < b->number;
}

static struct stream_chunk *late_first(const struct stream *stream)
{
	return (struct stream_chunk *)stream->late.first;
}

/* Not to be called on an empty one; the caller frees it. */
static struct stream_chunk *late_take(struct stream *stream)
{
	struct stream_chunk *chunk = (struct stream_chunk *)heap_take(&stream->late, chunk_before);

	stream->late_bytes -= chunk->copied;
	stream->late_count--;
	return chunk;
}

void stream_fini(struct stream *stream)
{
	while (stream_waits(stream))
		free(late_take(stream));
}

size_t stream_memory(const struct stream *stream)
{
	return stream->late_bytes + stream->late_count * sizeof(struct stream_chunk);
}

uint64_t stream_event_pos(const struct stream *stream, uint64_t pos)
{
	return stream->seq32 ? (uint32_t)pos : pos;
}

void stream_start(struct stream *stream, const struct stream_record *record, bool beginning_seen)
{
	stream->started = true;
	stream->seq32 = record->seq32;
	if (!record->seq32) {
		stream->from_zero = true;
		stream->next = 0;
		stream->from_start = record->offset_known && record->offset == record->pos;
		return;
	}
	stream->reference = stream->next = SEQ32_BASE + (uint32_t)record->pos;
	if (!record->offset_known)
		stream->from_start = beginning_seen; /* nothing says otherwise */
	if (!record->offset_known || record->offset >= SEQ32_BASE)
		return;
	stream->from_start = record->offset == 0 || beginning_seen;
	if (beginning_seen)
		stream->next -= record->offset;
}

void stream_continue(struct stream *stream, uint64_t next)
{
	stream->started = true;
	stream->next = stream->reference = next;
}

static uint64_t stream_widen(struct stream *stream, const struct stream_record *record)
{
	uint64_t pos = record->pos;

	if (stream->seq32)
		pos = stream->reference +
		      (uint64_t)(int64_t)(int32_t)((uint32_t)pos - (uint32_t)stream->reference);
	if (pos > stream->reference)
		stream->reference = pos;
	return pos;
}

void stream_rejoin(struct stream *stream, const struct stream_record *record)
{
	uint64_t pos = stream_widen(stream, record);

	if (pos <= stream->next || pos >= POS_MAX)
		return;
	stream_fini(stream);
	stream->next = pos;
}

/*
 * Goes on behind a hole: what stands in it was lost, or (read past the records) no record holds it. Should a
 * record of it come after all, its bytes have been told of.
 */
static void stream_jump(struct stream *stream, uint64_t until, bool lost, uint64_t time_ns)
{
	uint64_t size = until - stream->next;

	stream->hole_start = stream->at = stream->next;
	stream->hole_end = until;
	stream->next = until;
	if (!lost)
		stream->past_bytes += size;
	else if (!stream->unrecorded)
		counter_add(COUNTER_STREAM_HOLES, 1);
	stream->handler->hole(stream->ctx, size, lost, time_ns);
}

/* Two calls claimed the same positions: nobody knows whose bytes came first, so the reader must find itself
 * again. A record that comes after it was given up on is no such case: its hole has been told. */
static void stream_overlap(struct stream *stream, uint64_t pos, uint64_t overlap, uint64_t time_ns)
{
	if (pos >= stream->hole_start && pos + overlap <= stream->hole_end)
		return;
	counter_add(COUNTER_BYTES_OVERLAP, overlap);
	stream->at = stream->next;
	stream->handler->hole(stream->ctx, HOLE_UNKNOWN_SIZE, false, time_ns);
}

static void stream_finish(struct stream *stream, uint64_t time_ns)
{
	if (stream->ended)
		return;
	stream->ended = true;
	stream->at = stream->next;
	stream->handler->finish(stream->ctx, time_ns);
}

/* FIN takes one sequence number: the end stands at `next` or one behind. */
static unsigned int stream_fin(const struct stream *stream, bool eof)
{
	return eof && stream->seq32 ? 1 : 0;
}

/* Is all that is missing before pos skipped? The call that gets to where the skip ends leaves a record. */
static bool stream_leaps(const struct stream *stream, uint64_t pos, bool eof)
{
	return pos > stream->next + stream_fin(stream, eof) && pos < stream->skipped_until;
}

static bool stream_is_due(const struct stream *stream, uint64_t pos, bool eof)
{
	return pos <= stream->next + stream_fin(stream, eof) || stream_leaps(stream, pos, eof);
}

/* record->pos <= next, or all between them was read: it is this record's turn. */
static void stream_deliver(struct stream *stream, const struct stream_record *record)
{
	struct slice payload = record->payload;
	uint32_t len = record->len;
	uint64_t overlap;

	if (stream->doubted) {
		stream->doubted = false;
		stream_unknown(stream, record->time_ns);
	}
	if (record->unknown) {
		stream_unknown(stream, record->time_ns);
		return;
	}
	if (record->reached && record->pos > stream->next) {
		stream->past_counted += record->counted ? record->pos - stream->next : 0;
		stream_jump(stream, record->pos, false, record->time_ns);
	} else if (stream_leaps(stream, record->pos, record->eof)) {
		stream->past_counted += record->pos - stream->next;
		stream_jump(stream, record->pos, false, record->time_ns);
	}
	if (record->eof) {
		stream_finish(stream, record->time_ns);
		return;
	}
	overlap = stream->next - record->pos;
	if (overlap > len)
		overlap = len;
	if (overlap) {
		stream_overlap(stream, record->pos, overlap, record->time_ns);
		payload = slice_drop(payload, overlap);
		len -= overlap;
	}
	stream->at = stream->next;
	stream->next += len;
	if (payload.len)
		stream->handler->data(stream->ctx, payload, record->time_ns, record->mover);
	stream->at += payload.len;
	if (len > payload.len)
		stream->handler->hole(stream->ctx, len - payload.len, false, record->time_ns);
}

bool stream_is_blocked(const struct stream *stream)
{
	const struct stream_chunk *first = late_first(stream);

	/* Before a position that was reached nothing more is to come. */
	return first && !stream->given_up && !first->reached &&
	       !stream_is_due(stream, first->pos, first->eof);
}

uint64_t stream_due_ns(const struct stream *stream)
{
	return stream_waits(stream) && !stream_is_blocked(stream) ? late_first(stream)->time_ns : UINT64_MAX;
}

bool stream_is_overdue(const struct stream *stream, const struct pipeline *pipeline)
{
	if (!stream_is_blocked(stream) || stream->missing_poll + GRACE_POLLS > pipeline->poll)
		return false;
	/*
	 * Calls on one direction follow one another, and so do their records; but its end may come while a
	 * thread that moved the last bytes waits for a processor, and with it their record.
	 */
	return late_first(stream)->len || stream->lost != pipeline->lost ||
	       stream->missing_ns + LATE_NS <= pipeline->now_ns;
}

void stream_step(struct stream *stream)
{
	struct stream_chunk *chunk = late_take(stream);
	const struct stream_record record = {
		.pos = chunk->pos,
		.len = chunk->len,
		.eof = chunk->eof,
		.reached = chunk->reached,
		.counted = chunk->counted,
		.unknown = chunk->unknown,
		.payload = slice_of(chunk->bytes, chunk->copied),
		.time_ns = chunk->time_ns,
		.mover = &chunk->mover,
	};

	counter_add(COUNTER_STREAM_LATE, !chunk->parked);
	stream->given_up = false;
	if (!chunk->reached && !stream_is_due(stream, chunk->pos, chunk->eof))
		stream_jump(stream, chunk->pos - stream_fin(stream, chunk->eof), true, chunk->time_ns);
	stream_deliver(stream, &record);
	free(chunk);
	if (stream_waits(stream)) {
		stream->missing_poll = late_first(stream)->poll;
		stream->missing_ns = late_first(stream)->held_ns;
	}
}

void stream_flush(struct stream *stream)
{
	while (stream_waits(stream)) {
		stream->given_up = true;
		stream_step(stream);
	}
}

/* 0, or -1 when memory is out. */
static int stream_hold(struct stream *stream, const struct stream_record *record,
		       const struct pipeline *pipeline, bool parked)
{
	struct stream_chunk *chunk = malloc(sizeof(*chunk) + record->payload.len);

	if (!chunk)
		return -1;
	chunk->pos = record->pos;
	chunk->time_ns = record->time_ns;
	chunk->poll = pipeline->poll;
	chunk->held_ns = pipeline->now_ns;
	chunk->len = record->len;
	chunk->copied = (uint32_t)record->payload.len;
	chunk->eof = record->eof;
	chunk->reached = record->reached;
	chunk->counted = record->counted;
	chunk->unknown = record->unknown;
	chunk->parked = parked;
	chunk->mover = *record->mover;
	if (chunk->copied)
		memcpy(chunk->bytes, record->payload.data, chunk->copied);
	if (!stream_waits(stream)) {
		stream->missing_poll = chunk->poll;
		stream->missing_ns = chunk->held_ns;
	}
	chunk->number = stream->late_number++;
	stream->late_bytes += chunk->copied;
	stream->late_count++;
	heap_add(&stream->late, &chunk->node, chunk_before);
	return 0;
}

/* Nothing that waits comes before what was read past the records. */
static bool stream_passes(const struct stream *stream, const struct stream_record *record)
{
	return record->reached && (!stream_waits(stream) || late_first(stream)->pos >= record->pos);
}

bool stream_has_room(const struct stream *stream, const struct stream_record *record, size_t limit_bytes)
{
	return stream_memory(stream) + record->payload.len <= limit_bytes;
}

/* There is no room for the record to wait: what is before it goes first. */
static void stream_shed(struct stream *stream, const struct stream_record *record)
{
	counter_add(COUNTER_LIMIT_REORDER, record->payload.len);
	while (stream_waits(stream) && late_first(stream)->pos < record->pos) {
		stream->given_up = true;
		stream_step(stream);
	}
	if (stream->next < record->pos)
		stream_jump(stream, record->pos, true, record->time_ns);
}

void stream_put(struct stream *stream, const struct stream_record *record, const struct pipeline *pipeline,
		bool wait)
{
	struct stream_record placed = *record;
	bool due;

	placed.pos = stream_widen(stream, record);
	if (placed.pos >= POS_MAX)
		return; /* no counter gets there: not a record of ours */
	due = stream_is_due(stream, placed.pos, placed.eof) || stream_passes(stream, &placed);
	/* Behind others that wait for the other direction, it waits too. */
	wait |= due && stream_due_ns(stream) != UINT64_MAX && late_first(stream)->pos <= placed.pos;
	if (wait || !due) {
		if (stream_has_room(stream, &placed, pipeline->config.reorder_limit_bytes) &&
		    stream_hold(stream, &placed, pipeline, due) == 0)
			return;
		stream_shed(stream, &placed);
	}
	stream_deliver(stream, &placed);
	if (!stream_waits(stream))
		stream->lost = pipeline->lost;
}

void stream_unknown(struct stream *stream, uint64_t time_ns)
{
	stream->from_start = stream->from_start && stream->started;
	counter_add(COUNTER_STREAM_HOLES, 1);
	stream->at = stream->next;
	stream->handler->hole(stream->ctx, HOLE_UNKNOWN_SIZE, true, time_ns);
}

struct stream_record stream_unmeasured(const struct stream *stream, uint64_t time_ns,
				       const struct mover *mover)
{
	return (struct stream_record){
		.pos = stream_event_pos(stream, stream->reference),
		.seq32 = stream->seq32,
		.unknown = true,
		.time_ns = time_ns,
		.mover = mover,
	};
}

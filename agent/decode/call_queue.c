/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items stand in one queue for both directions, so that what is given out
 * reads as a conversation. Records of one call are put together up to a bound; the
 * last item may still grow until another one follows or a poll passes.
 */
#include "call_queue.h"

#include "base/buffer.h"
#include "base/counters.h"
#include "base/table.h"
#include "flow.h"

#include <stdlib.h>

#define CALL_MAX_BYTES	(256 * 1024) /* of one item */
#define UNDETERMINED_NS UINT64_C(1000000000)
/* Memory of an item besides its bytes. */
#define HELD_ITEMS_SHARE sizeof(struct call_item)

struct call_item {
	struct call_item *prev, *next;
	struct call call; /* its bytes are those of `data` */
	struct buffer data;
	uint64_t record; /* that its last bytes came in */
	bool open;	 /* further records of the call may follow */
};

static void item_remove(struct call_queue *queue, struct call_item *item)
{
	queue->bytes -= item->call.bytes.len + HELD_ITEMS_SHARE;
	DL_DELETE(queue->items, item);
	buffer_fini(&item->data);
	free(item);
}

void call_queue_fini(struct call_queue *queue)
{
	while (queue->items)
		item_remove(queue, queue->items);
}

/* Room for the next one: the oldest goes, and is counted as not shown. */
static void call_queue_bound(struct flow *flow, size_t bytes)
{
	struct call_queue *queue = &flow->calls;
	size_t limit = flow->pipeline->config.held_limit_bytes + CALL_MAX_BYTES;

	while (queue->items && queue->bytes + bytes > limit) {
		counter_add(COUNTER_LIMIT_HELD, queue->items->call.bytes.len);
		item_remove(queue, queue->items);
	}
}

/* A new item at the end. NULL: out of memory. */
static struct call_item *item_add(struct flow *flow, enum event_direction direction, uint64_t time_ns)
{
	struct call_queue *queue = &flow->calls;
	struct call_item *item = calloc(1, sizeof(*item));

	if (!item) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return NULL;
	}
	if (!queue->items)
		queue->since_ns = time_ns;
	item->call = (struct call){
		.direction = direction,
		.time_ns = time_ns,
		.position = stream_event_pos(&flow->side[direction].stream, flow->side[direction].stream.at),
		.numbered = flow->side[direction].stream.seq32,
		.tls = flow->session != NULL,
		.mover = flow->facts->owner,
	};
	DL_APPEND(queue->items, item);
	queue->bytes += HELD_ITEMS_SHARE;
	return item;
}

static struct call_item *item_last(const struct call_queue *queue)
{
	return queue->items ? queue->items->prev : NULL;
}

static void item_append(struct call_queue *queue, struct call_item *item, struct slice bytes)
{
	buffer_put(&item->data, bytes.data, bytes.len);
	item->call.len += bytes.len;
	if (item->data.failed) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	item->call.bytes = slice_of(item->data.data, item->data.len);
	queue->bytes += bytes.len;
}

/* The item whose call these bytes go on with; NULL: they begin one. */
static struct call_item *item_continued(const struct call_queue *queue, enum event_direction direction,
					const struct mover *mover)
{
	struct call_item *last = item_last(queue);

	if (!last || !last->open || last->call.direction != direction || last->call.mover.tid != mover->tid)
		return NULL;
	if (last->call.len != last->call.bytes.len || last->call.len >= CALL_MAX_BYTES)
		return NULL;
	return last;
}

/* Does somebody want to see the calls, as long as they are plain? */
static bool calls_are_wanted(const struct flow *flow)
{
	return flow->pipeline->config.want_calls && !flow_is_tls(flow);
}

void call_queue_data(struct flow *flow, enum event_direction direction, struct slice bytes, uint64_t time_ns,
		     const struct mover *mover)
{
	struct call_queue *queue = &flow->calls;
	struct call_item *item;

	if (!calls_are_wanted(flow))
		return;
	item = item_continued(queue, direction, mover);
	call_queue_bound(flow, item ? 0 : bytes.len);
	if (!item)
		item = item_add(flow, direction, time_ns);
	if (!item)
		return;
	item->call.mover = *mover;
	item_append(queue, item, bytes);
	item->record = queue->record;
	item->open = queue->more;
}

void call_queue_hole(struct flow *flow, enum event_direction direction, uint64_t size, bool lost,
		     uint64_t time_ns)
{
	struct call_queue *queue = &flow->calls;
	struct call_item *item = item_last(queue);
	bool missing = lost || size == HOLE_UNKNOWN_SIZE;

	if (!calls_are_wanted(flow))
		return;
	/* Else the rest of a record or of a call, or a whole one of which nothing was copied. */
	if (missing || !item || (item->record != queue->record && !item->open) ||
	    item->call.direction != direction)
		item = item_add(flow, direction, time_ns);
	if (!item)
		return;
	if (missing) {
		item->call.lost_bytes = size;
		return;
	}
	item->call.len += size;
	item->call.hole = queue->hole;
	item->record = queue->record;
	item->open = queue->more;
}

void call_queue_end(struct flow *flow, enum event_direction direction, bool reset, uint64_t time_ns)
{
	struct call_item *item = calls_are_wanted(flow) ? item_add(flow, direction, time_ns) : NULL;

	if (!item)
		return;
	item->call.end = !reset;
	item->call.reset = reset;
}

/* The oldest comes out. */
static void call_queue_give(struct flow *flow, bool undetermined)
{
	struct call_item *item = flow->calls.items;
	const struct result result = {
		.kind = RESULT_CALL, .conn = flow->facts, .mover = &item->call.mover, .call = &item->call
	};

	item->call.conn = flow->facts;
	item->call.protocol = flow->state == FLOW_HTTP ? flow->ops->name : NULL;
	item->call.undetermined = undetermined;
	pipeline_tell(flow->pipeline, &result);
	item_remove(&flow->calls, item);
}

static bool is_undetermined(const struct flow *flow)
{
	return !flow->session && flow->state == FLOW_UNDETERMINED;
}

void call_queue_judge(struct flow *flow)
{
	struct call_queue *queue = &flow->calls;

	if (flow_is_tls(flow))
		call_queue_fini(queue);
	while (queue->items && !is_undetermined(flow) && (queue->items->next || !queue->items->open))
		call_queue_give(flow, false);
}

void call_queue_poll(struct flow *flow)
{
	if (flow->calls.items && !is_undetermined(flow))
		call_queue_flush(flow);
}

void call_queue_expire(struct flow *flow)
{
	if (flow->calls.items && flow->pipeline->now_ns - flow->calls.since_ns >= UNDETERMINED_NS)
		call_queue_flush(flow);
}

void call_queue_flush(struct flow *flow)
{
	if (flow_is_tls(flow))
		call_queue_fini(&flow->calls);
	while (flow->calls.items)
		call_queue_give(flow, is_undetermined(flow));
}

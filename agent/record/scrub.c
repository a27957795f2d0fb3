/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events stand in one queue in the order in which they came and leave it in
 * that order, each when it is ready. What does not become ready in time, or
 * within the memory, leaves without its bytes.
 */
#include "scrub.h"

#include "base/budget.h"
#include "base/counters.h"
#include "quic_initial.h"
#include "scrub_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX_BYTES (16 * 1024 * 1024)
#define FLOWS_MAX	16384
#define BUDGET_SHARE	8
#define STATE_CLOSE	7 /* TCP_CLOSE of the kernel's include/net/tcp_states.h */

struct scrub {
	struct scrub_config config;
	struct scrub_item *queue; /* oldest first */
	size_t queue_bytes;
	struct scrub_flow *flows;  /* by key */
	struct scrub_flow *recent; /* by last use, oldest first */
	struct scrub_flow *gaps;   /* with something behind missing bytes: each poll looks at them */
	struct scrub_flow *waits;  /* with something that waits, the longest first */
	size_t flow_count;
	size_t flow_bytes; /* of all of them */
	size_t charged_bytes;
	uint64_t now_ns, numbers;
	uint64_t poll;
};

struct scrub *scrub_new(const struct scrub_config *config)
{
	struct scrub *scrub = calloc(1, sizeof(*scrub));

	if (scrub)
		scrub->config = *config;
	return scrub;
}

static void gap_list(struct scrub *scrub, struct scrub_flow *flow, bool missing)
{
	if (missing && !flow->gap_listed)
		DL_APPEND2(scrub->gaps, flow, gap_prev, gap_next);
	else if (!missing && flow->gap_listed)
		DL_DELETE2(scrub->gaps, flow, gap_prev, gap_next);
	flow->gap_listed = missing;
}

static void wait_list(struct scrub *scrub, struct scrub_flow *flow, bool waits)
{
	if (waits && !flow->wait_listed) {
		DL_APPEND2(scrub->waits, flow, wait_prev, wait_next);
		flow->wait_ns = scrub->now_ns;
	} else if (!waits && flow->wait_listed) {
		DL_DELETE2(scrub->waits, flow, wait_prev, wait_next);
	}
	flow->wait_listed = waits;
}

/* After something came, or a poll: polls look only at what may be due, for thousands may wait. */
static void flow_list(struct scrub *scrub, struct scrub_flow *flow)
{
	gap_list(scrub, flow, scrub_flow_is_missing(flow));
	wait_list(scrub, flow, scrub_flow_waits(flow));
}

static void flow_weigh(struct scrub *scrub, struct scrub_flow *flow)
{
	size_t bytes = scrub_flow_memory(flow);

	scrub->flow_bytes += bytes - flow->held_bytes;
	flow->held_bytes = bytes;
}

static void scrub_charge(struct scrub *scrub)
{
	budget_set(scrub->config.budget, &scrub->charged_bytes, scrub->queue_bytes + scrub->flow_bytes);
}

static void flow_remove(struct scrub *scrub, struct scrub_flow *flow)
{
	scrub_flow_force(flow);
	gap_list(scrub, flow, false);
	wait_list(scrub, flow, false);
	HASH_DEL(scrub->flows, flow);
	DL_DELETE(scrub->recent, flow);
	scrub->flow_count--;
	scrub->flow_bytes -= flow->held_bytes;
	scrub_flow_free(flow);
}

static size_t item_bytes(const struct scrub_item *item)
{
	return offsetof(struct scrub_item, event) + item->event.header.size;
}

static void item_free(struct scrub_item *item)
{
	free(item->cuts.items);
	free(item);
}

void scrub_free(struct scrub *scrub)
{
	struct scrub_item *item, *next;

	if (!scrub)
		return;
	while (scrub->recent)
		flow_remove(scrub, scrub->recent);
	DL_FOREACH_SAFE(scrub->queue, item, next)
	item_free(item);
	scrub->queue_bytes = 0;
	scrub_charge(scrub);
	free(scrub);
}

/* --- out ------------------------------------------------------------------------------ */

/* The first `keep` bytes from `at` on, and `len` that they and the hole behind them stand for. */
static int piece_give(struct scrub *scrub, struct event_data *data, const struct event_data *whole, size_t at,
		      size_t keep, size_t len)
{
	bool last = at + len == whole->len;

	memmove(data->payload, data->payload + at, keep);
	*data = *whole;
	data->pos += at;
	if (data->h.flags & EVENT_POS_SEQ32)
		data->pos = (uint32_t)data->pos;
	data->offset += at;
	data->len = (uint32_t)len;
	data->copied = (uint32_t)keep;
	data->h.size = (uint32_t)(sizeof(*data) + keep);
	if (keep < len && (!last || whole->hole == HOLE_NONE))
		data->hole = HOLE_SKIPPED;
	if (keep == len)
		data->hole = HOLE_NONE;
	if (!last)
		data->h.flags |= EVENT_MORE;
	return scrub->config.fn(scrub->config.ctx, &data->h);
}

/* Gives the event without what was cut out: records of what lies between, each with the hole behind it. */
static int item_give_cut(struct scrub *scrub, struct scrub_item *item)
{
	struct event_data *data = &item->event.data, whole = *data;
	struct scrub_cut all = { 0, whole.copied };
	const struct scrub_cut *cuts = item->cuts.all ? &all : item->cuts.items;
	size_t count = item->cuts.all ? 1 : item->cuts.count, at = 0;
	int error = 0;

	for (size_t i = 0; i < count && error >= 0; i++) {
		/* The bytes behind the last cut that were not copied anyway belong to its hole. */
		size_t end = cuts[i].to == whole.copied ? whole.len : cuts[i].to;

		counter_add(COUNTER_RECORD_DROPPED, cuts[i].to - cuts[i].from);
		error = piece_give(scrub, data, &whole, at, cuts[i].from - at, end - at);
		at = end;
	}
	if (error >= 0 && at < whole.len)
		error = piece_give(scrub, data, &whole, at, whole.copied - at, whole.len - at);
	return error;
}

static int queue_drain(struct scrub *scrub)
{
	int error = 0;

	while (error >= 0 && scrub->queue && scrub->queue->ready) {
		struct scrub_item *item = scrub->queue;
		size_t bytes = item_bytes(item);

		DL_DELETE(scrub->queue, item);
		error = (item->cuts.all && item->event.data.copied) || item->cuts.count
				? item_give_cut(scrub, item)
				: scrub->config.fn(scrub->config.ctx, &item->event.header);
		scrub->queue_bytes -= bytes;
		item_free(item);
	}
	return error < 0 ? error : 0;
}

/* --- in -------------------------------------------------------------------------------- */

static struct scrub_item *queue_add(struct scrub *scrub, const struct event_header *event)
{
	size_t size = event->size > sizeof(struct event_data) ? event->size : sizeof(struct event_data);
	struct scrub_item *item = calloc(1, offsetof(struct scrub_item, event) + size);

	if (!item) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return NULL;
	}
	memcpy(&item->event, event, event->size);
	item->cuts.payload = item->event.data.payload;
	item->number = scrub->numbers++;
	DL_APPEND(scrub->queue, item);
	scrub->queue_bytes += item_bytes(item);
	return item;
}

static struct scrub_key event_key(const struct event_data *data)
{
	if (data->h.type == EVENT_SOCKET_DATA)
		return (struct scrub_key){ .socket = data->sock.id ? data->sock.id : data->sock.sk };
	return (struct scrub_key){ .session = tls_key_of(data) };
}

static struct scrub_flow *flow_find(const struct scrub *scrub, const struct scrub_key *key)
{
	struct scrub_flow *flow;

	HASH_FIND(hh, scrub->flows, key, sizeof(*key), flow);
	return flow;
}

/* Finds or makes, and makes it the newest. NULL: out of memory. */
static struct scrub_flow *flow_get(struct scrub *scrub, const struct scrub_key *key)
{
	struct scrub_flow *flow = flow_find(scrub, key);

	if (flow) {
		DL_DELETE(scrub->recent, flow);
		DL_APPEND(scrub->recent, flow);
		return flow;
	}
	if (scrub->flow_count == FLOWS_MAX)
		flow_remove(scrub, scrub->recent);
	flow = scrub_flow_new(key, &scrub->config);
	if (!flow)
		return NULL;
	HASH_ADD(hh, scrub->flows, key, sizeof(flow->key), flow);
	if (!TABLE_ADDED(flow, hh)) {
		scrub_flow_free(flow);
		return NULL;
	}
	DL_APPEND(scrub->recent, flow);
	scrub->flow_count++;
	return flow;
}

static void take_data(struct scrub *scrub, const struct event_data *event)
{
	struct scrub_key key = event_key(event);
	struct scrub_item *item = queue_add(scrub, &event->h);
	struct scrub_flow *flow = flow_find(scrub, &key);

	if (!item)
		return;
	/* The session's address is another one's now. */
	if (flow && event->h.type == EVENT_TLS_DATA && event->h.flags & EVENT_FROM_START && event->pos == 0 &&
	    event->len && flow->side[event->direction].started && flow->side[event->direction].next)
		flow_remove(scrub, flow);
	flow = flow_get(scrub, &key);
	if (flow) {
		scrub_flow_take(flow, item, scrub->poll);
		flow_list(scrub, flow);
		flow_weigh(scrub, flow);
		return;
	}
	counter_add(COUNTER_LIMIT_MEMORY, 1);
	item->cuts.all = true;
	item->ready = true;
}

static void take_poll(struct scrub *scrub)
{
	struct scrub_flow *flow, *tmp;

	scrub->poll++;
	DL_FOREACH_SAFE2(scrub->gaps, flow, tmp, gap_next)
	{
		scrub_flow_poll(flow, scrub->poll, scrub->now_ns);
		flow_list(scrub, flow);
	}
	while ((flow = scrub->waits) && flow->wait_ns + SCRUB_WAIT_NS <= scrub->now_ns) {
		scrub_flow_poll(flow, scrub->poll, scrub->now_ns);
		wait_list(scrub, flow, false);
		flow_list(scrub, flow);
	}
}

static void take_other(struct scrub *scrub, const struct event_header *event)
{
	const struct event_data *data = (const struct event_data *)event;
	const struct event_state *state = (const struct event_state *)event;
	struct scrub_key key;
	struct scrub_flow *flow;

	switch (event->type) {
	case EVENT_POLL:
		take_poll(scrub);
		break;
	case EVENT_TLS_EARLY: /* refused: its positions are used again */
	case EVENT_TLS_FREE:
		key = event_key(data);
		flow = event->flags & EVENT_EARLY ? NULL : flow_find(scrub, &key);
		if (flow)
			flow_remove(scrub, flow);
		break;
	case EVENT_TLS_REFUSED:
		key = event_key(data);
		flow = flow_find(scrub, &key);
		if (flow)
			scrub_flow_unknown(flow, data->direction);
		break;
	case EVENT_SOCKET_STATE:
		key = (struct scrub_key){ .socket = state->sock.id };
		flow = state->new_state == STATE_CLOSE && key.socket ? flow_find(scrub, &key) : NULL;
		/* Records of another processor may still come; they then begin a flow of their own. */
		if (flow && !scrub_flow_waits(flow))
			flow_remove(scrub, flow);
		break;
	}
}

/* Of a datagram what everybody can read is kept: packets that open with the keys of their own connection id.
 */
static void datagram_judge(struct scrub *scrub, struct scrub_item *item)
{
	struct event_data *data = &item->event.data;
	struct slice rest = slice_of(data->payload, data->copied);
	struct quic_initial *initial;
	struct quic_packet packet;
	uint32_t keep = 0, cut;

	while (quic_initial_next(&rest, &packet) && (initial = quic_initial_new(&packet))) {
		quic_initial_free(initial);
		keep = (uint32_t)(packet.bytes.data + packet.bytes.len - data->payload);
	}
	cut = data->copied - keep;
	if (!cut)
		return;
	counter_add(COUNTER_RECORD_DROPPED, cut);
	scrub->queue_bytes -= cut;
	data->copied = keep;
	data->h.size -= cut;
	data->hole = HOLE_SKIPPED;
}

int scrub_event(struct scrub *scrub, const struct event_header *event)
{
	size_t share = budget_share(scrub->config.budget, BUDGET_SHARE);
	const struct event_data *data = (const struct event_data *)event;
	struct scrub_item *item;
	int error;

	if (event->time_ns > scrub->now_ns)
		scrub->now_ns = event->time_ns;
	if ((event->type == EVENT_SOCKET_DATA || event->type == EVENT_TLS_DATA) && data->len) {
		take_data(scrub, data);
	} else {
		item = queue_add(scrub, event);
		if (item && event->type == EVENT_DATAGRAM)
			datagram_judge(scrub, item);
		/* Its fields are in QPACK, which cannot be overwritten at its length: nothing of it is kept.
		 */
		if (item && event->type == EVENT_STREAM_DATA)
			item->cuts.all = true;
		if (item)
			item->ready = true;
		take_other(scrub, event);
	}
	while (scrub->queue_bytes > QUEUE_MAX_BYTES && scrub->recent) {
		struct scrub_flow *flow;

		counter_add(COUNTER_LIMIT_HELD, 1);
		DL_FOREACH (scrub->recent, flow)
			scrub_flow_force(flow);
		if (queue_drain(scrub) < 0 || !scrub->queue)
			break;
	}
	error = queue_drain(scrub);
	/* Their later bytes are judged as those of something that was joined late. */
	while (error >= 0 && share && scrub->queue_bytes + scrub->flow_bytes > share && scrub->recent) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		flow_remove(scrub, scrub->recent);
		error = queue_drain(scrub);
	}
	scrub_charge(scrub);
	return error;
}

bool scrub_waits(const struct scrub *scrub)
{
	return scrub->gaps || scrub->waits;
}

int scrub_end(struct scrub *scrub)
{
	while (scrub->recent)
		flow_remove(scrub, scrub->recent);
	return queue_drain(scrub);
}

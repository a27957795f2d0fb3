/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One byte layer: its records in order of position, what they are, and the
 * scanner that belongs to that. A direction without a verdict waits; behind
 * missing bytes only what is certain is kept.
 */
#include "scrub_flow.h"

#include "base/counters.h"
#include "detect.h"
#include "http2/http2_frame.h"
#include "model/pipeline.h"

#include <stdlib.h>

#define JUDGED_MAX 65536

struct scrub_flow *scrub_flow_new(const struct scrub_key *key, const struct scrub_config *config)
{
	struct scrub_flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->key = *key;
	flow->config = config;
	for (int i = 0; i < 2; i++)
		scrub_http1_init(&flow->side[i].http1, config);
	return flow;
}

void scrub_flow_free(struct scrub_flow *flow)
{
	if (!flow)
		return;
	for (int i = 0; i < 2; i++) {
		scrub_frames_free(flow->side[i].frames);
		scrub_http1_fini(&flow->side[i].http1);
		held_fini(&flow->side[i].judged);
	}
	free(flow);
}

static void item_drop(struct scrub_item *item)
{
	item->cuts.all = true;
	item->ready = true;
}

/* --- what the scanners do with an item ----------------------------------------------- */

/* Behind the head of a 101 both directions speak another protocol. */
static void flow_switch(struct scrub_flow *flow, int direction, bool h2c)
{
	enum scrub_kind kind = h2c ? SCRUB_FRAMES : flow->config->keep_other ? SCRUB_TEXT : SCRUB_DROP;

	flow->http = false;
	for (int i = 0; i < 2; i++) {
		struct scrub_side *side = &flow->side[i];

		/* The client's preface may have told already. */
		if (side->kind == SCRUB_FRAMES && i != direction)
			continue;
		side->kind = kind;
		scrub_http1_force(&side->http1);
		scrub_http1_fini(&side->http1);
		scrub_http1_init(&side->http1, flow->config);
		if (kind == SCRUB_FRAMES && !side->frames)
			side->frames = scrub_frames_new(flow->config, true);
	}
}

/* Gives the bytes of an item, from `at` on, to the scanner of its direction. */
static void item_scan_from(struct scrub_flow *flow, int direction, struct scrub_item *item, size_t at)
{
	struct scrub_side *side = &flow->side[direction];
	struct event_data *data = &item->event.data;

	switch (side->kind) {
	case SCRUB_TEXT:
		if (item->turn && !flow->http && side->http1.state == HTTP1_UNKNOWN &&
		    flow->config->keep_other)
			scrub_http1_begin(&side->http1);
		at += scrub_http1_feed(&side->http1, data->payload + at, data->copied - at, &item->cuts);
		flow->http |= side->http1.seen;
		if (side->http1.state != HTTP1_SWITCHED)
			break;
		flow_switch(flow, direction, side->http1.h2c);
		item_scan_from(flow, direction, item, at);
		break;
	case SCRUB_FRAMES:
		if (side->frames)
			scrub_frames_feed(side->frames, data->payload + at, data->copied - at, &item->cuts);
		else /* out of memory */
			item->cuts.all = true;
		break;
	case SCRUB_DROP:
	case SCRUB_UNDETERMINED:
		scrub_cuts_add(&item->cuts, data->payload + at, data->copied - at);
		break;
	case SCRUB_CIPHER:
		break;
	}
}

static void side_hole(struct scrub_side *side, uint64_t size)
{
	scrub_http1_hole(&side->http1, size);
	if (side->frames)
		scrub_frames_hole(side->frames, size);
	held_drop(&side->judged, side->judged.len);
	side->from_start = false;
}

/* Bytes between two items. What is not judged yet will be when the items before the hole are. */
static void side_miss(struct scrub_side *side, uint64_t size)
{
	if (side->kind == SCRUB_UNDETERMINED)
		side->missing =
			size >= HOLE_UNKNOWN_SIZE - side->missing ? HOLE_UNKNOWN_SIZE : side->missing + size;
	side_hole(side, size);
}

/* By the verdict; then the bytes of the item that were not copied. */
static void item_scan(struct scrub_flow *flow, int direction, struct scrub_item *item)
{
	struct scrub_side *side = &flow->side[direction];
	const struct event_data *data = &item->event.data;
	struct slice bytes = slice_of(data->payload, data->copied);
	size_t at = data->copied < side->plain ? data->copied : side->plain;

	side->plain -= at;
	/* An upgrade whose answer is still on its way: the client goes on in HTTP/2. */
	if (side->kind == SCRUB_TEXT && slice_has_prefix(bytes, slice_of(http2_preface, HTTP2_PREFACE_BYTES)))
		flow_switch(flow, direction, true);
	if (side->kind == SCRUB_DROP)
		at = 0;
	item_scan_from(flow, direction, item, at);
	if (data->len > data->copied)
		side_hole(side, data->len - data->copied);
}

/* Hands on the items whose bytes no scanner will touch any more. */
static void side_release(struct scrub_side *side)
{
	struct scrub_item *item, *tmp;

	if ((side->frames && scrub_frames_open(side->frames)) || scrub_http1_open(&side->http1))
		return;
	DL_FOREACH_SAFE2(side->taken, item, tmp, side_next)
	{
		DL_DELETE2(side->taken, item, side_prev, side_next);
		item->ready = true;
	}
}

/* --- the verdict ------------------------------------------------------------------------ */

static void side_decide(struct scrub_flow *flow, int direction, enum scrub_kind kind)
{
	struct scrub_side *side = &flow->side[direction];
	struct scrub_item *item;

	if (side->kind != SCRUB_UNDETERMINED)
		return;
	side->kind = kind;
	if (!side->from_start && side->started)
		scrub_http1_hole(&side->http1, HOLE_UNKNOWN_SIZE);
	if (kind == SCRUB_FRAMES)
		side->frames = scrub_frames_new(flow->config, side->from_start || !side->started);
	DL_FOREACH2(side->taken, item, side_next)
	{
		if (item->missing)
			side_hole(side, item->missing);
		item_scan(flow, direction, item);
	}
	if (side->missing)
		side_hole(side, side->missing);
	side->missing = 0;
	held_fini(&side->judged);
	side_release(side);
}

static void flow_decide(struct scrub_flow *flow, enum scrub_kind kind)
{
	for (int i = 0; i < 2; i++)
		side_decide(flow, i, kind);
}

/* A field's name without its colon is overwritten nowhere, for it would seem another one: it is left out. */
static void name_cut(struct scrub_side *side)
{
	const struct scrub_runs *name = scrub_http1_name(&side->http1);
	struct scrub_item *item;

	DL_FOREACH2(side->taken, item, side_next)
	{
		const struct event_data *data = &item->event.data;

		for (size_t i = 0; name && i < name->count; i++) {
			const struct scrub_run *run = &name->items[i];

			if (run->bytes >= data->payload && run->bytes < data->payload + data->copied)
				scrub_cuts_add(&item->cuts, run->bytes, run->len);
		}
	}
}

static void side_force(struct scrub_side *side)
{
	struct scrub_item *item, *tmp;
	bool unjudged = side->kind == SCRUB_UNDETERMINED;

	name_cut(side);
	scrub_http1_force(&side->http1);
	if (side->frames)
		unjudged |= scrub_frames_force(side->frames);
	if (side->kind == SCRUB_UNDETERMINED && side->taken) {
		side_hole(side, HOLE_UNKNOWN_SIZE);
		side->plain = 0;
	}
	DL_FOREACH_SAFE2(side->taken, item, tmp, side_next)
	{
		DL_DELETE2(side->taken, item, side_prev, side_next);
		if (unjudged)
			item_drop(item);
		else
			item->ready = true;
	}
}

/* Bytes of unknown kind go by; a head that begins behind them may be shown. */
static void side_undecided(struct scrub_flow *flow, int direction)
{
	struct scrub_side *side = &flow->side[direction];

	if (!flow->config->keep_other)
		flow_decide(flow, SCRUB_DROP);
	else if (side->from_start)
		flow_decide(flow, SCRUB_TEXT);
	else
		side_force(side);
}

/* DETECT_OTHER: no database is asked. */
static enum detect_kind query_kind(struct slice bytes)
{
	enum detect_kind kind = detect_query_first(bytes).kind;

	return kind == DETECT_MORE ? DETECT_OTHER : kind;
}

static void side_judge(struct scrub_flow *flow, int direction)
{
	struct scrub_side *side = &flow->side[direction];
	struct detect_result result;

	for (;;) {
		result = side->from_start ? detect_first(held_bytes(&side->judged))
					  : held_search(&side->judged, detect_late);
		if (result.kind == DETECT_OTHER)
			result.kind = query_kind(held_bytes(&side->judged));
		if (result.kind != DETECT_PROXY)
			break;
		side->plain += result.offset;
		held_drop(&side->judged, result.offset);
		if (!result.offset || !side->judged.len)
			return;
	}
	switch (result.kind) {
	case DETECT_MORE:
		if (side->taken && side->taken->side_prev->turn && flow->config->keep_other)
			flow_decide(flow, SCRUB_TEXT);
		else if (side->judged.len >= JUDGED_MAX)
			side_undecided(flow, direction);
		break;
	case DETECT_HTTP1_REQUEST:
	case DETECT_HTTP1_RESPONSE:
		flow->http = true;
		flow_decide(flow, SCRUB_TEXT);
		break;
	case DETECT_HTTP2_PREFACE:
	case DETECT_HTTP2_FRAMES:
		flow_decide(flow, SCRUB_FRAMES);
		break;
	case DETECT_TLS:
		flow_decide(flow, SCRUB_CIPHER);
		break;
	case DETECT_FASTCGI: /* nobody judges its parameters, where cookies and passwords are, */
	case DETECT_POSTGRESQL_LATE:
	case DETECT_MYSQL:
	case DETECT_MYSQL_LATE:
	case DETECT_POSTGRESQL: /* nor what databases are told */
		flow_decide(flow, SCRUB_DROP);
		break;
	case DETECT_OTHER:
		flow_decide(flow, flow->config->keep_other ? SCRUB_TEXT : SCRUB_DROP);
		break;
	case DETECT_PROXY:
		break;
	}
}

/* --- order --------------------------------------------------------------------------------- */

/* In protocols of text that are none of HTTP's, who speaks after the other has spoken begins a message. */
static void turn_note(struct scrub_flow *flow, int direction, struct scrub_item *item)
{
	struct scrub_side *side = &flow->side[direction];
	const struct scrub_side *other = &flow->side[!direction];
	const struct event_data *data = &item->event.data;

	for (size_t i = 0; i < data->copied && !side->binary; i++) /* no controls but those of text */
		side->binary = data->payload[i] < '\t' || (data->payload[i] > '\r' && data->payload[i] < ' ');
	item->turn = !side->binary && !other->binary && other->last_ns > side->last_ns &&
		     data->h.time_ns > other->last_ns;
	side->last_ns = data->h.time_ns;
}

/* The item's position is due. */
static void item_take(struct scrub_flow *flow, int direction, struct scrub_item *item)
{
	struct scrub_side *side = &flow->side[direction];
	struct event_data *data = &item->event.data;
	const struct mover nobody = { .pid = 0 };
	bool cut_short;

	side->next = data->pos + data->len;
	side->is_missing = false;
	turn_note(flow, direction, item);
	item->missing = side->missing;
	side->missing = 0;
	if (!side->taken)
		side->since_ns = data->h.time_ns;
	DL_APPEND2(side->taken, item, side_prev, side_next);
	if (side->kind != SCRUB_UNDETERMINED) {
		item_scan(flow, direction, item);
		side_release(side);
		return;
	}
	if (held_add(&side->judged, slice_of(data->payload, data->copied), data->h.time_ns, &nobody) < 0) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		side_hole(side, HOLE_UNKNOWN_SIZE);
	}
	cut_short = data->len > data->copied && side->judged.len < JUDGED_MAX;
	side_judge(flow, direction);
	if (cut_short &&
	    side->kind == SCRUB_UNDETERMINED) /* the bytes that are there decide, or nothing does */
		side_hole(side, data->len - data->copied);
}

/* How far the item is ahead of what is due; less than 0: behind. */
static int64_t item_distance(const struct scrub_side *side, const struct event_data *data)
{
	if (data->h.flags & EVENT_POS_SEQ32)
		return (int32_t)((uint32_t)data->pos - (uint32_t)side->next);
	return (int64_t)(data->pos - side->next);
}

/* Of those at one position the first that came. */
static bool item_before(const struct heap_node *left, const struct heap_node *right)
{
	const struct scrub_item *a = (const struct scrub_item *)left, *b = (const struct scrub_item *)right;
	uint32_t distance = (uint32_t)a->event.data.pos - (uint32_t)b->event.data.pos;

	if (a->event.data.pos == b->event.data.pos)
		return a->number < b->number;
	if (a->event.data.h.flags & EVENT_POS_SEQ32)
		return (int32_t)distance < 0;
	return a->event.data.pos < b->event.data.pos;
}

static void side_run(struct scrub_flow *flow, int direction)
{
	struct scrub_side *side = &flow->side[direction];

	while (side->ahead.first) {
		struct scrub_item *item = (struct scrub_item *)side->ahead.first;
		int64_t distance = item_distance(side, &item->event.data);

		if (distance > 0)
			return;
		heap_take(&side->ahead, item_before);
		if (distance == 0)
			item_take(flow, direction, item);
		else /* positions that were given up on, or claimed twice */
			item_drop(item);
	}
}

static void side_give_up(struct scrub_flow *flow, int direction)
{
	struct scrub_side *side = &flow->side[direction];
	struct scrub_item *first = (struct scrub_item *)side->ahead.first;

	if (!first)
		return;
	side_miss(side, (uint64_t)item_distance(side, &first->event.data));
	side->next = first->event.data.pos;
	side->is_missing = false;
	side_run(flow, direction);
}

void scrub_flow_take(struct scrub_flow *flow, struct scrub_item *item, uint64_t poll)
{
	const struct event_data *data = &item->event.data;
	int direction = data->direction == DIRECTION_SENT ? 0 : 1;
	struct scrub_side *side = &flow->side[direction];

	if (!side->started) {
		side->started = true;
		side->from_start = data->h.type == EVENT_TLS_DATA
					   ? data->h.flags & EVENT_FROM_START && data->pos == 0
					   : data->h.flags & EVENT_OFFSET_KNOWN && data->offset == 0;
		/* The other direction told what this one is. */
		if (side->kind != SCRUB_UNDETERMINED && !side->from_start) {
			scrub_http1_hole(&side->http1, HOLE_UNKNOWN_SIZE);
			if (side->frames)
				scrub_frames_hole(side->frames, HOLE_UNKNOWN_SIZE);
		}
		side->next = data->pos;
	}
	heap_add(&side->ahead, &item->node, item_before);
	side_run(flow, direction);
	if (side->ahead.first && !side->is_missing) {
		side->is_missing = true;
		side->missing_poll = poll;
	}
}

void scrub_flow_unknown(struct scrub_flow *flow, enum event_direction direction)
{
	int i = direction == DIRECTION_SENT ? 0 : 1;

	/* Behind what waits: that came before the call. */
	while (flow->side[i].ahead.first)
		side_give_up(flow, i);
	side_miss(&flow->side[i], HOLE_UNKNOWN_SIZE);
}

void scrub_flow_poll(struct scrub_flow *flow, uint64_t poll, uint64_t now_ns)
{
	for (int i = 0; i < 2; i++) {
		struct scrub_side *side = &flow->side[i];

		if (side->ahead.first && side->is_missing && side->missing_poll + GRACE_POLLS <= poll)
			side_give_up(flow, i);
		if (!side->taken || now_ns < side->since_ns + SCRUB_WAIT_NS)
			continue;
		if (side->kind == SCRUB_UNDETERMINED && side->from_start && flow->config->keep_other)
			flow_decide(flow, SCRUB_TEXT);
		else
			side_force(side);
	}
}

void scrub_flow_force(struct scrub_flow *flow)
{
	for (int i = 0; i < 2; i++) {
		while (flow->side[i].ahead.first)
			side_give_up(flow, i);
		if (flow->side[i].kind == SCRUB_UNDETERMINED && flow->side[i].from_start &&
		    flow->config->keep_other)
			flow_decide(flow, SCRUB_TEXT);
		side_force(&flow->side[i]);
	}
}

bool scrub_flow_is_missing(const struct scrub_flow *flow)
{
	return flow->side[0].ahead.first || flow->side[1].ahead.first;
}

bool scrub_flow_waits(const struct scrub_flow *flow)
{
	return scrub_flow_is_missing(flow) || flow->side[0].taken || flow->side[1].taken;
}

size_t scrub_flow_memory(const struct scrub_flow *flow)
{
	size_t bytes = sizeof(*flow);

	for (int i = 0; i < 2; i++)
		bytes += held_memory(&flow->side[i].judged) + scrub_http1_memory(&flow->side[i].http1) +
			 (flow->side[i].frames ? scrub_frames_memory(flow->side[i].frames) : 0);
	return bytes;
}

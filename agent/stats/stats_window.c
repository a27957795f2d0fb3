/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows are rings of slots, each for a second or for ten: a slot that is
 * written to again first forgets what it held, one that is not is passed over
 * when it is too old. So nothing has to happen while a row is idle.
 */
#include "stats_private.h"

#include <errno.h>
#include <stdlib.h>

#define SECOND_NS UINT64_C(1000000000)

static const struct ring {
	size_t first, count; /* in stats_windows.slots */
	uint64_t slot_ns;
} rings[] = {
	[WINDOW_10S] = { 0, 10, SECOND_NS },
	[WINDOW_60S] = { 10, 6, 10 * SECOND_NS },
};

void stats_numbers_fini(struct stats_numbers *numbers)
{
	histogram_fini(&numbers->duration);
	histogram_fini(&numbers->ttfb);
	histogram_fini(&numbers->client);
	*numbers = (struct stats_numbers){ 0 };
}

void stats_numbers_clear(struct stats_numbers *numbers)
{
	struct histogram duration = numbers->duration, ttfb = numbers->ttfb, client = numbers->client;

	histogram_clear(&duration);
	histogram_clear(&ttfb);
	histogram_clear(&client);
	*numbers = (struct stats_numbers){ .duration = duration, .ttfb = ttfb, .client = client };
}

void stats_numbers_merge_counts(struct stats_numbers *into, const struct stats_numbers *from)
{
	into->count += from->count;
	into->errors_4xx += from->errors_4xx;
	into->errors_5xx += from->errors_5xx;
	into->errors_reset += from->errors_reset;
	into->errors_timeout += from->errors_timeout;
	into->closed += from->closed;
	into->errors_grpc += from->errors_grpc;
	into->errors_query += from->errors_query;
	into->told_tokens += from->told_tokens;
	into->input_tokens += from->input_tokens;
	into->output_tokens += from->output_tokens;
	into->grpc += from->grpc;
	into->errors += from->errors;
	into->request_bytes += from->request_bytes;
	into->response_bytes += from->response_bytes;
}

int stats_numbers_merge(struct stats_numbers *into, const struct stats_numbers *from)
{
	int err = 0;

	stats_numbers_merge_counts(into, from);
	err |= histogram_merge(&into->duration, &from->duration);
	err |= histogram_merge(&into->ttfb, &from->ttfb);
	err |= histogram_merge(&into->client, &from->client);
	return err ? -ENOMEM : 0;
}

static size_t numbers_memory(const struct stats_numbers *numbers)
{
	return histogram_memory(&numbers->duration) + histogram_memory(&numbers->ttfb) +
	       histogram_memory(&numbers->client);
}

size_t stats_row_memory(const struct stats_private *row)
{
	size_t bytes =
		sizeof(*row) + row->key_len + numbers_memory(&row->row.run) + numbers_memory(&row->interval);

	if (!row->windows)
		return bytes;
	for (size_t i = 0; i < WINDOW_SLOTS; i++)
		bytes += numbers_memory(&row->windows->slots[i].numbers);
	return bytes + sizeof(*row->windows);
}

void stats_windows_free(struct stats_private *row)
{
	struct stats_windows *windows = row->windows;

	if (!windows)
		return;
	for (size_t i = 0; i < WINDOW_SLOTS; i++)
		stats_numbers_fini(&windows->slots[i].numbers);
	free(windows);
	row->windows = NULL;
}

struct stats_numbers *stats_window_now(struct stats_private *row, enum stats_window window, uint64_t now_ns)
{
	const struct ring *ring = &rings[window];
	uint64_t epoch = now_ns / ring->slot_ns;
	struct stats_slot *slot;

	if (!row->windows)
		row->windows = calloc(1, sizeof(*row->windows));
	if (!row->windows)
		return NULL;
	row->windows->last_ns = now_ns;
	slot = &row->windows->slots[ring->first + epoch % ring->count];
	if (slot->epoch != epoch + 1) {
		stats_numbers_clear(&slot->numbers);
		slot->epoch = epoch + 1;
	}
	return &slot->numbers;
}

typedef int merge_fn(struct stats_numbers *into, const struct stats_numbers *from);

static int window_sum(const struct stats *stats, const struct stats_row *row, enum stats_window window,
		      struct stats_numbers *numbers, merge_fn *merge)
{
	const struct stats_slot *slots = row->private->windows ? row->private->windows->slots : NULL;
	const struct ring *ring;
	uint64_t epoch;
	int err = 0;

	*numbers = (struct stats_numbers){ 0 };
	if (window == WINDOW_RUN || (window == WINDOW_INTERVAL && !stats->interval_wanted))
		return merge(numbers, &row->run);
	if (window == WINDOW_INTERVAL)
		return merge(numbers, &row->private->interval);
	ring = &rings[window];
	epoch = stats->now_ns / ring->slot_ns + 1;
	for (size_t i = ring->first; slots && i < ring->first + ring->count; i++)
		if (slots[i].epoch && slots[i].epoch <= epoch && slots[i].epoch + ring->count > epoch)
			err |= merge(numbers, &slots[i].numbers);
	return err;
}

int stats_window(const struct stats *stats, const struct stats_row *row, enum stats_window window,
		 struct stats_numbers *numbers)
{
	return window_sum(stats, row, window, numbers, stats_numbers_merge);
}

/* Of latencies what is not in buckets. */
static int merge_cheaply(struct stats_numbers *into, const struct stats_numbers *from)
{
	stats_numbers_merge_counts(into, from);
	into->duration.count += from->duration.count;
	into->duration.sum_ns += from->duration.sum_ns;
	if (from->duration.max_ns > into->duration.max_ns)
		into->duration.max_ns = from->duration.max_ns;
	return 0;
}

void stats_window_counts(const struct stats *stats, const struct stats_row *row, enum stats_window window,
			 struct stats_numbers *numbers)
{
	window_sum(stats, row, window, numbers, merge_cheaply);
}

uint64_t stats_span_ns(const struct stats *stats, enum stats_window window)
{
	uint64_t run = stats->now_ns - stats->first_ns, covered;

	if (window == WINDOW_INTERVAL)
		return stats->interval_ns ? stats->now_ns - stats->interval_ns : run;
	if (window == WINDOW_RUN)
		return run;
	covered = (rings[window].count - 1) * rings[window].slot_ns + stats->now_ns % rings[window].slot_ns;
	return run < covered ? run : covered;
}

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

/* Merges all but the buckets. */
static void histogram_merge_counts(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

static void numbers_merge_counts(struct stats_numbers *into, const struct stats_numbers *from)
{
	into->count += from->count;
	into->errors_4xx += from->errors_4xx;
	into->errors_5xx += from->errors_5xx;
	into->errors_reset += from->errors_reset;
	into->errors_timeout += from->errors_timeout;
	into->closed += from->closed;
	into->errors_grpc += from->errors_grpc;
	into->errors += from->errors;
	into->request_bytes += from->request_bytes;
	into->response_bytes += from->response_bytes;
}

int stats_numbers_merge(struct stats_numbers *into, const struct stats_numbers *from)
{
	int err = 0;

	numbers_merge_counts(into, from);
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
	for (size_t i = 0; i < WINDOW_SECONDS; i++)
		bytes += numbers_memory(&row->windows->seconds[i].numbers);
	for (size_t i = 0; i < WINDOW_TENS; i++)
		bytes += numbers_memory(&row->windows->tens[i].numbers);
	return bytes + sizeof(*row->windows);
}

void stats_windows_free(struct stats_private *row)
{
	struct stats_windows *windows = row->windows;

	if (!windows)
		return;
	for (size_t i = 0; i < WINDOW_SECONDS; i++)
		stats_numbers_fini(&windows->seconds[i].numbers);
	for (size_t i = 0; i < WINDOW_TENS; i++)
		stats_numbers_fini(&windows->tens[i].numbers);
	free(windows);
	row->windows = NULL;
}

static struct stats_numbers *slot_use(struct stats_slot *ring, size_t slots, uint64_t epoch)
{
	struct stats_slot *slot = &ring[epoch % slots];

	if (slot->epoch != epoch + 1) {
		stats_numbers_clear(&slot->numbers);
		slot->epoch = epoch + 1;
	}
	return &slot->numbers;
}

struct stats_numbers *stats_second(struct stats_private *row, uint64_t now_ns)
{
	if (!row->windows)
		row->windows = calloc(1, sizeof(*row->windows));
	if (!row->windows)
		return NULL;
	row->windows->last_ns = now_ns;
	return slot_use(row->windows->seconds, WINDOW_SECONDS, now_ns / SECOND_NS);
}

struct stats_numbers *stats_ten(struct stats_private *row, uint64_t now_ns)
{
	return slot_use(row->windows->tens, WINDOW_TENS, now_ns / SECOND_NS / 10);
}

static bool is_covered(const struct stats_slot *slot, size_t slots, uint64_t epoch)
{
	return slot->epoch && slot->epoch <= epoch + 1 && slot->epoch + slots > epoch + 1;
}

static int ring_sum(const struct stats_slot *ring, size_t slots, uint64_t epoch,
		    struct stats_numbers *numbers)
{
	int err = 0;

	for (size_t i = 0; i < slots; i++)
		if (is_covered(&ring[i], slots, epoch))
			err |= stats_numbers_merge(numbers, &ring[i].numbers);
	return err ? -ENOMEM : 0;
}

int stats_window(const struct stats *stats, const struct stats_row *row, enum stats_window window,
		 struct stats_numbers *numbers)
{
	const struct stats_windows *windows = row->private->windows;
	uint64_t second = stats->now_ns / SECOND_NS;

	*numbers = (struct stats_numbers){ 0 };
	switch (window) {
	case WINDOW_RUN:
		return stats_numbers_merge(numbers, &row->run);
	case WINDOW_10S:
		return windows ? ring_sum(windows->seconds, WINDOW_SECONDS, second, numbers) : 0;
	case WINDOW_60S:
		return windows ? ring_sum(windows->tens, WINDOW_TENS, second / 10, numbers) : 0;
	case WINDOW_INTERVAL:
		return stats_numbers_merge(numbers,
					   stats->interval_wanted ? &row->private->interval : &row->run);
	}
	return 0;
}

void stats_window_counts(const struct stats *stats, const struct stats_row *row, enum stats_window window,
			 struct stats_numbers *numbers)
{
	const struct stats_windows *windows = row->private->windows;
	uint64_t epoch = stats->now_ns / SECOND_NS / (window == WINDOW_60S ? 10 : 1);
	size_t slots = window == WINDOW_60S ? WINDOW_TENS : WINDOW_SECONDS;
	const struct stats_slot *ring;

	*numbers = (struct stats_numbers){ 0 };
	if (window == WINDOW_RUN || window == WINDOW_INTERVAL) {
		bool run = window == WINDOW_RUN || !stats->interval_wanted;

		numbers_merge_counts(numbers, run ? &row->run : &row->private->interval);
		histogram_merge_counts(&numbers->duration,
				       run ? &row->run.duration : &row->private->interval.duration);
		return;
	}
	ring = !windows ? NULL : window == WINDOW_60S ? windows->tens : windows->seconds;
	for (size_t i = 0; ring && i < slots; i++) {
		if (!is_covered(&ring[i], slots, epoch))
			continue;
		numbers_merge_counts(numbers, &ring[i].numbers);
		histogram_merge_counts(&numbers->duration, &ring[i].numbers.duration);
	}
}

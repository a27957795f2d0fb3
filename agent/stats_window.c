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

int stats_numbers_merge(struct stats_numbers *into, const struct stats_numbers *from)
{
	int err = 0;

	into->count += from->count;
	into->errors_4xx += from->errors_4xx;
	into->errors_5xx += from->errors_5xx;
	into->errors_reset += from->errors_reset;
	into->errors_timeout += from->errors_timeout;
	into->errors_grpc += from->errors_grpc;
	into->errors += from->errors;
	into->request_bytes += from->request_bytes;
	into->response_bytes += from->response_bytes;
	err |= histogram_merge(&into->duration, &from->duration);
	err |= histogram_merge(&into->ttfb, &from->ttfb);
	err |= histogram_merge(&into->client, &from->client);
	return err ? -ENOMEM : 0;
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

static int ring_sum(const struct stats_slot *ring, size_t slots, uint64_t epoch,
		    struct stats_numbers *numbers)
{
	int err = 0;

	for (size_t i = 0; i < slots; i++)
		if (ring[i].epoch && ring[i].epoch <= epoch + 1 && ring[i].epoch + slots > epoch + 1)
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

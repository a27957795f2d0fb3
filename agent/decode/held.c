/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One flat buffer, because detection wants contiguous bytes, beside a list of
 * runs. Invariant: the runs' lengths add up to len.
 */
#include "held.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>

#define SEARCH_WHOLE_BYTES 1024 /* so little is searched anew with each record */

void held_fini(struct held *held)
{
	free(held->bytes);
	free(held->runs);
	*held = (struct held){ .bytes = NULL };
}

static int held_reserve(struct held *held, size_t more)
{
	size_t capacity = held->capacity ? held->capacity : 512;
	void *grown;

	grown = array_room(held->runs, held->run_count, &held->run_capacity, sizeof(*held->runs));
	if (!grown)
		return -ENOMEM;
	held->runs = grown;
	if (more <= held->capacity - held->len)
		return 0;
	while (capacity - held->len < more)
		capacity *= 2;
	grown = realloc(held->bytes, capacity);
	if (!grown)
		return -ENOMEM;
	held->bytes = grown;
	held->capacity = capacity;
	return 0;
}

int held_add(struct held *held, struct slice bytes, uint64_t time_ns, const struct mover *mover)
{
	int err;

	if (!bytes.len)
		return 0;
	err = held_reserve(held, bytes.len);
	if (err)
		return err;
	memcpy(held->bytes + held->len, bytes.data, bytes.len);
	held->len += bytes.len;
	held->runs[held->run_count++] = (struct held_run){
		.len = bytes.len,
		.time_ns = time_ns,
		.mover = *mover,
	};
	return 0;
}

void held_drop(struct held *held, size_t n)
{
	size_t runs = 0;

	if (n > held->len)
		n = held->len;
	if (!n)
		return;
	held->len -= n;
	memmove(held->bytes, held->bytes + n, held->len);
	while (n && n >= held->runs[runs].len)
		n -= held->runs[runs++].len;
	held->run_count -= runs;
	memmove(held->runs, held->runs + runs, held->run_count * sizeof(*held->runs));
	if (n)
		held->runs[0].len -= n;
	held->scanned = 0;
}

struct slice held_bytes(const struct held *held)
{
	return slice_of(held->bytes, held->len);
}

struct detect_result held_search(struct held *held, struct detect_result (*search)(struct slice bytes))
{
	bool whole = held->len <= SEARCH_WHOLE_BYTES || held->len - held->scanned > held->scanned / 4;
	struct detect_result result;
	size_t start = held->len;

	if (whole)
		held->scanned = held->len;
	for (size_t i = held->run_count; i > 0 && i + 2 > held->run_count; i--)
		start -= held->runs[i - 1].len;
	start = whole ? 0 : start;
	result = search(slice_drop(held_bytes(held), start));
	result.offset += start;
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "metric_series.h"

#include "base/counters.h"
#include "base/frequent.h"
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

struct item {
	struct metric_series series;
	struct frequent_item rank;
	UT_hash_handle hh;
	size_t len;
	char labels[];
};

struct metric_table {
	size_t limit, bytes_max, count, held_bytes;
	struct item *items;
	struct item *rest;
	bool rest_used;
	struct frequent frequent;
};

static void series_fini(struct metric_series *series)
{
	for (size_t i = 0; i < METRIC_MEASURES; i++)
		metric_histogram_fini(&series->of[i]);
}

static struct item *item_new(struct slice labels)
{
	struct item *item = calloc(1, sizeof(*item) + labels.len);

	if (!item)
		return NULL;
	item->len = labels.len;
	memcpy(item->labels, labels.data, labels.len);
	return item;
}

static void item_free(struct item *item)
{
	if (item)
		series_fini(&item->series);
	free(item);
}

struct metric_table *metric_table_new(size_t limit, size_t bytes_max, struct slice rest_labels)
{
	struct metric_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->limit = limit;
	table->bytes_max = bytes_max;
	table->rest = item_new(rest_labels);
	if (table->rest)
		return table;
	free(table);
	return NULL;
}

void metric_table_free(struct metric_table *table)
{
	struct item *item, *next;

	if (!table)
		return;
	HASH_ITER (hh, table->items, item, next) {
		HASH_DEL(table->items, item);
		item_free(item);
	}
	item_free(table->rest);
	frequent_fini(&table->frequent);
	free(table);
}

static struct item *item_of_rank(struct frequent_item *rank)
{
	return (struct item *)((char *)rank - offsetof(struct item, rank));
}

static void item_evict(struct metric_table *table, struct item *item)
{
	struct metric_series *rest = &table->rest->series;
	uint64_t hash = hash_words(HASH_START, slice_of(item->labels, item->len));

	for (size_t i = 0; !item->series.read && i < METRIC_MEASURES; i++)
		metric_histogram_merge(&rest->of[i], &item->series.of[i]);
	table->rest_used |= !item->series.read;
	counter_add(COUNTER_LIMIT_SERIES, item->series.unread);
	frequent_remember(&table->frequent, hash, item->rank.count);
	frequent_remove(&table->frequent, &item->rank);
	HASH_DEL(table->items, item);
	table->count--;
	table->held_bytes -= sizeof(*item) + item->len + item->series.bytes;
	item_free(item);
}

static struct metric_series *item_rest(struct metric_table *table)
{
	counter_add(COUNTER_LIMIT_SERIES, 1);
	table->rest_used = true;
	return &table->rest->series;
}

static bool is_full(const struct metric_table *table)
{
	return table->count >= table->limit ||
	       (table->bytes_max && table->count && table->held_bytes > table->bytes_max);
}

/* A place for a label set that has none; NULL: it gets none. */
static struct item *item_add(struct metric_table *table, struct slice labels)
{
	uint64_t count = 1;
	struct item *item;

	if (is_full(table)) {
		struct frequent_item *least;

		if (!frequent_miss(&table->frequent, hash_words(HASH_START, labels), &least, &count))
			return NULL;
		item_evict(table, item_of_rank(least));
	}
	item = item_new(labels);
	if (!item)
		return NULL;
	HASH_ADD_KEYPTR(hh, table->items, item->labels, item->len, item);
	if (!TABLE_ADDED(item, hh)) {
		free(item);
		return NULL;
	}
	frequent_add(&table->frequent, &item->rank, count);
	table->count++;
	table->held_bytes += sizeof(*item) + item->len;
	return item;
}

struct metric_series *metric_table_find(struct metric_table *table, struct slice labels)
{
	struct item *item;

	HASH_FIND(hh, table->items, labels.data, labels.len, item);
	if (item)
		frequent_count(&table->frequent, &item->rank, 1);
	else
		item = item_add(table, labels);
	if (!item)
		return item_rest(table);
	item->series.unread++;
	return &item->series;
}

void metric_table_weigh(struct metric_table *table, struct metric_series *series)
{
	size_t now = 0;

	for (size_t i = 0; i < METRIC_MEASURES; i++)
		now += metric_histogram_bytes(&series->of[i]);
	table->held_bytes += now - series->bytes;
	series->bytes = now;
}

size_t metric_table_count(const struct metric_table *table)
{
	return table->count + table->rest_used;
}

size_t metric_table_bytes(const struct metric_table *table)
{
	return sizeof(*table) + sizeof(struct item) + table->held_bytes;
}

void metric_table_each(struct metric_table *table, bool reads,
		       void (*fn)(void *ctx, struct slice labels, const struct metric_series *series),
		       void *ctx)
{
	struct item *item, *next;

	HASH_ITER (hh, table->items, item, next) {
		fn(ctx, slice_of(item->labels, item->len), &item->series);
		if (!reads)
			continue;
		item->series.read = true;
		item->series.unread = 0;
	}
	if (table->rest_used)
		fn(ctx, slice_of(table->rest->labels, table->rest->len), &table->rest->series);
}

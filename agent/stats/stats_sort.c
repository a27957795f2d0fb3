/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and columns: their names, as --by and --sort take them, and the order of
 * rows by them. Each row's value is found once, then the values are sorted.
 */
#include "stats_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const by_names[] = {
	[BY_ENDPOINT] = "endpoint",
	[BY_HOST] = "host",
	[BY_PATH] = "path",
	[BY_PROCESS] = "process",
	[BY_PEER] = "peer",
	[BY_STATUS] = "status",
	[BY_CONNECTION] = "connection",
	[BY_TRACE] = "trace",
	[BY_CONTAINER] = "container",
	[BY_POD] = "pod",
	[BY_UNIT] = "unit",
};

static const char *const sort_names[] = {
	[SORT_COUNT] = "count",
	[SORT_RATE] = "rate",
	[SORT_IN_FLIGHT] = "in_flight",
	[SORT_ERRORS] = "errors",
	[SORT_P50] = "p50",
	[SORT_P90] = "p90",
	[SORT_P99] = "p99",
	[SORT_P999] = "p99.9",
	[SORT_MAX] = "max",
	[SORT_TTFB] = "ttfb",
	[SORT_TOTAL] = "total",
	[SORT_REQUEST_BYTES] = "request_bytes",
	[SORT_RESPONSE_BYTES] = "response_bytes",
	[SORT_NAME] = "name",
};

/* The index of a name, or -1. */
static int name_find(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

int stats_by_of(const char *name, enum stats_by *by)
{
	int found = name_find(by_names, sizeof(by_names) / sizeof(by_names[0]), name);

	if (found < 0 && !strchr(name, '.'))
		return -EINVAL;
	*by = found < 0 ? BY_FACT : (enum stats_by)found;
	return 0;
}

const char *stats_by_name(enum stats_by by)
{
	return by < sizeof(by_names) / sizeof(by_names[0]) ? by_names[by] : NULL;
}

int stats_sort_of(const char *name, enum stats_sort *sort)
{
	int found = name_find(sort_names, sizeof(sort_names) / sizeof(sort_names[0]), name);

	if (found < 0)
		return -EINVAL;
	*sort = (enum stats_sort)found;
	return 0;
}

const char *stats_sort_name(enum stats_sort sort)
{
	return sort < SORT_COLUMNS ? sort_names[sort] : NULL;
}

/* --- order ---------------------------------------------------------------------------- */

/* An unknown string comes first. */
static int compare_strings(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_peers(const struct event_socket *a, const struct event_socket *b)
{
	int order = compare_numbers(a->family, b->family);

	if (order == 0)
		order = memcmp(a->peer, b->peer, sizeof(a->peer));
	return order ? order : compare_numbers(a->peer_port, b->peer_port);
}

static int compare_keys(enum stats_by by, const struct stats_row *a, const struct stats_row *b)
{
	int order;

	switch (by) {
	case BY_ENDPOINT:
		order = compare_strings(a->host, b->host);
		if (order == 0)
			order = compare_strings(a->route, b->route);
		if (order == 0)
			order = compare_strings(a->method, b->method);
		return order ? order : compare_strings(a->operation, b->operation);
	case BY_HOST:
		return compare_strings(a->host, b->host);
	case BY_PATH:
		return compare_strings(a->path, b->path);
	case BY_PROCESS:
		order = compare_strings(a->program, b->program);
		return order ? order : compare_numbers(a->pid, b->pid);
	case BY_PEER:
		return compare_peers(&a->conn.sock, &b->conn.sock);
	case BY_STATUS:
		return compare_numbers((uint64_t)a->status, (uint64_t)b->status);
	case BY_CONNECTION:
		return compare_numbers(a->conn.id, b->conn.id);
	case BY_TRACE:
		return compare_strings(a->trace, b->trace);
	case BY_FACT:
		return compare_strings(a->fact, b->fact);
	case BY_CONTAINER:
	case BY_POD:
	case BY_UNIT:
		order = compare_strings(a->place, b->place);
		return order ? order : compare_strings(a->beside, b->beside);
	}
	return 0;
}

struct sort_item {
	struct stats_row *row;
	uint64_t value, count;
	enum stats_by by;
	bool by_name, reverse;
};

static int compare_items(const void *left, const void *right)
{
	const struct sort_item *a = left, *b = right;
	int order;

	if (a->row->overflow != b->row->overflow)
		return a->row->overflow - b->row->overflow;
	order = a->by_name ? compare_keys(a->by, a->row, b->row) : compare_numbers(b->value, a->value);
	if (order)
		return a->reverse ? -order : order;
	order = compare_numbers(b->count, a->count);
	return order ? order : compare_keys(a->by, a->row, b->row);
}

static uint64_t value_of(enum stats_sort column, const struct stats_row *row,
			 const struct stats_numbers *numbers)
{
	switch (column) {
	case SORT_COUNT:
	case SORT_RATE: /* one span divides all */
		return numbers->count;
	case SORT_IN_FLIGHT:
		return row->in_flight;
	case SORT_ERRORS:
		return numbers->errors;
	case SORT_P50:
		return histogram_quantile(&numbers->duration, 0.5);
	case SORT_P90:
		return histogram_quantile(&numbers->duration, 0.9);
	case SORT_P99:
		return histogram_quantile(&numbers->duration, 0.99);
	case SORT_P999:
		return histogram_quantile(&numbers->duration, 0.999);
	case SORT_MAX:
		return numbers->duration.max_ns;
	case SORT_TTFB:
		return histogram_quantile(&numbers->ttfb, 0.5);
	case SORT_TOTAL:
		return numbers->duration.sum_ns;
	case SORT_REQUEST_BYTES:
		return numbers->request_bytes;
	case SORT_RESPONSE_BYTES:
		return numbers->response_bytes;
	case SORT_NAME:
	case SORT_COLUMNS:
		return 0;
	}
	return 0;
}

struct gather {
	const struct stats *stats;
	enum stats_sort column;
	bool reverse;
	enum stats_window window;
	struct sort_item *items;
	size_t count, room;
	int err;
};

static void gather_row(void *ctx, struct stats_row *row)
{
	struct gather *gather = ctx;
	struct stats_numbers numbers = { 0 };

	if (gather->count == gather->room || gather->err)
		return;
	if (gather->window != WINDOW_RUN)
		gather->err = stats_window(gather->stats, row, gather->window, &numbers);
	gather->items[gather->count++] = (struct sort_item){
		.row = row,
		.value = value_of(gather->column, row, gather->window == WINDOW_RUN ? &row->run : &numbers),
		.count = gather->window == WINDOW_RUN ? row->run.count : numbers.count,
		.by = gather->stats->config.by,
		.by_name = gather->column == SORT_NAME,
		.reverse = gather->reverse,
	};
	stats_numbers_fini(&numbers);
}

int stats_sorted(struct stats *stats, enum stats_sort column, bool reverse, enum stats_window window,
		 struct stats_row ***rows, size_t *count)
{
	struct gather gather = { .stats = stats,
				 .column = column,
				 .reverse = reverse,
				 .window = window,
				 .room = stats_count(stats) };

	*rows = calloc(gather.room + 1, sizeof(struct stats_row *));
	gather.items = calloc(gather.room + 1, sizeof(*gather.items));
	if (!*rows || !gather.items)
		gather.err = -ENOMEM;
	stats_each(stats, gather_row, &gather);
	if (!gather.err) {
		qsort(gather.items, gather.count, sizeof(*gather.items), compare_items);
		for (size_t i = 0; i < gather.count; i++)
			(*rows)[i] = gather.items[i].row;
		*count = gather.count;
	} else {
		free(*rows);
		*rows = NULL;
		*count = 0;
	}
	free(gather.items);
	return gather.err;
}

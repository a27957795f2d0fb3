/* SPDX-License-Identifier: Apache-2.0 */
/* The names of keys and columns, as --by and --sort take them. */
#include "stats.h"

#include <errno.h>
#include <string.h>

static const char *const by_names[] = {
	[BY_ENDPOINT] = "endpoint",	[BY_HOST] = "host",	      [BY_PATH] = "path",
	[BY_PROCESS] = "process",	[BY_PEER] = "peer",	      [BY_STATUS] = "status",
	[BY_CONNECTION] = "connection", [BY_CONTAINER] = "container",
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
	[SORT_REQUEST_BYTES] = "request_bytes",
	[SORT_RESPONSE_BYTES] = "response_bytes",
	[SORT_NAME] = "name",
};

/* The index of a name, or -1. */
static int find(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

int stats_by_of(const char *name, enum stats_by *by)
{
	int found = find(by_names, sizeof(by_names) / sizeof(by_names[0]), name);

	if (found < 0)
		return -EINVAL;
	*by = (enum stats_by)found;
	return 0;
}

const char *stats_by_name(enum stats_by by)
{
	return by_names[by];
}

int stats_sort_of(const char *name, enum stats_sort *sort)
{
	int found = find(sort_names, sizeof(sort_names) / sizeof(sort_names[0]), name);

	if (found < 0)
		return -EINVAL;
	*sort = (enum stats_sort)found;
	return 0;
}

const char *stats_sort_name(enum stats_sort sort)
{
	return sort_names[sort];
}

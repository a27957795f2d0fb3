/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile requests: lines of a method, a space and a path, to one host or, with
 * a byte in front that is odd, another. The first line is a pattern, used when
 * it is one; the first byte of all sets the options.
 *
 * Checked: the limit is kept, each request is counted once however endpoints
 * are folded, and what found an endpoint finds one again.
 */
#include "routes/routes.h"
#include "routes/routes_pattern.h"

#include <stdlib.h>

#define LIMIT 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sums {
	uint64_t requests, endpoints;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void add_up(void *ctx, struct endpoint *into, struct endpoint *from)
{
	(void)ctx;
	must(into != from && (into->overflow || into->host == from->host) && !from->overflow);
	into->data = (void *)((uintptr_t)into->data + (uintptr_t)from->data);
}

static void sum(void *ctx, struct endpoint *endpoint)
{
	struct sums *sums = ctx;

	sums->requests += (uintptr_t)endpoint->data;
	sums->endpoints += !endpoint->overflow;
	must(endpoint->overflow == (endpoint->folded > 0));
	must(!endpoint->route || strlen(endpoint->route) < 33 * 160 || endpoint->overflow);
}

static struct slice take_line(struct slice *rest)
{
	const uint8_t *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	struct slice line = end ? slice_take(*rest, (size_t)(end - rest->data)) : *rest;

	*rest = slice_drop(*rest, line.len + (end != NULL));
	return line;
}

static void request(struct routes *routes, struct slice line)
{
	struct slice host = line.len && line.data[0] & 1 ? SLICE("a") : SLICE("b"), method = line;
	const uint8_t *space = line.len ? memchr(line.data, ' ', line.len) : NULL;
	struct slice path = { .data = NULL };
	struct endpoint *endpoint;
	bool overflow;

	if (space) {
		method = slice_take(line, (size_t)(space - line.data));
		path = slice_drop(line, method.len + 1);
	}
	endpoint = routes_find(routes, host, method, path, line.len % 16 == 7);
	endpoint->data = (void *)((uintptr_t)endpoint->data + 1);
	overflow = endpoint->overflow;
	endpoint = routes_find(routes, host, method, path, line.len % 16 == 7); /* perhaps folded by now */
	must(overflow || !endpoint->overflow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct routes_config config = { .limit = LIMIT, .merge = add_up };
	struct slice rest = slice_of(data, size), line;
	struct sums sums = { 0 };
	uint64_t requests = 0;
	struct routes *routes;
	const char *patterns[1], *error;
	char pattern[256];
	size_t at;

	if (!size)
		return 0;
	config.fold_static = data[0] & 1;
	rest = slice_drop(rest, 1);
	line = slice_take(take_line(&rest), sizeof(pattern) - 1);
	if (line.len)
		memcpy(pattern, line.data, line.len);
	pattern[line.len] = '\0';
	patterns[0] = pattern;
	config.patterns = patterns;
	config.pattern_count = routes_pattern_parse(pattern, &(struct pattern){ 0 }, &error, &at) == 0;
	must(config.pattern_count || at <= strlen(pattern));
	routes = routes_new(&config);
	must(routes != NULL);
	for (; rest.len; requests++)
		request(routes, take_line(&rest));
	routes_each(routes, sum, &sums);
	must(sums.requests == requests && sums.endpoints <= LIMIT);
	routes_free(routes);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All exchanges stand in the order of their beginnings, and a parent before its
 * children: whatever ids a peer makes up, there is no circle. The callers of a
 * process are found by its number, among LOOKS_MAX that began before.
 */
#include "trace_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOKS_MAX 1000

struct linking {
	struct trace_node **all;     /* by time */
	struct trace_node **servers; /* by process, then by time: those whose server was seen */
	struct trace_node **spans;   /* by span, then by time: those of traces that have one */
	size_t count, server_count, span_count;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* By their beginnings; of two at one time the longer one comes first. */
static int compare_times(const void *left, const void *right)
{
	const struct trace_end *a = trace_node_outer(*(struct trace_node *const *)left);
	const struct trace_end *b = trace_node_outer(*(struct trace_node *const *)right);
	int order = compare_numbers(a->start_ns, b->start_ns);

	order = order ? order : compare_numbers(b->end_ns, a->end_ns);
	return order ? order : compare_numbers(a->connection, b->connection);
}

static int compare_servers(const void *left, const void *right)
{
	const struct trace_node *a = *(struct trace_node *const *)left;
	const struct trace_node *b = *(struct trace_node *const *)right;
	int order = compare_numbers(a->server.pid, b->server.pid);

	order = order ? order : compare_numbers(a->server.start_ns, b->server.start_ns);
	return order ? order : compare_numbers(a->at, b->at);
}

static int compare_spans(const void *left, const void *right)
{
	const struct trace_node *a = *(struct trace_node *const *)left;
	const struct trace_node *b = *(struct trace_node *const *)right;
	int order = strcmp(a->span, b->span);

	return order ? order : compare_numbers(a->at, b->at);
}

/* Was the exchange made by the process that served the other, meanwhile? */
static bool is_within(const struct trace_node *inner, const struct trace_node *outer)
{
	return outer->at < inner->at && outer->server.seen && inner->client.seen && outer->server.pid &&
	       outer->server.pid == inner->client.pid && outer->server.start_ns <= inner->client.start_ns &&
	       (!outer->server.ended || inner->client.end_ns <= outer->server.end_ns);
}

/* The place behind the last exchange that has the span. */
static size_t span_end(const struct linking *linking, const char *span)
{
	size_t low = 0, high = linking->span_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(linking->spans[middle]->span, span) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_before(const struct trace_node *inner, const struct trace_node *outer)
{
	return outer->at < inner->at;
}

/*
 * Is this the server's end of an exchange of which the other is the client's? On Unix sockets nothing else
 * tells that they are one.
 */
static bool is_other_end(const struct trace_node *inner, const struct trace_node *outer)
{
	return outer->at < inner->at && outer->client.seen && !outer->server.seen && !inner->client.seen &&
	       outer->client.start_ns <= inner->server.start_ns &&
	       (!outer->client.ended || inner->server.end_ns <= outer->client.end_ns) &&
	       slice_equal(inner->method, outer->method) && slice_equal(inner->path, outer->path);
}

/* The newest exchange of the trace that has this span and fits. */
static struct trace_node *
find_span(const struct linking *linking, const struct trace_node *inner, const char *span,
	  bool (*fits)(const struct trace_node *inner, const struct trace_node *outer))
{
	size_t i = span_end(linking, span);

	for (size_t looks = 0; *span && i-- > 0 && looks < LOOKS_MAX; looks++) {
		struct trace_node *node = linking->spans[i];

		if (strcmp(node->span, span) != 0)
			return NULL;
		if (node->trace == inner->trace && fits(inner, node))
			return node;
	}
	return NULL;
}

/* The place behind the last exchange that the process served from then on or before. */
static size_t server_end(const struct linking *linking, const struct trace_end *client)
{
	size_t low = 0, high = linking->server_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct trace_end *server = &linking->servers[middle]->server;

		if (server->pid < client->pid ||
		    (server->pid == client->pid && server->start_ns <= client->start_ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct candidates {
	struct trace_node *newest, *of_thread; /* the newest of all, and of the caller's thread */
	size_t count, of_thread_count;
};

/* own: of its trace alone. */
static struct candidates find_candidates(const struct linking *linking, const struct trace_node *inner,
					 bool own)
{
	struct candidates found = { .newest = NULL };
	size_t i = server_end(linking, &inner->client);

	for (size_t looks = 0; i-- > 0 && looks < LOOKS_MAX; looks++) {
		struct trace_node *node = linking->servers[i];

		if (node->server.pid != inner->client.pid)
			break;
		if ((own && node->trace != inner->trace) || !is_within(inner, node))
			continue;
		found.newest = found.newest ? found.newest : node;
		found.count++;
		if (node->server.tid != inner->client.tid)
			continue;
		found.of_thread = found.of_thread ? found.of_thread : node;
		found.of_thread_count++;
	}
	return found;
}

static void link_own(const struct linking *linking, struct trace_node *inner)
{
	struct candidates found;

	inner->within = inner->trace;
	inner->up = find_span(linking, inner, inner->parent, is_before);
	if (!inner->up)
		inner->up = find_span(linking, inner, inner->span, is_within);
	if (!inner->up && !inner->client.seen) {
		inner->up = find_span(linking, inner, inner->span, is_other_end);
		inner->guess = inner->up != NULL;
	}
	if (inner->up || !inner->client.seen)
		return;
	found = find_candidates(linking, inner, true);
	inner->up = found.of_thread ? found.of_thread : found.newest;
	inner->guess = inner->up != NULL;
}

static void link_other(const struct linking *linking, struct trace_node *inner)
{
	struct candidates found;

	if (inner->foreign || !inner->client.seen)
		return;
	found = find_candidates(linking, inner, false);
	inner->up = found.count == 1 ? found.newest : found.of_thread_count == 1 ? found.of_thread : NULL;
	inner->guess = true;
	inner->within = inner->up ? inner->up->within : NULL;
}

static void link_all(const struct linking *linking)
{
	for (size_t i = 0; i < linking->count; i++) {
		struct trace_node *inner = linking->all[i];

		inner->up = inner->first = inner->last = inner->sibling = NULL;
		inner->guess = false;
		inner->within = NULL;
		inner->depth = 0;
		if (inner->trace)
			link_own(linking, inner);
		else
			link_other(linking, inner);
		if (!inner->within || !inner->up)
			continue;
		inner->depth = inner->up->depth + 1;
		if (inner->up->last)
			inner->up->last->sibling = inner;
		else
			inner->up->first = inner;
		inner->up->last = inner;
	}
}

/* The next in the order of the tree that is below or beside; NULL: the root's tree is through. */
static struct trace_node *next_of(struct trace_node *node)
{
	if (node->first)
		return node->first;
	while (node && !node->sibling)
		node = node->up;
	return node ? node->sibling : NULL;
}

const struct trace_tree *trace_forest_tree(struct trace_forest *forest, const struct trace_group *group)
{
	struct trace_tree *tree = &forest->tree;

	tree->count = 0;
	tree->start_ns = group->start_ns;
	tree->end_ns = group->end_ns;
	for (size_t i = 0; i < forest->count; i++) {
		struct trace_node *root = forest->all[i];

		if (root->within != group || root->up)
			continue;
		for (struct trace_node *node = root; node; node = next_of(node)) {
			const struct trace_end *outer = trace_node_outer(node);

			if (outer->end_ns > tree->end_ns)
				tree->end_ns = outer->end_ns;
			tree->nodes[tree->count++] = node;
		}
	}
	return tree;
}

static void node_collect(void *ctx, struct trace_node *node)
{
	struct linking *linking = ctx;

	linking->all[linking->count++] = node;
}

static void linking_fill(struct linking *linking, struct traces *traces)
{
	traces_each(traces, node_collect, linking);
	qsort(linking->all, linking->count, sizeof(struct trace_node *), compare_times);
	for (size_t i = 0; i < linking->count; i++) {
		struct trace_node *node = linking->all[i];

		node->at = i;
		if (node->server.seen)
			linking->servers[linking->server_count++] = node;
		if (node->trace && *node->span)
			linking->spans[linking->span_count++] = node;
	}
	qsort(linking->servers, linking->server_count, sizeof(struct trace_node *), compare_servers);
	qsort(linking->spans, linking->span_count, sizeof(struct trace_node *), compare_spans);
}

int trace_forest_init(struct trace_forest *forest, struct traces *traces)
{
	size_t room = traces_node_count(traces) + 1;
	struct linking linking = {
		.all = calloc(room, sizeof(struct trace_node *)),
		.servers = calloc(room, sizeof(struct trace_node *)),
		.spans = calloc(room, sizeof(struct trace_node *)),
	};
	int error = 0;

	*forest = (struct trace_forest){
		.all = linking.all,
		.tree = { .nodes = calloc(room, sizeof(struct trace_node *)) },
	};
	if (linking.all && linking.servers && linking.spans && forest->tree.nodes) {
		linking_fill(&linking, traces);
		link_all(&linking);
		forest->count = linking.count;
	} else {
		error = -ENOMEM;
	}
	free(linking.servers);
	free(linking.spans);
	return error;
}

void trace_forest_fini(struct trace_forest *forest)
{
	free(forest->all);
	free(forest->tree.nodes);
	*forest = (struct trace_forest){ .all = NULL };
}

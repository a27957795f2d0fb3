/* SPDX-License-Identifier: Apache-2.0 */
/* One flat JSON object an exchange of the trace that is asked for, a parent before its children; else one a
 * trace.
 */
#include "sinks/sinks.h"

#include "base/counters.h"
#include "sinks/json_writer.h"
#include "trace_tree.h"

#include <errno.h>
#include <stdlib.h>

struct sink {
	struct traces *traces;
	const char *wanted;
	int verbose;
	struct json_writer writer;
};

static int tree_json_init(struct sink *sink, const struct sink_config *config)
{
	sink->wanted = config->trace;
	sink->verbose = config->verbose;
	json_init(&sink->writer, config);
	sink->traces = traces_new(&(struct traces_config){
		.wanted = config->trace,
		.budget = config->stats ? config->stats->budget : NULL,
		.redact = config->redact,
	});
	return sink->traces ? 0 : -ENOMEM;
}

static void tree_json_fini(struct sink *sink)
{
	traces_free(sink->traces);
	json_fini(&sink->writer);
}

static void tree_json_exchange(struct sink *sink, const struct result *result)
{
	traces_add(sink->traces, result->exchange);
}

static void put_name(struct json_writer *writer, const struct trace_group *group)
{
	if (group->is_request)
		json_text(writer, "hark.request_id", slice_of_string(group->name));
	else
		json_text(writer, "trace_id", slice_of_string(group->name));
}

static void put_client(struct json_writer *writer, const struct trace_end *end)
{
	if (!end->seen)
		return;
	if (mover_pid_shown(end->pid))
		json_number(writer, "hark.client.pid", end->pid);
	if (*end->program)
		json_text(writer, "hark.client.program", slice_of_string(end->program));
	json_number(writer, "hark.client.connection", end->connection);
}

static void put_server(struct json_writer *writer, const struct trace_end *end)
{
	if (!end->seen)
		return;
	if (mover_pid_shown(end->pid))
		json_number(writer, "hark.server.pid", end->pid);
	if (*end->program)
		json_text(writer, "hark.server.program", slice_of_string(end->program));
	json_number(writer, "hark.server.connection", end->connection);
}

/* The parts of the request that are known. */
static void put_request(struct json_writer *writer, const struct trace_node *node)
{
	if (node->method.data)
		json_text(writer, "http.request.method", node->method);
	if (node->host.data)
		json_text(writer, "server.address", node->host);
	if (node->path.data)
		json_text(writer, "url.path", node->path);
	if (node->query.data)
		json_text(writer, "url.query", node->query);
	if (node->status)
		json_number(writer, "http.response.status_code", (uint64_t)node->status);
}

static void put_times(struct json_writer *writer, const struct trace_tree *tree,
		      const struct trace_node *node)
{
	const struct trace_end *outer = trace_node_outer(node);
	const struct trace_end *client = &node->client, *server = &node->server;
	uint64_t client_ns = client->end_ns - client->start_ns, server_ns = server->end_ns - server->start_ns;

	json_millis(writer, "hark.offset_ms", outer->start_ns - tree->start_ns);
	if (outer->ended)
		json_millis(writer, "hark.duration_ms", outer->end_ns - outer->start_ns);
	if (!client->ended || !server->ended)
		return;
	json_millis(writer, "hark.server_ms", server_ns);
	json_millis(writer, "hark.network_ms", client_ns > server_ns ? client_ns - server_ns : 0);
}

/* numbers: of each node in the order of time, which number it has here. */
static void put_node(struct sink *sink, const struct trace_tree *tree, const struct trace_group *group,
		     const struct trace_node *node, const size_t *numbers)
{
	struct json_writer *writer = &sink->writer;

	json_time(writer, "time", trace_node_outer(node)->start_ns);
	put_name(writer, group);
	if (*node->span)
		json_text(writer, "span_id", slice_of_string(node->span));
	if (*node->parent)
		json_text(writer, "parent_span_id", slice_of_string(node->parent));
	json_number(writer, "hark.tree.number", numbers[node->at]);
	if (node->up)
		json_number(writer, "hark.tree.parent", numbers[node->up->at]);
	json_number(writer, "hark.tree.depth", node->depth);
	if (node->guess)
		json_bool(writer, "hark.tree.guess", true);
	put_request(writer, node);
	put_client(writer, &node->client);
	put_server(writer, &node->server);
	put_times(writer, tree, node);
	json_flags(writer, node->flags);
	json_end(writer);
}

static void put_tree(struct sink *sink, struct trace_forest *forest, const struct trace_group *group,
		     size_t *numbers)
{
	const struct trace_tree *tree = trace_forest_tree(forest, group);

	for (size_t i = 0; i < tree->count; i++) {
		numbers[tree->nodes[i]->at] = i + 1;
		put_node(sink, tree, group, tree->nodes[i], numbers);
	}
}

static void put_trace(struct sink *sink, struct trace_forest *forest, const struct trace_group *group)
{
	const struct trace_tree *tree = trace_forest_tree(forest, group);
	struct json_writer *writer = &sink->writer;

	json_time(writer, "time", tree->start_ns);
	put_name(writer, group);
	json_number(writer, "count", tree->count);
	json_number(writer, "hark.tree.failed", group->failed);
	if (group->left_out)
		json_number(writer, "hark.tree.left_out", group->left_out);
	json_millis(writer, "hark.duration_ms", tree->end_ns - tree->start_ns);
	if (tree->count)
		put_request(writer, tree->nodes[0]);
	json_end(writer);
}

static void tree_json_draw(struct sink *sink, bool last)
{
	struct trace_forest forest = { .all = NULL };
	struct trace_group **sorted = NULL;
	size_t count = 0, *numbers;

	if (!last)
		return;
	numbers = calloc(traces_node_count(sink->traces) + 1, sizeof(*numbers));
	if (!numbers || traces_sorted(sink->traces, &sorted, &count) ||
	    trace_forest_init(&forest, sink->traces)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (!sink->wanted)
			put_trace(sink, &forest, sorted[i]);
		if (sink->wanted || sink->verbose)
			put_tree(sink, &forest, sorted[i], numbers);
	}
	trace_forest_fini(&forest);
	free(sorted);
	free(numbers);
}

const struct sink_ops tree_json_sink = {
	.format = "json",
	.view = VIEW_TREE,
	.size = sizeof(struct sink),
	.init = tree_json_init,
	.show = { [RESULT_EXCHANGE] = tree_json_exchange },
	.draw = tree_json_draw,
	.fini = tree_json_fini,
};

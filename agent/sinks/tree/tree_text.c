/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchanges of a trace as a tree, or without one that is asked for, the traces
 * that were seen. Numbers stand in front, as in stat; then when each exchange was
 * (its server's part of it solid), then who called whom.
 */
#include "sinks/sinks.h"

#include "base/counters.h"
#include "base/escape.h"
#include "base/log.h"
#include "sinks/line_text.h"
#include "sinks/text_width.h"
#include "trace_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define NUMBER_WIDTH 9
#define BAR_WIDTH    24
#define BAR_COLUMNS  100 /* a narrower terminal has no bars */
#define DEPTH_SHOWN  32	 /* deeper exchanges are not indented any further */

struct sink {
	struct traces *traces;
	const char *wanted;
	const struct stats_options *stats;
	struct style style;
	struct buffer text;
	FILE *out;
	int verbose;
};

static int tree_text_init(struct sink *sink, const struct sink_config *config)
{
	sink->out = config->out;
	sink->wanted = config->trace;
	sink->stats = config->stats;
	sink->verbose = config->verbose;
	line_style_init(&sink->style, config);
	sink->traces = traces_new(&(struct traces_config){
		.wanted = config->trace,
		.budget = config->stats ? config->stats->budget : NULL,
		.redact = config->redact,
	});
	return sink->traces ? 0 : -ENOMEM;
}

static void tree_text_fini(struct sink *sink)
{
	traces_free(sink->traces);
	buffer_fini(&sink->text);
	line_style_fini(&sink->style);
}

static void tree_text_exchange(struct sink *sink, const struct result *result)
{
	traces_add(sink->traces, result->exchange);
}

/* --- one exchange ------------------------------------------------------------------------------ */

static void put_number(struct buffer *text, bool known, uint64_t ns)
{
	struct buffer cell = { .data = NULL };

	if (known)
		line_put_latency(&cell, ns);
	else
		buffer_char(&cell, '?');
	buffer_format(text, "%*.*s ", NUMBER_WIDTH, (int)cell.len, cell.data ? cell.data : "");
	text->failed |= cell.failed;
	buffer_fini(&cell);
}

/* The column of a moment. */
static size_t bar_at(const struct trace_tree *tree, uint64_t ns)
{
	double share = tree->end_ns > tree->start_ns && ns > tree->start_ns
			       ? (double)(ns - tree->start_ns) / (double)(tree->end_ns - tree->start_ns)
			       : 0;
	size_t at = (size_t)(share * BAR_WIDTH);

	return at < BAR_WIDTH ? at : BAR_WIDTH - 1;
}

static void put_bar(struct sink *sink, const struct trace_tree *tree, const struct trace_node *node)
{
	static const char *const marks[][2] = { { "-", "░" }, { "=", "█" } };
	const struct trace_end *outer = trace_node_outer(node), *server = &node->server;
	bool utf8 = sink->style.utf8;

	if (sink->style.columns && sink->style.columns < BAR_COLUMNS)
		return;
	buffer_string(&sink->text, utf8 ? "▕" : "|");
	for (size_t i = 0; i < BAR_WIDTH; i++) {
		bool in = i >= bar_at(tree, outer->start_ns) && i <= bar_at(tree, outer->end_ns);
		bool solid = server->seen && i >= bar_at(tree, server->start_ns) &&
			     i <= bar_at(tree, server->end_ns);

		buffer_string(&sink->text, in || solid ? marks[solid][utf8] : " ");
	}
	buffer_string(&sink->text, utf8 ? "▏ " : "| ");
}

static void put_end(struct sink *sink, const struct trace_end *end)
{
	struct buffer *text = &sink->text;

	if (!end->seen) {
		buffer_char(text, '?');
		return;
	}
	line_put_or_unknown(text, &sink->style, slice_of_string(*end->program ? end->program : NULL));
	if (mover_pid_shown(end->pid))
		buffer_format(text, "[%u]", end->pid);
}

static void put_part(struct sink *sink, struct slice part)
{
	if (part.data)
		escape_text(&sink->text, part, sink->style.utf8);
}

static void put_exchange(struct sink *sink, const struct trace_node *node)
{
	struct buffer *text = &sink->text;

	put_end(sink, &node->client);
	buffer_string(text, sink->style.utf8 ? " → " : " -> ");
	put_end(sink, &node->server);
	buffer_string(text, "  ");
	line_put_or_unknown(text, &sink->style, node->method);
	buffer_char(text, ' ');
	put_part(sink, node->authority);
	if (!node->path.data)
		buffer_string(text, node->authority.data ? " ?" : "?");
	put_part(sink, node->path);
	if (node->query.data) {
		buffer_char(text, '?');
		put_part(sink, node->query);
	}
	buffer_string(text, "  ");
	if (node->status)
		buffer_u64(text, (uint64_t)node->status);
	else
		buffer_char(text, '?');
}

static void put_node(struct sink *sink, const struct trace_tree *tree, const struct trace_node *node)
{
	const struct trace_end *outer = trace_node_outer(node), *client = &node->client,
			       *server = &node->server;
	struct buffer *text = &sink->text;
	size_t line = text->len, start, width;
	bool both = client->seen && server->seen && client->ended && server->ended;
	uint64_t client_ns = client->end_ns - client->start_ns, server_ns = server->end_ns - server->start_ns;

	put_number(text, true, outer->start_ns - tree->start_ns);
	put_number(text, outer->ended, outer->end_ns - outer->start_ns);
	put_number(text, both, client_ns > server_ns ? client_ns - server_ns : 0);
	put_bar(sink, tree, node);
	start = text->len;
	for (unsigned int i = 0; i < node->depth && i < DEPTH_SHOWN; i++)
		buffer_string(text, "  ");
	if (node->guess)
		buffer_string(text, "? ");
	put_exchange(sink, node);
	if (sink->style.columns) {
		width = text_width(text->data + line, start - line);
		text_cut_end(text, start, sink->style.columns > width + 20 ? sink->style.columns - width : 20,
			     sink->style.utf8);
	}
	if (node->flags) {
		buffer_char(text, ' ');
		line_put_flags(text, &sink->style, node->flags, NULL);
	}
	buffer_char(text, '\n');
}

/* --- a trace, and all of them ------------------------------------------------------------------- */

static void put_amount(struct buffer *text, size_t count, const char *singular)
{
	buffer_format(text, "%zu %s%s", count, singular, count == 1 ? "" : "s");
}

static void put_tree(struct sink *sink, struct trace_forest *forest, const struct trace_group *group)
{
	const struct trace_tree *tree = trace_forest_tree(forest, group);
	struct buffer *text = &sink->text;
	bool guesses = false;

	line_style_on(text, &sink->style, STYLE_DIM);
	buffer_string(text, group->is_request ? "Request " : "Trace ");
	line_put_or_unknown(text, &sink->style, slice_of_string(group->name));
	buffer_string(text, ": ");
	put_amount(text, tree->count, "exchange");
	if (group->left_out)
		buffer_format(text, ", %zu more left out", group->left_out);
	buffer_string(text, ", ");
	line_put_latency(text, tree->end_ns - tree->start_ns);
	buffer_string(text, " from ");
	wall_clock_local(text, &sink->style.clock, tree->start_ns);
	line_style_off(text, &sink->style);
	buffer_char(text, '\n');
	line_style_on(text, &sink->style, STYLE_BOLD);
	buffer_format(text, "%*s %*s %*s ", NUMBER_WIDTH, "START", NUMBER_WIDTH, "TIME", NUMBER_WIDTH,
		      "NETWORK");
	if (!sink->style.columns || sink->style.columns >= BAR_COLUMNS)
		buffer_format(text, "%*s", BAR_WIDTH + 3, "");
	buffer_string(text, "EXCHANGE");
	line_style_off(text, &sink->style);
	buffer_char(text, '\n');
	for (size_t i = 0; i < tree->count; i++) {
		put_node(sink, tree, tree->nodes[i]);
		guesses |= tree->nodes[i]->guess;
	}
	if (guesses)
		buffer_string(text, "(?: called from there by process and time, not by an id)\n");
	buffer_write(text, sink->out);
}

static void put_summary(struct sink *sink, struct trace_forest *forest, const struct trace_group *group)
{
	const struct trace_tree *tree = trace_forest_tree(forest, group);
	struct buffer *text = &sink->text;
	size_t line = text->len, start;

	put_number(text, true, tree->end_ns - tree->start_ns);
	buffer_format(text, "%6zu %6zu  ", tree->count, group->failed);
	start = text->len;
	line_put_or_unknown(text, &sink->style, slice_of_string(group->name));
	line_column_end(text, start, 33);
	if (tree->count)
		put_exchange(sink, tree->nodes[0]);
	if (sink->style.columns)
		text_cut_end(text, line, sink->style.columns, sink->style.utf8);
	buffer_char(text, '\n');
}

static void put_all(struct sink *sink, struct trace_forest *forest, struct trace_group **sorted, size_t count)
{
	size_t top = sink->stats && sink->stats->top ? sink->stats->top : count;
	struct buffer *text = &sink->text;

	line_style_on(text, &sink->style, STYLE_BOLD);
	buffer_format(text, "%*s %6s %6s  %-33s %s", NUMBER_WIDTH, "TIME", "COUNT", "FAILED", "TRACE",
		      "FIRST EXCHANGE");
	line_style_off(text, &sink->style);
	buffer_char(text, '\n');
	for (size_t i = 0; i < count && i < top; i++)
		put_summary(sink, forest, sorted[i]);
	if (count > top)
		buffer_format(text, "(%zu more)\n", count - top);
	buffer_write(text, sink->out);
	for (size_t i = 0; sink->verbose && i < count && i < top; i++) {
		buffer_char(text, '\n');
		put_tree(sink, forest, sorted[i]);
	}
}

static void say_none(const struct sink *sink)
{
	if (sink->wanted)
		log_info("no request named a trace or an id that begins with '%s'", sink->wanted);
	else
		log_info("no request named a trace (by traceparent, b3, X-B3-TraceId or x-request-id)");
}

static void tree_text_draw(struct sink *sink, bool last)
{
	struct trace_forest forest = { .all = NULL };
	struct trace_group **sorted = NULL;
	size_t count = 0;

	if (!last)
		return;
	if (traces_sorted(sink->traces, &sorted, &count) || trace_forest_init(&forest, sink->traces))
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	else if (!count)
		say_none(sink);
	else if (!sink->wanted)
		put_all(sink, &forest, sorted, count);
	else
		for (size_t i = 0; i < count; i++) {
			if (i)
				buffer_char(&sink->text, '\n');
			put_tree(sink, &forest, sorted[i]);
		}
	trace_forest_fini(&forest);
	free(sorted);
}

const struct sink_ops tree_text_sink = {
	.format = "text",
	.view = VIEW_TREE,
	.size = sizeof(struct sink),
	.init = tree_text_init,
	.show = { [RESULT_EXCHANGE] = tree_text_exchange },
	.draw = tree_text_draw,
	.fini = tree_text_fini,
};

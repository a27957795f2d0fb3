/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second end that comes after the first was shown is found among the newest
 * nodes by its connection; that list is never walked further than FIND_MAX.
 */
#include "traces.h"

#include "base/budget.h"
#include "base/buffer.h"
#include "base/counters.h"
#include "base/table.h"
#include "base/url.h"
#include "model/trace.h"

#include <errno.h>
#include <stdlib.h>

#define TRACES_MAX     1000
#define NODES_MAX      20000 /* of all traces */
#define NODES_A_TRACE  5000
#define OTHERS_MAX     4096
#define FIND_MAX       256
#define BUDGET_SHARE   8
#define METHOD_MAX     32
#define AUTHORITY_MAX  256
#define PATH_MAX_BYTES 512
#define QUERY_MAX      256

struct group { /* all of a trace */
	struct trace_group shown;
	struct group *prev, *next; /* by their newest exchange */
	UT_hash_handle hh;
	char name[];
};

struct traces {
	struct traces_config config;
	struct group *by_name, *by_time;
	size_t trace_count, node_count, other_count;
	struct trace_node *others;
	size_t held_bytes, charged_bytes;
	struct buffer scratch;
};

struct traces *traces_new(const struct traces_config *config)
{
	struct traces *traces = calloc(1, sizeof(*traces));

	if (traces)
		traces->config = *config;
	return traces;
}

static void traces_charge(struct traces *traces)
{
	budget_set(traces->config.budget, &traces->charged_bytes, traces->held_bytes);
}

static void node_free(struct traces *traces, struct trace_node *node)
{
	traces->held_bytes -= node->bytes;
	free(node);
}

static void group_free(struct traces *traces, struct group *group)
{
	struct trace_node *node, *next;

	DL_FOREACH_SAFE(group->shown.nodes, node, next)
	{
		traces->node_count--;
		node_free(traces, node);
	}
	HASH_DEL(traces->by_name, group);
	DL_DELETE(traces->by_time, group);
	traces->trace_count--;
	traces->held_bytes -= sizeof(*group) + strlen(group->name) + 1;
	free(group);
}

static void others_drop(struct traces *traces)
{
	struct trace_node *oldest = traces->others;

	DL_DELETE(traces->others, oldest);
	traces->other_count--;
	node_free(traces, oldest);
}

void traces_free(struct traces *traces)
{
	if (!traces)
		return;
	while (traces->by_time)
		group_free(traces, traces->by_time);
	while (traces->others)
		others_drop(traces);
	traces_charge(traces);
	buffer_fini(&traces->scratch);
	free(traces);
}

size_t traces_node_count(const struct traces *traces)
{
	return traces->node_count + traces->other_count;
}

void traces_each(struct traces *traces, void (*fn)(void *ctx, struct trace_node *node), void *ctx)
{
	struct trace_node *node;
	struct group *group;

	DL_FOREACH (traces->by_time, group)
		DL_FOREACH (group->shown.nodes, node)
			fn(ctx, node);
	DL_FOREACH (traces->others, node)
		fn(ctx, node);
}

/* --- nodes --------------------------------------------------------------------------------- */

/* Fills in the end that the exchange is; where its role is not known, none. */
static void node_take_end(struct trace_node *node, const struct exchange *exchange)
{
	const struct mover *mover = &exchange->mover;
	struct slice program = mover_program(mover);
	struct trace_end end = {
		.seen = true,
		.ended = exchange->duration_known,
		.pid = mover->pid,
		.tid = mover->tid,
		.start_ns = exchange->start_ns,
		.end_ns = exchange->start_ns + (exchange->duration_known ? exchange->duration_ns : 0),
		.connection = exchange->conn->id,
	};

	program = slice_take(program, sizeof(end.program) - 1);
	if (program.len)
		memcpy(end.program, program.data, program.len);
	if (exchange->conn->role == ROLE_SERVER)
		node->server = end;
	else
		node->client = end;
}

static void node_take(struct trace_node *node, const struct exchange *exchange)
{
	node_take_end(node, exchange);
	node->flags |= exchange->flags;
	if (exchange->response && exchange->response->status)
		node->status = exchange->response->status;
	node->failed |= node->status >= 400 || exchange_outcome(exchange, NULL) > 0 ||
			exchange->flags & (FLAG_RESET | FLAG_TIMEOUT);
}

static void text_take(struct trace_node *node, size_t *len, struct slice from, size_t max, struct slice *to)
{
	from = slice_take(from, max);
	if (!from.data)
		return;
	if (from.len)
		memcpy(node->text + *len, from.data, from.len);
	*to = slice_of(node->text + *len, from.len);
	*len += from.len;
}

/* Copies what the request names, without secrets. */
static void node_take_request(struct traces *traces, struct trace_node *node, const struct message *request)
{
	struct url url;
	size_t len = 0;

	url_of_request(request, &url);
	text_take(node, &len, request->method, METHOD_MAX, &node->method);
	text_take(node, &len, url.authority, AUTHORITY_MAX, &node->authority);
	text_take(node, &len, url.host, AUTHORITY_MAX, &node->host);
	if (url.path.data)
		text_take(node, &len, redact_target(traces->config.redact, url.path, &traces->scratch),
			  PATH_MAX_BYTES, &node->path);
	if (url.query.data)
		text_take(node, &len, redact_target(traces->config.redact, url.query, &traces->scratch),
			  QUERY_MAX, &node->query);
}

static void id_take(char id[TRACE_SPAN_MAX], struct slice text)
{
	if (text.len && text.len < TRACE_SPAN_MAX)
		memcpy(id, text.data, text.len);
}

/* A node of the exchange, in no list; NULL: out of memory. */
static struct trace_node *node_new(struct traces *traces, const struct exchange *exchange,
				   const struct message *request, const struct trace *trace)
{
	size_t room = METHOD_MAX + 2 * AUTHORITY_MAX + PATH_MAX_BYTES + QUERY_MAX;
	size_t bytes = sizeof(struct trace_node) + (request ? room : 0);
	struct trace_node *node = calloc(1, bytes), *fit;
	size_t used;

	if (!node)
		return NULL;
	node->key = exchange->key;
	node_take(node, exchange);
	if (exchange->other)
		node_take(node, exchange->other);
	id_take(node->span, trace->span);
	id_take(node->parent, trace->parent);
	if (!request) {
		node->bytes = bytes;
		traces->held_bytes += bytes;
		return node;
	}
	/* Measured on the way, so that a short one takes no more than it is. */
	node_take_request(traces, node, request);
	used = sizeof(*node) + node->method.len + node->authority.len + node->host.len + node->path.len +
	       node->query.len;
	fit = calloc(1, used);
	if (fit) {
		memcpy(fit, node, sizeof(*node));
		fit->method = fit->authority = fit->host = fit->path = fit->query = (struct slice){ 0 };
		node_take_request(traces, fit, request);
		free(node);
		node = fit;
		bytes = used;
	}
	node->bytes = bytes;
	traces->held_bytes += bytes;
	return node;
}

/* --- traces -------------------------------------------------------------------------------- */

static bool begins_with(struct slice name, const char *wanted)
{
	size_t len = strlen(wanted);

	return name.len >= len && slice_equal_nocase(slice_take(name, len), slice_of(wanted, len));
}

static bool is_wanted(const struct traces *traces, const struct trace *trace)
{
	const char *wanted = traces->config.wanted;

	return !wanted || begins_with(trace->id, wanted) || begins_with(trace->request_id, wanted);
}

/* Traces that were quiet for longest make room, but not for their own next exchange. */
static bool traces_make_room(struct traces *traces, const struct group *own, size_t bytes)
{
	size_t share = budget_share(traces->config.budget, BUDGET_SHARE);

	while (traces->trace_count > TRACES_MAX || traces->node_count >= NODES_MAX ||
	       (share && traces->held_bytes + bytes > share)) {
		if (traces->others && share && traces->held_bytes + bytes > share) {
			others_drop(traces);
			continue;
		}
		if (!traces->by_time || traces->by_time == own)
			return false;
		counter_add(COUNTER_LIMIT_TRACES, traces->by_time->shown.count);
		group_free(traces, traces->by_time);
	}
	return true;
}

/* The group of the trace, made when there is none; NULL: out of memory. */
static struct group *group_get(struct traces *traces, const struct trace *trace)
{
	struct slice name = trace_name(trace);
	struct group *group;

	HASH_FIND(hh, traces->by_name, name.data, name.len, group);
	if (group) {
		DL_DELETE(traces->by_time, group);
		DL_APPEND(traces->by_time, group);
		return group;
	}
	group = calloc(1, sizeof(*group) + name.len + 1);
	if (!group)
		return NULL;
	memcpy(group->name, name.data, name.len);
	group->shown.name = group->name;
	group->shown.is_request = !trace->id.data;
	HASH_ADD_KEYPTR(hh, traces->by_name, group->name, name.len, group);
	if (!TABLE_ADDED(group, hh)) {
		free(group);
		return NULL;
	}
	DL_APPEND(traces->by_time, group);
	traces->trace_count++;
	traces->held_bytes += sizeof(*group) + name.len + 1;
	return group;
}

static void group_measure(struct trace_group *group, const struct trace_node *node)
{
	const struct trace_end *outer = trace_node_outer(node);

	if (!group->start_ns || outer->start_ns < group->start_ns)
		group->start_ns = outer->start_ns;
	if (outer->end_ns > group->end_ns)
		group->end_ns = outer->end_ns;
}

/* The node that this second end is of, which was added before; NULL: it is gone, or was not wanted. */
static struct trace_node *node_find(struct trace_node *list, const struct exchange *exchange)
{
	bool server = exchange->conn->role == ROLE_SERVER;
	struct trace_node *node = list ? list->prev : NULL;

	for (size_t i = 0; node && i < FIND_MAX; i++, node = node->prev) {
		const struct trace_end *have = server ? &node->client : &node->server;
		const struct trace_end *miss = server ? &node->server : &node->client;
		uint64_t end_ns = exchange->start_ns + exchange->duration_ns;

		if (have->seen && !miss->seen && have->connection == exchange->peer_connection &&
		    node->key == exchange->key && have->start_ns <= end_ns &&
		    exchange->start_ns <= have->end_ns)
			return node;
		if (node == list)
			break;
	}
	return NULL;
}

static void node_drop(struct traces *traces, struct trace_node *node, struct group *group)
{
	counter_add(COUNTER_LIMIT_TRACES, 1);
	if (group)
		group->shown.left_out++;
	node_free(traces, node);
}

static void other_add(struct traces *traces, struct trace_node *node, bool foreign)
{
	size_t share = budget_share(traces->config.budget, BUDGET_SHARE);

	node->foreign = foreign;
	DL_APPEND(traces->others, node);
	traces->other_count++;
	while (traces->other_count > OTHERS_MAX ||
	       (traces->others != node && share && traces->held_bytes > share))
		others_drop(traces);
}

static void group_add(struct traces *traces, struct trace_node *node, const struct trace *trace)
{
	struct group *group = group_get(traces, trace);

	if (!group || group->shown.count >= NODES_A_TRACE || !traces_make_room(traces, group, 0)) {
		node_drop(traces, node, group);
		return;
	}
	node->trace = &group->shown;
	DL_APPEND(group->shown.nodes, node);
	group->shown.count++;
	group->shown.failed += node->failed;
	traces->node_count++;
	group_measure(&group->shown, node);
}

/* True: the exchange was the second end of an exchange that is there. */
static bool group_complete(struct traces *traces, const struct exchange *exchange, const struct trace *trace)
{
	struct slice name = trace_name(trace);
	struct group *group = NULL;
	struct trace_node *node;

	if (exchange->join != JOIN_SECOND)
		return false;
	if (name.data)
		HASH_FIND(hh, traces->by_name, name.data, name.len, group);
	node = node_find(group ? group->shown.nodes : traces->others, exchange);
	if (!node)
		return false;
	if (group)
		group->shown.failed -= node->failed;
	node_take(node, exchange);
	if (group) {
		group->shown.failed += node->failed;
		group_measure(&group->shown, node);
	}
	return true;
}

void traces_add(struct traces *traces, const struct exchange *exchange)
{
	const struct message *request = exchange->request;
	struct trace_node *node;
	struct trace trace;
	bool named;

	if (!exchange_counts(exchange) || (exchange->join == JOIN_SECOND && exchange->other))
		return;
	named = trace_of(request, &trace);
	if (!named && exchange->other)
		named = trace_of(exchange->other->request, &trace);
	if (!request && exchange->other)
		request = exchange->other->request;
	if (group_complete(traces, exchange, &trace))
		return;
	node = node_new(traces, exchange, request, &trace);
	if (!node)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	else if (named && is_wanted(traces, &trace))
		group_add(traces, node, &trace);
	else
		other_add(traces, node, named);
	traces_charge(traces);
}

static int compare_traces(const void *left, const void *right)
{
	const struct trace_group *a = *(struct trace_group *const *)left;
	const struct trace_group *b = *(struct trace_group *const *)right;
	uint64_t a_ns = a->end_ns - a->start_ns, b_ns = b->end_ns - b->start_ns;

	if (a_ns != b_ns)
		return a_ns < b_ns ? 1 : -1;
	return strcmp(a->name, b->name);
}

int traces_sorted(struct traces *traces, struct trace_group ***sorted, size_t *count)
{
	struct group *group;
	size_t n = 0;

	*count = 0;
	*sorted = calloc(traces->trace_count + 1, sizeof(struct trace_group *));
	if (!*sorted)
		return -ENOMEM;
	DL_FOREACH (traces->by_time, group)
		if (group->shown.count)
			(*sorted)[n++] = &group->shown;
	qsort(*sorted, n, sizeof(struct trace_group *), compare_traces);
	*count = n;
	return 0;
}

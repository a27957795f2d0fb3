/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of traces: who is below whom, by ids, by process and time; what hostile ids do; bounds. */
#include "sinks/sinks.h"
#include "sinks/tree/trace_tree.h"

#include "base/budget.h"
#include "base/buffer.h"
#include "base/counters.h"
#include "stats_call.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>

#define ID	  "4bf92f3577b34da6a3ce929d0e0e4736"
#define W3C(span) "00-" ID "-" span "-01"
#define S1	  "1111111111111111"
#define S2	  "2222222222222222"
#define S3	  "3333333333333333"

/* One call: from process `from` to process `to` (0: that end was not seen), of a thread each. */
struct hop {
	const char *path, *traceparent, *b3, *request_id;
	uint32_t from, from_tid, to, to_tid;
	uint64_t start, end; /* ms, of the client's end; the server's is 1 ms shorter at both ends */
	int status;
};

static uint64_t connections;
static struct redact *redact;

static void end_init(struct one_call *one, const struct hop *call, bool server)
{
	uint64_t start = call->start + server, end = call->end - server;
	struct call_text text = {
		.host = "h",
		.method = "GET",
		.target = call->path,
		.status = call->status ? call->status : 200,
		.start_ns = start * MS,
		.duration_ns = (end - start) * MS,
		.pid = server ? call->to : call->from,
		.exe = server ? "server" : "client",
		.conn_id = ++connections,
		.role = server ? ROLE_SERVER : ROLE_CLIENT,
		.traceparent = call->traceparent,
		.request_id = call->request_id,
	};

	call_init(one, &text);
	one->exchange.mover.tid = server ? call->to_tid : call->from_tid;
	if (call->b3)
		sample_header(one->exchange.request, &one->exchange.request->headers, "b3", call->b3);
}

/* apart: the ends come one after the other, the client's first, as when one was shown already. */
static void add(struct traces *traces, const struct hop *call, bool apart)
{
	struct one_call client, server;
	bool both = call->from && call->to;

	end_init(&client, call, false);
	end_init(&server, call, true);
	if (both && apart) {
		client.exchange.peer_connection = server.conn.id;
		server.exchange.peer_connection = client.conn.id;
		server.exchange.join = JOIN_SECOND;
	} else if (both) {
		server.exchange.join = JOIN_FIRST;
		server.exchange.other = &client.exchange;
		client.exchange.join = JOIN_SECOND;
		client.exchange.other = &server.exchange;
	}
	if (both && !apart) {
		traces_add(traces, &server.exchange);
		traces_add(traces, &client.exchange);
	} else {
		if (call->from)
			traces_add(traces, &client.exchange);
		if (call->to)
			traces_add(traces, &server.exchange);
	}
	call_fini(&client);
	call_fini(&server);
}

static void put_tree(struct buffer *out, const struct trace_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct trace_node *node = tree->nodes[i];

		for (unsigned int n = 0; n < node->depth; n++)
			buffer_char(out, '>');
		buffer_string(out, node->guess ? "?" : "");
		buffer_put(out, node->path.data, node->path.len);
		if (!node->client.seen || !node->server.seen)
			buffer_string(out, node->client.seen ? "(client)" : "(server)");
		buffer_char(out, ' ');
	}
	buffer_char(out, '\0');
}

static const struct {
	const char *name, *wanted;
	struct hop calls[6];
	const char *expected;
} cases[] = {
	{ "one call", NULL, { { "/a", W3C(S1), .from = 1, .to = 2, .start = 10, .end = 20 } }, "/a " },
	{ "by process and time",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", W3C(S2), .from = 2, .to = 3, .start = 20, .end = 40 },
	    { "/c", W3C(S3), .from = 3, .start = 25, .end = 30 } },
	  "/a >?/b >>?/c(client) " },
	{ "the same span, handed on by a proxy",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", W3C(S1), .from = 2, .to = 3, .start = 20, .end = 40 } },
	  "/a >/b " },
	{ "the same span, of another process: retried, say",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", W3C(S1), .from = 1, .to = 3, .start = 20, .end = 40 } },
	  "/a /b " },
	{ "B3 names its parent, whenever it was made",
	  NULL,
	  { { "/a", .b3 = ID "-" S1, .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", .b3 = ID "-" S2 "-1-" S1, .from = 7, .to = 3, .start = 60, .end = 70 } },
	  "/a >/b " },
	{ "B3 whose parent was not seen",
	  NULL,
	  { { "/a", .b3 = ID "-" S1, .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", .b3 = ID "-" S2 "-1-" S3, .from = 7, .to = 3, .start = 20, .end = 30 } },
	  "/a /b " },
	{ "two that may be it: of one thread",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .to_tid = 21, .start = 10, .end = 50 },
	    { "/b", W3C(S2), .from = 1, .to = 2, .to_tid = 22, .start = 12, .end = 50 },
	    { "/c", W3C(S3), .from = 2, .from_tid = 21, .to = 3, .start = 20, .end = 40 } },
	  "/a >?/c /b " },
	{ "two that may be it: the newest",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .start = 10, .end = 50, .to_tid = 1 },
	    { "/b", W3C(S2), .from = 1, .to = 2, .start = 12, .end = 50, .to_tid = 1 },
	    { "/c", W3C(S3), .from = 2, .to = 3, .start = 20, .end = 40, .from_tid = 2 } },
	  "/a /b >?/c " },
	{ "not within",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", W3C(S2), .from = 2, .to = 3, .start = 20, .end = 60 } },
	  "/a /b " },
	{ "a call that names no trace",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", .from = 2, .to = 3, .start = 20, .end = 40 },
	    { "/c", .from = 3, .to = 4, .start = 25, .end = 30 },
	    { "/d", .from = 9, .to = 4, .start = 25, .end = 30 } },
	  "/a >?/b >>?/c " },
	{ "a call that names no trace, and two that may be it",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .to_tid = 1, .start = 10, .end = 50 },
	    { "/x", .from = 1, .to = 2, .to_tid = 1, .start = 10, .end = 50 },
	    { "/b", .from = 2, .from_tid = 3, .to = 3, .start = 20, .end = 40 } },
	  "/a " },
	{ "the same, of one thread",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .to_tid = 3, .start = 10, .end = 50 },
	    { "/x", .from = 1, .to = 2, .to_tid = 1, .start = 10, .end = 50 },
	    { "/b", .from = 2, .from_tid = 3, .to = 3, .start = 20, .end = 40 } },
	  "/a >?/b " },
	{ "of what is asked for, others compete and are not shown",
	  "4BF9",
	  { { "/a", W3C(S1), .from = 1, .to = 2, .to_tid = 1, .start = 10, .end = 50 },
	    { "/x", .request_id = "r", .from = 1, .to = 2, .to_tid = 1, .start = 10, .end = 50 },
	    { "/b", .from = 2, .from_tid = 3, .to = 3, .start = 20, .end = 40 } },
	  "/a " },
	{ "by the id of a request",
	  "r1",
	  { { "/a", W3C(S1), .request_id = "r1", .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", W3C(S2), .from = 1, .to = 2, .start = 10, .end = 50 } },
	  "/a " },
	{ "parents in a circle",
	  NULL,
	  { { "/a", .b3 = ID "-" S1 "-1-" S2, .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", .b3 = ID "-" S2 "-1-" S1, .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/c", .b3 = ID "-" S3 "-1-" S3, .from = 1, .to = 2, .start = 11, .end = 50 } },
	  "/a >/b /c " },
	{ "both ends apart, as on a Unix socket",
	  NULL,
	  { { "/a", W3C(S1), .from = 1, .to = 2, .start = 10, .end = 50 },
	    { "/b", W3C(S1), .from = 2, .start = 20, .end = 40 },
	    { "/b", W3C(S1), .to = 3, .start = 21, .end = 39 },
	    { "/c", W3C(S1), .to = 3, .start = 22, .end = 38 },
	    { "/d", W3C(S2), .from = 3, .start = 25, .end = 30 } },
	  "/a >/b(client) >>?/b(server) /c(server) >?/d(client) " },
	{ "servers alone",
	  NULL,
	  { { "/a", W3C(S1), .to = 2, .start = 10, .end = 50 },
	    { "/b", W3C(S2), .to = 3, .start = 20, .end = 40 } },
	  "/a(server) /b(server) " },
};

static void check(size_t i, bool apart)
{
	struct traces *traces =
		traces_new(&(struct traces_config){ .wanted = cases[i].wanted, .redact = redact });
	struct trace_forest forest;
	struct trace_group **sorted;
	struct buffer out = { 0 };
	size_t count;

	for (size_t n = 0; n < 6 && cases[i].calls[n].path; n++)
		add(traces, &cases[i].calls[n], apart);
	assert_int_equal(traces_sorted(traces, &sorted, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(trace_forest_init(&forest, traces), 0);
	put_tree(&out, trace_forest_tree(&forest, sorted[0]));
	assert_string_equal(out.data, cases[i].expected);
	trace_forest_fini(&forest);
	buffer_fini(&out);
	free(sorted);
	traces_free(traces);
}

static void test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		check(i, false);
		check(i, true);
	}
}

/* --- bounds -------------------------------------------------------------------------------------- */

/* A chain of so many calls, each in the other; none deeper than it is, and no recursion. */
static void test_deep(void **state)
{
	struct traces *traces = traces_new(&(struct traces_config){ .redact = redact });
	struct trace_forest forest;
	struct trace_group **sorted;
	const struct trace_tree *tree;
	size_t count;

	(void)state;
	for (uint64_t i = 0; i < 6000; i++)
		add(traces,
		    &(struct hop){ "/a", W3C(S1), .from = (uint32_t)i + 1, .to = (uint32_t)i + 2,
				   .start = 10 + i, .end = 30000 - i },
		    false);
	assert_int_equal(traces_sorted(traces, &sorted, &count), 0);
	assert_int_equal(trace_forest_init(&forest, traces), 0);
	tree = trace_forest_tree(&forest, sorted[0]);
	assert_int_equal(tree->count, 5000);
	assert_int_equal(tree->nodes[4999]->depth, 4999);
	assert_int_equal(sorted[0]->left_out, 1000);
	trace_forest_fini(&forest);
	free(sorted);
	traces_free(traces);
}

/* Traces beyond the limit: the oldest go, and are counted. */
static void test_many(void **state)
{
	struct budget budget = { .limit_bytes = 64 << 20 };
	struct traces *traces = traces_new(&(struct traces_config){ .budget = &budget, .redact = redact });
	uint64_t before = counters[COUNTER_LIMIT_TRACES];
	struct trace_group **sorted;
	char id[32];
	size_t count;

	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "r%u", i);
		add(traces,
		    &(struct hop){ "/a", .request_id = id, .from = 1, .to = 2, .start = 10 + i,
				   .end = 20 + i },
		    false);
		add(traces, &(struct hop){ "/a", .from = 1, .to = 2, .start = 10 + i, .end = 20 + i }, false);
	}
	assert_int_equal(traces_sorted(traces, &sorted, &count), 0);
	assert_int_equal(count, 1000);
	assert_int_equal(counters[COUNTER_LIMIT_TRACES] - before, 2000);
	free(sorted);
	assert_true(budget.held_bytes > 0);
	traces_free(traces);
	assert_int_equal(budget.held_bytes, 0);
}

/* In little memory less is kept, never more than the share. */
static void test_budget(void **state)
{
	struct budget budget = { .limit_bytes = 8 * 20000 };
	struct traces *traces = traces_new(&(struct traces_config){ .budget = &budget, .redact = redact });

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		add(traces,
		    &(struct hop){ "/a", W3C(S1), .from = 1, .to = 2, .start = 10 + i, .end = 20 + i },
		    false);
		add(traces, &(struct hop){ "/a", .from = 1, .to = 2, .start = 10 + i, .end = 20 + i }, true);
		assert_true(budget.held_bytes <= 20000 + 1000);
	}
	traces_free(traces);
	assert_int_equal(budget.held_bytes, 0);
}

/* --- faces --------------------------------------------------------------------------------------- */

static char *shown(const struct sink_ops *ops, const struct hop *calls, size_t count, const char *wanted)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct sink_config config = { .out = out,
				      .trace = wanted,
				      .redact = redact,
				      .verbose = 1,
				      .wall_offset_ns = SAMPLE_WALL_OFFSET_NS };
	struct sink *sink = sink_new(ops, &config);

	assert_non_null(sink);
	for (size_t i = 0; i < count; i++) {
		struct one_call server;

		end_init(&server, &calls[i], true);
		sample_show(ops, sink, RESULT_EXCHANGE, &server.exchange);
		call_fini(&server);
	}
	ops->draw(sink, false);
	assert_int_equal(ftell(out), 0);
	ops->draw(sink, true);
	sink_free(ops, sink);
	fclose(out);
	return text;
}

/* What was observed is escaped, and secrets are not shown. */
static void test_faces_are_safe(void **state)
{
	const struct hop calls[] = {
		{ "/\x1b[31m\n?token=hush&a=\xe2\x80\xae", W3C(S1), .to = 2, .start = 10, .end = 50,
		  .status = 500 },
		{ "/\"}", .request_id = "\"},{\"", .to = 2, .start = 10, .end = 50 },
	};
	char *text = shown(&tree_text_sink, calls, 2, NULL), *json = shown(&tree_json_sink, calls, 2, NULL);
	char *one = shown(&tree_json_sink, calls, 2, ID);

	(void)state;
	assert_null(strchr(text, '\x1b'));
	assert_null(strstr(text, "hush"));
	assert_non_null(strstr(text, "500"));
	assert_null(strchr(json, '\x1b'));
	assert_null(strstr(json, "hush"));
	assert_non_null(
		strstr(json, "\"hark.request_id\":\"\\\"},{\\\"\",\"count\":1,\"hark.tree.failed\":0"));
	assert_non_null(strstr(one, "\"trace_id\":\"" ID "\",\"span_id\":\"" S1 "\",\"hark.tree.number\":1,"
				    "\"hark.tree.depth\":0,\"http.request.method\":\"GET\""));
	assert_null(strstr(one, "hark.request_id"));
	free(text);
	free(json);
	free(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),	       cmocka_unit_test(test_deep),
		cmocka_unit_test(test_many),	       cmocka_unit_test(test_budget),
		cmocka_unit_test(test_faces_are_safe),
	};
	int failed;

	redact = redact_new(false);
	setlocale(LC_ALL, "C.UTF-8");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	redact_free(redact);
	return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that come in, hostile ones among them, and what of the answer must and must not stand in them. */
#include "sinks/mcp/mcp_json.h"
#include "sinks/mcp/mcp_rpc.h"

#include "base/budget.h"
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define ABSENT "!" /* this must not occur */
#define CALL(arguments) \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":" arguments "}}"
#define EXCHANGES(arguments)   CALL("\"exchanges\",\"arguments\":{" arguments "}")
#define ENDPOINTS(arguments)   CALL("\"endpoints\",\"arguments\":{" arguments "}")
#define CONNECTIONS(arguments) CALL("\"connections\",\"arguments\":{" arguments "}")
#define META(version)	       "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" version "\"}"

/* Without an expected text there is no answer at all. */
static const struct row {
	const char *name, *line;
	const char *expected[6];
} rows[] = {
	{ "no JSON", "nonsense", { "\"id\":null", "-32700", "no JSON: ", "at byte" } },
	{ "cut", "{\"jsonrpc\":\"2.0\",", { "-32700" } },
	{ "no UTF-8", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}", { "-32700" } },
	{ "a NUL", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\\u0000ng\"}", { "-32700" } },
	{ "the same member twice",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}",
	  { "-32700" } },
	{ "a number", "5", { "-32600", "\"id\":null" } },
	{ "nothing in it", "{}", { "-32600" } },
	{ "another version", "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", { "-32600", "\"id\":1" } },
	{ "id null", "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", { "-32600", "\"id\":null" } },
	{ "id that is an object", "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", { "-32600" } },
	{ "method that is none", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", { "-32600" } },
	{ "method unknown",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\\"b\\u001b\"}",
	  { "-32601", "no method 'a\\\"b\\u001b'" } },
	{ "notification", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", { NULL } },
	{ "answer", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", { NULL } },
	{ "ping",
	  "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\"}",
	  { "\"id\":\"x\",\"result\":{}}" } },
	{ "a batch",
	  "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"method\":\"n\"},3]",
	  { "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}},{", "-32600", "}]" } },
	{ "a batch of notifications", "[{\"jsonrpc\":\"2.0\",\"method\":\"n\"}]", { NULL } },
	{ "an empty batch", "[]", { "-32600" } },
	{ "a version that is known",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2024-11-"
	  "05\"}}",
	  { "\"protocolVersion\":\"2024-11-05\"", "\"tools\":{", "never an instruction",
	    ABSENT "resultType" } },
	{ "a version that is not known",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2099-01-"
	  "01\"}}",
	  { "\"protocolVersion\":\"2025-11-25\"" } },
	{ "no version", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}", { "-32602" } },
	{ "discover",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{" META("2026-07-28") "}}",
	  { "\"supportedVersions\":[\"2026-07-28\"]", "\"resultType\":\"complete\"", "serverInfo",
	    "\"ttlMs\"" } },
	{ "an envelope of another version",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" META("2030-01-01") "}}",
	  { "-32022", "\"supported\":[\"2026-07-28\"],\"requested\":\"2030-01-01\"" } },
	{ "ping in an envelope",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{" META("2026-07-28") "}}",
	  { "\"result\":{\"resultType\":\"complete\"," } },
	{ "the list",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}",
	  { "\"name\":\"exchanges\"", "\"name\":\"doctor\"", "\"readOnlyHint\":true", "status (",
	    ABSENT "body (", "\"additionalProperties\":false" } },
	{ "no tool", CALL("\"shell\""), { "-32602", "'shell'" } },
	{ "a tool without a name", CALL("7"), { "-32602" } },
	{ "no arguments",
	  CALL("\"exchanges\""),
	  { "\"number\":3", "\"isError\":false", "structuredContent" } },
	{ "arguments that are a list",
	  CALL("\"exchanges\",\"arguments\":[]"),
	  { "\"isError\":true", "no object" } },
	{ "an argument that is none",
	  EXCHANGES("\"filtre\":\"x\""),
	  { "no argument 'filtre'; it has filter, limit", "\"isError\":true", ABSENT "structuredContent" } },
	{ "a filter", EXCHANGES("\"filter\":\"status:500\""), { "\"number\":2", ABSENT "\"number\":3" } },
	{ "no exchange passes", EXCHANGES("\"filter\":\"status:404\""), { "\"exchanges\":[]" } },
	{ "a wrong filter",
	  EXCHANGES("\"filter\":\"path:/a stauts:500\""),
	  { "there is no filter 'stauts:'", "filter, byte 8: ", "\\npath:/a stauts:500\\n        ^^^^^^",
	    "\"isError\":true" } },
	{ "a filter on bodies", EXCHANGES("\"filter\":\"body:hunter2\""), { "body: is no filter here" } },
	{ "a secret cannot be asked for",
	  EXCHANGES("\"filter\":\"header:cookie=id=7\""),
	  { "\"exchanges\":[]" } },
	{ "nor in a query", EXCHANGES("\"filter\":\"url:*hunter2*\""), { "\"exchanges\":[]" } },
	{ "a limit",
	  EXCHANGES("\"limit\":1"),
	  { "\"number\":3", ABSENT "\"number\":2", "\"next_cursor\":\"n2\"" } },
	{ "goes on",
	  EXCHANGES("\"limit\":1,\"cursor\":\"n2\""),
	  { "\"number\":2", "\"next_cursor\":\"n1\"" } },
	{ "to the end",
	  EXCHANGES("\"limit\":9,\"cursor\":\"n1\""),
	  { "\"number\":1", ABSENT "next_cursor" } },
	{ "oldest first",
	  EXCHANGES("\"order\":\"oldest\",\"limit\":1"),
	  { "\"number\":1", ABSENT "\"number\":2", "\"next_cursor\":\"o2\"" } },
	{ "and later",
	  EXCHANGES("\"order\":\"oldest\",\"cursor\":\"o4\""),
	  { "[]", "\"next_cursor\":\"o4\"" } },
	{ "a cursor of another order",
	  EXCHANGES("\"cursor\":\"o1\""),
	  { "cursor is none", "\"isError\":true" } },
	{ "a cursor from far away",
	  EXCHANGES("\"cursor\":\"n9999999999999999999999\""),
	  { "cursor is none" } },
	{ "a limit that is too large",
	  EXCHANGES("\"limit\":100000"),
	  { "limit is no integer from 1 to 200" } },
	{ "a limit in words", EXCHANGES("\"limit\":\"5\""), { "limit is no integer" } },
	{ "a detail that is none",
	  EXCHANGES("\"detail\":\"all\""),
	  { "none of summary, headers, bodies, curl" } },
	{ "headers",
	  EXCHANGES("\"number\":1,\"detail\":\"headers\""),
	  { "http.request.header", "[redacted]", ABSENT "id=7", ABSENT "hunter2" } },
	{ "bodies",
	  EXCHANGES("\"number\":1,\"detail\":\"bodies\""),
	  { "password=[redacted]", ABSENT "hunter2" } },
	{ "curl",
	  EXCHANGES("\"number\":2,\"detail\":\"curl\""),
	  { "\"curl\":\"", "ncurl ", ABSENT "hunter2" } },
	{ "one that is not there", EXCHANGES("\"number\":77"), { "1 to 3 are", "\"isError\":true" } },
	{ "endpoints",
	  ENDPOINTS(""),
	  { "\"http.route\":\"/a\"", "\"count\":3", "whole run", ABSENT "in_flight" } },
	{ "by status",
	  ENDPOINTS("\"by\":\"status\",\"sort\":\"count\""),
	  { "\"total\":2", "that are kept" } },
	{ "by a fact", ENDPOINTS("\"by\":\"gen_ai.request.model\""), { "\"total\":1" } },
	{ "by nothing known",
	  ENDPOINTS("\"by\":\"colour\""),
	  { "by is none of endpoint", "\"isError\":true" } },
	{ "of a filter", ENDPOINTS("\"filter\":\"status:500\""), { "\"count\":1", "errors.5xx" } },
	{ "a part of the rows",
	  ENDPOINTS("\"by\":\"status\",\"limit\":1"),
	  { "\"total\":2", "\"next_cursor\":\"r1\"" } },
	{ "connections",
	  CONNECTIONS(""),
	  { "\"open\":true", "\"hark.connection\":12", "\"failed_exchanges\":1" } },
	{ "closed ones", CONNECTIONS("\"open\":false"), { "\"connections\":[]" } },
	{ "open in words", CONNECTIONS("\"open\":\"yes\""), { "open is neither true nor false" } },
	{ "of another process", CONNECTIONS("\"filter\":\"pid:1\""), { "\"connections\":[]" } },
	{ "doctor of a recording", CALL("\"doctor\""), { "this is a recording", "\"isError\":true" } },
};

struct asked {
	struct mcp_view view;
	struct sink_config config;
	struct budget budget;
	struct stats_options options;
	struct redact *redact;
};

static void view_open(struct asked *v)
{
	struct sample sample;

	*v = (struct asked){ .redact = redact_new(false) };
	v->options.budget = &v->budget;
	v->config = (struct sink_config){ .redact = v->redact,
					  .stats = &v->options,
					  .wall_offset_ns = SAMPLE_WALL_OFFSET_NS };
	v->view.config = &v->config;
	v->view.stats = stats_new(&(struct stats_config){ .by = BY_ENDPOINT, .no_windows = true });
	v->view.recent = recent_new(&(struct recent_config){ .sink = &v->config,
							     .count_max = 10,
							     .bytes_max = 1u << 20,
							     .redacted = true,
							     .body_max = 4096 });
	assert_true(v->view.stats && v->view.recent);
	sample_init(&sample);
	sample.exchange.request->target = SLICE("/a?password=hunter2");
	sample.exchange.request->body = SLICE("password=hunter2&a=1");
	sample.exchange.request->body_bytes = sample.exchange.request->body.len;
	sample_header(sample.exchange.request, &sample.exchange.request->headers, "Content-Type",
		      "application/x-www-form-urlencoded");
	for (int i = 0; i < 3; i++) {
		sample.exchange.response->status = i == 1 ? 500 : 200;
		recent_exchange(v->view.recent, &sample.exchange);
		stats_exchange(v->view.stats, &sample.exchange);
	}
	sample_fini(&sample);
}

static void view_close(struct asked *v)
{
	recent_free(v->view.recent);
	stats_free(v->view.stats);
	redact_free(v->redact);
	assert_int_equal(v->budget.held_bytes, 0);
}

static void check(const struct row *row, const char *answer)
{
	for (size_t i = 0; i < sizeof(row->expected) / sizeof(row->expected[0]) && row->expected[i]; i++) {
		bool absent = row->expected[i][0] == ABSENT[0];

		if (!strstr(answer, row->expected[i] + absent) != absent)
			fail_msg("%s: %s\n%s", row->name, row->expected[i], answer);
	}
}

/* Each answer is one line of JSON. */
static void test_rows(void **state)
{
	struct asked view;

	(void)state;
	view_open(&view);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = { .data = NULL };
		char why[MCP_JSON_WHY];
		json_t *value;

		assert_true(mcp_rpc_line(&view.view, slice_of_string(rows[i].line), true, &out));
		if (!rows[i].expected[0]) {
			assert_int_equal(out.len, 0);
			continue;
		}
		buffer_char(&out, '\0');
		assert_true(strchr(out.data, '\n') == out.data + out.len - 2);
		value = mcp_json_parse(slice_of(out.data, out.len - 2), why);
		if (!value)
			fail_msg("%s: %s", rows[i].name, why);
		mcp_json_free(value);
		check(&rows[i], out.data);
		buffer_fini(&out);
	}
	view_close(&view);
}

/* A tool waits until what it looks at is there; all else does not. */
static void test_waits(void **state)
{
	static const struct {
		const char *line;
		bool waits;
	} lines[] = {
		{ EXCHANGES(""), true },
		{ "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}," EXCHANGES("") "]", true },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", false },
		{ "nonsense", false },
	};
	struct asked view;

	(void)state;
	view_open(&view);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct buffer out = { .data = NULL };

		assert_int_equal(!mcp_rpc_line(&view.view, slice_of_string(lines[i].line), false, &out),
				 lines[i].waits);
		assert_int_equal(out.len == 0, lines[i].waits);
		buffer_fini(&out);
	}
	view_close(&view);
}

/* Depth is refused, and the length of a list, without harm. */
static void test_deep_and_long(void **state)
{
	struct buffer line = { .data = NULL }, out = { .data = NULL };
	struct asked view;

	(void)state;
	view_open(&view);
	for (int i = 0; i < 500000; i++)
		buffer_char(&line, '[');
	assert_true(mcp_rpc_line(&view.view, slice_of(line.data, line.len), true, &out));
	buffer_clear(&line);
	for (int i = 0; i < 1000; i++)
		buffer_string(&line, i ? ",1" : "[1");
	buffer_char(&line, ']');
	assert_true(mcp_rpc_line(&view.view, slice_of(line.data, line.len), true, &out));
	mcp_rpc_too_long(&out, 1000);
	buffer_char(&out, '\0');
	assert_non_null(strstr(out.data, "-32700"));
	assert_non_null(strstr(out.data, "more than 64 requests"));
	assert_non_null(strstr(out.data, "more than 1000 bytes"));
	buffer_fini(&line);
	buffer_fini(&out);
	view_close(&view);
}

static int load(void **state)
{
	(void)state;
	return mcp_json_load();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_deep_and_long),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC and MCP by rows, each whole, byte by byte and cut everywhere; with holes nothing is told. */
#include "reading_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static const struct row {
	const char *name, *field, *request, *type, *response, *expected;
} rows[] = {
	{ "a call", NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}",
	  "application/json", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x1\"}",
	  "rpc.system=jsonrpc\nrpc.jsonrpc.version=2.0\nrpc.method=eth_blockNumber\nrpc.jsonrpc.request_id="
	  "1\n"
	  "hark.operation=eth_blockNumber\n" },
	{ "a call that fails", NULL,
	  "{\"method\":\"x.y\",\"params\":{\"name\":\"n\"},\"jsonrpc\":\"2.0\",\"id\":\"a\"}",
	  "application/json",
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"Method not "
	  "found\",\"data\":{\"code\":1}},"
	  "\"id\":\"a\"}",
	  "rpc.system=jsonrpc\nrpc.jsonrpc.version=2.0\nrpc.method=x.y\nrpc.jsonrpc.request_id=a\n"
	  "hark.operation=x.y\nrpc.jsonrpc.error_code=-32601\nrpc.jsonrpc.error_message=Method not found\n" },
	{ "another call's answer", NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}",
	  "application/json", "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-1,\"message\":\"x\"}}",
	  "rpc.system=jsonrpc\nrpc.jsonrpc.version=2.0\nrpc.method=m\nrpc.jsonrpc.request_id=1\n"
	  "hark.operation=m\n" },
	{ "a batch of one kind", NULL,
	  "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"},{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"m\"}]",
	  "application/json",
	  "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1},{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-5}"
	  "}]",
	  "rpc.system=jsonrpc\nrpc.jsonrpc.version=2.0\nrpc.method=m\nrpc.method=m\nhark.rpc.calls=2\n"
	  "hark.operation=m\nhark.rpc.errors=1\n" },
	{ "a batch of several", NULL,
	  "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"},{\"jsonrpc\":\"2.0\",\"method\":\"n\"}]",
	  "application/json", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}]",
	  "rpc.system=jsonrpc\nrpc.jsonrpc.version=2.0\nrpc.method=m\nrpc.method=n\nhark.rpc.calls=2\n"
	  "hark.operation=batch\nhark.rpc.errors=0\n" },
	{ "a batch of which one method is no name", NULL,
	  "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"},{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":"
	  "\"m\\u0000n\"}]",
	  "application/json", "[]",
	  "rpc.system=jsonrpc\nrpc.jsonrpc.version=2.0\nrpc.method=m\nhark.rpc.calls=2\n"
	  "hark.operation=batch\nhark.rpc.errors=0\n" },
	{ "MCP begins", NULL,
	  "{\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"
	  "\"clientInfo\":{\"name\":\"c\"}},\"jsonrpc\":\"2.0\",\"id\":0}",
	  "text/event-stream",
	  "event: message\ndata: "
	  "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-03-26\"}}\n\n",
	  "rpc.system=jsonrpc\nrpc.jsonrpc.version=2.0\nrpc.method=initialize\nrpc.jsonrpc.request_id=0\n"
	  "mcp.method.name=initialize\nmcp.protocol.version=2025-03-26\nhark.operation=initialize\n"
	  "mcp.session.id=s1\n" },
	{ "a tool of MCP's fails", "mcp-session-id",
	  "{\"method\":\"tools/call\",\"params\":{\"name\":\"get_weather\",\"arguments\":{\"name\":\"x\"}},"
	  "\"jsonrpc\":\"2.0\",\"id\":1}",
	  "text/event-stream",
	  "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}\n\n"
	  "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sampling/createMessage\",\"params\":{}}\n\n"
	  "data: "
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"isError\":false}],\"isError\":true}}"
	  "\n\n",
	  "rpc.system=jsonrpc\nrpc.jsonrpc.version=2.0\nrpc.method=tools/call\nrpc.jsonrpc.request_id=1\n"
	  "mcp.method.name=tools/call\nmcp.session.id=s1\ngen_ai.operation.name=execute_tool\n"
	  "gen_ai.tool.name=get_weather\nhark.operation=tools/call get_weather\n"
	  "error.type=tool_error\n" },
	{ "a resource of MCP's", "mcp-protocol-version",
	  "{\"method\":\"resources/read\",\"params\":{\"uri\":\"file:///a\"},\"jsonrpc\":\"2.0\",\"id\":1}",
	  "application/json", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
	  "rpc.system=jsonrpc\nrpc.jsonrpc.version=2.0\nrpc.method=resources/read\nrpc.jsonrpc.request_id=1\n"
	  "mcp.method.name=resources/read\nmcp.protocol.version=s1\nmcp.resource.uri=file:///a\n"
	  "hark.operation=resources/read\nmcp.session.id=s1\n" },
	{ "another member", NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"x\":1}",
	  "application/json", "{}", "" },
	{ "version 1", NULL, "{\"id\":1,\"method\":\"m\",\"params\":[]}", "application/json", "{}", "" },
	{ "version 3", NULL, "{\"jsonrpc\":\"3.0\",\"id\":1,\"method\":\"m\"}", "application/json", "{}",
	  "" },
	{ "no method", NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", "application/json", "{}", "" },
	{ "an answer that is posted", NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
	  "application/json", "{}", "" },
	{ "not ended", NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"", "application/json", "{}", "" },
	{ "other JSON", NULL, "[[1]]", "application/json", "{}", "" },
	{ "nothing", NULL, "", "application/json", "", "" },
};

static void begin(struct reading_text *out, const struct row *row)
{
	reading_text_init(out, READER_FACTS);
	out->message[MESSAGE_REQUEST]->method = SLICE("POST");
	out->message[MESSAGE_REQUEST]->target = SLICE("/rpc");
	reading_text_field(out, MESSAGE_REQUEST, "Content-Type", "application/json");
	if (row->field)
		reading_text_field(out, MESSAGE_REQUEST, row->field, "s1");
	reading_text_field(out, MESSAGE_RESPONSE, "Content-Type", row->type);
	reading_text_field(out, MESSAGE_RESPONSE, "Mcp-Session-Id", "s1");
	assert_true(reading_text_head(out, MESSAGE_REQUEST));
}

/* The text without what the stream of events says. */
static const char *facts_of(struct reading_text *out)
{
	char *sse;

	reading_text_end(out);
	for (sse = strstr(out->text, "hark.sse"); sse; sse = strstr(out->text, "hark.sse")) {
		char *end = strchr(sse, '\n') + 1;

		memmove(sse, end, strlen(end) + 1);
	}
	return out->text;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice request = slice_of_string(rows[i].request);
		struct slice response = slice_of_string(rows[i].response);
		size_t most = request.len > response.len ? request.len : response.len;

		print_message("%s\n", rows[i].name);
		for (size_t cut = 0; cut <= most + 1; cut++) {
			struct reading_text out;

			begin(&out, &rows[i]);
			reading_text_exchange(&out, request, response, cut);
			assert_string_equal(facts_of(&out), rows[i].expected);
			reading_text_fini(&out);
		}
	}
}

/* Of a request with a hole nothing is known, of a response with one nothing new. */
static void test_holes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice request = slice_of_string(rows[i].request);
		struct slice response = slice_of_string(rows[i].response);

		for (size_t from = 0; from < request.len; from++) {
			struct reading_text out;

			begin(&out, &rows[i]);
			reading_text_around(&out, MESSAGE_REQUEST, request, from, 1);
			assert_string_equal(facts_of(&out), "");
			reading_text_fini(&out);
		}
		for (size_t from = 0; from < response.len; from++) {
			struct reading_text out;
			char *line, *rest = NULL;

			begin(&out, &rows[i]);
			reading_text_pieces(&out, MESSAGE_REQUEST, request, 0);
			reading_text_head(&out, MESSAGE_RESPONSE);
			reading_text_around(&out, MESSAGE_RESPONSE, response, from, 1);
			facts_of(&out);
			/* The version that was asked for stands until the answer is read. */
			for (line = strtok_r(out.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
				if (!strstr(rows[i].expected, line) && !strstr(line, "mcp.protocol.version"))
					fail_msg("%s, hole %zu: %s", rows[i].name, from, line);
			reading_text_fini(&out);
		}
	}
}

/* Of many methods the first are named; what is told of all stands beside them. */
static void test_large_batch(void **state)
{
	struct reading_text out;

	(void)state;
	begin(&out, &rows[0]);
	for (int i = 0; i < 100; i++)
		reading_text_feed(&out, MESSAGE_REQUEST,
				  i ? SLICE(",{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}")
				    : SLICE("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}"));
	reading_text_feed(&out, MESSAGE_REQUEST, SLICE("]"));
	reading_text_end(&out);
	assert_non_null(strstr(out.text, "hark.rpc.calls=100\nhark.operation=m\n"));
	reading_text_fini(&out);
}

/* A tool's answer of a megabyte is one event: its error stands behind what it says. */
static void test_large_event(void **state)
{
	static uint8_t bytes[1 << 20];
	const struct row streamed = { .type = "text/event-stream" };
	struct reading_text out;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	begin(&out, &streamed);
	reading_text_feed(&out, MESSAGE_REQUEST,
			  SLICE("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
				"call\",\"params\":{\"name\":\"t\"}}"));
	reading_text_head(&out, MESSAGE_RESPONSE);
	reading_text_feed(&out, MESSAGE_RESPONSE,
			  SLICE("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"data\":\""));
	reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of(bytes, sizeof(bytes)), 1000);
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("\",\"code\":-32601}}\n\n"));
	assert_true(readings_memory(out.readings) < 200000);
	reading_text_end(&out);
	assert_non_null(strstr(out.text, "rpc.jsonrpc.error_code=-32601\n"));
	reading_text_fini(&out);
}

/* What is none is given up at once: nobody reads on, and nothing is kept for it. */
static void test_gives_up(void **state)
{
	struct reading_text out;

	(void)state;
	begin(&out, &rows[0]);
	reading_text_feed(&out, MESSAGE_REQUEST, SLICE("{\"name\":["));
	assert_false(readings_want(out.readings, MESSAGE_REQUEST));
	assert_true(readings_memory(out.readings) < 512);
	assert_false(reading_text_head(&out, MESSAGE_RESPONSE));
	reading_text_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	    cmocka_unit_test(test_holes),
		cmocka_unit_test(test_large_batch), cmocka_unit_test(test_large_event),
		cmocka_unit_test(test_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

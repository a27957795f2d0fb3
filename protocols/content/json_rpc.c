/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0 in bodies of HTTP, and the Model Context Protocol on top of it: method, tool, error.
 *
 * Any JSON that is posted may be such a call, so one is told by its members: the first that JSON-RPC does not
 * have ends the reading, mostly at the first bytes. Facts are told when the body is whole. Of responses, only
 * those to known calls are read; in a stream of events the call's own response is found by its id.
 *
 * MCP says itself that it is: by its header fields, by `initialize` with a protocolVersion, or by a tool's
 * call. What is not sure to be it is JSON-RPC.
 */
#include "contents.h"
#include "json_stream.h"
#include "sse.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX_BYTES 256
#define NAMES_MAX      2048 /* of a batch's methods */

struct name {
	uint16_t len; /* 0: none */
	char text[TEXT_MAX_BYTES];
};

/* A call or a response to one. */
struct item {
	bool is_rpc, has_id, has_method, has_result, has_error, failed;
	struct name id, method, target, uri, version, message;
	bool code_known;
	int64_t code;
};

struct rpc {
	struct json_stream json[2];
	struct sse_parser sse;
	struct item item;
	struct bytes names; /* of a batch's operations, each with a NUL behind it */
	struct name id, method, target, uri, version;
	bool is_sse, is_batch, is_mcp, wrong;
	bool differ; /* the batch's operations */
	size_t calls, errors;
	enum message_kind kind;
	struct reading *reading;
};

static struct slice name_slice(const struct name *name)
{
	return slice_of(name->len ? name->text : NULL, name->len);
}

static void name_take(struct name *name, const struct json_value *value)
{
	bool right = value->type == JSON_STRING || value->type == JSON_NUMBER;

	name->len = 0;
	if (!right || value->cut || value->text.len > sizeof(name->text) || !value->text.data ||
	    slice_find(value->text, 0) < value->text.len)
		return;
	name->len = (uint16_t)value->text.len;
	memcpy(name->text, value->text.data, value->text.len);
}

static bool json_rpc_claims(const struct message *message, const struct message *other)
{
	if (message->kind == MESSAGE_REQUEST)
		return slice_equal(message->method, SLICE("POST"));
	return other && other->facts && fact_find(other->facts, SLICE("rpc.jsonrpc.version"));
}

/* --- values ---------------------------------------------------------------------------------- */

/* "-32601"; nothing else is a code. */
static void code_take(struct item *item, const struct json_value *value)
{
	struct slice text = value->text;
	bool negative = value->type == JSON_NUMBER && text.len && text.data[0] == '-';
	uint64_t number;

	if (value->type != JSON_NUMBER || !slice_number(slice_drop(text, negative), &number) ||
	    number > INT32_MAX)
		return;
	item->code_known = true;
	item->code = negative ? -(int64_t)number : (int64_t)number;
}

static void take_member(struct rpc *rpc, struct slice path, const struct json_value *value)
{
	struct item *item = &rpc->item;

	if (slice_equal(path, SLICE("jsonrpc"))) {
		item->is_rpc = value->type == JSON_STRING && slice_equal(value->text, SLICE("2.0"));
		rpc->wrong |= !item->is_rpc;
	} else if (slice_equal(path, SLICE("id"))) {
		name_take(&item->id, value);
		item->has_id = value->type == JSON_STRING || value->type == JSON_NUMBER;
	} else if (slice_equal(path, SLICE("method"))) {
		name_take(&item->method, value);
		item->has_method = true;
		rpc->wrong |= value->type != JSON_STRING;
	} else if (slice_equal(path, SLICE("result"))) {
		item->has_result = true;
	} else if (slice_equal(path, SLICE("error"))) {
		item->has_error = value->type == JSON_OBJECT;
	} else if (slice_equal(path, SLICE("params"))) {
		rpc->wrong |=
			value->type != JSON_OBJECT && value->type != JSON_ARRAY && value->type != JSON_NULL;
	} else {
		rpc->wrong = true;
	}
}

static void take_inner(struct item *item, struct slice path, const struct json_value *value)
{
	if (slice_equal(path, SLICE("params.name")))
		name_take(&item->target, value);
	else if (slice_equal(path, SLICE("params.uri")))
		name_take(&item->uri, value);
	else if (slice_equal(path, SLICE("params.protocolVersion")) ||
		 slice_equal(path, SLICE("result.protocolVersion")))
		name_take(&item->version, value);
	else if (slice_equal(path, SLICE("result.isError")))
		item->failed = value->type == JSON_TRUE;
	else if (slice_equal(path, SLICE("error.code")))
		code_take(item, value);
	else if (slice_equal(path, SLICE("error.message")))
		name_take(&item->message, value);
}

static void item_end(struct rpc *rpc);
static void document_end(struct rpc *rpc);

static bool take_value(struct rpc *rpc, const struct json_value *value)
{
	struct slice path = value->path;

	if (rpc->wrong)
		return false;
	if (value->type == JSON_DONE) {
		document_end(rpc);
		return false;
	}
	if (!path.len && value->type != JSON_END) {
		rpc->is_batch = value->type == JSON_ARRAY;
		rpc->wrong = !rpc->is_batch && value->type != JSON_OBJECT;
		return true;
	}
	if (rpc->is_batch && path.len)
		path = slice_drop(path, path.len > 1 ? 2 : 1);
	if (!path.len) {
		if (value->type == JSON_END && (value->path.len || !rpc->is_batch))
			item_end(rpc);
		else
			rpc->wrong |= value->type != JSON_OBJECT && value->type != JSON_END;
		return true;
	}
	if (value->type == JSON_END)
		return false;
	if (slice_find(path, '.') < path.len)
		take_inner(&rpc->item, path, value);
	else
		take_member(rpc, path, value);
	return value->type == JSON_OBJECT && slice_find(path, '.') == path.len;
}

static bool on_value(void *ctx, const struct json_value *value)
{
	struct rpc *rpc = ctx;
	bool enter = take_value(rpc, value);

	if (rpc->wrong)
		json_stream_stop(&rpc->json[rpc->kind]);
	return enter;
}

/* --- what is told ---------------------------------------------------------------------------- */

/* A batch's operations are kept as far as they have room. */
static void batch_add(struct rpc *rpc, const struct item *item)
{
	struct slice method = name_slice(&item->method);
	size_t len = strnlen((const char *)rpc->names.data, rpc->names.len);

	rpc->differ |=
		!method.len || (rpc->names.len && !slice_equal(slice_of(rpc->names.data, len), method));
	if (method.len && bytes_append(&rpc->names, method, NAMES_MAX) == 0)
		bytes_append(&rpc->names, slice_of("", 1), NAMES_MAX + 1);
}

static void answer_end(struct rpc *rpc)
{
	const struct item *item = &rpc->item;
	struct reading *reading = rpc->reading;
	bool ours = rpc->is_batch || slice_equal(name_slice(&item->id), name_slice(&rpc->id));

	/* What has a method is a call or a notification of the server's. */
	if (item->has_method || (!item->has_result && !item->has_error) || (!ours && item->has_id))
		return;
	rpc->errors += item->has_error || item->failed;
	if (item->version.len && rpc->is_mcp)
		reading_text(reading, MESSAGE_REQUEST, "mcp.protocol.version", name_slice(&item->version));
	if (rpc->is_batch)
		return;
	if (item->has_error && item->code_known)
		reading_integer(reading, MESSAGE_RESPONSE, "rpc.jsonrpc.error_code", item->code);
	if (item->has_error)
		reading_text(reading, MESSAGE_RESPONSE, "rpc.jsonrpc.error_message",
			     name_slice(&item->message));
	if (item->failed && rpc->is_mcp)
		reading_text(reading, MESSAGE_RESPONSE, "error.type", SLICE("tool_error"));
}

static void item_end(struct rpc *rpc)
{
	struct item *item = &rpc->item;

	if (!item->is_rpc) {
		rpc->wrong = true;
	} else if (rpc->kind == MESSAGE_RESPONSE) {
		answer_end(rpc);
	} else if (item->has_method && (item->method.len || rpc->is_batch)) {
		rpc->calls++;
		rpc->id = item->id;
		rpc->method = item->method;
		rpc->target = item->target;
		rpc->uri = item->uri;
		rpc->version = item->version;
		if (rpc->is_batch)
			batch_add(rpc, item);
	}
	memset(item, 0, sizeof(*item));
}

static bool says_mcp(const struct rpc *rpc, const struct message *request)
{
	struct slice method = name_slice(&rpc->method);

	if (message_known(request, HEADER_MCP_SESSION_ID).data ||
	    message_known(request, HEADER_MCP_PROTOCOL_VERSION).data)
		return true;
	if (slice_equal(method, SLICE("initialize")))
		return rpc->version.len > 0;
	return slice_equal(method, SLICE("notifications/initialized")) ||
	       (slice_equal(method, SLICE("tools/call")) && rpc->target.len);
}

/* "tools/call NAME": OpenTelemetry's name of the span. */
static void tell_operation(struct rpc *rpc, struct slice target)
{
	struct slice method = name_slice(&rpc->method);
	char text[2 * TEXT_MAX_BYTES + 1];
	size_t len = method.len;

	memcpy(text, method.data, method.len);
	if (target.len) {
		text[len++] = ' ';
		memcpy(text + len, target.data, target.len);
		len += target.len;
	}
	reading_text(rpc->reading, MESSAGE_REQUEST, "hark.operation", slice_of(text, len));
}

static void tell_mcp(struct rpc *rpc, const struct message *request)
{
	struct reading *reading = rpc->reading;
	struct slice method = name_slice(&rpc->method), target = name_slice(&rpc->target);
	bool tool = slice_equal(method, SLICE("tools/call")),
	     prompt = slice_equal(method, SLICE("prompts/get"));

	reading_text(reading, MESSAGE_REQUEST, "mcp.method.name", method);
	reading_text(reading, MESSAGE_REQUEST, "mcp.session.id",
		     message_known(request, HEADER_MCP_SESSION_ID));
	reading_text(reading, MESSAGE_REQUEST, "mcp.protocol.version",
		     rpc->version.len ? name_slice(&rpc->version)
				      : message_known(request, HEADER_MCP_PROTOCOL_VERSION));
	if (tool && target.len) {
		reading_text(reading, MESSAGE_REQUEST, "gen_ai.operation.name", SLICE("execute_tool"));
		reading_text(reading, MESSAGE_REQUEST, "gen_ai.tool.name", target);
	}
	if (prompt)
		reading_text(reading, MESSAGE_REQUEST, "gen_ai.prompt.name", target);
	if (slice_has_prefix(method, SLICE("resources/")))
		reading_text(reading, MESSAGE_REQUEST, "mcp.resource.uri", name_slice(&rpc->uri));
	tell_operation(rpc, tool || prompt ? target : slice_of(NULL, 0));
}

static void tell_batch(struct rpc *rpc)
{
	struct slice names = bytes_slice(&rpc->names);

	for (size_t len; names.len; names = slice_drop(names, len + 1)) {
		len = slice_find(names, '\0');
		reading_add(rpc->reading, MESSAGE_REQUEST, "rpc.method", slice_take(names, len));
	}
	reading_number(rpc->reading, MESSAGE_REQUEST, "hark.rpc.calls", rpc->calls);
	if (rpc->differ)
		reading_text(rpc->reading, MESSAGE_REQUEST, "hark.operation", SLICE("batch"));
	else
		tell_operation(rpc, slice_of(NULL, 0));
}

static void tell_calls(struct rpc *rpc)
{
	struct reading *reading = rpc->reading;
	const struct message *request = reading_of(reading, MESSAGE_REQUEST);

	if (!rpc->calls || !request)
		return;
	reading_text(reading, MESSAGE_REQUEST, "rpc.system", SLICE("jsonrpc"));
	reading_text(reading, MESSAGE_REQUEST, "rpc.jsonrpc.version", SLICE("2.0"));
	if (rpc->is_batch) {
		tell_batch(rpc);
		return;
	}
	reading_text(reading, MESSAGE_REQUEST, "rpc.method", name_slice(&rpc->method));
	reading_text(reading, MESSAGE_REQUEST, "rpc.jsonrpc.request_id", name_slice(&rpc->id));
	rpc->is_mcp = says_mcp(rpc, request);
	if (rpc->is_mcp)
		tell_mcp(rpc, request);
	else
		tell_operation(rpc, slice_of(NULL, 0));
}

static void document_end(struct rpc *rpc)
{
	if (rpc->kind == MESSAGE_REQUEST)
		tell_calls(rpc);
	else if (rpc->is_batch)
		reading_number(rpc->reading, MESSAGE_RESPONSE, "hark.rpc.errors", rpc->errors);
}

/* --- the reader ------------------------------------------------------------------------------ */

static void on_data(void *ctx, struct slice data)
{
	struct rpc *rpc = ctx;

	json_stream_feed(&rpc->json[MESSAGE_RESPONSE], data, on_value, rpc);
}

static void item_clear(struct rpc *rpc)
{
	memset(&rpc->item, 0, sizeof(rpc->item));
	rpc->wrong = false;
}

/* The next event is another document. */
static void on_event(void *ctx, const struct sse_event *event)
{
	struct rpc *rpc = ctx;

	(void)event;
	json_stream_again(&rpc->json[MESSAGE_RESPONSE]);
	item_clear(rpc);
}

static void json_rpc_head(struct reading *reading, const struct message *message)
{
	struct rpc *rpc = reading->state;

	rpc->reading = reading;
	rpc->json[message->kind].text_max = TEXT_MAX_BYTES;
	if (message->kind == MESSAGE_REQUEST)
		return;
	rpc->is_sse = reading->content->parts == CONTENT_EVENTS;
	rpc->sse.on_data = on_data;
	item_clear(rpc);
	if (rpc->is_mcp)
		reading_text(reading, MESSAGE_REQUEST, "mcp.session.id",
			     message_known(message, HEADER_MCP_SESSION_ID));
}

static void json_rpc_hole(struct reading *reading, enum message_kind kind, uint64_t size)
{
	struct rpc *rpc = reading->state;

	(void)size;
	if (kind == MESSAGE_RESPONSE && rpc->is_sse) {
		sse_hole(&rpc->sse);
		json_stream_again(&rpc->json[kind]);
		item_clear(rpc);
	} else {
		json_stream_hole(&rpc->json[kind]);
	}
}

static void json_rpc_bytes(struct reading *reading, enum message_kind kind, struct slice bytes)
{
	struct rpc *rpc = reading->state;
	bool is_sse = kind == MESSAGE_RESPONSE && rpc->is_sse;

	rpc->kind = kind;
	if (is_sse)
		sse_feed(&rpc->sse, bytes, on_event, rpc);
	else
		json_stream_feed(&rpc->json[kind], bytes, on_value, rpc);
	if (rpc->sse.no_memory)
		json_rpc_hole(reading, kind, READER_UNKNOWN_SIZE);
	if (!is_sse && (rpc->wrong || rpc->json[kind].state == JSON_WRONG))
		reading_give_up(reading, kind);
	reading_charge(reading, sse_memory(&rpc->sse) + rpc->json[0].text.capacity +
					rpc->json[1].text.capacity + rpc->names.capacity);
}

static void json_rpc_fini(void *state)
{
	struct rpc *rpc = state;

	sse_fini(&rpc->sse);
	json_stream_fini(&rpc->json[0]);
	json_stream_fini(&rpc->json[1]);
	bytes_fini(&rpc->names);
}

const struct content_reader json_rpc_reader = {
	.name = "json_rpc",
	.gives = READER_FACTS | READER_OPERATION,
	.size = sizeof(struct rpc),
	.claims = json_rpc_claims,
	.head = json_rpc_head,
	.bytes = json_rpc_bytes,
	.hole = json_rpc_hole,
	.fini = json_rpc_fini,
};

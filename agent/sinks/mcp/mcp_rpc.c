/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp_rpc.h"

#include "base/escape.h"
#include "mcp_json.h"
#include "mcp_tools.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define BATCH_MAX      64 /* messages of a line (2025-03-26 has such) */
#define NAME_MAX_BYTES 64 /* of what a client calls something, in an error */

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_SERVER  "io.modelcontextprotocol/serverInfo"
#define SERVER	     "{\"name\":\"hark\",\"title\":\"hark\",\"version\":\"" HARK_VERSION "\"}"

/* Those with a handshake, the newest first; one that a client names and that is none of them gets the first.
 */
static const char *const versions[] = { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05" };
/* The one without. */
#define VERSION_ENVELOPED  "2026-07-28"
#define VERSIONS_ENVELOPED "[\"" VERSION_ENVELOPED "\"]"

enum rpc_error { /* JSON-RPC 2.0, 5.1, and the protocol's own */
	RPC_PARSE = -32700,
	RPC_INVALID = -32600,
	RPC_NO_METHOD = -32601,
	RPC_PARAMS = -32602,
	RPC_VERSION = -32022,
};

struct request {
	const struct mcp_view *view;
	const json_t *id; /* a string or an integer */
	const json_t *params;
	bool enveloped; /* it is of VERSION_ENVELOPED */
	struct buffer *out;
};

/* --- what goes out -------------------------------------------------------------------------------- */

static void put_id(struct buffer *out, const json_t *id)
{
	const char *text = mcp_json_text(id);
	int64_t number;

	if (text)
		escape_json_text(out, slice_of_string(text));
	else if (mcp_json_integer(id, &number))
		buffer_format(out, "%" PRId64, number);
	else
		buffer_string(out, "null");
}

static void put_head(struct buffer *out, const json_t *id)
{
	buffer_string(out, "{\"jsonrpc\":\"2.0\",\"id\":");
	put_id(out, id);
}

/* data: JSON; NULL: none. */
static void put_error(struct buffer *out, const json_t *id, enum rpc_error code, const char *data,
		      const char *format, ...) __attribute__((format(printf, 5, 6)));

static void put_error(struct buffer *out, const json_t *id, enum rpc_error code, const char *data,
		      const char *format, ...)
{
	char message[400];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	put_head(out, id);
	buffer_format(out, ",\"error\":{\"code\":%d,\"message\":", code);
	escape_json(out, escape_utf8_trim(slice_of_string(message)));
	if (data)
		buffer_format(out, ",\"data\":%s", data);
	buffer_string(out, "}}");
}

/* What stands between the two is without braces, and may be nothing. */
static void result_begin(const struct request *request)
{
	put_head(request->out, request->id);
	buffer_string(request->out, ",\"result\":{");
}

static void result_end(const struct request *request)
{
	struct buffer *out = request->out;

	if (request->enveloped)
		buffer_format(out, "%s\"resultType\":\"complete\",\"_meta\":{\"" META_SERVER "\":" SERVER "}",
			      out->len && out->data[out->len - 1] == '{' ? "" : ",");
	buffer_string(out, "}}");
}

/* --- methods --------------------------------------------------------------------------------------- */

static const char instructions[] =
	"hark shows the HTTP requests and responses of the programs on one Linux machine, also those inside "
	"TLS, "
	"read from the outside. Begin with `endpoints` for an overview, then `exchanges` with a filter such "
	"as "
	"status:5xx or 'host:api.* latency:>100ms'; `exchanges` with a number and a detail shows one of "
	"them. "
	"When something is missing, ask `doctor`. Values are redacted where they are secrets. " MCP_IS_DATA;

static void put_about(struct buffer *out)
{
	buffer_string(out, "\"capabilities\":{\"tools\":{\"listChanged\":false}},\"instructions\":");
	escape_json(out, slice_of_string(instructions));
}

static void answer_initialize(const struct request *request)
{
	const char *asked = mcp_json_text(mcp_json_member(request->params, "protocolVersion"));
	const char *version = versions[0];

	if (!asked) {
		put_error(request->out, request->id, RPC_PARAMS, NULL,
			  "initialize needs protocolVersion, as \"%s\"", versions[0]);
		return;
	}
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (strcmp(asked, versions[i]) == 0)
			version = versions[i];
	result_begin(request);
	buffer_format(request->out, "\"protocolVersion\":\"%s\",\"serverInfo\":" SERVER ",", version);
	put_about(request->out);
	result_end(request);
}

static void answer_discover(const struct request *request)
{
	result_begin(request);
	buffer_string(request->out, "\"supportedVersions\":" VERSIONS_ENVELOPED
				    ",\"ttlMs\":3600000,\"cacheScope\":\"private\",");
	put_about(request->out);
	result_end(request);
}

static void answer_ping(const struct request *request)
{
	result_begin(request);
	result_end(request);
}

static void answer_list(const struct request *request)
{
	result_begin(request);
	buffer_string(request->out, "\"tools\":");
	mcp_tools_put_list(request->out);
	if (request->enveloped)
		buffer_string(request->out, ",\"ttlMs\":3600000,\"cacheScope\":\"private\"");
	result_end(request);
}

/* The same twice: as data, and for programs of earlier revisions as a text that holds it. */
static void put_answer(struct buffer *out, const struct buffer *data, bool wrong)
{
	buffer_string(out, "\"content\":[{\"type\":\"text\",\"text\":");
	if (wrong) /* names what was asked, which may be cut anywhere */
		escape_json(out, slice_of(data->data, data->len));
	else
		escape_json_text(out, slice_of(data->data, data->len));
	buffer_string(out, "}]");
	if (!wrong) {
		buffer_string(out, ",\"structuredContent\":");
		buffer_put(out, data->data, data->len);
	}
	buffer_format(out, ",\"isError\":%s", wrong ? "true" : "false");
}

static void answer_call(const struct request *request)
{
	const char *name = mcp_json_text(mcp_json_member(request->params, "name"));
	const struct mcp_tool *tool = name ? mcp_tools_find(name) : NULL;
	struct buffer data = { .data = NULL }, wrong = { .data = NULL };
	bool done;

	if (!tool) {
		put_error(request->out, request->id, RPC_PARAMS, NULL,
			  "there is no tool '%.*s'; tools/list has them", NAME_MAX_BYTES, name ? name : "");
		return;
	}
	done = mcp_tools_call(request->view, tool, mcp_json_member(request->params, "arguments"), &data,
			      &wrong);
	if (data.failed || wrong.failed) {
		buffer_clear(&wrong);
		buffer_string(&wrong, "hark is out of memory; ask for less");
		done = false;
	}
	result_begin(request);
	put_answer(request->out, done ? &data : &wrong, !done);
	result_end(request);
	buffer_fini(&data);
	buffer_fini(&wrong);
}

static const struct method {
	const char *name;
	void (*answer)(const struct request *request);
	bool looks; /* it waits until what it looks at is complete */
} methods[] = {
	{ "initialize", answer_initialize, false },
	{ "server/discover", answer_discover, false },
	{ "ping", answer_ping, false },
	{ "tools/list", answer_list, false },
	{ "tools/call", answer_call, true },
};

static const struct method *method_find(const json_t *message)
{
	const char *name = mcp_json_text(mcp_json_member(message, "method"));

	for (size_t i = 0; name && i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

/* --- messages ----------------------------------------------------------------------------------------- */

static bool is_id(const json_t *id)
{
	int64_t number;

	return mcp_json_text(id) || mcp_json_integer(id, &number);
}

/* Notifications, and answers to what hark never asks, get nothing. */
static bool is_answered(const json_t *message)
{
	if (mcp_json_member(message, "method"))
		return mcp_json_member(message, "id");
	return !mcp_json_member(message, "result") && !mcp_json_member(message, "error");
}

static void message_take(const struct mcp_view *view, const json_t *message, struct buffer *out)
{
	const char *version = mcp_json_text(mcp_json_member(message, "jsonrpc"));
	const char *name = mcp_json_text(mcp_json_member(message, "method"));
	const struct method *method = method_find(message);
	struct request request = {
		.view = view,
		.id = mcp_json_member(message, "id"),
		.params = mcp_json_member(message, "params"),
		.out = out,
	};
	const char *asked =
		mcp_json_text(mcp_json_member(mcp_json_member(request.params, "_meta"), META_VERSION));

	if (!version || strcmp(version, "2.0") != 0 || !name || !is_id(request.id)) {
		put_error(out, is_id(request.id) ? request.id : NULL, RPC_INVALID, NULL,
			  "no request of JSON-RPC 2.0: it has jsonrpc \"2.0\", a method, and an id that is a "
			  "string or "
			  "an integer");
		return;
	}
	request.enveloped = asked && strcmp(asked, VERSION_ENVELOPED) == 0;
	if (asked && !request.enveloped) {
		struct buffer data = { .data = NULL };

		buffer_string(&data, "{\"supported\":" VERSIONS_ENVELOPED ",\"requested\":");
		escape_json(&data, slice_take(slice_of_string(asked), NAME_MAX_BYTES));
		buffer_put(&data, "}", 2);
		put_error(out, request.id, RPC_VERSION, data.failed ? NULL : data.data,
			  "requests that name their own version are of " VERSION_ENVELOPED
			  "; others begin with initialize");
		buffer_fini(&data);
	} else if (!method) {
		put_error(out, request.id, RPC_NO_METHOD, NULL,
			  "there is no method '%.*s' here: hark has tools only", NAME_MAX_BYTES, name);
	} else {
		method->answer(&request);
	}
}

static bool looks(const json_t *message)
{
	const struct method *method = method_find(message);

	return method && method->looks;
}

static void batch_take(const struct mcp_view *view, const json_t *batch, struct buffer *out)
{
	size_t count = mcp_json_count(batch), answers = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_answered(mcp_json_at(batch, i)))
			continue;
		buffer_char(out, answers++ ? ',' : '[');
		message_take(view, mcp_json_at(batch, i), out);
	}
	if (answers)
		buffer_string(out, "]\n");
}

bool mcp_rpc_line(const struct mcp_view *view, struct slice line, bool ready, struct buffer *out)
{
	char why[MCP_JSON_WHY];
	json_t *message = mcp_json_parse(line, why);
	size_t count = mcp_json_count(message);
	bool waits = !ready && looks(message);

	for (size_t i = 0; i < count && !ready; i++)
		waits |= looks(mcp_json_at(message, i));
	if (!message) {
		put_error(out, NULL, RPC_PARSE, NULL, "no JSON: %s", why);
		buffer_char(out, '\n');
	} else if (count > BATCH_MAX) {
		put_error(out, NULL, RPC_INVALID, NULL, "more than %d requests at once", BATCH_MAX);
		buffer_char(out, '\n');
	} else if (waits) {
		mcp_json_free(message);
		return false;
	} else if (count) {
		batch_take(view, message, out);
	} else if (is_answered(message)) {
		message_take(view, message, out);
		buffer_char(out, '\n');
	}
	mcp_json_free(message);
	return true;
}

void mcp_rpc_too_long(struct buffer *out, size_t max)
{
	put_error(out, NULL, RPC_INVALID, NULL, "a message of more than %zu bytes", max);
	buffer_char(out, '\n');
}

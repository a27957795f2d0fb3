/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp_tools.h"

#include "base/escape.h"
#include "filter/filter.h"

#include <inttypes.h>
#include <string.h>

static const char *const details[] = { "summary", "headers", "bodies", "curl", NULL };
static const char *const orders[] = { "newest", "oldest", NULL };
static const char *const sorts[] = {
	"count", "rate",	  "errors",	    "p50",  "p90", "p99", "max", "ttfb",
	"total", "request_bytes", "response_bytes", "name", NULL
};

/* Arguments stand in the order in which the tools' functions take the values. */
#define TEXT(called, says)                                        \
	{                                                         \
		.name = (called), .doc = (says), .kind = MCP_TEXT \
	}
#define FLAG(called, says)                                        \
	{                                                         \
		.name = (called), .doc = (says), .kind = MCP_FLAG \
	}
#define CHOICE(called, words, says)                                                     \
	{                                                                               \
		.name = (called), .doc = (says), .kind = MCP_CHOICE, .choices = (words) \
	}
#define NUMBER(called, from, to, without, says)                                                     \
	{                                                                                           \
		.name = (called), .doc = (says), .kind = MCP_NUMBER, .least = (from), .most = (to), \
		.standard = (without)                                                               \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

#define LIMIT NUMBER("limit", 1, 200, 20, "At most so many; fewer come where the answer would be too large.")
#define CURSOR                                                                                             \
	TEXT("cursor", "Where the answer before ended: its next_cursor, with the other arguments as they " \
		       "were.")

static const struct mcp_argument exchanges_arguments[] = {
	TEXT("filter", "Which ones, in hark's filter language; without it all."),
	LIMIT,
	CHOICE("detail", details,
	       "summary: method, URL, status, times, process, connection. headers: header fields as well. "
	       "bodies: "
	       "bodies as well, as far as they were kept (hark mcp -vv). curl: the summary, and a command "
	       "that "
	       "sends the request again, with placeholders for secrets."),
	CHOICE("order", orders,
	       "newest first, or oldest first: then next_cursor always comes, and asked with it later gives "
	       "what "
	       "came since."),
	CURSOR,
	NUMBER("number", 1, INT64_MAX, 0, "Only the exchange of this number, whatever the filter."),
	FLAG("both_ends",
	     "List an exchange whose client and server are both on this machine twice, as each of them "
	     "saw it."),
	END,
};

static const struct mcp_argument endpoints_arguments[] = {
	TEXT("filter",
	     "Only of exchanges that pass this filter, and of those that are kept, which are the last ones."),
	TEXT("by", "What a row stands for: endpoint (host, method, path template; the standard), host, path, "
		   "process, "
		   "peer, status, connection, trace, container, pod, unit, or the name of a fact that bodies "
		   "told, as "
		   "gen_ai.request.model. All but endpoint are of the exchanges that are kept."),
	CHOICE("sort", sorts, "The largest first; name upwards."),
	LIMIT,
	CURSOR,
	END,
};

static const struct mcp_argument connections_arguments[] = {
	TEXT("filter", "Which ones, in hark's filter language; what a connection cannot tell, as a status, "
		       "hides none."),
	FLAG("open", "true: only those that are open now; false: only those that closed."),
	LIMIT,
	CURSOR,
	END,
};

static const struct mcp_argument doctor_arguments[] = {
	NUMBER("pid", 1, INT32_MAX, 0,
	       "Look at this process, now; without it at the machine, as it was when hark started."),
	END,
};

static const struct mcp_tool tools[] = {
	{ "exchanges", "HTTP exchanges",
	  "Lists requests with their responses, as hark saw them on the wire or inside TLS: the last ones of "
	  "this "
	  "run, with OpenTelemetry's names. Values are redacted where they are secrets. " MCP_IS_DATA,
	  exchanges_arguments, mcp_exchanges },
	{ "endpoints", "Endpoints with rates, errors and latencies",
	  "Numbers of exchanges by endpoint (host, method, path template) or by another key: count, rate, "
	  "errors "
	  "by kind, quantiles of latency in milliseconds, sizes. Of the whole run without a "
	  "filter. " MCP_IS_DATA,
	  endpoints_arguments, mcp_endpoints },
	{ "connections", "Connections",
	  "Lists sockets with their process, addresses, TLS library, exchanges, bytes, and what could not be "
	  "read "
	  "and why; the one with the newest sign first. " MCP_IS_DATA,
	  connections_arguments, mcp_connections },
	{ "doctor", "What hark can see here, and why not",
	  "Tells what works on this machine and what does not, with remedies: kernel, privileges, TLS "
	  "libraries, "
	  "programs whose TLS is read or not; and what hark said last. " MCP_IS_DATA,
	  doctor_arguments, mcp_doctor },
};

#define TOOL_COUNT (sizeof(tools) / sizeof(tools[0]))

const struct mcp_tool *mcp_tools_find(const char *name)
{
	for (size_t i = 0; i < TOOL_COUNT; i++)
		if (strcmp(tools[i].name, name) == 0)
			return &tools[i];
	return NULL;
}

/* --- schemas ------------------------------------------------------------------------------------- */

/* The language in short, with its keys. */
static void put_filter_doc(struct buffer *text)
{
	buffer_string(
		text,
		" Terms are key:value. A space between terms means and, `or` means or, a comma within a "
		"value means or, ! in front means not, parentheses group; a value with a space stands "
		"in double quotes. Example: status:5xx or (host:*.internal latency:>1s). Keys:");
	for (size_t i = 0; i < filter_key_count; i++)
		if (filter_keys[i].decider != FILTER_BY_BODIES)
			buffer_format(text, "%s %s (%s: %s)", i ? ";" : "", filter_keys[i].name,
				      filter_keys[i].doc, filter_keys[i].form);
	buffer_char(text, '.');
}

static void put_argument(struct buffer *out, const struct mcp_argument *argument, bool first_tool)
{
	static const char *const types[] = { [MCP_TEXT] = "string",
					     [MCP_NUMBER] = "integer",
					     [MCP_FLAG] = "boolean",
					     [MCP_CHOICE] = "string" };
	struct buffer doc = { .data = NULL };

	buffer_string(&doc, argument->doc);
	if (first_tool && strcmp(argument->name, "filter") == 0)
		put_filter_doc(&doc);
	buffer_format(out, "\"%s\":{\"type\":\"%s\",\"description\":", argument->name, types[argument->kind]);
	escape_json(out, slice_of(doc.data, doc.len));
	if (argument->kind == MCP_NUMBER)
		buffer_format(out, ",\"minimum\":%" PRId64 ",\"maximum\":%" PRId64, argument->least,
			      argument->most);
	if (argument->kind == MCP_NUMBER && argument->standard)
		buffer_format(out, ",\"default\":%" PRId64, argument->standard);
	if (argument->kind == MCP_CHOICE) {
		for (size_t i = 0; argument->choices[i]; i++)
			buffer_format(out, "%s\"%s\"", i ? "," : ",\"enum\":[", argument->choices[i]);
		buffer_format(out, "],\"default\":\"%s\"", argument->choices[argument->standard]);
	}
	buffer_char(out, '}');
	out->failed |= doc.failed;
	buffer_fini(&doc);
}

void mcp_tools_put_list(struct buffer *out)
{
	for (size_t i = 0; i < TOOL_COUNT; i++) {
		const struct mcp_tool *tool = &tools[i];

		buffer_format(out, "%s{\"name\":\"%s\",\"title\":\"%s\",\"description\":", i ? "," : "[",
			      tool->name, tool->title);
		escape_json(out, slice_of_string(tool->description));
		buffer_string(out, ",\"inputSchema\":{\"type\":\"object\",\"properties\":{");
		for (const struct mcp_argument *argument = tool->arguments; argument->name; argument++) {
			buffer_string(out, argument == tool->arguments ? "" : ",");
			put_argument(out, argument, i == 0);
		}
		buffer_format(out,
			      "},\"additionalProperties\":false},\"annotations\":{\"title\":\"%s\","
			      "\"readOnlyHint\":true,\"destructiveHint\":false,\"idempotentHint\":true,"
			      "\"openWorldHint\":false}}",
			      tool->title);
	}
	buffer_char(out, ']');
}

/* --- arguments ------------------------------------------------------------------------------------ */

static bool is_argument(const void *ctx, const char *name)
{
	const struct mcp_tool *tool = ctx;

	for (const struct mcp_argument *argument = tool->arguments; argument->name; argument++)
		if (strcmp(argument->name, name) == 0)
			return true;
	return false;
}

static void complain_choice(const struct mcp_argument *argument, struct buffer *wrong)
{
	buffer_format(wrong, "%s is none of ", argument->name);
	for (size_t i = 0; argument->choices[i]; i++)
		buffer_format(wrong, "%s%s", i ? ", " : "", argument->choices[i]);
}

static bool value_take(const struct mcp_argument *argument, const json_t *json, struct mcp_value *value,
		       struct buffer *wrong)
{
	*value = (struct mcp_value){ .number = argument->standard };
	if (!json || json_is_null(json))
		return true;
	value->given = true;
	value->text = mcp_json_text(json);
	switch (argument->kind) {
	case MCP_TEXT:
		if (!value->text)
			buffer_format(wrong, "%s is no string", argument->name);
		break;
	case MCP_NUMBER:
		if (!mcp_json_integer(json, &value->number) || value->number < argument->least ||
		    value->number > argument->most)
			buffer_format(wrong, "%s is no integer from %" PRId64 " to %" PRId64, argument->name,
				      argument->least, argument->most);
		break;
	case MCP_FLAG:
		value->number = json_is_true(json);
		if (!json_is_boolean(json))
			buffer_format(wrong, "%s is neither true nor false", argument->name);
		break;
	case MCP_CHOICE:
		for (value->number = 0; argument->choices[value->number]; value->number++)
			if (value->text && strcmp(value->text, argument->choices[value->number]) == 0)
				return true;
		complain_choice(argument, wrong);
		break;
	}
	return !wrong->len && !wrong->failed;
}

bool mcp_tools_call(const struct mcp_view *view, const struct mcp_tool *tool, const json_t *arguments,
		    struct buffer *data, struct buffer *wrong)
{
	struct mcp_value values[MCP_ARGUMENTS_MAX];
	const char *other = mcp_json_other(arguments, is_argument, tool);

	if (arguments && !json_is_object(arguments) && !json_is_null(arguments)) {
		buffer_string(wrong, "arguments is no object");
		return false;
	}
	if (other) {
		buffer_format(wrong, "%s has no argument '%.64s'; it has ", tool->name, other);
		for (const struct mcp_argument *argument = tool->arguments; argument->name; argument++)
			buffer_format(wrong, "%s%s", argument == tool->arguments ? "" : ", ", argument->name);
		return false;
	}
	for (size_t i = 0; tool->arguments[i].name; i++)
		if (!value_take(&tool->arguments[i], mcp_json_member(arguments, tool->arguments[i].name),
				&values[i], wrong))
			return false;
	return tool->call(view, values, data, wrong);
}

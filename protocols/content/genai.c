/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of language models over HTTP: which model, how many tokens, why it stopped, how fast it spoke, by
 * OpenTelemetry's names for generative AI.
 *
 * A call is taken for one when its path and the JSON of a body agree, each by a row: the path alone is a
 * guess. The provider is named where the host is known to be its own; of others' servers the API is told,
 * which is certain, and no provider. Values are told when the document that they stand in is whole: one value
 * of JSON, an event of a stream or a line. What was missed in a stream leaves out what is counted over all of
 * it, and nothing else: each number of tokens is the sender's own sum.
 */
#include "contents.h"
#include "genai_api.h"
#include "json_stream.h"
#include "sse.h"

#include <string.h>

#define NAME_MAX_BYTES 128
#define TEXT_MAX_BYTES 1024
#define CHOICES_MAX    8
#define TOOLS_MAX      8		   /* of one document */
#define TOKENS_MAX     (UINT64_C(1) << 53) /* JSON's readers agree on numbers up to here */

struct name {
	uint8_t len; /* 0: none */
	char text[NAME_MAX_BYTES];
};

enum {
	TOKEN_KINDS = REASONING_TOKENS - INPUT_TOKENS + 1
};

/* What a document said. */
struct document {
	unsigned int has; /* bits of HAS_… */
	struct name model, id, kind, status, error;
	struct name tool_type, tool_name;
	bool tool_id;
	struct name tools[TOOLS_MAX];
	size_t tool_count;
	struct name finish, finishes[CHOICES_MAX];
	uint64_t index;
	bool known[TOKEN_KINDS];
	uint64_t tokens[TOKEN_KINDS];
	bool said, done_seen;
	bool thought;	/* so is the text of the part */
	size_t part_at; /* where that begins in what is kept */
	bool part_cut;	/* some before it was cut already */
};

struct genai {
	const struct genai_api *api;
	struct json_stream json[2];
	struct sse_parser sse;
	struct document document;
	struct bytes text[2]; /* by enum message_kind; while somebody wants bodies */
	bool wants_text, text_cut[2];
	bool is_call; /* a body agreed with the path */
	bool is_sse, is_lines, streams;
	bool missed, lost_line;
	bool begun; /* what a stream of Anthropic's says first was seen */
	bool known[TOKEN_KINDS];
	uint64_t tokens[TOKEN_KINDS];
	struct name finishes[CHOICES_MAX];
	uint64_t chunks, first_ns, last_ns;
	enum message_kind kind; /* of what is being read */
	struct reading *reading;
};

static struct slice name_slice(const struct name *name)
{
	return slice_of(name->len ? name->text : NULL, name->len);
}

/* A name that is cut would be another. */
static void name_take(struct name *name, const struct json_value *value)
{
	if (value->type != JSON_STRING || value->cut || !value->text.len || value->text.len > NAME_MAX_BYTES)
		return;
	name->len = (uint8_t)value->text.len;
	memcpy(name->text, value->text.data, value->text.len);
}

/* Does the document say that it is this? */
static bool kind_is(const struct document *document, struct slice kind)
{
	return slice_equal(name_slice(&document->kind), kind);
}

/* --- what is a call -------------------------------------------------------------------------- */

static struct slice path_of(const struct message *request)
{
	return slice_take(request->target, slice_find(request->target, '?'));
}

static const struct genai_api *api_of(const struct message *request)
{
	if (!request || !slice_equal(request->method, SLICE("POST")))
		return NULL;
	return genai_api_of(path_of(request));
}

static bool genai_claims(const struct message *message, const struct message *other)
{
	return api_of(message->kind == MESSAGE_REQUEST ? message : other) != NULL;
}

/* The host without its port. */
static struct slice host_of(const struct message *request)
{
	struct slice host =
		request->authority.data ? request->authority : message_known(request, HEADER_HOST);

	return slice_take(host, slice_find(host, ':'));
}

/* Gemini's requests name their model in the path: ".../models/NAME:generateContent". */
static struct slice model_of_path(const struct message *request)
{
	struct slice path = path_of(request);
	size_t end = path.len, begin;

	while (end && path.data[end - 1] != ':')
		end--;
	end -= end > 0;
	for (begin = end; begin && path.data[begin - 1] != '/'; begin--)
		;
	return begin < end ? slice_of(path.data + begin, end - begin) : slice_of(NULL, 0);
}

static void tell_call(struct genai *genai)
{
	struct reading *reading = genai->reading;
	const struct message *request = reading_of(reading, MESSAGE_REQUEST);
	const char *provider;

	if (genai->is_call || !request)
		return;
	genai->is_call = true;
	reading_text(reading, MESSAGE_REQUEST, "gen_ai.operation.name",
		     slice_of_string(genai->api->operation));
	reading_text(reading, MESSAGE_REQUEST, "hark.gen_ai.api", slice_of_string(genai->api->name));
	provider = genai_provider_of(host_of(request));
	if (provider)
		reading_text(reading, MESSAGE_REQUEST, "gen_ai.provider.name", slice_of_string(provider));
	if (genai->api->bit & GEMINI_ANY)
		reading_text(reading, MESSAGE_REQUEST, "gen_ai.request.model", model_of_path(request));
}

/* --- values ---------------------------------------------------------------------------------- */

/* Streams wrap the whole response in some events; Gemini's is an array. */
static struct slice unwrapped(const struct genai *genai, struct slice path)
{
	struct slice wrapping = { 0 };

	if (genai->kind == MESSAGE_REQUEST)
		return path;
	if (genai->api->bit == OPENAI_RESPONSES)
		wrapping = SLICE("response");
	else if (genai->api->bit == ANTHROPIC)
		wrapping = SLICE("message");
	else if (genai->api->bit == GEMINI)
		wrapping = SLICE("#");
	if (!wrapping.len || !slice_has_prefix(path, wrapping))
		return path;
	if (path.len == wrapping.len)
		return SLICE("");
	return path.data[wrapping.len] == '.' ? slice_drop(path, wrapping.len + 1) : path;
}

static void text_keep(struct genai *genai, const struct json_value *value)
{
	struct bytes *kept = &genai->text[genai->kind];
	size_t room;

	if (!genai->wants_text || !value->text.data)
		return;
	if (genai->kind == MESSAGE_REQUEST) {
		kept->len = 0; /* the last one is what was asked */
		genai->text_cut[MESSAGE_REQUEST] = false;
	}
	room = TEXT_MAX_BYTES - kept->len;
	genai->text_cut[genai->kind] |= value->cut || value->text.len > room;
	genai->text_cut[genai->kind] |= bytes_append(kept, slice_take(value->text, room), TEXT_MAX_BYTES) < 0;
}

static void take_asked(struct genai *genai, enum genai_field field, const struct json_value *value)
{
	struct document *document = &genai->document;
	bool right;

	switch (field) {
	case HAS_MODEL:
		name_take(&document->model, value);
		right = document->model.len > 0;
		break;
	case HAS_MESSAGES:
		right = value->type == JSON_ARRAY;
		break;
	case HAS_MAX_TOKENS:
		right = value->type == JSON_NUMBER;
		break;
	case HAS_CONTENTS:
		right = value->type == JSON_ARRAY || value->type == JSON_OBJECT;
		break;
	default:
		right = value->type == JSON_STRING || value->type == JSON_ARRAY;
		if (value->type == JSON_STRING)
			text_keep(genai, value);
		break;
	}
	if (field < ASKED_TEXT && right)
		document->has |= 1u << field;
}

/* Blocks that are calls of tools say so; where there is one list of calls, each is. */
static bool is_tool(const struct genai *genai)
{
	const struct document *document = &genai->document;
	struct slice type = name_slice(&document->tool_type);

	if (!document->tool_name.len)
		return false;
	switch (genai->api->bit) {
	case OPENAI_CHAT:
		return document->tool_id ||
		       !genai->streams; /* only the first part of a streamed one has it */
	case OPENAI_RESPONSES:
		return slice_equal(type, SLICE("function_call")) ||
		       slice_equal(type, SLICE("custom_tool_call")) || slice_equal(type, SLICE("mcp_call"));
	case ANTHROPIC:
		return slice_has_suffix(type, SLICE("tool_use"));
	default:
		return true;
	}
}

static void tool_end(struct genai *genai)
{
	struct document *document = &genai->document;

	if (is_tool(genai)) {
		if (document->tool_count < TOOLS_MAX)
			document->tools[document->tool_count++] = document->tool_name;
		document->said |= genai->api->bit != OPENAI_RESPONSES;
	}
	document->tool_type.len = document->tool_name.len = 0;
	document->tool_id = false;
}

static void choice_end(struct document *document)
{
	if (document->finish.len && document->index < CHOICES_MAX)
		document->finishes[document->index] = document->finish;
	document->finish.len = 0;
	document->index = 0;
}

static void take_tokens(struct document *document, enum genai_field field, const struct json_value *value)
{
	uint64_t number;

	if (!json_number_of(value, &number) || number > TOKENS_MAX)
		return;
	document->known[field - INPUT_TOKENS] = true;
	document->tokens[field - INPUT_TOKENS] = number;
}

/* A stream of the Responses API says all again in its last events. */
static void take_said(struct genai *genai, enum genai_field field, const struct json_value *value)
{
	bool again = genai->api->bit == OPENAI_RESPONSES && genai->streams;

	if (value->type != JSON_STRING || !value->text.len || (again && !json_path_is(value, SLICE("delta"))))
		return;
	genai->document.said = true;
	genai->document.part_at = genai->text[MESSAGE_RESPONSE].len;
	genai->document.part_cut = genai->text_cut[MESSAGE_RESPONSE];
	if (field == SAID_TEXT && !genai->document.thought &&
	    (!again || kind_is(&genai->document, SLICE("response.output_text.delta"))))
		text_keep(genai, value);
}

/* Whether a text is a thought may stand behind it. */
static void take_thought(struct genai *genai)
{
	if (genai->text[MESSAGE_RESPONSE].len > genai->document.part_at) {
		genai->text[MESSAGE_RESPONSE].len = genai->document.part_at;
		genai->text_cut[MESSAGE_RESPONSE] = genai->document.part_cut;
	}
	genai->document.thought = true;
}

static void take_answered(struct genai *genai, enum genai_field field, const struct json_value *value)
{
	struct document *document = &genai->document;
	uint64_t number;

	if (field >= INPUT_TOKENS && field <= REASONING_TOKENS) {
		take_tokens(document, field, value);
		return;
	}
	switch (field) {
	case MODEL:
		name_take(&document->model, value);
		break;
	case ID:
		name_take(&document->id, value);
		break;
	case KIND:
		if (!document->kind.len || json_path_is(value, SLICE("type"))) /* the outermost */
			name_take(&document->kind, value);
		break;
	case STATUS:
		name_take(&document->status, value);
		break;
	case FINISH:
		name_take(&document->finish, value);
		break;
	case INDEX:
		document->index = json_number_of(value, &number) ? number : CHOICES_MAX;
		break;
	case CHOICE:
		if (value->type == JSON_END)
			choice_end(document);
		break;
	case TOOL:
		if (value->type == JSON_END)
			tool_end(genai);
		break;
	case TOOL_TYPE:
		name_take(&document->tool_type, value);
		break;
	case TOOL_NAME:
		name_take(&document->tool_name, value);
		break;
	case TOOL_ID:
		document->tool_id = value->type == JSON_STRING && value->text.len;
		break;
	case SAID_TEXT:
	case SAID_OTHER:
		take_said(genai, field, value);
		break;
	case DONE:
		document->done_seen = value->type == JSON_TRUE || value->type == JSON_FALSE;
		break;
	case PART:
		document->thought = false;
		document->part_at = genai->text[MESSAGE_RESPONSE].len;
		break;
	case THOUGHT:
		if (value->type == JSON_TRUE)
			take_thought(genai);
		break;
	case WENT_WRONG:
		name_take(&document->error, value);
		break;
	case WENT_WRONG_CODE:
		if (!document->error.len)
			name_take(&document->error, value);
		break;
	default:
		break;
	}
}

static void document_end(struct genai *genai);

static bool on_value(void *ctx, const struct json_value *value)
{
	struct genai *genai = ctx;
	struct slice path = unwrapped(genai, value->path);
	enum genai_field field;
	bool inner, found;

	if (value->type == JSON_DONE) {
		document_end(genai);
		return false;
	}
	if (genai->api->bit == GEMINI && value->type == JSON_END && json_path_is(value, SLICE("#"))) {
		document_end(genai);
		return false;
	}
	genai->streams |= genai->api->bit == GEMINI && value->type == JSON_ARRAY && !value->path.len;
	if (!path.len)
		return true;
	found = genai_field_of(genai->api, genai->kind, path, &field, &inner);
	if (found && genai->kind == MESSAGE_RESPONSE)
		take_answered(genai, field, value);
	else if (found && value->type != JSON_END)
		take_asked(genai, field, value);
	return inner && (genai->kind == MESSAGE_RESPONSE || genai->wants_text);
}

/* --- what is told ---------------------------------------------------------------------------- */

static void tell_asked(struct genai *genai)
{
	const struct document *document = &genai->document;
	struct bytes *text = &genai->text[MESSAGE_REQUEST];

	if ((document->has & genai->api->needs) != genai->api->needs)
		return;
	tell_call(genai);
	if (!(genai->api->bit & GEMINI_ANY))
		reading_text(genai->reading, MESSAGE_REQUEST, "gen_ai.request.model",
			     name_slice(&document->model));
	if (!text->len)
		return;
	reading_text(genai->reading, MESSAGE_REQUEST, "hark.gen_ai.input", bytes_slice(text));
	if (genai->text_cut[MESSAGE_REQUEST])
		reading_true(genai->reading, MESSAGE_REQUEST, "hark.gen_ai.input.truncated");
}

/* Does the document itself say that it is of this API? */
static bool answer_is_right(const struct genai *genai)
{
	const struct document *document = &genai->document;
	struct slice kind = name_slice(&document->kind);

	switch (genai->api->bit) {
	case ANTHROPIC:
		return document->model.len && slice_has_prefix(kind, SLICE("message"));
	case GEMINI:
		return document->model.len && document->known[0];
	case OLLAMA_CHAT:
	case OLLAMA_GENERATE:
		return document->model.len && document->done_seen;
	case OPENAI_RESPONSES: /* others have responses, too */
		return slice_has_prefix(kind, SLICE("response.")) ||
		       (document->model.len && slice_equal(kind, SLICE("response")));
	default:
		return genai->api->kind && slice_has_prefix(kind, slice_of_string(genai->api->kind));
	}
}

static uint64_t tokens(const struct genai *genai, enum genai_field field)
{
	return genai->known[field - INPUT_TOKENS] ? genai->tokens[field - INPUT_TOKENS] : 0;
}

static bool knows(const struct genai *genai, enum genai_field field)
{
	return genai->known[field - INPUT_TOKENS];
}

/* OpenTelemetry's input has what came of caches in it, and its output what was thought; not each API's has.
 */
static void tell_tokens(struct genai *genai)
{
	struct reading *reading = genai->reading;
	uint64_t input = tokens(genai, INPUT_TOKENS), output = tokens(genai, OUTPUT_TOKENS);

	if (genai->api->bit == ANTHROPIC)
		input += tokens(genai, CACHE_READ_TOKENS) + tokens(genai, CACHE_CREATION_TOKENS);
	if (genai->api->bit == GEMINI) {
		input += tokens(genai, TOOL_INPUT_TOKENS);
		output += tokens(genai, REASONING_TOKENS);
	}
	if (knows(genai, INPUT_TOKENS) && (genai->begun || genai->api->bit != ANTHROPIC))
		reading_number(reading, MESSAGE_RESPONSE, "gen_ai.usage.input_tokens", input);
	if (knows(genai, OUTPUT_TOKENS))
		reading_number(reading, MESSAGE_RESPONSE, "gen_ai.usage.output_tokens", output);
	if (knows(genai, CACHE_READ_TOKENS))
		reading_number(reading, MESSAGE_RESPONSE, "gen_ai.usage.cache_read.input_tokens",
			       tokens(genai, CACHE_READ_TOKENS));
	if (knows(genai, CACHE_CREATION_TOKENS))
		reading_number(reading, MESSAGE_RESPONSE, "gen_ai.usage.cache_creation.input_tokens",
			       tokens(genai, CACHE_CREATION_TOKENS));
	if (knows(genai, REASONING_TOKENS))
		reading_number(reading, MESSAGE_RESPONSE, "gen_ai.usage.reasoning.output_tokens",
			       tokens(genai, REASONING_TOKENS));
}

/* The Responses API has no reasons but for what it did not complete. */
static void take_status(struct document *document)
{
	struct slice status = name_slice(&document->status);

	if (!document->finish.len &&
	    (slice_equal(status, SLICE("completed")) || slice_equal(status, SLICE("failed")) ||
	     slice_equal(status, SLICE("cancelled"))))
		document->finish = document->status;
}

static void count_chunk(struct genai *genai)
{
	const struct message *request = reading_of(genai->reading, MESSAGE_REQUEST);

	if (!genai->streams || !genai->document.said)
		return;
	genai->last_ns = reading_now_ns(genai->reading);
	if (genai->chunks++)
		return;
	genai->first_ns = genai->last_ns;
	if (genai->missed || !request || !request->first_byte_ns)
		return;
	reading_ns(genai->reading, MESSAGE_RESPONSE, "hark.gen_ai.time_to_first_chunk_ms",
		   genai->first_ns > request->first_byte_ns ? genai->first_ns - request->first_byte_ns : 0);
}

/* In a stream of the Responses API a call of a tool comes in several events: the last one is taken. */
static void tell_tools(struct genai *genai)
{
	const struct document *document = &genai->document;

	if (genai->api->bit == OPENAI_RESPONSES && genai->streams &&
	    !kind_is(document, SLICE("response.completed")) &&
	    !kind_is(document, SLICE("response.incomplete")))
		return;
	for (size_t i = 0; i < document->tool_count; i++)
		reading_add(genai->reading, MESSAGE_RESPONSE, "gen_ai.tool.name",
			    name_slice(&document->tools[i]));
}

/* Sums that grow, of which the last one may be missing, are not known any more. */
static void miss(struct genai *genai)
{
	genai->missed = true;
	genai->known[OUTPUT_TOKENS - INPUT_TOKENS] = genai->known[REASONING_TOKENS - INPUT_TOKENS] = false;
	reading_forget(genai->reading, MESSAGE_RESPONSE, "gen_ai.usage.output_tokens");
	reading_forget(genai->reading, MESSAGE_RESPONSE, "gen_ai.usage.reasoning.output_tokens");
}

static void tell_answered(struct genai *genai)
{
	struct document *document = &genai->document;
	struct reading *reading = genai->reading;

	if (!genai->is_call && answer_is_right(genai))
		tell_call(genai);
	if (!genai->is_call)
		return;
	if (genai->api->bit == OPENAI_RESPONSES)
		take_status(document);
	genai->begun |= kind_is(document, SLICE("message")) || kind_is(document, SLICE("message_start"));
	choice_end(document);
	reading_text(reading, MESSAGE_RESPONSE, "gen_ai.response.model", name_slice(&document->model));
	reading_text(reading, MESSAGE_RESPONSE, "gen_ai.response.id", name_slice(&document->id));
	reading_text(reading, MESSAGE_RESPONSE, "error.type", name_slice(&document->error));
	tell_tools(genai);
	if (kind_is(document, SLICE("message_start")))
		document->known[OUTPUT_TOKENS - INPUT_TOKENS] = false; /* of what is still to be said */
	for (size_t i = 0; i < TOKEN_KINDS; i++) {
		if (!document->known[i])
			continue;
		genai->known[i] = true;
		genai->tokens[i] = document->tokens[i];
	}
	tell_tokens(genai);
	for (size_t i = 0; i < CHOICES_MAX; i++)
		if (document->finishes[i].len)
			genai->finishes[i] = document->finishes[i];
	count_chunk(genai);
}

static void document_end(struct genai *genai)
{
	if (genai->kind == MESSAGE_REQUEST)
		tell_asked(genai);
	else
		tell_answered(genai);
	memset(&genai->document, 0, sizeof(genai->document));
}

/* --- the reader ------------------------------------------------------------------------------ */

static void on_data(void *ctx, struct slice data)
{
	struct genai *genai = ctx;

	json_stream_feed(&genai->json[MESSAGE_RESPONSE], data, on_value, genai);
}

/* The next event is another document. */
static void on_event(void *ctx, const struct sse_event *event)
{
	struct genai *genai = ctx;

	(void)event;
	json_stream_again(&genai->json[MESSAGE_RESPONSE]);
	memset(&genai->document, 0, sizeof(genai->document));
}

static void genai_head(struct reading *reading, const struct message *message)
{
	struct genai *genai = reading->state;
	enum message_kind kind = message->kind;

	genai->reading = reading;
	genai->api = api_of(reading_of(reading, MESSAGE_REQUEST));
	genai->wants_text = reading_wanted(reading, READER_BODIES);
	genai->json[kind].text_max = TEXT_MAX_BYTES;
	if (kind == MESSAGE_REQUEST)
		return;
	genai->is_sse = reading->content->parts == CONTENT_EVENTS;
	genai->sse.on_data = on_data;
	genai->is_lines = reading->content->parts == CONTENT_LINES;
	genai->streams = genai->is_sse || genai->is_lines;
	genai->json[kind].lines = genai->is_lines;
}

/* Behind a hole the next line is whole: in JSON no line ends within a string. */
static struct slice line_again(struct genai *genai, struct slice bytes)
{
	if (!genai->lost_line)
		return bytes;
	bytes = slice_drop(bytes, slice_find(bytes, '\n'));
	genai->lost_line = bytes.len == 0;
	json_stream_again(&genai->json[MESSAGE_RESPONSE]);
	return bytes;
}

static void genai_hole(struct reading *reading, enum message_kind kind, uint64_t size)
{
	struct genai *genai = reading->state;

	(void)size;
	memset(&genai->document, 0, sizeof(genai->document));
	if (kind == MESSAGE_RESPONSE) {
		miss(genai);
		genai->text[kind].len = 0;
		genai->lost_line = genai->is_lines;
	}
	if (kind == MESSAGE_RESPONSE && genai->is_sse) {
		sse_hole(&genai->sse);
		json_stream_again(&genai->json[kind]);
	} else {
		json_stream_hole(&genai->json[kind]);
	}
}

static void genai_bytes(struct reading *reading, enum message_kind kind, struct slice bytes)
{
	struct genai *genai = reading->state;

	genai->kind = kind;
	if (kind == MESSAGE_RESPONSE)
		bytes = line_again(genai, bytes);
	if (kind == MESSAGE_RESPONSE && genai->is_sse)
		sse_feed(&genai->sse, bytes, on_event, genai);
	else
		json_stream_feed(&genai->json[kind], bytes, on_value, genai);
	if (genai->sse.no_memory)
		genai_hole(reading, kind, READER_UNKNOWN_SIZE);
	if (kind == MESSAGE_RESPONSE && !genai->is_sse && genai->json[kind].state == JSON_WRONG)
		miss(genai);
	reading_charge(reading, sse_memory(&genai->sse) + genai->json[0].text.capacity +
					genai->json[1].text.capacity + genai->text[0].capacity +
					genai->text[1].capacity);
}

static void tell_stream(struct genai *genai)
{
	struct reading *reading = genai->reading;

	if (!genai->streams || genai->missed)
		return;
	reading_number(reading, MESSAGE_RESPONSE, "hark.gen_ai.chunks", genai->chunks);
	if (genai->chunks > 1 && genai->last_ns > genai->first_ns)
		reading_ns(reading, MESSAGE_RESPONSE, "hark.gen_ai.time_per_output_chunk_ms",
			   (genai->last_ns - genai->first_ns) / (genai->chunks - 1));
}

static void genai_end(struct reading *reading, enum message_kind kind, const struct message *message)
{
	struct genai *genai = reading->state;
	struct bytes *text = &genai->text[MESSAGE_RESPONSE];

	(void)message;
	if (kind == MESSAGE_REQUEST || !genai->is_call)
		return;
	for (size_t i = 0; i < CHOICES_MAX; i++)
		if (genai->finishes[i].len)
			reading_add(reading, MESSAGE_RESPONSE, "gen_ai.response.finish_reasons",
				    name_slice(&genai->finishes[i]));
	tell_stream(genai);
	if (!text->len || genai->missed)
		return;
	reading_text(reading, MESSAGE_RESPONSE, "hark.gen_ai.output", bytes_slice(text));
	if (genai->text_cut[MESSAGE_RESPONSE])
		reading_true(reading, MESSAGE_RESPONSE, "hark.gen_ai.output.truncated");
}

static void genai_fini(void *state)
{
	struct genai *genai = state;

	sse_fini(&genai->sse);
	for (int i = 0; i < 2; i++) {
		json_stream_fini(&genai->json[i]);
		bytes_fini(&genai->text[i]);
	}
}

const struct content_reader genai_reader = {
	.name = "genai",
	.gives = READER_FACTS | READER_OPERATION | READER_BODIES,
	.size = sizeof(struct genai),
	.claims = genai_claims,
	.head = genai_head,
	.bytes = genai_bytes,
	.hole = genai_hole,
	.end = genai_end,
	.fini = genai_fini,
};

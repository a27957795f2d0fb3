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
#include "json_stream.h"
#include "sse.h"

#include <string.h>

#define NAME_MAX_BYTES 128
#define TEXT_MAX_BYTES 1024
#define CHOICES_MAX    8
#define TOOLS_MAX      8		   /* of one document */
#define TOKENS_MAX     (UINT64_C(1) << 53) /* JSON's readers agree on numbers up to here */

enum api_bit {
	OPENAI_CHAT = 1 << 0,
	OPENAI_TEXT = 1 << 1,
	OPENAI_RESPONSES = 1 << 2,
	OPENAI_EMBEDDINGS = 1 << 3,
	ANTHROPIC = 1 << 4,
	GEMINI = 1 << 5,
	GEMINI_EMBED = 1 << 6,
	OLLAMA_CHAT = 1 << 7,
	OLLAMA_GENERATE = 1 << 8,
	OLLAMA_EMBED = 1 << 9,
};

#define OPENAI_CHOICES (OPENAI_CHAT | OPENAI_TEXT)
#define OPENAI_OLD     (OPENAI_CHOICES | OPENAI_EMBEDDINGS)
#define OLLAMA	       (OLLAMA_CHAT | OLLAMA_GENERATE | OLLAMA_EMBED)
#define ANY_API	       (~0u)

/* What a value of a body is. */
enum field {
	/* Of requests; the first ones are bits of api.needs. */
	HAS_MODEL,
	HAS_MESSAGES,
	HAS_MAX_TOKENS,
	HAS_INPUT,
	HAS_PROMPT,
	HAS_CONTENTS,
	ASKED_TEXT,
	/* Of responses. */
	MODEL,
	ID,
	KIND,	/* what the document says that it is */
	FINISH, /* of a choice */
	INDEX,
	CHOICE, /* ends */
	STATUS,
	DONE,
	INPUT_TOKENS,
	CACHE_READ_TOKENS,
	CACHE_CREATION_TOKENS,
	TOOL_INPUT_TOKENS,
	OUTPUT_TOKENS,
	REASONING_TOKENS,
	TOOL_TYPE,
	TOOL_ID,
	TOOL_NAME,
	TOOL,	    /* ends */
	SAID_TEXT,  /* for people */
	SAID_OTHER, /* thoughts, arguments of tools */
	WENT_WRONG,
};

/* kind: how the KIND of a response begins that is this API's; NULL: it has none. */
static const struct api {
	enum api_bit bit;
	const char *name, *path, *operation;
	unsigned int needs;
	const char *kind;
} apis[] = {
	{ OPENAI_CHAT, "openai.chat_completions", "/chat/completions", "chat", 1 << HAS_MESSAGES,
	  "chat.completion" },
	{ OPENAI_TEXT, "openai.completions", "/completions", "text_completion",
	  1 << HAS_MODEL | 1 << HAS_PROMPT, "text_completion" },
	{ OPENAI_RESPONSES, "openai.responses", "/responses", "chat", 1 << HAS_MODEL | 1 << HAS_INPUT,
	  "response" },
	{ OPENAI_EMBEDDINGS, "openai.embeddings", "/embeddings", "embeddings",
	  1 << HAS_MODEL | 1 << HAS_INPUT, NULL },
	{ ANTHROPIC, "anthropic.messages", "/v1/messages", "chat",
	  1 << HAS_MODEL | 1 << HAS_MESSAGES | 1 << HAS_MAX_TOKENS, NULL },
	{ GEMINI, "gemini.generate_content", ":generateContent", "generate_content", 1 << HAS_CONTENTS,
	  NULL },
	{ GEMINI, "gemini.generate_content", ":streamGenerateContent", "generate_content", 1 << HAS_CONTENTS,
	  NULL },
	{ GEMINI_EMBED, "gemini.embed_content", ":embedContent", "embeddings", 1 << HAS_CONTENTS, NULL },
	{ OLLAMA_CHAT, "ollama.chat", "/api/chat", "chat", 1 << HAS_MODEL | 1 << HAS_MESSAGES, NULL },
	{ OLLAMA_GENERATE, "ollama.generate", "/api/generate", "text_completion",
	  1 << HAS_MODEL | 1 << HAS_PROMPT, NULL },
	{ OLLAMA_EMBED, "ollama.embed", "/api/embed", "embeddings", 1 << HAS_MODEL | 1 << HAS_INPUT, NULL },
};

#define API_COUNT (sizeof(apis) / sizeof(apis[0]))

struct row {
	unsigned int apis;
	enum field field;
	struct slice path;
};

static const struct row asked[] = {
	{ ANY_API, HAS_MODEL, SLICE("model") },
	{ ANY_API, HAS_MESSAGES, SLICE("messages") },
	{ ANY_API, HAS_MAX_TOKENS, SLICE("max_tokens") },
	{ ANY_API, HAS_INPUT, SLICE("input") },
	{ ANY_API, HAS_PROMPT, SLICE("prompt") },
	{ GEMINI, HAS_CONTENTS, SLICE("contents") },
	{ GEMINI_EMBED, HAS_CONTENTS, SLICE("content") },
	{ ANY_API, ASKED_TEXT, SLICE("messages.#.content") },
	{ ANY_API, ASKED_TEXT, SLICE("messages.#.content.#.text") },
	{ ANY_API, ASKED_TEXT, SLICE("input.#.content") },
	{ ANY_API, ASKED_TEXT, SLICE("input.#.content.#.text") },
	{ ANY_API, ASKED_TEXT, SLICE("contents.#.parts.#.text") },
};

/* Without the wrapping of streams (unwrapped()). */
static const struct row answered[] = {
	{ OPENAI_OLD, KIND, SLICE("object") },
	{ OPENAI_OLD | OPENAI_RESPONSES | ANTHROPIC, ID, SLICE("id") },
	{ ~GEMINI & ~GEMINI_EMBED, MODEL, SLICE("model") },
	{ OPENAI_CHOICES, FINISH, SLICE("choices.#.finish_reason") },
	{ OPENAI_CHOICES, INDEX, SLICE("choices.#.index") },
	{ OPENAI_CHOICES, CHOICE, SLICE("choices.#") },
	{ OPENAI_CHAT, SAID_TEXT, SLICE("choices.#.delta.content") },
	{ OPENAI_CHAT, SAID_TEXT, SLICE("choices.#.message.content") },
	{ OPENAI_CHAT, SAID_OTHER, SLICE("choices.#.delta.reasoning_content") },
	{ OPENAI_CHAT, SAID_OTHER, SLICE("choices.#.delta.reasoning") },
	{ OPENAI_CHAT, SAID_OTHER, SLICE("choices.#.delta.refusal") },
	{ OPENAI_CHAT, SAID_OTHER, SLICE("choices.#.delta.tool_calls.#.function.arguments") },
	{ OPENAI_CHAT, TOOL_ID, SLICE("choices.#.delta.tool_calls.#.id") },
	{ OPENAI_CHAT, TOOL_NAME, SLICE("choices.#.delta.tool_calls.#.function.name") },
	{ OPENAI_CHAT, TOOL, SLICE("choices.#.delta.tool_calls.#") },
	{ OPENAI_CHAT, TOOL_ID, SLICE("choices.#.message.tool_calls.#.id") },
	{ OPENAI_CHAT, TOOL_NAME, SLICE("choices.#.message.tool_calls.#.function.name") },
	{ OPENAI_CHAT, TOOL, SLICE("choices.#.message.tool_calls.#") },
	{ OPENAI_TEXT, SAID_TEXT, SLICE("choices.#.text") },
	{ OPENAI_OLD, INPUT_TOKENS, SLICE("usage.prompt_tokens") },
	{ OPENAI_OLD, OUTPUT_TOKENS, SLICE("usage.completion_tokens") },
	{ OPENAI_OLD, CACHE_READ_TOKENS, SLICE("usage.prompt_tokens_details.cached_tokens") },
	{ OPENAI_OLD, REASONING_TOKENS, SLICE("usage.completion_tokens_details.reasoning_tokens") },

	{ OPENAI_RESPONSES, KIND, SLICE("object") },
	{ OPENAI_RESPONSES | ANTHROPIC, KIND, SLICE("type") },
	{ OPENAI_RESPONSES, STATUS, SLICE("status") },
	{ OPENAI_RESPONSES, FINISH, SLICE("incomplete_details.reason") },
	{ OPENAI_RESPONSES, SAID_TEXT, SLICE("delta") },
	{ OPENAI_RESPONSES, SAID_TEXT, SLICE("output.#.content.#.text") },
	{ OPENAI_RESPONSES, TOOL_TYPE, SLICE("output.#.type") },
	{ OPENAI_RESPONSES, TOOL_NAME, SLICE("output.#.name") },
	{ OPENAI_RESPONSES, TOOL, SLICE("output.#") },
	{ OPENAI_RESPONSES, INPUT_TOKENS, SLICE("usage.input_tokens") },
	{ OPENAI_RESPONSES, CACHE_READ_TOKENS, SLICE("usage.input_tokens_details.cached_tokens") },
	{ OPENAI_RESPONSES, OUTPUT_TOKENS, SLICE("usage.output_tokens") },
	{ OPENAI_RESPONSES, REASONING_TOKENS, SLICE("usage.output_tokens_details.reasoning_tokens") },

	{ ANTHROPIC, FINISH, SLICE("stop_reason") },
	{ ANTHROPIC, FINISH, SLICE("delta.stop_reason") },
	{ ANTHROPIC, INPUT_TOKENS, SLICE("usage.input_tokens") },
	{ ANTHROPIC, CACHE_READ_TOKENS, SLICE("usage.cache_read_input_tokens") },
	{ ANTHROPIC, CACHE_CREATION_TOKENS, SLICE("usage.cache_creation_input_tokens") },
	{ ANTHROPIC, OUTPUT_TOKENS, SLICE("usage.output_tokens") },
	{ ANTHROPIC, SAID_TEXT, SLICE("delta.text") },
	{ ANTHROPIC, SAID_OTHER, SLICE("delta.thinking") },
	{ ANTHROPIC, SAID_OTHER, SLICE("delta.partial_json") },
	{ ANTHROPIC, SAID_TEXT, SLICE("content.#.text") },
	{ ANTHROPIC, TOOL_TYPE, SLICE("content.#.type") },
	{ ANTHROPIC, TOOL_NAME, SLICE("content.#.name") },
	{ ANTHROPIC, TOOL, SLICE("content.#") },
	{ ANTHROPIC, TOOL_TYPE, SLICE("content_block.type") },
	{ ANTHROPIC, TOOL_NAME, SLICE("content_block.name") },
	{ ANTHROPIC, TOOL, SLICE("content_block") },

	{ GEMINI, MODEL, SLICE("modelVersion") },
	{ GEMINI, ID, SLICE("responseId") },
	{ GEMINI, FINISH, SLICE("candidates.#.finishReason") },
	{ GEMINI, INDEX, SLICE("candidates.#.index") },
	{ GEMINI, CHOICE, SLICE("candidates.#") },
	{ GEMINI, SAID_TEXT, SLICE("candidates.#.content.parts.#.text") },
	{ GEMINI, TOOL_NAME, SLICE("candidates.#.content.parts.#.functionCall.name") },
	{ GEMINI, TOOL, SLICE("candidates.#.content.parts.#.functionCall") },
	{ GEMINI, INPUT_TOKENS, SLICE("usageMetadata.promptTokenCount") },
	{ GEMINI, TOOL_INPUT_TOKENS, SLICE("usageMetadata.toolUsePromptTokenCount") },
	{ GEMINI, CACHE_READ_TOKENS, SLICE("usageMetadata.cachedContentTokenCount") },
	{ GEMINI, OUTPUT_TOKENS, SLICE("usageMetadata.candidatesTokenCount") },
	{ GEMINI, REASONING_TOKENS, SLICE("usageMetadata.thoughtsTokenCount") },

	{ OLLAMA, DONE, SLICE("done") },
	{ OLLAMA, FINISH, SLICE("done_reason") },
	{ OLLAMA, INPUT_TOKENS, SLICE("prompt_eval_count") },
	{ OLLAMA, OUTPUT_TOKENS, SLICE("eval_count") },
	{ OLLAMA, SAID_TEXT, SLICE("message.content") },
	{ OLLAMA, SAID_TEXT, SLICE("response") },
	{ OLLAMA, SAID_OTHER, SLICE("message.thinking") },
	{ OLLAMA, SAID_OTHER, SLICE("thinking") },
	{ OLLAMA, TOOL_NAME, SLICE("message.tool_calls.#.function.name") },
	{ OLLAMA, TOOL, SLICE("message.tool_calls.#") },

	{ ~GEMINI & ~GEMINI_EMBED, WENT_WRONG, SLICE("error.type") },
	{ GEMINI | GEMINI_EMBED, WENT_WRONG, SLICE("error.status") },
};

/* Hosts that are a provider's own; '*' at the begin stands for anything. */
static const struct {
	const char *host, *provider;
} providers[] = {
	{ "api.openai.com", "openai" },
	{ "*.openai.azure.com", "azure.ai.openai" },
	{ "*.services.ai.azure.com", "azure.ai.inference" },
	{ "*.models.ai.azure.com", "azure.ai.inference" },
	{ "api.anthropic.com", "anthropic" },
	{ "generativelanguage.googleapis.com", "gcp.gemini" },
	{ "*aiplatform.googleapis.com", "gcp.vertex_ai" },
	{ "api.mistral.ai", "mistral_ai" },
	{ "api.deepseek.com", "deepseek" },
	{ "api.groq.com", "groq" },
	{ "api.perplexity.ai", "perplexity" },
	{ "api.x.ai", "x_ai" },
	{ "api.cohere.com", "cohere" },
};

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
};

struct genai {
	const struct api *api;
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

/* --- what is a call -------------------------------------------------------------------------- */

static struct slice path_of(const struct message *request)
{
	return slice_take(request->target, slice_find(request->target, '?'));
}

static bool ends_with(struct slice s, struct slice end)
{
	return s.len >= end.len && slice_equal(slice_drop(s, s.len - end.len), end);
}

static const struct api *api_of(const struct message *request)
{
	struct slice path;

	if (!request || !slice_equal(request->method, SLICE("POST")))
		return NULL;
	path = path_of(request);
	for (size_t i = 0; i < API_COUNT; i++)
		if (ends_with(path, slice_of_string(apis[i].path)))
			return &apis[i];
	return NULL;
}

static bool genai_claims(const struct message *message, const struct message *other)
{
	return api_of(message->kind == MESSAGE_REQUEST ? message : other) != NULL;
}

/* Without its port. */
static struct slice host_of(const struct message *request)
{
	struct slice host =
		request->authority.data ? request->authority : message_known(request, HEADER_HOST);

	return slice_take(host, slice_find(host, ':'));
}

static void tell_provider(struct reading *reading, const struct message *request)
{
	struct slice host = host_of(request);

	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
		struct slice known = slice_of_string(providers[i].host);
		bool any = known.data[0] == '*';
		struct slice end = any && host.len >= known.len - 1
					   ? slice_drop(host, host.len - (known.len - 1))
					   : host;

		if (!slice_equal_nocase(end, slice_drop(known, any)))
			continue;
		reading_text(reading, MESSAGE_REQUEST, "gen_ai.provider.name",
			     slice_of_string(providers[i].provider));
		return;
	}
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

	if (genai->is_call || !request)
		return;
	genai->is_call = true;
	reading_text(reading, MESSAGE_REQUEST, "gen_ai.operation.name",
		     slice_of_string(genai->api->operation));
	reading_text(reading, MESSAGE_REQUEST, "hark.gen_ai.api", slice_of_string(genai->api->name));
	tell_provider(reading, request);
	if (genai->api->bit & (GEMINI | GEMINI_EMBED))
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

static void take_asked(struct genai *genai, enum field field, const struct json_value *value)
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
		return ends_with(type, SLICE("tool_use"));
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

static void take_tokens(struct document *document, enum field field, const struct json_value *value)
{
	uint64_t number;

	if (!json_number_of(value, &number) || number > TOKENS_MAX)
		return;
	document->known[field - INPUT_TOKENS] = true;
	document->tokens[field - INPUT_TOKENS] = number;
}

/* A stream of the Responses API says all again in its last events. */
static void take_said(struct genai *genai, enum field field, const struct json_value *value)
{
	bool again = genai->api->bit == OPENAI_RESPONSES && genai->streams;

	if (value->type != JSON_STRING || !value->text.len || (again && !json_path_is(value, SLICE("delta"))))
		return;
	genai->document.said = true;
	if (field == SAID_TEXT &&
	    (!again || slice_equal(name_slice(&genai->document.kind), SLICE("response.output_text.delta"))))
		text_keep(genai, value);
}

static void take_answered(struct genai *genai, enum field field, const struct json_value *value)
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
	case WENT_WRONG:
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
	const struct row *rows = genai->kind == MESSAGE_REQUEST ? asked : answered;
	size_t count = genai->kind == MESSAGE_REQUEST ? sizeof(asked) / sizeof(asked[0])
						      : sizeof(answered) / sizeof(answered[0]);
	struct slice path = unwrapped(genai, value->path);
	bool enter = path.len == 0;

	if (value->type == JSON_DONE) {
		document_end(genai);
		return false;
	}
	if (genai->api->bit == GEMINI && value->type == JSON_END && json_path_is(value, SLICE("#"))) {
		document_end(genai);
		return false;
	}
	genai->streams |= genai->api->bit == GEMINI && value->type == JSON_ARRAY && !value->path.len;
	for (size_t i = 0; i < count && path.len; i++) {
		if (!(rows[i].apis & genai->api->bit) || rows[i].path.len < path.len ||
		    memcmp(rows[i].path.data, path.data, path.len) != 0)
			continue;
		if (rows[i].path.len > path.len)
			enter |= rows[i].path.data[path.len] == '.' &&
				 (genai->kind == MESSAGE_RESPONSE || genai->wants_text);
		else if (genai->kind == MESSAGE_RESPONSE)
			take_answered(genai, rows[i].field, value);
		else if (value->type != JSON_END)
			take_asked(genai, rows[i].field, value);
	}
	return enter;
}

/* --- what is told ---------------------------------------------------------------------------- */

static void tell_asked(struct genai *genai)
{
	const struct document *document = &genai->document;
	struct bytes *text = &genai->text[MESSAGE_REQUEST];

	if ((document->has & genai->api->needs) != genai->api->needs)
		return;
	tell_call(genai);
	if (!(genai->api->bit & (GEMINI | GEMINI_EMBED)))
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

static uint64_t tokens(const struct genai *genai, enum field field)
{
	return genai->known[field - INPUT_TOKENS] ? genai->tokens[field - INPUT_TOKENS] : 0;
}

static bool knows(const struct genai *genai, enum field field)
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
	    !slice_equal(name_slice(&document->kind), SLICE("response.completed")) &&
	    !slice_equal(name_slice(&document->kind), SLICE("response.incomplete")))
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
	genai->begun |= slice_equal(name_slice(&document->kind), SLICE("message")) ||
			slice_equal(name_slice(&document->kind), SLICE("message_start"));
	choice_end(document);
	reading_text(reading, MESSAGE_RESPONSE, "gen_ai.response.model", name_slice(&document->model));
	reading_text(reading, MESSAGE_RESPONSE, "gen_ai.response.id", name_slice(&document->id));
	reading_text(reading, MESSAGE_RESPONSE, "error.type", name_slice(&document->error));
	tell_tools(genai);
	if (slice_equal(name_slice(&document->kind), SLICE("message_start")))
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
	genai->is_lines = reading->content->parts == CONTENT_LINES;
	genai->streams = genai->is_sse || genai->is_lines;
	genai->json[kind].lines = genai->is_lines;
}

static void on_event(void *ctx, const struct sse_event *event)
{
	struct genai *genai = ctx;
	struct json_stream *json = &genai->json[MESSAGE_RESPONSE];

	if (event->data_bytes > event->data.len) { /* an event that is not whole */
		miss(genai);
		return;
	}
	json_stream_again(json);
	memset(&genai->document, 0, sizeof(genai->document));
	json_stream_feed(json, event->data, on_value, genai);
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
		sse_hole(&genai->sse);
	}
	json_stream_hole(&genai->json[kind]);
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

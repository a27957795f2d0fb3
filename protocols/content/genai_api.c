/* SPDX-License-Identifier: Apache-2.0 */
#include "genai_api.h"

#define OPENAI_CHOICES (OPENAI_CHAT | OPENAI_TEXT)
#define OPENAI_OLD     (OPENAI_CHOICES | OPENAI_EMBEDDINGS)
#define OLLAMA	       (OLLAMA_CHAT | OLLAMA_GENERATE | OLLAMA_EMBED)
#define ANY_API	       (~0u)

static const struct genai_api apis[] = {
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

struct row {
	unsigned int apis;
	enum genai_field field;
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

/* Paths within the response itself: what streams wrap it in is taken off before. */
static const struct row answered[] = {
	{ OPENAI_OLD, KIND, SLICE("object") },
	{ OPENAI_OLD | OPENAI_RESPONSES | ANTHROPIC, ID, SLICE("id") },
	{ ~GEMINI_ANY, MODEL, SLICE("model") },
	{ OPENAI_CHOICES, FINISH, SLICE("choices.#.finish_reason") },
	{ OPENAI_CHOICES, INDEX, SLICE("choices.#.index") },
	{ OPENAI_CHOICES, CHOICE, SLICE("choices.#") },
	{ OPENAI_CHAT, SAID_TEXT, SLICE("choices.#.delta.content") },
	{ OPENAI_CHAT, SAID_TEXT, SLICE("choices.#.message.content") },
	/* Mistral's thoughts and texts, where both come. */
	{ OPENAI_CHAT, SAID_TEXT, SLICE("choices.#.delta.content.#.text") },
	{ OPENAI_CHAT, SAID_TEXT, SLICE("choices.#.message.content.#.text") },
	{ OPENAI_CHAT, SAID_OTHER, SLICE("choices.#.delta.content.#.thinking.#.text") },
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
	{ GEMINI, THOUGHT, SLICE("candidates.#.content.parts.#.thought") },
	{ GEMINI, PART, SLICE("candidates.#.content.parts.#") },
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

	{ ~GEMINI_ANY, WENT_WRONG, SLICE("error.type") },
	{ GEMINI_ANY, WENT_WRONG, SLICE("error.status") },
	{ OPENAI_RESPONSES, WENT_WRONG_CODE, SLICE("error.code") }, /* of a response that failed */
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

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

const struct genai_api *genai_api_of(struct slice path)
{
	for (size_t i = 0; i < COUNT(apis); i++)
		if (slice_has_suffix(path, slice_of_string(apis[i].path)))
			return &apis[i];
	return NULL;
}

const char *genai_provider_of(struct slice host)
{
	for (size_t i = 0; i < COUNT(providers); i++) {
		struct slice known = slice_of_string(providers[i].host);
		bool any = known.data[0] == '*';
		struct slice end = any && host.len >= known.len - 1
					   ? slice_drop(host, host.len - (known.len - 1))
					   : host;

		if (slice_equal_nocase(end, slice_drop(known, any)))
			return providers[i].provider;
	}
	return NULL;
}

bool genai_field_of(const struct genai_api *api, enum message_kind kind, struct slice path,
		    enum genai_field *field, bool *inner)
{
	const struct row *rows = kind == MESSAGE_REQUEST ? asked : answered;
	size_t count = kind == MESSAGE_REQUEST ? COUNT(asked) : COUNT(answered);
	bool found = false;

	*inner = false;
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];

		if (!(row->apis & api->bit) || !slice_has_prefix(row->path, path))
			continue;
		if (row->path.len > path.len) {
			*inner |= row->path.data[path.len] == '.';
			continue;
		}
		*field = row->field;
		found = true;
	}
	return found;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The APIs of language models by rows: at which paths they are, what their requests have to have, and what
 * the values in their bodies are.
 */
#ifndef HARK_GENAI_API_H
#define HARK_GENAI_API_H

#include "message.h"
#include "slice.h"

#include <stdbool.h>

enum genai_api_bit {
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

#define GEMINI_ANY (GEMINI | GEMINI_EMBED)

/* What a value of a body is. */
enum genai_field {
	/* Values of requests; the first ones are bits of api.needs. */
	HAS_MODEL,
	HAS_MESSAGES,
	HAS_MAX_TOKENS,
	HAS_INPUT,
	HAS_PROMPT,
	HAS_CONTENTS,
	ASKED_TEXT,
	/* Values of responses. */
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
	PART,	    /* of what is said: begins, or ends */
	THOUGHT,    /* the part's text is none for people */
	SAID_TEXT,  /* for people */
	SAID_OTHER, /* thoughts, arguments of tools */
	WENT_WRONG,
	WENT_WRONG_CODE, /* the same, where there is no type */
};

struct genai_api {
	enum genai_api_bit bit;
	const char *name, *path, *operation;
	unsigned int needs; /* bits of HAS_…, all of them */
	const char *kind;   /* how the KIND of a response begins that is this API's; NULL: it has none */
};

/* The one that is at such a path (without a query); NULL: none. */
const struct genai_api *genai_api_of(struct slice path);

/* Whose own the host is (without a port), by OpenTelemetry's name; NULL: nobody knows. */
const char *genai_provider_of(struct slice host);

/*
 * What the value at this path in a request or a response of the API is. False: nothing that is known.
 * *inner: some below it are.
 */
bool genai_field_of(const struct genai_api *api, enum message_kind kind, struct slice path,
		    enum genai_field *field, bool *inner);

#endif

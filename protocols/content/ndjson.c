/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values, a line each. */
#include "contents.h"

const struct content ndjson_content = {
	.name = "ndjson",
	.types = { SLICE("application/x-ndjson"), SLICE("application/ndjson"), SLICE("application/jsonl") },
	.look = CONTENT_TEXT,
	.parts = CONTENT_LINES,
	.secrets = CONTENT_WORDS,
	.readers = { &genai_reader },
	.posted = true,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events (WHATWG HTML, 9.2); sse.c takes them apart. */
#include "contents.h"

const struct content sse_content = {
	.name = "sse",
	.types = { SLICE("text/event-stream") },
	.look = CONTENT_TEXT,
	.parts = CONTENT_EVENTS,
	.secrets = CONTENT_WORDS,
	.readers = { &sse_reader, &genai_reader, &json_rpc_reader },
};

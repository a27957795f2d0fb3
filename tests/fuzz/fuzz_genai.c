/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of models (protocols/content/genai.c): which API and which type of response, by the first two bytes.
 */
#include "fuzz_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {
		"/v1/chat/completions", "/v1/completions",    "/v1/responses", "/v1/embeddings",
		"/v1/messages",		"/m:generateContent", "/api/chat",     "/api/generate"
	};
	static const char *const types[] = { "application/json", "text/event-stream",
					     "application/x-ndjson" };
	const char *fields[] = { "host", "api.openai.com", "content-type", NULL, NULL };

	if (size < 2)
		return 0;
	fuzz_target = paths[data[0] % 8];
	fields[3] = types[data[1] % 3];
	fuzz_content(fields, slice_of(data + 2, size - 2));
	return 0;
}

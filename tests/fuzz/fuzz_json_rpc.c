/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC, MCP and what else JSON says (protocols/content/json_rpc.c), in JSON or in a stream of events. */
#include "fuzz_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *fields[] = { "mcp-session-id", "s", "content-type", NULL, NULL };

	if (size < 1)
		return 0;
	fuzz_target = "/mcp";
	fields[3] = data[0] & 1 ? "text/event-stream" : "application/json";
	fuzz_content(fields, slice_of(data + 1, size - 1));
	return 0;
}

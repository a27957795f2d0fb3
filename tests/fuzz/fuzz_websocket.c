/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket behind its handshake (protocols/content/websocket.c); the first byte also chooses what was agreed
 * on. */
#include "fuzz_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const extensions[] = {
		"", "permessage-deflate",
		"x, permessage-deflate; server_no_context_takeover; client_max_window_bits=9",
		"permessage-deflate;client_no_context_takeover"
	};
	const char *const fields[] = { "upgrade", "websocket", "sec-websocket-extensions",
				       extensions[size ? data[0] >> 6 : 0], NULL };

	fuzz_upgrade = "websocket";
	fuzz_content(fields, slice_of(data, size));
	return 0;
}

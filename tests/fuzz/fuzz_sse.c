/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of events (protocols/content/sse.c). */
#include "fuzz_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const fields[] = { "content-type", "text/event-stream", NULL };

	fuzz_content(fields, slice_of(data, size));
	return 0;
}

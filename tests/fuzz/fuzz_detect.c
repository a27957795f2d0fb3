/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes to the judges of detect.h. Checked: offsets stay inside, and a
 * verdict about a stream's start does not change when more bytes come.
 */
#include "detect.h"

#include "http1/http1_line.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of(size ? data : NULL, size);
	struct detect_result whole = detect_first(all), late = detect_late(all);
	struct http1_start_line line;

	must(whole.offset <= size && late.offset <= size);
	must(late.kind != DETECT_OTHER && late.kind != DETECT_PROXY);
	for (size_t len = 0; len < size && len < 64; len++) {
		struct detect_result prefix = detect_first(slice_take(all, len));

		must(prefix.kind == DETECT_MORE ||
		     (prefix.kind == whole.kind && prefix.offset == whole.offset));
	}
	if (late.kind == DETECT_HTTP1_REQUEST || late.kind == DETECT_HTTP1_RESPONSE)
		must(detect_find_start_line(all, &line) == late.offset);
	return 0;
}

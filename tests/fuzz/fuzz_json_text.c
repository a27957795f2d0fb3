/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes to the JSON reader: every value lies in the text, every string ends and holds no NUL. */
#include "base/json_text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void walk(struct slice text, char open, int depth)
{
	struct slice rest = json_text_inside(text, open), key = slice_of(NULL, 0), value;
	char out[64];
	ssize_t len;

	while (json_text_next(&rest, open == '{' ? &key : NULL, &value)) {
		must(value.len && value.data >= text.data && value.data + value.len <= text.data + text.len);
		must(key.len <= text.len);
		len = json_text_string(value, out, sizeof(out));
		must(strlen(out) == (len > 0 ? (size_t)len : 0));
		if (depth) {
			walk(value, '{', depth - 1);
			walk(value, '[', depth - 1);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);

	walk(text, '{', 3);
	walk(text, '[', 3);
	(void)json_text_member(text, "id");
	return 0;
}

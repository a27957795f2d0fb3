/* SPDX-License-Identifier: Apache-2.0 */
/* A schema, and a message by it; the first two bytes say how long the schema is
 * (protocols/content/protobuf_schema.c, protobuf.c). */
#include "content/protobuf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size < 2 ? 0 : (size_t)(data[0] << 8 | data[1]);
	struct slice bytes = slice_drop(slice_of(data, size), 2);
	struct protobuf_schema *schema = protobuf_schema_new(slice_take(bytes, len));
	struct bytes out = { .data = NULL };

	protobuf_text(&out, protobuf_method(schema, SLICE("s.S"), SLICE("M"), false), slice_drop(bytes, len),
		      4096);
	if (out.len > 4096)
		abort();
	bytes_fini(&out);
	protobuf_schema_free(schema);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile statement: what is shown of it is never longer, and its names fit; the first byte is the dialect.
 */
#include "sql/sql_text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *out = malloc(size + 1);
	struct sql_names names;
	size_t len;

	if (!out || !size) {
		free(out);
		return 0;
	}
	len = sql_sanitise(slice_of(data + 1, size - 1), data[0] & 3, out);
	if (len > size - 1)
		abort();
	sql_summarise(slice_of(out, len), &names);
	if (names.summary_len > SQL_SUMMARY_MAX || names.operation_len > SQL_NAME_MAX ||
	    names.collection_len > SQL_NAME_MAX)
		abort();
	free(out);
	return 0;
}

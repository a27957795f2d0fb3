/* SPDX-License-Identifier: Apache-2.0 */
/* GraphQL's requests (protocols/content/graphql.c). */
#include "fuzz_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const fields[] = { "content-type", "application/json", NULL };

	fuzz_target = "/graphql";
	fuzz_content(fields, slice_of(data, size));
	return 0;
}

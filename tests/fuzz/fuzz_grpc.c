/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC and gRPC-Web, in binary and base64 (protocols/content/grpc.c); the first byte also chooses which. */
#include "fuzz_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "application/grpc", "application/grpc-web+proto",
					     "application/grpc-web-text", "application/grpc+json" };
	static const char *const encodings[] = { "gzip", "identity", "deflate", "zstd" };
	uint8_t choice = size ? data[0] : 0;
	const char *const fields[] = { "content-type",	      types[choice >> 6], "grpc-encoding",
				       encodings[choice & 3], "grpc-timeout",	  "99999999H",
				       "grpc-message",	      "%41%zz%",	  NULL };

	fuzz_content(fields, slice_of(data, size));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over HTTP/2: length-prefixed messages; how a call ended stands in a trailer, `grpc-status`. */
#include "contents.h"

#define STATUS_MAX 16 /* UNAUTHENTICATED, the last that is defined */

static int status_of(const struct header_list *list)
{
	uint64_t status;

	for (size_t i = 0; i < list->count; i++) {
		struct slice value = list->items[i].value;

		if (!slice_equal_nocase(list->items[i].name, SLICE("grpc-status")))
			continue;
		return value.len <= 2 && slice_number(value, &status) && status <= STATUS_MAX ? (int)status
											      : -1;
	}
	return -1;
}

/* Of the trailers, else of the headers: an answer of trailers only. */
static int grpc_outcome(const struct message *response)
{
	int status = status_of(&response->trailers);

	return status >= 0 ? status : status_of(&response->headers);
}

const struct content grpc_content = {
	.name = "grpc",
	.types = { SLICE("application/grpc*") },
	.look = CONTENT_BINARY,
	.outcome = grpc_outcome,
	.path_is_name = true, /* /package.Service/Method */
};

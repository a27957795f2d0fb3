/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over HTTP/2: length-prefixed messages; how a call ended stands in a trailer, `grpc-status`. */
#include "contents.h"

#define STATUS_MAX 16 /* UNAUTHENTICATED, the last that is defined */

static int status_of(const struct header_list *list)
{
	int status = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct slice value = list->items[i].value;

		if (!slice_equal_nocase(list->items[i].name, SLICE("grpc-status")))
			continue;
		if (value.len == 0 || value.len > 2)
			return -1;
		for (size_t at = 0; at < value.len; at++) {
			if (value.data[at] < '0' || value.data[at] > '9')
				return -1;
			status = status * 10 + (value.data[at] - '0');
		}
		return status <= STATUS_MAX ? status : -1;
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

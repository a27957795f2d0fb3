/* SPDX-License-Identifier: Apache-2.0 */
#include "grpc.h"

#define GRPC_STATUS_MAX 16 /* UNAUTHENTICATED, the last that is defined */

bool exchange_is_grpc(const struct exchange *exchange)
{
	struct slice prefix = SLICE("application/grpc"), type = { 0 };

	if (exchange->request)
		type = message_header(exchange->request, SLICE("content-type"));
	if (!type.data && exchange->response)
		type = message_header(exchange->response, SLICE("content-type"));
	return slice_equal_nocase(slice_take(type, prefix.len), prefix);
}

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
		return status <= GRPC_STATUS_MAX ? status : -1;
	}
	return -1;
}

int exchange_grpc_status(const struct exchange *exchange)
{
	int status;

	if (!exchange->response || !exchange_is_grpc(exchange))
		return -1;
	status = status_of(&exchange->response->trailers);
	return status >= 0 ? status : status_of(&exchange->response->headers);
}

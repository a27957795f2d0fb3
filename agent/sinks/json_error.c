/* SPDX-License-Identifier: Apache-2.0 */
#include "json_error.h"

/* The trailer as a number; false: there is none. */
static bool trailer_number(const struct message *response, struct slice name, uint64_t *number)
{
	for (size_t i = 0; response && i < response->trailers.count; i++)
		if (slice_equal(response->trailers.items[i].name, name))
			return slice_number(response->trailers.items[i].value, number);
	return false;
}

static void put_fastcgi(struct json_writer *writer, const struct exchange *exchange)
{
	const struct message *response = exchange->response;
	uint64_t number;

	if (exchange->error_known) {
		json_key(writer, "hark.fastcgi.protocol_status");
		json_put_error(writer, exchange_error_name(exchange), exchange->error);
	}
	if (trailer_number(response, SLICE("FCGI_APP_STATUS"), &number))
		json_number(writer, "hark.fastcgi.app_status", number);
	if (trailer_number(response, SLICE("FCGI_STDERR_BYTES"), &number))
		json_number(writer, "hark.fastcgi.stderr.size", number);
}

void json_error(struct json_writer *writer, const struct exchange *exchange)
{
	if (exchange_version(exchange) == FASTCGI_1) {
		put_fastcgi(writer, exchange);
	} else if (exchange->error_known && exchange_version(exchange) == HTTP_3) {
		json_key(writer, "hark.h3.error_code");
		json_put_error(writer, exchange_error_name(exchange), exchange->error);
	} else if (exchange->error_known) {
		json_h2_error(writer, exchange->error);
	}
}

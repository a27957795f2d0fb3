/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place for each of the known requests. The route stands behind the request's
 * keys, so that both are one copy, and is written anew when it is another one.
 */
#include "json_request.h"

#include <stdlib.h>

/* What takes more to write is not kept. */
#define TEXT_MAX   448
#define SERVER_MAX 120

struct place {
	uint64_t taken;			 /* of the known request; 0: nothing is kept */
	uint64_t route_of;		 /* the routes' generation that the route is of */
	const struct endpoint *endpoint; /* whose route stands in the text; NULL: none does */
	uint16_t request_len, len;	 /* of the text: up to the route, and all of it */
	uint16_t server_len;		 /* 0: there is no host, or it is not kept */
	char server[SERVER_MAX];
	char text[TEXT_MAX];
};

struct json_requests {
	struct place places[KNOWN_REQUESTS];
};

struct json_requests *json_requests_new(void)
{
	return calloc(1, sizeof(struct json_requests));
}

size_t json_requests_bytes(void)
{
	return sizeof(struct json_requests);
}

void json_requests_free(struct json_requests *requests)
{
	free(requests);
}

/* Its place, if it is kept and holds this very request. */
static struct place *place_of(struct json_requests *requests, const struct known_request *known)
{
	struct place *place = known->place < KNOWN_REQUESTS ? &requests->places[known->place] : NULL;

	return place && place->taken == known->taken ? place : NULL;
}

static void put_request(struct json_writer *writer, const struct known_request *known,
			const struct exchange *exchange)
{
	struct slice scheme = exchange_scheme(exchange);
	const struct url *url = &known->url;

	if (known->method.data)
		json_text(writer, "http.request.method", known->method);
	if (scheme.data)
		json_text(writer, "url.scheme", scheme);
	if (url->path.data)
		json_text(writer, "url.path", redact_target(writer->redact, url->path, &writer->scratch));
	if (url->query.data)
		json_text(writer, "url.query", redact_target(writer->redact, url->query, &writer->scratch));
}

/* What was written since `start`. 0: it is too long, or not whole. */
static uint16_t text_keep(char *text, size_t max, const struct buffer *line, size_t start)
{
	size_t len = line->len - start;

	if (line->failed || len > max)
		return 0;
	memcpy(text, line->data + start, len);
	return (uint16_t)len;
}

/* The request's keys were written from `start` on. */
static void request_keep(struct json_requests *requests, const struct known_request *known,
			 const struct buffer *line, size_t start)
{
	struct place *place = &requests->places[known->place];

	*place = (struct place){ .taken = known->taken };
	place->request_len = place->len = text_keep(place->text, sizeof(place->text), line, start);
	if (!place->len)
		place->taken = 0;
}

static void route_keep(struct place *place, const struct routes_memo *memo, const struct buffer *line,
		       size_t start)
{
	size_t request_len = place->request_len;
	uint16_t len = text_keep(place->text + request_len, sizeof(place->text) - request_len, line, start);

	place->len = (uint16_t)(request_len + len);
	place->endpoint = len ? memo->endpoint : NULL;
	place->route_of = memo->generation;
}

void json_request(struct json_writer *writer, struct json_requests *requests,
		  const struct known_request *known, const struct exchange *exchange, const char *route)
{
	const struct routes_memo *memo = &known->route;
	struct place *place = place_of(requests, known);
	struct buffer *line = &writer->line;
	size_t start = line->len;

	if (place && route && place->endpoint == memo->endpoint && place->route_of == memo->generation) {
		buffer_put(line, place->text, place->len);
		return;
	}
	if (place) {
		buffer_put(line, place->text, place->request_len);
	} else {
		put_request(writer, known, exchange);
		if (known->place < KNOWN_REQUESTS)
			request_keep(requests, known, line, start);
	}
	start = line->len;
	if (route)
		json_text(writer, "http.route", slice_of_string(route));
	if (route && place && memo->endpoint)
		route_keep(place, memo, line, start);
}

bool json_request_server(struct json_writer *writer, struct json_requests *requests,
			 const struct known_request *known)
{
	struct place *place = place_of(requests, known);
	const struct url *url = &known->url;
	struct buffer *line = &writer->line;
	size_t start = line->len;

	if (place && place->server_len) {
		buffer_put(line, place->server, place->server_len);
		return true;
	}
	if (!url->host.data)
		return false;
	json_text(writer, "server.address", url->host);
	if (url->port_known)
		json_number(writer, "server.port", url->port);
	if (place)
		place->server_len = text_keep(place->server, sizeof(place->server), line, start);
	return true;
}

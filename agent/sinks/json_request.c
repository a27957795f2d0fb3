/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table with two places a hash. All bytes that the text was made of stand in
 * it and are compared. A request takes another's place only when it comes for the
 * second time and no third one missed that place in between: those that never come
 * again cost next to nothing and move nothing out.
 */
#include "json_request.h"

#include "base/hash.h"

#include <stdlib.h>

#define PLACES	  512 /* a power of 2 */
#define BYTES_MAX 192 /* of a request; longer ones are not kept */
#define TEXT_MAX  384 /* nor is what takes more to write */

/* All that the text and the URL are made of, but for CONNECT. */
enum part {
	PART_METHOD,
	PART_SCHEME,
	PART_TARGET,
	PART_AUTHORITY, /* :authority, or Host where that is not there */
	PARTS
};

struct parts {
	struct slice part[PARTS];
};

struct place {
	uint64_t hash;	    /* of what is kept */
	uint64_t missed;    /* of what was looked for last, in vain */
	uint16_t len;	    /* of the text; 0: nothing is kept */
	struct parts parts; /* in `bytes` */
	struct url url;	    /* the same */
	uint8_t bytes[BYTES_MAX];
	char text[TEXT_MAX];
};

struct json_requests {
	struct place places[PLACES];
};

struct json_requests *json_requests_new(void)
{
	return calloc(1, sizeof(struct json_requests));
}

void json_requests_free(struct json_requests *requests)
{
	free(requests);
}

static struct parts parts_of(const struct exchange *exchange)
{
	const struct message *request = exchange->request;
	struct slice authority = request->authority;

	if (!authority.data)
		authority = message_header(request, SLICE("host"));
	return (struct parts){ .part = { [PART_METHOD] = request->method,
					 [PART_SCHEME] = exchange_scheme(exchange),
					 [PART_TARGET] = request->target,
					 [PART_AUTHORITY] = authority } };
}

static uint64_t hash_of(const struct parts *parts)
{
	uint64_t hash = hash_words(HASH_START, parts->part[PART_TARGET]);

	hash = hash_words(hash, parts->part[PART_AUTHORITY]);
	return hash_words(hash, parts->part[PART_METHOD]);
}

/* Where it is kept; else where it may be. */
static struct place *place_find(struct json_requests *requests, uint64_t hash)
{
	struct place *one = &requests->places[hash % PLACES];
	struct place *two = &requests->places[(hash >> 32) % PLACES];

	if (one->hash == hash || !one->len)
		return one;
	return two->hash == hash || !two->len ? two : one;
}

/* Nothing is not the same as something empty. */
static bool part_equal(struct slice a, struct slice b)
{
	return slice_equal(a, b) && !a.data == !b.data;
}

static bool parts_equal(const struct parts *a, const struct parts *b)
{
	for (size_t i = 0; i < PARTS; i++)
		if (!part_equal(a->part[i], b->part[i]))
			return false;
	return true;
}

/* The same place in the copies of the parts; data NULL: it lies in none. */
static struct slice slice_in_copy(struct slice s, const struct parts *from, const struct parts *copies)
{
	for (size_t i = PART_TARGET; s.data && i < PARTS; i++) {
		struct slice part = from->part[i];

		if (part.data && s.data >= part.data && s.data + s.len <= part.data + part.len)
			return slice_of(copies->part[i].data + (s.data - part.data), s.len);
	}
	return slice_of(NULL, 0);
}

/* False: there is no room, or the URL says something that lies elsewhere. */
static bool place_fill(struct place *place, const struct parts *parts, const struct url *url)
{
	size_t at = 0;

	for (size_t i = 0; i < PARTS; i++) {
		struct slice part = parts->part[i];

		if (part.len > BYTES_MAX - at)
			return false;
		if (part.len)
			memcpy(place->bytes + at, part.data, part.len);
		place->parts.part[i] = slice_of(part.data ? place->bytes + at : NULL, part.len);
		at += part.len;
	}
	place->url = *url;
	place->url.authority = slice_in_copy(url->authority, parts, &place->parts);
	place->url.host = slice_in_copy(url->host, parts, &place->parts);
	place->url.path = slice_in_copy(url->path, parts, &place->parts);
	place->url.query = slice_in_copy(url->query, parts, &place->parts);
	return !url->authority_form && !url->host.data == !place->url.host.data;
}

static void place_keep(struct place *place, const struct parts *parts, const struct url *url, uint64_t hash,
		       const struct buffer *line, size_t start)
{
	size_t len = line->len - start;

	place->len = 0;
	if (line->failed || !len || len > TEXT_MAX || !place_fill(place, parts, url))
		return;
	memcpy(place->text, line->data + start, len);
	place->hash = hash;
	place->len = (uint16_t)len;
}

static void put_parts(struct json_writer *writer, const struct parts *parts, const struct url *url)
{
	if (parts->part[PART_METHOD].data)
		json_text(writer, "http.request.method", parts->part[PART_METHOD]);
	if (parts->part[PART_SCHEME].data)
		json_text(writer, "url.scheme", parts->part[PART_SCHEME]);
	if (url->path.data)
		json_text(writer, "url.path", redact_target(writer->redact, url->path, &writer->scratch));
	if (url->query.data)
		json_text(writer, "url.query", redact_target(writer->redact, url->query, &writer->scratch));
}

struct url json_request(struct json_writer *writer, struct json_requests *requests,
			const struct exchange *exchange)
{
	size_t start = writer->line.len;
	struct url url = { 0 };
	struct parts parts;
	struct place *place;
	uint64_t hash;

	if (!exchange->request)
		return url;
	parts = parts_of(exchange);
	hash = hash_of(&parts);
	place = place_find(requests, hash);
	if (place->len && place->hash == hash && parts_equal(&place->parts, &parts)) {
		buffer_put(&writer->line, place->text, place->len);
		return place->url;
	}
	url_of_request(exchange->request, &url);
	put_parts(writer, &parts, &url);
	if (!place->len || place->missed == hash)
		place_keep(place, &parts, &url, hash, &writer->line, start);
	place->missed = hash;
	return url;
}

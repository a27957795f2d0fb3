/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table with two places a hash. All bytes that the URL was made of stand in
 * it and are compared. A request takes another's place only when it comes for the
 * second time and no third one missed that place in between: those that never come
 * again cost next to nothing and move nothing out.
 */
#include "known_request.h"

#include "base/hash.h"

#include <stdlib.h>

#define BYTES_MAX 192 /* of a request; longer ones are not kept */

/* All that a URL is made of, but for CONNECT. */
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
	struct known_request known;
	uint64_t hash;	    /* of what is kept */
	uint64_t missed;    /* of what was looked for last, in vain */
	struct parts parts; /* in `bytes` */
	uint8_t bytes[BYTES_MAX];
};

struct known_requests {
	uint64_t taken;
	struct known_request passing; /* of a request that is not kept */
	struct place places[KNOWN_REQUESTS];
};

struct known_requests *known_requests_new(void)
{
	struct known_requests *known = calloc(1, sizeof(*known));

	if (!known)
		return NULL;
	for (size_t i = 0; i < KNOWN_REQUESTS; i++)
		known->places[i].known.place = i;
	known->passing.place = KNOWN_REQUESTS;
	return known;
}

void known_requests_free(struct known_requests *known)
{
	free(known);
}

size_t known_requests_bytes(void)
{
	return sizeof(struct known_requests);
}

static struct parts parts_of(const struct exchange *exchange)
{
	const struct message *request = exchange->request;
	struct slice authority = request->authority;

	if (!authority.data)
		authority = message_known(request, HEADER_HOST);
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
static struct place *place_find(struct known_requests *known, uint64_t hash)
{
	struct place *one = &known->places[hash % KNOWN_REQUESTS];
	struct place *two = &known->places[(hash >> 32) % KNOWN_REQUESTS];

	if (one->hash == hash || !one->known.taken)
		return one;
	return two->hash == hash || !two->known.taken ? two : one;
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

static void parts_copy(struct place *place, const struct parts *parts)
{
	size_t at = 0;

	for (size_t i = 0; i < PARTS; i++) {
		struct slice part = parts->part[i];

		if (part.len)
			memcpy(place->bytes + at, part.data, part.len);
		place->parts.part[i] = slice_of(part.data ? place->bytes + at : NULL, part.len);
		at += part.len;
	}
}

static bool parts_fit(const struct parts *parts)
{
	size_t room = BYTES_MAX;

	for (size_t i = 0; i < PARTS; i++) {
		if (parts->part[i].len > room)
			return false;
		room -= parts->part[i].len;
	}
	return true;
}

/*
 * False: there is no room, or the parts do not tell of a host: another field may (an empty or malformed
 * :authority beside Host). Nothing is kept then.
 */
static bool place_fill(struct place *place, const struct parts *parts, const struct url *url)
{
	struct known_request *known = &place->known;

	known->taken = 0;
	if (url->authority_form || !parts_fit(parts))
		return false;
	parts_copy(place, parts);
	known->url = *url;
	known->url.authority = slice_in_copy(url->authority, parts, &place->parts);
	known->url.host = slice_in_copy(url->host, parts, &place->parts);
	known->url.path = slice_in_copy(url->path, parts, &place->parts);
	known->url.query = slice_in_copy(url->query, parts, &place->parts);
	known->method = place->parts.part[PART_METHOD];
	known->path = url_path_plain(known->url.path);
	known->route = (struct routes_memo){ .endpoint = NULL };
	return known->url.host.data != NULL;
}

struct known_request *known_requests_find(struct known_requests *known, const struct exchange *exchange)
{
	struct parts parts = parts_of(exchange);
	uint64_t hash = hash_of(&parts);
	struct place *place = place_find(known, hash);
	struct url *url = &known->passing.url;
	bool wanted;

	if (place->known.taken && place->hash == hash && parts_equal(&place->parts, &parts))
		return &place->known;
	url_of_request(exchange->request, url);
	wanted = !place->known.taken || place->missed == hash;
	place->missed = hash;
	if (wanted && place_fill(place, &parts, url)) {
		place->hash = hash;
		place->known.taken = ++known->taken;
		return &place->known;
	}
	known->passing.method = exchange->request->method;
	known->passing.path = url_path_plain(url->path);
	known->passing.route = (struct routes_memo){ .endpoint = NULL };
	known->passing.taken = ++known->taken;
	return &known->passing;
}

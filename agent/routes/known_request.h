/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most requests of a server are ones that it got before: what is found out of
 * the request alone, its URL taken apart and its endpoint, is kept with all bytes
 * that it was found out of. Whoever makes more of a request keeps it by its place.
 */
#ifndef HARK_KNOWN_REQUEST_H
#define HARK_KNOWN_REQUEST_H

#include "base/url.h"
#include "model/exchange.h"
#include "routes.h"

#include <stdint.h>

#define KNOWN_REQUESTS 512 /* places; a power of 2 */

struct known_request {
	struct url url;		  /* as url_of_request() has it */
	struct slice method;	  /* of the request */
	struct slice path;	  /* url_path_plain() of the URL's */
	struct routes_memo route; /* for routes_find_again() with this URL and method */
	size_t place;		  /* KNOWN_REQUESTS: it is not kept */
	uint64_t taken;		  /* another number when another request has the place; never 0 */
};

struct known_requests;

struct known_requests *known_requests_new(void);	/* NULL: out of memory */
size_t known_requests_bytes(void);			/* that they take */
void known_requests_free(struct known_requests *known); /* NULL is legal */

/* Finds the exchange's request, which must not be NULL, or takes it in. Borrowed until the next call, as is
 * the message. */
struct known_request *known_requests_find(struct known_requests *known, const struct exchange *exchange);

#endif

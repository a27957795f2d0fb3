/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints: server name, method, route template (docs/design.md, D11). A path becomes
 * its template by the user's patterns, else segment by segment: by what the
 * segment looks like, and by what was learnt at that position of the tree.
 * A slash at the end makes no difference, nor does the case of the server name.
 *
 * Placeholders are "{id}", whatever kind of id it is, since one position may
 * have several; "{hash}" in the names of files, "{file}" for folded ones; a
 * last "*" stands for what is deeper than 32 segments. No other braces come
 * from here, but a path may have some.
 *
 * The tree is bounded: past `limit` endpoints, new ones share one overflow
 * endpoint, which counts how many it stands for (as far as it can tell).
 */
#ifndef HARK_ROUTES_H
#define HARK_ROUTES_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct routes;

struct endpoint {
	char *host;	 /* in lower case, else as sent: anything may stand in it; NULL: not known */
	char *method;	 /* NULL: not known */
	char *route;	 /* "/v1/users/{id}"; NULL: not known */
	bool overflow;	 /* the one that the rest is folded into; host, method and route are NULL */
	uint64_t folded; /* of the overflow: distinct endpoints in it, at least */
	void *data;	 /* the user's; NULL at first */
};

struct routes_config {
	const char *const
		*patterns; /* --route, see routes_pattern.h; the first that matches wins; borrowed */
	size_t pattern_count;
	bool fold_static; /* static assets fold by extension: "/css/{file}.css" */
	size_t limit;	  /* endpoints; 0: the default of 1,000 */
	/*
	 * Two endpoints became one, by learning or because `from` lost its place to a more frequent one
	 * (`into` is then the overflow): `from` goes away, its data is the user's to add to into->data.
	 * Either data may be NULL. May be NULL.
	 */
	void (*merge)(void *ctx, struct endpoint *into, struct endpoint *from);
	void (*release)(void *ctx, struct endpoint *endpoint); /* by routes_free(); may be NULL */
	void *ctx;
};

/* Copies config; patterns were checked, and live on. NULL: out of memory. */
struct routes *routes_new(const struct routes_config *config);
void routes_free(struct routes *routes); /* NULL is legal */

/*
 * The endpoint of a request, made when it is new; slices with data NULL are not known, path is without query.
 * grpc: the path is /package.Service/Method and stays. The pointer lives until the next call of
 * routes_find(). Never NULL: what has no room, or no memory, goes to the overflow endpoint. Those that come
 * most often have room (frequent.h): one that comes more often takes the place of another, which goes over
 * into the overflow.
 */
struct endpoint *routes_find(struct routes *routes, struct slice host, struct slice method, struct slice path,
			     bool grpc);

/* What routes_find() found for a request. All zero: nothing yet. */
struct routes_memo {
	struct endpoint *endpoint; /* NULL: nothing */
	uint64_t generation;	   /* of the routes, which it holds for */
	bool grpc;
	bool twice; /* it was found again: learning wants to see what comes twice */
};

/* routes_find() for a request that the memo is of: for one that came before it is known at once. */
struct endpoint *routes_find_again(struct routes *routes, struct routes_memo *memo, struct slice host,
				   struct slice method, struct slice path, bool grpc);

/* The same for a request that is not to be counted (yet): it does not speak for its endpoint to have room. */
struct endpoint *routes_find_uncounted(struct routes *routes, struct slice host, struct slice method,
				       struct slice path, bool grpc);

/* One of the least frequent endpoints goes over into the overflow. False: there is none. */
bool routes_shed(struct routes *routes);

/* Each endpoint, the overflow last if anything is in it. fn must not call routes_find(). */
void routes_each(struct routes *routes, void (*fn)(void *ctx, struct endpoint *endpoint), void *ctx);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment of a path: the part that may be an id, what it looks like, what
 * stands around it, and what is likely to follow it. Knows nothing of where the
 * segment stands. Pure; any bytes are legal.
 */
#ifndef HARK_ROUTES_SEGMENT_H
#define HARK_ROUTES_SEGMENT_H

#include "routes_words.h"
#include "slice.h"

#include <stdbool.h>

#define SEGMENT_MAX 128 /* a longer one is an id */

enum look {
	LOOK_RESERVED, /* never an id: "search", "_bulk", "" */
	LOOK_VERSION,  /* "v1", "v1beta2" */
	LOOK_NOUN,     /* a resource's name: "orders", "lineItems" */
	LOOK_PLURAL,   /* a word that ends like a plural, not known */
	LOOK_WORD,     /* another word, not known */
	LOOK_FILE,     /* a file's name */
	LOOK_SLUG,     /* several words: "hello-world" */
	LOOK_TITLE,    /* many words: "how-we-moved-to-http3" */
	LOOK_CODE,     /* rather an id: "LHR", "john99", "example.com" */
	LOOK_DECIMAL,  /* "2", "1.1": an id, or a version where an API begins */
	LOOK_ID,
};

struct segment {
	enum look look;
	bool strict; /* LOOK_ID: a number, a UUID or another one that no name can be mistaken for */
	/*
	 * How it stands in the route: prefix, stem (or a placeholder for it), suffix. All but the stem stay
	 * when the stem is an id: ".json", ":cancel", "Products(" and ")".
	 */
	struct slice prefix, stem, suffix;
	struct slice label; /* of the placeholder: "{id}", "{hash}" */
};

void routes_segment_read(const struct words *words, struct slice bytes, struct segment *segment);

/* "v1", "v1beta2", "v2.1". */
bool routes_segment_is_version(struct slice text);

/* The last part of a file name that is one of a program or a picture; data NULL: it is none. */
struct slice routes_segment_asset(const struct words *words, struct slice bytes);

enum follow {
	FOLLOW_SINGULAR,    /* nothing is known: "weather" */
	FOLLOW_SPACE,	    /* names of resources: "api", "v1" */
	FOLLOW_SINGLE,	    /* parts of it: "settings" */
	FOLLOW_ENTITY,	    /* an id, or parts of it: "user" */
	FOLLOW_PLURAL,	    /* an id: "users" */
	FOLLOW_NAMED,	    /* any name: "tags" */
	FOLLOW_ANY,	    /* any name, even one that is reserved elsewhere: "manifests" */
	FOLLOW_PAIR,	    /* two ids: "repos" */
	FOLLOW_PLACEHOLDER, /* it is an id */
	FOLLOW_ROOT,	    /* it is the beginning */
};

/* Of a segment that is a name. */
enum follow routes_segment_follow(const struct words *words, struct slice text);

/* Takes the first segment off; the rest stands without the slash between them, data NULL: nothing does. */
static inline struct slice routes_segment_take(struct slice *path)
{
	const uint8_t *slash = path->len ? memchr(path->data, '/', path->len) : NULL;
	struct slice segment = slash ? slice_take(*path, (size_t)(slash - path->data)) : *path;

	*path = slash ? slice_drop(*path, segment.len + 1) : (struct slice){ .data = NULL };
	return segment;
}

/* A path without the slashes at its ends: with one at the end it is the same endpoint. data NULL: the root.
 */
static inline struct slice routes_segment_all(struct slice path)
{
	if (path.len && path.data[0] == '/')
		path = slice_drop(path, 1);
	if (path.len && path.data[path.len - 1] == '/')
		path.len--;
	return path.len ? path : (struct slice){ .data = NULL };
}

#endif

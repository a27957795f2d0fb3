/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one segment of a path looks like, knowing nothing of where it stands.
 * Pure; any bytes are legal.
 */
#ifndef HARK_ROUTES_SEGMENT_H
#define HARK_ROUTES_SEGMENT_H

#include "routes_words.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>

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

/* What it may be followed by. */
enum follow {
	FOLLOW_SINGULAR, /* nothing is known: "weather" */
	FOLLOW_SPACE,	 /* names of resources: "api", "v1" */
	FOLLOW_SINGLE,	 /* parts of it: "settings" */
	FOLLOW_ENTITY,	 /* an id, or parts of it: "user" */
	FOLLOW_PLURAL,	 /* an id: "users" */
	FOLLOW_NAMED,	 /* any name: "tags" */
	FOLLOW_ANY,	 /* any name, even one that is reserved elsewhere: "manifests" */
	FOLLOW_PAIR,	 /* two ids: "repos" */
	FOLLOW_HOLE,	 /* it is an id */
	FOLLOW_ROOT,	 /* it is the beginning */
};

#define SEGMENT_MAX 128 /* a longer one is an id */

struct segment {
	enum look look;
	bool strict; /* LOOK_ID: a number, a UUID or another one that no name can be mistaken for */
	/*
	 * How it stands in the route: prefix, stem (or a placeholder for it), suffix. All but the stem stay
	 * when the stem is an id: ".json", ":cancel", "Products(" and ")".
	 */
	struct slice prefix, stem, suffix;
	struct slice placeholder; /* "{id}", "{hash}" */
};

void segment_read(const struct words *words, struct slice bytes, struct segment *segment);

/* The last part of a file name that is one of a program or a picture; data NULL: it is none. */
struct slice segment_asset(const struct words *words, struct slice bytes);

enum follow segment_follow(const struct words *words, struct slice text);

/* "v1", "v1beta2", "v2.1". */
bool segment_is_version(struct slice text);

#endif

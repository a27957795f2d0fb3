/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one segment of a path looks like, knowing nothing of where it stands.
 * Pure; any bytes are legal.
 */
#ifndef HARK_ROUTES_LOOK_H
#define HARK_ROUTES_LOOK_H

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

enum look look_of(const struct words *words, struct slice s);

/* "v1", "v1beta2", "v2.1". */
bool look_is_version(struct slice text);
/* "2", "10", "1.1": one or two digits, and perhaps others behind a dot. */
bool look_is_decimal(struct slice s);
/* An id by its form: a number, a UUID, a ULID, long hex. */
bool look_is_strict(struct slice s);

#endif

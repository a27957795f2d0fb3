/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment of a path: the part that may be an id, what it looks like, and
 * what stands around it. Knows nothing of where the segment stands.
 * Pure; any bytes are legal.
 */
#ifndef HARK_ROUTES_SEGMENT_H
#define HARK_ROUTES_SEGMENT_H

#include "routes_look.h"
#include "routes_words.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>

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

#endif

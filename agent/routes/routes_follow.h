/* SPDX-License-Identifier: Apache-2.0 */
/* What is likely to follow a segment that is a name. */
#ifndef HARK_ROUTES_FOLLOW_H
#define HARK_ROUTES_FOLLOW_H

#include "routes_words.h"
#include "slice.h"

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

enum follow follow_of(const struct words *words, struct slice text);

#endif

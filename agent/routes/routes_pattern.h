/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's patterns: "[METHOD ]/path", where "{name}" or "*" stands for one
 * segment, and "**", or a "*" that is the last segment, for one or more.
 */
#ifndef HARK_ROUTES_PATTERN_H
#define HARK_ROUTES_PATTERN_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>

struct pattern {
	struct slice method; /* borrowed; data NULL: any */
	struct slice path;   /* borrowed: what the route is called */
};

/* Takes a pattern apart: 0, or -EINVAL with *error (static) and *at, an offset into it. */
int routes_pattern_parse(const char *text, struct pattern *pattern, const char **error, size_t *at);

/* A trailing slash more or less makes no difference. Methods are compared as they are (RFC 9110, 9.1). */
bool routes_pattern_matches(const struct pattern *pattern, struct slice method, struct slice path);

#endif

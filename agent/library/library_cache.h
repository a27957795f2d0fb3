/* SPDX-License-Identifier: Apache-2.0 */
/* The shared libraries that the loader would find, before anybody maps them. */
#ifndef HARK_LIBRARY_CACHE_H
#define HARK_LIBRARY_CACHE_H

#include <stdbool.h>

/* Is a library of this base name asked for? What follows the name in a line of ldconfig may follow here. */
typedef bool library_wanted_fn(const char *name);

/*
 * Calls fn with the path of each library of the loader's cache whose name is wanted; where there is no
 * ldconfig, those of the standard folders. 0, or -ENOENT when neither could be looked through.
 */
int library_cache_each(library_wanted_fn *wanted, void (*fn)(void *ctx, const char *path), void *ctx);

/*
 * The path in a line of `ldconfig -p` ("	libssl.so.3 (libc6,x86-64) => /usr/lib/libssl.so.3"), if the
 * library's name is wanted; NULL otherwise. The line is changed, the result points into it.
 */
char *library_cache_line(char *line, library_wanted_fn *wanted);

#endif

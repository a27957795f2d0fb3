/* SPDX-License-Identifier: Apache-2.0 */
/* The shared libraries that the loader would find, before anybody maps them. */
#ifndef HARK_LIBRARY_CACHE_H
#define HARK_LIBRARY_CACHE_H

/*
 * Calls fn with the path of each library of the loader's cache whose base name begins with prefix; where
 * there is no ldconfig, those of the standard folders. 0, or -ENOENT when neither could be looked through.
 */
int library_cache_each(const char *prefix, void (*fn)(void *ctx, const char *path), void *ctx);

/*
 * The path in a line of `ldconfig -p` ("	libssl.so.3 (libc6,x86-64) => /usr/lib/libssl.so.3"), if the
 * library's name begins with prefix; NULL otherwise. The line is changed, the result points into it.
 */
char *library_cache_line(char *line, const char *prefix);

#endif

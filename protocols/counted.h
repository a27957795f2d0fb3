/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for a library that takes an allocator (nghttp3): what it holds is counted. Its tables take
 * several times the size that their encoder counts, so each allocation has its size before it.
 */
#ifndef HARK_COUNTED_H
#define HARK_COUNTED_H

#include <stddef.h>

/* As those of the C library; held: the size_t that the bytes are counted in. */
void *counted_malloc(size_t size, void *held);
void *counted_calloc(size_t count, size_t size, void *held);
void *counted_realloc(void *bytes, size_t size, void *held);
void counted_free(void *bytes, void *held);

#endif

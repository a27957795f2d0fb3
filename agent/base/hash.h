/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a, for keys of tables: whoever can choose the keys can make them collide. */
#ifndef HARK_HASH_H
#define HARK_HASH_H

#include "slice.h"

#include <stdint.h>

#define HASH_START UINT64_C(14695981039346656037)
#define HASH_PRIME UINT64_C(1099511628211)

/* Goes on with a hash, so that "ab", "c" and "a", "bc" differ. */
static inline uint64_t hash_on(uint64_t hash, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ text.data[i]) * HASH_PRIME;
	return (hash ^ 0x100) * HASH_PRIME; /* an end that no byte is */
}

#endif

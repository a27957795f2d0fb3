/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a, and a faster one, for keys of tables: whoever can choose the keys can make them collide. */
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

/* Both halves of the product: each bit of the word reaches the lowest bits too. */
static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The same by words, which is no FNV: faster. */
static inline uint64_t hash_words(uint64_t hash, struct slice text)
{
	uint64_t word = 0;
	uint32_t half;
	size_t i = 0;

	for (; text.len - i > sizeof(word); i += sizeof(word)) {
		memcpy(&word, text.data + i, sizeof(word));
		hash = hash_word(hash, word);
	}
	if (text.len >= sizeof(word)) {
		memcpy(&word, text.data + text.len - sizeof(word), sizeof(word));
	} else if (text.len >= sizeof(half)) {
		memcpy(&half, text.data, sizeof(half));
		word = half;
		memcpy(&half, text.data + text.len - sizeof(half), sizeof(half));
		word = word << 32 | half;
	} else {
		for (; i < text.len; i++)
			word = word << 8 | text.data[i];
	}
	return hash_word(hash ^ text.len, word);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few strings of one connection, looked for one after the other by a mix of their ends. What is told is
 * what huffman_decode() told of the very same bytes.
 */
#include "huffman_memo.h"

#include "huffman.h"

#define SHORTEST sizeof(uint32_t) /* shorter strings are decoded as fast */

/* Tells most strings from most others; not 0. */
static uint64_t ends_mix(struct slice coded)
{
	uint64_t first = 0, last = 0;
	size_t word = coded.len < sizeof(first) ? sizeof(uint32_t) : sizeof(first);

	memcpy(&first, coded.data, word);
	memcpy(&last, coded.data + coded.len - word, word);
	return ((first ^ coded.len) * UINT64_C(0x9e3779b97f4a7c15) ^ last) | 1;
}

static struct huffman_known *known_find(struct huffman_memo *memo, struct slice coded, uint64_t mixed)
{
	for (size_t i = 0; i < HUFFMAN_MEMO_PLACES; i++) {
		struct huffman_known *known = &memo->known[i];

		if (memo->mixed[i] == mixed && slice_equal(slice_of(known->coded, known->coded_len), coded))
			return known;
	}
	return NULL;
}

static void known_keep(struct huffman_memo *memo, struct slice coded, uint64_t mixed, struct slice symbols)
{
	struct huffman_known *known = &memo->known[memo->next];

	memo->mixed[memo->next] = mixed;
	memo->next = (uint8_t)((memo->next + 1) % HUFFMAN_MEMO_PLACES);
	known->coded_len = (uint8_t)coded.len;
	known->count = (uint8_t)symbols.len;
	memcpy(known->coded, coded.data, coded.len);
	memcpy(known->symbols, symbols.data, symbols.len);
}

long huffman_memo_decode(struct huffman_memo *memo, struct slice coded, uint8_t *symbols, size_t capacity)
{
	struct huffman_known *known;
	uint64_t mixed;
	long count;

	if (!memo || coded.len < SHORTEST || coded.len > HUFFMAN_MEMO_CODED)
		return huffman_decode(coded, symbols, capacity);
	mixed = ends_mix(coded);
	known = known_find(memo, coded, mixed);
	if (known && known->count <= capacity) {
		memcpy(symbols, known->symbols, known->count);
		return known->count;
	}
	count = huffman_decode(coded, symbols, capacity);
	if (count >= 0)
		known_keep(memo, coded, mixed, slice_of(symbols, (size_t)count));
	return count;
}

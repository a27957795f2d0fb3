/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings in Huffman's code that came before. Servers write most fields of each response anew (nginx does),
 * and decoding them symbol by symbol takes several times as long as knowing them again.
 */
#ifndef HARK_HUFFMAN_MEMO_H
#define HARK_HUFFMAN_MEMO_H

#include "slice.h"

#include <stddef.h>
#include <stdint.h>

#define HUFFMAN_MEMO_PLACES 16
#define HUFFMAN_MEMO_CODED  32 /* bytes of a coded string that is kept, at most */

/* All zero: it knows none. */
struct huffman_memo {
	uint64_t mixed[HUFFMAN_MEMO_PLACES]; /* of each string's ends and length; 0: none */
	struct huffman_known {
		uint8_t coded_len, count;
		uint8_t coded[HUFFMAN_MEMO_CODED];
		uint8_t symbols[HUFFMAN_MEMO_CODED * 8 / 5]; /* no code is shorter than five bits */
	} known[HUFFMAN_MEMO_PLACES];
	uint8_t next; /* the place of the next new one */
};

/* huffman_decode(), and keeps what it found instead of the oldest string. memo NULL: only that. */
long huffman_memo_decode(struct huffman_memo *memo, struct slice coded, uint8_t *symbols, size_t capacity);

#endif

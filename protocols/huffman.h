/* SPDX-License-Identifier: Apache-2.0 */
/* The Huffman code of HPACK (RFC 7541, 5.2 and appendix B), symbol by symbol. */
#ifndef HARK_HUFFMAN_H
#define HARK_HUFFMAN_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of a symbol's code in bits, 5 to 30. */
unsigned int huffman_bits(uint8_t symbol);

/*
 * Decodes a string; writes at most `capacity` symbols. The number of symbols, or -1: the string is not valid
 * (RFC 7541, 5.2: padding), or does not fit.
 */
long huffman_decode(struct slice coded, uint8_t *symbols, size_t capacity);

/*
 * Codes symbols into exactly len bytes, padded with ones. False, with bytes of any content: they need another
 * number of bytes.
 */
bool huffman_encode(const uint8_t *symbols, size_t count, uint8_t *bytes, size_t len);

/* The symbol that stands for all of the same length of code: a letter or digit when there is one. */
uint8_t huffman_like(uint8_t symbol);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code is canonical: codes of one length follow each other in the order of
 * the symbols, and each length goes on where the one before ended. So the
 * lengths are all that is stored.
 */
#include "huffman.h"

#include "ascii.h"

#define BITS_MAX 30
#define SYMBOLS	 257
#define END	 256 /* of a string; never coded */

static const uint8_t lengths[SYMBOLS] = {
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
	28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,	8,  11, 10, 10, 8,  11, 8,  6,	6,  6,
	5,  5,	5,  6,	6,  6,	6,  6,	6,  6,	7,  8,	15, 6,	12, 10, 13, 6,	7,  7,	7,  7,	7,  7,
	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	8,  7,	8,  13, 19, 13, 14, 6,
	15, 5,	6,  5,	6,  5,	6,  6,	6,  5,	7,  7,	6,  6,	6,  5,	6,  7,	6,  5,	5,  6,	7,  7,
	7,  7,	7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
	23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
	21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};

unsigned int huffman_bits(uint8_t symbol)
{
	return lengths[symbol];
}

/* The first code of each length, by counting what is shorter. */
static uint32_t first_code(unsigned int bits)
{
	uint32_t code = 0;

	for (unsigned int shorter = 1; shorter < bits; shorter++) {
		for (int symbol = 0; symbol < SYMBOLS; symbol++)
			code += lengths[symbol] == shorter;
		code <<= 1;
	}
	return code;
}

static uint32_t symbol_code(uint8_t symbol)
{
	uint32_t code = first_code(lengths[symbol]);

	for (int earlier = 0; earlier < symbol; earlier++)
		code += lengths[earlier] == lengths[symbol];
	return code;
}

/* The symbol of this code; -1: no code of so many bits. */
static int code_symbol(uint32_t code, unsigned int bits, uint32_t first)
{
	uint32_t index = code - first;

	if (code < first)
		return -1;
	for (int symbol = 0; symbol < SYMBOLS; symbol++) {
		if (lengths[symbol] == bits && index-- == 0)
			return symbol;
	}
	return -1;
}

long huffman_decode(struct slice coded, uint8_t *symbols, size_t capacity)
{
	uint32_t first[BITS_MAX + 1], code = 0;
	unsigned int bits = 0;
	size_t count = 0;

	for (unsigned int i = 1; i <= BITS_MAX; i++)
		first[i] = first_code(i);
	for (size_t i = 0; i < coded.len * 8; i++) {
		int symbol;

		code = code << 1 | (coded.data[i / 8] >> (7 - i % 8) & 1u);
		if (++bits > BITS_MAX)
			return -1;
		symbol = code_symbol(code, bits, first[bits]);
		if (symbol < 0)
			continue;
		if (symbol == END || count == capacity)
			return -1;
		symbols[count++] = (uint8_t)symbol;
		code = bits = 0;
	}
	/* Padding: fewer bits than a byte, all of them set. */
	return bits < 8 && code == (1u << bits) - 1 ? (long)count : -1;
}

bool huffman_encode(const uint8_t *symbols, size_t count, uint8_t *bytes, size_t len)
{
	size_t at = 0;

	memset(bytes, 0xff, len);
	for (size_t i = 0; i < count; i++) {
		unsigned int bits = lengths[symbols[i]];
		uint32_t code = symbol_code(symbols[i]);

		if (at + bits > len * 8)
			return false;
		for (unsigned int bit = bits; bit-- > 0; at++)
			if (!(code >> bit & 1))
				bytes[at / 8] &= (uint8_t)(0xff ^ 1u << (7 - at % 8));
	}
	return len * 8 - at < 8;
}

uint8_t huffman_like(uint8_t symbol)
{
	int other = -1;

	for (int c = 255; c >= 0; c--) {
		bool printable = c > ' ' && c < 0x7f;

		if (lengths[c] != lengths[symbol])
			continue;
		if (ascii_is_digit((uint8_t)c) || ascii_is_letter((uint8_t)c))
			return (uint8_t)c;
		if (other < 0 || printable)
			other = c;
	}
	return (uint8_t)other;
}

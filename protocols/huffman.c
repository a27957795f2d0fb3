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

/* What follows from the lengths. */
static struct code {
	bool is_made;
	uint32_t first[BITS_MAX + 2];  /* code of each length */
	uint16_t before[BITS_MAX + 2]; /* symbols whose codes are shorter */
	uint16_t by_code[SYMBOLS];     /* all symbols, in the order of their codes */
	uint16_t place[SYMBOLS];       /* of each symbol in that order */
	uint8_t like[SYMBOLS - 1];     /* huffman_like() */
} made;

/* The one that stands for all of this length: letters and digits before what else can be printed before the
 * rest. */
static uint8_t find_like(unsigned int bits)
{
	int other = -1;

	for (int c = 255; c >= 0; c--) {
		bool printable = c > ' ' && c < 0x7f;

		if (lengths[c] != bits)
			continue;
		if (ascii_is_digit((uint8_t)c) || ascii_is_letter((uint8_t)c))
			return (uint8_t)c;
		if (other < 0 || printable)
			other = c;
	}
	return (uint8_t)other;
}

static const struct code *code_get(void)
{
	uint16_t count = 0;

	if (made.is_made)
		return &made;
	for (unsigned int bits = 1; bits <= BITS_MAX; bits++) {
		made.before[bits] = count;
		for (uint16_t symbol = 0; symbol < SYMBOLS; symbol++) {
			if (lengths[symbol] != bits)
				continue;
			made.place[symbol] = count;
			made.by_code[count++] = symbol;
		}
		made.first[bits + 1] = (made.first[bits] + count - made.before[bits]) << 1;
	}
	made.before[BITS_MAX + 1] = count;
	for (int symbol = 0; symbol < SYMBOLS - 1; symbol++)
		made.like[symbol] = find_like(lengths[symbol]);
	made.is_made = true;
	return &made;
}

static uint32_t symbol_code(uint8_t symbol)
{
	const struct code *code = code_get();
	unsigned int bits = lengths[symbol];

	return code->first[bits] + code->place[symbol] - code->before[bits];
}

/* The symbol whose code these bits are; -1: they are none. */
static int code_symbol(const struct code *code, uint32_t value, unsigned int bits)
{
	uint32_t index = value - code->first[bits];

	if (value < code->first[bits] || index >= (uint32_t)(code->before[bits + 1] - code->before[bits]))
		return -1;
	return code->by_code[code->before[bits] + index];
}

long huffman_decode(struct slice coded, uint8_t *symbols, size_t capacity)
{
	const struct code *code = code_get();
	unsigned int bits = 0;
	uint32_t value = 0;
	size_t count = 0;

	for (size_t i = 0; i < coded.len * 8; i++) {
		int symbol;

		value = value << 1 | (coded.data[i / 8] >> (7 - i % 8) & 1u);
		if (++bits > BITS_MAX)
			return -1;
		symbol = code_symbol(code, value, bits);
		if (symbol < 0)
			continue;
		if (symbol == END || count == capacity)
			return -1;
		symbols[count++] = (uint8_t)symbol;
		value = bits = 0;
	}
	/* Padding: fewer bits than a byte, all of them set. */
	return bits < 8 && value == (1u << bits) - 1 ? (long)count : -1;
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
	return code_get()->like[symbol];
}

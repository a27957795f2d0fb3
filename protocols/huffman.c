/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code is canonical: codes of one length follow each other in the order of
 * the symbols, and each length goes on where the one before ended. So the
 * lengths are all that is stored. What is sent mostly has short codes, which a
 * table knows by the next bits; longer ones are found by their length.
 */
#include "huffman.h"

#include "ascii.h"

#define BITS_MAX   30
#define BITS_SHORT 10
#define SYMBOLS	   257
#define END	   256 /* of a string; never coded */

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
	struct short_code {
		uint8_t symbol, bits; /* 0: the code is longer */
	} by_bits[1u << BITS_SHORT];
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

/* All bits that begin with the symbol's code. */
static void short_code_make(uint16_t symbol, uint32_t code)
{
	unsigned int bits = lengths[symbol];

	if (bits > BITS_SHORT)
		return;
	for (uint32_t rest = 0; rest < 1u << (BITS_SHORT - bits); rest++)
		made.by_bits[code << (BITS_SHORT - bits) | rest] =
			(struct short_code){ (uint8_t)symbol, (uint8_t)bits };
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
			short_code_make(symbol, made.first[bits] + count - made.before[bits]);
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

/* What is left of a coded string: its next bits, from the highest on, and the bytes behind them. */
struct bits {
	uint64_t value;
	unsigned int count; /* of them; lower ones are zero, or what follows */
	struct slice rest;
};

/* More than BITS_MAX, or all that is left. */
static void bits_fill(struct bits *bits)
{
	const uint8_t *next = bits->rest.data;
	unsigned int bytes = (63 - bits->count) / 8;

	if (bits->rest.len >= sizeof(bits->value)) {
		uint64_t more = (uint64_t)next[0] << 56 | (uint64_t)next[1] << 48 | (uint64_t)next[2] << 40 |
				(uint64_t)next[3] << 32 | (uint64_t)next[4] << 24 | (uint64_t)next[5] << 16 |
				(uint64_t)next[6] << 8 | next[7];

		bits->value |= more >> bits->count;
	} else {
		if (bytes > bits->rest.len)
			bytes = (unsigned int)bits->rest.len;
		for (unsigned int i = 0; i < bytes; i++)
			bits->value |= (uint64_t)next[i] << (56 - bits->count - i * 8);
	}
	bits->count += bytes * 8;
	bits->rest = slice_drop(bits->rest, bytes);
}

/* The symbol whose code is next and longer than short ones; -1: none. */
static int long_symbol(const struct code *code, const struct bits *bits, unsigned int *len)
{
	for (*len = BITS_SHORT + 1; *len <= BITS_MAX && *len <= bits->count; ++*len) {
		uint32_t value = (uint32_t)(bits->value >> (64 - *len)), index = value - code->first[*len];

		if (value >= code->first[*len] &&
		    index < (uint32_t)(code->before[*len + 1] - code->before[*len]))
			return code->by_code[code->before[*len] + index];
	}
	return -1;
}

/* Padding: fewer bits than a byte, all of them set. */
static bool is_padding(const struct bits *bits)
{
	return bits->count < 8 && (uint8_t) ~(bits->value >> 56) >> (8 - bits->count) == 0;
}

long huffman_decode(struct slice coded, uint8_t *symbols, size_t capacity)
{
	const struct code *code = code_get();
	struct bits bits = { .rest = coded };
	size_t count = 0;

	for (;;) {
		struct short_code next;
		unsigned int len;
		int symbol;

		if (bits.count < BITS_MAX)
			bits_fill(&bits);
		next = code->by_bits[bits.value >> (64 - BITS_SHORT)];
		symbol = next.symbol;
		len = next.bits;
		if (!len)
			symbol = long_symbol(code, &bits, &len);
		if (symbol < 0 || len > bits.count)
			return is_padding(&bits) ? (long)count : -1;
		if (symbol == END || count == capacity)
			return -1;
		symbols[count++] = (uint8_t)symbol;
		bits.value <<= len;
		bits.count -= len;
	}
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

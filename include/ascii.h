/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of ASCII bytes, whatever the locale. */
#ifndef HARK_ASCII_H
#define HARK_ASCII_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool ascii_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool ascii_is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool ascii_is_letter(uint8_t c)
{
	return ascii_is_upper(c) || ascii_is_lower(c);
}

static inline uint8_t ascii_lower(uint8_t c)
{
	return ascii_is_upper(c) ? c | 32 : c;
}

/* Of a token (RFC 9110, 5.6.2: tchar). */
static inline bool ascii_is_token(uint8_t c)
{
	return ascii_is_letter(c) || ascii_is_digit(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/*
 * Are these, without case, the `len` bytes of `lower` (letters and hyphens, 4 to 24)? Of names that are no
 * token some others are taken for it, too.
 */
static inline __attribute__((always_inline)) bool ascii_name_is(const uint8_t *name, const char *lower,
								size_t len)
{
	const uint64_t cases = 0x2020202020202020;
	size_t at = 0;
	uint64_t a = 0, b = 0, differ = 0;

	for (; at + 8 <= len; at += 8) {
		memcpy(&a, name + at, 8);
		memcpy(&b, lower + at, 8);
		differ |= (a | cases) ^ b;
	}
	if (at == len)
		return !differ;
	a = b = 0;
	if (len < 8) {
		memcpy(&a, name, 4);
		memcpy(&b, lower, 4);
		differ = ((a | cases) ^ (b | cases));
		memcpy(&a, name + len - 4, 4);
		memcpy(&b, lower + len - 4, 4);
		return !(differ | ((a | cases) ^ (b | cases)));
	}
	memcpy(&a, name + len - 8, 8);
	memcpy(&b, lower + len - 8, 8);
	return !(differ | ((a | cases) ^ b));
}

/* Of a hex digit; -1: it is none. */
static inline int ascii_hex_value(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif

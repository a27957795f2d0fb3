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

/* The bits that a letter's case is, where `lower` has letters. */
static inline __attribute__((always_inline)) uint64_t ascii_cases(uint64_t lower)
{
	return (lower & 0x4040404040404040) >> 1;
}

/* Are these, without case, the `len` bytes of `lower` (lower-case letters, digits and hyphens, 4 to 24)? */
static inline __attribute__((always_inline)) bool ascii_name_is(const uint8_t *name, const char *lower,
								size_t len)
{
	size_t at = 0, width = len < 8 ? 4 : 8;
	uint64_t a = 0, b = 0, differ = 0;

	for (; at + width <= len; at += width) {
		memcpy(&a, name + at, width);
		memcpy(&b, lower + at, width);
		differ |= (a | ascii_cases(b)) ^ b;
	}
	if (at == len)
		return !differ;
	memcpy(&a, name + len - width, width);
	memcpy(&b, lower + len - width, width);
	return !(differ | ((a | ascii_cases(b)) ^ b));
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

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

/* Of a hex digit; -1: it is none. */
static inline int ascii_hex_value(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif

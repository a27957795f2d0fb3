/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed run of bytes. Wire data is never NUL-terminated and may hold any
 * byte, so it travels as a slice; whoever made the bytes owns them.
 */
#ifndef HARK_SLICE_H
#define HARK_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct slice {
	const uint8_t *data; /* NULL is legal only with len 0 */
	size_t len;
};

/* A slice of a string literal. */
#define SLICE(literal) ((struct slice){ (const uint8_t *)("" literal), sizeof(literal) - 1 })

static inline struct slice slice_of(const void *data, size_t len)
{
	return (struct slice){ .data = data, .len = len };
}

static inline struct slice slice_of_string(const char *string)
{
	return slice_of(string, string ? strlen(string) : 0);
}

/* Drops n bytes from the front; n beyond the end gives an empty slice. */
static inline struct slice slice_drop(struct slice s, size_t n)
{
	if (n > s.len)
		n = s.len;
	return slice_of(s.data ? s.data + n : NULL, s.len - n);
}

/* The first n bytes, or all when there are fewer. */
static inline struct slice slice_take(struct slice s, size_t n)
{
	return slice_of(s.data, n < s.len ? n : s.len);
}

/* Where the byte stands first; s.len: nowhere. */
static inline size_t slice_find(struct slice s, uint8_t byte)
{
	const uint8_t *found = s.len ? (const uint8_t *)memchr(s.data, byte, s.len) : NULL;

	return found ? (size_t)(found - s.data) : s.len;
}

/* Reads decimal digits. False: there are none, something else is there, or the number is too large. */
static inline bool slice_number(struct slice s, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < '0' || s.data[i] > '9' || __builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(s.data[i] - '0'), value))
			return false;
	return s.len > 0;
}

#define SLICE_DIGITS_MAX 20 /* of 64 bits */

/* The number in decimal digits, which are written to the end of `digits`. */
static inline struct slice slice_of_number(uint64_t number, uint8_t digits[SLICE_DIGITS_MAX])
{
	size_t at = SLICE_DIGITS_MAX;

	do
		digits[--at] = (uint8_t)('0' + number % 10);
	while (number /= 10);
	return slice_of(digits + at, SLICE_DIGITS_MAX - at);
}

/* Without blanks and tabs at both ends. */
static inline struct slice slice_trim(struct slice s)
{
	while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_drop(s, 1);
	while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ASCII case ignored, as for HTTP field names (RFC 9110, 5.1). */
static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       (a.len == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.len) == 0);
}

static inline bool slice_has_prefix(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_equal(slice_take(s, prefix.len), prefix);
}

static inline bool slice_has_suffix(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_equal(slice_drop(s, s.len - suffix.len), suffix);
}

#endif

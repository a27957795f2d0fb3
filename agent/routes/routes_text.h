/* SPDX-License-Identifier: Apache-2.0 */
/* Letters, digits and words in a segment of a path. ASCII; other bytes belong to no class. */
#ifndef HARK_ROUTES_TEXT_H
#define HARK_ROUTES_TEXT_H

#include "routes_words.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool byte_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool byte_is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool byte_is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool byte_is_letter(uint8_t c)
{
	return byte_is_upper(c) || byte_is_lower(c);
}

static inline bool byte_is_hex(uint8_t c)
{
	return byte_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static inline bool byte_is_separator(uint8_t c)
{
	return c == '-' || c == '_' || c == '.';
}

/* A byte that no name of a resource has: percent-encoded, not ASCII, "@" of an address, "," of a list. */
static inline bool byte_is_odd(uint8_t c)
{
	return !byte_is_digit(c) && !byte_is_letter(c) && !byte_is_separator(c) && c != ':' && c != '$' &&
	       c != '(' && c != ')';
}

/* All bytes of it, of which there is one at least. */
bool text_all(struct slice s, bool (*is)(uint8_t c));
size_t text_count(struct slice s, bool (*is)(uint8_t c));

/* Everything before the last c; *after is what follows it. False: there is none, or nothing before it. */
bool text_split_last(struct slice s, uint8_t c, struct slice *before, struct slice *after);

/*
 * The next of the words of "foo-bar", "foo_bar", "foo.bar" or
 * "fooBar"; at a digit no word ends. Empty: none.
 */
struct slice text_next_word(struct slice *rest);

bool text_is_plural(struct slice word);
/* Letters that no language has one after the other. */
bool text_is_unpronounceable(struct slice word);
/* Capital letters in the midst of words: "dQwXgWcQ", but not "findByTag" or "userID". */
bool text_is_jumbled(struct slice s);
/* How often a letter stands beside a digit. */
size_t text_changes(struct slice s);
/* "order-1001", "iphone-15-pro": one of its words is a number. */
bool text_has_number(struct slice s);

/* Several words. */
struct compound {
	size_t words, known, fillers; /* known: how many are in the vocabulary */
	bool verb, plural;	      /* of the first word, and the last */
	bool camel, unpronounceable;
};

void compound_read(const struct words *words, struct slice s, struct compound *compound);

#endif

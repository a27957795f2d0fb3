/* SPDX-License-Identifier: Apache-2.0 */
#include "routes_follow.h"

#include "routes_look.h"
#include "routes_text.h"

#include <stdio.h>

/* Is it one of what is known as a resource in the plural? "menu", "city", "box". */
static bool is_one_of_many(const struct words *words, struct slice word)
{
	char plural[32];
	int len = (int)word.len;
	bool y;

	if (word.len < 3 || word.len > 24 || !text_all(word, byte_is_letter))
		return false;
	y = (word.data[len - 1] | 32) == 'y';
	snprintf(plural, sizeof(plural), "%.*s%s", y ? len - 1 : len, (const char *)word.data,
		 y ? "ies" : "s");
	return (words_find(words, slice_of_string(plural)) & (WORD_NOUN | WORD_NAMED)) != 0;
}

static enum follow follow_of_last(const struct words *words, struct slice last)
{
	unsigned int flags = words_find(words, last);

	if (flags & WORD_NAMED)
		return FOLLOW_NAMED;
	if (flags & (WORD_ENTITY | WORD_VERB)) /* "encrypt/NAME" */
		return FOLLOW_ENTITY;
	if (flags & WORD_SINGLE)
		return FOLLOW_SINGLE;
	if (text_is_plural(last) || flags & WORD_MANY)
		return FOLLOW_PLURAL;
	return is_one_of_many(words, last) ? FOLLOW_ENTITY : FOLLOW_SINGULAR;
}

enum follow follow_of(const struct words *words, struct slice text)
{
	unsigned int flags = words_find(words, text);
	struct slice rest = text, last = text;

	if (look_is_version(text) || look_is_decimal(text) || flags & WORD_SPACE)
		return FOLLOW_SPACE;
	if (flags & WORD_PAIR)
		return FOLLOW_PAIR;
	if (flags & WORD_ANY)
		return FOLLOW_ANY;
	if (flags & WORD_NAMED)
		return FOLLOW_NAMED;
	if (flags & WORD_SINGLE)
		return FOLLOW_SINGLE;
	if (!text.len || strchr("_.-$", text.data[0]))
		return FOLLOW_SINGLE;
	while (rest.len) {
		struct slice word = text_next_word(&rest);

		last = word.len ? word : last;
	}
	return follow_of_last(words, last);
}

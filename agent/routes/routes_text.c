/* SPDX-License-Identifier: Apache-2.0 */
/* Words end at separators and before capital letters; what is said of them is said of English ones. */
#include "routes_text.h"

bool text_all(struct slice s, bool (*is)(uint8_t c))
{
	for (size_t i = 0; i < s.len; i++)
		if (!is(s.data[i]))
			return false;
	return s.len > 0;
}

size_t text_count(struct slice s, bool (*is)(uint8_t c))
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += is(s.data[i]);
	return n;
}

bool text_split_last(struct slice s, uint8_t c, struct slice *before, struct slice *after)
{
	const uint8_t *at = s.len ? memrchr(s.data, c, s.len) : NULL;

	if (!at || at == s.data)
		return false;
	*before = slice_take(s, (size_t)(at - s.data));
	*after = slice_drop(s, before->len + 1);
	return true;
}

struct slice text_next_word(struct slice *rest)
{
	struct slice word;
	size_t n = 0;

	while (rest->len && byte_is_separator(rest->data[0]))
		*rest = slice_drop(*rest, 1);
	while (n < rest->len && !byte_is_separator(rest->data[n]) &&
	       !(n > 0 && byte_is_upper(rest->data[n]) && byte_is_lower(rest->data[n - 1])))
		n++;
	word = slice_take(*rest, n);
	*rest = slice_drop(*rest, n);
	return word;
}

bool text_is_plural(struct slice word)
{
	if (word.len < 4 || (word.data[word.len - 1] | 32) != 's' || !byte_is_letter(word.data[word.len - 2]))
		return false;
	return !strchr("suia", word.data[word.len - 2] | 32);
}

static bool is_vowel(uint8_t c)
{
	return strchr("aeiouy", c | 32) != NULL;
}

bool text_is_unpronounceable(struct slice word)
{
	size_t run = 0, longest = 0, vowels = text_count(word, is_vowel);

	for (size_t i = 0; i < word.len; i++) {
		run = is_vowel(word.data[i]) ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	return word.len >= 8 && (longest >= 6 || vowels * 7 < word.len);
}

/* Two or more words without a vowel, and no fewer than those with one. */
static bool has_mute_words(struct slice s)
{
	size_t words = 0, mute = 0;

	while (s.len) {
		struct slice word = text_next_word(&s);

		words += word.len > 0;
		mute += word.len > 0 && !text_count(word, is_vowel);
	}
	return mute >= 2 && mute * 2 >= words;
}

bool text_is_jumbled(struct slice s)
{
	size_t changes = 0;

	for (size_t i = 1; i < s.len; i++)
		changes += byte_is_lower(s.data[i - 1]) && byte_is_upper(s.data[i]);
	return s.len >= 8 && changes >= 2 && (changes * 4 > s.len || has_mute_words(s));
}

void compound_read(const struct words *words, struct slice s, struct compound *c)
{
	*c = (struct compound){ 0 };
	for (size_t i = 1; i < s.len; i++)
		c->camel = c->camel || (byte_is_lower(s.data[i - 1]) && byte_is_upper(s.data[i]));
	while (s.len) {
		struct slice word = text_next_word(&s);
		unsigned int flags = words_find(words, word);

		if (!word.len)
			break;
		c->verb = c->verb || (c->words == 0 && (flags & WORD_VERB));
		c->words++;
		c->known += (flags & (WORD_RESERVED | WORD_NOUN)) != 0;
		c->fillers += (flags & WORD_FILLER) != 0;
		c->plural = text_is_plural(word);
		c->unpronounceable = c->unpronounceable || text_is_unpronounceable(word);
	}
}

size_t text_changes(struct slice s)
{
	size_t changes = 0;

	for (size_t i = 1; i < s.len; i++)
		changes += (byte_is_letter(s.data[i - 1]) && byte_is_digit(s.data[i])) ||
			   (byte_is_digit(s.data[i - 1]) && byte_is_letter(s.data[i]));
	return changes;
}

bool text_has_number(struct slice s)
{
	while (s.len) {
		struct slice word = text_next_word(&s);

		if (!word.len)
			return false;
		if (text_all(word, byte_is_digit))
			return true;
	}
	return false;
}

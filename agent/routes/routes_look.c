/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the certain to the vague: bytes that no name has, the vocabulary,
 * formats (numbers, digests, addresses), then how letters and digits are mixed.
 * What begins with a digit is an id: names of resources begin with letters.
 */
#include "routes_look.h"

#include "routes_text.h"

/* Letters and separators only. */
static enum look look_of_words(const struct words *words, struct slice s)
{
	struct compound c;

	compound_read(words, s, &c);
	if (c.unpronounceable || text_is_jumbled(s))
		return LOOK_ID;
	if (c.words <= 1)
		return c.plural ? LOOK_PLURAL : LOOK_WORD;
	if (c.words >= 3 && c.fillers && !c.known)
		return LOOK_TITLE;
	if (c.camel)
		return c.verb ? LOOK_RESERVED : c.known ? LOOK_NOUN : LOOK_WORD;
	if (c.words >= 4 && c.known < c.words)
		return LOOK_TITLE;
	if (c.verb && c.words <= 3)
		return c.known == c.words || memchr(s.data, '_', s.len) ? LOOK_RESERVED : LOOK_WORD;
	if (c.known == c.words && !c.plural && memchr(s.data, '-', s.len))
		return LOOK_WORD; /* "line-item" or "my-project" */
	if (c.known == c.words || (c.plural && c.known))
		return LOOK_NOUN;
	if (memchr(s.data, '.', s.len))
		return c.known ? LOOK_NOUN : LOOK_SLUG;
	return LOOK_SLUG;
}

static enum look look_of_mixed(struct slice s)
{
	size_t changes = text_changes(s);

	if (text_has_number(s) || s.len >= 16 || (changes >= 2 && s.len >= 5) ||
	    text_count(s, byte_is_digit) >= 4)
		return LOOK_ID;
	return LOOK_CODE;
}

/* --- formats -------------------------------------------------------------------- */

bool look_is_version(struct slice text)
{
	size_t i = 1;

	if (text.len < 2 || text.len > 12 || (text.data[0] | 32) != 'v' || !byte_is_digit(text.data[1]))
		return false;
	while (i < text.len && byte_is_digit(text.data[i]))
		i++;
	if (i > 4)
		return false;
	if (i < text.len && byte_is_letter(text.data[i])) {
		struct slice rest = slice_drop(text, i);

		return slice_has_prefix(rest, SLICE("alpha")) || slice_has_prefix(rest, SLICE("beta")) ||
		       slice_has_prefix(rest, SLICE("rc")) || slice_has_prefix(rest, SLICE("p"));
	}
	return i == text.len || (text.data[i] == '.' && text_all(slice_drop(text, i + 1), byte_is_digit));
}

bool look_is_decimal(struct slice s)
{
	struct slice before, after;

	if (s.len <= 2)
		return text_all(s, byte_is_digit);
	return s.len <= 4 && text_split_last(s, '.', &before, &after) && text_all(before, byte_is_digit) &&
	       text_all(after, byte_is_digit);
}

bool look_is_strict(struct slice s)
{
	if (text_all(s, byte_is_digit))
		return true;
	if (s.len == 36 && s.data[8] == '-' && s.data[13] == '-' && s.data[18] == '-' && s.data[23] == '-')
		return true;
	if (s.len == 26 && byte_is_digit(s.data[0]) && !text_count(s, byte_is_lower))
		return true;
	return s.len >= 12 && text_all(s, byte_is_hex);
}

static bool is_tld(const struct words *words, struct slice s)
{
	return (s.len == 2 && text_all(s, byte_is_lower)) || (words_find(words, s) & WORD_TLD);
}

/* "example.com", "com.example.app": labels, at either end one that only host names have. */
static bool is_domain(const struct words *words, struct slice s)
{
	struct slice before, after;
	const uint8_t *dot = memchr(s.data, '.', s.len);

	if (!dot || !text_split_last(s, '.', &before, &after) || memchr(s.data, '_', s.len) ||
	    text_count(s, byte_is_upper))
		return false;
	if (is_tld(words, after))
		return true;
	before = slice_take(s, (size_t)(dot - s.data));
	return memchr(dot + 1, '.', s.len - before.len - 1) && before.len <= 3 && is_tld(words, before);
}

/* '_', '.', '-', '$' and ':' in front: the names of a system, or the beginning of an id. */
static enum look look_of_marked(const struct words *words, struct slice s)
{
	struct slice rest = slice_drop(s, 1);
	struct compound c;

	if (s.data[0] == '-' || !rest.len)
		return rest.len && byte_is_digit(rest.data[0]) ? LOOK_ID : LOOK_RESERVED;
	compound_read(words, rest, &c);
	if (text_count(rest, byte_is_digit) || c.unpronounceable || text_is_jumbled(rest))
		return LOOK_ID;
	return LOOK_RESERVED;
}

static enum look look_of_known(const struct words *words, struct slice s)
{
	unsigned int flags = words_find(words, s);
	bool shouted = text_count(s, byte_is_upper) == s.len && s.len > 1;

	if (shouted && flags)
		return LOOK_CODE;
	if (flags & WORD_RESERVED || (flags && s.data[0] == '_'))
		return LOOK_RESERVED;
	if (flags & WORD_CODE)
		return LOOK_CODE;
	return flags & (WORD_NOUN | WORD_SPACE | WORD_SINGLE) ? LOOK_NOUN : LOOK_WORD;
}

static enum look look_of_text(const struct words *words, struct slice s)
{
	size_t digits = text_count(s, byte_is_digit), uppers = text_count(s, byte_is_upper),
	       lowers = text_count(s, byte_is_lower);

	if (byte_is_digit(s.data[0]))
		return look_is_decimal(s) ? LOOK_DECIMAL : LOOK_ID;
	if (s.len >= 8 && text_all(s, byte_is_hex))
		return LOOK_ID;
	if (memchr(s.data, '.', s.len) && is_domain(words, s))
		return LOOK_CODE;
	if (digits)
		return look_of_mixed(s);
	if (!lowers)
		return uppers ? LOOK_CODE : LOOK_RESERVED;
	return look_of_words(words, s);
}

enum look look_of(const struct words *words, struct slice s)
{
	enum look known;

	if (!s.len)
		return LOOK_RESERVED;
	if (s.len > SEGMENT_MAX)
		return LOOK_ID;
	if (s.data[0] == '{' || slice_equal(s, SLICE("*")))
		return LOOK_RESERVED;
	if (s.data[0] == '@' && (words_find(words, slice_drop(s, 1)) & WORD_RESERVED))
		return LOOK_RESERVED; /* "@me" */
	if (text_count(s, byte_is_odd))
		return LOOK_ID;
	known = look_of_known(words, s);
	if (known != LOOK_WORD)
		return known;
	if (strchr("_.-$:", s.data[0]))
		return look_of_marked(words, s);
	if (look_is_version(s))
		return LOOK_VERSION;
	if (memchr(s.data, ':', s.len) || memchr(s.data, '$', s.len))
		return LOOK_ID;
	return look_of_text(words, s);
}

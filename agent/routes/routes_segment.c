/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the certain to the vague: bytes that no name has, the vocabulary,
 * formats (numbers, digests, addresses), then how letters and digits are mixed.
 * What begins with a digit is an id: names of resources begin with letters.
 * Words end at separators and before capital letters; what is said of them is
 * said of English ones.
 */
#include "routes_segment.h"

#include "ascii.h"

#include <stdio.h>

/* --- letters and digits; ASCII, other bytes belong to no class ------------------------ */

static bool byte_is_hex(uint8_t c)
{
	return ascii_hex_value(c) >= 0;
}

static bool byte_is_separator(uint8_t c)
{
	return c == '-' || c == '_' || c == '.';
}

/* A byte that no name of a resource has: percent-encoded, not ASCII, "@" of an address, "," of a list. */
static bool byte_is_odd(uint8_t c)
{
	return !ascii_is_digit(c) && !ascii_is_letter(c) && !byte_is_separator(c) && c != ':' && c != '$' &&
	       c != '(' && c != ')';
}

/* All bytes of it, of which there is one at least. */
static bool text_all(struct slice s, bool (*is)(uint8_t c))
{
	for (size_t i = 0; i < s.len; i++)
		if (!is(s.data[i]))
			return false;
	return s.len > 0;
}

static size_t text_count(struct slice s, bool (*is)(uint8_t c))
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += is(s.data[i]);
	return n;
}

/* Everything before the last c; *after is what follows it. False: there is none, or nothing before it. */
static bool text_split_last(struct slice s, uint8_t c, struct slice *before, struct slice *after)
{
	const uint8_t *at = s.len ? memrchr(s.data, c, s.len) : NULL;

	if (!at || at == s.data)
		return false;
	*before = slice_take(s, (size_t)(at - s.data));
	*after = slice_drop(s, before->len + 1);
	return true;
}

/* The next of the words of "foo-bar", "foo_bar", "foo.bar" or "fooBar"; at a digit no word ends. Empty: none.
 */
static struct slice text_next_word(struct slice *rest)
{
	struct slice word;
	size_t n = 0;

	while (rest->len && byte_is_separator(rest->data[0]))
		*rest = slice_drop(*rest, 1);
	while (n < rest->len && !byte_is_separator(rest->data[n]) &&
	       !(n > 0 && ascii_is_upper(rest->data[n]) && ascii_is_lower(rest->data[n - 1])))
		n++;
	word = slice_take(*rest, n);
	*rest = slice_drop(*rest, n);
	return word;
}

static bool text_is_plural(struct slice word)
{
	if (word.len < 4 || (word.data[word.len - 1] | 32) != 's' ||
	    !ascii_is_letter(word.data[word.len - 2]))
		return false;
	return !strchr("suia", word.data[word.len - 2] | 32);
}

static bool is_vowel(uint8_t c)
{
	return strchr("aeiouy", c | 32) != NULL;
}

/* Letters that no language has one after the other. */
static bool text_is_unpronounceable(struct slice word)
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

/* Capital letters in the midst of words: "dQwXgWcQ", but not "findByTag" or "userID". */
static bool text_is_jumbled(struct slice s)
{
	size_t changes = 0;

	for (size_t i = 1; i < s.len; i++)
		changes += ascii_is_lower(s.data[i - 1]) && ascii_is_upper(s.data[i]);
	return s.len >= 8 && changes >= 2 && (changes * 4 > s.len || has_mute_words(s));
}

/* How often a letter stands beside a digit. */
static size_t text_changes(struct slice s)
{
	size_t changes = 0;

	for (size_t i = 1; i < s.len; i++)
		changes += (ascii_is_letter(s.data[i - 1]) && ascii_is_digit(s.data[i])) ||
			   (ascii_is_digit(s.data[i - 1]) && ascii_is_letter(s.data[i]));
	return changes;
}

/* "order-1001", "iphone-15-pro": one of its words is a number. */
static bool text_has_number(struct slice s)
{
	while (s.len) {
		struct slice word = text_next_word(&s);

		if (!word.len)
			return false;
		if (text_all(word, ascii_is_digit))
			return true;
	}
	return false;
}

/* --- what it looks like ----------------------------------------------------------------- */

/* Several words. */
struct compound {
	size_t words, known, fillers; /* known: how many are in the vocabulary */
	bool verb, plural;	      /* of the first word, and the last */
	bool camel, unpronounceable;
};

static void compound_read(const struct words *words, struct slice s, struct compound *c)
{
	*c = (struct compound){ 0 };
	for (size_t i = 1; i < s.len; i++)
		c->camel = c->camel || (ascii_is_lower(s.data[i - 1]) && ascii_is_upper(s.data[i]));
	while (s.len) {
		struct slice word = text_next_word(&s);
		unsigned int flags = routes_words_find(words, word);

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
	    text_count(s, ascii_is_digit) >= 4)
		return LOOK_ID;
	return LOOK_CODE;
}

/* --- formats -------------------------------------------------------------------- */

bool routes_segment_is_version(struct slice text)
{
	size_t i = 1;

	if (text.len < 2 || text.len > 12 || (text.data[0] | 32) != 'v' || !ascii_is_digit(text.data[1]))
		return false;
	while (i < text.len && ascii_is_digit(text.data[i]))
		i++;
	if (i > 4)
		return false;
	if (i < text.len && ascii_is_letter(text.data[i])) {
		struct slice rest = slice_drop(text, i);

		return slice_has_prefix(rest, SLICE("alpha")) || slice_has_prefix(rest, SLICE("beta")) ||
		       slice_has_prefix(rest, SLICE("rc")) || slice_has_prefix(rest, SLICE("p"));
	}
	return i == text.len || (text.data[i] == '.' && text_all(slice_drop(text, i + 1), ascii_is_digit));
}

/* "2", "10", "1.1": one or two digits, and perhaps others behind a dot. */
static bool look_is_decimal(struct slice s)
{
	struct slice before, after;

	if (s.len <= 2)
		return text_all(s, ascii_is_digit);
	return s.len <= 4 && text_split_last(s, '.', &before, &after) && text_all(before, ascii_is_digit) &&
	       text_all(after, ascii_is_digit);
}

/* An id by its form: a number, a UUID, a ULID, long hex. */
static bool look_is_strict(struct slice s)
{
	if (text_all(s, ascii_is_digit))
		return true;
	if (s.len == 36 && s.data[8] == '-' && s.data[13] == '-' && s.data[18] == '-' && s.data[23] == '-')
		return true;
	if (s.len == 26 && ascii_is_digit(s.data[0]) && !text_count(s, ascii_is_lower))
		return true;
	return s.len >= 12 && text_all(s, byte_is_hex);
}

static bool is_tld(const struct words *words, struct slice s)
{
	return (s.len == 2 && text_all(s, ascii_is_lower)) || (routes_words_find(words, s) & WORD_TLD);
}

/* "example.com", "com.example.app": labels, at either end one that only host names have. */
static bool is_domain(const struct words *words, struct slice s)
{
	struct slice before, after;
	const uint8_t *dot = memchr(s.data, '.', s.len);

	if (!dot || !text_split_last(s, '.', &before, &after) || memchr(s.data, '_', s.len) ||
	    text_count(s, ascii_is_upper))
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
		return rest.len && ascii_is_digit(rest.data[0]) ? LOOK_ID : LOOK_RESERVED;
	compound_read(words, rest, &c);
	if (text_count(rest, ascii_is_digit) || c.unpronounceable || text_is_jumbled(rest))
		return LOOK_ID;
	return LOOK_RESERVED;
}

static enum look look_of_known(const struct words *words, struct slice s)
{
	unsigned int flags = routes_words_find(words, s);
	bool shouted = text_count(s, ascii_is_upper) == s.len && s.len > 1;

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
	size_t digits = text_count(s, ascii_is_digit), uppers = text_count(s, ascii_is_upper),
	       lowers = text_count(s, ascii_is_lower);

	if (ascii_is_digit(s.data[0]))
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

static enum look look_of(const struct words *words, struct slice s)
{
	enum look known;

	if (!s.len)
		return LOOK_RESERVED;
	if (s.len > SEGMENT_MAX)
		return LOOK_ID;
	if (s.data[0] == '{' || slice_equal(s, SLICE("*")))
		return LOOK_RESERVED;
	if (s.data[0] == '@' && (routes_words_find(words, slice_drop(s, 1)) & WORD_RESERVED))
		return LOOK_RESERVED; /* "@me" */
	if (text_count(s, byte_is_odd))
		return LOOK_ID;
	known = look_of_known(words, s);
	if (known != LOOK_WORD)
		return known;
	if (strchr("_.-$:", s.data[0]))
		return look_of_marked(words, s);
	if (routes_segment_is_version(s))
		return LOOK_VERSION;
	if (memchr(s.data, ':', s.len) || memchr(s.data, '$', s.len))
		return LOOK_ID;
	return look_of_text(words, s);
}

/* --- parts that stay when the rest is an id: formats and methods behind it, names with a hash -- */

/* "id:cancel" (Google's custom methods), but not "sha256:…" or "nginx:latest". */
static bool split_action(const struct words *words, struct segment *segment)
{
	struct slice stem, after;

	if (!text_split_last(segment->stem, ':', &stem, &after) || after.len < 3 ||
	    !text_all(after, ascii_is_letter) || !ascii_is_lower(after.data[0]))
		return false;
	if (memchr(stem.data, ':', stem.len) || (routes_words_find(words, stem) & WORD_DIGEST))
		return false;
	if (!(routes_words_find(words, after) & WORD_VERB) && !text_count(after, ascii_is_upper))
		return false;
	segment->suffix = slice_drop(segment->stem, stem.len);
	segment->stem = stem;
	return true;
}

struct slice routes_segment_asset(const struct words *words, struct slice bytes)
{
	struct slice before, after;

	if (bytes.len > SEGMENT_MAX || !text_split_last(bytes, '.', &before, &after) ||
	    !(routes_words_find(words, after) & (WORD_ASSET | WORD_MEDIA)))
		return (struct slice){ .data = NULL };
	return slice_drop(bytes, before.len);
}

/* A hash in a file's name: 8 or more hex digits, or letters and digits as mixed as only hashes are. */
static bool is_hash(struct slice word)
{
	return word.len >= 8 && text_count(word, ascii_is_digit) &&
	       (text_all(word, byte_is_hex) || text_changes(word) >= 2);
}

/* "app.3f9a2b1c.js": a name and a hash. */
static bool split_hash(struct slice stem, struct segment *segment)
{
	struct slice rest = stem;

	while (rest.len) {
		struct slice word;

		while (rest.len && byte_is_separator(rest.data[0]))
			rest = slice_drop(rest, 1);
		for (word = slice_take(rest, 0);
		     word.len < rest.len && !byte_is_separator(rest.data[word.len]);)
			word.len++;
		if (is_hash(word) && word.len < stem.len &&
		    !text_has_number(slice_take(stem, stem.len - rest.len))) {
			segment->prefix = slice_take(stem, stem.len - rest.len);
			segment->suffix =
				slice_of(word.data + word.len, segment->suffix.len + rest.len - word.len);
			segment->stem = word;
			segment->label = SLICE("{hash}");
			segment->look = LOOK_ID;
			return true;
		}
		rest = slice_drop(rest, word.len);
	}
	return false;
}

/* Names of files: their last part says whether they are data, parts of a program, or documents. */
static bool read_file(const struct words *words, struct segment *segment)
{
	struct slice whole = segment->stem, stem, extension;
	unsigned int flags;

	if (!text_split_last(whole, '.', &stem, &extension))
		return false;
	flags = routes_words_find(words, extension) & (WORD_FORMAT | WORD_ASSET | WORD_MEDIA);
	if (!flags || (flags & (WORD_FORMAT | WORD_MEDIA) && text_all(stem, ascii_is_digit) &&
		       text_all(extension, ascii_is_digit)))
		return false;
	segment->suffix = slice_drop(whole, stem.len);
	segment->stem = stem;
	if (flags & WORD_FORMAT) {
		segment->look = look_of(words, stem);
		return true;
	}
	if (split_hash(stem, segment))
		return true;
	segment->look = look_of(words, stem);
	if (flags & WORD_ASSET) {
		segment->label = SLICE("{hash}");
		segment->look = is_hash(stem) || (stem.len >= 8 && text_all(stem, byte_is_hex))
					? LOOK_ID
					: LOOK_RESERVED;
		return true;
	}
	segment->stem = whole; /* an avatar may be a .png or a .jpg */
	segment->suffix.len = 0;
	if (segment->look != LOOK_ID && segment->look != LOOK_DECIMAL && segment->look != LOOK_CODE)
		segment->look = LOOK_FILE;
	return true;
}

/* 5, 'five', Id=5, a UUID; no word, as in a title "C_(language)". */
static bool is_odata_key(struct slice key)
{
	return !key.len || ascii_is_digit(key.data[0]) || key.data[0] == '\'' ||
	       memchr(key.data, '=', key.len) || look_is_strict(key);
}

/* OData: "Products(5)". */
static bool read_parens(struct segment *segment)
{
	struct slice s = segment->stem;
	const uint8_t *open = memchr(s.data, '(', s.len);

	if (!open || open == s.data || s.data[s.len - 1] != ')')
		return false;
	segment->prefix = slice_take(s, (size_t)(open - s.data) + 1);
	segment->suffix = slice_drop(s, s.len - 1);
	segment->stem = slice_of(open + 1, s.len - segment->prefix.len - 1);
	if (text_count(slice_take(segment->prefix, segment->prefix.len - 1), byte_is_odd) ||
	    !is_odata_key(segment->stem)) {
		*segment = (struct segment){ .look = LOOK_ID, .stem = s, .label = SLICE("{id}") };
		return true;
	}
	segment->look = segment->stem.len ? LOOK_ID : LOOK_RESERVED;
	return true;
}

void routes_segment_read(const struct words *words, struct slice bytes, struct segment *segment)
{
	const uint8_t *matrix;

	*segment = (struct segment){ .label = SLICE("{id}") };
	segment->prefix = segment->suffix = slice_of("", 0);
	/* Most ids are numbers, and no word of the vocabulary is one. */
	if (text_all(bytes, ascii_is_digit)) {
		segment->stem = bytes;
		segment->look = look_is_decimal(bytes) ? LOOK_DECIMAL : LOOK_ID;
		segment->strict = true;
		return;
	}
	matrix = bytes.len ? memchr(bytes.data, ';', bytes.len) : NULL;
	if (matrix && matrix > bytes.data) /* RFC 3986, 3.3: parameters of the segment */
		bytes.len = (size_t)(matrix - bytes.data);
	segment->stem = bytes;
	if (bytes.len > 0 && bytes.len <= SEGMENT_MAX) {
		if (memchr(bytes.data, '.', bytes.len) && (routes_words_find(words, bytes) & WORD_RESERVED)) {
			segment->look = LOOK_RESERVED; /* "robots.txt" */
			return;
		}
		if (!split_action(words, segment) && (read_parens(segment) || read_file(words, segment)))
			return;
	}
	segment->look = look_of(words, segment->stem);
	segment->strict =
		segment->look == LOOK_DECIMAL || (segment->look == LOOK_ID && look_is_strict(segment->stem));
}

/* --- what follows it ---------------------------------------------------------------------- */

/* Is it one of what is known as a resource in the plural? "menu", "city", "box". */
static bool is_one_of_many(const struct words *words, struct slice word)
{
	char plural[32];
	int len = (int)word.len;
	bool y;

	if (word.len < 3 || word.len > 24 || !text_all(word, ascii_is_letter))
		return false;
	y = (word.data[len - 1] | 32) == 'y';
	snprintf(plural, sizeof(plural), "%.*s%s", y ? len - 1 : len, (const char *)word.data,
		 y ? "ies" : "s");
	return (routes_words_find(words, slice_of_string(plural)) & (WORD_NOUN | WORD_NAMED)) != 0;
}

static enum follow follow_of_last(const struct words *words, struct slice last)
{
	unsigned int flags = routes_words_find(words, last);

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

enum follow routes_segment_follow(const struct words *words, struct slice text)
{
	unsigned int flags = routes_words_find(words, text);
	struct slice rest = text, last = text;

	if (routes_segment_is_version(text) || look_is_decimal(text) || flags & WORD_SPACE)
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

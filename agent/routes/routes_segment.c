/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts that stay when the rest is an id: formats and methods behind it, names
 * with a hash in them.
 */
#include "routes_segment.h"

#include "routes_text.h"

/* "id:cancel" (Google's custom methods), but not "sha256:…" or "nginx:latest". */
static bool split_action(const struct words *words, struct segment *segment)
{
	struct slice stem, after;

	if (!text_split_last(segment->stem, ':', &stem, &after) || after.len < 3 ||
	    !text_all(after, byte_is_letter) || !byte_is_lower(after.data[0]))
		return false;
	if (memchr(stem.data, ':', stem.len) || (words_find(words, stem) & WORD_DIGEST))
		return false;
	if (!(words_find(words, after) & WORD_VERB) && !text_count(after, byte_is_upper))
		return false;
	segment->suffix = slice_drop(segment->stem, stem.len);
	segment->stem = stem;
	return true;
}

struct slice segment_asset(const struct words *words, struct slice bytes)
{
	struct slice before, after;

	if (bytes.len > SEGMENT_MAX || !text_split_last(bytes, '.', &before, &after) ||
	    !(words_find(words, after) & (WORD_ASSET | WORD_MEDIA)))
		return (struct slice){ .data = NULL };
	return slice_drop(bytes, before.len);
}

/* A hash in a file's name: 8 or more hex digits, or letters and digits as mixed as only hashes are. */
static bool is_hash(struct slice word)
{
	return word.len >= 8 && text_count(word, byte_is_digit) &&
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
			segment->placeholder = SLICE("{hash}");
			segment->look = LOOK_ID;
			return true;
		}
		rest = slice_drop(rest, word.len);
	}
	return false;
}

static bool is_asset_hash(struct slice stem)
{
	return is_hash(stem) || (stem.len >= 8 && text_all(stem, byte_is_hex));
}

/* Names of files: their last part says whether they are data, parts of a program, or documents. */
static bool read_file(const struct words *words, struct segment *segment)
{
	struct slice whole = segment->stem, stem, extension;
	unsigned int flags;

	if (!text_split_last(whole, '.', &stem, &extension))
		return false;
	flags = words_find(words, extension) & (WORD_FORMAT | WORD_ASSET | WORD_MEDIA);
	if (!flags || (flags & (WORD_FORMAT | WORD_MEDIA) && text_all(stem, byte_is_digit) &&
		       text_all(extension, byte_is_digit)))
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
		segment->placeholder = SLICE("{hash}");
		segment->look = is_asset_hash(stem) ? LOOK_ID : LOOK_RESERVED;
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
	return !key.len || (key.data[0] >= '0' && key.data[0] <= '9') || key.data[0] == '\'' ||
	       memchr(key.data, '=', key.len) || look_is_strict(key);
}

/* OData: "Products(5)". */
static bool read_parens(const struct words *words, struct segment *segment)
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
		*segment = (struct segment){ .look = LOOK_ID, .stem = s, .placeholder = SLICE("{id}") };
		return true;
	}
	segment->look = segment->stem.len ? LOOK_ID : LOOK_RESERVED;
	(void)words;
	return true;
}

void segment_read(const struct words *words, struct slice bytes, struct segment *segment)
{
	const uint8_t *matrix = bytes.len ? memchr(bytes.data, ';', bytes.len) : NULL;

	*segment = (struct segment){ .placeholder = SLICE("{id}") };
	segment->prefix = segment->suffix = slice_of("", 0);
	if (matrix && matrix > bytes.data) /* RFC 3986, 3.3: parameters of the segment */
		bytes.len = (size_t)(matrix - bytes.data);
	segment->stem = bytes;
	if (bytes.len > 0 && bytes.len <= SEGMENT_MAX) {
		if (memchr(bytes.data, '.', bytes.len) && (words_find(words, bytes) & WORD_RESERVED)) {
			segment->look = LOOK_RESERVED; /* "robots.txt" */
			return;
		}
		if (!split_action(words, segment) &&
		    (read_parens(words, segment) || read_file(words, segment)))
			return;
	}
	segment->look = look_of(words, segment->stem);
	segment->strict =
		segment->look == LOOK_DECIMAL || (segment->look == LOOK_ID && look_is_strict(segment->stem));
}

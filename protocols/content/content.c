/* SPDX-License-Identifier: Apache-2.0 */
#include "content.h"

#include "contents.h"

#define CONTENT_ROW(name) &name,
static const struct content *const table[] = { CONTENTS(CONTENT_ROW) };

/* "text/html; charset=x" without its parameters. */
static struct slice media_type(struct slice type)
{
	return slice_trim(slice_take(type, slice_find(type, ';')));
}

static bool begins_with(struct slice s, struct slice begin)
{
	return slice_equal_nocase(slice_take(s, begin.len), begin);
}

static bool type_matches(struct slice media, struct slice pattern)
{
	size_t fixed = pattern.len - 1;

	if (pattern.data[0] == '*')
		return media.len >= fixed &&
		       slice_equal_nocase(slice_drop(media, media.len - fixed), slice_drop(pattern, 1));
	if (pattern.data[fixed] == '*')
		return begins_with(media, slice_take(pattern, fixed));
	return slice_equal_nocase(media, pattern);
}

const struct content *content_of_type(struct slice type)
{
	struct slice media = media_type(type);

	if (!media.len)
		return NULL;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (size_t j = 0; j < CONTENT_TYPES_MAX && table[i]->types[j].len; j++)
			if (type_matches(media, table[i]->types[j]))
				return table[i];
	return NULL;
}

const struct content *content_of_upgrade(struct slice token)
{
	for (size_t i = 0; token.len && i < sizeof(table) / sizeof(table[0]); i++)
		if (slice_equal_nocase(table[i]->upgrade, token))
			return table[i];
	return NULL;
}

struct slice content_charset(struct slice type)
{
	struct slice key = SLICE("charset=");

	for (; type.len > key.len; type = slice_drop(type, 1)) {
		if (!begins_with(type, key))
			continue;
		type = slice_drop(type, key.len);
		if (type.data[0] == '"')
			type = slice_drop(type, 1);
		for (size_t i = 0; i < type.len; i++)
			if (strchr("\"; \t,", type.data[i]))
				type.len = i;
		return type;
	}
	return slice_of(NULL, 0);
}

enum content_secrets content_secrets_of_type(struct slice type)
{
	struct slice charset = content_charset(type);
	const struct content *content = content_of_type(type);

	if (!media_type(type).len)
		return CONTENT_WORDS;
	/* UTF-16 and its kin hide every name from a search by bytes. */
	if (begins_with(charset, SLICE("utf-16")) || begins_with(charset, SLICE("utf-32")))
		return CONTENT_OPAQUE;
	return content ? content->secrets : CONTENT_OPAQUE;
}

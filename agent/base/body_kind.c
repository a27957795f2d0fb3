/* SPDX-License-Identifier: Apache-2.0 */
#include "body_kind.h"

#include <strings.h>

static const char *const texts[] = {
	"application/json",	  "application/x-ndjson",     "application/ndjson", "application/jsonl",
	"application/json-seq",	  "application/graphql",      "application/xml",    "application/yaml",
	"application/javascript", "application/x-javascript", "application/x-yaml", "application/toml",
	"application/jwt",	  "application/sparql-query", "application/http",   "message/http",
	"multipart/form-data",	  "multipart/mixed",	      "multipart/related",  "application/x-sh",
	"application/sql",	  "application/problem+json",
};

static bool equals(struct slice s, const char *text)
{
	return slice_equal_nocase(s, slice_of_string(text));
}

static bool ends_with(struct slice s, struct slice end)
{
	return s.len >= end.len && slice_equal_nocase(slice_drop(s, s.len - end.len), end);
}

static bool begins_with(struct slice s, struct slice begin)
{
	return s.len >= begin.len && slice_equal_nocase(slice_take(s, begin.len), begin);
}

/* UTF-16 and its kin hide every name from a search by bytes. */
static bool has_wide_charset(struct slice type)
{
	for (; type.len >= 11; type = slice_drop(type, 1))
		if (begins_with(type, SLICE("charset=")))
			return begins_with(slice_drop(type, type.data[8] == '"' ? 9 : 8), SLICE("utf-16")) ||
			       begins_with(slice_drop(type, type.data[8] == '"' ? 9 : 8), SLICE("utf-32"));
	return false;
}

static struct slice media_type(struct slice type)
{
	size_t len = 0;

	while (len < type.len && type.data[len] != ';')
		len++;
	type.len = len;
	while (type.len && (type.data[type.len - 1] == ' ' || type.data[type.len - 1] == '\t'))
		type.len--;
	return type;
}

enum body_text body_text_of(struct slice type, struct slice coding)
{
	struct slice media = media_type(type);

	if (coding.len && !equals(coding, "identity"))
		return BODY_OPAQUE;
	if (!media.len)
		return BODY_OTHER_TEXT;
	if (has_wide_charset(type))
		return BODY_OPAQUE;
	if (equals(media, "application/x-www-form-urlencoded"))
		return BODY_FORM;
	if (begins_with(media, SLICE("text/")) || ends_with(media, SLICE("+json")) ||
	    ends_with(media, SLICE("+xml")) || ends_with(media, SLICE("+yaml")))
		return BODY_OTHER_TEXT;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (equals(media, texts[i]))
			return BODY_OTHER_TEXT;
	return BODY_OPAQUE;
}

bool body_has_parts(struct slice type)
{
	return begins_with(type, SLICE("multipart/"));
}

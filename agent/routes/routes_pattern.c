/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching goes segment by segment. Only one "**" may stand in a pattern, so
 * what is behind it is matched from the end of the path and nothing is tried
 * twice.
 */
#include "routes_pattern.h"

#include "routes_segment.h"

#include <errno.h>

static size_t count_segments(struct slice path)
{
	size_t n = path.len > 0;

	for (size_t i = 0; i < path.len; i++)
		n += path.data[i] == '/';
	return n;
}

static int fail(const char *what, const char **error, size_t offset, size_t *at)
{
	*error = what;
	*at = offset;
	return -EINVAL;
}

static const char *segment_error(struct slice part, size_t *offset)
{
	const uint8_t *open = memchr(part.data, '{', part.len), *close = memchr(part.data, '}', part.len);
	const uint8_t *star = memchr(part.data, '*', part.len);

	*offset = 0;
	if (star && !slice_equal(part, SLICE("*")) && !slice_equal(part, SLICE("**"))) {
		*offset = (size_t)(star - part.data);
		return "a star stands for a whole segment";
	}
	if (!open && !close)
		return NULL;
	if (!open || (close && close < open)) {
		*offset = (size_t)(close - part.data);
		return "this brace was not opened";
	}
	*offset = (size_t)(open - part.data);
	if (!close)
		return "this brace is not closed";
	if (open != part.data || close != part.data + part.len - 1)
		return "a {name} stands for a whole segment";
	return part.len > 2 ? NULL : "a name is missing between the braces";
}

static int check_path(struct slice path, size_t offset, const char **error, size_t *at)
{
	struct slice rest = slice_drop(path, 1);
	bool stars = false;

	while (rest.len) {
		size_t start = offset + path.len - rest.len, within;
		struct slice part = routes_segment_take(&rest);
		const char *wrong = part.len ? segment_error(part, &within) : NULL;

		if (wrong)
			return fail(wrong, error, start + within, at);
		if (slice_equal(part, SLICE("**")) || (!rest.len && slice_equal(part, SLICE("*")))) {
			if (stars)
				return fail("only one part of any length may stand in a pattern", error,
					    start, at);
			stars = true;
		}
	}
	return 0;
}

int routes_pattern_parse(const char *text, struct pattern *pattern, const char **error, size_t *at)
{
	size_t len = strcspn(text, " "), space = strspn(text + len, " ");
	struct slice path = slice_of_string(text);

	*pattern = (struct pattern){ .path = path };
	if (text[0] != '/' && text[len] == ' ' && len > 0) {
		for (size_t i = 0; i < len; i++)
			if ((text[i] < 'A' || text[i] > 'Z') && text[i] != '-' && text[i] != '_')
				return fail("a method is written in capital letters", error, i, at);
		pattern->method = slice_of(text, len);
		pattern->path = path = slice_drop(path, len + space);
	}
	if (!path.len || path.data[0] != '/')
		return fail("a path begins with a slash", error, (size_t)((const char *)path.data - text),
			    at);
	for (size_t i = 0; i < path.len; i++)
		if (path.data[i] <= ' ' || path.data[i] == '?' || path.data[i] == 0x7f)
			return fail("this byte does not stand in a path", error,
				    (size_t)((const char *)path.data - text) + i, at);
	return check_path(path, (size_t)((const char *)path.data - text), error, at);
}

bool routes_pattern_matches(const struct pattern *pattern, struct slice method, struct slice path)
{
	struct slice parts = routes_segment_all(pattern->path), rest = routes_segment_all(path);

	if (pattern->method.data && !slice_equal(pattern->method, method))
		return false;
	while (parts.len) {
		struct slice part = routes_segment_take(&parts), have;
		bool any;

		if (slice_equal(part, SLICE("**")) || (!parts.len && slice_equal(part, SLICE("*")))) {
			size_t left = count_segments(rest), behind = count_segments(parts);

			if (left <= behind)
				return false;
			for (; left > behind; left--)
				routes_segment_take(&rest);
			continue;
		}
		if (!rest.len)
			return false;
		have = routes_segment_take(&rest);
		any = slice_equal(part, SLICE("*")) || (part.len > 2 && part.data[0] == '{');
		if (any ? !have.len : !slice_equal(part, have))
			return false;
	}
	return !rest.len;
}

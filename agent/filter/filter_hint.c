/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody may have meant who wrote what is no filter. */
#include "filter_term.h"

#include <string.h>

/* Letters to change, add, leave out or swap; up to 16 letters. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][17], *before = rows[0], *last = rows[1], *now = rows[2];

	if (n > 16 || m > 16)
		return 16;
	for (size_t j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *oldest = before;

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[m];
}

/* The key that this most likely stands for; NULL: none is near. */
const char *filter_key_near(const char *text, size_t len)
{
	size_t best = len > 4 ? 3 : 2; /* more than that is another word */
	const char *found = NULL;

	for (size_t i = 0; i < filter_key_count; i++) {
		const char *name = filter_keys[i].name;
		size_t d = distance(text, len, name, strlen(name));

		if (len >= 3 && strncmp(name, text, len) == 0)
			return name;
		if (d < best) {
			best = d;
			found = name;
		}
	}
	return found;
}

static const struct {
	const char *word, *hint;
} meant[] = {
	{ "and", "a space means and" },
	{ "AND", "a space means and" },
	{ "&&", "a space means and" },
	{ "OR", "or is written small" },
	{ "||", "say or" },
	{ "|", "say or" },
	{ "not", "! in front means not" },
	{ "NOT", "! in front means not" },
};

const char *filter_word_hint(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++)
		if (strlen(meant[i].word) == len && strncmp(text, meant[i].word, len) == 0)
			return meant[i].hint;
	return NULL;
}

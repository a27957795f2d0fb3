/* SPDX-License-Identifier: Apache-2.0 */
#include "word_distance.h"

size_t word_distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][WORD_DISTANCE_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];

	if (n > WORD_DISTANCE_MAX || m > WORD_DISTANCE_MAX)
		return WORD_DISTANCE_MAX;
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

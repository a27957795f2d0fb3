/* SPDX-License-Identifier: Apache-2.0 */
/* How near a mistyped word is to a known one. */
#ifndef HARK_WORD_DISTANCE_H
#define HARK_WORD_DISTANCE_H

#include <stddef.h>

#define WORD_DISTANCE_MAX 16 /* letters of a word; a longer one is that far from any */

/* Letters to change, add, leave out or swap with their neighbour (optimal string alignment). */
size_t word_distance(const char *a, size_t n, const char *b, size_t m);

#endif

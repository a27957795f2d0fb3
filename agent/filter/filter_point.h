/* SPDX-License-Identifier: Apache-2.0 */
/* The error of a filter, for people: the sentence, the filter, and carets under what is meant. */
#ifndef HARK_FILTER_POINT_H
#define HARK_FILTER_POINT_H

#include "base/buffer.h"
#include "filter.h"

/* Appends three lines, escaped; of a text of more than 1,000 bytes the first one. */
void filter_point(struct buffer *out, const char *text, const struct filter_error *error);

#endif

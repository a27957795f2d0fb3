/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies as pictures: a histogram (--hist), and a heat map over time (--heat). Bands of 1, 2, 5, 10, … */
#ifndef HARK_STAT_PICTURE_H
#define HARK_STAT_PICTURE_H

#include "base/buffer.h"
#include "sinks/line_text.h"
#include "stats/histogram.h"

#include <stddef.h>
#include <stdint.h>

#define HEAT_SLICES 120
#define BANDS	    30 /* below 1 µs, then from 1, 2, 5, 10, … µs on; the last has no end */

/* A bar a band, from the lowest to the highest that has a count. At most as wide as the terminal, or 80. */
void stat_hist_put(struct buffer *text, const struct style *style, const struct histogram *histogram);

/*
 * Time is cut into slices of one length. When the last one is over, pairs become one and the length doubles:
 * memory stays as it is, however long the run is.
 */
struct heat { /* all zero: empty and usable */
	uint64_t start_ns, slice_ns;
	size_t used; /* slices, up to the last one that has a count */
	uint32_t counts[HEAT_SLICES][BANDS];
};

void stat_heat_add(struct heat *heat, uint64_t time_ns, uint64_t latency_ns);
/* A column a slice, or several where there are more than fit; a line a band, the longest first. */
void stat_heat_put(struct buffer *text, struct style *style, const struct heat *heat);

#endif

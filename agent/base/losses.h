/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which counters say that something is missing: what hark wanted and did not get, or had to drop. The end of
 * a run and every table say it by these.
 */
#ifndef HARK_LOSSES_H
#define HARK_LOSSES_H

#include "counters.h"

#include <stdbool.h>
#include <stdint.h>

struct buffer;

bool loss_is(enum counter counter);

/* The sum of all of them, whatever they count: larger than before means that more is missing. */
uint64_t losses_sum(void);

/* Those that are not 0: "events.lost 1203, limit.streams 4". */
void losses_put(struct buffer *text);

/* "; limits met: limit.files 1" of bounds that were met without a loss; nothing when there are none. */
void losses_put_limits_met(struct buffer *text);

#endif

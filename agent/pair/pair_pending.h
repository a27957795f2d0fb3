/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges that take long are shown before they end. */
#ifndef HARK_PAIR_PENDING_H
#define HARK_PAIR_PENDING_H

#include "pair.h"

/* After an entry opened or closed: keeps the pair in the pipeline's list while it has open ones. */
void pair_watch(struct pair *pair);

/* Tells of each open exchange that has taken config.pending_ns by now: at most once without an answer, and
 * once while an answer goes on. */
void pair_tell_pending(struct pair *pair);

/* Each exchange with a request that was not emitted yet, as it stands; borrowed for the call. */
void pair_each_open(struct pair *pair, void (*fn)(void *ctx, const struct exchange *exchange), void *ctx);

#endif

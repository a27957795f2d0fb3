/* SPDX-License-Identifier: Apache-2.0 */
/* The last step of an exchange: everything derived from its messages, then the sinks. */
#ifndef HARK_PAIR_EMIT_H
#define HARK_PAIR_EMIT_H

#include "exchange.h"
#include "pair.h"

/* Messages, key, flags and error stand; fills in the rest, counts it and calls the handler. At least one
 * message. */
void pair_emit(struct pair *pair, struct exchange *exchange);

/* The same for one that is not over: nothing is counted, and its duration is not known. */
void pair_emit_pending(struct pair *pair, struct exchange *exchange);

#endif

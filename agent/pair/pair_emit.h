/* SPDX-License-Identifier: Apache-2.0 */
/* The last step of an exchange: everything derived from its messages, then the sinks. */
#ifndef HARK_PAIR_EMIT_H
#define HARK_PAIR_EMIT_H

#include "model/exchange.h"
#include "pair.h"

/* Messages, key, flags and error stand; fills in the rest, counts it and calls the handler. At least one
 * message. */
void pair_emit(struct pair *pair, struct exchange *exchange);

/* Fills in what is derived, and nothing else. One that is pending has no duration. */
void pair_complete(struct pair *pair, struct exchange *exchange);

#endif

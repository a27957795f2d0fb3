/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Early data (RFC 8446, 2.3): what a client sends before the server answered
 * its hello. A server that refuses it never reads it, so its records wait
 * until its fate shows.
 */
#ifndef HARK_TLS_EARLY_H
#define HARK_TLS_EARLY_H

#include "event.h"
#include "model/mover.h"

#include <stdbool.h>
#include <stddef.h>

struct tls_early_record;

/* All zero: empty. */
struct tls_early {
	struct tls_early_record *records;
	size_t bytes;
};

/* Keeps a copy of the record. False: there is no room for it. */
bool tls_early_hold(struct tls_early *early, const struct event_data *event, const struct mover *mover);

/* Hands the records on in order and forgets them; fn NULL: only forgets. */
void tls_early_release(struct tls_early *early,
		       void (*fn)(void *ctx, const struct event_data *event, const struct mover *mover),
		       void *ctx);

#endif

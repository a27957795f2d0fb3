/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage that overwrites secrets in the bytes of events (redact.h says what
 * is secret) before they are recorded or shown raw. Bytes keep their place and
 * length. What nobody can judge is left out, as bytes that were not copied.
 */
#ifndef HARK_SCRUB_H
#define HARK_SCRUB_H

#include "base/redact.h"
#include "model/event_check.h"

#include <stdbool.h>

struct budget;

struct scrub_config {
	struct budget *budget;	     /* of which it takes an eighth at most; NULL: no limit */
	const struct redact *redact; /* borrowed */
	bool keep_other;	     /* what is no HTTP is kept, and scrubbed as text */
	event_fn *fn;		     /* takes the events; less than 0 ends scrub_event() with that */
	void *ctx;
};

struct scrub;

/* NULL: out of memory. */
struct scrub *scrub_new(const struct scrub_config *config);
/* Without handing on what waits. NULL is legal. */
void scrub_free(struct scrub *scrub);

/*
 * Takes an event; hands on, in the order in which they came, this one and others, now or when what they need
 * has come: two seconds later at most. 0, or what fn returned below 0.
 */
int scrub_event(struct scrub *scrub, const struct event_header *event);

/* Does anything wait for an EVENT_POLL? */
bool scrub_waits(const struct scrub *scrub);

/* Nothing more comes: everything is handed on. 0, or what fn returned below 0. */
int scrub_end(struct scrub *scrub);

#endif

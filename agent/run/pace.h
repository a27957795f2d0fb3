/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of a replay: each event comes when it is due, and meanwhile the
 * loop turns for the outputs. Only this knows the wall's clock; the pipeline's
 * is the events'.
 */
#ifndef HARK_PACE_H
#define HARK_PACE_H

#include "base/loop.h"
#include "event.h"

#include <stdbool.h>
#include <stdint.h>

struct pace {
	double speed;	   /* so many times as fast as it was; 0: as fast as it goes */
	int signals;	   /* -1; the pace's own, as what follows */
	struct loop *loop; /* NULL: nobody waits for anything */
	bool stays;
	bool started;
	uint64_t first_event_ns, first_wall_ns, looked_ns;
};

/*
 * speed stands. The loop is borrowed. stays: a screen that is left by its own means, also behind the end;
 * signals that end a run stop the loop from here on.
 */
void pace_init(struct pace *pace, struct loop *loop, bool stays);
void pace_fini(struct pace *pace);

/* Returns when the event is due. True: the loop was stopped. */
bool pace_event(struct pace *pace, const struct event_header *event);

/* The recording is over: returns when what stays was left. */
void pace_end(struct pace *pace);

#endif

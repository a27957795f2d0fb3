/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of a replay: each event comes when it is due, and meanwhile the
 * keys of a screen are taken. Only this knows the wall's clock; the pipeline's
 * is the events'.
 */
#ifndef HARK_PACE_H
#define HARK_PACE_H

#include "event.h"

#include <stdbool.h>
#include <stdint.h>

struct pace {
	double speed;		  /* so many times as fast as it was; 0: as fast as it goes */
	int fd;			  /* the terminal whose keys are wanted; -1: none */
	bool (*input)(void *ctx); /* bytes wait there, or some time passed; true: the user wants to leave */
	void *ctx;
	/* the pace's own: */
	int signals; /* to end in order, a screen must be left by its own means; -1: none */
	bool started, left;
	uint64_t first_event_ns, first_wall_ns, looked_ns;
};

/* fd, input and ctx stand. With a screen, signals that end a run are taken from here on. */
void pace_init(struct pace *pace);
void pace_fini(struct pace *pace);

/* Returns when the event is due. True: the user wants to leave. */
bool pace_event(struct pace *pace, const struct event_header *event);

/* The recording is over: a screen stays until the user leaves it. */
void pace_end(struct pace *pace);

#endif

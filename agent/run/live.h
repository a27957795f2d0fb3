/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a live run: loads the probes, finds the TLS libraries, starts
 * the command if there is one, and polls until something says stop.
 */
#ifndef HARK_LIVE_H
#define HARK_LIVE_H

#include "base/loop.h"
#include "capture/probes.h"
#include "cli/options.h"
#include "model/source.h"

#include <stdbool.h>

struct live_handler {
	void *ctx;
	event_fn *event; /* every event */
	void (*opened)(void *ctx,
		       struct probes *probes); /* the probes are there; borrowed until live_run returns */
	void (*idle)(void *ctx);	       /* the ring is empty: flush */
	void (*mapped)(void *ctx, uint32_t pid, const char *path); /* a process mapped a file for execution */
	bool (*finished)(void *ctx);				   /* nothing more is wanted */
	void (*report)(void *ctx);				   /* SIGUSR1: print the counters */
	bool screen;						   /* an output shows losses as they stand */
};

/* Signals of the run are blocked from here on; call before anything else starts. */
void live_init(void);

/*
 * The loop is borrowed, with what the outputs registered; loop_stop() ends the run. 0 when told to stop, the
 * command's exit status when there is one, 1 when it could not start (reported). All events have been handed
 * on by then.
 */
int live_run(const struct options *options, struct loop *loop, const struct live_handler *handler);

#endif

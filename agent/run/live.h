/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a live run: loads the probes, finds the TLS libraries, starts
 * the command if there is one, and polls until something says stop.
 */
#ifndef HARK_LIVE_H
#define HARK_LIVE_H

#include "base/loop.h"
#include "capture/probes.h"
#include "filter/filter.h"
#include "model/event_check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed, with all that it points to, until live_run() returns. */
struct live_config {
	enum capture_way capture;
	size_t ring_bytes, snaplen_bytes;
	const struct filter *filter; /* NULL: everything */
	const uint32_t *pids;	     /* -p */
	size_t pid_count;
	uint64_t duration_ns; /* 0: until told to stop */
	char **child_argv;    /* the command to start; NULL: none */
	const char *user;     /* who runs it; NULL: the invoking user */
	bool tell_filter;     /* say where each part of the filter is decided */
};

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
int live_run(const struct live_config *config, struct loop *loop, const struct live_handler *handler);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a live run: loads the probes, finds the TLS libraries, starts
 * the command if there is one, and polls until something says stop.
 */
#ifndef HARK_LIVE_H
#define HARK_LIVE_H

#include "base/loop.h"
#include "capture/probes.h"
#include "capture/source_bpf.h"
#include "filter/filter.h"
#include "model/event_check.h"
#include "outputs/outputs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct library_claim;
struct tls_seen;

/* Borrowed, with all that it points to, until live_run() returns. */
struct live_config {
	struct probes_config probes; /* capture, ring and snap length; all else is found out */
	const struct filter *filter; /* NULL: everything */
	const uint32_t *pids;	     /* -p */
	size_t pid_count;
	uint64_t duration_ns;		    /* 0: until told to stop */
	char **child_argv;		    /* the command to start; NULL: none */
	const char *user;		    /* who runs it; NULL: the invoking user */
	const struct library_claim *claims; /* of TLS libraries; checked */
	size_t claim_count;
	bool detail;		   /* say how it captures, and where each part of the filter is decided */
	struct tls_seen *tls_seen; /* told of what is mapped; NULL: nobody asks */
	struct loop *loop;	   /* with what the outputs registered; loop_stop() ends the run */
	struct outputs *outputs;   /* flushed when the ring is empty; finished, they end the run */
	void *ctx;
	event_fn *event;    /* every event */
	source_due_fn *due; /* when the clock (EVENT_POLL) is waited for though nothing comes */
	/* The probes are there; borrowed until live_run() returns. */
	void (*opened)(void *ctx, struct probes *probes);
	void (*ready)(void *ctx); /* all of them are attached */
};

/* Signals of the run are blocked from here on; call before anything else starts. */
void live_init(void);

/*
 * 0 when told to stop, the command's exit status when there is one, 1 when it could not start (reported). All
 * events have been handed on by then.
 */
int live_run(const struct live_config *config);

#endif

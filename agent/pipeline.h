/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every stage between an event and an exchange shares: the limits, the
 * way out, and the clock. Time comes from events only, so that a recording
 * replays exactly as it ran.
 */
#ifndef HARK_PIPELINE_H
#define HARK_PIPELINE_H

#include "tracker.h"

#include <stdint.h>

struct pair;

/*
 * What another processor's ring position may still bring has come by the second EVENT_POLL after it was
 * missed: the poll in between emptied the ring once, whole.
 */
#define GRACE_POLLS 2
#define IDLE_POLLS  3 /* how long what moved is looked at */

struct pipeline {
	struct tracker_config config;
	struct tracker_handler handler;
	struct pair **watched; /* pairs with open exchanges; NULL: nobody watches them */
	uint64_t now_ns;       /* of the newest event */
	uint64_t poll;	       /* EVENT_POLLs so far */
};

#endif

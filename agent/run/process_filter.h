/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes the kernel side need not tell of, for a filter on containers. A process is told of until it
 * is known where it belongs, so that nothing is missed of one that is wanted.
 */
#ifndef HARK_PROCESS_FILTER_H
#define HARK_PROCESS_FILTER_H

#include "capture/probes.h"
#include "event.h"
#include "filter/filter.h"

struct container_state;

/* All are borrowed. */
struct process_filter {
	struct probes *probes;
	const struct filter *filter;
	struct container_state *state; /* what the containers are called */
};

/* Of the events that tell where a process is, or that it may be elsewhere now; others are none of its
 * business. */
void process_filter_event(const struct process_filter *judge, const struct event_header *event);

#endif

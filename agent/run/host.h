/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What those ask about this machine who look at a run from outside (sink_host): what doctor found before
 * hark gave up the right to try it, and what hark has said since.
 */
#ifndef HARK_HOST_H
#define HARK_HOST_H

#include "doctor/doctor.h"
#include "sinks/sink.h"

struct host;

/*
 * Lets doctor look, and takes the messages of the run from here on, which reach stderr all the same. What
 * config points to is borrowed. NULL: out of memory.
 */
struct host *host_new(const struct doctor_config *config);
void host_free(struct host *host); /* NULL is legal */

/* Borrowed. */
const struct sink_host *host_of(struct host *host);

/* The run could not begin to capture. */
void host_set_failed(struct host *host);

#endif

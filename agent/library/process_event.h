/* SPDX-License-Identifier: Apache-2.0 */
/* A process that runs already, as /proc tells of it. */
#ifndef HARK_PROCESS_EVENT_H
#define HARK_PROCESS_EVENT_H

#include "event.h"

#include <stdint.h>

/*
 * The event that its execution would have been: base name of its executable, parent, uid. 0, or -ESRCH
 * (fields that could not be read are empty or 0).
 */
int process_event_read(uint32_t pid, struct event_process *out);

#endif

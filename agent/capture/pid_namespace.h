/* SPDX-License-Identifier: Apache-2.0 */
/* The pid namespace that hark runs in: processes have another number in each that they are in. */
#ifndef HARK_PID_NAMESPACE_H
#define HARK_PID_NAMESPACE_H

#include "slice.h"

#include <stdint.h>

/*
 * The number of hark's own namespace in *found, 0 for the initial one. 0, or -errno: /proc is missing or that
 * of another namespace, so that nothing can be looked up in it; reported, with the remedy.
 */
int pid_namespace_find(uint32_t *found);

/* In how many namespaces the process of a /proc/PID/status has a number there; 0: it does not say. */
unsigned int pid_namespaces_of_status(struct slice status);

#endif

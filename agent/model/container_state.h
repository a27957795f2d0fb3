/* SPDX-License-Identifier: Apache-2.0 */
/* What people call a container: from the state files of its engine, never by asking the engine. */
#ifndef HARK_CONTAINER_STATE_H
#define HARK_CONTAINER_STATE_H

#include "event.h"

#include <stdint.h>

struct container_state;

/*
 * root: below which the engines' files lie, borrowed for good; "/" for this machine's own. NULL: out of
 * memory.
 */
struct container_state *container_state_new(const char *root);
/* NULL is legal. */
void container_state_free(struct container_state *state);

/*
 * The root of the first process, which is the machine's own also when hark runs in a container that shares
 * the machine's processes; "/" where that may not be looked at.
 */
const char *container_state_root(void);

/*
 * The names of the process's container, whose cgroup has this path: looked up once a container. Borrowed
 * until the next call; the header has the pid. NULL: it is in no container, or in one without a name that can
 * be found, or `state` is NULL.
 */
const struct event_names *container_state_find(struct container_state *state, uint32_t pid, const char *path);

#endif

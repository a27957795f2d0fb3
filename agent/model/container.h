/* SPDX-License-Identifier: Apache-2.0 */
/* Where a process belongs, from the name of its cgroup: a container, else a systemd unit. */
#ifndef HARK_CONTAINER_H
#define HARK_CONTAINER_H

#include "event.h"
#include "slice.h"

#include <stdint.h>

/*
 * The container of a cgroup path: its 64-digit id (Docker, containerd, CRI-O, Podman, also in Kubernetes'
 * pods), or the unit of a systemd machine; else the innermost systemd service or scope. A part of `path`;
 * data NULL: there is none.
 */
struct slice container_of_cgroup(struct slice path);

/*
 * Of the lines of a /proc/PID/cgroup the path that says most: one with a container, else with a unit, version
 * 2 before version 1. A part of `text`; data NULL: there is no line.
 */
struct slice container_cgroup_choose(struct slice text);

/* Fills path and header->pid of an event. 0, -ESRCH when the process is gone, -ENAMETOOLONG, or -errno. */
int container_cgroup_of_process(uint32_t pid, struct event_cgroup *out);

#endif

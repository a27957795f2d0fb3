/* SPDX-License-Identifier: Apache-2.0 */
/* Where a process belongs: a container, pod or systemd unit, by the name of its cgroup and by what people
 * call it. */
#ifndef HARK_CONTAINER_H
#define HARK_CONTAINER_H

#include "event.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

enum container_name {
	CONTAINER_ID,	/* as container_of_cgroup() gives it */
	CONTAINER_NAME, /* as the engine calls it */
	CONTAINER_POD,	/* this and the next three: Kubernetes' */
	CONTAINER_NAMESPACE,
	CONTAINER_POD_UID,
	CONTAINER_POD_CONTAINER,
	CONTAINER_HOSTNAME, /* of a pod whose name is not known: often that name */
	CONTAINER_UNIT,	    /* the innermost systemd service or scope, but for a container's own scope */
	CONTAINER_NAMES
};

#define CONTAINER_UID_DIGITS 36

/* Names are borrowed observed text; data NULL: there is none, or it is not known. */
struct container {
	struct slice names[CONTAINER_NAMES];
};

/* data NULL: not known. container may be NULL: nothing is. */
static inline struct slice container_name(const struct container *container, enum container_name name)
{
	return container ? container->names[name] : slice_of(NULL, 0);
}

/*
 * The container of a cgroup path: its 64-digit id (Docker, containerd, CRI-O, Podman, also in Kubernetes'
 * pods), or the unit of a systemd machine; else the innermost systemd service or scope. A part of `path`;
 * data NULL: there is none.
 */
struct slice container_of_cgroup(struct slice path);

/* An engine's id, and no systemd unit. */
bool container_is_engines(struct slice id);

/*
 * What the path tells: id, unit and the pod's uid, whose text is put into `uid`, as the path may write it in
 * another way. The other names are not known. All borrow from `path` and `uid`.
 */
struct container container_of_path(struct slice path, char uid[CONTAINER_UID_DIGITS]);

/* Adds the names of the event, which it borrows; the pod's uid only where the path told none. */
void container_add_names(struct container *container, const struct event_names *event);

/*
 * Of the lines of a /proc/PID/cgroup the path that says most: one with a container, else with a unit, version
 * 2 before version 1. A part of `text`; data NULL: there is no line.
 */
struct slice container_cgroup_choose(struct slice text);
/* Does a path of version 2 say as much as one that was chosen (data NULL: none was)? */
bool container_cgroup_says_as_much(struct slice path, struct slice chosen);

/* Fills path and header->pid of an event. 0, -ESRCH when the process is gone, -ENAMETOOLONG, or -errno. */
int container_cgroup_of_process(uint32_t pid, struct event_cgroup *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "process_filter.h"

#include "model/container.h"

#include <stdlib.h>
#include <string.h>

static bool is_wanted(const struct filter *filter, const struct event_cgroup *cgroup)
{
	struct slice name = container_of_cgroup(slice_of_string(cgroup->path));
	char *container = name.data ? strndup((const char *)name.data, name.len) : NULL;
	bool wanted = (name.data && !container) || filter_container(filter, container);

	free(container);
	return wanted;
}

static bool is_wanted_now(const struct filter *filter, uint32_t pid)
{
	struct event_cgroup now;

	return container_cgroup_of_process(pid, &now) == 0 && is_wanted(filter, &now);
}

/*
 * The event may be out of date: the process has moved and executed since, and a mark, even for a moment,
 * would hide what it says there. So its place is read before the mark, and again behind it, for the exec that
 * ends a mark may have come in between. A process that moves later without an exec is not noticed.
 */
static void judge(struct probes *probes, const struct filter *filter, const struct event_cgroup *cgroup)
{
	uint32_t pid = cgroup->h.pid;
	bool wanted = is_wanted(filter, cgroup) || is_wanted_now(filter, pid);

	probes_ignore_pid(probes, pid, !wanted);
	if (!wanted && is_wanted_now(filter, pid))
		probes_ignore_pid(probes, pid, false);
}

void process_filter_event(struct probes *probes, const struct filter *filter,
			  const struct event_header *event)
{
	struct event_cgroup cgroup;

	if (event->type == EVENT_CGROUP)
		judge(probes, filter, (const struct event_cgroup *)event);
	/* The process is told of again since its exec; where it is may be no news. */
	else if (event->type == EVENT_EXEC && container_cgroup_of_process(event->pid, &cgroup) == 0)
		judge(probes, filter, &cgroup);
}

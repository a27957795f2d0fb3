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

/*
 * The process may have moved and executed between our reading and our mark, which the exec would have ended:
 * so we read again. A process that moves later without an exec is not noticed.
 */
static void judge(struct probes *probes, const struct filter *filter, const struct event_cgroup *cgroup)
{
	struct event_cgroup now;
	bool wanted = is_wanted(filter, cgroup);

	probes_ignore_pid(probes, cgroup->h.pid, !wanted);
	if (!wanted && cgroup_of_process(cgroup->h.pid, &now) == 0 && strcmp(now.path, cgroup->path) != 0)
		probes_ignore_pid(probes, cgroup->h.pid, false);
}

void process_filter_event(struct probes *probes, const struct filter *filter,
			  const struct event_header *event)
{
	struct event_cgroup cgroup;

	if (event->type == EVENT_CGROUP)
		judge(probes, filter, (const struct event_cgroup *)event);
	/* The process is told of again since its exec; where it is may be no news. */
	else if (event->type == EVENT_EXEC && cgroup_of_process(event->pid, &cgroup) == 0)
		judge(probes, filter, &cgroup);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "process_filter.h"

#include "base/clock.h"
#include "model/container.h"
#include "model/container_state.h"

static bool is_wanted(const struct process_filter *judge, const struct event_cgroup *cgroup)
{
	const struct event_names *names = container_state_find(judge->state, cgroup->h.pid, cgroup->path);
	char uid[CONTAINER_UID_DIGITS];
	struct container container = container_of_path(slice_of_string(cgroup->path), uid);

	if (names)
		container_add_names(&container, names);
	return filter_container(judge->filter, &container);
}

static bool is_wanted_now(const struct process_filter *judge, uint32_t pid)
{
	struct event_cgroup now;

	return container_cgroup_of_process(pid, &now) == 0 && is_wanted(judge, &now);
}

/*
 * The event may be out of date, so its place is read again. What is found is void when the process has moved
 * and executed meanwhile; one that moves later without an exec is not noticed.
 */
static void process_judge(const struct process_filter *judge, const struct event_cgroup *cgroup)
{
	uint32_t pid = cgroup->h.pid;
	uint64_t now_ns = clock_ns();

	if (is_wanted(judge, cgroup) || is_wanted_now(judge, pid))
		probes_heed_pid(judge->probes, pid);
	else
		probes_ignore_pid(judge->probes, pid, now_ns);
}

void process_filter_event(const struct process_filter *judge, const struct event_header *event)
{
	struct event_cgroup cgroup;

	if (event->type == EVENT_CGROUP)
		process_judge(judge, (const struct event_cgroup *)event);
	/* The process is told of again since its exec; where it is may be no news. */
	else if (event->type == EVENT_EXEC && container_cgroup_of_process(event->pid, &cgroup) == 0)
		process_judge(judge, &cgroup);
}

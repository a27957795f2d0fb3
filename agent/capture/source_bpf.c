/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle time is not recorded: EVENT_POLL follows a poll that brought something
 * and some polls after it (what was late then becomes lost), then one a
 * second (what waits too long expires), and when somebody waits for it.
 *
 * A record is not overlooked by a reader that falls asleep: the kernel side is
 * told to wake it one poll before the last (probes_sleep()), so what did not
 * find that told is in the ring at the last.
 */
#include "source_bpf.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/table.h"
#include "library/process_event.h"
#include "model/container.h"
#include "model/container_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLLS_AFTER_EVENTS 4
#define POLL_NS		   40000000u /* no line is older than 50 ms */
/*
 * Two polls are the grace of what is missing (GRACE_POLLS), so they are that much time as well: a processor
 * that a busy machine, or its host, takes away amid a record comes back meanwhile. Without it a record being
 * written, at which the reader stops and is woken at once again, made the grace a matter of microseconds.
 */
#define POLL_LEAST_NS 8000000u
#define POLL_IDLE_NS  1000000000u
#define DRAIN_NS      500000000u

struct known_process {
	uint32_t pid;
	char *cgroup; /* NULL: not known */
	UT_hash_handle hh;
};

struct source_bpf {
	struct probes *probes;
	struct container_state *containers;
	event_fn *fn;
	source_due_fn *due;
	void *ctx;
	struct known_process *known;
	uint64_t last_poll_ns, next_poll_ns;
	unsigned int polls_due;
	bool got_events;
};

struct source_bpf *source_bpf_new(struct probes *probes, struct container_state *containers, event_fn *fn,
				  source_due_fn *due, void *ctx)
{
	struct source_bpf *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->probes = probes;
	source->containers = containers;
	source->fn = fn;
	source->due = due;
	source->ctx = ctx;
	source->polls_due = POLLS_AFTER_EVENTS;
	return source;
}

static struct known_process *known_find(const struct source_bpf *source, uint32_t pid)
{
	struct known_process *process;

	HASH_FIND(hh, source->known, &pid, sizeof(pid), process);
	return process;
}

static void known_remove(struct source_bpf *source, struct known_process *process)
{
	if (!process)
		return;
	HASH_DEL(source->known, process);
	free(process->cgroup);
	free(process);
}

void source_bpf_free(struct source_bpf *source)
{
	if (!source)
		return;
	while (source->known)
		known_remove(source, source->known);
	free(source);
}

/* True when it was not known before. */
static bool known_add(struct source_bpf *source, uint32_t pid)
{
	struct known_process *process;

	if (known_find(source, pid))
		return false;
	process = calloc(1, sizeof(*process));
	if (process) {
		process->pid = pid;
		HASH_ADD(hh, source->known, pid, sizeof(process->pid), process);
		if (TABLE_ADDED(process, hh))
			return true;
	}
	free(process);
	counter_add(COUNTER_LIMIT_MEMORY, 1);
	return false;
}

/* A process that is gone already was where its parent is, for all that anybody knows. */
static int cgroup_find(struct source_bpf *source, uint32_t pid, uint32_t parent, struct event_cgroup *out)
{
	int error = container_cgroup_of_process(pid, out);
	const struct known_process *known = error == -ESRCH ? known_find(source, parent) : NULL;

	if (!known || !known->cgroup)
		return error;
	*out = (struct event_cgroup){
		.h = { .size = sizeof(*out),
		       .type = EVENT_CGROUP,
		       .flags = EVENT_SYNTHETIC | EVENT_PID_VALID,
		       .pid = pid },
	};
	memcpy(out->path, known->cgroup, strlen(known->cgroup));
	return 0;
}

/* How people call the place that the event tells of. */
static int tell_names(struct source_bpf *source, const struct event_cgroup *cgroup)
{
	const struct event_names *found =
		container_state_find(source->containers, cgroup->h.pid, cgroup->path);
	struct event_names names;

	if (!found)
		return 0;
	memcpy(&names, found, found->h.size);
	names.h.time_ns = cgroup->h.time_ns;
	return source->fn(source->ctx, &names.h);
}

/* Where the process belongs, when that is news. */
static int tell_place(struct source_bpf *source, struct event_cgroup *event, uint64_t time_ns)
{
	struct known_process *process = known_find(source, event->h.pid);
	int error;

	if (!process || (process->cgroup && strcmp(process->cgroup, event->path) == 0))
		return 0;
	free(process->cgroup);
	process->cgroup = strdup(event->path);
	if (!process->cgroup)
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	event->h.time_ns = time_ns;
	error = source->fn(source->ctx, &event->h);
	return error < 0 ? error : tell_names(source, event);
}

/*
 * The kernel's word on the unified hierarchy, which also the shortest process leaves. Beside one of version 1
 * it may say less than /proc did.
 */
static int tell_kernel_place(struct source_bpf *source, const struct event_cgroup *event)
{
	struct event_cgroup place = *event;
	const struct known_process *process = known_find(source, event->h.pid);
	const char *chosen = process && process->cgroup ? process->cgroup : "";

	place.path[sizeof(place.path) - 1] = '\0';
	if (!container_cgroup_says_as_much(slice_of_string(place.path), slice_of_string(chosen)))
		return 0;
	return tell_place(source, &place, event->h.time_ns);
}

static int tell_cgroup(struct source_bpf *source, const struct event_process *facts)
{
	struct event_cgroup event;

	if (!known_find(source, facts->h.pid) || cgroup_find(source, facts->h.pid, facts->parent, &event) < 0)
		return 0;
	return tell_place(source, &event, facts->h.time_ns);
}

/* A process that ran before hark did: its facts come from /proc. */
static int introduce(struct source_bpf *source, const struct event_header *event)
{
	struct event_process facts;
	int error;

	if (process_event_read(event->pid, &facts) < 0)
		return 0; /* gone already: its events carry comm and uid */
	facts.h.time_ns = event->time_ns;
	error = source->fn(source->ctx, &facts.h);
	return error < 0 ? error : tell_cgroup(source, &facts);
}

/*
 * A fork tells all that is known of the child, but where it belongs, which is told behind the fork, by which
 * it belongs where its parent does: it may have moved before this is read, and nothing would tell of that
 * again.
 */
static int tell_fork(struct source_bpf *source, const struct event_process *fork)
{
	struct event_cgroup event;
	bool known;
	int error;

	known_remove(source, known_find(source, fork->h.pid));
	known = known_add(source, fork->h.pid);
	error = source->fn(source->ctx, &fork->h);
	if (error < 0 || !known || container_cgroup_of_process(fork->h.pid, &event) < 0)
		return error;
	return tell_place(source, &event, fork->h.time_ns);
}

static int source_event(void *ctx, const struct event_header *event)
{
	struct source_bpf *source = ctx;
	int error;

	source->got_events = true;
	if (event->type == EVENT_STACK_SWITCH)
		probes_protect(source->probes, event->pid);
	if (event->type == EVENT_EXEC) {
		known_add(source, event->pid);
		error = source->fn(source->ctx, event);
		return error < 0 ? error : tell_cgroup(source, (const struct event_process *)event);
	}
	if (event->type == EVENT_CGROUP)
		return tell_kernel_place(source, (const struct event_cgroup *)event);
	if (event->type == EVENT_FORK)
		return tell_fork(source, (const struct event_process *)event);
	if (event->type == EVENT_EXIT) {
		known_remove(source, known_find(source, event->pid));
	} else if ((event->flags & EVENT_PID_VALID) && known_add(source, event->pid)) {
		error = introduce(source, event);
		if (error < 0)
			return error;
	}
	return source->fn(source->ctx, event);
}

int source_bpf_existing(struct source_bpf *source)
{
	return probes_existing(source->probes, source_event, source);
}

int source_bpf_introduce(struct source_bpf *source, uint32_t pid)
{
	const struct event_header now = { .pid = pid, .time_ns = clock_ns() };

	return known_add(source, pid) ? introduce(source, &now) : 0;
}

/* Decides when the next poll is, and who wakes the reader. */
static void next_set(struct source_bpf *source)
{
	uint64_t idle_ns = source->last_poll_ns + POLL_IDLE_NS, due_ns;

	/* One that is still being written, or stands behind such a one. */
	if (!source->polls_due && probes_has_records(source->probes))
		source->polls_due = 1;
	probes_sleep(source->probes, source->polls_due < 2);
	source->next_poll_ns = source->last_poll_ns + POLL_NS;
	if (source->polls_due)
		return;
	due_ns = source->due(source->ctx);
	if (due_ns > source->next_poll_ns)
		source->next_poll_ns = due_ns < idle_ns ? due_ns : idle_ns;
}

static int poll_event(struct source_bpf *source, bool always)
{
	struct event_header poll = {
		.size = sizeof(poll),
		.type = EVENT_POLL,
		.flags = EVENT_SYNTHETIC,
		.time_ns = clock_ns(),
	};
	uint64_t due_ns = source->next_poll_ns;
	int error;

	if (source->got_events)
		source->polls_due = POLLS_AFTER_EVENTS;
	if (source->polls_due)
		due_ns = source->last_poll_ns + POLL_LEAST_NS;
	if (!always && poll.time_ns < due_ns) {
		if (source->got_events)
			next_set(source);
		return 0;
	}
	if (source->polls_due)
		source->polls_due--;
	source->got_events = false;
	source->last_poll_ns = poll.time_ns;
	error = source->fn(source->ctx, &poll);
	next_set(source);
	return error;
}

int source_bpf_poll(struct source_bpf *source)
{
	int more = probes_consume(source->probes, source_event, source);
	int error = more < 0 ? more : poll_event(source, false);

	return error < 0 ? error : more;
}

uint64_t source_bpf_next_ns(const struct source_bpf *source)
{
	return source->next_poll_ns;
}

int source_bpf_counters(struct source_bpf *source)
{
	struct event_counters counters_now;
	int error = probes_counters(source->probes, &counters_now);

	return error < 0 ? error : source->fn(source->ctx, &counters_now.h);
}

/*
 * Until the ring is empty. A record that is still being written stops the reader before those behind it, so a
 * pending ring is given a moment; under a load that never ends the moment is all that it gets.
 */
static int drain(struct source_bpf *source)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t end_ns = clock_ns() + DRAIN_NS;
	int error;

	for (;;) {
		error = probes_consume(source->probes, source_event, source);
		if (error < 0 || (!error && !probes_has_records(source->probes)) || clock_ns() >= end_ns)
			return error;
		if (!error)
			nanosleep(&pause, NULL);
	}
}

/* As many polls as anything waits for, so that what ended is seen to have ended. */
int source_bpf_end(struct source_bpf *source)
{
	int error = 0;

	for (int i = 0; i < POLLS_AFTER_EVENTS && error >= 0; i++) {
		error = drain(source);
		if (error >= 0)
			error = poll_event(source, true);
	}
	return error < 0 ? error : source_bpf_counters(source);
}

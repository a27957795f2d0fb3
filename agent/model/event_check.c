/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate that every record passes, from the kernel and from a recording
 * alike: behind it sizes agree, text ends, and what is used as an index is in
 * range. Everything else in a record may still be hostile.
 */
#include "event_check.h"

#include <string.h>

#define COUNTERS_FIRST 16 /* as many as the first version of the array had */

static bool text_ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool data_valid(const struct event_header *event, bool with_payload)
{
	const struct event_data *data = (const struct event_data *)event;

	if (event->size < sizeof(*data))
		return false;
	if (data->copied > data->len || data->copied > EVENT_PAYLOAD_MAX)
		return false;
	if (!with_payload && data->copied)
		return false;
	return event->size == sizeof(*data) + data->copied && data->direction <= DIRECTION_RECEIVED &&
	       data->hole <= HOLE_VECTOR;
}

static bool process_valid(const struct event_header *event)
{
	const struct event_process *process = (const struct event_process *)event;

	return event->size == sizeof(*process) && text_ends(process->name, sizeof(process->name));
}

static bool cgroup_valid(const struct event_header *event)
{
	const struct event_cgroup *cgroup = (const struct event_cgroup *)event;

	return event->size == sizeof(*cgroup) && text_ends(cgroup->path, sizeof(cgroup->path));
}

static bool names_valid(const struct event_header *event)
{
	const struct event_names *names = (const struct event_names *)event;

	return event->size > sizeof(*event) && event->size <= sizeof(*names) &&
	       names->text[event->size - sizeof(*event) - 1] == '\0';
}

static bool secret_valid(const struct event_header *event)
{
	const struct event_secret *secret = (const struct event_secret *)event;

	return event->size == sizeof(*secret) && text_ends(secret->label, sizeof(secret->label)) &&
	       secret->secret_len && secret->secret_len <= sizeof(secret->secret);
}

/* Counters were added at the end over time. */
static bool counters_valid(const struct event_header *event)
{
	return event->size >= sizeof(*event) + COUNTERS_FIRST * sizeof(__u64) &&
	       event->size <= sizeof(struct event_counters) && event->size % sizeof(__u64) == 0;
}

static bool state_valid(const struct event_header *event)
{
	return event->size ==
	       (event->flags & EVENT_POS_SEQ32 ? sizeof(struct event_state_end) : sizeof(struct event_state));
}

bool event_valid(const struct event_header *event, size_t size)
{
	if (size < sizeof(*event) || event->size < sizeof(*event) || event->size > size)
		return false;
	if (!text_ends(event->comm, sizeof(event->comm)))
		return false;
	switch (event->type) {
	case EVENT_SOCKET_DATA:
	case EVENT_TLS_DATA:
	case EVENT_DATAGRAM:
	case EVENT_STREAM_DATA:
		return data_valid(event, true);
	case EVENT_TLS_BIND:
	case EVENT_TLS_REFUSED:
	case EVENT_TLS_FREE:
	case EVENT_STACK_SWITCH:
	case EVENT_TLS_EARLY:
	case EVENT_TLS_RANDOMS:
	case EVENT_STREAM_OVER:
		return data_valid(event, false);
	case EVENT_SOCKET_STATE:
		return state_valid(event);
	case EVENT_EXEC:
	case EVENT_EXIT:
	case EVENT_FORK:
		return process_valid(event);
	case EVENT_POLL:
		return event->size == sizeof(struct event_header);
	case EVENT_COUNTERS:
		return counters_valid(event);
	case EVENT_SOCKET_SEEN:
		return event->size == sizeof(struct event_state);
	case EVENT_CGROUP:
		return cgroup_valid(event);
	case EVENT_NAMES:
		return names_valid(event);
	case EVENT_TLS_SECRET:
		return secret_valid(event);
	case EVENT_UNSEEN:
		return event->size == sizeof(struct event_unseen);
	}
	return false;
}

uint64_t event_began_ns(const struct event_data *event)
{
	bool began = event->h.type == EVENT_TLS_DATA && event->h.flags & EVENT_CALL_TIME &&
		     event->direction == DIRECTION_SENT && event->offset < event->h.time_ns;

	return began ? event->offset : event->h.time_ns;
}

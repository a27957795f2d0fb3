/* SPDX-License-Identifier: Apache-2.0 */
#include "wall_clock.h"

#include <time.h>

#define SECOND_NS 1000000000

/* Puts the second, with a dot behind; the ns that are left. Also before 1970: both numbers may come from a
 * hostile recording. */
static uint64_t put_second(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns, bool utc)
{
	int64_t wall = (int64_t)(event_ns + (uint64_t)clock->wall_offset_ns);
	bool before = wall % SECOND_NS < 0;
	time_t second = (time_t)(wall / SECOND_NS - before);
	uint64_t ns = (uint64_t)(wall % SECOND_NS + (before ? SECOND_NS : 0));
	struct tm tm;

	if (!clock->cached || clock->second != second) {
		if (!(utc ? gmtime_r(&second, &tm) : localtime_r(&second, &tm)))
			return ns;
		strftime(clock->text, sizeof(clock->text), utc ? "%Y-%m-%dT%H:%M:%S." : "%H:%M:%S.", &tm);
		clock->second = second;
		clock->cached = true;
	}
	buffer_string(buffer, clock->text);
	return ns;
}

void wall_clock_utc(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns)
{
	buffer_digits(buffer, put_second(buffer, clock, event_ns, true), 9);
	buffer_char(buffer, 'Z');
}

void wall_clock_local(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns)
{
	buffer_digits(buffer, put_second(buffer, clock, event_ns, false) / 1000000, 3);
}

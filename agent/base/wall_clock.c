/* SPDX-License-Identifier: Apache-2.0 */
#include "wall_clock.h"

#include <time.h>

#define SECOND_NS 1000000000

/* Splits into seconds and ns, also before 1970: both numbers may come from a hostile recording. */
static int64_t wall_second(const struct wall_clock *clock, uint64_t event_ns, uint64_t *ns)
{
	int64_t wall = (int64_t)(event_ns + (uint64_t)clock->wall_offset_ns);
	int64_t second = wall / SECOND_NS;
	int64_t rest = wall % SECOND_NS;

	if (rest < 0) {
		rest += SECOND_NS;
		second--;
	}
	*ns = (uint64_t)rest;
	return second;
}

static void put_second(struct buffer *buffer, struct wall_clock *clock, int64_t second, bool utc)
{
	time_t time = (time_t)second;
	struct tm tm;

	if (!clock->cached || clock->second != second) {
		if (!(utc ? gmtime_r(&time, &tm) : localtime_r(&time, &tm)))
			return;
		strftime(clock->text, sizeof(clock->text), utc ? "%Y-%m-%dT%H:%M:%S." : "%H:%M:%S.", &tm);
		clock->second = second;
		clock->cached = true;
	}
	buffer_string(buffer, clock->text);
}

void wall_clock_utc(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns)
{
	uint64_t ns;
	int64_t second = wall_second(clock, event_ns, &ns);

	put_second(buffer, clock, second, true);
	buffer_digits(buffer, ns, 9);
	buffer_char(buffer, 'Z');
}

void wall_clock_local(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns)
{
	uint64_t ns;
	int64_t second = wall_second(clock, event_ns, &ns);

	put_second(buffer, clock, second, false);
	buffer_digits(buffer, ns / 1000000, 3);
}

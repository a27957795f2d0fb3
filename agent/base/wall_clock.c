/* SPDX-License-Identifier: Apache-2.0 */
#include "wall_clock.h"

#include <time.h>

#define SECOND_NS 1000000000

/* The second of this wall time, with a dot behind, becomes the cached one. Also before 1970. */
static void cache_second(struct wall_clock *clock, int64_t wall, bool utc)
{
	int64_t ns = wall % SECOND_NS;
	time_t second = (time_t)(wall / SECOND_NS - (ns < 0));
	struct tm tm;

	clock->second_ns = (uint64_t)wall - (uint64_t)ns - (ns < 0 ? SECOND_NS : 0);
	clock->len = 0;
	if (utc ? gmtime_r(&second, &tm) : localtime_r(&second, &tm))
		clock->len = strftime(clock->text, sizeof(clock->text),
				      utc ? "%Y-%m-%dT%H:%M:%S." : "%H:%M:%S.", &tm);
}

/* Puts the second; the ns that are left. Both numbers may come from a hostile recording. */
static uint64_t put_second(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns, bool utc)
{
	int64_t wall = (int64_t)(event_ns + (uint64_t)clock->wall_offset_ns);

	if (!clock->len || wall < (int64_t)clock->second_ns || (uint64_t)wall - clock->second_ns >= SECOND_NS)
		cache_second(clock, wall, utc);
	buffer_put(buffer, clock->text, clock->len);
	return (uint64_t)wall - clock->second_ns;
}

void wall_clock_utc(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns)
{
	buffer_digits(buffer, put_second(buffer, clock, event_ns, true), 9);
	buffer_char(buffer, 'Z');
}

/* Lines come when they end, so one may tell of a time before the first. */
static void put_relative(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns)
{
	uint64_t ns;

	if (!clock->base_ns)
		clock->base_ns = event_ns;
	ns = event_ns >= clock->base_ns ? event_ns - clock->base_ns : clock->base_ns - event_ns;
	buffer_char(buffer, event_ns >= clock->base_ns ? '+' : '-');
	buffer_u64(buffer, ns / SECOND_NS);
	buffer_char(buffer, '.');
	buffer_digits(buffer, ns % SECOND_NS / 1000, 6);
}

void wall_clock_local(struct buffer *buffer, struct wall_clock *clock, uint64_t event_ns)
{
	if (clock->relative) {
		put_relative(buffer, clock, event_ns);
		return;
	}
	buffer_digits(buffer, put_second(buffer, clock, event_ns, false) / 1000000, 3);
}

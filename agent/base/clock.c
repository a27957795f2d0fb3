/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <time.h>

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

uint64_t clock_ns(void)
{
	return (uint64_t)clock_read(CLOCK_MONOTONIC);
}

int64_t clock_wall_offset_ns(void)
{
	return clock_read(CLOCK_REALTIME) - clock_read(CLOCK_MONOTONIC);
}

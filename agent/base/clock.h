/* SPDX-License-Identifier: Apache-2.0 */
/* The clock that the kernel stamps events with. */
#ifndef HARK_CLOCK_H
#define HARK_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC. */
uint64_t clock_ns(void);

/* CLOCK_REALTIME less CLOCK_MONOTONIC. */
int64_t clock_wall_offset_ns(void);

#endif

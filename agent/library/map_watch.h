/* SPDX-License-Identifier: Apache-2.0 */
/* New executable mappings of all processes, as the kernel reports them (PERF_RECORD_MMAP2, Linux 3.16). */
#ifndef HARK_MAP_WATCH_H
#define HARK_MAP_WATCH_H

#include "proc_maps.h"

#include <stdint.h>

struct map_watch_handler {
	void *ctx;
	/* A process mapped a file for execution. Borrowed for the call. */
	void (*mapped)(void *ctx, uint32_t pid, const struct mapping *mapping);
	/* Records were lost: everything must be looked through again. */
	void (*lost)(void *ctx);
};

struct map_watch;

/*
 * One perf event and ring a processor. NULL: errno (EACCES or EPERM: neither root nor CAP_PERFMON).
 * Processors that come online later are not watched.
 */
struct map_watch *map_watch_new(const struct map_watch_handler *handler);
/* NULL is legal. */
void map_watch_free(struct map_watch *watch);

/* An epoll set that polls readable when there are records; lives as long as the watch. */
int map_watch_fd(const struct map_watch *watch);

/* Handles all records that are there; never blocks. */
void map_watch_read(struct map_watch *watch);

#endif

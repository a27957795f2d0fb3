/* SPDX-License-Identifier: Apache-2.0 */
/* The executable file mappings of a process, and the files behind them. */
#ifndef HARK_PROC_MAPS_H
#define HARK_PROC_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct mapping {
	uint64_t start, end;
	dev_t device; /* as /proc/PID/maps gives it, and the number in it: not an identity */
	uint64_t inode;
	const char *path; /* as the process names it; borrowed for the call */
};

/* A false return ends the walk. */
typedef bool mapping_fn(void *ctx, uint32_t pid, const struct mapping *mapping);

/*
 * Calls fn for each executable mapping of a file, in order of
 * address. 0, -ESRCH (no such process) or -errno.
 */
int proc_maps_each(uint32_t pid, mapping_fn *fn, void *ctx);

/* Calls fn for each process that is visible here. 0 or -errno. */
int proc_each(bool (*fn)(void *ctx, uint32_t pid), void *ctx);

/*
 * Opens the file behind a mapping for reading, whatever the process's root and even if it was deleted;
 * regular files only. Where /proc/PID/map_files is refused, the path below the process's root is taken if its
 * inode agrees. A descriptor with *st filled, or -errno.
 */
int proc_mapping_open(uint32_t pid, const struct mapping *mapping, struct stat *st);

/*
 * fstat() of that file without opening it. 0 or -errno. Where hark's own root has the very file under this
 * path, which is so on most file systems, as its numbers say, that answers in a fifth of the time.
 */
int proc_mapping_stat(uint32_t pid, const struct mapping *mapping, struct stat *st);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs and what it maps. Two ways to a TLS library: the loader's cache
 * (before anybody maps it), and what processes map: at the start by a walk
 * through /proc, later by the kernel's PERF_RECORD_MMAP2 records, which come
 * once for each executable mapping and cost other system calls nothing.
 *
 * A file is identified by the device and inode that fstat() gives for
 * /proc/PID/map_files/RANGE (the numbers in /proc/PID/maps differ on btrfs and
 * overlayfs), never by its path.
 */
#ifndef HARK_PROCESSES_H
#define HARK_PROCESSES_H

#include "event.h"
#include "file_identity.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct library_row;

/*
 * A file that is, or holds, the library of this row: fd is open for reading and borrowed for the call; attach
 * by
 * "/proc/self/fd/N". path is as the process (pid) or the loader's cache (pid 0) names it, for people. Called
 * once for each {device, inode}, until that is forgotten.
 */
typedef void library_fn(void *ctx, const struct library_row *row, int fd, const char *path, uint32_t pid);

/* What library_fn was given this for has no user any more: whatever hangs on it can go. */
typedef void library_forget_fn(void *ctx, const struct file_identity *identity);

struct processes;

/* NULL: out of memory. fn is called from the functions below only. */
struct processes *processes_new(library_fn *fn, void *ctx);
/* NULL is legal. */
void processes_free(struct processes *processes);

/* fn is called, with ctx of processes_new(), for each new executable mapping that the watch sees. */
void processes_tell_mappings(struct processes *processes,
			     void (*fn)(void *ctx, uint32_t pid, const char *path));

/* Looks through the loader's cache (ldconfig -p) and every process's mappings. 0 or -errno. */
int processes_scan(struct processes *processes);

/* Looks through one process's executable mappings now. 0, -ESRCH or -errno. */
int processes_scan_pid(struct processes *processes, uint32_t pid);

/*
 * Starts watching new executable mappings (one perf ring a processor). Returns a descriptor that polls
 * readable (an epoll set), or -errno: the caller then says what is lost (programs that start later
 * are only found if their library was).
 */
int processes_watch(struct processes *processes);

/* Handles what the watch has; never blocks. */
void processes_watch_read(struct processes *processes);

/*
 * Now and then, as long as the watch is there: forgets libraries without a user, which are then reported anew
 * if they should be used again, and tells fn, with the context of processes_new().
 */
void processes_sweep(struct processes *processes, uint64_t now_ns, library_forget_fn *fn);

/*
 * Facts of a running process for an event: base name of its executable, parent, uid. 0, or -ESRCH
 * (fields that could not be read are empty or 0).
 */
int processes_facts(uint32_t pid, struct event_process *out);

#endif

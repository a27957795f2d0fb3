/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that -p names: they must be there at the start, and when one ends the user is told. */
#ifndef HARK_PID_WATCH_H
#define HARK_PID_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pid_watch;

/*
 * Checks and watches them. NULL: errno; reported (ESRCH: one is not there, EINVAL: one is a thread of a
 * process with another number).
 */
struct pid_watch *pid_watch_new(const uint32_t *pids, size_t count);
/* NULL is legal. */
void pid_watch_free(struct pid_watch *watch);

/* A descriptor that polls readable when one has ended; lives as long as the watch. */
int pid_watch_fd(const struct pid_watch *watch);

/*
 * Says a line for each that has children which are not watched: they are left out, which who names a server's
 * first process may not expect. How many those are altogether; children that were said before are not said
 * again.
 */
size_t pid_watch_tell_children(struct pid_watch *watch);

/* Says a line for each that has ended since. True when none is left. Never blocks. */
bool pid_watch_read(struct pid_watch *watch);

#endif

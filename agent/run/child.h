/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command after `--`: started behind a gate, so that it runs its first
 * instruction only when hark is ready, and waited for.
 */
#ifndef HARK_CHILD_H
#define HARK_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct run_as;

struct child {
	pid_t pid; /* 0: none */
	int gate;  /* a byte lets the command start; closed without one it never does. -1: open */
	bool ended;
	int exit_status; /* 128 + n for a signal */
};

/* Forks; the child becomes who runs the command and waits. 0 or -errno (reported). */
int child_fork(struct child *child, char **argv, const struct run_as *who);

/* Where the command is that the name would run, as execvp(3) looks for it, in out; false: it was not found.
 */
bool child_find(const char *name, char *out, size_t size);

/* Lets it run. */
void child_release(struct child *child);

/* Ends it if it was not let run; it then never does. */
void child_cancel(struct child *child);

/* Did it end? Never blocks; fills ended and exit_status. */
bool child_ended(struct child *child);

/* Passes a signal on (SIGTERM to hark ends its command too). */
void child_signal(const struct child *child, int signal);

#endif

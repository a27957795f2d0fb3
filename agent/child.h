/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command after `--`: started behind a gate, so that it runs its first
 * instruction only when hark is ready, and waited for.
 */
#ifndef HARK_CHILD_H
#define HARK_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid; /* 0: none */
	int gate;  /* closing it lets the command start */
	bool ended;
	int exit_status; /* 128 + n for a signal */
};

/* Forks; the child waits. 0 or -errno (reported). */
int child_fork(struct child *child, char **argv);

/* Lets it run. */
void child_release(struct child *child);

/* Did it end? Never blocks; fills ended and exit_status. */
bool child_ended(struct child *child);

/* Passes a signal on (SIGTERM to hark ends its command too). */
void child_signal(const struct child *child, int signal);

#endif

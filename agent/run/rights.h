/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hark starts with the rights of root, and then reads for hours what anybody on
 * the network sent. What it needed to start it gives away before it reads the
 * first byte, for good; docs/security.md has the lists and the reasons.
 */
#ifndef HARK_RIGHTS_H
#define HARK_RIGHTS_H

#include <stdbool.h>
#include <sys/types.h>

struct rights_config {
	bool capture;  /* probes are attached, and new libraries get theirs */
	bool perf;     /* by perf events: before Linux 6.13 */
	bool listen;   /* connections are accepted on what listens already */
	bool in_place; /* an SQLite file is written */
	pid_t child;   /* signals are passed on to it; 0: none */
};

/*
 * From now on: capabilities that are used, no new privileges, and only the system calls that are used. All
 * files that are written to must be open, and the command must run, for it shall inherit nothing of this.
 * What the kernel cannot do is said in one line, and the rest holds.
 */
void rights_drop(const struct rights_config *config);

#endif

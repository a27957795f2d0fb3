/* SPDX-License-Identifier: Apache-2.0 */
/* Loads programs on uprobes beside all others: half the time of a start is the kernel's, which verifies them.
 */
#ifndef HARK_PROBES_PARALLEL_H
#define HARK_PROBES_PARALLEL_H

struct probes_parallel;

/*
 * Before an object is opened: the programs of its section "uprobe" are loaded by threads, from when libbpf
 * comes to them. One object at a time. NULL: errno; nothing has changed then.
 */
struct probes_parallel *probes_parallel_new(void);

/*
 * After that object is loaded, before its programs are used: waits for the threads. 0, or -errno of a program
 * that was not loaded, of which nothing was said.
 */
int probes_parallel_finish(struct probes_parallel *parallel);

/* Waits as well; before the object is freed. NULL is legal. */
void probes_parallel_free(struct probes_parallel *parallel);

#endif

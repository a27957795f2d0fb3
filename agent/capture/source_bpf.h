/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's events as one sequence that a recording can hold: before the
 * first record of a process comes what is known of it, after each poll of the
 * ring the time, at the end the kernel's counters. Whoever reads the sequence
 * needs neither /proc nor a clock.
 *
 * The ring is polled while records come. When none came for some polls, the kernel side is told to wake the
 * reader with the first one, and the clock goes on once a second, or when somebody waits for it.
 */
#ifndef HARK_SOURCE_BPF_H
#define HARK_SOURCE_BPF_H

#include "model/event_check.h"
#include "probes.h"

#include <stdint.h>

struct container_state;
struct source_bpf;

/* When the clock is waited for though no records come, in its time; UINT64_MAX: never. */
typedef uint64_t source_due_fn(void *ctx);

/* probes and containers are borrowed; every event goes to fn. NULL: out of memory. */
struct source_bpf *source_bpf_new(struct probes *probes, struct container_state *containers, event_fn *fn,
				  source_due_fn *due, void *ctx);
/* NULL is legal. */
void source_bpf_free(struct source_bpf *source);

/* The connections that are there now (probes_existing()); once, before the first poll. 0 or below. */
int source_bpf_existing(struct source_bpf *source);

/*
 * Tells of a process that runs, by what /proc says now: when its first record is read it may be gone. 0, also
 * when there is no such process, or below.
 */
int source_bpf_introduce(struct source_bpf *source, uint32_t pid);

/*
 * Takes what the ring holds, then EVENT_POLL when there was something or time must go on. 0: the ring is
 * empty, 1: there may be more, or what fn returned below 0.
 */
int source_bpf_poll(struct source_bpf *source);

/* When to poll next, unless the ring wakes its reader before; of clock_ns(). */
uint64_t source_bpf_next_ns(const struct source_bpf *source);

/* The last of it: polls, then EVENT_COUNTERS. */
int source_bpf_end(struct source_bpf *source);

/* EVENT_COUNTERS now (SIGUSR1). */
int source_bpf_counters(struct source_bpf *source);

#endif

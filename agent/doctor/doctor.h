/* SPDX-License-Identifier: Apache-2.0 */
/* `hark doctor`: what works on this machine, what does not, and why. */
#ifndef HARK_DOCTOR_H
#define HARK_DOCTOR_H

#include "capture/probes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct library_claim;

struct doctor_config {
	struct probes_config capture; /* as a live run would use it; its pids are not looked at */
	size_t memory_bytes;
	size_t connection_limit, exchange_limit;
	uint64_t timeout_ns, pending_ns;
	const uint32_t *pids; /* borrowed; only these are looked at. 0 of them: the whole machine */
	size_t pid_count;
	const struct library_claim *claims; /* of TLS libraries; borrowed, checked */
	size_t claim_count;
	size_t columns; /* of the terminal that `out` is; 0: none */
	bool color;
	bool detail;
	bool pids_only;	     /* nothing of the machine is tried: it cannot be (any more) */
	bool calls_filtered; /* a run filters its own system calls */
};

/*
 * Tries what capturing needs and prints what it finds to `out`; with config->pids about these processes
 * alone. 0: capturing is possible. 1: it is not, or one of the processes is not there.
 */
int doctor_run(FILE *out, const struct doctor_config *config);

#endif

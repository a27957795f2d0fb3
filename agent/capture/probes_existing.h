/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a task_file iterator (bpf/sockets_iter.bpf.c) to its end. */
#ifndef HARK_PROBES_EXISTING_H
#define HARK_PROBES_EXISTING_H

#include "model/event_check.h"

struct bpf_program;

/*
 * Runs the loaded iterator program once and hands its records to fn. 0, or what fn returned below 0; what the
 * kernel refuses is reported in one line and is no error.
 */
int probes_existing_read(const struct bpf_program *program, event_fn *fn, void *ctx);

#endif

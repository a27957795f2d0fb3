/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that moved bytes: of a message, a call or a frame the first ones, of a connection the last. */
#ifndef HARK_MOVER_H
#define HARK_MOVER_H

#include "event.h"
#include "slice.h"

#include <stdint.h>

struct container;

struct mover {
	uint32_t pid, tid, uid;
	int32_t fd; /* -1: not known */
	char comm[EVENT_COMM_LEN];
	char exe[EVENT_NAME_LEN];	   /* base name of the executable; empty: not known */
	const struct container *container; /* the tracker's, until it ends; NULL: none, or not known */
	uint64_t done_ns; /* when the bytes had left, if their time is that of the call's beginning; else 0 */
};

/* The process number for people; 0: not known, or it has none in hark's pid namespace. */
static inline uint32_t mover_pid_shown(uint32_t pid)
{
	return pid & EVENT_PID_ELSEWHERE ? 0 : pid;
}

/* The executable's base name, else the thread's name; data NULL: neither is known. */
struct slice mover_program(const struct mover *mover);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One process as `hark doctor` sees it: which TLS it has, and what may keep hark from seeing it. */
#ifndef HARK_DOCTOR_LOOK_H
#define HARK_DOCTOR_LOOK_H

#include "doctor_ports.h"
#include "event.h"

#include <stdbool.h>
#include <stdint.h>

struct doctor_files;

struct doctor_look {
	uint32_t pid;
	struct event_process facts;
	uint64_t libraries; /* a bit for each of doctor_files that it maps */
	uint64_t unknown;   /* the same, of those whose form is not known: their rows are in `others` */
	uint32_t others;    /* rows of libraries.h that are not followed */
	int executable;	    /* the number in doctor_files of the one that its executable is; -1: none */
	struct doctor_ports ports;
	bool is_32bit;	    /* its transfers are sizes only */
	bool is_static;	    /* no loader is mapped */
	bool has_files;	    /* anything is mapped at all: it is no kernel thread */
	unsigned int rings; /* io_uring descriptors */
	bool other_mounts, other_network;
	char container[80]; /* the last part of its cgroup's path when that is not the root; observed text */
};

/* Fills all. 0, -ESRCH or -errno (-EACCES: not ours to look at). */
int doctor_look(struct doctor_look *look, const struct doctor_files *files, uint32_t pid);

#endif

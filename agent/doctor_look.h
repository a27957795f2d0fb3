/* SPDX-License-Identifier: Apache-2.0 */
/* One process as `hark doctor` sees it: which TLS it has, and what may keep hark from seeing it. */
#ifndef HARK_DOCTOR_LOOK_H
#define HARK_DOCTOR_LOOK_H

#include "event.h"

#include <stdbool.h>
#include <stdint.h>

struct doctor_files;

/* TLS that hark does not follow. Static strings; NULL past the end. */
#define DOCTOR_OTHERS_MAX 16
const char *doctor_other_name(unsigned int index);

struct doctor_look {
	uint32_t pid;
	struct event_process facts;
	uint64_t libraries; /* a bit for each of doctor_files that it maps */
	uint32_t others;    /* a bit for each kind of TLS that is not followed */
	bool is_32bit;	    /* its transfers are sizes only */
	bool is_static;	    /* no loader is mapped */
	bool has_files;	    /* anything is mapped at all: it is no kernel thread */
	unsigned int rings; /* io_uring descriptors */
	bool other_mounts, other_network;
	char container[80]; /* the last part of its cgroup's path when that is not the root; observed text */
};

/* The TLS libraries of a process, by the files that it maps. */
struct tls_kinds {
	uint32_t others; /* see struct doctor_look */
	bool openssl;
};

/* Adds what a file of this base name says. */
void tls_kinds_of_name(struct tls_kinds *kinds, const char *base);
/* Why this TLS is not read: the library. Static; NULL: none that hark knows. */
const char *tls_kinds_why(const struct tls_kinds *kinds);
/* The same of a process that runs. */
const char *tls_unread_why(uint32_t pid);

/* Fills all. 0, -ESRCH or -errno (-EACCES: not ours to look at). */
int doctor_look(struct doctor_look *look, const struct doctor_files *files, uint32_t pid);

#endif

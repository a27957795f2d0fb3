/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the probes*.c files, for one another: no other file includes this. */
#ifndef HARK_PROBES_PRIVATE_H
#define HARK_PROBES_PRIVATE_H

#include "probes.h"

struct bpf_link;
struct closer;
struct hark_bpf;
struct probed_file;
struct ring_buffer;

#define TRACEPOINTS_MAX 16 /* programs on tracepoints, in all of bpf/ */

/* How an entry program learns which function it is at. */
enum entry_way {
	ENTRY_SESSION, /* one program for entries and returns, by cookie (Linux 6.13) */
	ENTRY_COOKIE,  /* one program for all entries (5.15) */
	ENTRY_SLOT,    /* a program for each function */
};

struct probes {
	struct hark_bpf *skeleton;
	struct ring_buffer *ring;
	enum capture_way capture;
	struct probes_features features; /* what is not used in the end is not there */
	struct bpf_link *links[TRACEPOINTS_MAX];
	size_t link_count;
	int cpu_count;
	uint32_t only_pid; /* the only process that is followed, to the end; 0: there may be others */
	event_fn *fn;	   /* of the probes_consume() under way */
	void *fn_ctx;
	int fn_result;
	unsigned int budget; /* records until the loop gets its turn */

	bool secrets;	     /* are wanted, and the kernel has cookies for their programs */
	bool secrets_sleep;  /* those programs may */
	bool counts_tcp;     /* the kernel does TLS for somebody, whose plaintext is counted */
	bool skips_sessions; /* a session was skipped: the map of skips may hold more than sockets */

	/* probes_tls.c */
	enum entry_way way;
	struct probed_file *files; /* the newest first */
	struct seeker *seekers;	   /* of probes_seek_sockets() */
	struct closer *closer;	   /* of files that nobody uses any more */
};

/* Before each load: which of the TLS programs this kernel takes. 0 or -errno. */
int probes_tls_prepare(struct probes *probes);
/* Takes the probes off all files. */
void probes_tls_fini(struct probes *probes);

#endif

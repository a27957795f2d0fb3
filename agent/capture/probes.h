/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side as the agent sees it: load, attach, read the ring, and pass
 * marks down. Nothing else knows libbpf.
 */
#ifndef HARK_PROBES_H
#define HARK_PROBES_H

#include "event.h"
#include "model/mark.h"
#include "model/event_check.h"
#include "model/tls_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum capture_way {
	CAPTURE_AUTO,
	CAPTURE_SOCKET,	 /* socket tracepoints, Linux 6.3 */
	CAPTURE_SYSCALL, /* syscall exit */
};

struct probes_config {
	enum capture_way capture;
	size_t ring_bytes; /* a power of two and a multiple of the page size */
	size_t snaplen_bytes;
	const uint32_t *pids; /* follow only these and, with follow_children, what they start */
	size_t pid_count;
	const uint16_t *ports; /* only sockets with one of these at either end; 0 of them: all */
	size_t port_count;
	uint32_t pid_namespace; /* of pid_namespace_find() */
	bool ignore_pids;	/* probes_ignore_pid() will be called */
	bool filter_pids;	/* follow only pids, even if there are none yet (probes_add_pid) */
	bool follow_children;
	const pid_t *own; /* processes of hark's besides itself, which are never observed */
	size_t own_count;
	bool secrets; /* of TLS sessions are wanted too: EVENT_TLS_SECRET */
};

struct file_identity;
struct library_found;
struct probes;

/*
 * Loads and attaches the kernel side (not yet any TLS library). NULL: the reason and the remedy were reported
 * on stderr.
 */
struct probes *probes_open(const struct probes_config *config);
/* Does the kernel's lockdown refuse that BPF reads memory? Its errno does not say so. */
bool probes_locked_down(void);
/* Detaches everything; NULL is legal. */
void probes_close(struct probes *probes);

/* The way in use: CAPTURE_SOCKET or CAPTURE_SYSCALL. */
enum capture_way probes_capture(const struct probes *probes);

/* The features of the running kernel that capturing uses. */
struct probes_features {
	bool built;		      /* this hark has its kernel side; all else is false without it */
	bool btf;		      /* the kernel's type information; all below is false without it */
	bool socket_tracepoints;      /* Linux 6.3 */
	bool session, session_named;  /* uprobe sessions (6.13): they work; the kernel knows them */
	bool ring_buffer;	      /* 5.8 */
	bool loop;		      /* bpf_loop, 5.17 */
	bool file_iterator;	      /* task_file, 5.8 */
	bool hold_processor;	      /* a program can forbid that it is preempted, as ours need it (6.15) */
	bool tracepoints_preemptible; /* 7.0 */
};

/* Fills all, from the kernel's own type information and by trying. Needs no privilege. */
void probes_features(struct probes_features *features);

/* Does the running kernel have uprobe sessions (Linux 6.13)? Tries it. */
bool probes_session_supported(void);

/*
 * Attaches to a TLS library. trial: what its calls carry in the place of the row's number (trials.h;
 * Linux 5.15); 0: that number. fd is borrowed. Returns how many sites, 0 when the file has none, or -errno
 * (reported once).
 */
int probes_add_file(struct probes *probes, const struct library_found *found, uint8_t trial, int fd,
		    const char *path);
/* Takes the probes off a file that nobody uses any more; one that is not probed is no failure. */
void probes_remove_file(struct probes *probes, const struct file_identity *identity);
/* The libraries of the start are probed, all of them: TLS calls count from now on. */
void probes_tls_listen(struct probes *probes);
/* How many files are probed. */
size_t probes_count_files(const struct probes *probes);
/*
 * From now on, or no longer: sockets of this process are looked for by the ciphertext that its TLS sessions
 * make (docs/design.md, D4c). Costs every program that maps the same library a probe each record meanwhile.
 */
void probes_seek_sockets(struct probes *probes, uint32_t pid, bool wanted);
/* Takes the return probes off every file that this process maps: it switches stacks (docs/design.md, D4). */
void probes_protect(struct probes *probes, uint32_t pid);

/* Adds a process to the filter. 0 or -errno. */
int probes_add_pid(struct probes *probes, uint32_t pid);
/*
 * With ignore_pids: nothing of this process is told but its exec and its exit, for as of this time (of
 * clock_ns(), before it was looked at) nobody wants it. An exec ends that, also one since then.
 */
void probes_ignore_pid(struct probes *probes, uint32_t pid, uint64_t as_of_ns);
/* Ends that: the process is told of again. */
void probes_heed_pid(struct probes *probes, uint32_t pid);
/* How many entries a map of the kernel side holds; 0 when there is none of this name. For doctor. */
size_t probes_map_entries(const struct probes *probes, const char *name);
/* How many processes of the filter have not ended, but for these. */
size_t probes_count_pids(const struct probes *probes, const uint32_t *but, size_t but_count);

/*
 * Hands each connection that is there now, idle ones too, to fn as EVENT_SOCKET_SEEN, one for each
 * {process, descriptor}. 0, or what fn returned below 0; a kernel that cannot tell costs a line.
 */
int probes_existing(struct probes *probes, event_fn *fn, void *ctx);

/* Becomes readable when the ring is past its wake level, and with the first record that a sleeper is due. */
int probes_ring_fd(const struct probes *probes);
/*
 * The reader is about to wait without a timer, from the poll after the next on: the first record from now on
 * wakes it. Or it is awake.
 */
void probes_sleep(struct probes *probes, bool sleeps);
/* Does it hold records that probes_consume() has not handed on (one before them is still being written)? */
bool probes_has_records(const struct probes *probes);
/*
 * Hands the records that are there to fn (event_valid() was checked). 0: all of them; 1: there may be more,
 * let others have their turn; or what fn returned below 0.
 */
int probes_consume(struct probes *probes, event_fn *fn, void *ctx);

void probes_mark(struct probes *probes, uint64_t socket_id, enum mark mark);
/* False: there is no room. */
bool probes_skip(struct probes *probes, uint64_t socket_id, const struct tls_key *session,
		 enum event_direction direction, uint64_t until, uint64_t count);
/* counted: the socket has no sequence numbers, or nobody knows. */
void probes_forget(struct probes *probes, uint64_t socket_id, bool counted);
void probes_forget_session(struct probes *probes, const struct tls_key *session);

/* The kernel's counters now. 0 or -errno. */
int probes_counters(struct probes *probes, struct event_counters *out);

#endif

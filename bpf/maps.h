/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maps and settings that the kernel side's files share. maps.bpf.c defines
 * them; the others, which are linked with it, see them through this header.
 *
 * Hash maps are preallocated: before Linux 6.1 allocating in a tracing program
 * is unsafe, and the kernel says so with a stack trace in its log.
 */
#ifndef HARK_BPF_MAPS_H
#define HARK_BPF_MAPS_H

#include "kernel.h"
#include "event.h"
#include "maps_abi.h"
#include <bpf/bpf_helpers.h>

#ifdef HARK_DEFINE_MAPS
#define MAP_SCOPE
#else
#define MAP_SCOPE extern
#endif

/* Settings, written once before the load. */
extern const volatile struct kernel_settings settings;

/* The ports of settings.filter_ports, written once before the load. */
extern const volatile __u64 ports[PORT_WORDS];

/*
 * Set by user space when the probes of the libraries found at the start are all there. Attaching takes
 * milliseconds a probe: reads would be seen that long before writes, requests without their responses.
 */
extern bool tls_listens;

/* Set by user space when the first Go program is probed. */
extern bool go_listens;

/* Set by user space while a file's tls_ciphertext is probed. */
extern bool ciphertext_listens;

/* By struct tls_function's `layout`; user space adds one before the first probe that names it. */
extern struct tls_layout tls_layouts[TLS_LAYOUTS];

/* Records that found no room, of all processors: every record says how many there were before it. */
extern __u32 records_lost;

/* When a record of some KiB woke the reader last. */
extern __u64 bulk_woken_ns;

/*
 * Set by user space before it waits for a record without a timer, at least a poll before it looks at the ring
 * for the last time: what found it unset is there by then, on any processor. The first record clears it.
 */
extern bool reader_sleeps;

/* Threads that have an entry in tls_calls, and of how many it stays when they are in no call. */
extern __u32 tls_threads;
#define TLS_THREADS_KEPT 16384

/* How deep settings.pid_namespace lies; namespace_find sets it, before anything is attached. */
extern __u32 pid_level;

/* Records for user space; the size is set before the load (--ring). */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} events SEC(".maps");

#define MAP(name, kind, entries, key_type, value_type) \
	MAP_SCOPE struct {                             \
		__uint(type, BPF_MAP_TYPE_##kind);     \
		__uint(max_entries, entries);          \
		__type(key, key_type);                 \
		__type(value, value_type);             \
	} name SEC(".maps")

/* One array of counters a processor; user space sums. */
MAP(kernel_counters, PERCPU_ARRAY, 1, __u32, struct kernel_counters);

/*
 * Processes to follow, when settings.filter_pids, and to ignore, when settings.ignore_pids. User space and
 * fork add, exit removes.
 */
MAP(pids, HASH, 65536, __u32, __u64);

/*
 * When a process last began to be another program (or at all), with settings.ignore_pids: what user space
 * said of it as of an earlier time is void. Of its own, for what the kernel writes into an entry user space's
 * next update would overwrite.
 */
MAP(began, LRU_HASH, 16384, __u32, __u64);

/* The place that the processor's current program tells of, and room for a name behind a full path. */
struct place {
	struct event_cgroup event;
	char more[EVENT_CGROUP_LEN];
};
MAP(places, PERCPU_ARRAY, 1, __u32, struct place);

/*
 * Marks that user space set on sockets (enum kernel_mark). Only user space writes; the kernel side removes
 * those of a socket that connects again.
 */
MAP(marks, HASH, 65536, __u64, __u32);

/* Positions before which nobody wants the bytes. */
MAP(skips, HASH, 16384, struct skip_key, struct skip);

/* Byte counts of sockets that have no sequence numbers (Unix, MPTCP). */
MAP(counts, HASH, 16384, struct count_key, __u64);

/* What the kernel side knows of a socket with KM_PLACED. */
struct placed {
	/* How far it was read, of which not each transfer leaves a record. */
	__u32 number; /* TCP's, of the next byte */
	__u32 known;
	/* By direction: before which number nobody wants the bytes, and until when that leaves no record. */
	__u32 unwanted[2];
	__u64 untold_ns[2]; /* 0: nothing is known to be unwanted */
};

/* The kernel frees an entry with its socket. */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct placed);
} placed SEC(".maps");

/*
 * The TLS calls that a thread is in, by level: ssl is 0 where it is in none. What stands for the thread,
 * level 0, stays until it exits, unless there are too many.
 */
MAP(tls_calls, HASH, 32768, struct tls_call_key, struct tls_call);

/* The TLS calls that a goroutine is in, by go_key(). */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct go_calls);
} go_calls SEC(".maps");

/* rustls: the number that stands for a TLS object, by the address of a queue's memory. */
MAP(rust_objects, LRU_HASH, 16384, struct session_key, __u64);

/*
 * TLS objects: the socket under each, and how much plaintext it has moved. The kernel side alone makes and
 * removes: whoever did it later, by address, would hit the next session there. What its program left behind
 * when it ended is the least used, and makes room.
 */
MAP(sessions, LRU_HASH, 32768, struct session_key, struct kernel_session);

/*
 * Encrypted records of sessions whose socket is not known, on their way to it. What never gets there is the
 * least used, and makes room.
 */
MAP(ciphertexts, LRU_HASH, 4096, struct ciphertext_key, struct ciphertext_owner);

/* The calls of HTTP/3 libraries under way, by pid_tgid, and what each connection has shown to be sent. */
MAP(stream_calls, LRU_HASH, 1024, __u64, struct stream_call);
MAP(stream_offers, LRU_HASH, 2048, struct session_key, struct stream_offer);

/* The walk of the processor's current program, where the kernel has no bpf_loop (see capture_run). */
MAP(scratch, PERCPU_ARRAY, 1, __u32, struct capture_scratch);

/*
 * Where a thread (pid_tgid) is within one recvmmsg or sendmmsg: the socket way sees each message by itself.
 */
MAP(mmsg, LRU_HASH, 1024, __u64, struct mmsg_progress);

/* Of UDP sockets, how many of their datagrams were looked at. */
MAP(datagrams, LRU_HASH, 4096, __u64, struct datagram_looks);

/* The datagram that the processor's current program looks at. */
MAP(datagram_scratch, PERCPU_ARRAY, 1, __u32, struct datagram_found);

/* Sockets that user space was told it cannot read. */
MAP(unseen, LRU_HASH, 4096, struct unseen_key, __u8);

/*
 * While a program of ours is preempted the kernel does not run it for what comes next on that processor: it
 * skips the call (a recursion, it thinks) and only counts it. Uprobes are preemptible from Linux 6.0 on,
 * tracepoints from 7.0. From 6.15 a program as ours can keep its processor; what is missed before its first
 * instruction, or by an interrupt, user space reads from the kernel (programs.skipped).
 */
__hidden int processor_hold(void);
__hidden int processor_release(void);

#define UNPREEMPTED_IF(preemptible, call)    \
	({                                   \
		int result_;                 \
                                             \
		if (preemptible)             \
			processor_hold();    \
		result_ = (call);            \
		if (preemptible)             \
			processor_release(); \
		result_;                     \
	})
#define UNPREEMPTED(call)	     UNPREEMPTED_IF(true, call)
#define UNPREEMPTED_TRACEPOINT(call) UNPREEMPTED_IF(settings.hold_tracepoints, call)

static __always_inline struct kernel_counters *kernel_counters_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&kernel_counters, &zero);
}

/* So much was moved that nobody wants. */
static __always_inline void kernel_count_unwanted(__u64 n)
{
	struct kernel_counters *c = kernel_counters_here();

	if (!c)
		return;
	__sync_fetch_and_add(&c->value[KC_BYTES_MOVED], n);
	__sync_fetch_and_add(&c->value[KC_BYTES_SKIPPED], n);
}

static __always_inline void kernel_count(enum kernel_counter which, __u64 n)
{
	struct kernel_counters *c = kernel_counters_here();

	if (c)
		__sync_fetch_and_add(&c->value[which], n);
}

/* What hands over a record that needs no wake-up of its own. Asked between reserve and submit, where the
 * reader sees that a record is under way. */
static __always_inline __u64 wake_sleeper(void)
{
	if (!*(volatile bool *)&reader_sleeps)
		return BPF_RB_NO_WAKEUP;
	reader_sleeps = false;
	return BPF_RB_FORCE_WAKEUP;
}

/* A record found no room in the ring. */
static __always_inline void kernel_count_lost(void)
{
	__sync_fetch_and_add(&records_lost, 1);
	kernel_count(KC_EVENTS_LOST, 1);
}

#endif

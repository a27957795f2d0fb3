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

/* Records that found no room, of all processors: every record says how many there were before it. */
extern __u32 records_lost;

/* How deep settings.pid_namespace lies; namespace_find sets it, before anything is attached. */
extern __u32 pid_level;

/* Records for user space; the size is set before the load (--ring). */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} events SEC(".maps");

/* One array of counters a processor; user space sums. */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kernel_counters);
} kernel_counters SEC(".maps");

/*
 * Processes to follow, when settings.filter_pids, and to ignore, when settings.ignore_pids (enum
 * kernel_process). User space and fork add, exit removes.
 */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u8);
} pids SEC(".maps");

/* Marks that user space set on sockets (enum kernel_mark); only user space writes. */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u32);
} marks SEC(".maps");

/* Positions before which nobody wants the bytes; only user space writes. */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct skip_key);
	__type(value, __u64);
} skips SEC(".maps");

/* Byte counts of sockets that have no sequence numbers (Unix, MPTCP). */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct count_key);
	__type(value, __u64);
} counts SEC(".maps");

/* The TLS calls that a thread is in. */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, struct tls_call_key);
	__type(value, struct tls_call);
} tls_calls SEC(".maps");

/*
 * TLS objects: the socket under each, and how much plaintext it has moved. The kernel side alone makes and
 * removes: whoever did it later, by address, would hit the next session there. What its program left behind
 * when it ended is the least used, and makes room.
 */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct session_key);
	__type(value, struct kernel_session);
} sessions SEC(".maps");

/* The walk of the processor's current program, where the kernel has no bpf_loop (see capture_run). */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_scratch);
} scratch SEC(".maps");

/* Where a thread is within one recvmmsg or sendmmsg (the socket way sees each message by itself). */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* pid_tgid */
	__type(value, struct mmsg_progress);
} mmsg SEC(".maps");

/* Sockets that user space was told it cannot read. */
MAP_SCOPE struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct unseen_key);
	__type(value, __u8);
} unseen SEC(".maps");

/*
 * While a program of ours is preempted the kernel does not run it for what comes next on that processor: it
 * skips the call (a recursion, it thinks) and only counts it. Tracepoints are preemptible from Linux 7.0 on,
 * uprobes from 6.0. From 6.15 a program as ours can keep its processor; what is missed before its first
 * instruction, or by an interrupt, user space reads from the kernel (programs.skipped).
 */
__hidden int processor_hold(void);
__hidden int processor_release(void);

#define UNPREEMPTED(call)            \
	({                           \
		int result_;         \
                                     \
		processor_hold();    \
		result_ = (call);    \
		processor_release(); \
		result_;             \
	})

static __always_inline void kernel_count(enum kernel_counter which, __u64 n)
{
	__u32 zero = 0;
	struct kernel_counters *c = bpf_map_lookup_elem(&kernel_counters, &zero);

	if (c)
		__sync_fetch_and_add(&c->value[which], n);
}

/* A record found no room in the ring. */
static __always_inline void kernel_count_lost(void)
{
	__sync_fetch_and_add(&records_lost, 1);
	kernel_count(KC_EVENTS_LOST, 1);
}

#endif

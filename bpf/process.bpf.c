// SPDX-License-Identifier: GPL-2.0
/*
 * The lives of processes and of TCP connections: exec, fork, exit, and the
 * socket's state changes.
 */
#include "addresses.h"
#include "capture.h"
#include <bpf/bpf_tracing.h>

#define CGROUP_LEVELS 10

static __always_inline void process_submit(__u16 type, const unsigned char *name, __u32 parent, __u32 status)
{
	struct event_process *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		kernel_count_lost();
		return;
	}
	header_fill(&e->h, type, 0);
	e->h.size = sizeof(*e);
	e->parent = parent;
	e->status = status;
	__builtin_memset(e->name, 0, sizeof(e->name));
	if (name)
		bpf_probe_read_kernel_str(e->name, sizeof(e->name), name);
	/* Where a new process belongs stands in /proc, as long as it lives: some last only milliseconds. */
	bpf_ringbuf_submit(e, type == EVENT_EXEC ? BPF_RB_FORCE_WAKEUP : wake_sleeper());
	kernel_count(KC_EVENTS_SUBMITTED, 1);
}

/* Run once by hark itself: its own namespace is the innermost in which it has a number. */
SEC("raw_tp/sched_process_exec")
int namespace_find(void *ctx __attribute__((unused)))
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	pid_level = BPF_CORE_READ(task, thread_pid, level);
	return 0;
}

/* The reason to ignore it may be over: a container's first process moves into its cgroup, then executes. */
static __always_inline void process_begins(__u32 number)
{
	__u64 now_ns = bpf_ktime_get_ns();

	bpf_map_update_elem(&began, &number, &now_ns, BPF_ANY);
}

/* Writes the names of cgroups, the last one first, as a path. False: there is not room for all. */
static __always_inline bool place_write(char *path, struct cgroup *const *cgroups)
{
	__u64 len = 0;

#pragma unroll
	for (int i = CGROUP_LEVELS - 1; i >= 0; i--) {
		long written;

		if (!cgroups[i])
			continue;
		/* What is compared is what is added: Linux 5.10 forgets it of a copy. */
		asm volatile("" : "+r"(len));
		if (len > EVENT_CGROUP_LEN - 2)
			return false;
		path[len++] = '/';
		written = bpf_probe_read_kernel_str(path + len, EVENT_CGROUP_LEN,
						    BPF_CORE_READ(cgroups[i], kn, name));
		if (written < 1 || written > EVENT_CGROUP_LEN)
			return false;
		len += written - 1;
	}
	return len && len < EVENT_CGROUP_LEN;
}

/*
 * Where a process is in the unified hierarchy: it may be gone before user space looks into /proc. One that is
 * at the root, or below more levels, user space looks up alone.
 */
static __always_inline void place_submit(struct task_struct *task)
{
	struct cgroup *cgroups[CGROUP_LEVELS] = {}, *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);
	__u32 zero = 0;
	struct place *place = bpf_map_lookup_elem(&places, &zero);

	if (!place)
		return;
#pragma unroll
	for (int i = 0; i < CGROUP_LEVELS; i++) {
		if (!parent)
			break;
		cgroups[i] = cgroup;
		cgroup = BPF_CORE_READ(parent, cgroup);
		parent = BPF_CORE_READ(cgroup, self.parent);
	}
	if (parent || !place_write(place->event.path, cgroups))
		return;
	header_fill(&place->event.h, EVENT_CGROUP, 0);
	place->event.h.size = sizeof(place->event);
	if (bpf_ringbuf_output(&events, &place->event, sizeof(place->event), wake_sleeper()) < 0)
		kernel_count_lost();
	else
		kernel_count(KC_EVENTS_SUBMITTED, 1);
}

static __always_inline int process_exec_run(struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 number = process_number(task);

	if (settings.ignore_pids)
		process_begins(number);
	if (!process_wanted(number))
		return 0;
	process_submit(EVENT_EXEC, BPF_CORE_READ(bprm, file, f_path.dentry, d_name.name),
		       process_number(BPF_CORE_READ(task, real_parent)), 0);
	place_submit(task);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return UNPREEMPTED_TRACEPOINT(process_exec_run(task, old_pid, bprm));
}

static __always_inline void process_follow(__u32 parent, __u32 child)
{
	__u64 one = KP_FOLLOWED;

	if (!bpf_map_lookup_elem(&pids, &parent))
		return;
	if (bpf_map_update_elem(&pids, &child, &one, BPF_ANY) < 0)
		kernel_count(KC_MAP_FULL, 1);
}

/* A child that serves one connection and ends without an exec is gone before anybody looks into /proc. */
static __always_inline void fork_submit(struct task_struct *child, __u32 parent, __u32 number)
{
	const unsigned char *name = BPF_CORE_READ(child, mm, exe_file, f_path.dentry, d_name.name);
	struct event_process *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		kernel_count_lost();
		return;
	}
	header_fill(&e->h, EVENT_FORK, 0);
	e->h.size = sizeof(*e);
	e->h.pid = e->h.tid = number;
	e->parent = parent;
	e->status = 0;
	__builtin_memset(e->name, 0, sizeof(e->name));
	if (name)
		bpf_probe_read_kernel_str(e->name, sizeof(e->name), name);
	bpf_ringbuf_submit(e, wake_sleeper());
	kernel_count(KC_EVENTS_SUBMITTED, 1);
}

static __always_inline int process_fork_run(struct task_struct *parent, struct task_struct *child)
{
	__u32 from, to;

	if (parent->tgid == child->tgid)
		return 0;
	from = process_number(parent);
	to = process_number(child);
	if (settings.ignore_pids)
		process_begins(to); /* its number may have been another's */
	if (settings.follow_children)
		process_follow(from, to);
	if (process_wanted(to))
		fork_submit(child, from, to);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	return UNPREEMPTED_TRACEPOINT(process_fork_run(parent, child));
}

static __always_inline int process_exit_run(struct task_struct *task)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u32 number;

	/* Written out: kernels before 6.13 take a counter whose address is given away for an endless loop. */
#pragma unroll
	for (__u64 level = 0; level < TLS_CALLS_MAX; level++) {
		struct tls_call_key call = { .thread = thread, .level = level };

		if (bpf_map_delete_elem(&tls_calls, &call) < 0)
			break;
		if (!level)
			__sync_fetch_and_add(&tls_threads, -1);
	}
	if (task->signal->live.counter != 0)
		return 0;
	number = process_number(task);
	/* Of one that is ignored user space knows as well. */
	if (settings.ignore_pids)
		process_begins(number);
	if (!process_wanted(number))
		return 0;
	process_submit(EVENT_EXIT, 0, 0, task->exit_code);
	if (settings.filter_pids || settings.ignore_pids)
		bpf_map_delete_elem(&pids, &number);
	if (settings.ignore_pids)
		bpf_map_delete_elem(&began, &number);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	return UNPREEMPTED_TRACEPOINT(process_exit_run(task));
}

/* Only what tells the life: connecting, open, closed here, closed by the peer, gone. */
static __always_inline bool state_tells(int old_state, int new_state)
{
	switch (new_state) {
	case TCP_SYN_SENT:
	case TCP_CLOSE:
	case TCP_CLOSE_WAIT:
		return old_state != TCP_LISTEN;
	case TCP_ESTABLISHED:
		return true;
	case TCP_FIN_WAIT1:
		return old_state == TCP_ESTABLISHED;
	}
	return false;
}

/* A FIN that was sent, or queued, took a number. */
static __always_inline bool fin_counted(int old_state)
{
	return old_state == TCP_FIN_WAIT1 || old_state == TCP_FIN_WAIT2 || old_state == TCP_CLOSING ||
	       old_state == TCP_LAST_ACK;
}

/*
 * How far both directions had got when the socket closes: records that were lost there are followed by none
 * that would show it. Counters that change meanwhile (see struct counter_pair) make the offset unknown.
 */
static __always_inline void ends_fill(struct event_state_end *e, struct sock *sk, int old_state)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	__u32 ended = BPF_CORE_READ(sk, __sk_common.skc_flags) >> SOCK_DONE & 1;
	__u64 acked = BPF_CORE_READ(tp, bytes_acked), received = BPF_CORE_READ(tp, bytes_received);
	__u32 sent = BPF_CORE_READ(tp, write_seq) - fin_counted(old_state);
	__u32 unacked = BPF_CORE_READ(tp, snd_una), due = BPF_CORE_READ(tp, rcv_nxt) - ended;
	__u32 copied = BPF_CORE_READ(tp, copied_seq);

	if (copied == due + 1)
		copied = due;
	e->state.h.flags |= EVENT_POS_SEQ32;
	e->state.h.size = sizeof(*e);
	/* A socket that its owner closes has let go of them. */
	e->state.unread = copied != due && BPF_CORE_READ(sk, sk_receive_queue.qlen) > 0;
	e->pos[DIRECTION_SENT] = sent;
	e->pos[DIRECTION_RECEIVED] = copied;
	if (acked < 0x7fffffff && acked == BPF_CORE_READ(tp, bytes_acked)) {
		e->offset[DIRECTION_SENT] = (__u32)(sent - (unacked - (__u32)acked));
		e->state.offset_known |= 1 << DIRECTION_SENT;
	}
	if (received == BPF_CORE_READ(tp, bytes_received) && due == BPF_CORE_READ(tp, rcv_nxt) - ended) {
		/* FIN is in bytes_received, too. */
		e->offset[DIRECTION_RECEIVED] = received - ended - (__u32)(due - copied);
		e->state.offset_known |= 1 << DIRECTION_RECEIVED;
	}
}

static __always_inline int state_submit(struct sock *sk, __u64 id, int old_state, int new_state)
{
	struct event_state_end end = {};
	struct event_state *e = &end.state;
	__u64 size = sizeof(*e);

	/* Changes that the peer causes run wherever the packet arrived: the process there means nothing. */
	bool actor = new_state == TCP_SYN_SENT || new_state == TCP_FIN_WAIT1;

	if (actor && !process_wanted(current_number()))
		return 0;
	header_fill(&e->h, EVENT_SOCKET_STATE, 0);
	if (!actor) {
		e->h.flags = 0;
		e->h.pid = e->h.tid = e->h.uid = 0;
		__builtin_memset(e->h.comm, 0, sizeof(e->h.comm));
	}
	e->h.size = sizeof(*e);
	e->sock.id = id;
	e->sock.sk = (__u64)sk;
	e->sock.fd = -1;
	e->sock.state = new_state;
	e->sock.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	e->sock.protocol = BPF_CORE_READ(sk, sk_protocol);
	addresses_probe(&e->sock, sk);
	if (!socket_wanted(&e->sock))
		return 0;
	e->old_state = old_state;
	e->new_state = new_state;
	if (e->sock.protocol == IPPROTO_TCP && old_state != TCP_SYN_SENT &&
	    (new_state == TCP_FIN_WAIT1 || new_state == TCP_CLOSE)) {
		ends_fill(&end, sk, old_state);
		size = sizeof(end);
	}
	if (bpf_ringbuf_output(&events, &end, size, BPF_RB_NO_WAKEUP) < 0)
		kernel_count_lost();
	else
		kernel_count(KC_EVENTS_SUBMITTED, 1);
	return 0;
}

static __always_inline bool state_wanted(struct sock *sk, int old_state, int new_state)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family != AF_INET && family != AF_INET6)
		return false;
	if (BPF_CORE_READ(sk, sk_type) != SOCK_STREAM)
		return false;
	return state_tells(old_state, new_state);
}

/* What was known of the socket's directions, when it was another connection. */
static __always_inline void socket_forget(struct sock *sk, __u64 id)
{
	bool counted = BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP;
	bool marked = bpf_map_lookup_elem(&marks, &id);

	if (marked)
		bpf_map_delete_elem(&marks, &id);
	for (__u32 i = 0; i < 2; i++) {
		struct skip_key skip = { .id = id, .direction = i };
		struct count_key count = { .id = id, .direction = i };

		if (marked)
			bpf_map_delete_elem(&skips, &skip);
		if (counted)
			bpf_map_delete_elem(&counts, &count);
	}
}

/* With the socket way: identity is the cookie (the helper is there from 5.12). */
static __always_inline int state_by_cookie_run(struct sock *sk, int old_state, int new_state)
{
	__u64 id;

	if (!state_wanted(sk, old_state, new_state))
		return 0;
	id = bpf_get_socket_cookie(sk);
	if (new_state == TCP_SYN_SENT)
		socket_forget(sk, id);
	return state_submit(sk, id, old_state, new_state);
}

/* A socket that was closed may connect again, with other numbers. */
static __always_inline void placed_forget(struct sock *sk)
{
	struct placed *p = bpf_sk_storage_get(&placed, sk, 0, 0);

	if (p)
		*p = (struct placed){};
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_by_cookie, struct sock *sk, int old_state, int new_state)
{
	if (new_state == TCP_CLOSE || new_state == TCP_SYN_SENT)
		placed_forget(sk);
	return UNPREEMPTED_TRACEPOINT(state_by_cookie_run(sk, old_state, new_state));
}

/* With the syscall way: identity is the inode, where the socket already (or still) has one. */
static __always_inline int state_by_inode_run(struct sock *sk, int old_state, int new_state)
{
	struct socket *socket;
	__u64 id = 0;

	if (!state_wanted(sk, old_state, new_state))
		return 0;
	socket = BPF_CORE_READ(sk, sk_socket);
	if (socket) {
		struct socket_alloc *alloc =
			(void *)socket - bpf_core_field_offset(struct socket_alloc, socket);

		id = BPF_CORE_READ(alloc, vfs_inode.i_ino);
	}
	if (new_state == TCP_SYN_SENT && id)
		socket_forget(sk, id);
	return state_submit(sk, id, old_state, new_state);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_by_inode, struct sock *sk, int old_state, int new_state)
{
	return UNPREEMPTED_TRACEPOINT(state_by_inode_run(sk, old_state, new_state));
}

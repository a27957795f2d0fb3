// SPDX-License-Identifier: GPL-2.0
/*
 * The stream connections that are there when hark starts, idle ones too: an
 * iterator over the files of all processes (Linux 5.8). User space reads it
 * once, as a file of struct event_state, one for each {process, descriptor}.
 *
 * Identities are those of the transfers: the cookie in the socket way, the
 * sockfs inode in the syscall way, which rests on probe reads alone.
 */
#include "addresses.h"
#include "capture.h"
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

/* A connection: neither listening nor unconnected. */
static __always_inline bool connection_fill(struct event_socket *s, struct socket *socket, struct sock *sk)
{
	s->sk = (__u64)sk;
	s->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	s->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (BPF_CORE_READ(socket, type) != SOCK_STREAM || s->state == TCP_LISTEN || s->state == TCP_CLOSE)
		return false;
	if (s->family == AF_UNIX)
		return socket_wanted(s);
	if (s->family != AF_INET && s->family != AF_INET6)
		return false;
	s->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_MPTCP)
		return false;
	addresses_probe(s, sk);
	return socket_wanted(s);
}

/* The leader's files are those of its threads. */
static __always_inline bool holder_wanted(struct task_struct *task)
{
	return BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid) && process_wanted(process_number(task));
}

static __always_inline void seen_write(struct seq_file *seq, struct event_state *e, struct task_struct *task,
				       __u32 fd)
{
	e->h.size = sizeof(*e);
	e->h.type = EVENT_SOCKET_SEEN;
	e->h.flags = EVENT_PID_VALID | EVENT_SYNTHETIC;
	e->h.time_ns = bpf_ktime_get_ns();
	e->h.pid = e->h.tid = process_number(task);
	e->h.uid = BPF_CORE_READ(task, cred, uid.val);
	BPF_CORE_READ_STR_INTO(&e->h.comm, task, comm);
	e->sock.fd = fd;
	e->old_state = e->new_state = e->sock.state;
	bpf_seq_write(seq, e, sizeof(*e));
}

/* With the socket way; the helpers are there from 5.11 and 5.12. */
SEC("iter/task_file")
int seen_by_cookie(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct event_state e = {};
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || !holder_wanted(task))
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !connection_fill(&e.sock, socket, sk))
		return 0;
	e.sock.id = bpf_get_socket_cookie(sk);
	seen_write(ctx->meta->seq, &e, task, ctx->fd);
	return 0;
}

/* With the syscall way. */
SEC("iter/task_file")
int seen_by_inode(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct event_state e = {};
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || !holder_wanted(task))
		return 0;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || !connection_fill(&e.sock, socket, sk))
		return 0;
	e.sock.id = BPF_CORE_READ(file, f_inode, i_ino);
	seen_write(ctx->meta->seq, &e, task, ctx->fd);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The syscall way, for kernels before 6.3: at the exit of every system call
 * number, arguments and result stand in one place. The socket comes from the
 * file table, so no system call has to be remembered; its identity is the
 * sockfs inode number, the one in /proc/PID/fd.
 */
#include "addresses.h"
#include "datagram.h"
#include <bpf/bpf_tracing.h>

static __always_inline bool socket_followed(struct socket *socket, struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u16 protocol;

	if (BPF_CORE_READ(socket, type) != SOCK_STREAM)
		return false;
	if (family == AF_UNIX)
		return true;
	if (family != AF_INET && family != AF_INET6)
		return false;
	protocol = BPF_CORE_READ(sk, sk_protocol);
	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
}

static __always_inline void socket_fill(struct event_socket *s, struct sock *sk, __u64 inode, __u32 fd)
{
	s->id = inode;
	s->sk = (__u64)sk;
	s->fd = fd;
	s->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (s->family == AF_UNIX)
		return;
	s->protocol = BPF_CORE_READ(sk, sk_protocol);
	s->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	addresses_probe(s, sk);
}

/* See socket.bpf.c for what these flags and the counters mean. */
static __always_inline bool peer_ended(struct sock *sk)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX &&
	    BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
		return BPF_CORE_READ(sk, __sk_common.skc_flags) >> SOCK_DONE & 1;
	return BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN;
}

static __always_inline void position_received(struct event_data *r, struct sock *sk, struct tcp_sock *tp,
					      __u32 bytes)
{
	bool ended = peer_ended(sk);
	__u32 copied = BPF_CORE_READ(tp, copied_seq);
	struct counter_pair received;

	received.bytes = BPF_CORE_READ(tp, bytes_received);
	received.number = BPF_CORE_READ(tp, rcv_nxt);
	received.bytes_again = BPF_CORE_READ(tp, bytes_received);
	received.number_again = BPF_CORE_READ(tp, rcv_nxt);
	if (ended && copied == received.number_again)
		copied--;
	r->pos = (__u32)(copied - bytes);
	offset_received(r, &received);
}

static __always_inline void position_sent(struct event_data *r, struct tcp_sock *tp, __u32 bytes)
{
	struct counter_pair acked;

	acked.bytes = BPF_CORE_READ(tp, bytes_acked);
	acked.number = BPF_CORE_READ(tp, snd_una);
	acked.bytes_again = BPF_CORE_READ(tp, bytes_acked);
	acked.number_again = BPF_CORE_READ(tp, snd_una);
	r->pos = (__u32)(BPF_CORE_READ(tp, write_seq) - bytes);
	offset_sent(r, &acked);
}

static __always_inline void position_fill(struct event_data *r, struct sock *sk, __u8 direction, __u32 bytes,
					  bool looped)
{
	r->direction = direction;
	if (r->sock.protocol != IPPROTO_TCP) {
		r->pos = count_wanted(r, direction, bytes, looped);
		return;
	}
	r->h.flags |= EVENT_POS_SEQ32;
	if (direction == DIRECTION_RECEIVED)
		position_received(r, sk, (struct tcp_sock *)sk, bytes);
	else
		position_sent(r, (struct tcp_sock *)sk, bytes);
}

/* recvmmsg and sendmmsg return messages: their lengths stand in user memory, and add up to the bytes. */
static __always_inline __s64 mmsg_total(const struct syscall_regs *regs, __s64 messages, bool looped)
{
	__s64 total = 0;

	for (int i = 0; i < (looped ? 64 : 16); i++) {
		__u32 len = 0;

		if (i >= messages)
			return total;
		if (bpf_probe_read_user(&len, sizeof(len),
					(void *)(regs->arg[1] + i * sizeof(struct user_mmsghdr) +
						 sizeof(struct user_msghdr))) < 0)
			return -1;
		total += len;
	}
	return messages > (looped ? 64 : 16) ? -1 : total;
}

static __always_inline struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd);
	struct file *file = 0;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	if (bpf_probe_read_kernel(&file, sizeof(file), slots + fd) < 0)
		return 0;
	return file;
}

/* MSG_ flags stand in another argument of each call. */
static __always_inline __u32 message_flags(__u64 nr, __u64 third, __u64 fourth)
{
	switch (nr) {
	case NR_RECVFROM:
	case NR_RECVMMSG:
		return fourth;
	case NR_RECVMSG:
		return third;
	}
	return 0;
}

static __always_inline int end_or_reset(struct event_data *r, struct sock *sk, __s64 ret, int direction)
{
	if (ret == 0 && direction == DIRECTION_RECEIVED && peer_ended(sk))
		transfer_end(r, EVENT_EOF);
	else if (ret == -ECONNRESET || ret == -EPIPE)
		transfer_end(r, EVENT_RESET);
	return 0;
}

/* splice: the socket may be either end. */
static __always_inline int splice_direction(struct syscall_regs *regs, struct task_struct *task,
					    struct file **file)
{
	*file = file_of(task, regs->arg[0]);
	if (*file && (BPF_CORE_READ(*file, f_inode, i_mode) & S_IFMT) == S_IFSOCK)
		return DIRECTION_RECEIVED;
	regs->arg[0] = regs->arg[2];
	*file = file_of(task, regs->arg[0]);
	return DIRECTION_SENT;
}

static __always_inline bool datagram_followed(struct socket *socket, struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return BPF_CORE_READ(socket, type) == SOCK_DGRAM && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP &&
	       (family == AF_INET || family == AF_INET6);
}

/* The call is over: an unconnected socket's datagram has its address in user memory, sent or received. */
static __always_inline bool datagram_is_https(struct sock *sk, struct pt_regs *user,
					      struct user_sockaddr *address)
{
	__be16 peer = BPF_CORE_READ(sk, __sk_common.skc_dport);

	address->family = 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_num) == HTTPS_PORT)
		return true;
	if (peer)
		return peer == __builtin_bswap16(HTTPS_PORT);
	datagram_address(address, SYSCALL_NR(user), SYSCALL_SECOND(user), SYSCALL_FIFTH(user));
	return address->family && address->port == __builtin_bswap16(HTTPS_PORT);
}

/*
 * A function of its own, with little handed on: the verifier adds up the stack of what calls each other, and
 * the capture leaves none.
 */
static __noinline int datagram_transfer(struct pt_regs *user, struct sock *sk, struct file *file, __s64 ret)
{
	struct user_sockaddr address;
	struct event_unseen *out;
	__u64 inode;

	if (ret <= 0 || (message_flags(SYSCALL_NR(user), SYSCALL_THIRD(user), SYSCALL_FOURTH(user)) &
			 (MSG_PEEK | MSG_ERRQUEUE)))
		return 0;
	if (!datagram_is_https(sk, user, &address))
		return 0;
	kernel_count(KC_UDP_443,
		     SYSCALL_NR(user) == NR_SENDMMSG || SYSCALL_NR(user) == NR_RECVMMSG ? ret : 1);
	inode = BPF_CORE_READ(file, f_inode, i_ino);
	out = unseen_reserve(inode, UNSEEN_UDP_443);
	if (!out)
		return 0;
	socket_fill(&out->sock, sk, inode, SYSCALL_FIRST(user));
	datagram_peer(&out->sock, &address);
	unseen_submit(out);
	return 0;
}

#define DATAGRAMS_WALKED 4

/*
 * Does a QUIC connection begin with this datagram? Two functions of their own, for the same reason. Of a call
 * for many the first DATAGRAMS_WALKED are looked at, from the next one on.
 */
static __noinline int datagram_find(struct pt_regs *user, struct file *file, __s64 ret, __u32 next)
{
	bool many = SYSCALL_NR(user) == NR_SENDMMSG || SYSCALL_NR(user) == NR_RECVMMSG;
	struct datagram_looks *looks = datagram_looks_left(BPF_CORE_READ(file, f_inode, i_ino));
	struct datagram_found *found = datagram_found_here();
	__u32 bytes = ret;

	if (!looks || !found || (!many && next))
		return 0;
	if (message_flags(SYSCALL_NR(user), SYSCALL_THIRD(user), SYSCALL_FOURTH(user)) &
	    (MSG_PEEK | MSG_ERRQUEUE))
		return 0;
	found->at = SYSCALL_SECOND(user) + next * sizeof(struct user_mmsghdr);
	if (many &&
	    (next >= ret || bpf_probe_read_user(&bytes, sizeof(bytes),
						(void *)(found->at + sizeof(struct user_msghdr))) < 0))
		return 0;
	found->bytes = bytes;
	if (bytes < DATAGRAM_MIN_BYTES || !datagram_buffer(found, SYSCALL_NR(user), SYSCALL_THIRD(user)))
		return 0;
	return datagram_begins(looks, found);
}

static __noinline int datagram_tell(struct pt_regs *user, struct sock *sk, struct file *file)
{
	struct datagram_found *found = datagram_found_here();
	struct record_datagram *out = found ? datagram_reserve() : 0;

	if (!out)
		return 0;
	socket_fill(&out->data.sock, sk, BPF_CORE_READ(file, f_inode, i_ino), SYSCALL_FIRST(user));
	datagram_find_peer(out, SYSCALL_NR(user), found->at, SYSCALL_FIFTH(user));
	out->data.source = SOURCE_SYSCALL;
	datagram_submit(out, found, syscall_direction(SYSCALL_NR(user)));
	return 0;
}

/*
 * Bytes that io_uring moves pass no system call of their own. Where no counter of the socket's shows it
 * either, user space has to know that this process may have moved more than was seen. Told of once a process.
 */
static __noinline int rings_entered(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct event_unseen *out;

	if (!process_wanted(current_number()))
		return 0;
	out = unseen_reserve(BPF_CORE_READ(task, group_leader, start_time), UNSEEN_RINGS);
	if (out)
		unseen_submit(out);
	return 0;
}

static __always_inline int datagrams_transfer(struct pt_regs *user, struct sock *sk, struct file *file,
					      __s64 ret)
{
#pragma unroll
	for (__u32 i = 0; i < DATAGRAMS_WALKED; i++)
		if (ret > 0 && datagram_find(user, file, ret, i))
			datagram_tell(user, sk, file);
	return datagram_transfer(user, sk, file, ret);
}

static __always_inline int syscall_transfer(struct pt_regs *user, __s64 ret, bool looped)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int direction = syscall_direction(SYSCALL_NR(user));
	struct syscall_regs regs;
	struct capture c = {};
	struct socket *socket;
	struct file *file;
	struct sock *sk;
	__u32 flags;

	if (SYSCALL_NR(user) == NR_IO_URING_ENTER)
		return rings_entered();
	if (direction < 0 && SYSCALL_NR(user) != NR_SPLICE)
		return 0;
	if (ret < 0 && ret != -ECONNRESET && ret != -EPIPE)
		return 0;
	if (!process_wanted(current_number()))
		return 0;
	syscall_regs_fill(&regs, user, BPF_CORE_READ(task, TASK_COMPAT_WORD));
	if (regs.compat)
		return 0;
	if (direction < 0)
		direction = splice_direction(&regs, task, &file);
	else
		file = file_of(task, regs.arg[0]);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return 0;
	if (!socket_followed(socket, sk))
		return datagram_followed(socket, sk) ? datagrams_transfer(user, sk, file, ret) : 0;
	flags = message_flags(regs.nr, regs.arg[2], regs.arg[3]);
	socket_fill(&c.record.sock, sk, BPF_CORE_READ(file, f_inode, i_ino), regs.arg[0]);
	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)) {
		if (socket_wanted(&c.record.sock))
			kernel_count(flags & MSG_PEEK ? KC_PEEKED : KC_OUT_OF_BAND, 1);
		return 0;
	}
	header_fill(&c.record.h, EVENT_SOCKET_DATA, 0);
	c.record.source = SOURCE_SYSCALL;
	if (ret > 0 && (regs.nr == NR_RECVMMSG || regs.nr == NR_SENDMMSG)) {
		c.messages = regs.arg[1];
		c.message_count = ret;
		ret = mmsg_total(&regs, ret, looped);
		if (ret < 0) {
			kernel_count(KC_VECTORS, 1); /* shows as a hole at the next transfer */
			return 0;
		}
	}
	position_fill(&c.record, sk, direction, ret > 0 ? ret : 0, looped);
	if (ret <= 0)
		return end_or_reset(&c.record, sk, ret, direction);
	if ((flags & MSG_TRUNC) && c.record.sock.family != AF_UNIX)
		c.hole = HOLE_TRUNC;
	transfer_run(&c, &regs, ret, looped ? CAPTURE_LOOPED : CAPTURE_BOUNDED);
	return 0;
}

/*
 * A 32-bit caller's numbers and arguments mean other things, so its transfer
 * cannot even be found here; it is counted when its number can be one. The
 * bytes show as a hole at the next transfer on that socket.
 */
static __always_inline bool compat_counted(struct pt_regs *user, __s64 ret)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (ret <= 0 || !compat_transfer(SYSCALL_NR(user)))
		return false;
	if (!(BPF_CORE_READ(task, TASK_COMPAT_WORD) & TASK_COMPAT_BIT))
		return false;
	if (process_wanted(current_number()))
		kernel_count(KC_COMPAT, 1);
	return true;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long ret)
{
	return UNPREEMPTED(compat_counted(regs, ret) ? 0 : syscall_transfer(regs, ret, true));
}

/* The same where the kernel has no bpf_loop (before 5.17). */
SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit_bounded, struct pt_regs *regs, long ret)
{
	return UNPREEMPTED(compat_counted(regs, ret) ? 0 : syscall_transfer(regs, ret, false));
}

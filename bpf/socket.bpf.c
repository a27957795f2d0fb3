// SPDX-License-Identifier: GPL-2.0
/*
 * The socket way (Linux 6.3): the socket layer's own tracepoints fire once for
 * each transfer on a socket and on nothing else. The system call's registers
 * are still there, so the buffer is known; it has just been touched, so it can
 * be read without a fault.
 */
#include "addresses.h"
#include "datagram.h"
#include <bpf/bpf_tracing.h>

/* Weak: the whole object is linked on kernels whose way this is not. */
extern void *bpf_rdonly_cast(const void *object, __u32 type_id) __ksym __weak;

/*
 * The same pointer, of which the verifier knows only what may be read (Linux 6.2). Each load of a pointer
 * through a trusted one makes it search the whole of the kernel's type information, several times, on each
 * path: that was 50 of the 130 ms that loading took.
 */
#define UNTRUSTED(pointer) \
	((typeof(pointer))bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(typeof(*(pointer)))))

/* To the verifier the difference of two pointers is a number; one of them is 0. */
static __always_inline __u64 pointer_number(struct sock *sk)
{
	struct sock *none = bpf_rdonly_cast(0, bpf_core_type_id_kernel(struct sock));
	__u64 number = (__u64)sk;

	asm volatile("%0 -= %1" : "+r"(number) : "r"(none));
	return number;
}

/* The kernel makes one for a socket at the first request. */
static __always_inline __u64 socket_cookie(struct sock *sk)
{
	__u64 cookie = UNTRUSTED(sk)->__sk_common.skc_cookie.counter;

	return cookie ? cookie : bpf_get_socket_cookie(sk);
}

static __always_inline bool socket_followed(struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	if (sk->sk_type != SOCK_STREAM)
		return false;
	if (family == AF_UNIX)
		return true;
	if (family != AF_INET && family != AF_INET6)
		return false;
	return sk->sk_protocol == IPPROTO_TCP || sk->sk_protocol == IPPROTO_MPTCP;
}

static __always_inline void socket_fill(struct event_socket *s, struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	s->id = socket_cookie(sk);
	s->sk = pointer_number(sk);
	s->family = family;
	s->protocol = family == AF_UNIX ? 0 : sk->sk_protocol;
	s->state = sk->__sk_common.skc_state;
	if (family == AF_UNIX)
		return;
	s->local_port = sk->__sk_common.skc_num;
	s->peer_port = __builtin_bswap16(sk->__sk_common.skc_dport);
	netns_fill(s, UNTRUSTED(sk)->__sk_common.skc_net.net->ns.inum);
	if (family == AF_INET) {
		*(__be32 *)s->local = sk->__sk_common.skc_rcv_saddr;
		*(__be32 *)s->peer = sk->__sk_common.skc_daddr;
		return;
	}
	bpf_probe_read_kernel(s->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	bpf_probe_read_kernel(s->peer, 16, &sk->__sk_common.skc_v6_daddr);
}

/* The syscall way reads once: before Linux 6.8 its program has no stack for a loop. */
#define COUNTER_PAIR_TRIES 4

/* A load that the compiler may not merge with an earlier one. */
#define LOAD(field) (*(volatile typeof(field) *)&(field))

/*
 * Has the peer ended its direction, in order? TCP notes its FIN with SOCK_DONE; RCV_SHUTDOWN is also set by a
 * reset and by the process's own shutdown(), after which nothing was counted and more may come. Unix sockets
 * and MPTCP have RCV_SHUTDOWN alone.
 */
static __always_inline bool peer_ended(struct sock *sk)
{
	if (sk->__sk_common.skc_family != AF_UNIX && sk->sk_protocol == IPPROTO_TCP)
		return sk->__sk_common.skc_flags >> SOCK_DONE & 1;
	return sk->sk_shutdown & RCV_SHUTDOWN;
}

/*
 * The position of `bytes` just received. When the FIN was consumed with them
 * copied_seq has counted it: all was read (copied_seq == rcv_nxt) after the
 * peer's end.
 */
static __always_inline void position_received(struct event_data *r, struct sock *sk, struct tcp_sock *tp,
					      __u32 bytes)
{
	struct counter_pair received;
	bool ended = peer_ended(sk);
	__u32 copied = tp->copied_seq;

	for (int i = 0; i < COUNTER_PAIR_TRIES; i++) {
		received.bytes = LOAD(tp->bytes_received);
		received.number = LOAD(tp->rcv_nxt);
		received.bytes_again = LOAD(tp->bytes_received);
		received.number_again = LOAD(tp->rcv_nxt);
		if (counter_pair_steady(&received))
			break;
	}
	if (ended && copied == received.number_again)
		copied--;
	r->pos = (__u32)(copied - bytes);
	offset_received(r, &received);
}

static __always_inline void position_sent(struct event_data *r, struct tcp_sock *tp, __u32 bytes)
{
	struct counter_pair acked;

	for (int i = 0; i < COUNTER_PAIR_TRIES; i++) {
		acked.bytes = LOAD(tp->bytes_acked);
		acked.number = LOAD(tp->snd_una);
		acked.bytes_again = LOAD(tp->bytes_acked);
		acked.number_again = LOAD(tp->snd_una);
		if (counter_pair_steady(&acked))
			break;
	}
	r->pos = (__u32)(tp->write_seq - bytes);
	offset_sent(r, &acked);
}

static __always_inline void position_fill(struct event_data *r, struct sock *sk, __u8 direction, __u32 bytes)
{
	struct tcp_sock *tp = UNTRUSTED((struct tcp_sock *)sk);

	r->direction = direction;
	if (r->sock.protocol != IPPROTO_TCP) {
		r->pos = count_wanted(r, direction, bytes, true);
		return;
	}
	r->h.flags |= EVENT_POS_SEQ32;
	if (direction == DIRECTION_RECEIVED)
		position_received(r, sk, tp, bytes);
	else
		position_sent(r, tp, bytes);
}

/* Does fd stand for this socket in the calling process? Worker threads and io_uring have other registers. */
static __always_inline bool fd_is_socket(struct task_struct *task, __u32 fd, struct sock *sk)
{
	struct fdtable *table = UNTRUSTED(task)->files->fdt;
	struct list_head *slot; /* for the pointer with which it begins */
	struct file *file;

	if (fd >= table->max_fds)
		return false;
	slot = bpf_rdonly_cast(table->fd + fd, bpf_core_type_id_kernel(struct list_head));
	file = (struct file *)slot->next;
	return file && UNTRUSTED(file)->private_data == (void *)UNTRUSTED(sk)->sk_socket;
}

#define FLAGS_APART (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE) /* of transfers of what is no data of the stream */

#define MMSG_DATAGRAMS (1u << 31) /* no system call's number has it */

/*
 * recvmmsg and sendmmsg come here once a message, and nothing in the registers
 * says which. The kernel ends the call at the last message, at an error or at
 * a partial send, each of which is seen here, so counting works; with a timeout
 * it may end unseen, so then nothing is copied. Returns the address of the message; 0: it is not known.
 * Of datagrams, which are counted `apart`, not every one may be looked at, so that one count may be wrong.
 */
static __always_inline __u64 mmsg_message(const struct syscall_regs *regs, int ret, __u32 apart)
{
	__u64 key = bpf_get_current_pid_tgid();
	struct mmsg_progress *seen = bpf_map_lookup_elem(&mmsg, &key);
	struct mmsg_progress now = { .vector = regs->arg[1], .nr = regs->nr | apart, .index = 0 };
	__u64 message = 0;

	if (seen && seen->vector == now.vector && seen->nr == now.nr)
		now.index = seen->index;
	if (ret >= 0 && now.index < 1024)
		message = regs->arg[1] + now.index * sizeof(struct user_mmsghdr);
	now.index++;
	if (ret < 0 || now.index >= regs->arg[2])
		bpf_map_delete_elem(&mmsg, &key);
	else
		bpf_map_update_elem(&mmsg, &key, &now, BPF_ANY);
	if (regs->nr == NR_RECVMMSG && regs->arg[4] && regs->arg[2] > 1) {
		bpf_map_delete_elem(&mmsg, &key);
		return 0;
	}
	return message;
}

static __always_inline void mmsg_find(struct capture *c, const struct syscall_regs *regs, int ret)
{
	__u64 at = mmsg_message(regs, ret, 0);
	struct user_msghdr message;

	if (at && bpf_probe_read_user(&message, sizeof(message), (void *)at) == 0) {
		c->vectors = message.iov;
		c->vector_count = message.iov_count;
	} else {
		c->hole = HOLE_VECTOR;
	}
}

static __always_inline struct pt_regs *task_regs(struct task_struct *task)
{
	return (struct pt_regs *)bpf_task_pt_regs(task);
}

static __always_inline void regs_fill(struct syscall_regs *out, struct task_struct *task)
{
	syscall_regs_fill(out, task_regs(task), task->TASK_COMPAT_WORD);
}

static __always_inline __u32 syscall_number(struct task_struct *task)
{
	return SYSCALL_NR(task_regs(task));
}

/* Several messages in one call, which come here one by one. */
static __always_inline bool nr_is_mmsg(__u32 nr)
{
	return nr == NR_RECVMMSG || nr == NR_SENDMMSG;
}

/* A transfer that failed without an end of the connection: most often, it would block. */
static __always_inline bool transfer_tells_nothing(int ret)
{
	return ret < 0 && ret != -ECONNRESET && ret != -EPIPE;
}

/* 0: bytes to capture; else there are none and the reason was dealt with. */
static __always_inline int transfer_without_bytes(struct event_data *r, struct sock *sk, int ret,
						  __u8 direction)
{
	if (ret > 0)
		return 0;
	if (ret == 0 && direction == DIRECTION_RECEIVED && peer_ended(sk))
		transfer_end(r, EVENT_EOF);
	else if (ret == -ECONNRESET || ret == -EPIPE)
		transfer_end(r, EVENT_RESET);
	return 1;
}

static __always_inline bool datagram_followed(struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return sk->sk_type == SOCK_DGRAM && sk->sk_protocol == IPPROTO_UDP &&
	       (family == AF_INET || family == AF_INET6);
}

/*
 * Is this datagram HTTP/3's? An unconnected socket has no peer; the address of what was received is not in
 * user memory yet, so there an earlier datagram that was sent tells.
 */
static __always_inline bool datagram_is_https(struct sock *sk, struct task_struct *task, __u8 direction,
					      struct user_sockaddr *address)
{
	struct syscall_regs regs;

	address->family = 0;
	if (sk->__sk_common.skc_num == HTTPS_PORT)
		return true;
	if (sk->__sk_common.skc_dport)
		return sk->__sk_common.skc_dport == __builtin_bswap16(HTTPS_PORT);
	if (direction == DIRECTION_RECEIVED)
		return unseen_known(bpf_get_socket_cookie(sk), UNSEEN_UDP_443);
	regs_fill(&regs, task);
	if (!regs.compat)
		datagram_address(address, regs.nr, regs.arg[1], regs.arg[4]);
	return address->family && address->port == __builtin_bswap16(HTTPS_PORT);
}

/*
 * Does a QUIC connection begin with this datagram? Two functions of their own, for the same reason as the
 * next one. Where a received one came from does not stand in user memory yet.
 */
static __noinline int datagram_find(struct sock *sk, struct task_struct *task, int ret)
{
	struct datagram_looks *looks = datagram_looks_left(bpf_get_socket_cookie(sk));
	struct datagram_found *found = datagram_found_here();
	struct syscall_regs regs;

	if (!looks || !found)
		return 0;
	regs_fill(&regs, task);
	if (regs.compat || (task->flags & PF_IO_WORKER) || !fd_is_socket(task, regs.arg[0], sk))
		return 0;
	found->at = regs.arg[1];
	found->bytes = ret;
	if (regs.nr == NR_RECVMMSG || regs.nr == NR_SENDMMSG)
		found->at = mmsg_message(&regs, ret, MMSG_DATAGRAMS);
	if (!found->at || ret < DATAGRAM_MIN_BYTES || !datagram_buffer(found, regs.nr, regs.arg[2]))
		return 0;
	return datagram_begins(looks, found);
}

static __noinline int datagram_tell(struct sock *sk, struct task_struct *task, __u8 direction)
{
	struct pt_regs *user = (struct pt_regs *)bpf_task_pt_regs(task);
	struct datagram_found *found = datagram_found_here();
	struct record_datagram *out = found ? datagram_reserve() : 0;

	if (!out)
		return 0;
	socket_fill(&out->data.sock, sk);
	out->data.sock.fd = SYSCALL_FIRST(user);
	if (direction == DIRECTION_SENT)
		datagram_find_peer(out, SYSCALL_NR(user), found->at, SYSCALL_FIFTH(user));
	out->data.source = SOURCE_SOCKET;
	datagram_submit(out, found, direction);
	return 0;
}

/* A function of its own: the verifier adds up the stack of what calls each other, and the capture has little
 * left. */
static __noinline void datagram_transfer(struct sock *sk, struct task_struct *task, __u8 direction)
{
	struct user_sockaddr address;
	struct event_unseen *out;

	if (settings.filter_ports && !port_wanted(HTTPS_PORT))
		return;
	if (!datagram_is_https(sk, task, direction, &address))
		return;
	kernel_count(KC_UDP_443, 1);
	out = unseen_reserve(bpf_get_socket_cookie(sk), UNSEEN_UDP_443);
	if (!out)
		return;
	socket_fill(&out->sock, sk);
	out->sock.fd = -1;
	datagram_peer(&out->sock, &address);
	unseen_submit(out);
}

/*
 * The reader of a socket got to where it stands now, and what it read is accounted for. An entry is made for
 * sockets that user space marked, not for those of TLS libraries, which do not splice.
 */
static __always_inline void placed_follow(struct sock *sk, enum transfer_place place)
{
	struct tcp_sock *tp;
	struct placed *p;

	if (place != PLACE && !UNTRUSTED(sk)->sk_bpf_storage)
		return;
	p = bpf_sk_storage_get(&placed, sk, 0, place == PLACE ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	tp = p ? bpf_skc_to_tcp_sock(sk) : 0;
	if (!tp)
		return;
	p->number = tp->copied_seq;
	p->known = 1;
}

/* The transfer was amid what nobody wants: those that follow it need no other look for a while. */
static __always_inline void unwanted_note(struct sock *sk, const struct capture *c, __u8 direction)
{
	struct placed *p;

	if (c->drop != SKIP_UNTOLD)
		return;
	p = bpf_sk_storage_get(&placed, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!p)
		return;
	p->unwanted[direction & 1] = c->amid.until;
	p->untold_ns[direction & 1] = c->record.h.time_ns + c->amid.untold_ns;
}

/*
 * Is the transfer amid what nobody wants, as the one before it was? Such a body is all that some sockets
 * carry, so the way to this answer is short. The bytes are counted.
 */
static __always_inline bool transfer_unwanted(struct sock *sk, int ret, int flags, __u8 direction)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct placed *p;
	struct tcp_sock *tp;
	__u32 end, nr;

	if (ret <= 0 || flags & FLAGS_APART || !UNTRUSTED(sk)->sk_bpf_storage)
		return false;
	p = bpf_sk_storage_get(&placed, sk, 0, 0);
	if (!p || !p->untold_ns[direction])
		return false;
	tp = UNTRUSTED((struct tcp_sock *)sk);
	end = direction == DIRECTION_RECEIVED ? tp->copied_seq : tp->write_seq;
	if ((__s32)(p->unwanted[direction] - end) <= 0 || tp->tcp_clock_cache >= p->untold_ns[direction]) {
		p->untold_ns[direction] = 0; /* 2 GiB on its number would be ahead again */
		return false;
	}
	nr = syscall_number(task);
	if (nr_is_mmsg(nr) || nr == NR_IO_URING_ENTER || (task->flags & PF_IO_WORKER) ||
	    !process_wanted(task_number(task)))
		return false;
	if (direction == DIRECTION_RECEIVED) {
		p->number = end;
		p->known = 1;
	}
	kernel_count_unwanted(ret);
	return true;
}

/* The kind of a transfer by the first look at it. */
enum transfer_look {
	LOOK_ALONE,  /* no TLS call is under way around it */
	LOOK_NESTED, /* one is, or nobody looked */
	LOOK_TAKEN,  /* ciphertext, which has been counted */
};

/*
 * Most of what a TLS connection moves is ciphertext of the call under way, on the socket that its session is
 * known to have: its size is all that matters of it. A function of its own, so that the verifier goes on with
 * what it returns alone.
 */
static __noinline int ciphertext_look(struct sock *sk, struct task_struct *task, const struct pt_regs *user,
				      int moved, __u8 direction)
{
	__u64 thread = thread_load(task);
	struct tls_call *outer, *call = 0;
	__u32 nr = SYSCALL_NR(user);

	if (moved <= 0 || nr_is_mmsg(nr) || nr == NR_IO_URING_ENTER || (task->flags & PF_IO_WORKER))
		return LOOK_NESTED;
	/* No return of a call of this thread is followed, most often: then it is in none. */
	outer = UNTRUSTED(task)->utask->return_instances ? tls_call_outermost(thread) : 0;
	if (outer)
		call = thread_call_of(thread, outer, user->sp);
	else if (settings.go && go_listens)
		call = go_call_of(task->tgid, GO_GOROUTINE(user));
	if (!call)
		return LOOK_ALONE;
	if (!call->settled || call->settled != socket_cookie(sk))
		return LOOK_NESTED;
	kernel_count(KC_BYTES_CIPHERTEXT, moved);
	if (direction == DIRECTION_SENT)
		call->sent_ns = bpf_ktime_get_ns();
	else
		placed_follow(sk, PLACE_AGAIN);
	return LOOK_TAKEN;
}

static __always_inline int socket_transfer(struct sock *sk, int ret, int flags, __u8 direction,
					   enum capture_form form)
{
	bool apart = flags & FLAGS_APART;
	struct task_struct *task = bpf_get_current_task_btf();
	enum transfer_look look;
	enum transfer_place place;
	struct capture c = {};
	struct syscall_regs regs;
	struct pt_regs *user;

	if (!socket_followed(sk)) {
		if (ret <= 0 || !datagram_followed(sk) || (flags & (MSG_PEEK | MSG_ERRQUEUE)) ||
		    !process_wanted(task_number(task)))
			return 0;
		if ((ret >= DATAGRAM_MIN_BYTES || nr_is_mmsg(syscall_number(task))) &&
		    datagram_find(sk, task, ret))
			datagram_tell(sk, task, direction);
		datagram_transfer(sk, task, direction);
		return 0;
	}
	if (!process_wanted(task_number(task)))
		return 0;
	user = task_regs(task);
	look = ciphertext_look(sk, task, user, apart ? 0 : ret, direction);
	if (look == LOOK_TAKEN)
		return 0;
	syscall_regs_fill(&regs, user, task->TASK_COMPAT_WORD);
	if (verifier_forgets(look, regs.sp) == LOOK_ALONE)
		regs.sp = verifier_forgets(0, regs.sp);
	socket_fill(&c.record.sock, sk);
	if (apart) {
		if (socket_wanted(&c.record.sock))
			kernel_count(flags & MSG_PEEK ? KC_PEEKED : KC_OUT_OF_BAND, 1);
		return 0;
	}
	if (!regs.compat && nr_is_mmsg(regs.nr))
		mmsg_find(&c, &regs, ret);
	if (transfer_tells_nothing(ret))
		return 0;
	header_load(&c.record.h, EVENT_SOCKET_DATA, 0, task, UNTRUSTED(task)->cred->uid.val,
		    bpf_ktime_get_ns());
	c.record.source = SOURCE_SOCKET;
	c.no_ulp = !UNTRUSTED((struct inet_connection_sock *)sk)->icsk_ulp_ops;
	c.record.sock.fd = regs.arg[0];
	if (regs.compat || (task->flags & PF_IO_WORKER) || !fd_is_socket(task, regs.arg[0], sk)) {
		c.record.sock.fd = -1;
		if ((task->flags & PF_IO_WORKER) || (!regs.compat && regs.nr == NR_IO_URING_ENTER))
			unseen_io_uring(&c.record);
		c.hole = HOLE_FOREIGN;
	}
	position_fill(&c.record, sk, direction, ret > 0 ? ret : 0);
	if (transfer_without_bytes(&c.record, sk, ret, direction))
		return 0;
	if (direction == DIRECTION_RECEIVED && (flags & MSG_TRUNC) && c.record.sock.family != AF_UNIX)
		c.hole = HOLE_TRUNC;
	place = transfer_run(&c, &regs, ret, form);
	if (direction == DIRECTION_RECEIVED && place != PLACE_NOWHERE)
		placed_follow(sk, place);
	unwanted_note(sk, &c, direction);
	return 0;
}

/* Most reads of a socket that does not block find nothing: they go before anything is made ready. */
static __always_inline bool transfer_is_seen(int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (task->flags & PF_KTHREAD)
		return false;
	return !transfer_tells_nothing(ret) || nr_is_mmsg(syscall_number(task));
}

#define TRANSFER(sk, ret, flags, direction, form)                                                     \
	(transfer_is_seen(ret)                                                                        \
		 ? UNPREEMPTED_TRACEPOINT(transfer_unwanted(sk, ret, flags, direction)                \
						  ? 0                                                 \
						  : socket_transfer(sk, ret, flags, direction, form)) \
		 : 0)

SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_sent, struct sock *sk, int ret, int flags)
{
	return TRANSFER(sk, ret, flags, DIRECTION_SENT, CAPTURE_LOOPED);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_received, struct sock *sk, int ret, int flags)
{
	return TRANSFER(sk, ret, flags, DIRECTION_RECEIVED, CAPTURE_LOOPED);
}

/* The same for Linux 6.13 and later, which has the stack for it: loaded in half the time. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_sent_apart, struct sock *sk, int ret, int flags)
{
	return TRANSFER(sk, ret, flags, DIRECTION_SENT, CAPTURE_APART);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_received_apart, struct sock *sk, int ret, int flags)
{
	return TRANSFER(sk, ret, flags, DIRECTION_RECEIVED, CAPTURE_APART);
}

/*
 * Counts what was spliced out of a socket with KM_PLACED. False: where it began only user space knows, from
 * the records that all transfers before it left.
 */
static __always_inline bool spliced_count(struct sock *sk, __u32 number, __u32 mark)
{
	struct placed *p = bpf_sk_storage_get(&placed, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	bool known;
	__u32 moved;

	if (!p) {
		kernel_count(KC_MAP_FULL, 1);
		return true;
	}
	known = p->known;
	moved = number - p->number;
	p->number = number;
	p->known = 1;
	if (!known || (__s32)moved <= 0)
		return known;
	if (mark & KM_CIPHERTEXT) {
		kernel_count(KC_BYTES_CIPHERTEXT, moved);
	} else {
		kernel_count(KC_BYTES_MOVED, moved);
		kernel_count(KC_BYTES_SKIPPED, moved);
	}
	return true;
}

/*
 * splice(2) moves nothing through user memory: user space knows how
 * far it had got, and so how much it was. Of a socket that is muted or TLS it does not, so there it is
 * counted here.
 */
static __always_inline int spliced_submit(struct sock *sk, struct task_struct *task,
					  const struct syscall_regs *regs)
{
	struct event_data record = { .source = SOURCE_SOCKET, .hole = HOLE_KERNEL };
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u32 *mark, copied;

	if (!tp)
		return 0;
	copied = tp->copied_seq;
	header_load(&record.h, EVENT_SOCKET_DATA, EVENT_REACHED, task, UNTRUSTED(task)->cred->uid.val,
		    bpf_ktime_get_ns());
	socket_fill(&record.sock, sk);
	record.sock.fd = fd_is_socket(task, regs->arg[0], sk) ? (__s32)regs->arg[0] : -1;
	if (!socket_wanted(&record.sock))
		return 0;
	if (ktls_source(record.sock.sk, DIRECTION_RECEIVED, 0, SOURCE_SOCKET) == SOURCE_KERNEL_TLS) {
		ktls_name(&record, EVENT_TLS_REFUSED); /* nobody tells how much plaintext it was */
		record.direction = DIRECTION_RECEIVED;
		submit_bare(&record);
		return 0;
	}
	position_fill(&record, sk, DIRECTION_RECEIVED, 0);
	if ((__u32)record.pos != copied)
		record.h.flags |= EVENT_EOF; /* the FIN's number was read too */
	mark = bpf_map_lookup_elem(&marks, &record.sock.id);
	if (mark && (*mark & KM_PLACED) && spliced_count(sk, record.pos, *mark)) {
		if (*mark & (KM_CIPHERTEXT | KM_MUTED_RECEIVED))
			return 0;
		record.hole = HOLE_MUTED;
	}
	submit_bare(&record);
	return 0;
}

/*
 * The two tracepoints know nothing of splice(2), which takes bytes out of a TCP socket by another function;
 * that calls this one as well, under the socket's lock, when it has moved on in the stream.
 */
static __always_inline int socket_spliced_run(struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *user = (struct pt_regs *)bpf_task_pt_regs(task);
	struct syscall_regs regs;

	if (SYSCALL_NR(user) != NR_SPLICE || (task->flags & (PF_KTHREAD | PF_IO_WORKER)))
		return 0;
	syscall_regs_fill(&regs, user, task->TASK_COMPAT_WORD);
	if (!regs.compat && process_wanted(task_number(task)))
		UNPREEMPTED_TRACEPOINT(spliced_submit(sk, task, &regs));
	return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(socket_spliced, struct sock *sk)
{
	return socket_spliced_run(sk);
}

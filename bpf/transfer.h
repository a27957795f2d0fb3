/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One transfer on a stream socket, whichever way it was noticed: is it wanted,
 * is it ciphertext, where are its bytes. The two ways (socket.bpf.c,
 * syscall.bpf.c) fill the record's socket and position and call
 * transfer_run().
 */
#ifndef HARK_BPF_TRANSFER_H
#define HARK_BPF_TRANSFER_H

#include "tls.h"

/*
 * The kernel changes a byte count and its sequence number one after the other
 * while acknowledgements and data come in on another processor. Both are read
 * twice; unless both stood still the offset is not known.
 */
struct counter_pair {
	__u64 bytes, bytes_again;
	__u32 number, number_again;
};

static __always_inline bool counter_pair_steady(const struct counter_pair *p)
{
	return p->bytes == p->bytes_again && p->number == p->number_again;
}

/* A FIN in order is counted in both numbers (tcp_rcv_nxt_update()), so their difference does not know it. */
static __always_inline void offset_received(struct event_data *r, const struct counter_pair *received)
{
	if (!counter_pair_steady(received))
		return;
	r->offset = received->bytes - (__u32)(received->number - (__u32)r->pos);
	r->h.flags |= EVENT_OFFSET_KNOWN;
}

/* snd_una less bytes_acked is the first byte's number, or one less where the SYN was counted. */
static __always_inline void offset_sent(struct event_data *r, const struct counter_pair *acked)
{
	if (acked->bytes >= 0x7fffffff || !counter_pair_steady(acked))
		return;
	r->offset = (__u32)((__u32)r->pos - (acked->number - (__u32)acked->bytes));
	if (r->offset <= 1)
		r->offset = 0;
	r->h.flags |= EVENT_OFFSET_KNOWN;
}

/* The innermost of this goroutine, whose address stands in the registers; NULL: none, or no Go program. */
static __always_inline struct tls_call *go_call_of(__u32 pid, __u64 goroutine)
{
	__u64 key = go_key(goroutine, pid);
	struct go_calls *calls = bpf_map_lookup_elem(&go_calls, &key);

	if (!calls || !calls->call[0].ssl)
		return 0;
	return calls->call[1].ssl ? &calls->call[1] : &calls->call[0];
}

/* The innermost of the thread's own; NULL: none at this stack pointer. */
static __always_inline struct tls_call *thread_call_of(__u64 thread, struct tls_call *outer, __u64 user_sp)
{
	struct tls_call *call = outer;
	__u64 level;

	if (outer->shared || !sp_within(user_sp, outer))
		return 0;
	if (outer->inner)
		call = tls_call_innermost(thread, outer, &level);
	return sp_within(user_sp, call) ? call : outer;
}

/*
 * The call in which a transfer happens, the innermost of them. NULL: in none. user_sp 0: it is known that
 * there is none. With a stack of its own: before Linux 6.8 syscall_exit has none left.
 */
static __noinline struct tls_call *tls_call_around(__u64 user_sp)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct tls_call *outer;
	struct pt_regs *user;

	if (!user_sp)
		return 0;
	outer = tls_call_outermost(thread);
	if (outer)
		return thread_call_of(thread, outer, user_sp);
	if (!settings.go || !go_listens)
		return 0;
	user = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return go_call_of(thread >> 32, GO_GOROUTINE(user));
}

/* A system call as it stands in the registers. */
struct syscall_regs {
	__u64 arg[5];
	__u64 sp;
	__u32 nr;
	__u32 compat; /* the caller is 32-bit: nr and arg mean other things */
};

static __always_inline void syscall_regs_fill(struct syscall_regs *out, const struct pt_regs *user,
					      __u32 compat_word)
{
	out->nr = SYSCALL_NR(user);
	out->arg[0] = SYSCALL_FIRST(user);
	out->arg[1] = SYSCALL_SECOND(user);
	out->arg[2] = SYSCALL_THIRD(user);
	out->arg[3] = SYSCALL_FOURTH(user);
	out->arg[4] = SYSCALL_FIFTH(user);
	out->sp = user->sp;
	out->compat = compat_word & TASK_COMPAT_BIT;
}

/* The direction of the calls whose first argument is the socket; -1 for all others. */
static __always_inline int syscall_direction(__u32 nr)
{
	switch (nr) {
	case NR_READ:
	case NR_READV:
	case NR_PREADV2:
	case NR_RECVFROM:
	case NR_RECVMSG:
	case NR_RECVMMSG:
		return DIRECTION_RECEIVED;
	case NR_WRITE:
	case NR_WRITEV:
	case NR_PWRITEV2:
	case NR_SENDTO:
	case NR_SENDMSG:
	case NR_SENDMMSG:
	case NR_SENDFILE:
		return DIRECTION_SENT;
	}
	return -1;
}

/* Points the capture at the user buffers of the call; a call without any leaves a hole. */
static __always_inline void buffers_find(struct capture *c, const struct syscall_regs *regs)
{
	__u64 vectors[2]; /* iov, iov_count and no more: with what it calls, syscall_exit has 512 bytes of
			     stack */

	switch (regs->nr) {
	case NR_READ:
	case NR_WRITE:
	case NR_RECVFROM:
	case NR_SENDTO:
		c->range = regs->arg[1];
		c->range_bytes = regs->arg[2];
		return;
	case NR_READV:
	case NR_WRITEV:
	case NR_PREADV2:
	case NR_PWRITEV2:
		c->vectors = regs->arg[1];
		c->vector_count = regs->arg[2];
		return;
	case NR_SENDMSG:
	case NR_RECVMSG:
		if (bpf_probe_read_user(
			    vectors, sizeof(vectors),
			    (void *)(regs->arg[1] + __builtin_offsetof(struct user_msghdr, iov))) < 0) {
			kernel_count(KC_FAULTS, 1);
			c->hole = HOLE_FAULT;
			return;
		}
		c->vectors = vectors[0];
		c->vector_count = vectors[1];
		return;
	case NR_SENDMMSG:
	case NR_RECVMMSG:
		return; /* the two ways differ */
	}
	c->hole = HOLE_KERNEL;
}

/*
 * A closed socket has lost its port. Of one that has the other port of a filter, or none of them, nobody can
 * tell whether it was asked for; that it was closed has been told already.
 */
static __always_inline bool end_wanted(const struct event_socket *s)
{
	if (!socket_wanted(s))
		return false;
	return !settings.filter_ports || s->state != TCP_CLOSE || port_wanted(s->local_port) ||
	       port_wanted(s->peer_port);
}

/* An end of the direction, or a reset, without bytes. */
static __always_inline void transfer_end(struct event_data *record, __u16 flag)
{
	if (!end_wanted(&record->sock))
		return;
	record->h.flags |= flag;
	submit_bare(record);
}

/* Whether it is known where the transfer's bytes stand, from here on. */
static __always_inline bool buffers_known(struct capture *c, const struct syscall_regs *regs)
{
	if (regs->compat || c->hole != HOLE_NONE)
		return false;
	if (!c->found)
		buffers_find(c, regs);
	c->found = 1;
	return c->hole == HOLE_NONE;
}

/* Copies the first of those bytes. 0, or -1: they cannot be had in one piece. */
static __always_inline int first_copy(const struct capture *c, __u8 *first, __u32 count)
{
	struct user_iovec vector;
	__u64 at = c->range;

	if (!at) {
		if (!c->vector_count || bpf_probe_read_user(&vector, sizeof(vector), (void *)c->vectors) < 0)
			return -1;
		at = vector.base;
		if (vector.len < count)
			return -1;
	}
	return bpf_probe_read_user(first, count, (void *)at) < 0 ? -1 : 0;
}

static __always_inline int first_bytes(struct capture *c, const struct syscall_regs *regs, __u8 *first,
				       __u32 count)
{
	return buffers_known(c, regs) ? first_copy(c, first, count) : -1;
}

#define CHANGE_CIPHER_SPEC 20 /* a record of 6 bytes that means nothing in TLS 1.3 */
#define APPLICATION_DATA   23
#define END_OF_EARLY_DATA  5 /* with its type, without the cipher's tag of 16 or 8 bytes */

/*
 * The record that the client sends once the server answered tells whether its early data was taken: then and
 * only then the first encrypted record is EndOfEarlyData (RFC 8446, 4.5), which is shorter than any Finished.
 * A second hello follows a HelloRetryRequest.
 */
static __always_inline void early_watch(struct capture *c, const struct syscall_regs *regs,
					struct kernel_session *session, struct tls_call *call, __u32 bytes)
{
	__u8 first[16] = {}, type;
	__u32 length;
	bool taken;

	if (c->record.direction == DIRECTION_RECEIVED) {
		session->early = EARLY_ANSWERED;
		return;
	}
	if (session->early != EARLY_ANSWERED || bytes < 11 || first_bytes(c, regs, first, 11) < 0)
		return;
	if (first[0] == CHANGE_CIPHER_SPEC) {
		type = first[6];
		length = first[9] << 8 | first[10];
	} else {
		type = first[0];
		length = first[3] << 8 | first[4];
	}
	taken = type == APPLICATION_DATA &&
		(length == END_OF_EARLY_DATA + 16 || length == END_OF_EARLY_DATA + 8);
	session->early = EARLY_NONE;
	if (!taken) { /* as if it had never been written */
		session->count[DIRECTION_SENT] = 0;
		session->unwanted[DIRECTION_SENT].untold_ns = 0;
	}
	tls_early_tell(session, call, taken);
}

/* By sendmsg(2) and recvmsg(2) records of other types may pass: alerts, tickets, updates of keys. */
static __always_inline bool ktls_is_control(__u64 message)
{
	__u64 control[2]; /* its address and length */
	struct user_cmsghdr first;

	if (!message ||
	    bpf_probe_read_user(control, sizeof(control),
				(void *)(message + __builtin_offsetof(struct user_msghdr, control))) < 0)
		return false;
	if (control[1] < USER_CMSGHDR_BYTES + 1 ||
	    bpf_probe_read_user(&first, USER_CMSGHDR_BYTES + 1, (void *)control[0]) < 0)
		return false;
	return first.level == SOL_TLS && first.data[0] != APPLICATION_DATA;
}

/*
 * Kernel TLS: from setsockopt(SOL_TLS) on the transfers of that direction move plaintext, and their functions
 * are other ones than TCP's. sk: of a TCP socket. message: the user address of the call's struct msghdr; 0:
 * it has none. Returns the source of what was moved: SOURCE_KERNEL_TLS; SOURCE_UNKNOWN of what is no data of
 * the connection; else `source`.
 *
 * A global function: it has a stack of its own, for its callers have none left before Linux 6.8, and the
 * verifier looks at it once, without following each of its results through the rest of the caller. Before
 * Linux 5.12 such a function takes no pointers.
 */
__weak __noinline int ktls_source(__u64 sk, __u32 direction, __u64 message, __u32 source)
{
	struct inet_connection_sock *connection = (void *)sk;
	const struct tcp_ulp_ops *ulp = BPF_CORE_READ(connection, icsk_ulp_ops);
	struct sock *common = (void *)sk;
	struct proto *now, *made;
	__u32 name = 0;

	if (!ulp || bpf_core_read(&name, sizeof(name), &ulp->name) < 0 || name != *(const __u32 *)"tls")
		return source;
	now = BPF_CORE_READ(common, __sk_common.skc_prot);
	made = BPF_CORE_READ(common, sk_prot_creator);
	if (direction == DIRECTION_SENT ? BPF_CORE_READ(now, sendmsg) == BPF_CORE_READ(made, sendmsg)
					: BPF_CORE_READ(now, recvmsg) == BPF_CORE_READ(made, recvmsg))
		return source;
	return ktls_is_control(message) ? SOURCE_UNKNOWN : SOURCE_KERNEL_TLS;
}

static __always_inline __u64 message_of_call(const struct syscall_regs *regs)
{
	return !regs->compat && (regs->nr == NR_SENDMSG || regs->nr == NR_RECVMSG) ? regs->arg[1] : 0;
}

static __always_inline bool is_ktls(const struct event_data *record)
{
	return record->source == SOURCE_KERNEL_TLS;
}

/* The record is of a session with the socket's address in the place of a TLS object's, where no program has
 * any. */
static __always_inline void ktls_name(struct event_data *record, __u16 type)
{
	record->h.type = type;
	record->h.flags &= ~(EVENT_POS_SEQ32 | EVENT_OFFSET_KNOWN | EVENT_REACHED);
	record->source = SOURCE_KERNEL_TLS;
	record->ssl = record->sock.sk;
	generation_fill(record, record->sock.id);
}

/*
 * Plaintext of kernel TLS. pos is a count's: the socket's own numbers are those of what the kernel makes of
 * it. With a stack of its own. Always 0.
 */
static __noinline int ktls_turn(struct capture *c, __u64 pos, __u32 bytes)
{
	struct skip_key key = { .id = c->record.sock.sk,
				.generation = c->record.sock.id & EVENT_GENERATION_MASK,
				.pid = c->record.h.pid,
				.direction = c->record.direction };

	ktls_name(&c->record, EVENT_TLS_DATA);
	c->record.offset = 0;
	c->record.pos = pos;
	if (bytes >= SKIP_WORTH_BYTES)
		c->drop = skip_wanted(&key, &c->record, bytes, false, &c->amid);
	return 0;
}

/* A transfer was this session's ciphertext. */
static __always_inline void ciphertext_moved(struct kernel_session *session, struct tls_call *call,
					     __u8 direction, __u32 bytes)
{
	if (direction == DIRECTION_SENT)
		call->sent_ns = bpf_ktime_get_ns();
	else
		session->received = 1;
	if (socket_wanted(&session->sock)) /* a closed socket lost its ports */
		kernel_count(KC_BYTES_CIPHERTEXT, bytes);
}

/*
 * A transfer inside a TLS call. True: it was that session's ciphertext, which is counted and tells the
 * session's socket. False: a callback's own, to be taken as any other.
 */
static __always_inline bool transfer_nested(struct capture *c, const struct syscall_regs *regs,
					    struct tls_call *call, __u32 bytes)
{
	struct kernel_session *session = session_of_call(call);
	__u8 first[RECORD_HEADER + 3] = {};

	if (!session)
		return false;
	if (session->sock.id != c->record.sock.id) {
		if (!is_ktls(&c->record) &&
		    (bytes < RECORD_HEADER || first_bytes(c, regs, first, RECORD_HEADER) < 0))
			return false;
		if (!session_uses(session, call, first, &c->record))
			return false;
		session_bind(session, call, &c->record);
		if (call->kind == TLS_TRANSPORT && first[0] == RECORD_HANDSHAKE)
			session->from_start = !session->count[0] && !session->count[1];
	}
	if (session->early)
		early_watch(c, regs, session, call, bytes);
	ciphertext_moved(session, call, c->record.direction, bytes);
	call->settled = session_settled(session);
	return true;
}

/* The session's socket is that of `record`: tells so. */
static __always_inline void ciphertext_tell(const struct event_data *record,
					    const struct ciphertext_owner *owner, __u8 library)
{
	struct event_data *e;

	if (!socket_wanted(&record->sock))
		return;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		kernel_count_lost();
		return;
	}
	__builtin_memcpy(e, record, sizeof(*e));
	e->h.type = EVENT_TLS_BIND;
	e->h.size = sizeof(*e);
	e->ssl = owner->ssl;
	e->source = library;
	e->len = 0;
	e->copied = 0;
	generation_fill(e, owner->generation);
	kernel_count(KC_EVENTS_SUBMITTED, 1);
	bpf_ringbuf_submit(e, wake_sleeper());
}

/*
 * Is what the socket sends the encrypted record that a session of this process made (tls_ciphertext)? Then it
 * is that session's socket. With a stack of its own, for its callers have none left. Always 0.
 */
static __noinline int ciphertext_find(const struct capture *c)
{
	__u8 first[RECORD_HEADER + 3 + CIPHERTEXT_BYTES] = {};
	struct ciphertext_key key = { .pid = bpf_get_current_pid_tgid() >> 32 };
	struct session_key session_key = { .pid = key.pid };
	struct kernel_session *session;
	struct ciphertext_owner *owner;

	if (first_copy(c, first, RECORD_HEADER + CIPHERTEXT_BYTES) < 0 ||
	    tls_record_type(first) != APPLICATION_DATA)
		return 0;
	__builtin_memcpy(key.bytes, first + RECORD_HEADER, CIPHERTEXT_BYTES);
	owner = bpf_map_lookup_elem(&ciphertexts, &key);
	if (!owner)
		return 0;
	session_key.ssl = owner->ssl;
	session = bpf_map_lookup_elem(&sessions, &session_key);
	if (session && session->generation == owner->generation && !session->sock.id) {
		session->sock = c->record.sock;
		ciphertext_tell(&c->record, owner, session->library);
	}
	bpf_map_delete_elem(&ciphertexts, &key);
	return 0;
}

/*
 * The verifier follows each way through a program with all that it knows of every number: ways that set one
 * differently stay apart to the end. What it has forgotten is the same on all of them. unknown: any number
 * that it does not know. Returns `number`.
 */
static __always_inline __u64 verifier_forgets(__u64 number, __u64 unknown)
{
	asm volatile("%0 ^= %1\n%0 ^= %1" : "+r"(number) : "r"(unknown));
	return number;
}

/* Numbers that the ways to transfer_run() have set. */
static __always_inline void transfer_forget(struct capture *c, __u64 unknown)
{
	c->no_ulp = verifier_forgets(c->no_ulp, unknown);
	c->hole = verifier_forgets(c->hole, unknown);
	c->record.h.flags = verifier_forgets(c->record.h.flags, unknown);
	c->record.sock.fd = verifier_forgets(c->record.sock.fd, unknown);
	c->record.offset = verifier_forgets(c->record.offset, unknown);
	c->vectors = verifier_forgets(c->vectors, unknown);
	c->vector_count = verifier_forgets(c->vector_count, unknown);
}

/* Numbers that the ways through it to the capture have set. */
static __always_inline void buffers_forget(struct capture *c, __u64 unknown)
{
	c->hole = verifier_forgets(c->hole, unknown);
	c->snap = verifier_forgets(c->snap, unknown);
	c->drop = verifier_forgets(c->drop, unknown);
	c->range = verifier_forgets(c->range, unknown);
	c->range_bytes = verifier_forgets(c->range_bytes, unknown);
}

/* Who follows a socket's position without records (`placed`): */
enum transfer_place {
	PLACE_NOWHERE, /* user space alone, for each transfer leaves a record */
	PLACE_AGAIN,   /* the kernel side, if it does already */
	PLACE,	       /* the kernel side */
};

/* Decides and captures. */
static __always_inline enum transfer_place transfer_here(struct capture *c, const struct syscall_regs *regs,
							 __u32 bytes, enum capture_form form)
{
	struct event_data *record = &c->record;
	struct tls_call *call = regs->sp ? tls_call_around(regs->sp) : 0;
	enum transfer_place place = PLACE_NOWHERE;
	__u32 *mark;

	if (record->sock.protocol == IPPROTO_TCP && !c->no_ulp)
		record->source = ktls_source(record->sock.sk, record->direction, message_of_call(regs),
					     record->source);
	if (call && transfer_nested(c, regs, call, bytes))
		return PLACE_AGAIN;
	if (ciphertext_listens && record->direction == DIRECTION_SENT &&
	    bytes >= RECORD_HEADER + CIPHERTEXT_BYTES && buffers_known(c, regs))
		ciphertext_find(c);
	/* Not before: a session has to know its socket, for its plaintext is judged by that. */
	if (!socket_wanted(&record->sock))
		return PLACE_NOWHERE;
	if (record->source == SOURCE_UNKNOWN) {
		kernel_count(KC_BYTES_CIPHERTEXT, bytes);
		return PLACE_AGAIN;
	}
	mark = bpf_map_lookup_elem(&marks, &record->sock.id);
	if (mark && (*mark & KM_PLACED))
		place = PLACE;
	if (is_ktls(record)) {
		ktls_turn(c, count_claim(record->sock.id, record->direction, bytes, form), bytes);
	} else if (mark && (*mark & KM_CIPHERTEXT)) {
		kernel_count(KC_BYTES_CIPHERTEXT, bytes);
		return place;
	} else if (mark && (*mark & (KM_MUTED_SENT << (record->direction & 1)))) {
		kernel_count_unwanted(bytes);
		return place;
	} else if (mark && (*mark & KM_SKIP)) {
		struct skip_key key = { .id = record->sock.id, .direction = record->direction };

		c->drop = skip_wanted(&key, record, bytes, record->h.flags & EVENT_POS_SEQ32, &c->amid);
		if (c->drop == SKIP_UNTOLD)
			return place;
	}
	c->left = bytes;
	c->part = c->message_count ? 0 : bytes; /* mmsghdr: each message has its own */
	c->snap = settings.snaplen_bytes;
	if (regs->compat) {
		kernel_count(KC_COMPAT, 1);
		c->hole = HOLE_COMPAT;
	}
	if (c->hole == HOLE_NONE && !c->found)
		buffers_find(c, regs);
	if (c->hole != HOLE_NONE)
		c->snap = 0;
	if (form != CAPTURE_APART) { /* nothing is behind that */
		buffers_forget(c, regs->sp);
		place = verifier_forgets(place, regs->sp);
	}
	capture_run(c, form);
	return place;
}

/* A global function, as capture_apart(). */
__weak __noinline int transfer_apart(struct capture *c, const struct syscall_regs *regs, __u32 bytes)
{
	return c && regs ? transfer_here(c, regs, bytes, CAPTURE_APART) : PLACE_NOWHERE;
}

/* c->record holds the header, the socket, direction and position; `bytes` were moved. */
static __always_inline enum transfer_place transfer_run(struct capture *c, const struct syscall_regs *regs,
							__u32 bytes, enum capture_form form)
{
	if (form == CAPTURE_APART)
		return transfer_apart(c, regs, bytes);
	transfer_forget(c, regs->sp);
	return transfer_here(c, regs, bytes, form);
}

#endif

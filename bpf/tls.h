/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The TLS calls around a socket transfer, as far as that has to know them. A
 * transfer is nested in a TLS call of its thread when its user stack pointer
 * lies below the call's, on the same stack. Callbacks talk to other sockets
 * from inside such a call, so that alone does not make it the session's: it is
 * on the session's own socket, or none is known yet and it moves TLS records
 * that agree with the call. A binding once proven changes only on proof.
 */
#ifndef HARK_BPF_TLS_H
#define HARK_BPF_TLS_H

#include "capture.h"

/* The address in a probed return's slot on the stack while the call is under way. */
static __always_inline __u64 trampoline(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, mm, uprobes_state.xol_area, vaddr);
}

/* Is the call whose return address stands at sp under way, with its return probed by anybody? */
static __always_inline bool return_is_armed(__u64 sp)
{
	__u64 slot = 0;

	if (bpf_probe_read_user(&slot, sizeof(slot), (void *)sp) < 0)
		return false;
	return slot == trampoline();
}

static __always_inline bool tls_call_armed(const struct tls_call *call)
{
	return return_is_armed(call->sp);
}

static __always_inline struct tls_call *tls_call_at(__u64 thread, __u64 level)
{
	struct tls_call_key key = { .thread = thread, .level = level };

	return bpf_map_lookup_elem(&tls_calls, &key);
}

/* NULL: the thread is in none. */
static __always_inline struct tls_call *tls_call_outermost(__u64 thread)
{
	struct tls_call *outer = tls_call_at(thread, 0);

	return outer && outer->ssl ? outer : 0;
}

static __always_inline bool sp_within(__u64 sp, const struct tls_call *call)
{
	return sp < call->sp && call->sp - sp <= STACK_NEAR_BYTES;
}

/*
 * The innermost call under way of those in `outer`, this one included. A call that was left without a return
 * (longjmp) shows by its slot. *level: where it stands.
 */
static __always_inline struct tls_call *tls_call_innermost(__u64 thread, struct tls_call *outer, __u64 *level)
{
	/* Written out: Linux 5.10 and 6.1 take no loop that begins right behind a call. */
#pragma unroll
	for (int i = TLS_CALLS_MAX - 1; i > 0; i--) {
		struct tls_call *call;

		if (i > outer->inner)
			continue;
		call = tls_call_at(thread, i);
		*level = i;
		if (call && tls_call_armed(call))
			return call;
	}
	*level = 0;
	return outer;
}

/*
 * A goroutine of a process, exactly: it is an object of the heap, aligned to 32 bytes and in the lower half
 * of 48 bits, and a process number has 22.
 */
static __always_inline __u64 go_key(__u64 goroutine, __u32 pid)
{
	return goroutine >> 5 ^ (__u64)pid << 42;
}

static const struct kernel_session session_fresh = { .sock = { .fd = -1 }, .hint = -1 };

/*
 * Another one for each program that ever ran: a pid is used again, and exec keeps it while every object is
 * gone. Forked children have their objects at the same addresses, so what one left behind must not be taken
 * for another's.
 */
static __always_inline __u64 process_identity(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, group_leader, start_time) + BPF_CORE_READ(task, self_exec_id);
}

/* The same where the kernel knows the type of what is read (Linux 5.11): loads instead of three calls. */
static __always_inline __u64 process_identity_load(struct task_struct *task)
{
	return task->group_leader->start_time + task->self_exec_id;
}

/* bpf_get_current_pid_tgid() of such a task. */
static __always_inline __u64 thread_load(const struct task_struct *task)
{
	return (__u64)task->tgid << 32 | (__u32)task->pid;
}

/* No two sessions at one address begin within 16 us: between them lies a whole handshake. */
static __always_inline __u64 generation_now(void)
{
	return (bpf_ktime_get_ns() >> 14) & EVENT_GENERATION_MASK;
}

static __always_inline void generation_fill(struct event_data *record, __u64 generation)
{
	record->generation[0] = generation;
	record->generation[1] = generation >> 8;
	record->generation[2] = generation >> 16;
	record->generation[3] = generation >> 24;
	record->generation[4] = generation >> 32;
}

/* The session of a call under way in this process; NULL: it was freed inside it, or had to make room. */
static __always_inline struct kernel_session *session_of_call_in(const struct tls_call *call, __u32 pid)
{
	struct session_key key = { .ssl = call->ssl, .pid = pid };
	struct kernel_session *session = bpf_map_lookup_elem(&sessions, &key);

	return session && session->generation == call->generation ? session : 0;
}

/*
 * The socket on which transfers inside a call of this session are surely its ciphertext, and change nothing
 * that the session knows. 0: none.
 */
static __always_inline __u64 session_settled(const struct kernel_session *session)
{
	bool settled = session->received && !session->early && session->sock.protocol == IPPROTO_TCP &&
		       socket_wanted(&session->sock);

	return settled ? session->sock.id : 0;
}

static __always_inline struct kernel_session *session_of_call(const struct tls_call *call)
{
	return session_of_call_in(call, bpf_get_current_pid_tgid() >> 32);
}

/*
 * At a call's entry: finds the session, or makes one with a generation of its own. pid, owner: the process's
 * number and identity. NULL: no room.
 */
static __always_inline struct kernel_session *session_claim(__u64 ssl, __u32 pid, __u8 library, __u64 owner)
{
	struct session_key key = { .ssl = ssl, .pid = pid };
	struct kernel_session *session = bpf_map_lookup_elem(&sessions, &key);

	if (session && session->owner == owner)
		return session;
	if (bpf_map_update_elem(&sessions, &key, &session_fresh, BPF_ANY) < 0)
		kernel_count(KC_MAP_FULL, 1);
	session = bpf_map_lookup_elem(&sessions, &key);
	if (!session)
		return 0;
	session->owner = owner;
	session->library = library;
	session->generation = generation_now();
	return session;
}

/* Tells the fate of early data. */
static __noinline void tls_early_submit(__u64 ssl, __u64 generation, __u8 library, bool taken)
{
	struct event_data *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		kernel_count_lost();
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->h, EVENT_TLS_EARLY, taken ? EVENT_EARLY : 0);
	e->h.size = sizeof(*e);
	e->sock.fd = -1;
	e->ssl = ssl;
	e->source = library;
	generation_fill(e, generation);
	kernel_count(KC_EVENTS_SUBMITTED, 1);
	bpf_ringbuf_submit(e, wake_sleeper());
}

static __always_inline void tls_early_tell(const struct kernel_session *session, const struct tls_call *call,
					   bool taken)
{
	if (socket_wanted(&session->sock))
		tls_early_submit(call->ssl, call->generation, call->library, taken);
}

static __always_inline bool kind_is_handshake(__u32 kind)
{
	return kind == TLS_HANDSHAKE;
}

static __always_inline __u8 kind_direction(__u32 kind)
{
	return kind <= TLS_READ_OR_PEEK || kind == TLS_PEEK || kind == TLS_READ_APART ? DIRECTION_RECEIVED
										      : DIRECTION_SENT;
}

#define RECORD_HEADER	 5
#define RECORD_HANDSHAKE 22

/*
 * Does a TLS record begin here (RFC 8446, 5.1; RFC 5246, 6.2.3: at
 * most 2 KiB more than 16)? Its type; 0: no.
 */
static __always_inline __u8 tls_record_type(const __u8 header[RECORD_HEADER])
{
	__u32 length = header[3] << 8 | header[4];

	if (header[0] < 20 || header[0] > 23 || header[1] != 3 || header[2] > 4 || length > 16384 + 2048)
		return 0;
	return header[0];
}

/*
 * May a transfer that begins with a record of this type be the first that is seen of this session? The
 * direction is the call's own, but for a handshake, which takes turns, in its own call or in the first one of
 * a session.
 */
static __always_inline bool record_agrees(const struct kernel_session *session, const struct tls_call *call,
					  __u8 type, __u8 direction)
{
	if (kind_is_handshake(call->kind) || kind_direction(call->kind) == direction)
		return true;
	return type == RECORD_HANDSHAKE && !session->count[0] && !session->count[1];
}

/*
 * A session that is bound goes over to another socket when the program hands it that one by SSL_set_fd(), or
 * when it begins a new handshake there, in a call for that: the object was cleared for another connection, or
 * (rustls, which makes no handshake twice) another object stands there.
 */
static __always_inline bool session_moves(const struct kernel_session *session, const struct tls_call *call,
					  __u8 type, const struct event_data *record)
{
	if (call->library >= TLS_TRIAL_ENDLESS) /* it may be another one at the address of one that is gone */
		return type && record_agrees(session, call, type, record->direction);
	if (session->hinted)
		return session->hint == record->sock.fd;
	if (call->kind == TLS_TRANSPORT)
		return type == RECORD_HANDSHAKE;
	return type == RECORD_HANDSHAKE && kind_is_handshake(call->kind) &&
	       (session->count[0] || session->count[1]) && (record->h.flags & EVENT_OFFSET_KNOWN) &&
	       record->offset == 0;
}

/* Is this transfer, whose first bytes are `first` and on another socket than known, the session's all the
 * same? */
static __always_inline bool session_uses(const struct kernel_session *session, const struct tls_call *call,
					 const __u8 first[RECORD_HEADER], const struct event_data *record)
{
	__u8 type = tls_record_type(first);

	if (session->sock.id)
		return session_moves(session, call, type, record);
	if (session->hint >= 0 && record->sock.fd >= 0)
		return session->hint == record->sock.fd;
	if (record->source == SOURCE_KERNEL_TLS) /* what the call moves itself: no record begins with it */
		return !kind_is_handshake(call->kind) && kind_direction(call->kind) == record->direction;
	return type && record_agrees(session, call, type, record->direction);
}

/* The session is on the socket of `record` from here on, which becomes the record that says so. */
static __always_inline void session_bind(struct kernel_session *session, struct tls_call *call,
					 struct event_data *record)
{
	if (session->sock.id) { /* another conversation than the one before */
		session->generation = call->generation = generation_now();
		session->count[0] = session->count[1] = 0;
		session->unwanted[0].untold_ns = session->unwanted[1].untold_ns = 0;
		session->from_start = 0;
	}
	session->sock = record->sock;
	session->hinted = 0;
	if ((record->h.flags & EVENT_OFFSET_KNOWN) && record->offset == 0)
		session->from_start = 1;
	if (!socket_wanted(&record->sock))
		return;
	record->h.type = EVENT_TLS_BIND;
	record->source = call->library;
	record->ssl = call->ssl;
	generation_fill(record, call->generation);
	record->len = 0;
	record->copied = 0;
	submit_bare(record);
}

#endif

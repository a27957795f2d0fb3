// SPDX-License-Identifier: GPL-2.0
/*
 * OpenSSL calls: what was asked at the entry, what moved at the return (D4).
 *
 * A return probe rewrites the return address on the thread's stack. A program
 * that switches stacks inside the call (a coroutine in a BIO) would make a
 * second entry look to the kernel as if the first had been left by longjmp;
 * the kernel forgets the first, whose return then kills the program. So at
 * most one return is armed a thread: the session program (Linux 6.13) refuses
 * the second, and that call leaves a hole of unknown size. Where sessions do
 * not exist the entry program reports the case and user space takes the
 * return probes off.
 *
 * Whether the first is still under way is asked of the stack itself: its
 * return slot then still holds the address of the kernel's trampoline.
 */
#include "tls.h"
#include <bpf/bpf_tracing.h>

static __always_inline __u64 trampoline(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, mm, uprobes_state.xol_area, vaddr);
}

static __always_inline bool call_pending(const struct tls_call *call)
{
	__u64 slot = 0;

	if (bpf_probe_read_user(&slot, sizeof(slot), (void *)call->sp) < 0)
		return false;
	return slot == trampoline();
}

static __always_inline bool kind_moves(__u32 kind)
{
	return kind <= TLS_WRITE_EX2 || kind == TLS_SENDFILE;
}

static __always_inline __u8 kind_direction(__u32 kind)
{
	return kind == TLS_READ || kind == TLS_READ_EX ? DIRECTION_RECEIVED : DIRECTION_SENT;
}

/* A record without payload about this TLS object, made in the ring itself; NULL: the ring is full. */
static __always_inline struct event_data *tls_record(__u16 type, __u16 flags, __u64 ssl,
						     const struct tls_session *session)
{
	struct event_data *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		kernel_count(KC_EVENTS_LOST, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->h, type, flags);
	e->h.size = sizeof(*e);
	e->sock = session->sock;
	generation_fill(e, session->generation);
	e->ssl = ssl;
	e->source = SOURCE_OPENSSL;
	kernel_count(KC_EVENTS_SUBMITTED, 1);
	return e;
}

static __noinline int tls_bare(__u16 type, __u64 ssl, __u8 direction)
{
	struct session_key key = { .ssl = ssl, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct tls_session *session = bpf_map_lookup_elem(&sessions, &key);
	struct event_data *e;

	if (!session || (type != EVENT_STACK_SWITCH && !socket_wanted(&session->sock)))
		return 0;
	e = tls_record(type, 0, ssl, session);
	if (!e)
		return 0;
	e->direction = direction;
	bpf_ringbuf_submit(e, type == EVENT_STACK_SWITCH ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
	return 0;
}

/* A call that begins while another of this thread is under way. */
static __always_inline void entry_nested(struct tls_call *call, __u64 ssl, __u32 kind, __u64 sp, bool single)
{
	bool near = sp < call->sp && call->sp - sp < STACK_NEAR_BYTES;

	if (near && call->ssl == ssl)
		return; /* a public function that calls another */
	if (!near) {
		call->shared = 1;
		if (!single)
			tls_bare(EVENT_STACK_SWITCH, ssl, kind_direction(kind));
	}
	if (!kind_moves(kind))
		return;
	kernel_count(KC_RETURNS_REFUSED, 1);
	tls_bare(EVENT_TLS_REFUSED, ssl, kind_direction(kind));
}

static __always_inline void call_fill(struct tls_call *call, struct pt_regs *ctx, __u32 kind)
{
	__u64 fourth = PT_REGS_PARM4(ctx), fifth = PT_REGS_PARM5(ctx);

	/* Both are loaded here: the verifier takes no load through a chosen register. */
	opaque(fourth);
	opaque(fifth);
	call->ssl = PT_REGS_PARM1(ctx);
	call->buffer = PT_REGS_PARM2(ctx);
	call->size = PT_REGS_PARM3(ctx);
	if (kind == TLS_READ_EX || kind == TLS_WRITE_EX)
		call->done = fourth;
	else if (kind == TLS_WRITE_EX2)
		call->done = fifth;
	call->sp = PT_REGS_SP(ctx);
	call->start_ns = bpf_ktime_get_ns();
	call->kind = kind;
}

/* A handshake that begins before the session did anything. */
static __always_inline void handshake_seen(struct tls_session *session, __u64 now)
{
	if (session->used)
		return;
	session->handshake_ns = now;
	session->from_start = 1;
}

static __always_inline void session_end(__u64 ssl)
{
	struct session_key key = { .ssl = ssl, .pid = bpf_get_current_pid_tgid() >> 32 };

	if (!bpf_map_lookup_elem(&sessions, &key))
		return;
	tls_bare(EVENT_TLS_FREE, ssl, 0);
	bpf_map_delete_elem(&sessions, &key);
}

/* SSL_set_fd and its kin: a hint until the first nested transfer tells the socket itself. */
static __always_inline void fd_hint(struct tls_session *session, __s32 fd)
{
	if (!session->sock.id)
		session->sock.fd = fd;
}

/* 0: follow the return of this call; 1: do not. */
static __always_inline int tls_entry(struct pt_regs *ctx, __u32 kind, bool single)
{
	__u64 thread = bpf_get_current_pid_tgid(), ssl = PT_REGS_PARM1(ctx), sp = PT_REGS_SP(ctx);
	struct tls_call fresh = {}, *call;
	struct tls_session *session;

	if (!tls_listens || !process_wanted(thread >> 32) || !ssl)
		return 1;
	if (kind == TLS_FREE) {
		session_end(ssl);
		return 1;
	}
	session = session_claim(ssl);
	if (!session)
		return 1;
	if (kind == TLS_SET_FD) {
		fd_hint(session, PT_REGS_PARM2(ctx));
		return 1;
	}
	call = bpf_map_lookup_elem(&calls, &thread);
	if (call && call_pending(call)) {
		entry_nested(call, ssl, kind, sp, single);
		return 1;
	}
	if (call)
		kernel_count(KC_RETURNS_STALE, 1);
	call_fill(&fresh, ctx, kind);
	fresh.generation = session->generation;
	if (kind == TLS_HANDSHAKE)
		handshake_seen(session, fresh.start_ns);
	session->used = 1;
	if (bpf_map_update_elem(&calls, &thread, &fresh, BPF_ANY) < 0) {
		kernel_count(KC_MAP_FULL, 1);
		if (kind_moves(kind)) {
			kernel_count(KC_RETURNS_REFUSED, 1);
			tls_bare(EVENT_TLS_REFUSED, ssl, kind_direction(kind));
		}
		return 1;
	}
	return 0;
}

/* How many bytes the call moved; 0: none. */
static __always_inline __u64 call_moved(const struct tls_call *call, __s64 result)
{
	__u64 done = 0;

	if (call->kind == TLS_SENDFILE)
		return result > 0 ? result : 0;
	if ((__s32)result <= 0)
		return 0;
	if (!call->done)
		return (__u32)result;
	if (bpf_probe_read_user(&done, sizeof(done), (void *)call->done) < 0) {
		kernel_count(KC_FAULTS, 1);
		return 0;
	}
	return done;
}

static __always_inline void handshake_done(const struct tls_call *call, __s64 result)
{
	struct tls_session *session = session_of_call(call);
	struct event_data *e;

	if (!session || !session->handshake_ns || (__s32)result != 1 || !socket_wanted(&session->sock))
		return;
	e = tls_record(EVENT_TLS_BIND, EVENT_FROM_START, call->ssl, session);
	if (!e)
		return;
	e->offset = session->handshake_ns; /* with EVENT_FROM_START: when the handshake began */
	session->handshake_ns = 0;
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

/* How many of the call's bytes user space does not want. */
static __always_inline __u32 plaintext_unwanted(const struct tls_call *call, __u8 direction, __u64 pos,
						__u32 moved)
{
	struct skip_key key = { .id = call->ssl,
				.generation = call->generation,
				.pid = bpf_get_current_pid_tgid() >> 32,
				.direction = direction };

	return skip_wanted(&key, pos, false, moved);
}

static __always_inline int tls_return(struct pt_regs *ctx, bool looped)
{
	__u64 thread = bpf_get_current_pid_tgid(), moved;
	struct tls_call call, *pending = bpf_map_lookup_elem(&calls, &thread);
	struct tls_session *session;
	struct capture c = {};
	__u8 direction;

	if (!pending || PT_REGS_SP(ctx) != pending->sp + sizeof(__u64))
		return 0;
	call = *pending;
	bpf_map_delete_elem(&calls, &thread);
	if (call.kind == TLS_HANDSHAKE) {
		handshake_done(&call, PT_REGS_RC(ctx));
		return 0;
	}
	moved = call_moved(&call, PT_REGS_RC(ctx));
	if (!moved)
		return 0;
	session = session_of_call(&call);
	if (!session || !socket_wanted(&session->sock))
		return 0;
	if (call.kind == TLS_PEEK) {
		kernel_count(KC_PEEKED, 1);
		return 0;
	}
	direction = kind_direction(call.kind);
	header_fill(&c.record.h, EVENT_TLS_DATA, session->from_start ? EVENT_FROM_START : 0);
	c.record.sock = session->sock;
	c.record.ssl = call.ssl;
	generation_fill(&c.record, call.generation);
	c.record.direction = direction;
	c.record.source = SOURCE_OPENSSL;
	c.record.pos = count_add(&session->count[direction & 1], moved, looped);
	c.left = moved;
	c.part = moved;
	c.snap = settings.snaplen_bytes;
	if (call.kind == TLS_SENDFILE) {
		c.hole = HOLE_KERNEL;
		c.snap = 0;
	} else {
		c.range = call.buffer;
		c.range_bytes = call.size;
	}
	if (moved >= SKIP_WORTH_BYTES)
		c.drop = plaintext_unwanted(&call, direction, c.record.pos, moved);
	capture_run(&c, looped);
	return 0;
}

/*
 * Linux 6.13: one program for entry and return, told apart by the instruction
 * pointer. Its cookie is the call's kind. Attached by agent/probes.c as
 * BPF_TRACE_UPROBE_SESSION.
 */
SEC("uprobe")
int tls_session(struct pt_regs *ctx)
{
	if (bpf_get_func_ip(ctx) != PT_REGS_IP(ctx))
		return tls_return(ctx, true);
	return tls_entry(ctx, bpf_get_attach_cookie(ctx), true);
}

/* Before 6.13: an entry program for each kind (5.10 has no cookies), one for all returns. */
#define ENTRY_PROGRAM(name, kind)                   \
	SEC("uprobe") int name(struct pt_regs *ctx) \
	{                                           \
		tls_entry(ctx, kind, false);        \
		return 0;                           \
	}

ENTRY_PROGRAM(tls_enter_read, TLS_READ)
ENTRY_PROGRAM(tls_enter_read_ex, TLS_READ_EX)
ENTRY_PROGRAM(tls_enter_write, TLS_WRITE)
ENTRY_PROGRAM(tls_enter_write_ex, TLS_WRITE_EX)
ENTRY_PROGRAM(tls_enter_write_ex2, TLS_WRITE_EX2)
ENTRY_PROGRAM(tls_enter_peek, TLS_PEEK)
ENTRY_PROGRAM(tls_enter_handshake, TLS_HANDSHAKE)
ENTRY_PROGRAM(tls_enter_sendfile, TLS_SENDFILE)
ENTRY_PROGRAM(tls_enter_free, TLS_FREE)
ENTRY_PROGRAM(tls_enter_set_fd, TLS_SET_FD)

SEC("uprobe")
int tls_leave(struct pt_regs *ctx)
{
	return tls_return(ctx, true);
}

/* The same where the kernel has no bpf_loop (before 5.17). */
SEC("uprobe")
int tls_leave_bounded(struct pt_regs *ctx)
{
	return tls_return(ctx, false);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of TLS libraries: what was asked at the entry, what moved at the return
 * (docs/design.md, D4). The attach cookie (struct tls_function) says what kind of
 * call it is and which argument is what; it comes from agent/library/libraries.c.
 *
 * A return probe rewrites the return address on the thread's stack. A program
 * that switches stacks inside the call (a coroutine in a BIO) would make a
 * second entry look to the kernel as if the first had been left by longjmp;
 * the kernel forgets the first, whose return then kills the program, whoever
 * armed it: another hark or tracer may have, or a hark that has ended. So at
 * most one return is armed a stack: the session program (Linux 6.13) refuses
 * a second, and that call leaves a hole of unknown size, unless both are surely
 * on one stack, where calls return in order: a callback's, TLS in TLS, a write
 * inside a read. Where sessions do not exist the entry program reports the
 * case and user space takes the return probes off.
 *
 * Whether a call is still under way is asked of the stack itself: its return
 * slot then still holds the address of the kernel's trampoline.
 */
#include "armed.h"
#include "return.h"
#include "rust.h"
#include <bpf/bpf_tracing.h>

/*
 * Here alone, where they are run most often: bpftool before 7.2 does not link two files that both name a
 * function of the kernel.
 */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

__hidden __always_inline int processor_hold(void)
{
	if (settings.hold_processor)
		bpf_preempt_disable();
	return 0;
}

__hidden __always_inline int processor_release(void)
{
	if (settings.hold_processor)
		bpf_preempt_enable();
	return 0;
}

/* A public function that calls another: the outer one measures. */
static __always_inline bool entry_is_same(const struct tls_call *call, __u64 ssl, __u32 kind)
{
	if (call->ssl != ssl)
		return false;
	if (!kind_moves(kind))
		return true;
	return call->kind != TLS_HANDSHAKE && kind_direction(call->kind) == kind_direction(kind);
}

/* 0: follow the return of a call that those of hark's own allow to follow; 1: do not. */
static __always_inline int entry_arm(__u64 ssl, __u32 kind, __u64 sp, bool single)
{
	if (!return_conflicts(sp, single))
		return 0;
	if (!single) { /* the kernel arms it all the same */
		tls_bare(EVENT_STACK_SWITCH, ssl, kind_direction(kind));
		return 0;
	}
	entry_refuse(ssl, kind);
	return 1;
}

/* A call that begins while `call` of this thread is under way. 0: follow its return; 1: do not. */
static __always_inline int entry_nested(struct tls_call *outer, struct tls_call *call, __u64 ssl, __u32 kind,
					__u64 sp, bool single)
{
	bool near = sp == call->sp || sp_within(sp, call); /* the same: the call ends in a jump to this one */

	if (near && entry_is_same(call, ssl, kind))
		return 1;
	if (!near) {
		outer->shared = 1;
		if (!single)
			tls_bare(EVENT_STACK_SWITCH, ssl, kind_direction(kind));
	}
	/* Without sessions the kernel arms every return: those that nest are safe. */
	if (near && outer->inner < TLS_CALLS_MAX - 1 && (!single || stack_is_one(sp, call->sp, single)))
		return 0;
	entry_refuse(ssl, kind);
	return 1;
}

/* Is it made by a call of this thread that is measured as a whole? */
static __always_inline bool entry_is_part(__u64 thread, __u64 ssl, __u32 kind, __u64 sp)
{
	struct tls_call *call = tls_call_outermost(thread);
	__u64 level = 0;

	if (call && call->inner)
		call = tls_call_innermost(thread, call, &level);
	return call && sp_within(sp, call) && entry_is_same(call, ssl, kind) && tls_call_armed(call);
}

/* By their numbers, from 1 on; those that a function does not have are 0. */
struct arguments {
	__u64 value[8];
};

/* By way of the stack: the verifier takes no load through a chosen register. */
static __always_inline void arguments_fill(struct arguments *arguments, struct pt_regs *ctx)
{
	*arguments = (struct arguments){
		.value = { 0, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx), PT_REGS_PARM4(ctx),
			   PT_REGS_PARM5(ctx), FUNCTION_SIXTH(ctx), 0 },
	};
}

static __always_inline __u64 argument(const struct arguments *arguments, __u8 number)
{
	return arguments->value[number & 7];
}

/* The TLS object; 0: there is none, or the argument is no PRFileDesc of NSS's own layer. */
static __always_inline __u64 argument_session(const struct arguments *arguments, __u8 number)
{
	__u64 at = argument(arguments, number), object = 0, layer = 0;

	if (!at || !(number & TLS_ARGUMENT_LAYER))
		return at;
	if (bpf_probe_read_user(&object, sizeof(object), (void *)(at + sizeof(__u64))) < 0 ||
	    bpf_probe_read_user(&layer, sizeof(layer), (void *)object) < 0)
		return 0;
	return layer == at ? object : 0;
}

static __always_inline void tls_call_fill(struct tls_call *call, const struct tls_function *function,
					  const struct arguments *arguments)
{
	call->buffer = argument(arguments, function->buffer);
	call->size = argument(arguments, function->size);
	if (function->size & TLS_ARGUMENT_INT)
		call->size = (__u32)call->size;
	call->done = argument(arguments, function->done);
	call->library = function->library;
	call->kind = function->kind;
	if (call->kind == TLS_READ_OR_PEEK) {
		call->kind = call->done & TLS_FLAG_PEEK ? TLS_PEEK : TLS_READ;
		call->done = 0;
	}
	if (call->kind == TLS_WRITEV_OFFSET)
		call->kind = call->done ? TLS_SENDFILE : TLS_WRITEV;
	if (kind_direction(call->kind) == DIRECTION_SENT) /* nobody asks when a read was entered */
		call->start_ns = bpf_ktime_get_ns();
	call->result = function->result;
	call->layout = function->session & TLS_ARGUMENT_RUST ? 0 : function->layout;
}

/* SSL_set_fd and its kin: a hint until the first nested transfer tells the socket itself. */
static __always_inline void fd_hint(struct kernel_session *session, __s32 fd)
{
	session->hint = fd;
	session->hinted = 1;
	if (!session->sock.id)
		session->sock.fd = fd;
}

static const struct tls_call no_call;

/*
 * What stands for the thread. It stays from call to call: to add and remove it costs more than all else.
 * NULL: no room.
 */
static __always_inline struct tls_call *thread_claim(__u64 thread)
{
	struct tls_call_key key = { .thread = thread };
	struct tls_call *outer = bpf_map_lookup_elem(&tls_calls, &key);

	if (outer)
		return outer;
	if (bpf_map_update_elem(&tls_calls, &key, &no_call, BPF_ANY) < 0)
		kernel_count(KC_MAP_FULL, 1);
	else
		__sync_fetch_and_add(&tls_threads, 1);
	return bpf_map_lookup_elem(&tls_calls, &key);
}

/* Where this call stands among those of its thread; -1: its return is not followed. */
static __always_inline int entry_level_here(__u64 thread, struct tls_call *outer, __u64 ssl, __u32 kind,
					    __u64 sp, bool single)
{
	struct tls_call *call;
	__u64 level = 0;

	if (!outer->ssl)
		return entry_arm(ssl, kind, sp, single) ? -1 : 0;
	call = outer->inner ? tls_call_innermost(thread, outer, &level) : outer;
	if (!level && !tls_call_armed(outer)) {
		kernel_count(KC_RETURNS_STALE, 1);
		outer->ssl = 0;
		return entry_arm(ssl, kind, sp, single) ? -1 : 0;
	}
	outer->inner = level;
	if (entry_nested(outer, call, ssl, kind, sp, single) || entry_arm(ssl, kind, sp, single))
		return -1;
	outer->inner = level + 1;
	return level + 1;
}

/* A global function, as capture_apart(). */
__weak __noinline int entry_level_apart(__u64 thread, struct tls_call *outer, __u64 ssl, __u32 kind, __u64 sp)
{
	return outer ? entry_level_here(thread, outer, ssl, kind, sp, true) : -1;
}

/* task: the current one; NULL: its fields are not there to be loaded. */
static __always_inline int entry_level(struct task_struct *task, __u64 thread, struct tls_call *outer,
				       __u64 ssl, __u32 kind, __u64 sp)
{
	if (!task)
		return entry_level_here(thread, outer, ssl, kind, sp, false);
	if (!outer->ssl &&
	    !task->utask->return_instances) /* most often: the kernel follows none of its returns */
		return 0;
	return entry_level_apart(thread, outer, ssl, kind, sp);
}

/* What the entry of this call says of its session. */
static __always_inline void session_called(struct kernel_session *session, const struct tls_call *call)
{
	if (call->kind == TLS_HANDSHAKE || call->kind == TLS_WRITE_EARLY)
		handshake_seen(session, call->start_ns);
	if (call->kind == TLS_WRITE_EARLY && !session->received) /* a server may write by it too, later */
		session->early = EARLY_WRITTEN;
	session->used = 1;
}

/* 0: follow the return of this call; 1: do not. */
static __always_inline int tls_entry(struct pt_regs *ctx, __u64 cookie, bool single)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	struct task_struct *task = single ? bpf_get_current_task_btf() : 0;
	struct tls_call_key key = { .thread = single ? thread_load(task) : bpf_get_current_pid_tgid() };
	struct tls_call fresh = { .sp = PT_REGS_SP(ctx) };
	struct kernel_session *session;
	struct arguments arguments;
	struct tls_call *outer;
	__u64 owner;
	int level, fd;

	if (!tls_listens || !process_wanted(settings.pid_namespace ? current_number() : key.thread >> 32))
		return 1;
	arguments_fill(&arguments, ctx);
	fresh.ssl = argument_session(&arguments, function->session);
	if (function->session & TLS_ARGUMENT_RUST)
		fresh.ssl = rust_object(fresh.ssl, cookie);
	if (!fresh.ssl)
		return 1;
	if (function->kind == TLS_FREE) {
		session_end(fresh.ssl);
		return 1;
	}
	owner = single ? process_identity_load(task) : process_identity();
	session = session_claim(fresh.ssl, key.thread >> 32, function->library, owner);
	if (!session)
		return 1;
	if (function->kind == TLS_SET_FD) {
		fd = argument(&arguments, function->fd);
		if (!function->done || fd == (__s32)argument(&arguments, function->done))
			fd_hint(session, fd);
		return 1;
	}
	if (function->kind == TLS_WRITE_UNMEASURED) {
		if (!entry_is_part(key.thread, fresh.ssl, TLS_WRITE, fresh.sp))
			entry_refuse(fresh.ssl, TLS_WRITE);
		return 1;
	}
	outer = thread_claim(key.thread);
	if (!outer) {
		entry_refuse(fresh.ssl, function->kind);
		return 1;
	}
	level = entry_level(task, key.thread, outer, fresh.ssl, function->kind, fresh.sp);
	if (level < 0)
		return 1;
	key.level = level;
	tls_call_fill(&fresh, function, &arguments);
	fresh.generation = session->generation;
	fresh.before = call_mix(&fresh, MIX_TIMES);
	session_called(session, &fresh);
	fresh.settled = session_settled(session);
	if (!level) {
		*outer = fresh;
	} else if (bpf_map_update_elem(&tls_calls, &key, &fresh, BPF_ANY) < 0) {
		kernel_count(KC_MAP_FULL, 1);
		entry_refuse(fresh.ssl, fresh.kind);
		return 1;
	}
	return 0;
}

/* The thread is in no call any more. */
static __always_inline void tls_call_over(__u64 thread, struct tls_call *outer)
{
	struct tls_call_key key = { .thread = thread };

	outer->ssl = 0;
	if (tls_threads > TLS_THREADS_KEPT && bpf_map_delete_elem(&tls_calls, &key) == 0)
		__sync_fetch_and_add(&tls_threads, -1);
}

/* Takes the call that returns to this stack pointer out of those of its thread. False: it is none of them. */
static __always_inline bool tls_call_take(__u64 thread, __u64 sp, struct tls_call *out, __u64 *level)
{
	struct tls_call *outer = tls_call_outermost(thread), *call = outer;

	if (!outer)
		return false;
#pragma unroll /* as tls_call_innermost() */
	for (int i = TLS_CALLS_MAX - 1; i >= 0; i--) {
		if (i > outer->inner)
			continue;
		call = i ? tls_call_at(thread, i) : outer;
		if (!call || sp != call->sp + sizeof(__u64))
			continue;
		*out = *call;
		*level = i;
		if (i)
			outer->inner = i - 1;
		else
			tls_call_over(thread, outer);
		return true;
	}
	return false;
}

static __always_inline int tls_return(struct pt_regs *ctx, enum capture_form form)
{
	struct task_struct *task = form == CAPTURE_APART ? bpf_get_current_task_btf() : 0;
	__u64 thread = task ? thread_load(task) : bpf_get_current_pid_tgid(), level = 0;
	struct tls_call call, *around = 0;
	__s64 result;

	if (!tls_call_take(thread, PT_REGS_SP(ctx), &call, &level))
		return 0;
	if (level)
		around = tls_call_at(thread, (level - 1) & (TLS_CALLS_MAX - 1));
	result = PT_REGS_RC(ctx);
	if (call.result == TLS_RETURNS_PAIR)
		result = result ? 0 : FUNCTION_SECOND_RESULT(ctx);
	if (call_received_nothing(&call, result))
		return 0;
	return tls_call_returned(&call, around, result, false, form);
}

/*
 * Linux 6.13: one program for entry and return, told apart by the instruction
 * pointer. Attached by agent/capture/probes_tls.c as BPF_TRACE_UPROBE_SESSION.
 */
static __always_inline int tls_session_run(struct pt_regs *ctx)
{
	if (bpf_get_func_ip(ctx) != PT_REGS_IP(ctx))
		return tls_return(ctx, CAPTURE_APART);
	return tls_entry(ctx, bpf_get_attach_cookie(ctx), true);
}

SEC("uprobe")
int tls_session(struct pt_regs *ctx)
{
	return UNPREEMPTED(tls_session_run(ctx));
}

/* Before 6.13: one program for all entries, one for all returns. */
static __noinline int tls_entry_single(struct pt_regs *ctx, __u64 cookie)
{
	tls_entry(ctx, cookie, false);
	return 0;
}

SEC("uprobe")
int tls_enter(struct pt_regs *ctx)
{
	return UNPREEMPTED(tls_entry_single(ctx, bpf_get_attach_cookie(ctx)));
}

/* Before 5.15, where there are no cookies: an entry program for each function, whose cookie stands here. */
const volatile __u64 tls_slots[TLS_SLOTS];

/* clang-format off */
#define SLOT(high, low)                                                           \
	SEC("uprobe") int tls_enter_##high##low(struct pt_regs *ctx)              \
	{                                                                         \
		return tls_entry_single(ctx, tls_slots[(0##high << 3) + 0##low]); \
	}

#define SLOTS(high)                                                     \
	SLOT(high, 0) SLOT(high, 1) SLOT(high, 2) SLOT(high, 3)         \
	SLOT(high, 4) SLOT(high, 5) SLOT(high, 6) SLOT(high, 7)

SLOTS(0) SLOTS(1) SLOTS(2) SLOTS(3) SLOTS(4) SLOTS(5) SLOTS(6) SLOTS(7)
SLOTS(10) SLOTS(11) SLOTS(12) SLOTS(13) SLOTS(14) SLOTS(15)
	/* clang-format on */

	SEC("uprobe") int tls_leave(struct pt_regs *ctx)
{
	return UNPREEMPTED(tls_return(ctx, CAPTURE_LOOPED));
}

/* The same where the kernel has no bpf_loop (before 5.17). */
SEC("uprobe")
int tls_leave_bounded(struct pt_regs *ctx)
{
	return UNPREEMPTED(tls_return(ctx, CAPTURE_BOUNDED));
}

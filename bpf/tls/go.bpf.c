// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of Go's crypto/tls (docs/design.md, D7). A goroutine that waits goes on
 * on any thread, and its stack may be moved meanwhile, so a call is told by the
 * goroutine, whose address stands in r14, and its return is probed at each
 * `ret` of the function, or in what it defers: a return address that the kernel
 * had changed would make the runtime's walk over the stack end the program.
 *
 * Arguments and results stand in registers (the ABIInternal of Go 1.17 on
 * amd64): the receiver in rax, a slice in rbx and rcx; n in rax, or of one
 * result, an error's type, which is 0 for none.
 */
#include "return.h"
#include <bpf/bpf_tracing.h>

static const struct go_calls go_fresh;

/* The goroutine's calls; those of a program that had the same number before are gone. NULL: no room. */
static __always_inline struct go_calls *go_calls_claim(__u64 key, __u64 owner)
{
	struct go_calls *calls = bpf_map_lookup_elem(&go_calls, &key);

	if (calls && calls->owner == owner)
		return calls;
	if (bpf_map_update_elem(&go_calls, &key, &go_fresh, BPF_ANY) < 0)
		kernel_count(KC_MAP_FULL, 1);
	calls = bpf_map_lookup_elem(&go_calls, &key);
	if (calls)
		calls->owner = owner;
	return calls;
}

/*
 * Where a call that begins stands; NULL: it is a part of the one under way, or too deep. A handshake inside
 * of a read or a write is theirs. One that a panic left is still there when the next of its kind begins.
 */
static __always_inline struct tls_call *go_call_place(struct go_calls *calls, __u64 ssl, __u32 kind)
{
	struct tls_call *outer = &calls->call[0], *inner = &calls->call[1];

	if (!outer->ssl || outer->ssl == ssl) {
		if (outer->ssl && kind_is_handshake(kind) && !kind_is_handshake(outer->kind))
			return 0;
		inner->ssl = 0;
		return outer;
	}
	if (inner->ssl == ssl && kind_is_handshake(kind) && !kind_is_handshake(inner->kind))
		return 0;
	if (inner->ssl && inner->ssl != ssl) {
		entry_refuse(ssl, kind);
		return 0;
	}
	return inner;
}

/*
 * A connection makes its handshake once: one that was there before was never closed, and is gone. again: the
 * same call has begun before, on a stack that was too small.
 */
static __always_inline struct kernel_session *go_session(__u64 ssl, const struct tls_function *function,
							 __u32 pid, __u64 owner, bool again)
{
	struct kernel_session *session = session_claim(ssl, pid, function->library, owner);

	if (!session || !session->used || again || !kind_is_handshake(function->kind))
		return session;
	session_end(ssl);
	return session_claim(ssl, pid, function->library, owner);
}

/*
 * Another goroutine closes the connection as soon as the peer has answered what this one writes, perhaps
 * before its call has come to its return: the session ends with the last call.
 */
static __always_inline void go_close(__u64 ssl, struct task_struct *task)
{
	struct session_key key = { .ssl = ssl, .pid = task->tgid };
	struct kernel_session *session = bpf_map_lookup_elem(&sessions, &key);

	if (!session || session->owner != process_identity_load(task))
		return;
	session->closing = 1;
	if (!*(volatile __u32 *)&session->calls)
		session_end(ssl);
}

static __always_inline int go_entry(struct pt_regs *ctx, __u64 cookie)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 ssl = GO_RECEIVER(ctx), now = bpf_ktime_get_ns(), owner;
	struct kernel_session *session;
	struct go_calls *calls;
	struct tls_call *call;
	bool again;

	if (!tls_listens || !ssl || !process_wanted(task_number(task)))
		return 0;
	if (function->kind == TLS_FREE) {
		go_close(ssl, task);
		return 0;
	}
	owner = process_identity_load(task);
	calls = go_calls_claim(go_key(GO_GOROUTINE(ctx), task->tgid), owner);
	call = calls ? go_call_place(calls, ssl, function->kind) : 0;
	again = call && call->ssl == ssl && call->kind == function->kind;
	session = call ? go_session(ssl, function, task->tgid, owner, again) : 0;
	if (!session)
		return 0;
	if (!again)
		__sync_fetch_and_add(&session->calls, 1);
	if (kind_is_handshake(function->kind))
		handshake_seen(session, now);
	session->used = 1;
	*call = (struct tls_call){
		.ssl = ssl,
		.generation = session->generation,
		.buffer = GO_SLICE(ctx),
		.size = GO_SLICE_LEN(ctx),
		.sp = PT_REGS_IP(ctx),
		.start_ns = now,
		.settled = session_settled(session),
		.library = function->library,
		.kind = function->kind,
		.result = function->result,
	};
	return 0;
}

#define GO_FRAME_WORDS 8 /* a power of two; Go 1.26 has Read's result in the sixth, Write's in the last */

/*
 * A function that is deferred runs when the results stand in the frame of the one that defers it, right above
 * the return address: most often so near that one look has both. After a panic the runtime calls it, and the
 * call goes on. 1: that. A function with a stack of its own: before Linux 6.8 go_leave has none left.
 */
static __noinline int go_deferred_result(__u64 sp, __u64 entry, __u8 word, __s64 *result)
{
	__u64 frame[GO_FRAME_WORDS];

	if (!result)
		return 1;
	if (word < GO_FRAME_WORDS && bpf_probe_read_user(frame, sizeof(frame), (void *)sp) == 0)
		*result = frame[word & (GO_FRAME_WORDS - 1)];
	else if (bpf_probe_read_user(frame, sizeof(frame[0]), (void *)sp) < 0 ||
		 bpf_probe_read_user(result, sizeof(*result), (void *)(sp + 8 * word)) < 0)
		return 1;
	return frame[0] - entry > GO_FUNCTION_BYTES_MAX;
}

static __always_inline int go_return(struct pt_regs *ctx, __u64 cookie, enum capture_form form)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = go_key(GO_GOROUTINE(ctx), task->tgid);
	struct go_calls *calls = bpf_map_lookup_elem(&go_calls, &key);
	struct tls_call call, *around = 0, *at;
	__s64 result = GO_RESULT(ctx);

	if (!calls || calls->owner != process_identity_load(task))
		return 0;
	at = &calls->call[0];
	if (calls->call[1].ssl && calls->call[1].kind == function->kind) {
		around = at;
		at = &calls->call[1];
	}
	if (!at->ssl || at->kind != function->kind)
		return 0; /* a part of the call under way */
	if (function->done && go_deferred_result(PT_REGS_SP(ctx), at->sp, function->done, &result))
		return 0;
	call = *at;
	at->ssl = 0;
	if (call.result == TLS_STORES_IF_ZERO)
		result = result != 0;
	return tls_call_returned(&call, around, result, true, form);
}

SEC("uprobe")
int go_enter(struct pt_regs *ctx)
{
	return UNPREEMPTED(go_entry(ctx, bpf_get_attach_cookie(ctx)));
}

SEC("uprobe")
int go_leave(struct pt_regs *ctx)
{
	return UNPREEMPTED(go_return(ctx, bpf_get_attach_cookie(ctx), CAPTURE_LOOPED));
}

/* The same for Linux 6.13 and later, as socket_sent_apart. */
SEC("uprobe")
int go_leave_apart(struct pt_regs *ctx)
{
	return UNPREEMPTED(go_return(ctx, bpf_get_attach_cookie(ctx), CAPTURE_APART));
}

/* The same where the kernel has no bpf_loop (5.15 and 5.16). */
SEC("uprobe")
int go_leave_bounded(struct pt_regs *ctx)
{
	return UNPREEMPTED(go_return(ctx, bpf_get_attach_cookie(ctx), CAPTURE_BOUNDED));
}

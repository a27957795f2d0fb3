// SPDX-License-Identifier: GPL-2.0
/*
 * What a program takes of the plaintext that rustls keeps: it was shown the first of the received pieces, and
 * says now how much of that it has read. The bytes are there until this call ends, so they are copied where
 * it begins. All other calls are as those of C (call.bpf.c).
 */
#include "rust.h"
#include <bpf/bpf_tracing.h>

/* A Vec<u8>: its capacity, memory and length. */
struct rust_piece {
	__u64 capacity, memory, length;
};

/*
 * Where the first `bytes` of what was received are: in the first piece, of which so many bytes were taken
 * before as the word behind the queue says. 0: they are not there.
 */
static __always_inline __u64 rust_first_bytes(__u64 received, __u64 bytes)
{
	struct rust_queue queue;
	struct rust_piece piece;
	__u64 taken;

	if (bpf_probe_read_user(&queue, sizeof(queue), (void *)received) < 0 || !queue.count ||
	    bpf_probe_read_user(&taken, sizeof(taken), (void *)(received + sizeof(queue))) < 0 ||
	    bpf_probe_read_user(&piece, sizeof(piece), (void *)(queue.memory + queue.first * sizeof(piece))) <
		    0)
		return 0;
	if (piece.memory < RUST_LOWEST || piece.length > piece.capacity || taken > piece.length ||
	    bytes > piece.length - taken)
		return 0;
	return piece.memory + taken;
}

static __always_inline int rust_take(struct pt_regs *ctx, __u64 cookie, enum capture_form form)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	const struct tls_layout *layout = rust_layout(function);
	struct session_key key = { .pid = bpf_get_current_pid_tgid() >> 32 };
	struct tls_call call = { .size = PT_REGS_PARM2(ctx), .start_ns = bpf_ktime_get_ns() };
	struct kernel_session *session;
	__u64 connection;

	if (!tls_listens || !call.size || !process_wanted(current_number()))
		return 0;
	key.ssl = rust_object(PT_REGS_PARM1(ctx), cookie);
	session = key.ssl ? bpf_map_lookup_elem(&sessions, &key) : 0;
	if (!session)
		return 0;
	session->used = 1;
	connection = rust_connection(PT_REGS_PARM1(ctx), function);
	call.ssl = key.ssl;
	call.generation = session->generation;
	call.buffer = rust_first_bytes(connection + layout->received + layout->queue, call.size);
	call.kind = call.buffer ? TLS_READ : TLS_READ_APART;
	call.result = TLS_RETURNS_LONG;
	call.library = function->library;
	return tls_call_returned(&call, 0, call.size, false, form);
}

SEC("uprobe")
int tls_take(struct pt_regs *ctx)
{
	return UNPREEMPTED(rust_take(ctx, bpf_get_attach_cookie(ctx), CAPTURE_LOOPED));
}

/* The same where the kernel has no bpf_loop (5.15 and 5.16). */
SEC("uprobe")
int tls_take_bounded(struct pt_regs *ctx)
{
	return UNPREEMPTED(rust_take(ctx, bpf_get_attach_cookie(ctx), CAPTURE_BOUNDED));
}

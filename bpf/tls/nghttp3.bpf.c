// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of nghttp3: plaintext of HTTP/3 by streams. What was received is given to nghttp3_conn_read_stream().
 * What is to be sent nghttp3_conn_writev_stream() shows, as vectors that the caller has room for; it does so
 * again until nghttp3_conn_add_write_offset() says that so many bytes of it are taken, which may be fewer, or
 * be said piece by piece. So bytes count when they are taken, and are read then: what a stream has shown
 * stays where it is until the peer has it. The vectors themselves are the caller's, so it is compared whether
 * they still say what they said.
 *
 * A connection object is a session (docs/design.md, D2b). Positions count the bytes of all streams of a
 * direction, and each stream's end for one, so that whatever is lost leaves a hole.
 */
#include "armed.h"
#include "return.h"
#include <bpf/bpf_tracing.h>

/* A pass over the vectors of an offer. */
struct vector_walk {
	__u64 at;
	__u32 count;
	__u32 next;	   /* the first that was not begun before `skip` */
	__u64 skip;	   /* so many bytes are over */
	__u64 range, left; /* the rest of the vector that `skip` ends in */
	__u64 total, mixed;
};

/* One vector. 0, or -1: it cannot be read. A global function, as capture_step(). */
__weak __noinline int vector_step(struct vector_walk *walk, __u32 i)
{
	struct user_iovec vector;

	if (!walk || bpf_probe_read_user(&vector, sizeof(vector), (void *)walk->at + i * sizeof(vector)) < 0)
		return -1;
	if (walk->skip > walk->total) {
		__u64 over = walk->skip - walk->total;

		walk->next = i + 1;
		if (over < vector.len) {
			walk->range = vector.base + over;
			walk->left = vector.len - over;
		}
	}
	walk->total += vector.len;
	walk->mixed = (walk->mixed ^ vector.base) * 0x9e3779b97f4a7c15 + vector.len;
	walk->mixed ^= walk->mixed >> 29;
	return 0;
}

/* 0, or -1: they cannot be read. */
__weak __noinline int vectors_walk(struct vector_walk *walk)
{
	if (!walk)
		return -1;
	for (__u32 i = 0; i < STREAM_VECTORS_MAX && i < walk->count; i++)
		if (vector_step(walk, i) < 0)
			return -1;
	return 0;
}

/* The template of a record: `moved` bytes of the stream, and its end. */
static __always_inline void record_fill(struct event_data *record, struct kernel_session *session, __u64 conn,
					__u64 stream, __u8 direction, __u64 moved, bool fin,
					enum capture_form form)
{
	header_fill(&record->h, EVENT_STREAM_DATA,
		    EVENT_CALL_TIME | (session->from_start ? EVENT_FROM_START : 0) | (fin ? EVENT_EOF : 0));
	record->sock = session->sock;
	record->ssl = conn;
	record->offset = stream;
	record->direction = direction;
	record->source = session->library;
	generation_fill(record, session->generation);
	record->pos = count_add(&session->count[direction & 1], moved + fin, form);
}

/* Bytes that were received: fills *c. False: there is nothing to tell. */
static __always_inline bool stream_read(struct pt_regs *ctx, struct kernel_session *session,
					struct capture *c, enum capture_form form)
{
	__u64 moved = PT_REGS_PARM4(ctx);
	bool fin = (__u32)PT_REGS_PARM5(ctx);

	if (!moved && !fin)
		return false;
	c->range = PT_REGS_PARM3(ctx);
	c->range_bytes = moved;
	c->left = moved;
	record_fill(&c->record, session, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), DIRECTION_RECEIVED, moved,
		    fin, form);
	return true;
}

/* The same of bytes that are sent. */
static __always_inline bool stream_taken(struct pt_regs *ctx, struct kernel_session *session,
					 struct capture *c, enum capture_form form)
{
	__u64 conn = PT_REGS_PARM1(ctx), stream = PT_REGS_PARM2(ctx), moved = PT_REGS_PARM3(ctx);
	struct session_key key = { .ssl = conn, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct stream_offer *offer = bpf_map_lookup_elem(&stream_offers, &key);
	struct vector_walk walk = {};
	bool fin;

	if (!offer || offer->generation != session->generation || offer->stream != stream ||
	    moved > offer->total - offer->taken) {
		entry_refuse(conn, TLS_WRITE); /* shown before hark looked */
		return false;
	}
	walk.at = offer->vectors;
	walk.count = offer->count;
	walk.skip = offer->taken;
	if (vectors_walk(&walk) < 0 || walk.mixed != offer->mixed)
		c->hole = HOLE_FAULT;
	offer->taken += moved;
	fin = offer->fin && offer->taken == offer->total;
	if (fin)
		offer->fin = 0; /* once */
	if (!moved && !fin)
		return false;
	c->range = walk.range;
	c->range_bytes = walk.left;
	c->vectors = walk.at + walk.next * sizeof(struct user_iovec);
	c->vector_count = walk.count - walk.next;
	c->left = moved;
	record_fill(&c->record, session, conn, stream, DIRECTION_SENT, moved, fin, form);
	return true;
}

static __always_inline void stream_over(struct pt_regs *ctx, struct kernel_session *session)
{
	struct event_data *e = tls_record(EVENT_STREAM_OVER, session->from_start ? EVENT_FROM_START : 0,
					  PT_REGS_PARM1(ctx), session);

	if (!e)
		return;
	e->offset = PT_REGS_PARM2(ctx);
	e->pos = PT_REGS_PARM3(ctx);
	bpf_ringbuf_submit(e, wake_sleeper());
}

/* The call's results are looked at when it returns. 0: follow its return; 1: do not. */
static __noinline int stream_call_begin(struct pt_regs *ctx, __u64 cookie, bool single)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	__u64 thread = bpf_get_current_pid_tgid();
	struct stream_call call = { .sp = PT_REGS_SP(ctx),
				    .conn = PT_REGS_PARM1(ctx),
				    .id = PT_REGS_PARM2(ctx),
				    .fin = PT_REGS_PARM3(ctx),
				    .vectors = PT_REGS_PARM4(ctx),
				    .kind = function->kind,
				    .library = function->library };

	if (return_conflicts(call.sp, single)) {
		if (single)
			return 1; /* what it shows is refused when it is taken */
		tls_bare(EVENT_STACK_SWITCH, call.conn, DIRECTION_SENT);
	}
	if (bpf_map_update_elem(&stream_calls, &thread, &call, BPF_ANY) < 0) {
		kernel_count(KC_MAP_FULL, 1);
		return 1;
	}
	return 0;
}

static __always_inline bool stream_listens(__u64 conn)
{
	return tls_listens && conn && process_wanted(current_number());
}

/* A call that moves bytes, at its entry. */
static __always_inline int stream_move(struct pt_regs *ctx, __u64 cookie, enum capture_form form)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	struct kernel_session *session;
	struct capture c = {};

	if (!stream_listens(PT_REGS_PARM1(ctx)))
		return 1;
	session = session_claim(PT_REGS_PARM1(ctx), bpf_get_current_pid_tgid() >> 32, function->library,
				process_identity());
	if (!session || (function->kind == TLS_STREAM_READ ? !stream_read(ctx, session, &c, form)
							   : !stream_taken(ctx, session, &c, form)))
		return 1;
	if (!c.left) {
		submit_bare(&c.record);
		return 1;
	}
	c.part = c.left;
	c.snap = c.hole ? 0 : settings.snaplen_bytes;
	capture_run(&c, form);
	return 1;
}

/* All others. 0: follow its return; 1: do not. */
static __always_inline int stream_enter(struct pt_regs *ctx, __u64 cookie, bool single)
{
	const struct tls_function *function = (const struct tls_function *)&cookie;
	__u64 conn = PT_REGS_PARM1(ctx);
	struct kernel_session *session;

	if (!stream_listens(conn))
		return 1;
	if (function->kind == TLS_FREE) {
		session_end(conn);
		return 1;
	}
	if (function->kind == TLS_STREAM_NEW)
		return stream_call_begin(ctx, cookie, single);
	session =
		session_claim(conn, bpf_get_current_pid_tgid() >> 32, function->library, process_identity());
	if (!session)
		return 1;
	if (function->kind == TLS_STREAM_OFFER)
		return stream_call_begin(ctx, cookie, single);
	stream_over(ctx, session);
	return 1;
}

/* A connection was made: all that it will ever carry is seen. */
static __always_inline void stream_made(const struct stream_call *call)
{
	struct kernel_session *session;
	__u64 conn = 0;

	if (bpf_probe_read_user(&conn, sizeof(conn), (void *)call->conn) < 0 || !conn)
		return;
	session_end(conn); /* one whose end was not seen */
	session = session_claim(conn, bpf_get_current_pid_tgid() >> 32, call->library, process_identity());
	if (session)
		session->from_start = session->used = 1;
}

static __always_inline void stream_offered(const struct stream_call *call, __s64 vectors)
{
	struct session_key key = { .ssl = call->conn, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct kernel_session *session = bpf_map_lookup_elem(&sessions, &key);
	struct vector_walk walk = { .at = call->vectors, .count = vectors };
	struct stream_offer offer = { .vectors = call->vectors, .count = vectors };

	bpf_map_delete_elem(&stream_offers, &key);
	if (!session || vectors < 0 || vectors > STREAM_VECTORS_MAX ||
	    bpf_probe_read_user(&offer.stream, sizeof(offer.stream), (void *)call->id) < 0 ||
	    bpf_probe_read_user(&offer.fin, sizeof(offer.fin), (void *)call->fin) < 0 ||
	    (__s64)offer.stream < 0 || vectors_walk(&walk) < 0)
		return;
	offer.generation = session->generation;
	offer.total = walk.total;
	offer.mixed = walk.mixed;
	bpf_map_update_elem(&stream_offers, &key, &offer, BPF_ANY);
}

static __always_inline int stream_leave(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct stream_call *found = bpf_map_lookup_elem(&stream_calls, &thread), call;

	if (!found || PT_REGS_SP(ctx) != found->sp + sizeof(__u64))
		return 0;
	call = *found;
	bpf_map_delete_elem(&stream_calls, &thread);
	if (call.kind == TLS_STREAM_OFFER)
		stream_offered(&call, PT_REGS_RC(ctx));
	else if (!(__u32)PT_REGS_RC(ctx))
		stream_made(&call);
	return 0;
}

static __always_inline int stream_session(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	const struct tls_function *function = (const struct tls_function *)&cookie;

	if (bpf_get_func_ip(ctx) != PT_REGS_IP(ctx))
		return stream_leave(ctx);
	if (function->kind == TLS_STREAM_READ || function->kind == TLS_STREAM_TAKE)
		return stream_move(ctx, cookie, CAPTURE_APART);
	return stream_enter(ctx, cookie, true);
}

/* Linux 6.13, as tls_session. */
SEC("uprobe")
int nghttp3_session(struct pt_regs *ctx)
{
	return UNPREEMPTED(stream_session(ctx));
}

/* Before, from 5.15 on: a program for the entries of those that move bytes, one for all others, for returns.
 */
SEC("uprobe")
int nghttp3_move(struct pt_regs *ctx)
{
	return UNPREEMPTED(stream_move(ctx, bpf_get_attach_cookie(ctx), CAPTURE_LOOPED));
}

/* The same where the kernel has no bpf_loop (5.15 and 5.16). */
SEC("uprobe")
int nghttp3_move_bounded(struct pt_regs *ctx)
{
	return UNPREEMPTED(stream_move(ctx, bpf_get_attach_cookie(ctx), CAPTURE_BOUNDED));
}

SEC("uprobe")
int nghttp3_enter(struct pt_regs *ctx)
{
	return UNPREEMPTED(stream_enter(ctx, bpf_get_attach_cookie(ctx), false));
}

SEC("uprobe")
int nghttp3_leave(struct pt_regs *ctx)
{
	return UNPREEMPTED(stream_leave(ctx));
}

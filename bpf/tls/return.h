/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the calls of all TLS libraries have in common, however they are told apart: the ends of sessions, and
 * what becomes of a call that returned.
 */
#ifndef HARK_BPF_TLS_RETURN_H
#define HARK_BPF_TLS_RETURN_H

#include "tls.h"

static __always_inline bool kind_moves(__u32 kind)
{
	return kind <= TLS_SENDFILE;
}

/* A record without payload about this TLS object, made in the ring itself; NULL: the ring is full. */
static __always_inline struct event_data *tls_record(__u16 type, __u16 flags, __u64 ssl,
						     const struct kernel_session *session)
{
	struct event_data *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		kernel_count_lost();
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	header_fill(&e->h, type, flags);
	e->h.size = sizeof(*e);
	e->sock = session->sock;
	generation_fill(e, session->generation);
	e->ssl = ssl;
	e->source = session->library;
	kernel_count(KC_EVENTS_SUBMITTED, 1);
	return e;
}

/* 1: on a port that nobody asked for. */
static __noinline int tls_bare(__u16 type, __u64 ssl, __u8 direction)
{
	struct session_key key = { .ssl = ssl, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct kernel_session *session = bpf_map_lookup_elem(&sessions, &key);
	struct event_data *e;

	if (!session)
		return 0;
	if (type != EVENT_STACK_SWITCH && !socket_wanted(&session->sock))
		return 1;
	e = tls_record(type, 0, ssl, session);
	if (!e)
		return 0;
	e->direction = direction;
	if (type == EVENT_TLS_FREE) {
		e->h.flags |= EVENT_OFFSET_KNOWN;
		e->pos = session->count[DIRECTION_SENT];
		e->offset = session->count[DIRECTION_RECEIVED];
	}
	bpf_ringbuf_submit(e, type == EVENT_STACK_SWITCH ? BPF_RB_FORCE_WAKEUP : wake_sleeper());
	return 0;
}

/* Nobody measures what this call moves: it leaves a hole of unknown size. */
static __always_inline void entry_refuse(__u64 ssl, __u32 kind)
{
	if (!kind_moves(kind))
		return;
	if (tls_bare(EVENT_TLS_REFUSED, ssl, kind_direction(kind)) == 0)
		kernel_count(KC_RETURNS_REFUSED, 1);
}

/* A handshake that begins before the session did anything. */
static __always_inline void handshake_seen(struct kernel_session *session, __u64 now)
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

static __always_inline bool result_is_long(const struct tls_call *call)
{
	return call->result == TLS_RETURNS_LONG || call->result == TLS_RETURNS_PAIR;
}

static __always_inline bool call_succeeded(const struct tls_call *call, __s64 result)
{
	if (call->result == TLS_STORES)
		return true;
	if (call->result == TLS_STORES_IF_ZERO)
		return (__s32)result == 0;
	return result_is_long(call) ? result > 0 : (__s32)result > 0;
}

/* A call that would block, most often: there is nothing to be received. */
static __always_inline bool call_received_nothing(const struct tls_call *call, __s64 result)
{
	return kind_direction(call->kind) == DIRECTION_RECEIVED && !call_succeeded(call, result);
}

/* How many bytes the call moved; 0: none. */
static __always_inline __u64 tls_call_moved(const struct tls_call *call, __s64 result)
{
	__u64 done = 0;

	if (!call_succeeded(call, result))
		return 0;
	if (result_is_long(call))
		return result;
	if (!call->done)
		return (__u32)result;
	if (bpf_probe_read_user(&done, sizeof(done), (void *)call->done) < 0) {
		kernel_count(KC_FAULTS, 1);
		return 0;
	}
	return done;
}

/*
 * Tells which hellos are the session's: user space has read them on their way through the sockets. Nothing is
 * told that cannot be read whole.
 */
static __noinline int randoms_tell(__u64 ssl, __u32 number)
{
	struct session_key key = { .ssl = ssl, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct kernel_session *session = bpf_map_lookup_elem(&sessions, &key);
	const struct tls_layout *layout = &tls_layouts[number & (TLS_LAYOUTS - 1)];
	__u64 holder = ssl, client = 0, of_server = 0;
	struct event_data *e;
	__u8 server = 0;

	if (!session || (layout->pointer &&
			 bpf_probe_read_user(&holder, sizeof(holder), (void *)(ssl + layout->pointer)) < 0))
		return 0;
	if (bpf_probe_read_user(&client, sizeof(client),
				(void *)(holder + layout->client_random + EVENT_RANDOM_AT)) < 0 ||
	    bpf_probe_read_user(&of_server, sizeof(of_server),
				(void *)(holder + layout->server_random + EVENT_RANDOM_AT)) < 0 ||
	    bpf_probe_read_user(&server, sizeof(server), (void *)(ssl + layout->server)) < 0)
		return 0;
	server &= layout->server_mask;
	if (server > 1)
		return 0;
	e = tls_record(EVENT_TLS_RANDOMS, 0, ssl, session);
	if (!e)
		return 0;
	e->pos = client;
	e->offset = of_server;
	e->direction = server ? DIRECTION_RECEIVED : DIRECTION_SENT;
	bpf_ringbuf_submit(e, wake_sleeper());
	return 0;
}

/* A call of a session that no transfer was nested in so far: its ciphertext goes through memory. Once. */
static __always_inline void socketless_tell(struct kernel_session *session, const struct tls_call *call)
{
	if (session->sock.id || session->told || !call->layout || call->kind == TLS_WRITE_EARLY)
		return;
	session->told = 1;
	randoms_tell(call->ssl, call->layout);
}

static __always_inline void handshake_done(struct kernel_session *session, const struct tls_call *call,
					   __s64 result)
{
	struct event_data *e;

	if (!call_succeeded(call, result))
		return;
	session->told = 0; /* an object that was cleared has others now */
	socketless_tell(session, call);
	if (!session->handshake_ns || !socket_wanted(&session->sock))
		return;
	e = tls_record(EVENT_TLS_BIND, EVENT_FROM_START, call->ssl, session);
	if (!e)
		return;
	e->offset = session->handshake_ns; /* with EVENT_FROM_START: when the handshake began */
	session->handshake_ns = 0;
	bpf_ringbuf_submit(e, wake_sleeper());
}

/* How many of the call's bytes user space does not want. */
static __always_inline __u32 plaintext_unwanted(const struct tls_call *call, const struct event_data *record,
						__u32 moved, struct amid *amid)
{
	struct skip_key key = { .id = call->ssl,
				.generation = call->generation,
				.pid = current_number(),
				.direction = record->direction };

	return skip_wanted(&key, record, moved, true, amid);
}

/*
 * TLS in TLS (a proxy that is spoken to by TLS): the plaintext of the inner call is what the call around it
 * sends or receives, which tells that one's socket. True: it is; nobody wants the bytes.
 */
static __always_inline bool carries(const struct tls_call *call, const struct kernel_session *session,
				    struct tls_call *around)
{
	struct kernel_session *carried = around && around->ssl != call->ssl ? session_of_call(around) : 0;
	__u8 first[RECORD_HEADER + 3] = {}, type;
	struct event_data *e;

	if (!carried)
		return false;
	if (carried->carrier == call->ssl) {
		if (kind_direction(call->kind) == DIRECTION_SENT)
			around->sent_ns = bpf_ktime_get_ns();
		else
			carried->received = 1;
		return true;
	}
	if (carried->sock.id || !session->sock.id ||
	    bpf_probe_read_user(first, RECORD_HEADER, (void *)call->buffer) < 0)
		return false;
	type = tls_record_type(first);
	if (!type || !record_agrees(carried, around, type, kind_direction(call->kind)))
		return false;
	carried->carrier = call->ssl;
	carried->sock = session->sock;
	e = tls_record(EVENT_TLS_BIND, 0, around->ssl, carried);
	if (e)
		bpf_ringbuf_submit(e, wake_sleeper());
	return false; /* the first of them shows what follows */
}

/*
 * When the first call was entered for what is written: one that would block is tried again, with no fewer
 * bytes. A call with none is no try (Apache flushes by it, between an answer and the next request).
 */
static __always_inline __u64 write_began(struct kernel_session *session, const struct tls_call *call,
					 __u64 moved)
{
	bool again = session->tried_ns && call->size >= session->tried_bytes;
	__u64 began = again ? session->tried_ns : call->start_ns;

	if (!call->size)
		return began;
	session->tried_ns = moved ? 0 : began;
	session->tried_bytes = call->size;
	return began;
}

/*
 * Did the call write early data? Where the library has no function of its own for that, a client that was
 * seen from its start wrote although nothing had come.
 */
static __always_inline bool early_written(struct kernel_session *session, const struct tls_call *call)
{
	if (call->kind == TLS_WRITE_OR_EARLY && session->sock.id && session->from_start && !session->received)
		session->early = EARLY_WRITTEN;
	return session->early && (call->kind == TLS_WRITE_EARLY || call->kind == TLS_WRITE_OR_EARLY);
}

#define MIX_BYTES 64 /* at once */
#define MIX_TIMES 4  /* as far as the date in an answer's head */

/*
 * Tells the first bytes of a buffer from others; the lowest 8 bits say of how many times MIX_BYTES, up to
 * `times`. 0: they cannot be read. A global function, as ktls_source().
 */
__weak __noinline __u64 buffer_mix(__u64 at, __u64 size, __u32 times)
{
	__u64 mixed = 0, done = 0;

	for (int i = 0; i < MIX_TIMES && size && done < times; i++) {
		__u32 count = size < MIX_BYTES ? size : MIX_BYTES;
		__u64 words[MIX_BYTES / sizeof(__u64)] = {};

		if (bpf_probe_read_user(words, count, (void *)at) < 0)
			break;
		for (int word = 0; word < MIX_BYTES / (int)sizeof(__u64); word++) {
			mixed = (mixed ^ words[word]) * 0x9e3779b97f4a7c15;
			mixed ^= mixed >> 29;
		}
		at += count;
		size -= count;
		done++;
	}
	return done ? (mixed & ~0xffull) | done : 0;
}

/* Of a file on trial: what is in the buffer of a call that moves bytes by it. 0: not known. */
static __always_inline __u64 call_mix(const struct tls_call *call, __u32 times)
{
	if (call->library < TLS_TRIAL_FIRST || (call->kind != TLS_READ && call->kind != TLS_WRITE))
		return 0;
	return buffer_mix(call->buffer, call->result == TLS_RETURNS_INT ? (__u32)call->size : call->size,
			  times);
}

/* Is there something else in the buffer now than at the entry? */
static __always_inline bool call_filled(const struct tls_call *call)
{
	__u64 before = call->before, now;

	if (!before)
		return false;
	now = call_mix(call, before & 0xff);
	return now != before && (now & 0xff) == (before & 0xff);
}

/* sent_ns: when its bytes left; 0: now. By loads where there is stack for them. */
static __always_inline void call_header_fill(struct event_header *h, __u16 flags, __u64 sent_ns,
					     enum capture_form form)
{
	struct task_struct *task;

	if (form != CAPTURE_APART) {
		header_fill(h, EVENT_TLS_DATA, flags);
		if (sent_ns)
			h->time_ns = sent_ns;
		return;
	}
	task = bpf_get_current_task_btf();
	header_load(h, EVENT_TLS_DATA, flags, task, task->cred->uid.val,
		    sent_ns ? sent_ns : bpf_ktime_get_ns());
}

/*
 * Is the call amid what nobody wants, as the one before it in its direction was? That is all that some
 * sessions carry, so the way to this answer is short. The bytes are counted.
 */
static __always_inline bool plaintext_unwanted_still(struct kernel_session *session,
						     const struct tls_call *call, __u8 direction, __u64 moved)
{
	struct session_unwanted *unwanted = &session->unwanted[direction & 1];
	__u64 now, *count = &session->count[direction & 1];

	if (!unwanted->untold_ns)
		return false;
	now = call->start_ns ? call->start_ns : bpf_ktime_get_ns();
	if ((__s32)(unwanted->until - (__u32)(*count + moved)) <= 0 || now >= unwanted->untold_ns) {
		unwanted->untold_ns = 0; /* 2 GiB on its number would be ahead again */
		return false;
	}
	count_add(count, moved, true);
	kernel_count_unwanted(moved);
	return true;
}

/* The call was amid what nobody wants: those that follow it need no other look for a while. */
static __always_inline void plaintext_unwanted_note(struct kernel_session *session, const struct capture *c)
{
	struct session_unwanted *unwanted = &session->unwanted[c->record.direction & 1];

	unwanted->until = c->amid.until;
	unwanted->untold_ns = c->record.h.time_ns + c->amid.untold_ns;
}

static __always_inline int call_record(struct kernel_session *session, struct tls_call *call,
				       struct tls_call *around, __s64 result, enum capture_form form)
{
	struct capture c = {};
	__u64 moved;
	__u8 direction;

	if (call->kind == TLS_HANDSHAKE) {
		handshake_done(session, call, result);
		return 0;
	}
	if (call->kind == TLS_FLUSH || call->kind == TLS_TRANSPORT)
		return 0;
	moved = tls_call_moved(call, result);
	direction = kind_direction(call->kind);
	if (direction == DIRECTION_SENT)
		call->start_ns = write_began(session, call, moved);
	if (!moved || !socket_wanted(&session->sock))
		return 0;
	socketless_tell(session, call);
	if (call->kind == TLS_PEEK) {
		kernel_count(KC_PEEKED, 1);
		return 0;
	}
	/* Before Linux 6.13 there is no stack for it. */
	if (form == CAPTURE_APART && !around && plaintext_unwanted_still(session, call, direction, moved))
		return 0;
	call_header_fill(&c.record.h,
			 session->from_start ? EVENT_FROM_START | EVENT_CALL_TIME : EVENT_CALL_TIME,
			 direction == DIRECTION_SENT ? call->sent_ns : 0, form);
	if (early_written(session, call))
		c.record.h.flags |= EVENT_EARLY;
	if (call_filled(call))
		c.record.h.flags |= EVENT_FILLED;
	c.record.sock = session->sock;
	c.record.ssl = call->ssl;
	generation_fill(&c.record, call->generation);
	c.record.offset = call->start_ns;
	c.record.direction = direction;
	c.record.source = call->library;
	c.record.pos = count_add(&session->count[direction & 1], moved, form);
	c.left = moved;
	c.part = moved;
	c.snap = settings.snaplen_bytes;
	if (call->kind == TLS_SENDFILE || call->kind == TLS_READ_APART) {
		c.hole = HOLE_KERNEL;
		c.snap = 0;
	} else if (around && carries(call, session, around)) {
		c.hole = HOLE_MUTED;
		c.snap = 0;
	} else if (call->kind == TLS_WRITEV) {
		c.vectors = call->buffer;
		c.vector_count = call->size;
	} else {
		c.range = call->buffer;
		c.range_bytes = call->size;
	}
	if (moved >= SKIP_WORTH_BYTES)
		c.drop = plaintext_unwanted(call, &c.record, moved, &c.amid);
	if (c.drop == SKIP_UNTOLD) {
		if (form == CAPTURE_APART)
			plaintext_unwanted_note(session, &c);
		return 0;
	}
	capture_run(&c, form);
	return 0;
}

/* counted: the session counts its calls, and ends with the last one once it was closed. */
static __always_inline void returned_here(struct tls_call *call, struct tls_call *around, __s64 result,
					  bool counted, enum capture_form form)
{
	__u32 pid =
		form == CAPTURE_APART ? bpf_get_current_task_btf()->tgid : bpf_get_current_pid_tgid() >> 32;
	struct kernel_session *session = session_of_call_in(call, pid);

	if (!session)
		return;
	call_record(session, call, around, result, form);
	if (!counted)
		return;
	__sync_fetch_and_add(&session->calls, -1);
	if (session->closing && !*(volatile __u32 *)&session->calls)
		session_end(call->ssl);
}

/* A global function, as capture_apart(). Always 0. */
__weak __noinline int returned_apart(struct tls_call *call, struct tls_call *around, __s64 result,
				     bool counted)
{
	if (call)
		returned_here(call, around, result, counted, CAPTURE_APART);
	return 0;
}

/*
 * The call has returned: what it moved becomes a record. around: the call of the same thread or goroutine in
 * which it was made; NULL: in none.
 */
static __always_inline int tls_call_returned(struct tls_call *call, struct tls_call *around, __s64 result,
					     bool counted, enum capture_form form)
{
	if (form == CAPTURE_APART)
		returned_apart(call, around, result, counted);
	else
		returned_here(call, around, result, counted, form);
	return 0;
}

#endif

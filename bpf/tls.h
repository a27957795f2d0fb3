/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a socket transfer has to know of the TLS call around it. A transfer is
 * nested in a TLS call of its thread when its user stack pointer lies below
 * the call's, on the same stack; it then carries that session's ciphertext
 * and tells which socket the session uses.
 */
#ifndef HARK_BPF_TLS_H
#define HARK_BPF_TLS_H

#include "capture.h"

static __always_inline struct tls_call *tls_call_around(__u64 user_sp)
{
	__u64 key = bpf_get_current_pid_tgid();
	struct tls_call *call = bpf_map_lookup_elem(&calls, &key);

	if (!call || call->shared)
		return 0;
	if (user_sp >= call->sp || call->sp - user_sp > STACK_NEAR_BYTES)
		return 0;
	return call;
}

static const struct tls_session session_fresh = { .sock = { .fd = -1 } };

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

/* No two sessions at one address begin within 16 us: between them lies a whole handshake. */
static __always_inline __u64 generation_now(void)
{
	return (bpf_ktime_get_ns() >> 14) & ((1ull << 8 * EVENT_GENERATION_LEN) - 1);
}

static __always_inline void generation_fill(struct event_data *record, __u64 generation)
{
	record->generation[0] = generation;
	record->generation[1] = generation >> 8;
	record->generation[2] = generation >> 16;
	record->generation[3] = generation >> 24;
	record->generation[4] = generation >> 32;
}

/* The session of a call under way; NULL: it was freed inside it, or had to make room. */
static __always_inline struct tls_session *session_of_call(const struct tls_call *call)
{
	struct session_key key = { .ssl = call->ssl, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct tls_session *session = bpf_map_lookup_elem(&sessions, &key);

	return session && session->generation == call->generation ? session : 0;
}

/* At a call's entry: finds the session, or makes one with a generation of its own. NULL: no room. */
static __always_inline struct tls_session *session_claim(__u64 ssl)
{
	struct session_key key = { .ssl = ssl, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct tls_session *session = bpf_map_lookup_elem(&sessions, &key);
	__u64 owner = process_identity();

	if (session && session->owner == owner)
		return session;
	if (bpf_map_update_elem(&sessions, &key, &session_fresh, BPF_ANY) < 0)
		kernel_count(KC_MAP_FULL, 1);
	session = bpf_map_lookup_elem(&sessions, &key);
	if (!session)
		return 0;
	session->owner = owner;
	session->generation = generation_now();
	return session;
}

/* A nested transfer: counts ciphertext, and binds the session to the socket of `record` when that is news. */
static __always_inline void tls_nested(struct event_data *record, const struct tls_call *call, __u32 bytes)
{
	struct tls_session *session = session_of_call(call);
	bool known = session && session->sock.id == record->sock.id; /* a closed socket lost its ports */
	bool wanted = socket_wanted(known ? &session->sock : &record->sock);

	if (wanted)
		kernel_count(KC_BYTES_CIPHERTEXT, bytes);
	if (!session || session->sock.id == record->sock.id)
		return;
	session->sock = record->sock;
	if ((record->h.flags & EVENT_OFFSET_KNOWN) && record->offset == 0)
		session->from_start = 1;
	if (!wanted)
		return;
	record->h.type = EVENT_TLS_BIND;
	record->ssl = call->ssl;
	generation_fill(record, call->generation);
	record->len = 0;
	record->copied = 0;
	submit_bare(record, BPF_RB_NO_WAKEUP);
}

#endif

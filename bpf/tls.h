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

static __always_inline struct tls_session *tls_session_get(__u32 pid, __u64 ssl)
{
	struct session_key key = { .ssl = ssl, .pid = pid };
	struct tls_session *session = bpf_map_lookup_elem(&sessions, &key);

	if (session)
		return session;
	if (bpf_map_update_elem(&sessions, &key, &session_fresh, BPF_NOEXIST) == -7 /* E2BIG */)
		kernel_count(KC_MAP_FULL, 1);
	return bpf_map_lookup_elem(&sessions, &key);
}

/* A nested transfer: counts ciphertext, and binds the session to the socket of `record` when that is news. */
static __always_inline void tls_nested(struct event_data *record, const struct tls_call *call, __u32 bytes)
{
	struct tls_session *session;

	kernel_count(KC_BYTES_CIPHERTEXT, bytes);
	session = tls_session_get(record->h.pid, call->ssl);
	if (!session || session->sock.id == record->sock.id)
		return;
	session->sock = record->sock;
	if ((record->h.flags & EVENT_OFFSET_KNOWN) && record->offset == 0)
		session->from_start = 1;
	record->h.type = EVENT_TLS_BIND;
	record->ssl = call->ssl;
	record->len = 0;
	record->copied = 0;
	submit_bare(record, BPF_RB_NO_WAKEUP);
}

#endif

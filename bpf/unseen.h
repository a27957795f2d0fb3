/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traffic whose bytes hark does not read: UDP to or from port 443, which is
 * HTTP/3 most likely, and stream sockets whose bytes move through io_uring.
 * Each transfer is counted, each socket told of once (or again, when so many
 * others came in between that the map forgot it).
 */
#ifndef HARK_BPF_UNSEEN_H
#define HARK_BPF_UNSEEN_H

#include "transfer.h"

#define HTTPS_PORT 443

/* struct sockaddr_in or sockaddr_in6, as the user has it. */
struct user_sockaddr {
	__u16 family;
	__be16 port;
	union {
		__be32 v4;
		struct {
			__be32 flow;
			__u8 v6[16];
		};
	};
};

static __always_inline bool unseen_known(__u64 id, __u32 kind)
{
	struct unseen_key key = { .id = id, .kind = kind };

	return bpf_map_lookup_elem(&unseen, &key) != 0;
}

/* A record for a socket that is not known yet; NULL: it is, or there is no room. */
static __always_inline struct event_unseen *unseen_reserve(__u64 id, __u32 kind)
{
	struct unseen_key key = { .id = id, .kind = kind };
	struct event_unseen *out;
	__u8 one = 1;

	if (bpf_map_lookup_elem(&unseen, &key) || bpf_map_update_elem(&unseen, &key, &one, BPF_NOEXIST) < 0)
		return 0;
	out = bpf_ringbuf_reserve(&events, sizeof(*out), 0);
	if (!out) {
		kernel_count_lost();
		return 0;
	}
	__builtin_memset(out, 0, sizeof(*out));
	header_fill(&out->h, EVENT_UNSEEN, 0);
	out->h.size = sizeof(*out);
	out->kind = kind;
	return out;
}

static __always_inline void unseen_submit(struct event_unseen *out)
{
	bpf_ringbuf_submit(out, wake_sleeper());
	kernel_count(KC_EVENTS_SUBMITTED, 1);
}

/* A transfer through io_uring on the socket of `record`. */
static __always_inline void unseen_io_uring(const struct event_data *record)
{
	struct event_unseen *out;

	kernel_count(KC_IO_URING, 1);
	out = unseen_reserve(record->sock.id, UNSEEN_IO_URING);
	if (!out)
		return;
	__builtin_memcpy(&out->sock, &record->sock, sizeof(out->sock));
	unseen_submit(out);
}

/*
 * The address of an unconnected socket's datagram, where the system call's second or fifth argument says that
 * it stands; family 0: nowhere. Of several messages the first one's.
 */
static __always_inline void datagram_address(struct user_sockaddr *out, __u64 nr, __u64 second, __u64 fifth)
{
	__u64 name = 0;

	__builtin_memset(out, 0, sizeof(*out));
	switch (nr) {
	case NR_SENDTO:
	case NR_RECVFROM:
		name = fifth;
		break;
	case NR_SENDMSG:
	case NR_RECVMSG:
	case NR_SENDMMSG: /* a struct mmsghdr begins with its struct msghdr, and that with the name */
	case NR_RECVMMSG:
		bpf_probe_read_user(&name, sizeof(name), (void *)second);
		break;
	}
	if (!name || bpf_probe_read_user(out, 8, (void *)name) < 0) {
		out->family = 0;
		return;
	}
	if (out->family == AF_INET6)
		bpf_probe_read_user(out, sizeof(*out), (void *)name);
	else if (out->family != AF_INET)
		out->family = 0;
}

/* The peer of an unconnected socket, from what the caller gave. */
static __always_inline void datagram_peer(struct event_socket *s, const struct user_sockaddr *address)
{
	if (s->peer_port || !address->family)
		return;
	s->peer_port = __builtin_bswap16(address->port);
	if (address->family == AF_INET6) {
		/* In words: as single bytes, all of them at once would stand on the stack. */
		for (int i = 0; i < 4; i++)
			((__u32 *)s->peer)[i] = ((const volatile __u32 *)address->v6)[i];
		return;
	}
	s->family = AF_INET;
	__builtin_memcpy(s->peer, &address->v4, sizeof(address->v4));
}

#endif

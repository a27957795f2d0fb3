/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The first bytes of UDP datagrams that look like the beginning of a QUIC
 * connection, for user space to read the client's hello in. Nothing here tells
 * for sure: five bytes are looked at, of datagrams that are long enough.
 *
 * Datagrams of other programs cost a comparison of their length; of those that
 * are long only some are looked at, a socket and a second.
 */
#ifndef HARK_BPF_DATAGRAM_H
#define HARK_BPF_DATAGRAM_H

#include "unseen.h"

#define DATAGRAM_MIN_BYTES  1200 /* of those with a client's Initial packet (RFC 9000, 14.1) */
#define DATAGRAM_COPY_BYTES 4096 /* two or three, where the kernel cuts them apart (UDP_SEGMENT) */
#define DATAGRAM_LOOKS	    64	 /* a socket and window, until none is looked at */
#define DATAGRAM_COPIES	    16	 /* of them */
#define DATAGRAM_WINDOW_NS  1000000000ull

#define QUIC_HEADER 0xf0 /* of the first byte: the long form, the fixed bit, the type (RFC 9000, 17.2) */

/* The first byte and the version, of a packet of the type Initial (RFC 9000, 17.2.2; RFC 9369, 3.2). */
static __always_inline bool head_is_initial(const __u8 head[5])
{
	__u32 version = (__u32)head[1] << 24 | (__u32)head[2] << 16 | (__u32)head[3] << 8 | head[4];

	return (version == 1 && (head[0] & QUIC_HEADER) == 0xc0) ||
	       (version == 0x6b3343cf && (head[0] & QUIC_HEADER) == 0xd0);
}

static const char zeros[sizeof(struct event_data)];

/* Is one more datagram of this socket looked at? NULL: no. */
static __always_inline struct datagram_looks *datagram_looks_left(__u64 id)
{
	struct datagram_looks *looks = bpf_map_lookup_elem(&datagrams, &id);

	if (!looks) {
		bpf_map_update_elem(&datagrams, &id, zeros, BPF_NOEXIST);
		looks = bpf_map_lookup_elem(&datagrams, &id);
		if (!looks)
			return 0;
	}
	if (!looks->since_ns || looks->looked >= DATAGRAM_LOOKS || looks->copied >= DATAGRAM_COPIES) {
		__u64 now_ns = bpf_ktime_get_ns();

		if (looks->since_ns && now_ns - looks->since_ns < DATAGRAM_WINDOW_NS)
			return 0;
		looks->since_ns = now_ns;
		looks->looked = looks->copied = 0;
	}
	return looks;
}

/*
 * The first buffer of a call; `second` and `third` are its arguments, of calls for many messages also the
 * address of one of them. False: none is found.
 */
static __always_inline bool datagram_buffer(struct datagram_found *out, __u64 nr, __u64 third)
{
	__u64 vectors = out->at;

	switch (nr) {
	case NR_READ:
	case NR_WRITE:
	case NR_RECVFROM:
	case NR_SENDTO:
		out->base = out->at;
		out->len = third;
		return true;
	case NR_SENDMSG:
	case NR_RECVMSG:
	case NR_SENDMMSG: /* a struct mmsghdr begins with its struct msghdr */
	case NR_RECVMMSG:
		if (bpf_probe_read_user(&vectors, sizeof(vectors),
					(void *)(out->at + __builtin_offsetof(struct user_msghdr, iov))) < 0)
			return false;
		break;
	case NR_READV:
	case NR_WRITEV:
	case NR_PREADV2:
	case NR_PWRITEV2:
		break;
	default:
		return false;
	}
	return bpf_probe_read_user(out, sizeof(struct user_iovec), (void *)vectors) == 0;
}

struct record_datagram {
	struct event_data data;
	__u8 payload[DATAGRAM_COPY_BYTES] __attribute__((aligned(8)));
};

static __always_inline struct datagram_found *datagram_found_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&datagram_scratch, &zero);
}

/* Does it look like a beginning? */
static __always_inline bool datagram_begins(struct datagram_looks *looks, const struct datagram_found *found)
{
	__u8 head[5];

	looks->looked++;
	if (found->len < DATAGRAM_MIN_BYTES ||
	    bpf_probe_read_user(head, sizeof(head), (void *)found->base) < 0 || !head_is_initial(head))
		return false;
	looks->copied++;
	kernel_count(KC_DATAGRAMS, 1);
	if (looks->copied == DATAGRAM_COPIES)
		kernel_count(KC_DATAGRAMS_LIMIT, 1);
	return true;
}

/* A record for what was found; its socket, its peer and its bytes are not in it yet. NULL: there is no room.
 */
static __always_inline struct record_datagram *datagram_reserve(void)
{
	struct record_datagram *out = bpf_ringbuf_reserve(&events, sizeof(*out), 0);

	if (!out) {
		kernel_count_lost();
		return 0;
	}
	bpf_probe_read_kernel(&out->data, sizeof(out->data), zeros);
	header_fill(&out->data.h, EVENT_DATAGRAM, 0);
	return out;
}

/* The peer of an unconnected socket. Before Linux 6.8 the stack has no room for the address. */
static __always_inline void datagram_find_peer(struct record_datagram *out, __u64 nr, __u64 second,
					       __u64 fifth)
{
	struct user_sockaddr *address = (struct user_sockaddr *)out->payload;

	datagram_address(address, nr, second, fifth);
	datagram_peer(&out->data.sock, address);
}

/* Copies the first of its bytes and submits the record, if its ports are wanted. */
static __always_inline void datagram_submit(struct record_datagram *out, const struct datagram_found *found,
					    __u8 direction)
{
	__u64 copied = found->bytes;

	if (settings.filter_ports && !port_wanted(out->data.sock.local_port) &&
	    !port_wanted(out->data.sock.peer_port)) {
		bpf_ringbuf_discard(out, BPF_RB_NO_WAKEUP);
		return;
	}
	if (copied > found->len)
		copied = found->len;
	if (copied > settings.snaplen_bytes)
		copied = settings.snaplen_bytes;
	hide_value(copied);
	if (copied > DATAGRAM_COPY_BYTES)
		copied = DATAGRAM_COPY_BYTES;
	if (bpf_probe_read_user(out->payload, copied, (void *)found->base) < 0)
		copied = 0;
	out->data.direction = direction;
	out->data.len = found->bytes;
	out->data.copied = copied;
	out->data.hole = copied < found->bytes ? HOLE_SNAPLEN : HOLE_NONE;
	out->data.h.size = sizeof(out->data) + copied;
	bpf_ringbuf_submit(out, wake_flags(&out->data));
	kernel_count(KC_EVENTS_SUBMITTED, 1);
}

#endif

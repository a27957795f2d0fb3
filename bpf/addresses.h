/* SPDX-License-Identifier: GPL-2.0 */
/* A socket's addresses by probe reads, for the programs to which the verifier gives no typed socket. */
#ifndef HARK_BPF_ADDRESSES_H
#define HARK_BPF_ADDRESSES_H

#include "kernel.h"
#include "event.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/*
 * The kernel's number of a network namespace, which no two have at once, in three bytes: the first of them
 * are just below 0xf0000000, all others are counted up from there.
 */
static __always_inline void netns_fill(struct event_socket *s, __u32 inum)
{
	__u32 number = inum - 0xf0000000 + 1;

	s->netns[0] = number;
	s->netns[1] = number >> 8;
	s->netns[2] = number >> 16;
}

/* Fills ports, addresses and network namespace; s->family is known and is AF_INET or AF_INET6. */
static __always_inline void addresses_probe(struct event_socket *s, struct sock *sk)
{
	s->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	s->peer_port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	netns_fill(s, BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum));
	if (s->family == AF_INET) {
		BPF_CORE_READ_INTO((__be32 *)s->local, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((__be32 *)s->peer, sk, __sk_common.skc_daddr);
		return;
	}
	bpf_probe_read_kernel(s->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	bpf_probe_read_kernel(s->peer, 16, &sk->__sk_common.skc_v6_daddr);
}

#endif

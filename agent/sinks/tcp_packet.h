/* SPDX-License-Identifier: Apache-2.0 */
/* A packet of IPv4 (RFC 791) or IPv6 (RFC 8200) with a TCP segment (RFC 9293), as it might have been on the
 * wire. */
#ifndef HARK_TCP_PACKET_H
#define HARK_TCP_PACKET_H

#include "base/buffer.h"
#include "slice.h"

#include <stdint.h>

enum tcp_flag {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
};

#define TCP_PACKET_DATA_MAX 61440 /* of one segment; with both headers below 64 KiB */

struct tcp_endpoint {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
};

struct tcp_packet {
	const struct tcp_endpoint *from, *to; /* of IPv4 when both are */
	uint32_t sequence, acknowledged;
	unsigned int flags; /* enum tcp_flag */
	struct slice data;  /* TCP_PACKET_DATA_MAX at most */
};

/* Headers with right checksums, then the data, which is copied. */
void tcp_packet_put(struct buffer *out, const struct tcp_packet *packet);

#endif

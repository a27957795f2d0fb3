/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checksum (RFC 1071) is of the whole segment, which is read once more for it: a sum of words of 32 bits
 * in one of 64 has room for all that a packet holds, and is folded at the end.
 */
#include "tcp_packet.h"

#include "model/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum {
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	TCP_BYTES = 20,
	HOPS = 64,
	WINDOW = 65535,
	DONT_FRAGMENT = 0x4000,
};

static void put_u16(struct buffer *out, unsigned int value)
{
	uint16_t wire = htons((uint16_t)value);

	buffer_put(out, &wire, sizeof(wire));
}

static void put_u32(struct buffer *out, uint32_t value)
{
	uint32_t wire = htonl(value);

	buffer_put(out, &wire, sizeof(wire));
}

/* Of bytes that begin at an even place; the sum's byte order is the bytes' own. */
static uint64_t sum_add(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t word = 0;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, at, len);
	return sum + word;
}

static void set_checksum(struct buffer *out, size_t at, uint64_t sum)
{
	uint16_t checksum;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	checksum = (uint16_t)~sum;
	if (!out->failed)
		memcpy(out->data + at, &checksum, sizeof(checksum));
}

static void put_ipv4(struct buffer *out, const struct tcp_packet *packet)
{
	size_t start = out->len;

	put_u16(out, 0x4500);
	put_u16(out, (unsigned int)(IPV4_BYTES + TCP_BYTES + packet->data.len));
	put_u16(out, 0);
	put_u16(out, DONT_FRAGMENT);
	put_u16(out, HOPS << 8 | IPPROTO_TCP);
	put_u16(out, 0);
	buffer_put(out, packet->from->address + 12, 4);
	buffer_put(out, packet->to->address + 12, 4);
	if (!out->failed)
		set_checksum(out, start + 10, sum_add(0, out->data + start, IPV4_BYTES));
}

static void put_ipv6(struct buffer *out, const struct tcp_packet *packet)
{
	put_u32(out, 0x60000000);
	put_u16(out, (unsigned int)(TCP_BYTES + packet->data.len));
	put_u16(out, IPPROTO_TCP << 8 | HOPS);
	buffer_put(out, packet->from->address, 16);
	buffer_put(out, packet->to->address, 16);
}

void tcp_packet_put(struct buffer *out, const struct tcp_packet *packet)
{
	bool ipv4 = address_is_ipv4(packet->from->address) && address_is_ipv4(packet->to->address);
	unsigned int front = ipv4 ? 12 : 0;
	size_t start;
	uint64_t sum;

	if (!buffer_room(out, IPV6_BYTES + TCP_BYTES + packet->data.len))
		return;
	if (ipv4)
		put_ipv4(out, packet);
	else
		put_ipv6(out, packet);
	start = out->len;
	put_u16(out, packet->from->port);
	put_u16(out, packet->to->port);
	put_u32(out, packet->sequence);
	put_u32(out, packet->acknowledged);
	put_u16(out, TCP_BYTES / 4 << 12 | packet->flags);
	put_u16(out, WINDOW);
	put_u32(out, 0);
	buffer_put(out, packet->data.data, packet->data.len);
	sum = htons(IPPROTO_TCP);
	sum += htons((uint16_t)(out->len - start));
	sum = sum_add(sum, packet->from->address + front, 16 - front);
	sum = sum_add(sum, packet->to->address + front, 16 - front);
	set_checksum(out, start + 16, sum_add(sum, out->data + start, out->len - start));
}

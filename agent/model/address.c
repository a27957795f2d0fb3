/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static_assert(AF_INET == 2 && AF_INET6 == 10, "address_known()");

static void put_ipv4(struct buffer *buffer, const uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		if (i)
			buffer_char(buffer, '.');
		buffer_u64(buffer, bytes[i]);
	}
}

static bool is_mapped(const uint8_t address[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

void address_put(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	if (sock->family == AF_INET)
		put_ipv4(buffer, address);
	else if (is_mapped(address))
		put_ipv4(buffer, address + 12);
	else if (inet_ntop(AF_INET6, address, text, sizeof(text)))
		buffer_string(buffer, text);
}

void address_put_endpoint(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16],
			  uint16_t port)
{
	bool bracket = sock->family == AF_INET6 && !is_mapped(address);

	if (!address_known(sock)) {
		buffer_string(buffer, sock->family == AF_UNIX ? "unix" : "-");
		return;
	}
	if (bracket)
		buffer_char(buffer, '[');
	address_put(buffer, sock, address);
	if (bracket)
		buffer_char(buffer, ']');
	buffer_char(buffer, ':');
	buffer_u64(buffer, port);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
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

static const uint8_t ipv4_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool address_is_ipv4(const uint8_t address[16])
{
	return memcmp(address, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
}

void address_widen(uint8_t out[16], uint16_t family, const uint8_t *address)
{
	size_t before = family == AF_INET ? sizeof(ipv4_prefix) : 0;

	memcpy(out, ipv4_prefix, before);
	memcpy(out + before, address, 16 - before);
}

void address_put(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	if (sock->family == AF_INET)
		put_ipv4(buffer, address);
	else if (address_is_ipv4(address))
		put_ipv4(buffer, address + 12);
	else if (inet_ntop(AF_INET6, address, text, sizeof(text)))
		buffer_string(buffer, text);
}

bool address_put_server(struct buffer *buffer, const struct conn_facts *conn)
{
	if (conn->role == ROLE_UNKNOWN || !address_known(&conn->sock))
		return false;
	address_put(buffer, &conn->sock, conn->role == ROLE_CLIENT ? conn->sock.peer : conn->sock.local);
	return true;
}

void address_put_endpoint(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16],
			  uint16_t port)
{
	bool bracket = sock->family == AF_INET6 && !address_is_ipv4(address);

	if (!address_known(sock) || (sock->protocol == IPPROTO_UDP && !port)) {
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

bool address_put_server_endpoint(struct buffer *buffer, const struct conn_facts *conn)
{
	const struct event_socket *sock = &conn->sock;

	if (conn->role == ROLE_UNKNOWN || !address_known(sock))
		return false;
	if (conn->role == ROLE_CLIENT)
		address_put_endpoint(buffer, sock, sock->peer, sock->peer_port);
	else
		address_put_endpoint(buffer, sock, sock->local, sock->local_port);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of sockets as every face writes them. */
#ifndef HARK_ADDRESS_H
#define HARK_ADDRESS_H

#include "base/buffer.h"
#include "conn_facts.h"
#include "event.h"

#include <stdbool.h>
#include <stdint.h>

/* Has the socket addresses? */
static inline bool address_known(const struct event_socket *sock)
{
	return sock->family == 2 /* AF_INET */ || sock->family == 10 /* AF_INET6 */;
}

/* An address in 16 bytes; IPv4 (AF_INET) as ::ffff:a.b.c.d. */
void address_widen(uint8_t out[16], uint16_t family, const uint8_t *address);
/* Is it IPv4 in IPv6? */
bool address_is_ipv4(const uint8_t address[16]);

/* One address of a socket that has them, without port; IPv4 in IPv6 as IPv4. Plain characters only. */
void address_put(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16]);
/* The address of the connection's server, in the same way. False: it, or the role, is not known. */
bool address_put_server(struct buffer *buffer, const struct conn_facts *conn);
/* The same with its port, as by address_put_endpoint(). */
bool address_put_server_endpoint(struct buffer *buffer, const struct conn_facts *conn);
/* "127.0.0.1:80", "[::1]:80", "unix", or "-" when the socket is not known. */
void address_put_endpoint(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16],
			  uint16_t port);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of sockets as every face writes them. */
#ifndef HARK_ADDRESS_H
#define HARK_ADDRESS_H

#include "base/buffer.h"
#include "event.h"

#include <stdbool.h>
#include <stdint.h>

/* Has the socket addresses? */
static inline bool address_known(const struct event_socket *sock)
{
	return sock->family == 2 /* AF_INET */ || sock->family == 10 /* AF_INET6 */;
}

/* One address of a socket that has them, without port; IPv4 in IPv6 as IPv4. Plain characters only. */
void address_put(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16]);
/* "127.0.0.1:80", "[::1]:80", "unix", or "-" when the socket is not known. */
void address_put_endpoint(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16],
			  uint16_t port);

#endif

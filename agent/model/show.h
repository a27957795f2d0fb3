/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, times and programs as every sink writes them. */
#ifndef HARK_SHOW_H
#define HARK_SHOW_H

#include "base/buffer.h"
#include "conn_facts.h"
#include "exchange.h"

#include <stdbool.h>
#include <stdint.h>

/* The second that was formatted last: most lines share it with the line before. */
struct show_clock {
	int64_t wall_offset_ns;
	bool cached;
	int64_t second;
	char text[40];
};

/* RFC 3339, UTC, nanoseconds: "2026-01-02T03:04:05.000000006Z". */
void show_utc(struct buffer *buffer, struct show_clock *clock, uint64_t event_ns);
/* Local time of day: "03:04:05.006". */
void show_local(struct buffer *buffer, struct show_clock *clock, uint64_t event_ns);

/* Has the socket addresses? */
static inline bool show_has_address(const struct event_socket *sock)
{
	return sock->family == 2 /* AF_INET */ || sock->family == 10 /* AF_INET6 */;
}

/* One address of a socket that has them, without port; IPv4 in IPv6 as IPv4. Plain characters only. */
void show_address(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16]);
/* "127.0.0.1:80", "[::1]:80", "unix", or "-" when the socket is not known. */
void show_endpoint(struct buffer *buffer, const struct event_socket *sock, const uint8_t address[16],
		   uint16_t port);

/* The executable's base name, else the thread's name; data NULL: neither is known. */
struct slice show_program(const struct mover *mover);

/* "1.0", "1.1", "2"; NULL: not known. */
const char *show_version(enum http_version version);
/* What the request says, else the response. */
enum http_version show_exchange_version(const struct exchange *exchange);

/* "1.3" of 0x0304; NULL: not known, or a version that has no name. */
const char *show_tls_version(uint16_t version);

/* "client", "server"; NULL: not known. */
const char *show_role(enum protocol_role role);
/* "local", "peer", "exit"; NULL: not known. */
const char *show_closed_by(enum conn_closed_by closed_by);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server listens: an address and a port, as --listen gives them. Names are not looked up. */
#ifndef HARK_SERVE_ADDRESS_H
#define HARK_SERVE_ADDRESS_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct serve_address {
	struct sockaddr_storage socket;
	socklen_t len;
};

/* "127.0.0.1:9464", "[::1]:0", "localhost:9464" (which is 127.0.0.1). 0 or -EINVAL. */
int serve_address_parse(const char *text, struct serve_address *address);

/* Can nobody but this machine reach it? */
bool serve_address_is_loopback(const struct serve_address *address);

uint16_t serve_address_port(const struct serve_address *address);

/* The address without its port; of IPv6 without brackets. */
void serve_address_put_host(struct buffer *text, const struct serve_address *address);
/* As it was given: "127.0.0.1:9464", "[::1]:9464". */
void serve_address_put(struct buffer *text, const struct serve_address *address);

/*
 * Listens there; *address becomes what was bound, with the port that was chosen for 0. A descriptor that does
 * not block and closes when a program is executed, or -errno.
 */
int serve_address_listen(struct serve_address *address);

#endif

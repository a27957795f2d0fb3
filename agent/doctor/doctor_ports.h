/* SPDX-License-Identifier: Apache-2.0 */
/* TCP ports of processes, by the kernel's tables of sockets (/proc/PID/net/tcp, tcp6) and their descriptors.
 */
#ifndef HARK_DOCTOR_PORTS_H
#define HARK_DOCTOR_PORTS_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORTS_SHOWN 8

struct port_list {
	uint16_t ports[PORTS_SHOWN]; /* ascending */
	size_t count, unlisted;
};

/* All zero: none yet. */
struct doctor_ports {
	struct port_list on; /* listened on, or the local end of what came to a port that is */
	struct port_list to; /* the peer's, of what it connected to */
	bool unknown;	     /* its descriptors or its network's sockets could not be read */
};

struct doctor_sockets;

/* NULL: out of memory. */
struct doctor_sockets *doctor_sockets_new(void);
/* NULL is legal. */
void doctor_sockets_free(struct doctor_sockets *sockets);

/* Reads the sockets of the process's network, once a network. 0 or -errno. */
int doctor_sockets_read(struct doctor_sockets *sockets, uint32_t pid);

/* Adds the ports of a socket by its inode, if it is one of TCP that was read. */
void doctor_ports_add(struct doctor_ports *ports, const struct doctor_sockets *sockets, uint64_t inode);

/* Adds another process's. */
void doctor_ports_merge(struct doctor_ports *ports, const struct doctor_ports *other);

/* "on 80,443 to 5432"; "-": none; "?": not known. */
void doctor_ports_put(struct buffer *buffer, const struct doctor_ports *ports);

#endif

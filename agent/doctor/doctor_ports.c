/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network's sockets stand in two files, which are read once; inode numbers of sockets are the machine's
 * own, not the network's. A connection whose local port is listened on came in; of any other the peer's port
 * is said.
 */
#include "doctor_ports.h"

#include "base/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NETWORKS_MAX 256
#define SOCKETS_MAX  262144 /* more of them are not known */

#define TCP_STATE_LISTEN 10 /* TCP_LISTEN of the kernel's include/net/tcp_states.h */

struct network {
	uint64_t inode;
	int error;		     /* of reading it */
	uint8_t listened[65536 / 8]; /* a bit a port */
};

struct tcp_socket {
	uint64_t inode;
	const struct network *network;
	uint16_t local, peer;
	bool listens;
	UT_hash_handle hh;
};

struct doctor_sockets {
	struct network *networks[NETWORKS_MAX];
	size_t network_count;
	struct tcp_socket *sockets; /* by inode */
};

struct doctor_sockets *doctor_sockets_new(void)
{
	return calloc(1, sizeof(struct doctor_sockets));
}

void doctor_sockets_free(struct doctor_sockets *sockets)
{
	struct tcp_socket *at, *next;

	if (!sockets)
		return;
	HASH_ITER (hh, sockets->sockets, at, next) {
		HASH_DEL(sockets->sockets,
			 at); /* NOLINT(clang-analyzer-unix.Malloc): the macro's own bookkeeping */
		free(at);
	}
	for (size_t i = 0; i < sockets->network_count; i++)
		free(sockets->networks[i]);
	free(sockets);
}

static int socket_add(struct doctor_sockets *sockets, const struct tcp_socket *read)
{
	struct tcp_socket *added, *known;

	HASH_FIND(hh, sockets->sockets, &read->inode, sizeof(read->inode), known);
	if (known)
		return 0;
	if (HASH_COUNT(sockets->sockets) >= SOCKETS_MAX)
		return -ENOSPC;
	added = malloc(sizeof(*added));
	if (!added)
		return -ENOMEM;
	*added = *read;
	HASH_ADD(hh, sockets->sockets, inode, sizeof(added->inode), added);
	if (TABLE_ADDED(added, hh))
		return 0;
	free(added);
	return -ENOMEM;
}

static int file_read(struct doctor_sockets *sockets, struct network *network, uint32_t pid, const char *name)
{
	char path[48], line[512];
	int err = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, name);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? 0 : -errno; /* a kernel without IPv6 */
	while (!err && fgets(line, sizeof(line), file)) {
		struct tcp_socket read = { .network = network };
		unsigned int local, peer, state;

		/* number, ends, state, queues, timer, retransmissions, user, timeout, inode (0: no process
		 * has it any more) */
		if (sscanf(line, "%*u: %*[0-9A-F]:%4x %*[0-9A-F]:%4x %2x %*s %*s %*s %*u %*u %" SCNu64,
			   &local, &peer, &state, &read.inode) != 4 ||
		    !read.inode)
			continue;
		read.local = (uint16_t)local;
		read.peer = (uint16_t)peer;
		read.listens = state == TCP_STATE_LISTEN;
		if (read.listens)
			network->listened[local / 8] |= (uint8_t)(1u << local % 8);
		err = socket_add(sockets, &read);
	}
	fclose(file);
	return err;
}

int doctor_sockets_read(struct doctor_sockets *sockets, uint32_t pid)
{
	struct network *network;
	struct stat st;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	if (stat(path, &st) < 0)
		return -errno;
	for (size_t i = 0; i < sockets->network_count; i++)
		if (sockets->networks[i]->inode == st.st_ino)
			return sockets->networks[i]->error;
	if (sockets->network_count == NETWORKS_MAX)
		return -ENOSPC;
	network = calloc(1, sizeof(*network));
	if (!network)
		return -ENOMEM;
	sockets->networks[sockets->network_count++] = network;
	network->inode = st.st_ino;
	network->error = file_read(sockets, network, pid, "tcp");
	if (!network->error)
		network->error = file_read(sockets, network, pid, "tcp6");
	return network->error;
}

static void list_add(struct port_list *list, uint16_t port)
{
	size_t at = 0;

	while (at < list->count && list->ports[at] < port)
		at++;
	if (at < list->count && list->ports[at] == port)
		return;
	if (list->count == PORTS_SHOWN) {
		list->unlisted++;
		return;
	}
	memmove(&list->ports[at + 1], &list->ports[at], (list->count - at) * sizeof(list->ports[0]));
	list->ports[at] = port;
	list->count++;
}

void doctor_ports_add(struct doctor_ports *ports, const struct doctor_sockets *sockets, uint64_t inode)
{
	const struct tcp_socket *found;

	HASH_FIND(hh, sockets->sockets, &inode, sizeof(inode), found);
	if (!found)
		return;
	if (found->listens || found->network->listened[found->local / 8] >> found->local % 8 & 1)
		list_add(&ports->on, found->local);
	else if (found->peer)
		list_add(&ports->to, found->peer);
}

static void list_merge(struct port_list *list, const struct port_list *other)
{
	for (size_t i = 0; i < other->count; i++)
		list_add(list, other->ports[i]);
	list->unlisted += other->unlisted;
}

void doctor_ports_merge(struct doctor_ports *ports, const struct doctor_ports *other)
{
	list_merge(&ports->on, &other->on);
	list_merge(&ports->to, &other->to);
	ports->unknown |= other->unknown;
}

static void list_put(struct buffer *buffer, const char *word, const struct port_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		buffer_format(buffer, "%s%u", i ? "," : word, list->ports[i]);
	if (list->unlisted)
		buffer_string(buffer, ",...");
}

void doctor_ports_put(struct buffer *buffer, const struct doctor_ports *ports)
{
	list_put(buffer, "on ", &ports->on);
	list_put(buffer, ports->on.count ? " to " : "to ", &ports->to);
	if (ports->unknown)
		buffer_string(buffer, ports->on.count || ports->to.count ? " ?" : "?");
	else if (!ports->on.count && !ports->to.count)
		buffer_char(buffer, '-');
}

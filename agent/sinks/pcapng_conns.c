/* SPDX-License-Identifier: Apache-2.0 */
#include "pcapng_conns.h"

#include "base/counters.h"
#include "model/address.h"
#include "protocol.h"

#include <stdlib.h>

#define FIRST_NUMBER 1	/* behind the SYN's */
#define MADE_UP_HTTP 80 /* the server's port where there are none: what that is for Wireshark is right */
#define MADE_UP_OWN  1024

void pcapng_conns_remove(struct pcapng_conns *conns, struct pcapng_conn *conn)
{
	HASH_DEL(conns->table, conn);
	DL_DELETE(conns->oldest, conn);
	free(conn);
}

void pcapng_conns_fini(struct pcapng_conns *conns)
{
	while (conns->oldest)
		pcapng_conns_remove(conns, conns->oldest);
}

struct pcapng_conn *pcapng_conns_find(const struct pcapng_conns *conns, uint64_t id)
{
	struct pcapng_conn *conn;

	HASH_FIND(hh, conns->table, &id, sizeof(id), conn);
	return conn;
}

/*
 * A Unix socket, or a session whose socket is not known, has no addresses: it gets two of the prefix that no
 * network has (RFC 6666), 100::1:ID for the observed end and 100::2:ID for the other, ID being
 * hark.connection.
 */
static void make_up(struct pcapng_conn *conn, enum protocol_role role)
{
	for (int i = 0; i < 2; i++) {
		uint8_t *address = conn->end[i].address;
		bool serves = (role == ROLE_SERVER) == (i == DIRECTION_SENT);

		memset(address, 0, 16);
		address[0] = 1;
		address[7] = i == DIRECTION_SENT ? 1 : 2;
		for (int byte = 0; byte < 8; byte++)
			address[15 - byte] = (uint8_t)(conn->id >> 8 * byte);
		conn->end[i].port = serves ? MADE_UP_HTTP : MADE_UP_OWN;
	}
}

static void take_addresses(struct pcapng_conn *conn, const struct conn_facts *facts)
{
	const struct event_socket *sock = &facts->sock;

	if (!address_known(sock)) {
		make_up(conn, facts->role);
		return;
	}
	address_widen(conn->end[DIRECTION_SENT].address, sock->family, sock->local);
	address_widen(conn->end[DIRECTION_RECEIVED].address, sock->family, sock->peer);
	conn->end[DIRECTION_SENT].port = sock->local_port;
	conn->end[DIRECTION_RECEIVED].port = sock->peer_port;
}

static struct pcapng_conn *add(struct pcapng_conns *conns, const struct conn_facts *facts)
{
	struct pcapng_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	if (HASH_COUNT(conns->table) >= PCAPNG_CONNS_MAX)
		pcapng_conns_remove(conns, conns->oldest);
	conn->id = facts->id;
	HASH_ADD(hh, conns->table, id, sizeof(conn->id), conn);
	if (!TABLE_ADDED(conn, hh)) {
		free(conn);
		return NULL;
	}
	DL_APPEND(conns->oldest, conn);
	take_addresses(conn, facts);
	for (int i = 0; i < 2; i++)
		conn->side[i].next = FIRST_NUMBER;
	return conn;
}

struct pcapng_conn *pcapng_conns_get(struct pcapng_conns *conns, const struct conn_facts *facts)
{
	struct pcapng_conn *conn = pcapng_conns_find(conns, facts->id);

	if (!conn) {
		conn = add(conns, facts);
		if (!conn)
			counter_add(COUNTER_LIMIT_MEMORY, 1);
		return conn;
	}
	if (conn->next) {
		DL_DELETE(conns->oldest, conn);
		DL_APPEND(conns->oldest, conn);
	}
	return conn;
}

/* How far from the direction's beginning the first call stands that is shown; 0: nobody knows, or at its
 * beginning. */
static uint64_t distance(const struct call *call)
{
	const struct conn_origin *origin = &call->conn->origin;
	uint32_t offset = (uint32_t)call->position - origin->number[call->direction];

	if (!call->numbered)
		return call->position;
	/* A client's SYN may have been counted. */
	return origin->known[call->direction] && offset > 1 ? offset : 0;
}

/* A layer begins: its positions have no relation to those of another one, behind which it stands. */
static void side_begin(struct pcapng_side *side, const struct call *call)
{
	uint64_t before = side->begun ? 0 : distance(call);

	side->begun = true;
	side->tls = call->tls;
	side->shift = side->next + (uint32_t)before - (uint32_t)call->position;
}

uint32_t pcapng_conn_number(struct pcapng_conn *conn, const struct call *call)
{
	struct pcapng_side *side = &conn->side[call->direction];
	bool back = !call->numbered && call->position < side->position;

	if (!side->begun || side->tls != call->tls || back)
		side_begin(side, call);
	side->position = call->position + call->len;
	if (call->lost_bytes == HOLE_UNKNOWN_SIZE)
		side->shift++;
	return (uint32_t)call->position + side->shift;
}

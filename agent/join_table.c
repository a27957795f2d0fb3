/* SPDX-License-Identifier: Apache-2.0 */
#include "join_table.h"

#include "counters.h"

#include <stdlib.h>
#include <sys/socket.h>

static void address_put(uint8_t to[16], uint16_t family, const uint8_t from[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET6) {
		memcpy(to, from, 16);
		return;
	}
	memcpy(to, mapped, sizeof(mapped));
	memcpy(to + sizeof(mapped), from, 4);
}

static bool addresses_of(const struct event_socket *sock, struct join_addresses *addresses)
{
	if ((sock->family != AF_INET && sock->family != AF_INET6) || !sock->local_port || !sock->peer_port)
		return false;
	address_put(addresses->local, sock->family, sock->local);
	address_put(addresses->peer, sock->family, sock->peer);
	addresses->local_port = sock->local_port;
	addresses->peer_port = sock->peer_port;
	return true;
}

struct join_conn *join_table_find(const struct join_table *table, const struct conn_facts *facts)
{
	struct join_conn *conn;

	HASH_FIND_PTR(table->by_facts, &facts, conn);
	return conn;
}

static struct join_conn *find_addresses(const struct join_table *table,
					const struct join_addresses *addresses)
{
	struct join_conn *conn;

	HASH_FIND(hh_addresses, table->by_addresses, addresses, sizeof(*addresses), conn);
	return conn;
}

/* Of two that are open neither can be told apart from outside; one that closed makes room. */
static void addresses_claim(struct join_table *table, struct join_conn *conn)
{
	struct join_conn *other = find_addresses(table, &conn->addresses);

	if (other && other->facts) {
		other->ambiguous = true;
		conn->ambiguous = true;
		return;
	}
	if (other)
		join_table_remove(table, other);
	HASH_ADD(hh_addresses, table->by_addresses, addresses, sizeof(conn->addresses), conn);
}

struct join_conn *join_table_get(struct join_table *table, const struct conn_facts *facts)
{
	struct join_conn *conn = join_table_find(table, facts);
	struct join_addresses addresses = { .local_port = 0 };

	if (conn || !addresses_of(&facts->sock, &addresses))
		return conn;
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return NULL;
	conn->key = facts;
	conn->facts = facts;
	conn->addresses = addresses;
	HASH_ADD_PTR(table->by_facts, key, conn);
	if (!TABLE_ADDED(conn, hh)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		free(conn);
		return NULL;
	}
	addresses_claim(table, conn);
	return conn;
}

struct join_conn *join_table_peer(const struct join_table *table, const struct join_conn *conn)
{
	const struct join_addresses *own = &conn->addresses;
	struct join_addresses mirrored = { .local_port = own->peer_port, .peer_port = own->local_port };
	struct join_conn *peer;

	memcpy(mirrored.local, own->peer, sizeof(mirrored.local));
	memcpy(mirrored.peer, own->local, sizeof(mirrored.peer));
	peer = find_addresses(table, &mirrored);
	return peer && peer != conn && !peer->ambiguous && !conn->ambiguous ? peer : NULL;
}

void join_table_close(struct join_table *table, struct join_conn *conn)
{
	conn->id = conn->facts->id;
	conn->facts = NULL;
	HASH_DELETE(hh, table->by_facts, conn);
}

void join_table_remove(struct join_table *table, struct join_conn *conn)
{
	struct join_item *item, *tmp;

	DL_FOREACH_SAFE(conn->items, item, tmp)
	{
		table->item_count--;
		free(item);
	}
	if (find_addresses(table, &conn->addresses) == conn)
		HASH_DELETE(hh_addresses, table->by_addresses, conn);
	if (conn->facts)
		HASH_DELETE(hh, table->by_facts, conn);
	free(conn);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "join_table.h"

#include "base/counters.h"
#include "model/address.h"

#include <stdlib.h>

#define NAMESAKES_MAX 16 /* looked at; with more of them nobody can tell */

static bool place_of(const struct event_socket *sock, struct join_place *place)
{
	struct join_addresses *addresses = &place->addresses;

	if (!address_known(sock) || !sock->local_port || !sock->peer_port)
		return false;
	address_widen(addresses->local, sock->family, sock->local);
	address_widen(addresses->peer, sock->family, sock->peer);
	addresses->local_port = sock->local_port;
	addresses->peer_port = sock->peer_port;
	memcpy(place->netns, sock->netns, sizeof(sock->netns));
	return true;
}

struct join_conn *join_table_find(const struct join_table *table, const struct conn_facts *facts)
{
	struct join_conn *conn;

	HASH_FIND_PTR(table->by_facts, &facts, conn);
	return conn;
}

static struct join_conn *find_place(const struct join_table *table, const struct join_place *place)
{
	struct join_conn *conn;

	HASH_FIND(hh_place, table->by_place, place, sizeof(*place), conn);
	return conn;
}

static struct join_namesakes *find_namesakes(const struct join_table *table,
					     const struct join_addresses *addresses)
{
	struct join_namesakes *namesakes;

	HASH_FIND(hh, table->by_addresses, addresses, sizeof(*addresses), namesakes);
	return namesakes;
}

/* Without memory it is found in its own namespace only. */
static void namesakes_join(struct join_table *table, struct join_conn *conn)
{
	struct join_namesakes *namesakes = find_namesakes(table, &conn->place.addresses);

	if (!namesakes) {
		namesakes = calloc(1, sizeof(*namesakes));
		if (!namesakes)
			return;
		namesakes->addresses = conn->place.addresses;
		HASH_ADD(hh, table->by_addresses, addresses, sizeof(namesakes->addresses), namesakes);
		if (!TABLE_ADDED(namesakes, hh)) {
			free(namesakes);
			return;
		}
	}
	conn->namesakes = namesakes;
	DL_APPEND(namesakes->conns, conn);
}

static void namesakes_leave(struct join_table *table, struct join_conn *conn)
{
	struct join_namesakes *namesakes = conn->namesakes;

	if (!namesakes)
		return;
	conn->namesakes = NULL;
	DL_DELETE(namesakes->conns, conn);
	if (namesakes->conns)
		return;
	HASH_DEL(table->by_addresses, namesakes);
	free(namesakes);
}

/* Of two that are open neither can be told apart from outside; one that closed makes room. */
static void place_claim(struct join_table *table, struct join_conn *conn)
{
	struct join_conn *other = find_place(table, &conn->place);

	if (other && other->facts) {
		other->ambiguous = true;
		conn->ambiguous = true;
		return;
	}
	if (other)
		join_table_remove(table, other);
	HASH_ADD(hh_place, table->by_place, place, sizeof(conn->place), conn);
	if (!TABLE_ADDED(conn, hh_place)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	namesakes_join(table, conn);
}

struct join_conn *join_table_closed(const struct join_table *table, const struct conn_facts *facts)
{
	struct join_place place = { .netns = { 0 } };
	struct join_conn *conn;

	if (join_table_find(table, facts) || !place_of(&facts->sock, &place))
		return NULL;
	conn = find_place(table, &place);
	return conn && !conn->facts ? conn : NULL;
}

struct join_conn *join_table_get(struct join_table *table, const struct conn_facts *facts)
{
	struct join_conn *conn = join_table_find(table, facts);
	struct join_place place = { .netns = { 0 } };

	if (conn || !place_of(&facts->sock, &place))
		return conn;
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return NULL;
	table->changes++;
	conn->key = facts;
	conn->facts = facts;
	conn->place = place;
	HASH_ADD_PTR(table->by_facts, key, conn);
	if (!TABLE_ADDED(conn, hh)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		free(conn);
		return NULL;
	}
	place_claim(table, conn);
	return conn;
}

static bool address_is_loopback(const uint8_t address[16])
{
	static const uint8_t mapped[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 }, v6[16] = { [15] = 1 };

	return memcmp(address, mapped, sizeof(mapped)) == 0 || memcmp(address, v6, sizeof(v6)) == 0;
}

static const struct conn_origin *origin_of(const struct join_conn *conn)
{
	return conn->facts ? &conn->facts->origin : &conn->origin;
}

/* Is what one sent what the other received? Known in one direction, at least, and never against it. */
static bool origins_match(const struct conn_origin *own, const struct conn_origin *theirs)
{
	bool match = false;

	for (int sent = 0; sent < 2; sent++) {
		if (!own->known[sent] || !theirs->known[!sent])
			continue;
		if (own->number[sent] - theirs->number[!sent] + 1 > 2)
			return false;
		match = true;
	}
	return match;
}

/* No packet leaves its namespace by a loopback address. */
static struct join_conn *peer_elsewhere(const struct join_conn *conn, const struct join_namesakes *theirs)
{
	struct join_conn *peer, *found = NULL;
	int looked = 0;

	DL_FOREACH (theirs->conns, peer) {
		if (++looked > NAMESAKES_MAX)
			return NULL;
		if (!origins_match(origin_of(conn), origin_of(peer)))
			continue;
		if (found)
			return NULL;
		found = peer;
	}
	return found;
}

/* Connections that have these addresses in another namespace. */
static const struct join_namesakes *find_elsewhere(const struct join_table *table,
						   const struct join_addresses *mirrored)
{
	return address_is_loopback(mirrored->local) ? NULL : find_namesakes(table, mirrored);
}

struct join_conn *join_table_peer(const struct join_table *table, struct join_conn *conn)
{
	const struct join_addresses *own = &conn->place.addresses;
	struct join_place mirrored = {
		.addresses = { .local_port = own->peer_port, .peer_port = own->local_port },
	};
	const struct join_namesakes *elsewhere = NULL;
	struct join_conn *peer;

	if (conn->peer_changes == table->changes)
		return conn->peer;
	memcpy(mirrored.addresses.local, own->peer, sizeof(own->peer));
	memcpy(mirrored.addresses.peer, own->local, sizeof(own->local));
	memcpy(mirrored.netns, conn->place.netns, sizeof(mirrored.netns));
	peer = find_place(table, &mirrored);
	if (!peer)
		elsewhere = find_elsewhere(table, &mirrored.addresses);
	if (elsewhere)
		peer = peer_elsewhere(conn, elsewhere);
	if (!peer || peer == conn || peer->ambiguous || conn->ambiguous)
		peer = NULL;
	if (elsewhere) /* what tells them apart may be known later */
		return peer;
	conn->peer = peer;
	conn->peer_changes = table->changes;
	return peer;
}

void join_table_close(struct join_table *table, struct join_conn *conn)
{
	table->changes++;
	conn->id = conn->facts->id;
	conn->origin = conn->facts->origin;
	conn->facts = NULL;
	HASH_DELETE(hh, table->by_facts, conn);
}

void join_table_remove(struct join_table *table, struct join_conn *conn)
{
	struct join_item *item, *tmp;

	table->changes++;
	DL_FOREACH_SAFE(conn->shown, item, tmp)
	join_item_free(&table->items, item);
	if (find_place(table, &conn->place) == conn)
		HASH_DELETE(hh_place, table->by_place, conn);
	namesakes_leave(table, conn);
	if (conn->facts)
		HASH_DELETE(hh, table->by_facts, conn);
	free(conn);
}

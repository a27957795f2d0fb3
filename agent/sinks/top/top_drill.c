/* SPDX-License-Identifier: Apache-2.0 */
#include "top_drill.h"

#include <stdlib.h>

static bool is_same(const struct top_party *a, const struct top_party *b)
{
	return a->role == b->role && a->pid == b->pid && strcmp(a->name, b->name) == 0 &&
	       a->sock.family == b->sock.family && a->sock.peer_port == b->sock.peer_port &&
	       memcmp(a->sock.peer, b->sock.peer, sizeof(a->sock.peer)) == 0;
}

static size_t least_find(const struct top_parties *parties)
{
	size_t least = 0;

	for (size_t i = 1; i < parties->count; i++)
		if (parties->items[i].count < parties->items[least].count)
			least = i;
	return least;
}

/* The place of a party; NULL: it has none, and is counted with the others. */
static struct top_party *party_place(struct top_parties *parties, const struct top_party *party, uint64_t n)
{
	struct top_party *place;

	for (size_t i = 0; i < parties->count; i++)
		if (is_same(&parties->items[i], party))
			return &parties->items[i];
	if (parties->count < TOP_PARTIES_MAX) {
		place = &parties->items[parties->count++];
	} else {
		place = &parties->items[least_find(parties)];
		parties->misses += n;
		if (parties->misses <= place->count) {
			parties->others += n;
			return NULL;
		}
		parties->others += place->count;
		parties->misses = 0;
	}
	*place = *party;
	place->count = place->errors = place->total_ns = 0;
	return place;
}

static void party_count(struct top_parties *parties, const struct top_party *party)
{
	struct top_party *place = party_place(parties, party, party->count);

	if (!place)
		return;
	place->count += party->count;
	place->errors += party->errors;
	place->total_ns += party->total_ns;
}

void top_drill_count(struct top_drill *drill, const struct exchange *exchange, bool error, bool counted,
		     bool fresh)
{
	const struct conn_facts *conn = exchange->conn;
	uint64_t took_ns = exchange->duration_known ? exchange->duration_ns : 0;
	struct top_party program = { .role = conn->role,
				     .pid = exchange->mover.pid,
				     .count = 1,
				     .errors = error,
				     .total_ns = took_ns };
	struct top_party address = program;
	struct slice name = slice_take(mover_program(&exchange->mover), sizeof(program.name) - 1);

	memcpy(program.name, name.data ? (const char *)name.data : "", name.len);
	party_count(&drill->programs, &program);
	if (conn->sock.family) {
		address.pid = 0;
		address.sock.family = conn->sock.family;
		address.sock.peer_port = conn->role == ROLE_SERVER ? 0 : conn->sock.peer_port;
		memcpy(address.sock.peer, conn->sock.peer, sizeof(address.sock.peer));
		party_count(&drill->addresses, &address);
	}
	if (!counted)
		return;
	drill->exchanges++;
	drill->total_ns += took_ns;
	if (!fresh)
		return;
	drill->fresh++;
	drill->fresh_ns += took_ns;
	drill->fresh_tls += conn->tls;
	drill->connect_ns += conn->connect_ns;
	drill->handshake_ns += conn->handshake_ns;
	drill->handshakes += conn->handshake_ns != 0;
}

static void parties_merge(struct top_parties *into, const struct top_parties *from)
{
	for (size_t i = 0; i < from->count; i++)
		party_count(into, &from->items[i]);
	into->others += from->others;
}

void top_drill_merge(struct top_kept *kept, struct top_drill *into, struct top_drill *from)
{
	if (!from)
		return;
	for (size_t i = 0; i < from->slowest.count; i++)
		top_slowest_add(kept, &into->slowest, from->slowest.items[i]);
	parties_merge(&into->programs, &from->programs);
	parties_merge(&into->addresses, &from->addresses);
	into->exchanges += from->exchanges;
	into->total_ns += from->total_ns;
	into->fresh += from->fresh;
	into->fresh_ns += from->fresh_ns;
	into->fresh_tls += from->fresh_tls;
	into->connect_ns += from->connect_ns;
	into->handshake_ns += from->handshake_ns;
	into->handshakes += from->handshakes;
	top_drill_free(kept, from);
}

void top_drill_free(struct top_kept *kept, struct top_drill *drill)
{
	if (!drill)
		return;
	top_slowest_clear(kept, &drill->slowest);
	free(drill);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fresh.h"

#include "base/counters.h"
#include "base/table.h"
#include "model/address.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PAIRS_MAX 256

/* No padding: it is hashed as it stands. */
struct key {
	char program[EVENT_NAME_LEN];
	uint8_t peer[16];
	uint32_t port, role;
};

struct entry {
	struct key key;
	struct fresh_pair pair;
	UT_hash_handle hh;
};

struct fresh {
	struct entry *entries;
};

struct fresh *fresh_new(void)
{
	return calloc(1, sizeof(struct fresh));
}

static void entry_remove(struct fresh *fresh, struct entry *entry)
{
	HASH_DEL(fresh->entries, entry);
	free(entry);
}

void fresh_free(struct fresh *fresh)
{
	while (fresh && fresh->entries)
		entry_remove(fresh, fresh->entries);
	free(fresh);
}

static void make_room(struct fresh *fresh)
{
	struct entry *least = fresh->entries;

	if (HASH_COUNT(fresh->entries) < PAIRS_MAX)
		return;
	for (struct entry *entry = fresh->entries; entry; entry = entry->hh.next)
		if (entry->pair.exchanges < least->pair.exchanges)
			least = entry;
	entry_remove(fresh, least);
}

static struct entry *entry_get(struct fresh *fresh, const struct key *key)
{
	struct entry *entry;

	HASH_FIND(hh, fresh->entries, key, sizeof(*key), entry);
	if (entry)
		return entry;
	make_room(fresh);
	entry = calloc(1, sizeof(*entry));
	if (entry) {
		entry->key = *key;
		HASH_ADD(hh, fresh->entries, key, sizeof(entry->key), entry);
	}
	if (entry && TABLE_ADDED(entry, hh))
		return entry;
	free(entry);
	counter_add(COUNTER_LIMIT_MEMORY, 1);
	return NULL;
}

/* The server's end says no more than the client's, which is on this machine. */
static bool counts_here(const struct exchange *exchange)
{
	const struct event_socket *sock = &exchange->conn->sock;

	if (sock->family != AF_INET && sock->family != AF_INET6)
		return false;
	if (exchange->conn->role == ROLE_CLIENT)
		return true;
	return exchange->conn->role == ROLE_SERVER && !exchange->other && !exchange->peer &&
	       memcmp(sock->local, sock->peer, sizeof(sock->peer)) != 0;
}

static void pair_begin(struct fresh_pair *pair, const struct key *key, const struct exchange *exchange)
{
	pair->role = exchange->conn->role;
	memcpy(pair->program, key->program, sizeof(pair->program));
	pair->pid = mover_pid_shown(exchange->mover.pid);
	pair->peer.family = exchange->conn->sock.family;
	pair->peer.peer_port = (uint16_t)key->port;
	memcpy(pair->peer.peer, key->peer, sizeof(pair->peer.peer));
}

void fresh_count(struct fresh *fresh, const struct exchange *exchange)
{
	const struct conn_facts *conn = exchange->conn;
	struct slice name = slice_take(mover_program(&exchange->mover), EVENT_NAME_LEN - 1);
	struct key key = { .role = (uint32_t)conn->role };
	struct entry *entry;
	struct fresh_pair *pair;

	if (!counts_here(exchange))
		return;
	if (name.len)
		memcpy(key.program, name.data, name.len);
	memcpy(key.peer, conn->sock.peer, sizeof(key.peer));
	key.port = conn->role == ROLE_CLIENT ? conn->sock.peer_port : 0;
	entry = entry_get(fresh, &key);
	if (!entry)
		return;
	pair = &entry->pair;
	if (!pair->exchanges++)
		pair_begin(pair, &key, exchange);
	else if (pair->pid != mover_pid_shown(exchange->mover.pid))
		pair->pid = 0;
	if (!exchange->opening || !conn->opened_ns || conn->existing)
		return;
	pair->fresh++;
	pair->fresh_tls += conn->tls;
	pair->connect_ns += conn->connect_ns;
	pair->connects += conn->connect_ns != 0;
	pair->handshake_ns += conn->handshake_ns;
	pair->handshakes += conn->handshake_ns != 0;
}

static bool pays_more(const struct fresh_pair *a, const struct fresh_pair *b)
{
	uint64_t a_ns = a->connect_ns + a->handshake_ns, b_ns = b->connect_ns + b->handshake_ns;

	return a_ns != b_ns ? a_ns > b_ns : a->fresh > b->fresh;
}

size_t fresh_habits(const struct fresh *fresh, const struct fresh_pair **pairs, size_t max)
{
	size_t count = 0;

	for (const struct entry *entry = fresh->entries; entry; entry = entry->hh.next) {
		const struct fresh_pair *pair = &entry->pair;
		size_t at;

		if (pair->exchanges < FRESH_FEW || pair->fresh * 2 <= pair->exchanges)
			continue;
		for (at = count; at && pays_more(pair, pairs[at - 1]); at--)
			if (at < max)
				pairs[at] = pairs[at - 1];
		if (at < max)
			pairs[at] = pair;
		count += count < max;
	}
	return count;
}

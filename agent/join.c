/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The side that ends first waits for the other; both are then shown together.
 * What waited in vain is shown alone, and remembered in short, so that its
 * other end is known for that when it comes after all.
 *
 * Nothing is joined on addresses alone: HTTP/2 streams must have one number
 * and one request, HTTP/1 messages one request and one place in the order; or,
 * where the order is not known, times that cover each other for the most part.
 */
#include "join.h"

#include "counters.h"
#include "join_table.h"

#include <stdlib.h>

#define HOLD_NS		 UINT64_C(500000000)
#define HOLD_POLLS	 4 /* at least: after a pause of hark's own, a poll is half a second by itself */
#define ORDER_APART_NS	 UINT64_C(5000000000) /* that far apart no two ends begin */
#define ITEMS_MAX	 65536		      /* that wait or are kept in mind */
#define SHOWN_A_CONN_MAX 64
#define HELD_MAX_BYTES	 (UINT64_C(64) << 20)
#define EXCHANGE_BYTES	 1024 /* of one besides what its messages hold, about */

struct join {
	join_fn *fn;
	void *ctx;
	struct join_table table;
	struct join_item *waits; /* by due time */
	uint64_t now_ns, poll;
	uint64_t held_bytes; /* of all that wait */
};

struct join *join_new(join_fn *fn, void *ctx)
{
	struct join *join = calloc(1, sizeof(*join));

	if (!join)
		return NULL;
	join->fn = fn;
	join->ctx = ctx;
	return join;
}

/* --- what tells that two are one --------------------------------------------- */

static uint64_t hash_slice(uint64_t hash, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
	return (hash ^ 0x100) * UINT64_C(0x100000001b3); /* an end that no byte is */
}

static struct join_sign sign_of(const struct exchange *exchange)
{
	const struct message *request = exchange->request;
	struct join_sign sign = {
		.key = exchange->key,
		.role = exchange->conn->role,
		.start_ns = exchange->start_ns,
		.duration_ns = exchange->duration_ns,
		.duration_known = exchange->duration_known,
		.counted = exchange->conn->opened_ns && !exchange->conn->flags,
		.index = exchange->conn->exchanges,
	};

	if (!request || !request->method.data || !request->target.data)
		return sign;
	sign.request_known = true;
	sign.request = hash_slice(UINT64_C(0xcbf29ce484222325), request->method);
	sign.request = hash_slice(sign.request, request->target);
	return sign;
}

/* At least half of the shorter one lies in both. */
static bool times_cover(const struct join_sign *a, const struct join_sign *b)
{
	uint64_t a_end = a->start_ns + a->duration_ns, b_end = b->start_ns + b->duration_ns;
	uint64_t from = a->start_ns > b->start_ns ? a->start_ns : b->start_ns;
	uint64_t to = a_end < b_end ? a_end : b_end;
	uint64_t shorter = a->duration_ns < b->duration_ns ? a->duration_ns : b->duration_ns;

	return a->duration_known && b->duration_known && to >= from && to - from >= shorter / 2;
}

/*
 * In HTTP/1 the order tells, where nothing of it is missing. Times alone do not: a call is seen when it
 * returns, and on a busy machine a client's may return when its server is done.
 */
static bool orders_match(const struct join_sign *a, const struct join_sign *b)
{
	uint64_t apart_ns = a->start_ns > b->start_ns ? a->start_ns - b->start_ns : b->start_ns - a->start_ns;

	if (a->counted && b->counted)
		return a->index == b->index && apart_ns < ORDER_APART_NS;
	return times_cover(a, b);
}

static bool signs_match(const struct join_sign *a, const struct join_sign *b)
{
	if (a->key != b->key || (a->role == b->role && a->role != ROLE_UNKNOWN))
		return false;
	if (a->request_known && b->request_known && a->request != b->request)
		return false;
	if (a->key)
		return true; /* a stream has its number once in a connection */
	return a->request_known && b->request_known && orders_match(a, b);
}

/* The oldest that matches. */
static struct join_item *item_match(const struct join_conn *conn, const struct join_sign *sign)
{
	struct join_item *item;

	DL_FOREACH (conn->items, item)
		if (signs_match(&item->sign, sign))
			return item;
	return NULL;
}

/* --- waiting and showing ------------------------------------------------------ */

static size_t exchange_bytes(const struct exchange *exchange)
{
	return EXCHANGE_BYTES + (exchange->request ? exchange->request->arena.used_bytes : 0) +
	       (exchange->response ? exchange->response->arena.used_bytes : 0);
}

static void item_stop_waiting(struct join *join, struct join_item *item)
{
	join->held_bytes -= item->held_bytes;
	DL_DELETE2(join->waits, item, waits_prev, waits_next);
}

static void item_free(struct join *join, struct join_item *item)
{
	if (item->exchange)
		item_stop_waiting(join, item);
	else
		item->conn->shown_count--;
	exchange_free(item->exchange);
	DL_DELETE(item->conn->items, item);
	join->table.item_count--;
	free(item);
}

static struct join_item *item_add(struct join *join, struct join_conn *conn, const struct join_sign *sign)
{
	struct join_item *item = join->table.item_count < ITEMS_MAX ? calloc(1, sizeof(*item)) : NULL;

	if (!item)
		return NULL;
	item->sign = *sign;
	item->conn = conn;
	DL_APPEND(conn->items, item);
	join->table.item_count++;
	return item;
}

/* Of what was shown already, only the last few are kept in mind. */
static void forget_oldest(struct join *join, struct join_conn *conn)
{
	struct join_item *item;

	if (++conn->shown_count <= SHOWN_A_CONN_MAX)
		return;
	DL_FOREACH (conn->items, item)
		if (!item->exchange)
			break;
	item_free(join, item);
}

/* Shown without its other end; what is needed to know that end by stays. */
static void item_show(struct join *join, struct join_item *item)
{
	struct exchange *exchange = item->exchange;

	item_stop_waiting(join, item);
	item->exchange = NULL;
	item->wanted = join->fn(join->ctx, exchange);
	exchange_free(exchange);
	forget_oldest(join, item->conn);
}

static void set_split(struct exchange *exchange, const struct join_sign *own, const struct join_sign *other)
{
	const struct join_sign *server = own->role == ROLE_SERVER || other->role == ROLE_CLIENT ? own : other;
	const struct join_sign *client = server == own ? other : own;

	if (!server->duration_known || !client->duration_known || own->role == other->role)
		return;
	exchange->split_known = true;
	exchange->server_ns = server->duration_ns;
	exchange->network_ns =
		client->duration_ns > server->duration_ns ? client->duration_ns - server->duration_ns : 0;
}

/* HTTP/1 answers come in order: what is older than a joined one stays alone. */
static void show_older(struct join *join, struct join_conn *conn, const struct join_item *end)
{
	struct join_item *item, *tmp;

	DL_FOREACH_SAFE(conn->items, item, tmp)
	{
		if (item == end)
			return;
		if (item->exchange)
			item_show(join, item);
	}
}

static void show_joined(struct join *join, struct join_conn *conn, struct join_item *item,
			struct exchange *exchange, const struct join_sign *sign)
{
	struct exchange *held = item->exchange;
	bool held_first = sign->role != ROLE_SERVER;
	struct exchange *first = held_first ? held : exchange, *second = held_first ? exchange : held;

	if (!exchange->key) {
		show_older(join, conn, NULL);
		show_older(join, item->conn, item);
	}
	set_split(held, &item->sign, sign);
	set_split(exchange, sign, &item->sign);
	counter_add(COUNTER_EXCHANGES_JOINED, 1);
	first->join = JOIN_FIRST;
	first->other = second;
	second->join = JOIN_SECOND;
	second->other = first;
	join->fn(join->ctx, first);
	join->fn(join->ctx, second);
	item_free(join, item);
}

/* The other end was shown already. */
static void show_late(struct join *join, struct join_item *item, struct exchange *exchange,
		      const struct join_sign *sign)
{
	set_split(exchange, sign, &item->sign);
	counter_add(COUNTER_EXCHANGES_JOINED, 1);
	exchange->join = item->wanted ? JOIN_SECOND : JOIN_NONE;
	item_free(join, item);
	join->fn(join->ctx, exchange);
}

/* It may still tell of its side. */
static bool is_telling(const struct join_conn *peer)
{
	return peer->facts && !peer->facts->muted && !peer->facts->opaque;
}

static void wait_or_show(struct join *join, struct join_conn *conn, struct exchange *exchange,
			 const struct join_sign *sign)
{
	struct join_item *item = item_add(join, conn, sign);
	uint64_t end_ns = sign->start_ns + sign->duration_ns;

	if (!item) {
		counter_add(COUNTER_LIMIT_JOINS, 1);
		join->fn(join->ctx, exchange);
		return;
	}
	item->held_bytes = exchange_bytes(exchange);
	if (join->held_bytes + item->held_bytes <= HELD_MAX_BYTES)
		item->exchange = exchange_take(exchange);
	else
		counter_add(COUNTER_LIMIT_JOINS, 1);
	if (item->exchange) {
		join->held_bytes += item->held_bytes;
		item->due_ns = (end_ns > join->now_ns ? end_ns : join->now_ns) + HOLD_NS;
		item->due_poll = join->poll + HOLD_POLLS;
		DL_APPEND2(join->waits, item, waits_prev, waits_next);
		return;
	}
	item->wanted = join->fn(join->ctx, exchange);
	forget_oldest(join, conn);
}

static void set_peer(struct exchange *exchange, const struct join_conn *peer)
{
	exchange->peer_connection = peer->facts ? peer->facts->id : peer->id;
	exchange->peer = peer->facts;
}

void join_exchange(struct join *join, struct exchange *exchange)
{
	struct join_conn *conn = join_table_get(&join->table, exchange->conn);
	struct join_conn *peer = conn ? join_table_peer(&join->table, conn) : NULL;
	struct join_sign sign = sign_of(exchange);
	struct join_item *item;

	if (!peer) {
		join->fn(join->ctx, exchange);
		return;
	}
	set_peer(exchange, peer);
	item = item_match(peer, &sign);
	if (!item && !is_telling(peer))
		join->fn(join->ctx, exchange);
	else if (!item)
		wait_or_show(join, conn, exchange, &sign);
	else if (item->exchange)
		show_joined(join, conn, item, exchange, &sign);
	else
		show_late(join, item, exchange, &sign);
}

void join_view(struct join *join, struct exchange *exchange)
{
	struct join_conn *conn = join_table_find(&join->table, exchange->conn);
	struct join_conn *peer = conn ? join_table_peer(&join->table, conn) : NULL;

	if (peer)
		set_peer(exchange, peer);
}

/* --- connections and time ----------------------------------------------------- */

void join_conn_opened(struct join *join, const struct conn_facts *facts)
{
	join_table_get(&join->table, facts);
}

static void forget_facts(struct join_conn *peer, const struct conn_facts *facts)
{
	struct join_item *item;

	DL_FOREACH (peer->items, item)
		if (item->exchange && item->exchange->peer == facts)
			item->exchange->peer = NULL;
}

void join_conn_closed(struct join *join, const struct conn_facts *facts)
{
	struct join_conn *conn = join_table_find(&join->table, facts), *peer;

	if (!conn)
		return;
	peer = join_table_peer(&join->table, conn);
	show_older(join, conn, NULL);
	if (peer) {
		forget_facts(peer, facts);
		show_older(join, peer, NULL);
	}
	if (peer && peer->facts) { /* its exchanges are still to come */
		join_table_close(&join->table, conn);
		return;
	}
	if (peer)
		join_table_remove(&join->table, peer);
	join_table_remove(&join->table, conn);
}

void join_poll(struct join *join, uint64_t now_ns)
{
	if (now_ns > join->now_ns)
		join->now_ns = now_ns;
	join->poll++;
	while (join->waits && join->waits->due_ns <= join->now_ns && join->waits->due_poll <= join->poll)
		item_show(join, join->waits);
}

void join_end(struct join *join)
{
	while (join->waits)
		item_show(join, join->waits);
}

void join_free(struct join *join)
{
	if (!join)
		return;
	while (join->waits)
		item_free(join, join->waits);
	while (join->table.by_facts)
		join_table_remove(&join->table, join->table.by_facts);
	while (join->table.by_place)
		join_table_remove(&join->table, join->table.by_place);
	free(join);
}

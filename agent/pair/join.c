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

#include "base/budget.h"
#include "base/counters.h"
#include "base/hash.h"
#include "fact.h"
#include "join_table.h"

#include <stdlib.h>

#define HOLD_NS		 UINT64_C(500000000)
#define HOLD_POLLS	 4 /* at least: after a pause of hark's own, a poll is half a second by itself */
#define SHOWN_A_CONN_MAX 64
#define BUDGET_SHARE	 4 /* of the budget: what all that waits may take */

struct join {
	join_fn *fn;
	void *ctx;
	struct join_table table;
	struct join_item *waits; /* by due time */
	struct spares owns;	 /* of what waited */
	uint64_t now_ns, poll;
	struct budget *budget;
	size_t message_bytes; /* of all that wait */
	size_t charged_bytes;
};

struct join *join_new(struct budget *budget, join_fn *fn, void *ctx)
{
	struct join *join = calloc(1, sizeof(*join));

	if (!join)
		return NULL;
	join->fn = fn;
	join->ctx = ctx;
	join->budget = budget;
	return join;
}

/* --- what tells that two are one --------------------------------------------- */

static struct join_sign sign_of(const struct exchange *exchange)
{
	const struct message *request = exchange->request;
	struct join_sign sign = {
		/* FastCGI's ids come again, and both ends need not count alike; nor need they those of
		   statements. */
		.key = message_protocol_name(exchange_version(exchange)) ? 0 : exchange->key,
		.role = exchange->conn->role,
		.start_ns = exchange->start_ns,
		.duration_ns = exchange->duration_ns,
		.duration_known = exchange->duration_known,
		.counted = exchange->conn->opened_ns && !exchange->conn->flags,
		.index = exchange->conn->exchanges,
	};

	if (request && version_is_query(request->version)) {
		const struct fact *text = fact_find(request->facts, SLICE("db.query.text")),
				  *command = fact_find(request->facts, SLICE("hark.db.command"));

		/* A text that is not known at one end may be at the other. */
		sign.request_known = text || (command && !(request->flags & (FLAG_GAP | FLAG_LATE_JOINED)));
		sign.request = hash_words(HASH_START, text	? text->text
						      : command ? command->text
								: SLICE(""));
		return sign;
	}
	if (!request || !request->method.data || !request->target.data)
		return sign;
	sign.request_known = true;
	sign.request = hash_words(HASH_START, request->method);
	sign.request = hash_words(sign.request, request->target);
	return sign;
}

/* --- waiting and showing ------------------------------------------------------ */

static size_t exchange_bytes(const struct exchange *exchange)
{
	size_t bytes = sizeof(struct exchange_own) + message_memory(exchange->request) +
		       message_memory(exchange->response);

	for (size_t i = 0; i < exchange->interim_count; i++)
		bytes += message_memory(exchange->interims[i]);
	return bytes;
}

static size_t join_bytes(const struct join *join)
{
	return join->message_bytes + join_items_memory(&join->table.items);
}

static void join_charge(struct join *join)
{
	budget_set(join->budget, &join->charged_bytes, join_bytes(join));
}

static void item_stop_waiting(struct join *join, struct join_item *item)
{
	join->message_bytes -= item->held_bytes;
	DL_DELETE2(join->waits, item, waits_prev, waits_next);
	DL_DELETE(item->conn->waiting, item);
}

static void own_free(struct join *join, struct exchange_own *own)
{
	exchange_fini(&own->exchange);
	spares_give(&join->owns, own);
}

static void item_free(struct join *join, struct join_item *item)
{
	if (item->own) {
		item_stop_waiting(join, item);
		own_free(join, item->own);
	} else {
		DL_DELETE(item->conn->shown, item);
		item->conn->shown_count--;
	}
	join_item_free(&join->table.items, item);
	join_charge(join);
}

/* Of what was shown already, only the last few are kept in mind. */
static void item_keep_in_mind(struct join *join, struct join_item *item)
{
	struct join_conn *conn = item->conn;

	DL_APPEND(conn->shown, item);
	if (++conn->shown_count > SHOWN_A_CONN_MAX)
		item_free(join, conn->shown);
}

/* Shown without its other end; what is needed to know that end by stays. */
static void item_show(struct join *join, struct join_item *item)
{
	struct exchange_own *own = item->own;

	item_stop_waiting(join, item);
	join_charge(join);
	item->own = NULL;
	item->wanted = join->fn(join->ctx, &own->exchange);
	own_free(join, own);
	item_keep_in_mind(join, item);
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
	while (conn->waiting && conn->waiting != end)
		item_show(join, conn->waiting);
}

static void show_joined(struct join *join, struct join_conn *conn, struct join_item *item,
			struct exchange *exchange, const struct join_sign *sign)
{
	struct exchange *held = &item->own->exchange;
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

/* The connection may still tell of its side. */
static bool is_telling(const struct join_conn *peer)
{
	return peer->facts && !peer->facts->muted && !peer->facts->opaque;
}

/* The oldest that wait make room for so much more. */
static void make_room(struct join *join, size_t bytes)
{
	size_t share = budget_share(join->budget, BUDGET_SHARE);

	while (join->waits && ((share && join_bytes(join) + bytes > share) || budget_over(join->budget))) {
		counter_add(COUNTER_LIMIT_JOINS, 1);
		item_show(join, join->waits);
	}
}

static void item_wait(struct join *join, struct join_item *item)
{
	uint64_t end_ns = item->sign.start_ns + item->sign.duration_ns;

	item->held_bytes = exchange_bytes(&item->own->exchange);
	join->message_bytes += item->held_bytes;
	item->due_ns = (end_ns > join->now_ns ? end_ns : join->now_ns) + HOLD_NS;
	item->due_poll = join->poll + HOLD_POLLS;
	DL_APPEND(item->conn->waiting, item);
	DL_APPEND2(join->waits, item, waits_prev, waits_next);
}

/* NULL: out of memory, or the exchange cannot be kept. */
static struct exchange_own *own_take(struct join *join, struct exchange *exchange)
{
	struct exchange_own *own = spares_take(&join->owns, sizeof(*own));

	if (own && exchange_take(own, exchange))
		return own;
	spares_give(&join->owns, own);
	return NULL;
}

static void wait_or_show(struct join *join, struct join_conn *conn, struct exchange *exchange,
			 const struct join_sign *sign)
{
	struct join_item *item;

	make_room(join, sizeof(*item) + exchange_bytes(exchange));
	item = join_item_new(&join->table.items, conn, sign);
	if (!item) {
		counter_add(COUNTER_LIMIT_JOINS, 1);
		join->fn(join->ctx, exchange);
		return;
	}
	item->own = own_take(join, exchange);
	if (item->own) {
		item_wait(join, item);
		join_charge(join);
		return;
	}
	item->wanted = join->fn(join->ctx, exchange);
	item_keep_in_mind(join, item);
}

static void set_peer(struct exchange *exchange, const struct join_conn *peer)
{
	exchange->peer_connection = peer->facts ? peer->facts->id : peer->id;
	exchange->peer = peer->facts;
}

/* One that closed and stands where this one is to stand makes room. */
static struct join_conn *join_get(struct join *join, const struct conn_facts *facts)
{
	struct join_conn *conn = join_table_find(&join->table, facts), *old;

	if (conn)
		return conn;
	old = join_table_closed(&join->table, facts);
	if (old)
		show_older(join, old, NULL);
	return join_table_get(&join->table, facts);
}

void join_exchange(struct join *join, struct exchange *exchange)
{
	struct join_conn *conn = join_get(join, exchange->conn);
	struct join_conn *peer = conn ? join_table_peer(&join->table, conn) : NULL;
	struct join_item *item;
	struct join_sign sign;

	if (!peer) {
		join->fn(join->ctx, exchange);
		return;
	}
	sign = sign_of(exchange);
	set_peer(exchange, peer);
	item = join_item_match(&join->table.items, peer, &sign);
	if (!item && !is_telling(peer))
		join->fn(join->ctx, exchange);
	else if (!item)
		wait_or_show(join, conn, exchange, &sign);
	else if (item->own)
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

const struct conn_facts *join_peer(struct join *join, const struct conn_facts *facts)
{
	struct join_conn *conn = join_get(join, facts);
	struct join_conn *peer = conn ? join_table_peer(&join->table, conn) : NULL;

	return peer ? peer->facts : NULL;
}

/* --- connections and time ----------------------------------------------------- */

void join_conn_opened(struct join *join, const struct conn_facts *facts)
{
	join_get(join, facts);
}

static void forget_facts(struct join_conn *peer, const struct conn_facts *facts)
{
	struct join_item *item;

	DL_FOREACH (peer->waiting, item)
		if (item->own->exchange.peer == facts)
			item->own->exchange.peer = NULL;
}

void join_conn_closed(struct join *join, const struct conn_facts *facts)
{
	struct join_conn *conn = join_table_find(&join->table, facts), *peer;

	if (!conn)
		return;
	peer = join_table_peer(&join->table, conn);
	if (peer) { /* this end has told all */
		forget_facts(peer, facts);
		show_older(join, peer, NULL);
	}
	if (!peer || !is_telling(peer))
		show_older(join, conn, NULL);
	if (peer && peer->facts) { /* its exchanges are still to come; what waits here waits on for them */
		join_table_close(&join->table, conn);
		return;
	}
	if (peer)
		join_table_remove(&join->table, peer);
	join_table_remove(&join->table, conn);
	join_charge(join);
}

void join_poll(struct join *join, uint64_t now_ns)
{
	if (now_ns > join->now_ns)
		join->now_ns = now_ns;
	join->poll++;
	while (join->waits && join->waits->due_ns <= join->now_ns && join->waits->due_poll <= join->poll)
		item_show(join, join->waits);
}

bool join_waits(const struct join *join)
{
	return join->waits;
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
	join_items_fini(&join->table.items);
	spares_fini(&join->owns);
	join_charge(join);
	free(join);
}

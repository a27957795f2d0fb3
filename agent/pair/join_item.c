/* SPDX-License-Identifier: Apache-2.0 */
/* An item is found by what both ends say alike, never by a walk over all that wait. */
#include "join_item.h"

#include <stdlib.h>

#define ORDER_APART_NS UINT64_C(5000000000) /* that far apart no two ends begin */
#define ITEMS_MAX      65536		    /* that wait or are kept in mind */
#define LOOKS_MAX      64		    /* at ends of one request whose times may tell which is which */

static struct join_alike_key alike_key(const struct join_conn *conn, const struct join_sign *sign)
{
	return (struct join_alike_key){ .conn = conn,
					.request = sign->key ? 0 : sign->request,
					.key = sign->key };
}

static struct join_turn turn_of(const struct join_conn *conn, const struct join_sign *sign)
{
	return (struct join_turn){ .conn = conn, .request = sign->request, .index = sign->index };
}

static struct join_alike *alike_find(const struct join_items *items, const struct join_alike_key *key)
{
	struct join_alike *alike;

	HASH_FIND(hh, items->alikes, key, sizeof(*key), alike);
	return alike;
}

static struct join_alike *alike_get(struct join_items *items, const struct join_alike_key *key)
{
	struct join_alike *alike = alike_find(items, key);

	if (alike)
		return alike;
	alike = calloc(1, sizeof(*alike));
	if (!alike)
		return NULL;
	alike->key = *key;
	HASH_ADD(hh, items->alikes, key, sizeof(alike->key), alike);
	if (TABLE_ADDED(alike, hh))
		return alike;
	free(alike);
	return NULL;
}

static bool has_turn(const struct join_sign *sign)
{
	return !sign->key && sign->request_known && sign->counted;
}

/* An item that is out of memory, or whose turn is taken, is found by its time. */
static void turn_add(struct join_items *items, struct join_item *item)
{
	struct join_item *other;

	if (!has_turn(&item->sign))
		return;
	item->turn = turn_of(item->conn, &item->sign);
	HASH_FIND(hh_turn, items->turns, &item->turn, sizeof(item->turn), other);
	if (!other)
		HASH_ADD(hh_turn, items->turns, turn, sizeof(item->turn), item);
}

struct join_item *join_item_new(struct join_items *items, struct join_conn *conn,
				const struct join_sign *sign)
{
	struct join_alike_key key = alike_key(conn, sign);
	struct join_item *item = items->count < ITEMS_MAX ? malloc(sizeof(*item)) : NULL;

	if (!item)
		return NULL;
	*item = (struct join_item){ .sign = *sign, .conn = conn, .alike = alike_get(items, &key) };
	if (!item->alike) {
		free(item);
		return NULL;
	}
	DL_APPEND2(item->alike->items, item, alike_prev, alike_next);
	turn_add(items, item);
	items->count++;
	return item;
}

void join_item_free(struct join_items *items, struct join_item *item)
{
	struct join_alike *alike = item->alike;

	if (TABLE_ADDED(item, hh_turn))
		HASH_DELETE(hh_turn, items->turns, item);
	DL_DELETE2(alike->items, item, alike_prev, alike_next);
	if (!alike->items) {
		HASH_DEL(items->alikes, alike);
		free(alike);
	}
	items->count--;
	free(item);
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

struct join_item *join_item_match(const struct join_items *items, const struct join_conn *conn,
				  const struct join_sign *sign)
{
	struct join_alike_key key = alike_key(conn, sign);
	struct join_turn turn = turn_of(conn, sign);
	struct join_item *item = NULL;
	struct join_alike *alike;
	unsigned int looks = 0;

	if (has_turn(sign))
		HASH_FIND(hh_turn, items->turns, &turn, sizeof(turn), item);
	if (item && signs_match(&item->sign, sign))
		return item;
	alike = alike_find(items, &key);
	DL_FOREACH2((alike ? alike->items : NULL), item, alike_next)
	{
		if (signs_match(&item->sign, sign))
			return item;
		if (++looks == LOOKS_MAX)
			break;
	}
	return NULL;
}

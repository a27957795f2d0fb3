/* SPDX-License-Identifier: Apache-2.0 */
/* An item is found by what both ends say alike, never by a walk over all that wait. */
#include "join_item.h"

#include "base/hash.h"

#include <stdlib.h>

#define LISTS_FIRST    64		    /* what an index has at least, once it has any */
#define ORDER_APART_NS UINT64_C(5000000000) /* that far apart no two ends begin */
#define ITEMS_MAX      65536		    /* that wait or are kept in mind */
#define LOOKS_MAX      64		    /* at ends of one request whose times may tell which is which */

/* --- the index ------------------------------------------------------------------ */

static uint64_t hash_by(enum join_by by, const struct join_conn *conn, const struct join_sign *sign)
{
	uint64_t hash = hash_word((uintptr_t)conn, sign->key ? sign->key : sign->request);

	return hash_word(hash, by == JOIN_BY_TURN ? sign->index + 2 : sign->key != 0);
}

static bool has_turn(const struct join_sign *sign)
{
	return !sign->key && sign->request_known && sign->counted;
}

static bool is_alike(const struct join_item *item, const struct join_conn *conn, const struct join_sign *sign)
{
	return item->conn == conn && item->sign.key == sign->key &&
	       (sign->key || item->sign.request == sign->request);
}

static struct join_item *item_find(const struct join_items *items, enum join_by by,
				   const struct join_conn *conn, const struct join_sign *sign)
{
	const struct join_index *index = &items->by[by];
	uint64_t hash = hash_by(by, conn, sign);
	struct join_item *item =
		index->list_count ? index->lists[hash & (index->list_count - 1)].first : NULL;

	for (; item; item = item->by[by].next)
		if (item->by[by].hash == hash && is_alike(item, conn, sign) &&
		    (by != JOIN_BY_TURN || item->sign.index == sign->index))
			break;
	return item;
}

static struct join_item **list_of(const struct join_index *index, uint64_t hash)
{
	return &index->lists[hash & (index->list_count - 1)].first;
}

/* Twice as many lists. Without memory for them the lists there are grow longer. */
static void index_spread(struct join_index *index, enum join_by by)
{
	struct join_index more = { .list_count = index->list_count ? index->list_count * 2 : LISTS_FIRST,
				   .count = index->count };

	more.lists = calloc(more.list_count, sizeof(*more.lists));
	if (!more.lists)
		return;
	for (size_t i = 0; i < index->list_count; i++) {
		while (index->lists[i].first) {
			struct join_item *item = index->lists[i].first;
			struct join_item **list = list_of(&more, item->by[by].hash);

			index->lists[i].first = item->by[by].next;
			item->by[by].next = *list;
			*list = item;
		}
	}
	free(index->lists);
	*index = more;
}

/* False: out of memory. */
static bool index_add(struct join_items *items, enum join_by by, struct join_item *item, uint64_t hash)
{
	struct join_index *index = &items->by[by];
	struct join_item **list;

	if (index->count >= index->list_count)
		index_spread(index, by);
	if (!index->list_count)
		return false;
	list = list_of(index, hash);
	item->by[by].hash = hash;
	item->by[by].next = *list;
	item->by[by].listed = true;
	*list = item;
	index->count++;
	return true;
}

/* Its place goes to the other one; NULL: to nobody. */
static void index_replace(struct join_items *items, enum join_by by, struct join_item *item,
			  struct join_item *other)
{
	struct join_index *index = &items->by[by];
	struct join_item **at = list_of(index, item->by[by].hash);

	while (*at != item)
		at = &(*at)->by[by].next;
	if (other) {
		other->by[by] = item->by[by];
		*at = other;
	} else {
		*at = item->by[by].next;
		index->count--;
	}
	item->by[by].listed = false;
	if (!index->count && index->list_count > LISTS_FIRST) {
		free(index->lists);
		*index = (struct join_index){ .lists = NULL };
	}
}

/* --- items --------------------------------------------------------------------------- */

/* False: out of memory. */
static bool alike_add(struct join_items *items, struct join_item *item)
{
	struct join_item *first = item_find(items, JOIN_BY_ALIKE, item->conn, &item->sign);

	if (!first && !index_add(items, JOIN_BY_ALIKE, item, hash_by(JOIN_BY_ALIKE, item->conn, &item->sign)))
		return false;
	DL_APPEND2(first, item, alike_prev, alike_next);
	return true;
}

static void alike_remove(struct join_items *items, struct join_item *item)
{
	struct join_item *first = item_find(items, JOIN_BY_ALIKE, item->conn, &item->sign);

	if (first == item)
		index_replace(items, JOIN_BY_ALIKE, item, item->alike_next);
	DL_DELETE2(first, item, alike_prev, alike_next);
}

/* An item that is out of memory, or whose turn is taken, is found by its time. */
static void turn_add(struct join_items *items, struct join_item *item)
{
	if (has_turn(&item->sign) && !item_find(items, JOIN_BY_TURN, item->conn, &item->sign))
		index_add(items, JOIN_BY_TURN, item, hash_by(JOIN_BY_TURN, item->conn, &item->sign));
}

struct join_item *join_item_new(struct join_items *items, struct join_conn *conn,
				const struct join_sign *sign)
{
	struct join_item *item = items->count < ITEMS_MAX ? spares_take(&items->spares, sizeof(*item)) : NULL;

	if (!item)
		return NULL;
	*item = (struct join_item){ .sign = *sign, .conn = conn };
	if (!alike_add(items, item)) {
		spares_give(&items->spares, item);
		return NULL;
	}
	turn_add(items, item);
	items->count++;
	return item;
}

void join_item_free(struct join_items *items, struct join_item *item)
{
	if (item->by[JOIN_BY_TURN].listed)
		index_replace(items, JOIN_BY_TURN, item, NULL);
	alike_remove(items, item);
	items->count--;
	spares_give(&items->spares, item);
}

size_t join_items_memory(const struct join_items *items)
{
	size_t bytes = items->count * sizeof(struct join_item);

	for (size_t i = 0; i < JOIN_BYS; i++)
		if (items->by[i].list_count > LISTS_FIRST)
			bytes += items->by[i].list_count * sizeof(*items->by[i].lists);
	return bytes;
}

void join_items_fini(struct join_items *items)
{
	for (size_t i = 0; i < JOIN_BYS; i++)
		free(items->by[i].lists);
	spares_fini(&items->spares);
	*items = (struct join_items){ .count = 0 };
}

/* --- which one ----------------------------------------------------------------------- */

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
	struct join_item *item = has_turn(sign) ? item_find(items, JOIN_BY_TURN, conn, sign) : NULL;
	unsigned int looks = 0;

	if (item && signs_match(&item->sign, sign))
		return item;
	item = item_find(items, JOIN_BY_ALIKE, conn, sign);
	for (; item && looks < LOOKS_MAX; item = item->alike_next, looks++)
		if (signs_match(&item->sign, sign))
			return item;
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of copies by number. A connection stays as long as one of its exchanges, or the table of them, has a
 * use of it; the table's list is in the order of the last sign.
 */
#include "recent.h"

#include "base/budget.h"
#include "base/counters.h"
#include "base/fact_text.h"
#include "conn_json.h"
#include "curl_text.h"
#include "exchange_json.h"
#include "fact.h"

#include <stdlib.h>

#define HEAD_MAX     (64u << 10) /* bytes of one message's head */
#define CONNS_MAX    4096
#define FACTS_ALWAYS 16
#define FACTS_NS     UINT64_C(100000000) /* so old may a busy connection's facts be */
#define SHARE	     4			 /* of the budget: one such part at most */

struct recent {
	size_t count_max, bytes_max, body_max;
	struct recent_item **items; /* by number modulo count_max */
	struct recent_figures figures;
	struct recent_conn *conns, *conn_list;
	struct exchange_json json;
	struct curl_text curl;
	const struct redact *redact;
	bool redacted;
	struct buffer scratch; /* of what is redacted */
	struct content_memo last_type;
	struct budget *budget;
	size_t charged_bytes;
};

struct recent *recent_new(const struct recent_config *config)
{
	struct recent *recent = calloc(1, sizeof(*recent));

	if (!recent)
		return NULL;
	recent->count_max = config->count_max;
	recent->bytes_max = config->bytes_max;
	recent->body_max = config->body_max;
	recent->budget = config->sink->stats ? config->sink->stats->budget : NULL;
	recent->redacted = config->redacted;
	recent->redact = recent->curl.redact = config->sink->redact;
	recent->figures.first = 1;
	recent->items = calloc(recent->count_max, sizeof(struct recent_item *));
	if (exchange_json_init(&recent->json, config->sink) < 0 || !recent->items) {
		recent_free(recent);
		return NULL;
	}
	return recent;
}

static void charge(struct recent *recent)
{
	budget_set(recent->budget, &recent->charged_bytes, recent->figures.bytes);
}

/* --- connections --------------------------------------------------------------------------------- */

static void conn_drop(struct recent *recent, struct recent_conn *conn)
{
	if (--conn->users)
		return;
	recent->figures.bytes -= sizeof(*conn);
	free(conn);
}

static void conn_remove(struct recent *recent, struct recent_conn *conn)
{
	HASH_DEL(recent->conns, conn);
	DL_DELETE(recent->conn_list, conn);
	conn_drop(recent, conn);
}

static struct recent_conn *conn_new(struct recent *recent, uint64_t id)
{
	struct recent_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->id = conn->facts.id = id;
	conn->users = 1;
	if (HASH_COUNT(recent->conns) >= CONNS_MAX) {
		conn_remove(recent, recent->conn_list);
		recent->figures.conns_fell_out++;
	}
	HASH_ADD(hh, recent->conns, id, sizeof(conn->id), conn);
	if (!TABLE_ADDED(conn, hh)) {
		free(conn);
		return NULL;
	}
	DL_APPEND(recent->conn_list, conn);
	recent->figures.bytes += sizeof(*conn);
	return conn;
}

/* A sign of the connection, made when it is new, at this event time. NULL: out of memory. */
static struct recent_conn *conn_sign(struct recent *recent, const struct conn_facts *facts, uint64_t now_ns)
{
	struct recent_conn *conn;

	HASH_FIND(hh, recent->conns, &facts->id, sizeof(facts->id), conn);
	if (!conn)
		conn = conn_new(recent, facts->id);
	if (!conn)
		return NULL;
	if (conn->next) {
		DL_DELETE(recent->conn_list, conn);
		DL_APPEND(recent->conn_list, conn);
	}
	/* What an exchange tells that comes behind the end is older than that. */
	if (!conn->closed && (facts->exchanges < FACTS_ALWAYS || now_ns >= conn->facts_ns + FACTS_NS)) {
		conn->facts = *facts;
		conn->facts_ns = now_ns;
	}
	return conn;
}

void recent_conn_opened(struct recent *recent, const struct conn_facts *facts)
{
	if (!conn_sign(recent, facts, facts->seen_ns))
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	charge(recent);
}

/* What hark's own end closes goes on. */
void recent_conn_closed(struct recent *recent, const struct conn_facts *facts)
{
	struct recent_conn *conn = conn_sign(recent, facts, facts->closed_ns);

	if (conn) {
		conn->facts = *facts;
		conn->closed = facts->closed_ns != 0;
	} else {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	}
	charge(recent);
}

const struct recent_conn *recent_conn_next(const struct recent *recent, const struct recent_conn *conn)
{
	if (!recent->conn_list || conn == recent->conn_list)
		return NULL;
	return conn ? conn->prev : recent->conn_list->prev;
}

const struct recent_conn *recent_conn_find(const struct recent *recent, uint64_t id)
{
	struct recent_conn *conn;

	HASH_FIND(hh, recent->conns, &id, sizeof(id), conn);
	return conn;
}

/* --- exchanges ----------------------------------------------------------------------------------- */

static void item_free(struct recent *recent, struct recent_item *item)
{
	recent->figures.bytes -= item->bytes;
	exchange_fini(&item->exchange);
	conn_drop(recent, item->conn);
	free(item);
}

static bool is_empty(const struct recent *recent)
{
	return recent->figures.first > recent->figures.last;
}

static void oldest_drop(struct recent *recent)
{
	size_t place = recent->figures.first++ % recent->count_max;

	item_free(recent, recent->items[place]);
	recent->items[place] = NULL;
	recent->figures.fell_out++;
}

/* One of the first to go when everybody's memory is short: what is here was shown, or can be missed. */
static void make_room(struct recent *recent)
{
	size_t share = budget_share(recent->budget, SHARE);
	size_t bytes_max = share && share < recent->bytes_max ? share : recent->bytes_max;

	while (!is_empty(recent) && (recent->figures.last - recent->figures.first + 1 >= recent->count_max ||
				     recent->figures.bytes > bytes_max || budget_over(recent->budget))) {
		oldest_drop(recent);
		charge(recent);
	}
}

/* What is to be shown of the value takes its place; without memory for it nothing of the value is. */
static void replace(struct recent *recent, struct message *message, struct slice *value, struct slice shown)
{
	if (shown.data == value->data && !recent->scratch.failed)
		return;
	if (recent->scratch.failed || arena_copy(&message->arena, shown, value) < 0)
		*value = SLICE(REDACTED);
}

static void fields_redact(struct recent *recent, struct message *message, struct header_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		replace(recent, message, &list->items[i].value,
			redact_value(recent->redact, list->items[i].name, list->items[i].value,
				     &recent->scratch));
}

/* message NULL: there is none. */
static void message_redact(struct recent *recent, struct message *message)
{
	if (!message)
		return;
	fields_redact(recent, message, &message->headers);
	fields_redact(recent, message, &message->trailers);
	if (message->target.data)
		replace(recent, message, &message->target,
			redact_target(recent->redact, message->target, &recent->scratch));
	if (message->authority.data)
		replace(recent, message, &message->authority,
			redact_authority(recent->redact, message->authority, &recent->scratch));
	for (struct fact *fact = message->facts; fact; fact = fact->next)
		if (fact->kind == FACT_TEXT)
			replace(recent, message, &fact->text,
				fact_text_shown(recent->redact, fact->name, fact->text, &recent->scratch));
}

static void item_weigh(struct recent *recent, struct recent_item *item)
{
	recent->figures.bytes -= item->bytes;
	item->bytes = sizeof(*item) + exchange_memory(&item->exchange);
	recent->figures.bytes += item->bytes;
	charge(recent);
}

/* Most are never asked for: the secrets of one are overwritten when somebody does. */
static void item_redact(struct recent *recent, struct recent_item *item)
{
	struct exchange *exchange = &item->exchange;

	buffer_clear(&recent->scratch);
	message_redact(recent, exchange->request);
	message_redact(recent, exchange->response);
	for (size_t i = 0; i < exchange->interim_count; i++)
		message_redact(recent, exchange->interims[i]);
	item->redacted = true;
	item_weigh(recent, item);
}

/* NULL: out of memory. */
static struct recent_item *item_new(struct recent *recent, const struct exchange *exchange)
{
	struct recent_item *item = calloc(1, sizeof(*item));

	if (item && exchange_copy(&item->exchange, exchange, HEAD_MAX, recent->body_max) == 0) {
		item->redacted = !recent->redacted;
		return item;
	}
	free(item);
	return NULL;
}

const struct recent_item *recent_exchange(struct recent *recent, const struct exchange *exchange)
{
	struct recent_conn *conn = conn_sign(recent, exchange->conn, exchange->start_ns);
	struct recent_item *item;

	make_room(recent);
	item = conn ? item_new(recent, exchange) : NULL;
	if (!item) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		recent->figures.lost++;
		return NULL;
	}
	exchange_json_learn(&recent->json, &item->exchange);
	conn->users++;
	item->conn = conn;
	item->exchange.conn = &conn->facts;
	item->failed = exchange_failed(&recent->last_type, exchange);
	conn->errors += item->failed;
	item->number = ++recent->figures.last;
	recent->items[item->number % recent->count_max] = item;
	item_weigh(recent, item);
	return item;
}

struct recent_figures recent_figures(const struct recent *recent)
{
	struct recent_figures figures = recent->figures;

	figures.conn_count = HASH_COUNT(recent->conns);
	return figures;
}

const struct recent_item *recent_find(struct recent *recent, uint64_t number)
{
	struct recent_item *item;

	if (number < recent->figures.first || number > recent->figures.last)
		return NULL;
	item = recent->items[number % recent->count_max];
	if (!item->redacted)
		item_redact(recent, item);
	return item;
}

const struct recent_item *recent_find_first_end(struct recent *recent, const struct recent_item *item)
{
	const struct recent_item *before = recent_find(recent, item->number - 1);

	if (item->exchange.join != JOIN_SECOND || !before || before->exchange.join != JOIN_FIRST ||
	    before->exchange.peer_connection != item->exchange.conn->id)
		return NULL;
	return before;
}

/* --- in other words --------------------------------------------------------------------------------- */

void recent_put_json(struct recent *recent, const struct recent_item *item, int verbose, struct buffer *out)
{
	exchange_json_put(&recent->json, &item->exchange, verbose);
	json_take(&recent->json.writer, out);
}

void recent_put_conn(struct recent *recent, const struct recent_conn *conn, struct buffer *out)
{
	conn_json_put(&recent->json.writer, &conn->facts);
	json_take(&recent->json.writer, out);
}

bool recent_put_curl(struct recent *recent, const struct recent_item *item, struct buffer *out)
{
	return curl_text_put(out, &recent->curl, &item->exchange);
}

void recent_free(struct recent *recent)
{
	if (!recent)
		return;
	while (!is_empty(recent))
		oldest_drop(recent);
	while (recent->conn_list)
		conn_remove(recent, recent->conn_list);
	free(recent->items);
	exchange_json_fini(&recent->json);
	curl_text_fini(&recent->curl);
	buffer_fini(&recent->scratch);
	budget_set(recent->budget, &recent->charged_bytes, 0);
	free(recent);
}

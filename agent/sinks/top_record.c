/* SPDX-License-Identifier: Apache-2.0 */
#include "top_record.h"

#include "counters.h"
#include "url.h"

#include <stdlib.h>
#include <utlist.h>

#define SECOND_NS     UINT64_C(1000000000)
#define HOST_MAX      256
#define METHOD_MAX    32
#define FIELD_MAX     64
#define EVICT_LOOK_AT 16

/* --- records ------------------------------------------------------------------- */

/* Without a body; with trailers, which message_copy() leaves out. */
static struct message *message_keep(const struct message *message)
{
	struct message *copy = message_copy(message, TOP_HEADERS_MAX);

	for (size_t i = 0; copy && i < message->trailers.count; i++) {
		const struct header *header = &message->trailers.items[i];

		if (message_add_header(copy, &copy->trailers, header->name, header->value, header->flags) < 0)
			copy->flags |= FLAG_TRUNCATED;
	}
	return copy;
}

static bool headers_allowed(struct top_kept *kept, const struct exchange *exchange, bool slow)
{
	uint64_t second = (exchange->start_ns + exchange->duration_ns) / SECOND_NS;

	if (kept->headers_bytes > TOP_HEADERS_ALL)
		return false;
	if (slow)
		return true;
	if (second != kept->second) {
		kept->second = second;
		kept->headers_left = TOP_HEADERS_RATE;
	}
	if (kept->headers_left == 0)
		return false;
	kept->headers_left--;
	return true;
}

static void record_keep_whole(struct top_kept *kept, struct top_record *record,
			      const struct exchange *exchange)
{
	struct message *request = exchange->request ? message_keep(exchange->request) : NULL;
	struct message *response = exchange->response ? message_keep(exchange->response) : NULL;

	if ((exchange->request && !request) || (exchange->response && !response)) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		message_free(request);
		message_free(response);
		return;
	}
	record->whole = true;
	record->exchange.request = request;
	record->exchange.response = response;
	record->headers_bytes = (request ? request->arena.used_bytes + sizeof(*request) : 0) +
				(response ? response->arena.used_bytes + sizeof(*response) : 0);
	kept->headers_bytes += record->headers_bytes;
}

/* Copies at most max bytes behind the record; they were counted in when it was made. */
static struct slice text_keep(char **at, struct slice bytes, size_t max)
{
	bytes = slice_take(bytes, max);
	if (!bytes.data)
		return bytes;
	memcpy(*at, bytes.data, bytes.len);
	*at += bytes.len;
	return slice_of(*at - bytes.len, bytes.len);
}

/* The fields that rows are made of: whose host, is it gRPC. */
struct fields {
	struct slice host, type, answer_type, grpc;
	bool grpc_trailer;
};

static struct slice field_of(const struct header_list *list, struct slice name)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal_nocase(list->items[i].name, name))
			return list->items[i].value;
	return (struct slice){ 0 };
}

static void fields_find(struct fields *fields, const struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;

	if (request) {
		if (!request->authority.data)
			fields->host = field_of(&request->headers, SLICE("host"));
		fields->type = field_of(&request->headers, SLICE("content-type"));
	}
	if (response) {
		fields->answer_type = field_of(&response->headers, SLICE("content-type"));
		fields->grpc = field_of(&response->trailers, SLICE("grpc-status"));
		fields->grpc_trailer = fields->grpc.data != NULL;
		if (!fields->grpc.data)
			fields->grpc = field_of(&response->headers, SLICE("grpc-status"));
	}
}

static void field_keep(struct header_list *list, struct header *items, const char *name, struct slice value)
{
	if (!value.data)
		return;
	if (!list->items)
		list->items = items;
	list->items[list->count++] = (struct header){ .name = slice_of_string(name), .value = value };
}

static void message_strip(struct message *into, const struct message *from)
{
	*into = *from;
	arena_init(&into->arena, 0);
	into->headers = into->trailers = (struct header_list){ 0 };
	into->method = into->target = into->scheme = into->authority = into->body = (struct slice){ 0 };
}

static void record_keep_part(struct top_record *record, const struct exchange *exchange,
			     const struct fields *fields)
{
	const struct message *from = exchange->request;
	struct message *request = &record->request, *response = &record->response;
	char *at = record->text;

	if (from) {
		message_strip(request, from);
		record->exchange.request = request;
		request->method = text_keep(&at, from->method, METHOD_MAX);
		request->target = text_keep(&at, from->target, TOP_URL_MAX);
		request->authority = text_keep(&at, from->authority, HOST_MAX);
		field_keep(&request->headers, record->headers, "host",
			   text_keep(&at, fields->host, HOST_MAX));
		field_keep(&request->headers, record->headers, "content-type",
			   text_keep(&at, fields->type, FIELD_MAX));
	}
	if (!exchange->response)
		return;
	message_strip(response, exchange->response);
	record->exchange.response = response;
	field_keep(&response->headers, record->headers + 2, "content-type",
		   text_keep(&at, fields->answer_type, FIELD_MAX));
	field_keep(fields->grpc_trailer ? &response->trailers : &response->headers,
		   record->headers + 2 + (fields->grpc_trailer ? response->headers.count : 0), "grpc-status",
		   text_keep(&at, fields->grpc, FIELD_MAX));
}

static size_t text_bytes(const struct exchange *exchange, const struct fields *fields)
{
	const struct message *request = exchange->request;
	size_t bytes =
		slice_take(fields->grpc, FIELD_MAX).len + slice_take(fields->answer_type, FIELD_MAX).len;

	if (!request)
		return bytes;
	return bytes + slice_take(request->method, METHOD_MAX).len +
	       slice_take(request->target, TOP_URL_MAX).len + slice_take(request->authority, HOST_MAX).len +
	       slice_take(fields->host, HOST_MAX).len + slice_take(fields->type, FIELD_MAX).len;
}

struct top_record *top_record_new(struct top_kept *kept, const struct exchange *exchange, bool slow)
{
	struct fields fields = { .grpc_trailer = false };
	struct top_record *record;

	fields_find(&fields, exchange);
	record = kept->records < TOP_RECORDS_MAX ? malloc(sizeof(*record) + text_bytes(exchange, &fields))
						 : NULL;
	if (!record)
		return NULL;
	record->exchange = *exchange;
	record->exchange.interim_count = 0;
	record->exchange.other = NULL;
	record->whole = false;
	record->headers_bytes = 0;
	record->users = 1;
	record->serial = ++kept->serial;
	record->conn = top_conn_get(kept, exchange->conn);
	if (record->conn) {
		record->conn->users++;
		record->exchange.conn = &record->conn->facts;
	}
	kept->records++;
	if (headers_allowed(kept, exchange, slow))
		record_keep_whole(kept, record, exchange);
	if (!record->whole)
		record_keep_part(record, exchange, &fields);
	if (record->conn)
		return record;
	top_record_drop(kept, record);
	return NULL;
}

void top_record_drop(struct top_kept *kept, struct top_record *record)
{
	if (!record || --record->users)
		return;
	if (record->whole) {
		message_free(record->exchange.request);
		message_free(record->exchange.response);
	}
	kept->headers_bytes -= record->headers_bytes;
	kept->records--;
	top_conn_drop(record->conn);
	free(record);
}

void top_live_add(struct top_kept *kept, struct top_record *record)
{
	top_record_drop(kept, kept->live[kept->live_next]);
	kept->live[kept->live_next] = top_record_use(record);
	kept->live_next = (kept->live_next + 1) % TOP_LIVE_MAX;
	if (kept->live_count < TOP_LIVE_MAX)
		kept->live_count++;
}

struct top_record *top_live_at(const struct top_kept *kept, size_t i)
{
	return kept->live[(kept->live_next + TOP_LIVE_MAX - kept->live_count + i) % TOP_LIVE_MAX];
}

/* --- the slowest ------------------------------------------------------------------ */

bool top_slowest_wants(const struct top_slowest *slowest, const struct exchange *exchange)
{
	if (!exchange->duration_known)
		return false;
	return slowest->count < TOP_SLOWEST_MAX ||
	       exchange->duration_ns > slowest->items[slowest->fastest]->exchange.duration_ns;
}

static void fastest_find(struct top_slowest *slowest)
{
	slowest->fastest = 0;
	for (size_t i = 1; i < slowest->count; i++)
		if (slowest->items[i]->exchange.duration_ns <
		    slowest->items[slowest->fastest]->exchange.duration_ns)
			slowest->fastest = i;
}

void top_slowest_add(struct top_kept *kept, struct top_slowest *slowest, struct top_record *record)
{
	if (!top_slowest_wants(slowest, &record->exchange))
		return;
	top_record_use(record);
	if (slowest->count < TOP_SLOWEST_MAX) {
		slowest->items[slowest->count++] = record;
	} else {
		top_record_drop(kept, slowest->items[slowest->fastest]);
		slowest->items[slowest->fastest] = record;
	}
	fastest_find(slowest);
}

void top_slowest_merge(struct top_kept *kept, struct top_slowest *into, struct top_slowest *from)
{
	for (size_t i = 0; i < from->count; i++)
		top_slowest_add(kept, into, from->items[i]);
	top_slowest_free(kept, from);
}

void top_slowest_free(struct top_kept *kept, struct top_slowest *slowest)
{
	if (!slowest)
		return;
	for (size_t i = 0; i < slowest->count; i++)
		top_record_drop(kept, slowest->items[i]);
	free(slowest);
}

/* --- connections -------------------------------------------------------------------- */

void top_conn_drop(struct top_conn *conn)
{
	if (!conn || --conn->users)
		return;
	free(conn->bars);
	free(conn);
}

static void conn_remove(struct top_kept *kept, struct top_conn *conn)
{
	HASH_DEL(kept->conns, conn);
	DL_DELETE(kept->conn_list, conn);
	top_conn_drop(conn);
}

/* A closed one among the longest unused, else the longest unused. */
static void conn_evict(struct top_kept *kept)
{
	struct top_conn *victim = kept->conn_list, *conn = victim;

	for (int i = 0; conn && i < EVICT_LOOK_AT; i++, conn = conn->next) {
		if (!conn->closed)
			continue;
		victim = conn;
		break;
	}
	conn_remove(kept, victim);
	kept->conns_forgotten++;
}

static struct top_conn *conn_new(struct top_kept *kept, const struct conn_facts *facts)
{
	struct top_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->users = 1;
	conn->facts.id = facts->id;
	if (HASH_COUNT(kept->conns) >= TOP_CONNS_MAX)
		conn_evict(kept);
	HASH_ADD(hh, kept->conns, facts.id, sizeof(conn->facts.id), conn);
	if (!conn->hh.tbl) {
		free(conn);
		return NULL;
	}
	DL_APPEND(kept->conn_list, conn);
	return conn;
}

struct top_conn *top_conn_get(struct top_kept *kept, const struct conn_facts *facts)
{
	struct top_conn *conn;

	HASH_FIND(hh, kept->conns, &facts->id, sizeof(facts->id), conn);
	if (!conn)
		conn = conn_new(kept, facts);
	if (!conn)
		return NULL;
	if (&conn->facts != facts)
		conn->facts = *facts;
	if (conn->next) {
		DL_DELETE(kept->conn_list, conn);
		DL_APPEND(kept->conn_list, conn);
	}
	return conn;
}

void top_bar_of(struct top_bar *bar, const struct exchange *exchange, uint64_t serial)
{
	struct slice method = { 0 };
	struct url url = { .port_known = false };
	size_t len = 0;

	*bar = (struct top_bar){ .serial = serial,
				 .start_ns = exchange->start_ns,
				 .key = exchange->key,
				 .status = exchange->response ? exchange->response->status : 0,
				 .pending = exchange->pending };
	if (exchange->ttfb_known)
		bar->first_ns = exchange->start_ns + exchange->ttfb_ns;
	if (exchange->duration_known)
		bar->end_ns = exchange->start_ns + exchange->duration_ns;
	if (exchange->request) {
		method = slice_take(exchange->request->method, 8);
		url_of_request(exchange->request, &url);
	}
	memcpy(bar->label, method.data ? (const char *)method.data : "?", method.data ? method.len : 1);
	len = method.data ? method.len : 1;
	bar->label[len++] = ' ';
	url.path = slice_take(url.path, sizeof(bar->label) - 1 - len);
	if (url.path.len)
		memcpy(bar->label + len, url.path.data, url.path.len);
}

static struct top_bar *bar_next(struct top_conn *conn)
{
	if (conn->bar_count == conn->bar_capacity && conn->bar_capacity < TOP_BARS_MAX) {
		size_t capacity = conn->bar_capacity ? conn->bar_capacity * 2 : 4;
		struct top_bar *bars = realloc(conn->bars, capacity * sizeof(*bars));

		if (!bars)
			return NULL;
		conn->bars = bars;
		conn->bar_capacity = capacity;
	}
	if (conn->bar_count < conn->bar_capacity)
		return &conn->bars[conn->bar_count++];
	conn->bar_next = (conn->bar_next + 1) % TOP_BARS_MAX;
	return &conn->bars[(conn->bar_next + TOP_BARS_MAX - 1) % TOP_BARS_MAX];
}

void top_conn_count(struct top_conn *conn, const struct exchange *exchange, uint64_t serial, bool error)
{
	struct top_bar *bar = bar_next(conn);

	conn->exchanges++;
	conn->errors += error;
	if (exchange->duration_known && exchange->duration_ns > conn->max_ns)
		conn->max_ns = exchange->duration_ns;
	if (bar)
		top_bar_of(bar, exchange, serial);
}

const struct top_bar *top_conn_bar(const struct top_conn *conn, size_t i)
{
	return &conn->bars[(conn->bar_next + i) % conn->bar_capacity];
}

void top_kept_fini(struct top_kept *kept)
{
	for (size_t i = 0; i < TOP_LIVE_MAX; i++) {
		top_record_drop(kept, kept->live[i]);
		kept->live[i] = NULL;
	}
	while (kept->conn_list)
		conn_remove(kept, kept->conn_list);
}

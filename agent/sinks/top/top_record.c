/* SPDX-License-Identifier: Apache-2.0 */
#include "top_record.h"

#include "base/array.h"
#include "base/counters.h"
#include "base/url.h"

#include <stdlib.h>

#define SECOND_NS     UINT64_C(1000000000)
#define FACTS_NS      UINT64_C(100000000) /* so old may a busy connection's facts be */
#define FACTS_ALWAYS  16
#define EVICT_LOOK_AT 16

/* --- records ------------------------------------------------------------------- */

/* A bucket that fills with the allowance of event time and holds a second's. */
bool top_live_allows(struct top_kept *kept, uint64_t now_ns)
{
	if (now_ns > SECOND_NS && kept->allowed_ns < now_ns - SECOND_NS)
		kept->allowed_ns = now_ns - SECOND_NS;
	if (kept->allowed_ns >= now_ns) {
		kept->unlisted++;
		return false;
	}
	kept->allowed_ns += SECOND_NS / TOP_LIVE_RATE;
	return true;
}

struct top_record *top_record_new(struct top_kept *kept, const struct exchange *exchange, bool slow)
{
	struct top_record *record;
	struct top_conn *conn;

	if (kept->bytes >= (slow ? TOP_SLOW_BYTES : TOP_ALL_BYTES))
		return NULL;
	conn = top_conn_get(kept, exchange->conn, exchange->start_ns);
	if (!conn)
		return NULL;
	record = calloc(1, sizeof(*record));
	if (!record || exchange_copy(&record->exchange, exchange, TOP_HEADERS_MAX, kept->body_max) < 0) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		free(record);
		return NULL;
	}
	conn->users++;
	record->serial = ++kept->serial;
	record->users = 1;
	record->conn = conn;
	record->fresh = top_is_fresh(exchange);
	record->bytes = sizeof(*record) + exchange_memory(&record->exchange);
	record->exchange.conn = &conn->facts;
	kept->bytes += record->bytes;
	return record;
}

void top_record_drop(struct top_kept *kept, struct top_record *record)
{
	if (!record || --record->users)
		return;
	exchange_fini(&record->exchange);
	kept->bytes -= record->bytes;
	top_conn_drop(record->conn);
	free(record);
}

void top_live_make_room(struct top_kept *kept)
{
	top_record_drop(kept, kept->live[kept->live_next]);
	if (kept->live[kept->live_next])
		kept->live_count--;
	kept->live[kept->live_next] = NULL;
	/* Large ones leave sooner, else none would come any more. */
	while (kept->live_count && kept->bytes >= TOP_SLOW_BYTES) {
		size_t oldest = (kept->live_next + TOP_LIVE_MAX - kept->live_count) % TOP_LIVE_MAX;

		top_record_drop(kept, kept->live[oldest]);
		kept->live[oldest] = NULL;
		kept->live_count--;
	}
}

void top_live_add(struct top_kept *kept, struct top_record *record)
{
	top_live_make_room(kept);
	kept->live[kept->live_next] = top_record_use(record);
	kept->live_next = (kept->live_next + 1) % TOP_LIVE_MAX;
	kept->live_count++;
}

struct top_record *top_live_at(const struct top_kept *kept, size_t i)
{
	return kept->live[(kept->live_next + TOP_LIVE_MAX - kept->live_count + i) % TOP_LIVE_MAX];
}

/* --- the slowest ------------------------------------------------------------------ */

static void fastest_find(struct top_slowest *slowest)
{
	slowest->fastest = 0;
	for (size_t i = 1; i < slowest->count; i++)
		if (slowest->items[i]->exchange.duration_ns <
		    slowest->items[slowest->fastest]->exchange.duration_ns)
			slowest->fastest = i;
	slowest->fastest_ns = slowest->items[slowest->fastest]->exchange.duration_ns + 1;
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
	if (slowest->count == TOP_SLOWEST_MAX)
		fastest_find(slowest);
}

void top_slowest_clear(struct top_kept *kept, struct top_slowest *slowest)
{
	while (slowest->count)
		top_record_drop(kept, slowest->items[--slowest->count]);
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

/* Of some at the front a closed one, else the longest unused; those that stay go to the end. */
static void conn_evict(struct top_kept *kept)
{
	struct top_conn *victim = kept->conn_list, *conn = victim, *next;

	for (int i = 0; conn && i < EVICT_LOOK_AT; i++, conn = conn->next)
		if (conn->closed > victim->closed ||
		    (conn->closed == victim->closed && conn->used_ns < victim->used_ns))
			victim = conn;
	for (conn = kept->conn_list; conn != victim; conn = next) {
		next = conn->next;
		DL_DELETE(kept->conn_list, conn);
		DL_APPEND(kept->conn_list, conn);
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
	conn->id = conn->facts.id = facts->id;
	if (HASH_COUNT(kept->conns) >= TOP_CONNS_MAX)
		conn_evict(kept);
	HASH_ADD(hh, kept->conns, id, sizeof(conn->id), conn);
	if (!TABLE_ADDED(conn, hh)) {
		free(conn);
		return NULL;
	}
	DL_APPEND(kept->conn_list, conn);
	return conn;
}

struct top_conn *top_conn_get(struct top_kept *kept, const struct conn_facts *facts, uint64_t now_ns)
{
	struct top_conn *conn;

	HASH_FIND(hh, kept->conns, &facts->id, sizeof(facts->id), conn);
	if (!conn)
		conn = conn_new(kept, facts);
	if (!conn)
		return NULL;
	if (now_ns > conn->used_ns)
		conn->used_ns = now_ns;
	/* Before it is busy each sign may tell something new. */
	if (conn->exchanges < FACTS_ALWAYS || now_ns - conn->facts_ns >= FACTS_NS || facts->closed_ns) {
		conn->facts_ns = now_ns;
		if (&conn->facts != facts)
			conn->facts = *facts;
	}
	return conn;
}

/* Without a query: it may hold secrets. The usual form of a target needs no more than that. */
static struct slice path_of(const struct message *request)
{
	struct slice target = request->target;
	const uint8_t *query;
	struct url url;

	if (target.len == 0 || target.data[0] != '/') {
		url_of_request(request, &url);
		return url_path_plain(url.path);
	}
	target = slice_take(target, TOP_BAR_LABEL);
	query = memchr(target.data, '?', target.len);
	return url_path_plain(query ? slice_take(target, (size_t)(query - target.data)) : target);
}

/* What was before the request belongs to the bar only where it is known without a gap. */
static void bar_parts(struct top_bar *bar, const struct exchange *exchange)
{
	struct exchange_times times = exchange_times_of(exchange);

	if (times.begin_ns < exchange->start_ns) {
		uint64_t end_ns = bar->start_ns = times.begin_ns;

		for (enum exchange_part part = PART_CONNECT; part <= PART_IDLE; part++)
			if (exchange_times_has(&times, part))
				bar->ends_ns[part] = end_ns += times.ns[part];
	}
	if (exchange_times_has(&times, PART_SEND))
		bar->ends_ns[PART_SEND] = exchange->start_ns + times.ns[PART_SEND];
	if (exchange->ttfb_known)
		bar->ends_ns[PART_WAIT] = exchange->start_ns + exchange->ttfb_ns;
	if (exchange->duration_known)
		bar->ends_ns[PART_RECEIVE] = exchange->start_ns + exchange->duration_ns;
}

void top_bar_of(struct top_bar *bar, const struct exchange *exchange, uint64_t serial)
{
	struct slice method = { 0 }, path = { 0 };
	size_t len;

	*bar = (struct top_bar){ .serial = serial,
				 .start_ns = exchange->start_ns,
				 .key = exchange->key,
				 .status = exchange->response ? exchange->response->status : 0,
				 .pending = exchange->pending };
	bar_parts(bar, exchange);
	if (exchange->request) {
		method = slice_take(exchange->request->method, 8);
		path = path_of(exchange->request);
	}
	memcpy(bar->label, method.data ? (const char *)method.data : "?", method.data ? method.len : 1);
	len = method.data ? method.len : 1;
	bar->label[len++] = ' ';
	path = slice_take(path, sizeof(bar->label) - 1 - len);
	if (path.len)
		memcpy(bar->label + len, path.data, path.len);
}

static struct top_bar *bar_next(struct top_conn *conn)
{
	if (conn->bar_count < TOP_BARS_MAX) {
		struct top_bar *bars =
			array_room(conn->bars, conn->bar_count, &conn->bar_capacity, sizeof(*bars));

		if (!bars)
			return NULL;
		conn->bars = bars;
		return &conn->bars[conn->bar_count++];
	}
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

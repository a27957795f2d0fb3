/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the row of an exchange. Endpoints' rows hang on the endpoints, which
 * may become one another's; all others stand in a table by the bytes of their
 * key. The overflow row is made first, so that there always is one to count in.
 */
#include "base/budget.h"
#include "base/counters.h"
#include "base/fact_text.h"
#include "base/hash.h"
#include "base/url.h"
#include "content/content.h"
#include "fact.h"
#include "model/address.h"
#include "model/trace.h"
#include "stats_private.h"

#include <errno.h>
#include <stdlib.h>

#define LIMIT_DEFAULT 1000
#define BUDGET_SHARE  8
#define WEIGH_EVERY   256
#define FOLDED_BITS   65536 /* of the overflow: keys are told apart by so many hashes */

static struct stats_private *row_new(struct slice key)
{
	struct stats_private *row = calloc(1, sizeof(*row) + key.len + 1);

	if (!row)
		return NULL;
	row->row.private = row;
	row->key_len = key.len;
	if (key.len)
		memcpy(row->key, key.data, key.len);
	return row;
}

static void rows_charge(struct stats *stats)
{
	budget_set(stats->config.budget, &stats->charged_bytes, stats->held_bytes);
}

/* Rarely, the more so the more it counted: what counts more and more takes hardly any more memory. */
void stats_row_weigh(struct stats *stats, struct stats_private *row, bool now)
{
	uint64_t count = row->row.run.count;
	size_t bytes;

	if (!now && (count & (count - 1)) && count % WEIGH_EVERY)
		return;
	bytes = stats_row_memory(row);
	stats->held_bytes += bytes - row->held_bytes;
	row->held_bytes = bytes;
	rows_charge(stats);
}

static void row_free(struct stats *stats, struct stats_private *row)
{
	if (!row)
		return;
	stats->held_bytes -= row->held_bytes;
	rows_charge(stats);
	stats_windows_free(row);
	stats_numbers_fini(&row->row.run);
	stats_numbers_fini(&row->interval);
	free(row);
}

static void row_name_endpoint(struct stats_private *row, const struct endpoint *endpoint)
{
	row->row.host = endpoint->host;
	row->row.method = endpoint->method;
	row->row.route = endpoint->route;
}

/* Slots of one place and different times: the older one is out of the window. */
static void windows_merge(struct stats_private *into, struct stats_private *from)
{
	struct stats_windows *a = into->windows, *b = from->windows;

	if (!a) {
		into->windows = b;
		from->windows = NULL;
	}
	if (!a || !b)
		return;
	if (b->last_ns > a->last_ns)
		a->last_ns = b->last_ns;
	for (size_t i = 0; i < WINDOW_SLOTS; i++) {
		struct stats_slot *x = &a->slots[i], *y = &b->slots[i];

		if (y->epoch > x->epoch) {
			struct stats_slot newer = *y;

			*y = *x;
			*x = newer;
		} else if (y->epoch && y->epoch == x->epoch &&
			   stats_numbers_merge(&x->numbers, &y->numbers)) {
			counter_add(COUNTER_LIMIT_MEMORY, 1);
		}
	}
}

/* b goes away. */
static void rows_merge(struct stats *stats, struct stats_private *a, struct stats_private *b)
{
	if (stats_numbers_merge(&a->row.run, &b->row.run) || stats_numbers_merge(&a->interval, &b->interval))
		counter_add(COUNTER_LIMIT_MEMORY, 1);
	windows_merge(a, b);
	a->row.in_flight += b->row.in_flight;
	a->local_clients += b->local_clients;
	a->local_servers += b->local_servers;
	if (stats->config.merge && b->row.data)
		stats->config.merge(stats->config.ctx, &a->row, &b->row);
	stats_row_weigh(stats, a, true);
	row_free(stats, b);
	stats->row_count--;
}

static void endpoint_merge(void *ctx, struct endpoint *into, struct endpoint *from)
{
	struct stats *stats = ctx;
	struct stats_private *a = into->data, *b = from->data;

	from->data = NULL;
	if (into->overflow) {
		stats->overflow->row.overflow = true;
		stats->overflow->row.folded = into->folded;
		a = stats->overflow;
	}
	if (b && a) {
		rows_merge(stats, a, b);
	} else if (b) {
		into->data = b;
		row_name_endpoint(b, into);
	}
}

static void endpoint_release(void *ctx, struct endpoint *endpoint)
{
	if (!endpoint->overflow)
		row_free(ctx, endpoint->data);
	endpoint->data = NULL;
}

int stats_rows_init(struct stats *stats)
{
	struct stats_config *config = &stats->config;
	struct routes_config routes = { 0 };

	if (!config->limit)
		config->limit = LIMIT_DEFAULT;
	stats->overflow = row_new((struct slice){ 0 });
	if (!stats->overflow)
		return -ENOMEM;
	if (config->by != BY_ENDPOINT)
		return 0;
	if (config->routes)
		routes = *config->routes;
	routes.limit = config->limit;
	routes.merge = endpoint_merge;
	routes.release = endpoint_release;
	routes.ctx = stats;
	stats->routes = routes_new(&routes);
	stats->known = known_requests_new();
	if (!stats->routes || !stats->known)
		return -ENOMEM;
	stats->held_bytes = known_requests_bytes();
	rows_charge(stats);
	return 0;
}

void stats_rows_fini(struct stats *stats)
{
	struct stats_private *row, *next;

	if (stats->config.release && stats->overflow) {
		stats->overflow->row.overflow = true;
		stats_each(stats, stats->config.release, stats->config.ctx);
	}
	routes_free(stats->routes);
	if (stats->known)
		stats->held_bytes -= known_requests_bytes();
	known_requests_free(stats->known);
	HASH_ITER (hh, stats->rows, row, next) {
		HASH_DEL(stats->rows, row);
		row_free(stats, row);
	}
	frequent_fini(&stats->frequent);
	row_free(stats, stats->overflow);
	rows_charge(stats);
}

/* The server's name as sent, else its address as far as the role is known; data NULL: neither. */
static struct slice server_of(struct stats *stats, const struct exchange *exchange, const struct url *url)
{
	if (url->host.data)
		return url->host;
	buffer_clear(&stats->address);
	if (!address_put_server(&stats->address, exchange->conn))
		return (struct slice){ 0 };
	return slice_of(stats->address.data, stats->address.len);
}

/* A request that names its server has the endpoint that it had before. */
static struct endpoint *endpoint_of(struct stats *stats, const struct exchange *exchange, bool path_is_name,
				    bool ended)
{
	static const struct known_request unknown;
	struct known_request *request =
		exchange->request ? known_requests_find(stats->known, exchange) : NULL;
	const struct known_request *known = request ? request : &unknown;

	if (ended && known->url.host.data)
		return routes_find_again(stats->routes, &request->route, known->url.host, known->method,
					 known->path, path_is_name);
	return (ended ? routes_find : routes_find_uncounted)(stats->routes,
							     server_of(stats, exchange, &known->url),
							     known->method, known->path, path_is_name);
}

static struct stats_private *row_of_endpoint(struct stats *stats, const struct exchange *exchange,
					     bool path_is_name, bool ended)
{
	struct endpoint *endpoint = endpoint_of(stats, exchange, path_is_name, ended);
	struct stats_private *row;

	if (endpoint->overflow) {
		counter_add(COUNTER_LIMIT_ENDPOINTS, ended);
		stats->overflow->row.folded = endpoint->folded;
		stats->overflow->row.overflow = true;
		return stats->overflow;
	}
	if (!endpoint->data) {
		endpoint->data = row_new((struct slice){ 0 });
		stats->row_count += endpoint->data != NULL;
	}
	row = endpoint->data;
	if (!row) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		stats->overflow->row.overflow = true;
		return stats->overflow;
	}
	row_name_endpoint(row, endpoint);
	return row;
}

/* A known name is told from none by the first byte; a row's string begins behind it. */
static void key_name(struct buffer *key, struct slice name)
{
	name = slice_take(name, STATS_NAME_MAX);
	buffer_char(key, name.data ? 'n' : '-');
	buffer_put(key, name.data, name.len);
}

/* IPv4 in IPv6 is the same peer as IPv4. */
static void key_peer(struct buffer *key, const struct conn_facts *conn)
{
	const struct event_socket *sock = &conn->sock;
	uint16_t port = conn->role == ROLE_CLIENT ? sock->peer_port : 0;
	uint8_t peer[16];

	if (!address_known(sock)) {
		buffer_put(key, &sock->family, sizeof(sock->family));
		return;
	}
	buffer_put(key, &port, sizeof(port));
	address_widen(peer, sock->family, sock->peer);
	buffer_put(key, peer, sizeof(peer));
}

/* The id of a request behind the same letters would be another row. */
static void key_trace(struct buffer *key, const struct message *request)
{
	struct trace trace;

	trace_of(request, &trace);
	key_name(key, trace_name(&trace));
	buffer_char(key, '\0');
	buffer_char(key, trace.id.data ? 't' : 'r');
}

/* The fact of the request, else of the response; NULL: it is not known. */
static const struct fact *fact_of(const struct exchange *exchange, struct slice name)
{
	const struct fact *fact = exchange->request ? fact_find(exchange->request->facts, name) : NULL;

	return fact || !exchange->response ? fact : fact_find(exchange->response->facts, name);
}

static void key_fact(struct buffer *key, const struct fact *fact)
{
	if (!fact || fact->kind == FACT_TEXT) {
		key_name(key, fact ? fact->text : slice_of(NULL, 0));
		if (fact && fact->cut)
			buffer_string(key, "…");
		return;
	}
	buffer_char(key, 'n');
	fact_text_put(key, fact);
}

const enum container_name *stats_place(enum stats_by by)
{
	static const enum container_name places[][2] = {
		[BY_CONTAINER] = { CONTAINER_ID, CONTAINER_NAME },
		[BY_POD] = { CONTAINER_POD, CONTAINER_NAMESPACE },
		[BY_UNIT] = { CONTAINER_UNIT, CONTAINER_UNIT },
	};

	return by >= BY_CONTAINER && by <= BY_UNIT ? places[by] : NULL;
}

static void key_put(struct stats *stats, const struct exchange *exchange)
{
	const struct mover *mover = &exchange->mover;
	struct buffer *key = &stats->key;
	const enum container_name *place = stats_place(stats->config.by);
	struct url url = { 0 };
	int status = exchange->response ? exchange->response->status : 0;

	if (exchange->request && (stats->config.by == BY_HOST || stats->config.by == BY_PATH))
		url_of_request(exchange->request, &url);
	buffer_clear(key);
	switch (stats->config.by) {
	case BY_ENDPOINT:
		break;
	case BY_HOST:
		key_name(key, server_of(stats, exchange, &url));
		break;
	case BY_PATH:
		key_name(key, url_path_plain(url.path));
		break;
	case BY_PROCESS:
		/* The name is the executable's: threads of a process have their own. */
		key_name(key, slice_of(mover->exe, strnlen(mover->exe, sizeof(mover->exe))));
		buffer_char(key, '\0');
		buffer_put(key, &mover->pid, sizeof(mover->pid));
		break;
	case BY_PEER:
		key_peer(key, exchange->conn);
		break;
	case BY_STATUS:
		buffer_put(key, &status, sizeof(status));
		break;
	case BY_CONNECTION:
		buffer_put(key, &exchange->conn->id, sizeof(exchange->conn->id));
		break;
	case BY_TRACE:
		key_trace(key, exchange->request);
		break;
	case BY_FACT:
		key_fact(key, fact_of(exchange, slice_of_string(stats->config.fact)));
		break;
	case BY_CONTAINER:
	case BY_POD:
	case BY_UNIT:
		/* The second name behind the NUL of the first. */
		key_name(key, container_name(mover->container, place[0]));
		buffer_char(key, '\0');
		key_name(key, container_name(mover->container, place[1]));
		break;
	}
}

static const char *row_string(const struct stats_private *row)
{
	return row->key_len && row->key[0] == 'n' ? row->key + 1 : NULL;
}

/* The next of several names in a key; NULL: it is not known. */
static const char *next_name(const char **at)
{
	const char *name = *at;

	*at += strlen(name) + 1;
	return name[0] == 'n' ? name + 1 : NULL;
}

static void row_name_operation(struct stats_private *row)
{
	const char *at = row->key;

	row->row.host = next_name(&at);
	row->row.method = next_name(&at);
	row->row.route = next_name(&at);
	row->row.operation = next_name(&at);
}

static void row_name_process(struct stats_private *row, const struct mover *mover)
{
	row->row.pid = mover->pid;
	row->row.program = row_string(row);
	if (mover->exe[0])
		return;
	row->row.program_is_comm = mover->comm[0] != '\0';
	memcpy(row->row.conn.owner.comm, mover->comm, sizeof(mover->comm));
	row->row.conn.owner.comm[sizeof(mover->comm) - 1] = '\0';
	row->row.program = row->row.program_is_comm ? row->row.conn.owner.comm : NULL;
}

/* Once, when the row is new. */
static void row_name(struct stats_private *row, enum stats_by by, const struct exchange *exchange)
{
	const char *at = row->key;

	switch (by) {
	case BY_HOST:
		row->row.host = row_string(row);
		break;
	case BY_PATH:
		row->row.path = row_string(row);
		break;
	case BY_PROCESS:
		row_name_process(row, &exchange->mover);
		break;
	case BY_CONTAINER:
	case BY_POD:
	case BY_UNIT:
		row->row.place = next_name(&at);
		row->row.beside = next_name(&at);
		break;
	case BY_FACT:
		row->row.fact = row_string(row);
		break;
	case BY_TRACE:
		row->row.trace = row_string(row);
		row->row.trace_is_request = row->row.trace && row->key[row->key_len - 1] == 'r';
		break;
	case BY_STATUS:
		row->row.status = exchange->response ? exchange->response->status : 0;
		break;
	case BY_ENDPOINT:
		row_name_operation(row);
		break;
	case BY_PEER:
	case BY_CONNECTION:
		break;
	}
}

/* Keeps what a row tells of its last exchange's connection. */
static void row_conn(struct stats_private *row, enum stats_by by, const struct conn_facts *conn)
{
	if (by != BY_PEER && by != BY_CONNECTION)
		return;
	row->row.conn = *conn;
	row->row.conn.owner.container = NULL; /* the tracker's */
	if (by == BY_PEER && conn->role != ROLE_CLIENT)
		row->row.conn.sock.peer_port = 0;
}

static uint64_t key_hash(const char *key, size_t len)
{
	uint64_t hash = hash_on(HASH_START, slice_of(key, len));

	return hash ^ hash >> 32;
}

/* Counts keys that differ; two of one hash are taken for one, so that it is never too many. */
static struct stats_private *row_fold(struct stats *stats, uint64_t hash)
{
	struct stats_private *row = stats->overflow;
	size_t bit = hash % FOLDED_BITS;

	row->row.overflow = true;
	if (!stats->folded_seen)
		stats->folded_seen = calloc(1, FOLDED_BITS / 8);
	if (!stats->folded_seen) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		row->row.folded = row->row.folded ? row->row.folded : 1;
		return row;
	}
	if (!(stats->folded_seen[bit / 8] & 1u << bit % 8)) {
		stats->folded_seen[bit / 8] |= (uint8_t)(1u << bit % 8);
		row->row.folded++;
	}
	return row;
}

static struct stats_private *row_of_rank(struct frequent_item *rank)
{
	return (struct stats_private *)((char *)rank - offsetof(struct stats_private, rank));
}

/* Removes a row; its counts go on in the row of the rest. */
static void row_evict(struct stats *stats, struct stats_private *row)
{
	uint64_t hash = key_hash(row->key, row->key_len);

	frequent_remember(&stats->frequent, hash, row->rank.count);
	frequent_remove(&stats->frequent, &row->rank);
	HASH_DEL(stats->rows, row);
	rows_merge(stats, row_fold(stats, hash), row);
}

void stats_rows_shed(struct stats *stats)
{
	size_t share = budget_share(stats->config.budget, BUDGET_SHARE);

	while (share && stats->held_bytes > share) {
		struct frequent_item *least = frequent_least(&stats->frequent);

		if (!(stats->routes ? routes_shed(stats->routes) : least != NULL))
			return;
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		if (least)
			row_evict(stats, row_of_rank(least));
	}
}

/* Room for a new row. False: there is none, and nobody has to go for it. *count: how often it came before. */
static bool row_has_room(struct stats *stats, uint64_t hash, bool ended, uint64_t *count)
{
	struct frequent_item *least;

	*count = 0;
	if (stats->row_count < stats->config.limit)
		return true;
	if (!ended || !frequent_miss(&stats->frequent, hash, &least, count))
		return false;
	row_evict(stats, row_of_rank(least));
	return true;
}

static struct stats_private *row_make(struct stats *stats, const struct exchange *exchange, bool ended)
{
	uint64_t hash = key_hash(stats->key.data, stats->key.len), count;
	struct stats_private *row = NULL;

	if (!stats->key.failed && row_has_room(stats, hash, ended, &count))
		row = row_new(slice_of(stats->key.data, stats->key.len));
	if (row)
		HASH_ADD_KEYPTR(hh, stats->rows, row->key, row->key_len, row);
	if (!row || !TABLE_ADDED(row, hh)) {
		row_free(stats, row);
		counter_add(COUNTER_LIMIT_ENDPOINTS, ended);
		return row_fold(stats, hash);
	}
	frequent_add(&stats->frequent, &row->rank, count);
	stats->row_count++;
	row_name(row, stats->config.by, exchange);
	return row;
}

/*
 * What a body asks for is an endpoint of its own, beside the one that its path has. Rows of those stand in
 * the table. False: the body does not say so, or the endpoint has no row of its own.
 */
static bool key_put_operation(struct stats *stats, const struct exchange *exchange, bool path_is_name,
			      bool ended)
{
	const struct message *request = exchange->request;
	const struct fact *fact =
		request && request->facts ? fact_find(request->facts, SLICE("hark.operation")) : NULL;
	const struct endpoint *endpoint =
		fact && fact->kind == FACT_TEXT ? endpoint_of(stats, exchange, path_is_name, ended) : NULL;
	struct buffer *key = &stats->key;

	if (!endpoint || endpoint->overflow)
		return false;
	buffer_clear(key);
	key_name(key, slice_of_string(endpoint->host));
	buffer_char(key, '\0');
	key_name(key, slice_of_string(endpoint->method));
	buffer_char(key, '\0');
	key_name(key, slice_of_string(endpoint->route));
	buffer_char(key, '\0');
	key_name(key, slice_take(fact->text, slice_find(fact->text, 0)));
	return true;
}

struct stats_private *stats_row_find(struct stats *stats, const struct exchange *exchange,
				     const struct content *content, bool ended)
{
	struct stats_private *row;

	if (stats->config.by == BY_ENDPOINT) {
		bool path_is_name = content && content->path_is_name;

		if (!key_put_operation(stats, exchange, path_is_name, ended))
			return row_of_endpoint(stats, exchange, path_is_name, ended);
	} else {
		key_put(stats, exchange);
	}
	HASH_FIND(hh, stats->rows, stats->key.data, stats->key.len, row);
	if (!row)
		row = row_make(stats, exchange, ended);
	if (row == stats->overflow)
		return row;
	frequent_count(&stats->frequent, &row->rank, ended);
	row_conn(row, stats->config.by, exchange->conn);
	return row;
}

struct each {
	struct stats *stats;
	void (*fn)(void *ctx, struct stats_row *row);
	void *ctx;
};

static void each_endpoint(void *ctx, struct endpoint *endpoint)
{
	const struct each *each = ctx;

	if (endpoint->overflow) {
		each->stats->overflow->row.folded = endpoint->folded;
	} else if (endpoint->data) {
		row_name_endpoint(endpoint->data, endpoint);
		each->fn(each->ctx, &((struct stats_private *)endpoint->data)->row);
	}
}

void stats_each(struct stats *stats, void (*fn)(void *ctx, struct stats_row *row), void *ctx)
{
	struct each each = { stats, fn, ctx };
	struct stats_private *row, *next;

	if (stats->routes)
		routes_each(stats->routes, each_endpoint, &each);
	HASH_ITER (hh, stats->rows, row, next)
		fn(ctx, &row->row);
	if (stats->overflow->row.overflow)
		fn(ctx, &stats->overflow->row);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges and connections as rows of a history (docs/history.md): the columns are the keys of JSON, of
 * which each is NULL where JSON has none. Lists and what bodies say are JSON texts within their columns.
 */
#include "sinks/sinks.h"

#include "base/budget.h"
#include "model/exchange_times.h"
#include "model/trace.h"
#include "routes/known_request.h"
#include "sinks/json_error.h"
#include "sinks/json_writer.h"
#include "sinks/message_json.h"
#include "sinks/name_list.h"
#include "sqlite_origin.h"
#include "sqlite_row.h"
#include "sqlite_turn.h"

#include <errno.h>

struct sink {
	struct sqlite_turn turn;
	struct sqlite_row row;
	struct sqlite_origins *origins;
	struct json_writer writer; /* of texts within columns; nothing is written by it */
	struct routes *routes;	   /* NULL: nobody says which */
	struct known_requests *known;
	struct budget *budget;
	size_t charged_bytes;
	struct content_memo last_type;
	int verbose;
};

static int watch_sqlite_init(struct sink *sink, const struct sink_config *config)
{
	json_init(&sink->writer, config);
	sink->verbose = config->verbose;
	sink->budget = config->stats ? config->stats->budget : NULL;
	sink->origins = sqlite_origins_new();
	sink->known = known_requests_new();
	if (!sink->origins || !sink->known)
		return -ENOMEM;
	budget_set(sink->budget, &sink->charged_bytes, sqlite_origins_bytes() + known_requests_bytes());
	if (config->stats && config->stats->routes) {
		sink->routes = routes_new(config->stats->routes);
		if (!sink->routes)
			return -ENOMEM;
	}
	return sqlite_turn_open(&sink->turn, config);
}

static void watch_sqlite_fini(struct sink *sink)
{
	sqlite_turn_close(&sink->turn);
	sqlite_row_fini(&sink->row);
	sqlite_origins_free(sink->origins);
	json_fini(&sink->writer);
	routes_free(sink->routes);
	known_requests_free(sink->known);
	budget_set(sink->budget, &sink->charged_bytes, 0);
}

/* --- cells ------------------------------------------------------------------------------------------ */

static void put_flags(struct sqlite_row *row, int column, unsigned int flags)
{
	struct name_list list = { .buffer = &row->text, .between = ",", .quote = "\"" };
	size_t start = row->text.len;

	if (!flags)
		return;
	buffer_char(&row->text, '[');
	exchange_flags_each(flags, name_list_add, &list);
	buffer_char(&row->text, ']');
	sqlite_row_written(row, column, start);
}

/* What the writer wrote: a member of an object, or several, the first with a comma before it. */
static void put_object(struct sink *sink, int column)
{
	struct buffer *line = &sink->writer.line;
	size_t start = sink->row.text.len;

	if (line->failed)
		sink->row.text.failed = true;
	if (line->len) {
		buffer_char(&sink->row.text, '{');
		buffer_put(&sink->row.text, line->data + 1, line->len - 1);
		buffer_char(&sink->row.text, '}');
		sqlite_row_written(&sink->row, column, start);
	}
	buffer_clear(line);
}

static void set_known(struct sqlite_row *row, int column, bool known, uint64_t value)
{
	if (known)
		sqlite_row_integer(row, column, value);
}

/* --- an exchange ------------------------------------------------------------------------------------ */

static void put_request(struct sink *sink, const struct exchange *exchange, struct known_request *known,
			const struct content *content)
{
	struct sqlite_row *row = &sink->row;
	struct json_writer *writer = &sink->writer;
	const struct url *url = &known->url;

	sqlite_row_text(row, EXCHANGE_http_request_method, known->method);
	sqlite_row_text(row, EXCHANGE_url_scheme, exchange_scheme(exchange));
	if (url->path.data)
		sqlite_row_text(row, EXCHANGE_url_path,
				redact_target(writer->redact, url->path, &writer->scratch));
	if (url->query.data)
		sqlite_row_text(row, EXCHANGE_url_query,
				redact_target(writer->redact, url->query, &writer->scratch));
	if (sink->routes && url->path.data) {
		const struct endpoint *endpoint =
			routes_find_again(sink->routes, &known->route, url->host, known->method, known->path,
					  content && content->path_is_name);

		if (endpoint->route)
			sqlite_row_text(row, EXCHANGE_http_route, slice_of_string(endpoint->route));
	}
}

/* The socket's, into a column for the address and one for the port; 0: not wanted. */
static void put_socket_server(struct sqlite_row *row, const struct conn_facts *conn, int address, int port)
{
	const struct event_socket *sock = &conn->sock;
	bool peer = conn->role == ROLE_CLIENT;
	size_t start = row->text.len;

	if (conn->role == ROLE_UNKNOWN || !address_known(sock))
		return;
	if (address) {
		address_put(&row->text, sock, peer ? sock->peer : sock->local);
		sqlite_row_written(row, address, start);
	}
	if (port)
		sqlite_row_integer(row, port, peer ? sock->peer_port : sock->local_port);
}

/* The request's, else the socket's. */
static void put_server(struct sqlite_row *row, const struct conn_facts *conn,
		       const struct known_request *known)
{
	bool host = known && known->url.host.data, port = known && known->url.port_known;

	if (host)
		sqlite_row_text(row, EXCHANGE_server_address, known->url.host);
	if (port)
		sqlite_row_integer(row, EXCHANGE_server_port, known->url.port);
	put_socket_server(row, conn, host ? 0 : EXCHANGE_server_address, port ? 0 : EXCHANGE_server_port);
}

static void put_trace(struct sqlite_row *row, const struct exchange *exchange)
{
	struct trace trace;

	if (!trace_of(exchange->request, &trace))
		return;
	sqlite_row_text(row, EXCHANGE_trace_id, trace.id);
	sqlite_row_text(row, EXCHANGE_span_id, trace.span);
	sqlite_row_text(row, EXCHANGE_parent_span_id, trace.parent);
	sqlite_row_text(row, EXCHANGE_hark_request_id, trace.request_id);
}

static void put_outcome(struct sqlite_row *row, const struct exchange *exchange,
			const struct content *content)
{
	int outcome;

	if (exchange->response && exchange->response->status)
		sqlite_row_integer(row, EXCHANGE_http_response_status_code,
				   (uint64_t)exchange->response->status);
	if (!content || !content->outcome)
		return;
	sqlite_row_own(row, EXCHANGE_rpc_system, content->name);
	outcome = exchange_outcome_of(exchange, content);
	set_known(row, EXCHANGE_rpc_status_code, outcome >= 0, (uint64_t)outcome);
}

static void put_measures(struct sqlite_row *row, const struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;
	struct exchange_times times;

	set_known(row, EXCHANGE_http_request_body_size, request && request->body_known,
		  request ? request->body_bytes : 0);
	set_known(row, EXCHANGE_http_response_body_size, response && response->body_known,
		  response ? response->body_bytes : 0);
	set_known(row, EXCHANGE_duration_ns, exchange->duration_known, exchange->duration_ns);
	set_known(row, EXCHANGE_ttfb_ns, exchange->ttfb_known, exchange->ttfb_ns);
	set_known(row, EXCHANGE_hark_peer_connection, exchange->peer_connection, exchange->peer_connection);
	set_known(row, EXCHANGE_server_ns, exchange->split_known, exchange->server_ns);
	set_known(row, EXCHANGE_network_ns, exchange->split_known, exchange->network_ns);
	if (!exchange->opening)
		return;
	times = exchange_times_of(exchange);
	set_known(row, EXCHANGE_connect_ns, exchange_times_has(&times, PART_CONNECT), times.ns[PART_CONNECT]);
	set_known(row, EXCHANGE_tls_handshake_ns, exchange_times_has(&times, PART_TLS), times.ns[PART_TLS]);
	set_known(row, EXCHANGE_idle_ns, exchange_times_has(&times, PART_IDLE), times.ns[PART_IDLE]);
}

static void put_facts(struct sink *sink, const struct exchange *exchange)
{
	const struct message *messages[] = { exchange->request, exchange->response };
	const struct fact *operation = NULL;

	for (size_t i = 0; i < 2; i++) {
		if (!messages[i] || !messages[i]->facts)
			continue;
		message_json_facts(&sink->writer, messages[i]->facts);
		if (!operation)
			operation = fact_find(messages[i]->facts, SLICE("hark.operation"));
	}
	json_error(&sink->writer, exchange);
	put_object(sink, EXCHANGE_facts);
	if (operation)
		sqlite_row_text(&sink->row, EXCHANGE_hark_operation, operation->text);
}

static int exchange_write(struct sink *sink, const struct exchange *exchange, int64_t origin)
{
	struct sqlite_row *row = &sink->row;
	const struct content *content = exchange_content_again(&sink->last_type, exchange);
	struct known_request *known = exchange->request ? known_requests_find(sink->known, exchange) : NULL;

	sqlite_row_begin(row, sink->turn.inserts[HISTORY_EXCHANGE]);
	if (exchange->start_ns)
		sqlite_row_integer(row, EXCHANGE_time_us,
				   (uint64_t)sqlite_turn_us(&sink->turn, exchange->start_ns));
	sqlite_row_integer(row, EXCHANGE_origin, (uint64_t)origin);
	put_server(row, exchange->conn, known);
	if (known) {
		put_request(sink, exchange, known, content);
		put_trace(row, exchange);
	}
	put_outcome(row, exchange, content);
	if (exchange->key)
		sqlite_row_integer(row, EXCHANGE_hark_stream,
				   message_stream(exchange_version(exchange), exchange->key));
	put_measures(row, exchange);
	put_facts(sink, exchange);
	put_flags(row, EXCHANGE_hark_flags, exchange->flags);
	sqlite_row_integer(row, EXCHANGE_hark_failed, exchange_failed(&sink->last_type, exchange));
	sqlite_row_integer(row, EXCHANGE_hark_counted, exchange_counts(exchange));
	sqlite_row_integer(row, EXCHANGE_hark_other_end, exchange->join == JOIN_SECOND);
	return sqlite_row_end(row);
}

static void put_fields(struct sink *sink, int column, const struct header_list *list)
{
	struct buffer *line = &sink->writer.line;
	size_t start = sink->row.text.len;

	if (!list->count)
		return;
	json_put_fields(&sink->writer, list);
	sink->row.text.failed |= line->failed;
	buffer_put(&sink->row.text, line->data, line->len);
	sqlite_row_written(&sink->row, column, start);
	buffer_clear(line);
}

/* Behind its exchange, whose number it takes. */
static int head_write(struct sink *sink, const struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;

	sqlite_row_begin(&sink->row, sink->turn.inserts[HISTORY_HEAD]);
	if (request) {
		put_fields(sink, HEAD_http_request_header, &request->headers);
		put_fields(sink, HEAD_http_request_trailer, &request->trailers);
	}
	if (response) {
		put_fields(sink, HEAD_http_response_header, &response->headers);
		put_fields(sink, HEAD_http_response_trailer, &response->trailers);
	}
	return sqlite_row_end(&sink->row);
}

static void watch_sqlite_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;
	int64_t origin;
	int error;

	if (!sqlite_turn_begin(&sink->turn, exchange->start_ns))
		return;
	error = sqlite_origin_find(sink->origins, &sink->turn, &sink->row, exchange->conn, &exchange->mover,
				   exchange_version(exchange), &origin);
	if (!error)
		error = exchange_write(sink, exchange, origin);
	if (!error && sink->verbose > 0)
		error = head_write(sink, exchange);
	sqlite_turn_wrote(&sink->turn, TURN_EXCHANGE, error);
}

/* --- a connection ------------------------------------------------------------------------------------- */

static void put_life(struct sqlite_row *row, const struct sqlite_turn *turn, const struct conn_facts *conn)
{
	if (conn->opened_ns)
		sqlite_row_integer(row, CONNECTION_opened_us,
				   (uint64_t)sqlite_turn_us(turn, conn->opened_ns));
	if (conn->closed_ns)
		sqlite_row_integer(row, CONNECTION_closed_us,
				   (uint64_t)sqlite_turn_us(turn, conn->closed_ns));
	sqlite_row_own(row, CONNECTION_hark_closed_by, conn_facts_closed_by_name(conn->closed_by));
	set_known(row, CONNECTION_connect_ns, conn->connect_ns, conn->connect_ns);
	set_known(row, CONNECTION_tls_handshake_ns, conn->handshake_ns, conn->handshake_ns);
}

static void put_name(struct sqlite_row *row, int column, const char *name)
{
	if (name[0])
		sqlite_row_text(row, column, slice_of_string(name));
}

static int connection_write(struct sink *sink, const struct conn_facts *conn, int64_t origin)
{
	struct sqlite_row *row = &sink->row;
	uint64_t last_ns = conn->closed_ns ? conn->closed_ns : sink->turn.now_ns;

	sqlite_row_begin(row, sink->turn.inserts[HISTORY_CONNECTION]);
	sqlite_row_integer(row, CONNECTION_time_us, (uint64_t)sqlite_turn_us(&sink->turn, last_ns));
	sqlite_row_integer(row, CONNECTION_origin, (uint64_t)origin);
	put_socket_server(row, conn, CONNECTION_server_address, CONNECTION_server_port);
	put_name(row, CONNECTION_tls_client_server_name, conn->sni);
	put_name(row, CONNECTION_tls_next_protocol, conn->alpn);
	sqlite_row_own(row, CONNECTION_tls_protocol_version, conn_facts_tls_version_name(conn->tls_version));
	put_life(row, &sink->turn, conn);
	sqlite_row_integer(row, CONNECTION_hark_exchanges, conn->exchanges);
	sqlite_row_integer(row, CONNECTION_hark_bytes_moved, conn->moved_bytes);
	sqlite_row_integer(row, CONNECTION_hark_bytes_copied, conn->copied_bytes);
	sqlite_row_integer(row, CONNECTION_hark_bytes_skipped, conn->skipped_bytes);
	sqlite_row_integer(row, CONNECTION_hark_bytes_lost, conn->lost_bytes);
	set_known(row, CONNECTION_hark_bytes_ciphertext, conn->ciphertext_bytes, conn->ciphertext_bytes);
	put_flags(row, CONNECTION_hark_flags, conn->flags);
	sqlite_row_own(row, CONNECTION_hark_muted, conn->muted);
	sqlite_row_own(row, CONNECTION_hark_opaque, conn->opaque);
	return sqlite_row_end(row);
}

static void watch_sqlite_closed(struct sink *sink, const struct result *result)
{
	const struct conn_facts *conn = result->conn;
	int64_t origin;
	int error;

	if (!sqlite_turn_begin(&sink->turn, conn->closed_ns))
		return;
	error = sqlite_origin_find(sink->origins, &sink->turn, &sink->row, conn, &conn->owner, conn->version,
				   &origin);
	if (!error)
		error = connection_write(sink, conn, origin);
	sqlite_turn_wrote(&sink->turn, TURN_CONNECTION, error);
}

/* --- time ----------------------------------------------------------------------------------------------- */

static bool watch_sqlite_tick(struct sink *sink, uint64_t now_ns)
{
	sqlite_turn_tick(&sink->turn, now_ns, false);
	return false;
}

static uint64_t watch_sqlite_due_ns(const struct sink *sink)
{
	return sqlite_turn_due_ns(&sink->turn);
}

static void watch_sqlite_draw(struct sink *sink, bool last)
{
	if (last)
		sqlite_turn_tick(&sink->turn, sink->turn.now_ns, true);
}

static bool watch_sqlite_failed(const struct sink *sink)
{
	return sink->turn.state == TURN_STOPPED || (sink->turn.over && sink->turn.failing);
}

const struct sink_ops sqlite_sink = {
	.format = "sqlite",
	.view = VIEW_WATCH,
	.fields = SINK_FIELDS_VERBOSE,
	.reads = { READER_FACTS | READER_OPERATION | READER_OUTCOME, READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME },
	.opens_place = true,
	.writes_in_place = true,
	.size = sizeof(struct sink),
	.init = watch_sqlite_init,
	.show = {
		[RESULT_EXCHANGE] = watch_sqlite_exchange,
		[RESULT_CONN_CLOSED] = watch_sqlite_closed,
	},
	.tick = watch_sqlite_tick,
	.due_ns = watch_sqlite_due_ns,
	.draw = watch_sqlite_draw,
	.failed = watch_sqlite_failed,
	.fini = watch_sqlite_fini,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON object an exchange, flat, with the keys of docs/interface.md. A key that
 * is not known is absent: each function here asks first and then writes.
 */
#include "sinks.h"

#include "base/budget.h"
#include "model/exchange_times.h"
#include "body.h"
#include "content/content.h"
#include "json_origin.h"
#include "json_request.h"
#include "json_trace.h"
#include "message_json.h"

#include <errno.h>

struct sink {
	struct json_writer writer;
	int verbose;
	bool pending_wanted;
	struct body_reader bodies;
	struct routes *routes; /* NULL: nobody says which */
	struct known_requests *known;
	struct budget *budget;
	size_t charged_bytes; /* for what is kept of requests and origins */
	struct json_origins *origins;
	struct json_requests *requests;
	struct content_memo last_type;
};

static int watch_json_init(struct sink *sink, const struct sink_config *config)
{
	sink->verbose = config->verbose;
	sink->pending_wanted = config->pending_wanted;
	json_init(&sink->writer, config);
	sink->origins = json_origins_new();
	sink->requests = json_requests_new();
	sink->budget = config->stats ? config->stats->budget : NULL;
	sink->known = known_requests_new();
	if (!sink->origins || !sink->requests || !sink->known)
		return -ENOMEM;
	budget_set(sink->budget, &sink->charged_bytes,
		   json_origins_bytes() + json_requests_bytes() + known_requests_bytes());
	if (!config->stats || !config->stats->routes)
		return 0;
	sink->routes = routes_new(config->stats->routes);
	return sink->routes ? 0 : -ENOMEM;
}

static void watch_json_fini(struct sink *sink)
{
	json_fini(&sink->writer);
	body_reader_fini(&sink->bodies);
	routes_free(sink->routes);
	json_origins_free(sink->origins);
	json_requests_free(sink->requests);
	known_requests_free(sink->known);
	budget_set(sink->budget, &sink->charged_bytes, 0);
}

/* The template as it is known by now; NULL: it is not. */
static const char *route_of(struct sink *sink, struct known_request *known, const struct content *content)
{
	if (!sink->routes || !known->url.path.data)
		return NULL;
	return routes_find_again(sink->routes, &known->route, known->url.host, known->method, known->path,
				 content && content->path_is_name)
		->route;
}

/* The address of the server, the request's before the socket's. True: its port, too. */
static bool put_server(struct sink *sink, const struct known_request *known, const struct exchange *exchange)
{
	if (!known || !json_request_server(&sink->writer, sink->requests, known))
		json_server_address(&sink->writer, exchange->conn);
	return known && known->url.port_known;
}

static void put_outcome(struct json_writer *writer, const struct exchange *exchange,
			const struct content *content)
{
	int outcome;

	if (!content || !content->outcome)
		return;
	json_name(writer, "rpc.system", content->name);
	outcome = exchange_outcome_of(exchange, content);
	if (outcome >= 0)
		buffer_format(&writer->line, ",\"rpc.%s.status_code\":%d", content->name, outcome);
}

/* Where the time went. What a connection took is told with its first exchange, the rest with -v. */
static void put_times(struct json_writer *writer, const struct exchange *exchange, int verbose)
{
	struct exchange_times times;

	if (!exchange->opening && verbose == 0)
		return;
	times = exchange_times_of(exchange);
	if (exchange_times_has(&times, PART_CONNECT))
		json_millis(writer, "hark.connect_ms", times.ns[PART_CONNECT]);
	if (exchange_times_has(&times, PART_TLS))
		json_millis(writer, "hark.tls_handshake_ms", times.ns[PART_TLS]);
	if (exchange_times_has(&times, PART_IDLE))
		json_millis(writer, "hark.idle_ms", times.ns[PART_IDLE]);
	if (verbose == 0)
		return;
	if (exchange_times_has(&times, PART_SEND))
		json_millis(writer, "hark.send_ms", times.ns[PART_SEND]);
	if (exchange_times_has(&times, PART_WAIT))
		json_millis(writer, "hark.wait_ms", times.ns[PART_WAIT]);
	if (exchange_times_has(&times, PART_RECEIVE))
		json_millis(writer, "hark.receive_ms", times.ns[PART_RECEIVE]);
}

static void put_measures(struct json_writer *writer, const struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;

	if (request && request->body_known)
		json_number(writer, "http.request.body.size", request->body_bytes);
	if (response && response->body_known && !exchange->pending)
		json_number(writer, "http.response.body.size", response->body_bytes);
	if (exchange->duration_known)
		json_millis(writer, "hark.duration_ms", exchange->duration_ns);
	if (exchange->pending)
		json_millis(writer, "hark.pending_ms", exchange->waited_ns);
	if (exchange->ttfb_known)
		json_millis(writer, "hark.ttfb_ms", exchange->ttfb_ns);
	/* With the other end, when that is on this machine too. */
	if (exchange->peer_connection)
		json_number(writer, "hark.peer_connection", exchange->peer_connection);
	if (exchange->split_known) {
		json_millis(writer, "hark.server_ms", exchange->server_ns);
		json_millis(writer, "hark.network_ms", exchange->network_ns);
	}
}

/* The trailer as a number; false: there is none. */
static bool trailer_number(const struct message *response, struct slice name, uint64_t *number)
{
	for (size_t i = 0; response && i < response->trailers.count; i++)
		if (slice_equal(response->trailers.items[i].name, name))
			return slice_number(response->trailers.items[i].value, number);
	return false;
}

static void put_fastcgi(struct json_writer *writer, const struct exchange *exchange)
{
	const struct message *response = exchange->response;
	uint64_t number;

	if (exchange->error_known) {
		json_key(writer, "hark.fastcgi.protocol_status");
		json_put_error(writer, exchange_error_name(exchange), exchange->error);
	}
	if (trailer_number(response, SLICE("FCGI_APP_STATUS"), &number))
		json_number(writer, "hark.fastcgi.app_status", number);
	if (trailer_number(response, SLICE("FCGI_STDERR_BYTES"), &number))
		json_number(writer, "hark.fastcgi.stderr.size", number);
}

static void put_interims(struct json_writer *writer, const struct exchange *exchange)
{
	json_key(writer, "http.response.interim");
	for (size_t i = 0; i < exchange->interim_count; i++) {
		buffer_format(&writer->line, "%s{\"status\":%d,\"header\":", i ? "," : "[",
			      exchange->interims[i]->status);
		json_put_fields(writer, &exchange->interims[i]->headers);
		buffer_char(&writer->line, '}');
	}
	buffer_char(&writer->line, ']');
}

static void put_headers(struct json_writer *writer, const struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;

	if (request)
		json_fields(writer, "http.request.header", &request->headers);
	if (request && request->trailers.count)
		json_fields(writer, "http.request.trailer", &request->trailers);
	if (exchange->interim_count)
		put_interims(writer, exchange);
	if (response)
		json_fields(writer, "http.response.header", &response->headers);
	if (response && response->trailers.count)
		json_fields(writer, "http.response.trailer", &response->trailers);
}

/* Decoded, and bounded by what is kept. Text stays text without a character that was cut at its end. True:
 * whole. */
static bool put_body(struct sink *sink, const struct message *message)
{
	struct json_writer *writer = &sink->writer;
	struct body body = body_read(&sink->bodies, message, writer->redact);

	if (body.look != CONTENT_BINARY)
		escape_json_text(&writer->line, body.bytes);
	else
		json_put_base64(writer, body.bytes);
	return body_is_whole(&body);
}

static void put_bodies(struct sink *sink, const struct exchange *exchange)
{
	struct json_writer *writer = &sink->writer;

	if (exchange->request && exchange->request->body.len) {
		json_key(writer, "http.request.body");
		if (!put_body(sink, exchange->request))
			json_bool(writer, "http.request.body.truncated", true);
	}
	if (exchange->response && exchange->response->body.len) {
		json_key(writer, "http.response.body");
		if (!put_body(sink, exchange->response))
			json_bool(writer, "http.response.body.truncated", true);
	}
}

static void watch_json_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;
	struct json_writer *writer = &sink->writer;
	const struct content *content = exchange_content_again(&sink->last_type, exchange);
	struct known_request *known;
	bool port;

	/* One object an exchange is what programs expect: those of pending ones come on request only. */
	if (result->kind == RESULT_PENDING && !sink->pending_wanted)
		return;
	if (exchange->start_ns)
		json_time(writer, "time", exchange->start_ns);
	known = exchange->request ? known_requests_find(sink->known, exchange) : NULL;
	if (known)
		json_request(writer, sink->requests, known, exchange, route_of(sink, known, content));
	if (exchange->response && exchange->response->status)
		json_number(writer, "http.response.status_code", (uint64_t)exchange->response->status);
	put_outcome(writer, exchange, content);
	port = put_server(sink, known, exchange);
	json_origin(writer, sink->origins, exchange, !port);
	if (exchange->request)
		json_trace(writer, exchange->request);
	if (exchange->key)
		json_number(writer, "hark.stream", message_stream(exchange_version(exchange), exchange->key));
	json_fd(writer, &exchange->mover, &exchange->conn->sock);
	put_measures(writer, exchange);
	if (exchange->request && exchange->request->facts)
		message_json_facts(writer, exchange->request->facts);
	if (exchange->response && exchange->response->facts)
		message_json_facts(writer, exchange->response->facts);
	if (exchange_version(exchange) == FASTCGI_1) {
		put_fastcgi(writer, exchange);
	} else if (exchange->error_known && exchange_version(exchange) == HTTP_3) {
		json_key(writer, "hark.h3.error_code");
		json_put_error(writer, exchange_error_name(exchange), exchange->error);
	} else if (exchange->error_known) {
		json_h2_error(writer, exchange->error);
	}
	put_times(writer, exchange, sink->verbose);
	if (exchange->split_answer)
		json_bool(writer, "hark.split_answer", true);
	json_flags(writer, exchange->flags);
	if (sink->verbose > 0)
		put_headers(writer, exchange);
	if (sink->verbose > 1 && !exchange->pending)
		put_bodies(sink, exchange);
	json_end(writer);
}

static void watch_json_message(struct sink *sink, const struct result *result)
{
	message_json_put(&sink->writer, result);
}

const struct sink_ops watch_json_sink = {
	.format = "json",
	.view = VIEW_WATCH,
	.fields = SINK_FIELDS_VERBOSE,
	.bodies = true,
	.reads = { READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME | READER_MESSAGES,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME | READER_MESSAGES | READER_BODIES },
	.size = sizeof(struct sink),
	.init = watch_json_init,
	.show = {
		[RESULT_EXCHANGE] = watch_json_exchange,
		[RESULT_PENDING] = watch_json_exchange,
		[RESULT_MESSAGE] = watch_json_message,
	},
	.fini = watch_json_fini,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Each function here asks first whether a value is known and then writes its key. */
#include "exchange_json.h"

#include "base/budget.h"
#include "content/content.h"
#include "json_error.h"
#include "json_origin.h"
#include "json_request.h"
#include "json_trace.h"
#include "message_json.h"
#include "model/exchange_times.h"

#include <errno.h>

int exchange_json_init(struct exchange_json *json, const struct sink_config *config)
{
	json_init(&json->writer, config);
	json->origins = json_origins_new();
	json->requests = json_requests_new();
	json->budget = config->stats ? config->stats->budget : NULL;
	json->known = known_requests_new();
	if (!json->origins || !json->requests || !json->known)
		return -ENOMEM;
	budget_set(json->budget, &json->charged_bytes,
		   json_origins_bytes() + json_requests_bytes() + known_requests_bytes());
	if (!config->stats || !config->stats->routes)
		return 0;
	json->routes = routes_new(config->stats->routes);
	return json->routes ? 0 : -ENOMEM;
}

void exchange_json_fini(struct exchange_json *json)
{
	json_fini(&json->writer);
	body_reader_fini(&json->bodies);
	routes_free(json->routes);
	json_origins_free(json->origins);
	json_requests_free(json->requests);
	known_requests_free(json->known);
	budget_set(json->budget, &json->charged_bytes, 0);
}

/* The template as it is known by now; NULL: it is not. */
static const char *route_of(struct exchange_json *json, struct known_request *known,
			    const struct content *content)
{
	if (!json->routes || !known->url.path.data)
		return NULL;
	return routes_find_again(json->routes, &known->route, known->url.host, known->method, known->path,
				 content && content->path_is_name)
		->route;
}

/* The address of the server, the request's before the socket's. True: its port, too. */
static bool put_server(struct exchange_json *json, const struct known_request *known,
		       const struct exchange *exchange)
{
	if (!known || !json_request_server(&json->writer, json->requests, known))
		json_server_address(&json->writer, exchange->conn);
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

void exchange_json_put_took(struct json_writer *writer, const struct exchange *exchange)
{
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

static void put_measures(struct json_writer *writer, const struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;

	if (request && request->body_known)
		json_number(writer, "http.request.body.size", request->body_bytes);
	if (response && response->body_known && !exchange->pending)
		json_number(writer, "http.response.body.size", response->body_bytes);
	exchange_json_put_took(writer, exchange);
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
static bool put_body(struct exchange_json *json, const struct message *message)
{
	struct json_writer *writer = &json->writer;
	struct body body = body_read(&json->bodies, message, writer->redact);

	if (body.look != CONTENT_BINARY)
		escape_json_text(&writer->line, body.bytes);
	else
		json_put_base64(writer, body.bytes);
	return body_is_whole(&body);
}

static void put_bodies(struct exchange_json *json, const struct exchange *exchange)
{
	struct json_writer *writer = &json->writer;

	if (exchange->request && exchange->request->body.len) {
		json_key(writer, "http.request.body");
		if (!put_body(json, exchange->request))
			json_bool(writer, "http.request.body.truncated", true);
	}
	if (exchange->response && exchange->response->body.len) {
		json_key(writer, "http.response.body");
		if (!put_body(json, exchange->response))
			json_bool(writer, "http.response.body.truncated", true);
	}
}

void exchange_json_put(struct exchange_json *json, const struct exchange *exchange, int verbose)
{
	struct json_writer *writer = &json->writer;
	const struct content *content = exchange_content_again(&json->last_type, exchange);
	struct known_request *known;
	bool port;

	if (exchange->start_ns)
		json_time(writer, "time", exchange->start_ns);
	known = exchange->request ? known_requests_find(json->known, exchange) : NULL;
	if (known)
		json_request(writer, json->requests, known, exchange, route_of(json, known, content));
	if (exchange->response && exchange->response->status)
		json_number(writer, "http.response.status_code", (uint64_t)exchange->response->status);
	put_outcome(writer, exchange, content);
	port = put_server(json, known, exchange);
	json_origin(writer, json->origins, exchange, !port);
	if (exchange->request)
		json_trace(writer, exchange->request);
	if (exchange->key && !version_is_query(exchange_version(exchange)))
		json_number(writer, "hark.stream", message_stream(exchange_version(exchange), exchange->key));
	json_fd(writer, &exchange->mover, &exchange->conn->sock);
	put_measures(writer, exchange);
	if (exchange->request && exchange->request->facts)
		message_json_facts(writer, exchange->request->facts);
	if (exchange->response && exchange->response->facts)
		message_json_facts(writer, exchange->response->facts);
	json_error(writer, exchange);
	put_times(writer, exchange, verbose);
	if (exchange->split_answer)
		json_bool(writer, "hark.split_answer", true);
	json_flags(writer, exchange->flags);
	if (verbose > 0)
		put_headers(writer, exchange);
	if (verbose > 1 && !exchange->pending)
		put_bodies(json, exchange);
}

void exchange_json_learn(struct exchange_json *json, const struct exchange *exchange)
{
	if (exchange->request)
		route_of(json, known_requests_find(json->known, exchange),
			 exchange_content_again(&json->last_type, exchange));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp_span.h"

#include "base/protobuf_put.h"
#include "content/content.h"
#include "base/escape.h"
#include "base/fact_text.h"
#include "fact.h"
#include "model/address.h"
#include "otlp_attribute.h"
#include "sinks/serve/metrics.h"

#include <sys/socket.h>

enum {
	SPAN_TRACE_ID = 1,
	SPAN_ID = 2,
	SPAN_PARENT = 4,
	SPAN_NAME = 5,
	SPAN_KIND = 6,
	SPAN_START = 7,
	SPAN_END = 8,
	SPAN_ATTRIBUTES = 9,
	SPAN_LINKS = 13,
	SPAN_STATUS = 15,
	SPAN_FLAGS = 16,
};
enum {
	LINK_TRACE_ID = 1,
	LINK_SPAN_ID = 2,
	LINK_FLAGS = 6
};
enum {
	STATUS_CODE = 3,
	STATUS_CODE_ERROR = 2
};
enum {
	KIND_INTERNAL = 1,
	KIND_SERVER = 2,
	KIND_CLIENT = 3
};

#define FLAGS_MAX 16

static const struct fact *fact_of(const struct exchange *exchange, const char *name)
{
	const struct message *messages[] = { exchange->request, exchange->response };

	for (size_t i = 0; i < 2; i++) {
		const struct fact *fact =
			messages[i] ? fact_find(messages[i]->facts, slice_of_string(name)) : NULL;

		if (fact && fact->kind == FACT_TEXT)
			return fact;
	}
	return NULL;
}

/* --- name --------------------------------------------------------------------------------------- */

static void put_fact(struct buffer *out, const struct fact *fact, const struct redact *redact,
		     struct buffer *scratch)
{
	struct slice text = fact->cut ? escape_utf8_trim(fact->text) : fact->text;

	text = fact_text_shown(redact, fact->name, text, scratch);
	buffer_put(out, text.data, text.len);
}

/* As few of them as there are kinds of calls: never an id of the path. */
static void name_put(struct buffer *out, const struct otlp_span *span, const struct redact *redact,
		     struct buffer *scratch)
{
	static const struct {
		const char *facts[2];
		const char *between;
	} rows[] = {
		{ { "rpc.service", "rpc.method" }, "/" },
		{ { "gen_ai.operation.name", "gen_ai.request.model" }, " " },
		{ { "hark.operation", NULL }, "" },
		{ { "db.query.summary", NULL }, "" },
	};
	struct slice route = slice_of_string(span->route);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fact *first = fact_of(span->exchange, rows[i].facts[0]);
		const struct fact *second =
			rows[i].facts[1] ? fact_of(span->exchange, rows[i].facts[1]) : first;

		if (!first || !second)
			continue;
		put_fact(out, first, redact, scratch);
		buffer_string(out, rows[i].between);
		if (second != first)
			put_fact(out, second, redact, scratch);
		return;
	}
	buffer_string(out,
		      span->known && span->known->method.data ? metrics_method(span->known->method) : "HTTP");
	if (!route.len)
		return;
	route = redact_target(redact, route, scratch);
	buffer_char(out, ' ');
	buffer_put(out, route.data, route.len);
}

/* --- attributes ----------------------------------------------------------------------------------- */

static void put_address(struct otlp_attributes *to, const char *name, const struct event_socket *sock,
			const uint8_t address[16], struct buffer *scratch)
{
	buffer_clear(scratch);
	address_put(scratch, sock, address);
	otlp_observed(to, name, slice_of(scratch->data, scratch->len));
}

static void put_sides(struct otlp_attributes *to, const struct otlp_span *span, struct buffer *scratch)
{
	const struct conn_facts *conn = span->exchange->conn;
	const struct event_socket *sock = &conn->sock;
	const struct url *url = span->known ? &span->known->url : NULL;
	bool sides = conn->role != ROLE_UNKNOWN && address_known(sock), client = conn->role == ROLE_CLIENT;

	if (url && url->host.data)
		otlp_observed(to, "server.address", url->host);
	else if (sides)
		put_address(to, "server.address", sock, client ? sock->peer : sock->local, scratch);
	if (url && url->port_known)
		otlp_number(to, "server.port", url->port);
	else if (sides)
		otlp_number(to, "server.port", client ? sock->peer_port : sock->local_port);
	if (sides && !client) {
		put_address(to, "client.address", sock, sock->peer, scratch);
		otlp_number(to, "client.port", sock->peer_port);
	}
	if (address_known(sock)) {
		put_address(to, "network.peer.address", sock, sock->peer, scratch);
		otlp_number(to, "network.peer.port", sock->peer_port);
	}
	otlp_text(to, "network.transport", sock->family == AF_UNIX ? "unix" : "tcp");
}

/* The whole URL, where all of its parts are known. */
static void put_full(struct otlp_attributes *to, const struct otlp_span *span, const struct redact *redact,
		     struct buffer *scratch)
{
	const struct url *url = &span->known->url;
	struct slice scheme = exchange_scheme(span->exchange), part;
	struct buffer full = { .data = NULL };

	if (!scheme.data || !url->authority.data || !url->path.data)
		return;
	buffer_put(&full, scheme.data, scheme.len);
	buffer_string(&full, "://");
	buffer_put(&full, url->authority.data, url->authority.len);
	part = redact_target(redact, url->path, scratch);
	buffer_put(&full, part.data, part.len);
	if (url->query.data) {
		buffer_char(&full, '?');
		part = redact_target(redact, url->query, scratch);
		buffer_put(&full, part.data, part.len);
	}
	if (!full.failed)
		otlp_observed(to, "url.full", slice_of(full.data, full.len));
	buffer_fini(&full);
}

static void put_request(struct otlp_attributes *to, const struct otlp_span *span, const struct redact *redact,
			struct buffer *scratch)
{
	const struct known_request *known = span->known;
	const char *method = known->method.data ? metrics_method(known->method) : NULL;

	if (method)
		otlp_text(to, "http.request.method", method);
	if (method && !slice_equal(known->method, slice_of_string(method)))
		otlp_observed(to, "http.request.method_original", known->method);
	otlp_observed(to, "url.scheme", exchange_scheme(span->exchange));
	if (known->url.path.data)
		otlp_observed(to, "url.path", redact_target(redact, known->url.path, scratch));
	if (known->url.query.data)
		otlp_observed(to, "url.query", redact_target(redact, known->url.query, scratch));
	if (span->route)
		otlp_observed(to, span->exchange->conn->role == ROLE_CLIENT ? "url.template" : "http.route",
			      redact_target(redact, slice_of_string(span->route), scratch));
	if (span->exchange->conn->role == ROLE_CLIENT)
		put_full(to, span, redact, scratch);
	if (span->exchange->request->body_known)
		otlp_number(to, "http.request.body.size", (int64_t)span->exchange->request->body_bytes);
}

static void put_response(struct otlp_attributes *to, const struct message *response)
{
	if (response->status)
		otlp_number(to, "http.response.status_code", response->status);
	if (response->body_known)
		otlp_number(to, "http.response.body.size", (int64_t)response->body_bytes);
}

static void put_outcome(struct otlp_attributes *to, const struct otlp_span *span)
{
	char name[64];
	int outcome;

	if (!span->content || !span->content->outcome)
		return;
	otlp_text(to, "rpc.system", span->content->name);
	outcome = exchange_outcome_of(span->exchange, span->content);
	if (outcome < 0)
		return;
	snprintf(name, sizeof(name), "rpc.%s.status_code", span->content->name);
	otlp_number(to, name, outcome);
}

struct flag_names {
	const char *names[FLAGS_MAX];
	size_t count;
};

static void flag_take(void *ctx, const char *name)
{
	struct flag_names *flags = ctx;

	if (flags->count < FLAGS_MAX)
		flags->names[flags->count++] = name;
}

/* What only hark knows. */
static void put_own(struct otlp_attributes *to, const struct exchange *exchange)
{
	const struct conn_facts *conn = exchange->conn;
	struct flag_names flags = { .count = 0 };

	otlp_number(to, "hark.connection", (int64_t)conn->id);
	if (exchange->key)
		otlp_number(to, "hark.stream",
			    (int64_t)message_stream(exchange_version(exchange), exchange->key));
	if (conn->tls || !conn->tls_unknown)
		otlp_bool(to, "tls", conn->tls);
	if (conn->tls_library)
		otlp_text(to, "tls.library", conn->tls_library);
	if (exchange->ttfb_known)
		otlp_double(to, "hark.ttfb_ms", (double)exchange->ttfb_ns / 1e6);
	exchange_flags_each(exchange->flags, flag_take, &flags);
	if (flags.count)
		otlp_texts(to, "hark.flags", flags.names, flags.count);
}

static void put_process(struct otlp_attributes *to, const struct mover *mover)
{
	if (mover_pid_shown(mover->pid))
		otlp_number(to, "thread.id", mover->tid);
	if (mover->comm[0])
		otlp_observed(to, "thread.name",
			      slice_of(mover->comm, strnlen(mover->comm, sizeof(mover->comm))));
}

static void put_attributes(struct buffer *out, const struct otlp_span *span, const struct redact *redact,
			   const char *error, struct buffer *scratch)
{
	const struct exchange *exchange = span->exchange;
	const char *version = message_version_name(exchange_version(exchange));
	const char *protocol = message_protocol_name(exchange_version(exchange));
	struct otlp_attributes to = { out, SPAN_ATTRIBUTES };

	if (span->known)
		put_request(&to, span, redact, scratch);
	if (exchange->response)
		put_response(&to, exchange->response);
	put_outcome(&to, span);
	put_sides(&to, span, scratch);
	if (protocol)
		otlp_text(&to, "network.protocol.name", protocol);
	if (version)
		otlp_text(&to, "network.protocol.version", version);
	if (error && !fact_of(exchange, "error.type"))
		otlp_text(&to, "error.type", error);
	put_process(&to, &exchange->mover);
	put_own(&to, exchange);
	if (exchange->request)
		otlp_facts(&to, exchange->request->facts, redact, scratch);
	if (exchange->response)
		otlp_facts(&to, exchange->response->facts, redact, scratch);
}

/* --- the span --------------------------------------------------------------------------------------- */

/* An exchange whose end is not known has lasted until the last byte that was seen of it. */
static uint64_t end_of(const struct exchange *exchange)
{
	const struct message *messages[] = { exchange->request, exchange->response };
	uint64_t end_ns = exchange->start_ns;

	if (exchange->duration_known)
		return exchange->start_ns + exchange->duration_ns;
	for (size_t i = 0; i < 2; i++)
		if (messages[i] && messages[i]->last_byte_ns > end_ns)
			end_ns = messages[i]->last_byte_ns;
	return end_ns;
}

static int kind_of(enum protocol_role role)
{
	return role == ROLE_SERVER ? KIND_SERVER : role == ROLE_CLIENT ? KIND_CLIENT : KIND_INTERNAL;
}

static void put_ids(struct buffer *out, const struct otlp_ids *ids)
{
	size_t link;

	protobuf_put_bytes(out, SPAN_TRACE_ID, slice_of(ids->trace, sizeof(ids->trace)));
	protobuf_put_bytes(out, SPAN_ID, slice_of(ids->span, sizeof(ids->span)));
	if (ids->has_parent)
		protobuf_put_bytes(out, SPAN_PARENT, slice_of(ids->parent, sizeof(ids->parent)));
	protobuf_put_fixed32(out, SPAN_FLAGS, ids->flags);
	if (!ids->has_link)
		return;
	link = protobuf_begin(out, SPAN_LINKS);
	protobuf_put_bytes(out, LINK_TRACE_ID, slice_of(ids->trace, sizeof(ids->trace)));
	protobuf_put_bytes(out, LINK_SPAN_ID, slice_of(ids->link, sizeof(ids->link)));
	protobuf_end(out, link);
}

void otlp_span_put(struct buffer *out, const struct otlp_span *span, const struct otlp_span_config *config,
		   struct buffer *scratch)
{
	const struct exchange *exchange = span->exchange;
	char text[EXCHANGE_ERROR_MAX];
	const char *error = exchange_error_type(exchange, span->content, text);
	uint64_t offset_ns = (uint64_t)config->wall_offset_ns; /* sums are modulo 2^64 */
	struct buffer name = { .data = NULL };
	size_t status;

	put_ids(out, &span->ids);
	name_put(&name, span, config->redact, scratch);
	otlp_put_text(out, SPAN_NAME, slice_of(name.data, name.len));
	buffer_fini(&name);
	protobuf_put_number(out, SPAN_KIND, (uint64_t)kind_of(exchange->conn->role));
	protobuf_put_fixed64(out, SPAN_START, exchange->start_ns + offset_ns);
	protobuf_put_fixed64(out, SPAN_END, end_of(exchange) + offset_ns);
	put_attributes(out, span, config->redact, error, scratch);
	if (!error && !fact_of(exchange, "error.type") && !exchange_error_code(exchange).data)
		return;
	status = protobuf_begin(out, SPAN_STATUS);
	protobuf_put_number(out, STATUS_CODE, STATUS_CODE_ERROR);
	protobuf_end(out, status);
}

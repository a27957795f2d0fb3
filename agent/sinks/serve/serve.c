/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink of hark serve: keeps the numbers, and has a server that is asked for them. The paths are one table
 * (serve_paths.c); what each answers with stands in a file of its own.
 *
 * Who looks is not looked at: the requests to this very server, which a client on this machine makes, are
 * left out (hark's own end is not observed anyway).
 */
#include "serve.h"

#include "base/clock.h"
#include "model/address.h"
#include "sinks/sinks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define TICK_NS		UINT64_C(1000000000)
#define EXCHANGES_MAX	10000 /* that are kept for /api and /events */
#define EXCHANGES_BYTES (64u << 20)
#define BODY_MAX	(64u << 10)

static int serve_init(struct sink *sink, const struct sink_config *config)
{
	sink->live = config->live;
	sink->metrics = metrics_new(&(struct metrics_config){
		.routes = config->stats->routes,
		.redact = config->redact,
		.budget = config->stats->budget,
		.series_max = config->serve->series_max,
		.wall_offset_ns = config->wall_offset_ns,
	});
	sink->secrets = redact_is_off(config->redact);
	sink->recent = recent_new(&(struct recent_config){
		.sink = config,
		.count_max = EXCHANGES_MAX,
		.bytes_max = EXCHANGES_BYTES,
		.redacted = true,
		.body_max = config->verbose >= 2 ? BODY_MAX : 0,
	});
	sink->stats = stats_new(&(struct stats_config){
		.by = BY_ENDPOINT,
		.budget = config->stats->budget,
		.routes = config->stats->routes,
	});
	json_init(&sink->writer, config);
	if (!sink->metrics || !sink->recent || !sink->stats)
		return -ENOMEM;
	sink->http = serve_http_new(&(struct serve_http_config){
		.loop = config->loop,
		.listen = config->serve->listen,
		.cert_path = config->serve->cert_path,
		.key_path = config->serve->key_path,
		.token_path = config->serve->token_path,
		.paths = serve_paths,
		.path_count = serve_path_count,
		.ctx = sink,
	});
	return sink->http ? 0 : -EIO;
}

static void serve_fini(struct sink *sink)
{
	serve_http_free(sink->http);
	metrics_free(sink->metrics);
	recent_free(sink->recent);
	stats_free(sink->stats);
	json_fini(&sink->writer);
}

/* --- what is shown ---------------------------------------------------------------------------- */

static bool is_own_server(const struct serve_address *bound, const struct event_socket *sock)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&bound->socket;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&bound->socket;
	sa_family_t family = bound->socket.ss_family;
	struct in6_addr own, peer;

	address_widen(own.s6_addr, family,
		      family == AF_INET ? (const uint8_t *)&four->sin_addr : six->sin6_addr.s6_addr);
	address_widen(peer.s6_addr, sock->family, sock->peer);
	if (IN6_ARE_ADDR_EQUAL(&own, &peer))
		return true;
	/* Of a server on all addresses: to one of this machine's own goes what comes from the same one. */
	address_widen(own.s6_addr, sock->family, sock->local);
	return IN6_ARE_ADDR_EQUAL(&own, &peer) ||
	       (address_is_ipv4(peer.s6_addr) ? peer.s6_addr[12] == IN_LOOPBACKNET
					      : IN6_IS_ADDR_LOOPBACK(&peer));
}

/* Is it a client's end of a connection to this server? */
static bool is_own(const struct sink *sink, const struct conn_facts *conn)
{
	const struct serve_address *bound = &serve_http_rules(sink->http)->bound;
	const struct event_socket *sock = &conn->sock;

	return sink->live && conn->role == ROLE_CLIENT && address_known(sock) &&
	       sock->peer_port == serve_address_port(bound) && is_own_server(bound, sock);
}

static void serve_exchange(struct sink *sink, const struct result *result)
{
	if (is_own(sink, result->conn))
		return;
	metrics_exchange(sink->metrics, result->exchange);
	if (exchange_counts(result->exchange))
		stats_exchange(sink->stats, result->exchange);
	recent_exchange(sink->recent, result->exchange);
	sink->news = true;
}

static void in_flight_begin(struct sink *sink)
{
	metrics_in_flight_begin(sink->metrics);
	stats_in_flight_begin(sink->stats);
}

static void serve_in_flight(struct sink *sink, const struct result *result)
{
	if (!sink->taking)
		in_flight_begin(sink);
	sink->taking = true;
	if (is_own(sink, result->conn))
		return;
	metrics_in_flight(sink->metrics, result->exchange);
	stats_in_flight(sink->stats, result->exchange);
}

static void serve_opened(struct sink *sink, const struct result *result)
{
	if (!is_own(sink, result->conn))
		recent_conn_opened(sink->recent, result->conn);
}

static void serve_closed(struct sink *sink, const struct result *result)
{
	if (is_own(sink, result->conn))
		return;
	metrics_conn_closed(sink->metrics, result->conn);
	recent_conn_closed(sink->recent, result->conn);
}

/* --- time ------------------------------------------------------------------------------------- */

/* What came in one poll is told at once. */
static void streams_wake(struct sink *sink)
{
	if (sink->news)
		serve_http_wake(sink->http);
	sink->news = false;
}

/* What is open is counted once a second. */
static bool serve_tick(struct sink *sink, uint64_t now_ns)
{
	sink->turned_ns = clock_ns();
	stats_tick(sink->stats, now_ns);
	streams_wake(sink);
	if (now_ns < sink->next_ns && sink->next_ns - now_ns <= TICK_NS)
		return false;
	sink->next_ns = now_ns + TICK_NS;
	return true;
}

static uint64_t serve_due_ns(const struct sink *sink)
{
	return sink->next_ns;
}

static void serve_draw(struct sink *sink, bool last)
{
	if (!sink->taking)
		in_flight_begin(sink);
	sink->taking = false;
	if (last)
		streams_wake(sink);
}

static void serve_ready(const struct sink *sink, struct buffer *text)
{
	const struct serve_rules *rules = serve_http_rules(sink->http);

	buffer_format(text, "serving %s://", rules->tls ? "https" : "http");
	serve_address_put(text, &rules->bound);
	buffer_char(text, '/');
}

const struct sink_ops serve_sink = {
	.format = "text",
	.view = VIEW_SERVE,
	.fields = SINK_FIELDS_ALWAYS,
	.bodies = true,
	.reads = { READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME },
	.stays = true,
	.listens = true,
	.size = sizeof(struct sink),
	.init = serve_init,
	.show = {
		[RESULT_EXCHANGE] = serve_exchange,
		[RESULT_IN_FLIGHT] = serve_in_flight,
		[RESULT_CONN_OPENED] = serve_opened,
		[RESULT_CONN_CLOSED] = serve_closed,
	},
	.tick = serve_tick,
	.due_ns = serve_due_ns,
	.draw = serve_draw,
	.ready = serve_ready,
	.fini = serve_fini,
};

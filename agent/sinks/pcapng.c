/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plaintext as packets of TCP that never were (pcapng): addresses, ports and times are the connection's, what
 * was in TLS stands in the segments as it is. Wireshark and tshark decode it; raw has every byte that was
 * seen, watch the connections with HTTP, and those with TLS.
 *
 * Wireshark knows HTTP/1 by its first line, on any port. HTTP/2 it knows by its port alone, or by what TLS
 * agreed on, which is not here. So before the first packet of such a connection stand one or two hints, on an
 * interface of their own: exported PDUs with the connection's addresses, for the heuristics that bind a
 * conversation to HTTP, and, where the preface is not in the file, HTTP/2 to it. raw has none: libpcap reads
 * files with one kind of link only.
 *
 * Of one connection whose two ends are on this machine the end is in the file that moved bytes first.
 */
#include "sinks.h"

#include "key_log.h"
#include "pcapng_block.h"
#include "pcapng_conns.h"
#include "detect.h"
#include "protocol.h"

#include "base/counters.h"
#include "base/escape.h"
#include "base/log.h"
#include "model/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TURN_BYTES (192u << 10) /* written before the turn is over, so that memory stays small */

enum {
	INTERFACE_PACKETS,
	INTERFACE_HINTS
};

struct sink {
	struct buffer blocks, comment;
	struct pcapng_conns conns;
	FILE *out;
	int64_t wall_offset_ns;
	bool keylog;
	bool everything; /* also what is neither HTTP nor TLS, and no hints */
	bool hints;	 /* their interface is in the file */
};

static int init(struct sink *sink, const struct sink_config *config, bool everything)
{
	struct slice hardware = { 0 }, os = { 0 };
	char system[sizeof(((struct utsname *)0)->release) + sizeof(((struct utsname *)0)->sysname)];
	struct utsname name;

	if (isatty(fileno(config->out))) {
		log_error("-o pcapng is for programs: give it a file (-o pcapng:FILE), or pipe it on (| "
			  "wireshark -k -i -)");
		return -EIO;
	}
	sink->out = config->out;
	sink->wall_offset_ns = config->wall_offset_ns;
	sink->everything = everything;
	sink->keylog = config->keylog;
	if (config->live && uname(&name) == 0) {
		snprintf(system, sizeof(system), "%s %s", name.sysname, name.release);
		hardware = slice_of_string(name.machine);
		os = slice_of_string(system);
	}
	pcapng_put_section(&sink->blocks, hardware, os, SLICE("hark " HARK_VERSION));
	pcapng_put_interface(&sink->blocks, PCAPNG_LINK_RAW, "hark",
			     "plaintext as programs gave and got it, in packets that hark made");
	if (sink->blocks.failed)
		return -ENOMEM;
	buffer_write(&sink->blocks, sink->out); /* counts its failures */
	return 0;
}

static int watch_pcapng_init(struct sink *sink, const struct sink_config *config)
{
	return init(sink, config, false);
}

static int raw_pcapng_init(struct sink *sink, const struct sink_config *config)
{
	return init(sink, config, true);
}

static void pcapng_fini(struct sink *sink)
{
	buffer_write(&sink->blocks, sink->out);
	buffer_fini(&sink->blocks);
	buffer_fini(&sink->comment);
	pcapng_conns_fini(&sink->conns);
}

static bool pcapng_tick(struct sink *sink, uint64_t now_ns)
{
	(void)now_ns;
	if (sink->blocks.len)
		buffer_write(&sink->blocks, sink->out);
	return false;
}

/* --- packets ----------------------------------------------------------------------------------- */

static void put_place(struct buffer *text, const char *what, struct slice name)
{
	if (!name.len)
		return;
	buffer_string(text, what);
	escape_text(text, name, true);
}

/* "curl[812], container web": what people filter by (frame.comment). */
static void comment_write(struct buffer *text, const struct mover *mover, const char *library)
{
	const struct container *container = mover->container;
	const char *program = mover->exe[0] ? mover->exe : mover->comm;
	size_t size = mover->exe[0] ? sizeof(mover->exe) : sizeof(mover->comm);

	buffer_clear(text);
	escape_text(text, slice_of(program, strnlen(program, size)), true);
	if (mover->pid && !(mover->pid & EVENT_PID_ELSEWHERE))
		buffer_format(text, "[%u]", mover->pid);
	if (container_is_engines(container_name(container, CONTAINER_ID)))
		put_place(text, ", container ",
			  container_name(container, CONTAINER_NAME).len
				  ? container_name(container, CONTAINER_NAME)
				  : container_name(container, CONTAINER_ID));
	put_place(text, ", pod ", container_name(container, CONTAINER_POD));
	put_place(text, ", namespace ", container_name(container, CONTAINER_NAMESPACE));
	put_place(text, ", unit ", container_name(container, CONTAINER_UNIT));
	if (library)
		put_place(text, ", TLS by ", slice_of_string(library));
}

static uint64_t wall_ns(const struct sink *sink, uint64_t event_ns)
{
	return event_ns + (uint64_t)sink->wall_offset_ns;
}

/* Whole blocks are written. Where memory was short those of this turn are dropped, which is counted. */
static void block_done(struct sink *sink)
{
	if (sink->blocks.len >= TURN_BYTES || sink->blocks.failed)
		buffer_write(&sink->blocks, sink->out);
}

/* One packet, of the side that sends in this direction. */
static void put_packet(struct sink *sink, const struct pcapng_conn *conn, enum event_direction direction,
		       uint64_t time_ns, unsigned int flags, uint32_t sequence, struct slice data)
{
	struct pcapng_packet packet =
		pcapng_packet_begin(&sink->blocks, INTERFACE_PACKETS, wall_ns(sink, time_ns));

	tcp_packet_put(&sink->blocks,
		       &(struct tcp_packet){
			       .from = &conn->end[direction],
			       .to = &conn->end[!direction],
			       .sequence = sequence,
			       .acknowledged = flags & TCP_ACK ? conn->side[!direction].next : 0,
			       .flags = flags,
			       .data = data,
		       });
	pcapng_packet_end(&sink->blocks, &packet,
			  direction == DIRECTION_SENT ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
			  slice_of(sink->comment.data, sink->comment.failed ? 0 : sink->comment.len));
	block_done(sink);
}

/* The three packets of an opening that was seen, with the times of both ends of connect. */
static void put_opening(struct sink *sink, const struct pcapng_conn *conn, const struct conn_facts *facts)
{
	enum event_direction asks = facts->role == ROLE_SERVER ? DIRECTION_RECEIVED : DIRECTION_SENT;
	uint64_t end_ns = facts->opened_ns;
	uint64_t start_ns = facts->connect_ns < end_ns ? end_ns - facts->connect_ns : end_ns;

	if (!facts->opened_ns || facts->role == ROLE_UNKNOWN || conn->side[0].begun || conn->side[1].begun)
		return;
	put_packet(sink, conn, asks, start_ns, TCP_SYN, 0, slice_of(NULL, 0));
	put_packet(sink, conn, !asks, end_ns, TCP_SYN | TCP_ACK, 0, slice_of(NULL, 0));
	put_packet(sink, conn, asks, end_ns, TCP_ACK, 1, slice_of(NULL, 0));
}

static void put_end(struct sink *sink, struct pcapng_conn *conn, enum event_direction direction,
		    uint64_t time_ns, unsigned int flag)
{
	struct pcapng_side *side = &conn->side[direction];

	if (side->finished)
		return;
	put_packet(sink, conn, direction, time_ns, flag | TCP_ACK, side->next, slice_of(NULL, 0));
	side->finished = true;
	side->next++;
}

/* --- hints ------------------------------------------------------------------------------------- */

enum pdu_tag { /* Wireshark's epan/exported_pdu.h */
	PDU_END = 0,
	PDU_HEURISTIC = 13,
	PDU_IPV4_FROM = 20,
	PDU_IPV4_TO = 21,
	PDU_IPV6_FROM = 22,
	PDU_IPV6_TO = 23,
	PDU_PORT_TYPE = 24,
	PDU_PORT_FROM = 25,
	PDU_PORT_TO = 26,
};

static void put_tag(struct buffer *out, enum pdu_tag tag, struct slice value)
{
	size_t padding = -value.len & 3;
	uint16_t head[2] = { htons((uint16_t)tag), htons((uint16_t)(value.len + padding)) };

	buffer_put(out, head, sizeof(head));
	buffer_put(out, value.data, value.len);
	buffer_put(out, "\0\0\0", padding);
}

static void put_tag_number(struct buffer *out, enum pdu_tag tag, uint32_t number)
{
	uint32_t wire = htonl(number);

	put_tag(out, tag, slice_of(&wire, sizeof(wire)));
}

static void put_hint(struct sink *sink, const struct pcapng_conn *conn, const struct call *call,
		     const char *heuristic, struct slice bytes)
{
	enum event_direction asks = call->conn->role == ROLE_SERVER ? DIRECTION_RECEIVED : DIRECTION_SENT;
	const struct tcp_endpoint *from = &conn->end[asks], *to = &conn->end[!asks];
	bool ipv4 = address_is_ipv4(from->address) && address_is_ipv4(to->address);
	size_t front = ipv4 ? 12 : 0;
	struct buffer *out = &sink->blocks;
	struct pcapng_packet packet = pcapng_packet_begin(out, INTERFACE_HINTS, wall_ns(sink, call->time_ns));

	put_tag(out, PDU_HEURISTIC, slice_of_string(heuristic));
	put_tag(out, ipv4 ? PDU_IPV4_FROM : PDU_IPV6_FROM, slice_of(from->address + front, 16 - front));
	put_tag(out, ipv4 ? PDU_IPV4_TO : PDU_IPV6_TO, slice_of(to->address + front, 16 - front));
	put_tag_number(out, PDU_PORT_TYPE, 2); /* TCP */
	put_tag_number(out, PDU_PORT_FROM, from->port);
	put_tag_number(out, PDU_PORT_TO, to->port);
	put_tag(out, PDU_END, slice_of(NULL, 0));
	buffer_put(out, bytes.data, bytes.len);
	pcapng_packet_end(out, &packet, 0, SLICE("hark tells Wireshark: this connection is HTTP/2"));
	block_done(sink);
}

/* A server may send its SETTINGS before anything else tells what the layer is. */
static bool is_http2(const struct call *call)
{
	enum detect_kind kind;

	if (call->protocol || !call->tls)
		return call->protocol && strcmp(call->protocol, "http2") == 0;
	kind = detect_first(call->bytes).kind;
	return kind == DETECT_HTTP2_PREFACE || kind == DETECT_HTTP2_FRAMES;
}

/* Their interface is in the file before any of them: out with it, for a turn may be lost when memory is
 * short. */
static bool hints_begin(struct sink *sink)
{
	if (sink->hints)
		return true;
	pcapng_put_interface(&sink->blocks, PCAPNG_LINK_PDU, "hark-hints",
			     "what Wireshark cannot know: which connections are HTTP/2");
	sink->hints = !sink->blocks.failed;
	buffer_write(&sink->blocks, sink->out);
	return sink->hints;
}

/* Before the packet that is the first of which is known that the connection is HTTP/2. */
static void put_hints(struct sink *sink, struct pcapng_conn *conn, const struct call *call)
{
	const struct slice preface = SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

	if (sink->everything || conn->hinted || !is_http2(call))
		return;
	conn->hinted = hints_begin(sink);
	if (!conn->hinted)
		return;
	/* A first line that is neither a request's nor an answer's. */
	put_hint(sink, conn, call, "http_tcp", SLICE("hark: HTTP/1.1\r\n"));
	if (call->bytes.len < preface.len || memcmp(call->bytes.data, preface.data, preface.len) != 0)
		put_hint(sink, conn, call, "http2_tcp", preface);
}

/* --- calls, connections ------------------------------------------------------------------------ */

/* Which end of the connection is shown is decided once, by what moves first. */
static bool is_shown(struct sink *sink, struct pcapng_conn *conn, const struct call *call)
{
	const struct pcapng_conn *other;

	if (conn->state != PCAPNG_FRESH)
		return conn->state == PCAPNG_SHOWN;
	if (!sink->everything && !call->protocol && !call->tls)
		return false;
	other = call->peer ? pcapng_conns_find(&sink->conns, call->peer->id) : NULL;
	if (other && other->state == PCAPNG_SHOWN) {
		conn->state = PCAPNG_LEFT_OUT;
		counter_add(COUNTER_PCAPNG_OTHER_ENDS, 1);
		return false;
	}
	put_opening(sink, conn, call->conn);
	conn->state = PCAPNG_SHOWN;
	return true;
}

static void put_data(struct sink *sink, struct pcapng_conn *conn, const struct call *call)
{
	struct pcapng_side *side = &conn->side[call->direction];
	uint32_t number = pcapng_conn_number(conn, call);
	struct slice rest = call->bytes;

	while (rest.len) {
		struct slice data = slice_take(rest, TCP_PACKET_DATA_MAX);

		rest = slice_drop(rest, data.len);
		put_packet(sink, conn, call->direction, call->time_ns, TCP_ACK | (rest.len ? 0 : TCP_PSH),
			   number, data);
		number += (uint32_t)data.len;
		side->next = number;
	}
	side->next = number + (uint32_t)(call->len - call->bytes.len);
}

static void pcapng_call(struct sink *sink, const struct result *result)
{
	const struct call *call = result->call;
	struct pcapng_conn *conn;

	if (call->conn->sock.protocol == IPPROTO_UDP) {
		counter_add(COUNTER_PCAPNG_QUIC, 1);
		return;
	}
	conn = pcapng_conns_get(&sink->conns, call->conn);
	if (!conn)
		return;
	comment_write(&sink->comment, &call->mover, call->tls ? call->conn->tls_library : NULL);
	if (!is_shown(sink, conn, call))
		return;
	put_hints(sink, conn, call);
	if (call->end)
		put_end(sink, conn, call->direction, call->time_ns, TCP_FIN);
	else if (!call->reset)
		put_data(sink, conn, call);
}

static void pcapng_closed(struct sink *sink, const struct result *result)
{
	const struct conn_facts *facts = result->conn;
	struct pcapng_conn *conn = pcapng_conns_find(&sink->conns, facts->id);
	enum event_direction first = facts->closed_by == CLOSED_PEER ? DIRECTION_RECEIVED : DIRECTION_SENT;

	if (!conn)
		return;
	if (conn->state == PCAPNG_SHOWN && facts->closed_ns && !(facts->flags & FLAG_IN_FLIGHT)) {
		comment_write(&sink->comment, &facts->owner, NULL);
		if (facts->flags & FLAG_RESET) {
			put_end(sink, conn, first, facts->closed_ns, TCP_RST);
		} else {
			put_end(sink, conn, first, facts->closed_ns, TCP_FIN);
			put_end(sink, conn, !first, facts->closed_ns, TCP_FIN);
		}
	}
	pcapng_conns_remove(&sink->conns, conn);
}

/* For a capture of the ciphertext that is merged with this file. */
static void pcapng_secret(struct sink *sink, const struct result *result)
{
	buffer_clear(&sink->comment);
	if (!sink->keylog || !key_log_put(&sink->comment, result->secret) || sink->comment.failed)
		return;
	pcapng_put_key_log(&sink->blocks, slice_of(sink->comment.data, sink->comment.len));
	block_done(sink);
}

#define PCAPNG_SINK                                                                                \
	.format = "pcapng", .size = sizeof(struct sink), .fini = pcapng_fini, .tick = pcapng_tick, \
	.show = { [RESULT_CALL] = pcapng_call,                                                     \
		  [RESULT_CONN_CLOSED] = pcapng_closed,                                            \
		  [RESULT_SECRET] = pcapng_secret }

const struct sink_ops watch_pcap_sink = { PCAPNG_SINK, .view = VIEW_WATCH, .init = watch_pcapng_init };
const struct sink_ops raw_pcap_sink = { PCAPNG_SINK, .view = VIEW_RAW, .init = raw_pcapng_init };

/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_times.h"

const char *const exchange_part_names[PART_COUNT] = {
	[PART_CONNECT] = "connect", [PART_TLS] = "TLS",	  [PART_IDLE] = "idle",
	[PART_SEND] = "send",	    [PART_WAIT] = "wait", [PART_RECEIVE] = "receive",
};

static void part_set(struct exchange_times *times, enum exchange_part part, uint64_t ns)
{
	times->ns[part] = ns;
	times->known |= 1u << part;
}

/* The parts before the request. The handshake lies somewhere between opened_ns and the request. */
static void times_before(struct exchange_times *times, const struct exchange *exchange)
{
	const struct conn_facts *conn = exchange->conn;
	uint64_t open_ns;

	if (!exchange->opening || !conn)
		return;
	if (conn->handshake_ns)
		part_set(times, PART_TLS, conn->handshake_ns);
	if (conn->role != ROLE_CLIENT || !conn->connect_ns || !exchange->start_ns)
		return;
	part_set(times, PART_CONNECT, conn->connect_ns);
	/* TLS whose handshake was not seen took an unknown part of it; TCP fast open leaves none. */
	if ((conn->tls && !conn->handshake_ns) || conn->tls_unknown || exchange->start_ns < conn->opened_ns)
		return;
	open_ns = exchange->start_ns - conn->opened_ns;
	if (open_ns < conn->handshake_ns)
		return;
	part_set(times, PART_IDLE, open_ns - conn->handshake_ns);
	times->begin_ns = conn->opened_ns - conn->connect_ns;
}

static void times_after(struct exchange_times *times, const struct exchange *exchange)
{
	const struct message *request = exchange->request;
	uint64_t sent_ns;

	if (!exchange->ttfb_known)
		return;
	if (request && request->body_known && request->last_byte_ns >= exchange->start_ns) {
		sent_ns = request->last_byte_ns - exchange->start_ns;
		sent_ns = sent_ns < exchange->ttfb_ns ? sent_ns : exchange->ttfb_ns;
		part_set(times, PART_SEND, sent_ns);
		part_set(times, PART_WAIT, exchange->ttfb_ns - sent_ns);
	}
	if (exchange->duration_known && exchange->duration_ns >= exchange->ttfb_ns)
		part_set(times, PART_RECEIVE, exchange->duration_ns - exchange->ttfb_ns);
}

struct exchange_times exchange_times_of(const struct exchange *exchange)
{
	struct exchange_times times = { .begin_ns = exchange->start_ns };

	times_before(&times, exchange);
	times_after(&times, exchange);
	return times;
}

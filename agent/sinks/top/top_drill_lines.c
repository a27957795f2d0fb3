/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands above the slowest exchanges of a row: the programs and addresses that take part, those with the
 * most exchanges first, and how it connects. A program that makes a connection for each call pays for that
 * beside its exchanges, where no latency of theirs tells of it: that is said in words.
 */
#include "top.h"

#include "base/escape.h"
#include "stats/fresh.h"

#include <inttypes.h>
#include <stdlib.h>

static int compare_parties(const void *one, const void *other)
{
	const struct top_party *a = one, *b = other;

	return (a->count < b->count) - (a->count > b->count);
}

static void put_each(struct buffer *text, uint64_t total_ns, uint64_t count)
{
	line_put_latency(text, count ? total_ns / count : 0);
	buffer_string(text, " each");
}

static void put_party(struct sink *sink, const struct top_party *party, bool program)
{
	struct buffer *text = &sink->lines.text;
	const char *role = conn_facts_role_name(party->role);

	if (!program) {
		buffer_string(text, party->role == ROLE_SERVER ? "from " : "to ");
		if (party->sock.peer_port)
			address_put_endpoint(text, &party->sock, party->sock.peer, party->sock.peer_port);
		else if (address_known(&party->sock))
			address_put(text, &party->sock, party->sock.peer);
		else
			buffer_string(text, "unix");
		return;
	}
	buffer_format(text, "%s ", role ? role : "program");
	line_put_or_unknown(text, &sink->style,
			    slice_of(party->name[0] ? party->name : NULL, strlen(party->name)));
	if (mover_pid_shown(party->pid))
		buffer_format(text, "[%" PRIu32 "]", party->pid);
}

static void add_parties(struct sink *sink, const struct top_parties *parties, bool program, size_t most)
{
	struct top_parties sorted = *parties;
	struct buffer *text = &sink->lines.text;
	uint64_t others = parties->others;
	size_t start;

	qsort(sorted.items, sorted.count, sizeof(sorted.items[0]), compare_parties);
	for (size_t i = 0; i < sorted.count; i++) {
		const struct top_party *party = &sorted.items[i];

		if (i >= most) {
			others += party->count;
			continue;
		}
		start = text->len;
		put_party(sink, party, program);
		buffer_format(text, "  %" PRIu64 " exchanges", party->count);
		if (party->errors)
			buffer_format(text, "  %" PRIu64 " errors", party->errors);
		buffer_string(text, "  ");
		put_each(text, party->total_ns, party->count);
		top_lines_wrap(&sink->lines, start, (size_t)sink->screen.columns, 2, TOP_PLAIN);
	}
	if (!others)
		return;
	start = text->len;
	buffer_format(text, "%s  %" PRIu64 " exchanges", program ? "other programs" : "other addresses",
		      others);
	top_lines_add(&sink->lines, start, TOP_DIM);
}

/* Handshakes that nothing told of lie within the exchanges where a program writes its request before the end
 * of them. */
static void put_connecting(struct buffer *text, const struct top_drill *drill)
{
	uint64_t kept = drill->exchanges - drill->fresh;

	buffer_format(text, "new connections %" PRIu64 " in %" PRIu64 " exchanges", drill->fresh,
		      drill->exchanges);
	if (drill->fresh_tls)
		buffer_format(text, "  with TLS %" PRIu64, drill->fresh_tls);
	if (drill->connect_ns) {
		buffer_string(text, "  connect ");
		put_each(text, drill->connect_ns, drill->fresh);
	}
	if (drill->handshakes) {
		buffer_string(text, "  TLS handshake ");
		put_each(text, drill->handshake_ns, drill->handshakes);
	} else if (drill->fresh_tls) {
		buffer_string(text, "  TLS handshakes not seen apart");
	}
	if (drill->fresh && kept) {
		buffer_string(text, "  exchanges on them ");
		put_each(text, drill->fresh_ns, drill->fresh);
		buffer_string(text, "  on kept ones ");
		put_each(text, drill->total_ns - drill->fresh_ns, kept);
	}
}

static void add_connecting(struct sink *sink, const struct top_drill *drill)
{
	struct buffer *text = &sink->lines.text;
	uint64_t beside_ns = drill->connect_ns + drill->handshake_ns;
	bool often = drill->exchanges >= FRESH_FEW && drill->fresh * 2 > drill->exchanges;
	size_t start = text->len;

	if (!drill->exchanges)
		return;
	put_connecting(text, drill);
	top_lines_wrap(&sink->lines, start, (size_t)sink->screen.columns, 2, often ? TOP_CLIENT : TOP_PLAIN);
	if (!often)
		return;
	start = text->len;
	buffer_format(text, "a new %sconnection a call: nothing keeps it alive",
		      drill->fresh_tls ? "TLS " : "");
	if (beside_ns && drill->handshakes >= drill->fresh_tls) {
		buffer_string(text, "  connecting took ");
		line_put_latency(text, beside_ns);
		buffer_string(text, " beside ");
		line_put_latency(text, drill->total_ns);
		buffer_string(text, " of exchanges");
	}
	top_lines_wrap(&sink->lines, start, (size_t)sink->screen.columns, 2, TOP_CLIENT);
}

void top_drill_lines(struct sink *sink, const struct top_drill *drill)
{
	size_t most = sink->screen.rows >= 40 ? TOP_PARTIES_MAX : 3;

	top_lines_clear(&sink->lines);
	if (!drill)
		return;
	add_connecting(sink, drill);
	add_parties(sink, &drill->programs, true, most);
	add_parties(sink, &drill->addresses, false, most);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange: what it was, its headers, and where it lies among the others
 * of its connection. The axis of the waterfall is as long as the exchange and
 * those that overlap with it: what waited for what can be seen, also on a
 * connection that lives for days.
 */
#include "top.h"

#include "base/escape.h"

#include <inttypes.h>
#include <stdlib.h>

#define BARS_MAX (TOP_BARS_MAX * 2 + 1)

/* The line written to sink->lines.text since `start`. */
static void lines_wrap(struct sink *sink, size_t start, enum top_style style)
{
	top_lines_wrap(&sink->lines, start, (size_t)sink->screen.columns, 0, style);
}

static void put_part(struct buffer *text, const char *label, void (*put)(struct buffer *text, uint64_t value),
		     uint64_t value)
{
	buffer_string(text, label);
	put(text, value);
}

static void add_outcome(struct sink *sink, const struct exchange *exchange)
{
	struct buffer *text = &sink->lines.text;
	size_t start = text->len;

	if (exchange->response && exchange->response->status > 0)
		buffer_format(text, "%d", exchange->response->status);
	else
		buffer_string(text, exchange->pending ? "no answer yet" : "no status seen");
	if (exchange->pending)
		put_part(text, "  waits for ", line_put_latency, exchange->waited_ns);
	else if (exchange->duration_known)
		put_part(text, "  took ", line_put_latency, exchange->duration_ns);
	if (exchange->ttfb_known)
		put_part(text, "  first byte after ", line_put_latency, exchange->ttfb_ns);
	if (exchange->split_known) {
		put_part(text, "  server ", line_put_latency, exchange->server_ns);
		put_part(text, "  network ", line_put_latency, exchange->network_ns);
	}
	if (exchange->request && exchange->request->body_bytes)
		put_part(text, "  in ", line_put_size, exchange->request->body_bytes);
	if (exchange->response)
		put_part(text, "  out ", line_put_size, exchange->response->body_bytes);
	if (exchange->flags) {
		buffer_string(text, "  ");
		line_put_flags(text, &sink->style, exchange->flags, exchange_error_name(exchange));
	}
	lines_wrap(sink, start, top_style_of_status(exchange->response ? exchange->response->status : 0));
}

static void add_where(struct sink *sink, uint64_t time_ns, const struct mover *mover,
		      const struct conn_facts *facts, const uint64_t *stream)
{
	struct buffer *text = &sink->lines.text;
	size_t start = text->len;

	if (time_ns)
		wall_clock_local(text, &sink->style.clock, time_ns);
	buffer_char(text, ' ');
	line_put_program(text, &sink->style, mover);
	buffer_string(text, conn_facts_role_name(facts->role) ? "  " : "");
	buffer_string(text, conn_facts_role_name(facts->role) ? conn_facts_role_name(facts->role) : "");
	buffer_string(text, "  ");
	address_put_endpoint(text, &facts->sock, facts->sock.local, facts->sock.local_port);
	buffer_string(text, " - ");
	address_put_endpoint(text, &facts->sock, facts->sock.peer, facts->sock.peer_port);
	buffer_string(text, "  ");
	line_put_number(text, facts);
	if (stream)
		buffer_format(text, "  stream %" PRIu64, *stream);
	if (facts->tls)
		buffer_format(text, "  TLS%s%s", facts->tls_library ? " by " : "",
			      facts->tls_library ? facts->tls_library : "");
	lines_wrap(sink, start, TOP_PLAIN);
}

static void add_fields(struct sink *sink, const char *mark, const struct header_list *list)
{
	struct buffer *text = &sink->lines.text;

	for (size_t i = 0; i < list->count; i++) {
		size_t start = text->len;

		line_put_field(text, &sink->style, mark, &list->items[i]);
		if (text->len > start && text->data[text->len - 1] == '\n')
			text->len--;
		lines_wrap(sink, start, TOP_PLAIN);
	}
}

static void add_headers(struct sink *sink, const struct exchange *exchange)
{
	top_lines_string(&sink->lines, "", TOP_PLAIN);
	if (exchange->request) {
		add_fields(sink, "> ", &exchange->request->headers);
		add_fields(sink, ">+ ", &exchange->request->trailers);
	}
	if (exchange->response) {
		add_fields(sink, "< ", &exchange->response->headers);
		add_fields(sink, "<+ ", &exchange->response->trailers);
	}
}

/* --- the waterfall -------------------------------------------------------------------- */

struct waterfall {
	struct top_bar bars[BARS_MAX];
	size_t count;
	uint64_t chosen; /* serial; 0: none */
	uint64_t now_ns;
};

static int compare_bars(const void *one, const void *other)
{
	const struct top_bar *a = one, *b = other;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static void bars_gather(struct waterfall *fall, const struct sink *sink, const struct top_conn *conn,
			const struct top_record *chosen)
{
	bool found = false;

	for (size_t i = 0; i < conn->bar_count; i++) {
		fall->bars[fall->count] = *top_conn_bar(conn, i);
		found |= chosen && fall->bars[fall->count].serial == chosen->serial;
		fall->count++;
	}
	for (size_t i = 0; i < sink->open_count && fall->count < BARS_MAX - 1; i++) {
		if (sink->open[i]->conn != conn)
			continue;
		found |= chosen && sink->open[i]->serial == chosen->serial;
		top_bar_of(&fall->bars[fall->count++], &sink->open[i]->exchange, sink->open[i]->serial);
	}
	if (chosen && !found)
		top_bar_of(&fall->bars[fall->count++], &chosen->exchange, chosen->serial);
	qsort(fall->bars, fall->count, sizeof(fall->bars[0]), compare_bars);
}

static uint64_t bar_end(const struct waterfall *fall, const struct top_bar *bar)
{
	if (bar->ends_ns[PART_RECEIVE])
		return bar->ends_ns[PART_RECEIVE];
	if (bar->pending && fall->now_ns > bar->start_ns)
		return fall->now_ns;
	return bar->ends_ns[PART_WAIT] ? bar->ends_ns[PART_WAIT] : bar->start_ns;
}

/* All bars, or those that lie beside the chosen one. */
static void axis_find(struct top_lines *lines, const struct waterfall *fall)
{
	uint64_t from = UINT64_MAX, to = 0, chosen_from = 0, chosen_to = UINT64_MAX;

	for (size_t i = 0; i < fall->count; i++) {
		if (!fall->chosen || fall->bars[i].serial != fall->chosen)
			continue;
		chosen_from = fall->bars[i].start_ns;
		chosen_to = bar_end(fall, &fall->bars[i]);
	}
	for (size_t i = 0; i < fall->count; i++) {
		uint64_t end = bar_end(fall, &fall->bars[i]);

		if (end < chosen_from || fall->bars[i].start_ns > chosen_to)
			continue;
		from = fall->bars[i].start_ns < from ? fall->bars[i].start_ns : from;
		to = end > to ? end : to;
	}
	lines->from_ns = from;
	lines->to_ns = to > from ? to : from + 1;
}

static void add_bar(struct sink *sink, const struct waterfall *fall, const struct top_bar *bar)
{
	struct buffer *text = &sink->lines.text;
	size_t start = text->len;
	struct top_line *line;

	if (bar->key)
		buffer_format(text, "%4" PRIu32 " ", bar->key);
	if (bar->status)
		buffer_format(text, "%3d ", bar->status);
	else
		buffer_string(text, bar->pending ? "... " : "  ? ");
	escape_text(text, escape_utf8_trim(slice_of_string(bar->label)), sink->style.utf8);
	line = top_lines_add(&sink->lines, start, top_style_of_status(bar->status));
	if (!line)
		return;
	line->is_bar = true;
	line->chosen = fall->chosen == bar->serial;
	line->start_ns = bar->start_ns;
	memcpy(line->ends_ns, bar->ends_ns, sizeof(line->ends_ns));
	line->ends_ns[PART_RECEIVE] = bar_end(fall, bar);
}

/* What the bars are made of; waiting and answering always. */
static void put_legend(struct sink *sink, const struct waterfall *fall)
{
	bool known[PART_COUNT] = { [PART_WAIT] = true, [PART_RECEIVE] = true };

	for (size_t i = 0; i < fall->count; i++)
		for (int part = 0; part < PART_COUNT; part++)
			known[part] |= fall->bars[i].ends_ns[part] != 0;
	buffer_string(&sink->lines.text, " across,");
	for (enum exchange_part part = 0; part < PART_COUNT; part++)
		if (known[part])
			buffer_format(&sink->lines.text, " %s %s", top_bar_part(part, sink->style.utf8),
				      exchange_part_names[part]);
}

static void add_waterfall(struct sink *sink, const struct top_conn *conn, const struct top_record *chosen)
{
	struct waterfall fall = { .chosen = chosen ? chosen->serial : 0, .now_ns = sink->now_ns };
	struct top_lines *lines = &sink->lines;
	size_t start;

	bars_gather(&fall, sink, conn, chosen);
	top_lines_string(lines, "", TOP_PLAIN);
	if (fall.count == 0) {
		top_lines_string(lines, "No exchange was seen on it", TOP_DIM);
		return;
	}
	axis_find(lines, &fall);
	start = lines->text.len;
	buffer_string(&lines->text, "Connection ");
	line_put_number(&lines->text, &conn->facts);
	buffer_format(&lines->text, ", its last %zu: ", fall.count);
	line_put_latency(&lines->text, lines->to_ns - lines->from_ns);
	put_legend(sink, &fall);
	lines_wrap(sink, start, TOP_BOLD);
	for (size_t i = 0; i < fall.count; i++)
		add_bar(sink, &fall, &fall.bars[i]);
}

/* An exchange that was open when it was chosen may have gone on, or ended. */
static void record_follow(struct sink *sink)
{
	const struct exchange *exchange = &sink->record->exchange;

	for (size_t i = 0; i < sink->open_count + sink->kept.live_count; i++) {
		struct top_record *now =
			i < sink->open_count
				? sink->open[i]
				: top_live_at(&sink->kept, sink->open_count + sink->kept.live_count - 1 - i);

		if (now->exchange.start_ns != exchange->start_ns || now->exchange.key != exchange->key ||
		    now->exchange.conn->id != exchange->conn->id)
			continue;
		top_record_use(now);
		top_record_drop(&sink->kept, sink->record);
		sink->record = now;
		return;
	}
}

void top_exchange_lines(struct sink *sink)
{
	struct buffer *text = &sink->lines.text;
	const struct exchange *exchange;
	uint64_t stream;
	size_t start;

	if (sink->record->exchange.pending)
		record_follow(sink);
	exchange = &sink->record->exchange;
	top_lines_clear(&sink->lines);
	start = text->len;
	line_put_or_unknown(text, &sink->style,
			    exchange->request ? exchange->request->method : slice_of(NULL, 0));
	buffer_char(text, ' ');
	line_put_url(text, &sink->style, exchange->request);
	lines_wrap(sink, start, TOP_BOLD);
	add_outcome(sink, exchange);
	stream = exchange->key ? message_stream(exchange_version(exchange), exchange->key) : 0;
	add_where(sink, exchange->start_ns, &exchange->mover, exchange->conn, exchange->key ? &stream : NULL);
	start = text->len;
	if (line_put_times(text, exchange))
		lines_wrap(sink, start, TOP_PLAIN);
	add_headers(sink, exchange);
	add_waterfall(sink, sink->record->conn, sink->record);
}

void top_connection_lines(struct sink *sink)
{
	const struct top_conn *conn = sink->conn;
	const struct conn_facts *facts = &conn->facts;
	struct buffer *text = &sink->lines.text;
	size_t start;

	top_lines_clear(&sink->lines);
	add_where(sink, facts->opened_ns ? facts->opened_ns : facts->seen_ns, &facts->owner, facts, NULL);
	start = text->len;
	buffer_format(text, "%" PRIu64 " exchanges, %" PRIu64 " errors, ", conn->exchanges, conn->errors);
	line_put_size(text, facts->moved_bytes);
	buffer_string(text, " bytes");
	if (facts->connect_ns)
		put_part(text, ", connect ", line_put_latency, facts->connect_ns);
	if (facts->handshake_ns)
		put_part(text, ", TLS handshake ", line_put_latency, facts->handshake_ns);
	if (facts->flags) {
		buffer_char(text, ' ');
		line_put_flags(text, &sink->style, facts->flags, NULL);
	}
	lines_wrap(sink, start, TOP_PLAIN);
	start = text->len;
	if (facts->sni[0]) {
		buffer_string(text, "TLS name ");
		escape_text(text, slice_of_string(facts->sni), sink->style.utf8);
	}
	if (facts->muted)
		buffer_format(text, " not followed: %s", facts->muted);
	if (facts->opaque)
		buffer_format(text, " not readable: %s", facts->opaque);
	if (text->len > start)
		lines_wrap(sink, start, TOP_PLAIN);
	start = text->len;
	if (facts->lost_bytes) {
		put_part(text, "bytes lost: ", line_put_size, facts->lost_bytes);
		lines_wrap(sink, start, TOP_SERVER);
	}
	add_waterfall(sink, conn, NULL);
}

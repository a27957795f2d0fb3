/* SPDX-License-Identifier: Apache-2.0 */
#include "closing.h"

#include "base/buffer.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/losses.h"
#include "sinks/line_text.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const things[] = {
	[VIEW_WATCH] = "exchange", [VIEW_CONNS] = "connection", [VIEW_RAW] = "call",
	[VIEW_FRAMES] = "frame",   [VIEW_RECORD] = "event",	[VIEW_STAT] = "exchange",
	[VIEW_SQL] = "statement",  [VIEW_TOP] = "exchange",	[VIEW_TREE] = "exchange",
	[VIEW_SERVE] = "exchange", [VIEW_MCP] = "exchange",
};

static void put_amount(struct buffer *text, uint64_t count, const char *singular)
{
	if (count)
		buffer_u64(text, count);
	else
		buffer_string(text, "no");
	buffer_format(text, " %s%s", singular, count == 1 ? "" : "s");
}

/* Begins the next part of the line. */
static void put_next(struct buffer *text)
{
	if (text->len)
		buffer_string(text, "; ");
}

static void put_shown(struct buffer *text, const struct closing *closing)
{
	const struct tally *tally = &closing->tally;

	if (closing->view == VIEW_RECORD) {
		put_amount(text, counters[COUNTER_EVENTS_RECEIVED], things[closing->view]);
		buffer_string(text, " recorded");
		if (counters[COUNTER_RECORD_DROPPED])
			buffer_format(text, ", %" PRIu64 " bytes left out (%s)",
				      counters[COUNTER_RECORD_DROPPED], counter_name(COUNTER_RECORD_DROPPED));
		return;
	}
	put_amount(text, tally->shown, things[closing->view]);
	if (closing->filter && tally->seen > tally->shown)
		buffer_format(text, " of %" PRIu64, tally->seen);
	if (tally->failed)
		buffer_format(text, ", %" PRIu64 " failed", tally->failed);
	if (tally->slowest_ns) {
		buffer_string(text, ", slowest ");
		line_put_latency(text, tally->slowest_ns);
	}
}

static void put_unread(struct buffer *text)
{
	static const struct {
		enum counter counter;
		const char *names[2]; /* one, many */
	} kinds[] = {
		{ COUNTER_CONNECTIONS_OPAQUE, { "TLS connection", "TLS connections" } },
		{ COUNTER_TRANSFERS_UDP_443, { "datagram of UDP port 443", "datagrams of UDP port 443" } },
		{ COUNTER_TRANSFERS_IO_URING, { "io_uring transfer", "io_uring transfers" } },
		{ COUNTER_TRANSFERS_COMPAT,
		  { "transfer of a 32-bit program", "transfers of 32-bit programs" } },
	};
	bool first = true;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint64_t count = counters[kinds[i].counter];

		if (!count)
			continue;
		if (first)
			put_next(text);
		buffer_string(text, first ? "not read: " : ", ");
		first = false;
		buffer_u64(text, count);
		buffer_format(text, " %s", kinds[i].names[count > 1]);
	}
	if (!first)
		buffer_string(text, " (hark doctor)");
}

/* Exchanges and traffic that are not in the lines, and why. */
static void put_missing(struct buffer *text, const struct closing *closing)
{
	if (closing->tally.under_way) {
		put_next(text);
		buffer_format(text, "%" PRIu64 " begun before hark not shown (--all)",
			      closing->tally.under_way);
	}
	if (closing->tally.inner && closing->view == VIEW_CONNS) {
		put_next(text);
		buffer_format(text, "%" PRIu64 " Unix socket%s without HTTP not shown (--all)",
			      closing->tally.inner, closing->tally.inner == 1 ? "" : "s");
	}
	put_unread(text);
	if (counters[COUNTER_CONNECTIONS_CUT]) {
		put_next(text);
		put_amount(text, counters[COUNTER_CONNECTIONS_CUT], "TLS connection");
		buffer_string(text, " under way at the start or end");
	}
	put_next(text);
	if (losses_sum() == 0) {
		buffer_string(text, "nothing lost");
		losses_put_limits_met(text);
		return;
	}
	buffer_string(text, "lost: ");
	losses_put(text);
}

/* Did the filter let through nothing that the view shows? A recording is not asked: it holds events. */
static bool matched_nothing(const struct closing *closing)
{
	return closing->filter && closing->tally.shown == 0 && closing->view != VIEW_RECORD;
}

/* The filter matched nothing, and why, as far as it can be told: what is not known does not match. */
static void say_nothing_matched(const struct closing *closing)
{
	const char *key, *whole = filter_whole_text(closing->filter, &key);

	log_error("the filter matched none of %" PRIu64 " %ss", closing->tally.seen, things[closing->view]);
	if (closing->tally.partial)
		log_info("%" PRIu64 " of them have headers that hark cannot know: their connections are "
			 "older than hark, or bytes were lost",
			 closing->tally.partial);
	if (whole)
		log_info("%s:%s asks for the whole of it; a part is %s:'*%s*'", key, whole, key, whole);
}

void closing_say(const struct closing *closing)
{
	struct buffer text = { .data = NULL };
	const char *thing = things[closing->view];

	if (matched_nothing(closing) && closing->tally.seen)
		say_nothing_matched(closing);
	else if (matched_nothing(closing))
		log_error("the filter matched nothing: no %s was seen", thing);
	else if (!closing->tabled)
		put_shown(&text, closing);
	put_missing(&text, closing);
	log_info("%.*s", (int)text.len, text.data ? text.data : "");
	buffer_fini(&text);
	if (log_level >= LOG_NORMAL && (closing->detail || losses_sum()))
		counters_print(stderr);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /events: exchanges as they end, as server-sent events (HTML, 9.2). A stream holds no exchange: it has a
 * number, up to which it has told, and reads on in the store. Who reads too slowly finds that the next ones
 * are not kept any more; then an event says how many were missed. So a stream costs one event's memory, and
 * its reader cannot hold anything up.
 */
#include "base/clock.h"
#include "base/counters.h"
#include "serve.h"
#include "serve_ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_A_READ 200		       /* exchanges that a filter looks at before others get their turn, */
#define LOOK_NS	    UINT64_C(20000000) /* or for how long */

struct events {
	struct serve_stream stream; /* first */
	struct sink *sink;
	struct filter *filter; /* NULL: everything */
	uint64_t next;	       /* the number to be told next */
	int verbose;
	uint64_t spoke_ns;  /* when it said something last */
	struct buffer text; /* made and not read yet, from `at` on */
	size_t at;
};

/* What is missed is told before what follows it. */
static void put_missed(struct events *events, const struct recent_figures *figures)
{
	uint64_t missed = figures->first - events->next;

	counter_add(COUNTER_SERVE_MISSED, missed);
	buffer_format(&events->text, "event: missed\ndata: {\"missed\":%" PRIu64 "}\n\n", missed);
	events->next = figures->first;
}

/* The next event. False: there is none now. */
static bool event_make(struct events *events)
{
	struct recent_figures figures = recent_figures(events->sink->recent);
	uint64_t until_ns = events->filter ? clock_ns() + LOOK_NS : UINT64_MAX;

	buffer_clear(&events->text);
	events->at = 0;
	if (events->next < figures.first)
		put_missed(events, &figures);
	for (int looked = 0; !events->text.len && events->next <= figures.last && looked < LOOK_A_READ &&
			     clock_ns() < until_ns;
	     looked++) {
		const struct recent_item *item = recent_find(events->sink->recent, events->next++);

		if (!item || !filter_exchange(events->filter, &item->exchange))
			continue;
		buffer_format(&events->text, "id: %" PRIu64 "\nevent: exchange\ndata: ", item->number);
		serve_put_exchange(events->sink, item, events->verbose, &events->text);
		buffer_string(&events->text, "}\n\n");
	}
	if (!events->text.len && events->next <= figures.last)
		buffer_string(&events->text,
			      ":\n\n"); /* looked at many in vain: the turn is over, not the work */
	if (events->text.failed) {
		buffer_fini(&events->text);
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return false;
	}
	return events->text.len > 0;
}

static size_t events_read(struct serve_stream *stream, char *bytes, size_t size)
{
	struct events *events = (struct events *)stream;
	size_t len;

	if (events->at == events->text.len && !event_make(events)) {
		if (clock_ns() - events->spoke_ns < SERVE_ALIVE_NS / 2)
			return 0;
		buffer_string(&events->text, ":\n\n"); /* nothing but that it is alive */
	}
	events->spoke_ns = clock_ns();
	len = events->text.len - events->at;
	len = len < size ? len : size;
	memcpy(bytes, events->text.data + events->at, len);
	events->at += len;
	return len;
}

static void events_close(struct serve_stream *stream)
{
	struct events *events = (struct events *)stream;

	filter_free(events->filter);
	buffer_fini(&events->text);
	free(events);
}

/* Where a reader that was here before goes on: a number that the store had, or has. */
static uint64_t begin_of(const struct serve_request *request, const struct recent_figures *figures,
			 uint64_t from)
{
	uint64_t last;

	if (from)
		return from;
	if (slice_number(slice_of_string(serve_request_field(request, "Last-Event-ID")), &last) &&
	    last <= figures->last)
		return last + 1;
	return figures->last + 1;
}

void serve_answer_events(void *ctx, const struct serve_request *request, struct serve_answer *answer)
{
	struct sink *sink = ctx;
	struct recent_figures figures = recent_figures(sink->recent);
	uint64_t from = 0, verbose = 0;
	struct events *events;
	struct filter *filter;

	if (!serve_ask_number(request, answer, "from", 1, figures.last + 1, &from) ||
	    !serve_ask_number(request, answer, "verbose", 0, 2, &verbose) ||
	    !serve_ask_filter(request, answer, sink->secrets, &filter))
		return;
	events = calloc(1, sizeof(*events));
	if (!events) {
		filter_free(filter);
		serve_answer_words(answer, 503, "out of memory");
		return;
	}
	events->stream.read = events_read;
	events->stream.close = events_close;
	events->sink = sink;
	events->filter = filter;
	events->verbose = (int)verbose;
	events->spoke_ns = clock_ns();
	events->next = begin_of(request, &figures, from);
	buffer_format(
		&events->text,
		"retry: 2000\nevent: begin\ndata: {\"version\":\"%s\",\"source\":\"%s\",\"next\":%" PRIu64
		"}\n\n",
		HARK_VERSION, sink->live ? "live" : "recording", events->next);
	answer->stream = &events->stream;
}

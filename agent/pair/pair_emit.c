/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange leaves the pipeline: its times, its place in the counts. Clocks of two processors may differ a
 * little, so a response can seem to come before its request: such a time is 0, never negative
 * (docs/design.md, D10).
 */
#include "pair_emit.h"

#include "base/counters.h"

static uint64_t span_ns(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

#define OWN_LOSSES (FLAG_GAP | FLAG_LATE_JOINED | FLAG_TRUNCATED | FLAG_IN_FLIGHT | FLAG_TIMEOUT)

/* The connection's end ended it too, answered or not. */
static void exchange_close(const struct pair *pair, struct exchange *exchange)
{
	uint64_t closed_ns = pair->facts->closed_ns ? pair->facts->closed_ns : pair->pipeline->now_ns;

	if (!exchange->request || !exchange->request->first_byte_ns || exchange->pending ||
	    !(exchange->flags & FLAG_CLOSED) || exchange->flags & OWN_LOSSES)
		return;
	exchange->duration_known = true;
	exchange->duration_ns = span_ns(exchange->request->first_byte_ns, closed_ns);
}

/*
 * Where the order is in doubt, an exchange comes out as two: a request without an answer, and an answer
 * without a request. Which belong together is not known, so the second is counted with any first.
 */
static void exchange_split(struct pair *pair, struct exchange *exchange)
{
	bool request = exchange->request, response = exchange->response && exchange->response->status;

	if (exchange->key)
		return;
	if (request && response) {
		pair->shown_alone = 0;
	} else if (request && exchange->flags & (FLAG_GAP | FLAG_LATE_JOINED | FLAG_TRUNCATED)) {
		pair->shown_alone++;
	} else if (!request && response && pair->shown_alone) {
		pair->shown_alone--;
		exchange->split_answer = true;
	}
}

static void exchange_times(struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;

	exchange->start_ns = request ? request->first_byte_ns : response->first_byte_ns;
	if (!request || !response || !request->first_byte_ns)
		return;
	if (response->first_byte_ns) {
		exchange->ttfb_known = true;
		exchange->ttfb_ns = span_ns(request->first_byte_ns, response->first_byte_ns);
	}
	if (response->last_byte_ns && !exchange->pending &&
	    !(exchange->flags & (FLAG_IN_FLIGHT | FLAG_TIMEOUT | FLAG_TRUNCATED))) {
		exchange->duration_known = true;
		exchange->duration_ns = span_ns(request->first_byte_ns, response->last_byte_ns);
	}
}

/* An answer that is proven to be HTTP proves its request; one that was never seen proves nothing. */
static unsigned int exchange_doubt(const struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;

	if (response && response->status)
		return response->flags & FLAG_GUESS;
	return request ? request->flags & FLAG_GUESS : 0;
}

void pair_complete(struct pair *pair, struct exchange *exchange)
{
	exchange_times(exchange);
	exchange_close(pair, exchange);
	exchange->conn = pair->facts;
	exchange->flags = (exchange->flags & ~(unsigned int)FLAG_GUESS) | exchange_doubt(exchange);
}

void pair_emit(struct pair *pair, struct exchange *exchange)
{
	if (pair->truncated)
		exchange->flags = (exchange->flags & ~(unsigned int)FLAG_IN_FLIGHT) | FLAG_TRUNCATED;
	pair_complete(pair, exchange);
	exchange_split(pair, exchange);
	pair->facts->exchanges += !exchange->split_answer;
	counter_add(exchange->flags ? COUNTER_EXCHANGES_FLAGGED : COUNTER_EXCHANGES_WHOLE, 1);
	if (pair->pipeline->handler.exchange)
		pair->pipeline->handler.exchange(pair->pipeline->handler.ctx, exchange);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange leaves the pipeline: its times, its place in the counts. Clocks of two processors may differ a
 * little, so a response can seem to come before its request: such a time is 0, never negative
 * (docs/design.md, D10).
 *
 * A request that hangs, a long poll, an event stream: something is going on, and the user wants to know
 * before it is over. They are shown then by a view of the entry as it stands; nothing of it changes hands,
 * and no counter of exchanges moves.
 */
#include "pair_entry.h"

#include "base/counters.h"

struct exchange pair_entry_exchange(const struct pair_entry *entry)
{
	const struct pair_half *request = &entry->half[MESSAGE_REQUEST];
	const struct pair_half *response = &entry->half[MESSAGE_RESPONSE];
	struct exchange exchange = {
		.request = request->message,
		.response = response->message,
		.mover = request->message ? request->mover : response->mover,
		.key = entry->key,
		.flags = entry->flags,
		.opening = entry->opening,
		.answer_done = response->done,
		.error_known = entry->error_known,
		.error = entry->error,
		.interim_count = entry->interim_count,
	};

	if (entry->interim_count)
		memcpy(exchange.interims, entry->interims, sizeof(exchange.interims));
	if (exchange.request)
		exchange.flags |= exchange.request->flags;
	if (exchange.response)
		exchange.flags |= exchange.response->flags;
	return exchange;
}

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

/* A limit may have cut a message's fields or its body, and its end was seen all the same. */
static bool is_cut(const struct pair *pair, const struct exchange *exchange)
{
	if (exchange->flags & (FLAG_IN_FLIGHT | FLAG_TIMEOUT))
		return true;
	return exchange->flags & FLAG_TRUNCATED && (pair->truncated || !exchange->answer_done);
}

static void exchange_times(const struct pair *pair, struct exchange *exchange)
{
	const struct message *request = exchange->request, *response = exchange->response;

	exchange->start_ns = request ? request->first_byte_ns : response->first_byte_ns;
	if (!request || !response || !request->first_byte_ns)
		return;
	if (response->first_byte_ns) {
		exchange->ttfb_known = true;
		exchange->ttfb_ns = span_ns(request->first_byte_ns, response->first_byte_ns);
	}
	if (response->last_byte_ns && !exchange->pending && !is_cut(pair, exchange)) {
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

/* One that is pending has no duration. */
static void exchange_complete(struct pair *pair, struct exchange *exchange)
{
	exchange_times(pair, exchange);
	exchange_close(pair, exchange);
	exchange->conn = pair->facts;
	exchange->flags = (exchange->flags & ~(unsigned int)FLAG_GUESS) | exchange_doubt(exchange);
}

void pair_emit(struct pair *pair, struct exchange *exchange)
{
	if (pair->truncated)
		exchange->flags = (exchange->flags & ~(unsigned int)FLAG_IN_FLIGHT) | FLAG_TRUNCATED;
	if (exchange->flags & FLAG_IN_FLIGHT) /* the answer may still come */
		exchange->flags &= ~(unsigned int)FLAG_UNANSWERED;
	exchange_complete(pair, exchange);
	exchange_split(pair, exchange);
	pair->facts->exchanges += !exchange->split_answer;
	counter_add(exchange->flags ? COUNTER_EXCHANGES_FLAGGED : COUNTER_EXCHANGES_WHOLE, 1);
	if (pair->pipeline->handler.exchange)
		pair->pipeline->handler.exchange(pair->pipeline->handler.ctx, exchange);
}

/* --- before it is over ---------------------------------------------------------------------- */

static uint64_t waited_since(uint64_t now_ns, uint64_t then_ns)
{
	return then_ns ? span_ns(then_ns, now_ns) : 0;
}

static struct exchange entry_view(struct pair *pair, const struct pair_entry *entry, uint64_t waited_ns)
{
	struct exchange exchange = pair_entry_exchange(entry);

	exchange.pending = true;
	exchange.waited_ns = waited_ns;
	exchange_complete(pair, &exchange);
	return exchange;
}

struct exchange pair_entry_view(struct pair *pair, const struct pair_entry *entry)
{
	const struct message *request = entry->half[MESSAGE_REQUEST].message;

	return entry_view(pair, entry,
			  waited_since(pair->pipeline->now_ns, request ? request->first_byte_ns : 0));
}

static void entry_tell(struct pair *pair, const struct pair_entry *entry, uint64_t waited_ns)
{
	struct exchange exchange = entry_view(pair, entry, waited_ns);
	struct result result = result_of_exchange(RESULT_PENDING, &exchange);

	pipeline_tell(pair->pipeline, &result);
}

void pair_each_open(struct pair *pair, void (*fn)(void *ctx, const struct exchange *exchange), void *ctx)
{
	struct pair_entry *entry;

	DL_FOREACH (pair->entries, entry) {
		const struct message *request = entry->half[MESSAGE_REQUEST].message;
		struct exchange exchange;

		if (entry->shown || !request)
			continue;
		exchange =
			entry_view(pair, entry, waited_since(pair->pipeline->now_ns, request->first_byte_ns));
		fn(ctx, &exchange);
	}
}

/* How long the exchange takes already, if that is worth a line; else 0. */
static uint64_t entry_due(const struct pair *pair, struct pair_entry *entry)
{
	const struct message *request = entry->half[MESSAGE_REQUEST].message;
	const struct message *response = entry->half[MESSAGE_RESPONSE].message;
	uint64_t now_ns = pair->pipeline->now_ns, limit_ns = pair->pipeline->config.pending_ns;
	uint64_t waited_ns;

	if (entry->shown || !request || (response && entry->half[MESSAGE_RESPONSE].done))
		return 0;
	waited_ns = waited_since(now_ns, request->first_byte_ns);
	if (waited_ns < limit_ns)
		return 0;
	if (!response && !entry->waiting_told) {
		entry->waiting_told = true;
		return waited_ns;
	}
	if (response && !entry->moving_told && waited_since(now_ns, response->first_byte_ns) >= limit_ns) {
		entry->moving_told = true;
		return waited_ns;
	}
	return 0;
}

void pair_tell_pending(struct pair *pair)
{
	struct pair_entry *entry;

	DL_FOREACH (pair->entries, entry) {
		uint64_t waited_ns = entry_due(pair, entry);

		if (waited_ns)
			entry_tell(pair, entry, waited_ns);
	}
}

uint64_t pair_pending_due_ns(const struct pair *pair)
{
	uint64_t first_ns = UINT64_MAX;
	const struct pair_entry *entry;

	DL_FOREACH (pair->entries, entry) {
		const struct message *request = entry->half[MESSAGE_REQUEST].message;
		const struct message *response = entry->half[MESSAGE_RESPONSE].message;
		const struct message *since = response ? response : request;

		if (entry->shown || !request || (response && entry->half[MESSAGE_RESPONSE].done))
			continue;
		if (response ? entry->moving_told : entry->waiting_told)
			continue;
		if (since->first_byte_ns < first_ns)
			first_ns = since->first_byte_ns;
	}
	return first_ns == UINT64_MAX ? first_ns : first_ns + pair->pipeline->config.pending_ns;
}

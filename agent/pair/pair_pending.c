/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that hangs, a long poll, an event stream: something is going on,
 * and the user wants to know before it is over. What is shown is a view of the
 * entry as it stands; nothing of it changes hands, and no counter of exchanges
 * moves.
 */
#include "pair_pending.h"

#include "base/counters.h"
#include "pair_emit.h"
#include "pair_entry.h"

void pair_watch(struct pair *pair)
{
	struct pair **list = pair->pipeline->watched;
	bool wanted = pair->open > 0;

	if (!list || wanted == pair->watched)
		return;
	pair->watched = wanted;
	if (wanted)
		DL_APPEND2(*list, pair, watch_prev, watch_next);
	else
		DL_DELETE2(*list, pair, watch_prev, watch_next);
}

static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
	return then_ns && now_ns > then_ns ? now_ns - then_ns : 0;
}

static struct exchange entry_view(struct pair *pair, const struct pair_entry *entry, uint64_t waited_ns)
{
	struct exchange exchange = {
		.request = entry->half[MESSAGE_REQUEST].message,
		.response = entry->half[MESSAGE_RESPONSE].message,
		.mover = pair_entry_mover(entry),
		.key = entry->key,
		.flags = entry->flags | entry->half[MESSAGE_REQUEST].message->flags,
		.pending = true,
		.waited_ns = waited_ns,
		.interim_count = entry->interim_count,
	};

	memcpy(exchange.interims, entry->interims, sizeof(exchange.interims));
	if (exchange.response)
		exchange.flags |= exchange.response->flags;
	pair_complete(pair, &exchange);
	return exchange;
}

static void entry_tell(struct pair *pair, const struct pair_entry *entry, uint64_t waited_ns)
{
	struct exchange exchange = entry_view(pair, entry, waited_ns);
	struct result result = result_of_exchange(RESULT_PENDING, &exchange);

	counter_add(COUNTER_EXCHANGES_PENDING, 1);
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
		exchange = entry_view(pair, entry, since(pair->pipeline->now_ns, request->first_byte_ns));
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
	waited_ns = since(now_ns, request->first_byte_ns);
	if (waited_ns < limit_ns)
		return 0;
	if (!response && !entry->waiting_told) {
		entry->waiting_told = true;
		return waited_ns;
	}
	if (response && !entry->moving_told && since(now_ns, response->first_byte_ns) >= limit_ns) {
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From two messages to one exchange.
 *
 * An entry opens at the first sign of a message and closes when both ended.
 * Between head and done a message is the decoder's, and only pointed to. An
 * exchange that must come out before that (expiry, limits) is emitted with
 * what is there and its entry stays behind as `shown`, so that what comes
 * later finds its place and is not taken for another exchange's.
 *
 * Invariants: entries are in order of their opening; for key 0 responses
 * answer requests in that order; each exchange is emitted once.
 */
#include "pair.h"

#include "base/counters.h"
#include "spares.h"
#include "pair_entry.h"
#include "pair_read.h"

void pair_init(struct pair *pair, const struct pipeline *pipeline, struct conn_facts *facts)
{
	*pair = (struct pair){ .pipeline = pipeline, .facts = facts };
}

/* After an entry opened or closed: the pair is in the pipeline's list while it has open ones. */
static void pair_watch(struct pair *pair)
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

static bool entry_requestless(const struct pair_entry *entry)
{
	return entry->key == 0 && !entry->half[MESSAGE_REQUEST].taken &&
	       entry->half[MESSAGE_RESPONSE].taken && !(entry->flags & FLAG_NO_REQUEST);
}

/* The memory that the entry holds changed. */
static void entry_weigh(struct pair *pair, struct pair_entry *entry)
{
	size_t bytes = sizeof(*entry) + entry->read_bytes;

	for (int i = 0; i < 2; i++)
		bytes += entry->half[i].done ? message_memory(entry->half[i].message) : 0;
	for (size_t i = 0; i < entry->interim_count; i++)
		bytes += message_memory(entry->interims[i]);
	pair->held_bytes += bytes - entry->held_bytes;
	entry->held_bytes = bytes;
}

/* The entry goes: what points to it moves on. */
static void entry_pass_over(struct pair *pair, struct pair_entry *entry)
{
	for (int i = 0; i < 2; i++) {
		if (pair->current[i] == entry)
			pair->current[i] = NULL;
		if (pair->vacant[i] == entry)
			pair->vacant[i] = entry->next;
	}
	if (pair->unshown == entry)
		pair->unshown = entry->next;
}

static void entry_unlist(struct pair *pair, struct pair_entry *entry)
{
	if (!entry->shown || !entry->key)
		entry_pass_over(pair, entry);
	if (entry->readings)
		pair_read_free(pair, entry);
	pair->held_bytes -= entry->held_bytes;
	if (entry->shown)
		pair->shown--;
	else
		pair->open--;
	if (entry_requestless(entry))
		pair->requestless--;
	if (entry->shown && entry->key)
		DL_DELETE(pair->behind, entry);
	else
		DL_DELETE(pair->entries, entry);
	if (entry->key)
		pair_keys_remove(&pair->by_key, entry);
	pair_watch(pair);
}

static void entry_free(const struct pair *pair, struct pair_entry *entry)
{
	for (int i = 0; i < 2; i++) {
		if (entry->half[i].done)
			message_free(entry->half[i].message);
	}
	for (size_t i = 0; i < entry->interim_count; i++)
		message_free(entry->interims[i]);
	spares_give(pair->pipeline->entries, entry);
}

static void entry_remove(struct pair *pair, struct pair_entry *entry)
{
	entry_unlist(pair, entry);
	entry_free(pair, entry);
}

void pair_fini(struct pair *pair)
{
	while (pair->entries)
		entry_remove(pair, pair->entries);
	while (pair->behind)
		entry_remove(pair, pair->behind);
	if (pair->aside)
		entry_free(pair, pair->aside);
	pair->aside = NULL;
	pair_watch(pair);
}

/* keepable: the entry goes away afterwards, and its messages may go elsewhere. */
static void entry_send(struct pair *pair, struct pair_entry *entry, unsigned int flags, bool keepable)
{
	struct exchange exchange = pair_entry_exchange(entry);

	exchange.keepable = keepable;
	exchange.flags |=
		flags | (exchange.request ? 0 : FLAG_NO_REQUEST) | (exchange.response ? 0 : FLAG_UNANSWERED);
	for (int i = 0; i < 2; i++) {
		const struct pair_half *half = &entry->half[i];

		if (half->message && !half->done)
			exchange.keepable = false; /* it is the decoder's */
		if (!half->message && entry->losses[i] != pair->losses[i].count)
			exchange.flags |= pair->losses[i].flags;
	}
	if (!exchange.request && !exchange.response)
		return;
	pair_emit(pair, &exchange);
	entry->half[MESSAGE_REQUEST].message = exchange.request;
	entry->half[MESSAGE_RESPONSE].message = exchange.response;
	entry->interim_count = exchange.interim_count;
}

static void entry_emit(struct pair *pair, struct pair_entry *entry, unsigned int flags)
{
	if (!entry->shown)
		entry_send(pair, entry, flags, true);
	entry_remove(pair, entry);
}

static struct pair_entry *oldest_shown(const struct pair *pair)
{
	struct pair_entry *entry;

	DL_FOREACH (pair->entries, entry)
		if (entry->shown)
			break;
	return entry;
}

/* Shows an exchange that has not ended and leaves a place for what may still come. */
static void entry_show(struct pair *pair, struct pair_entry *entry, unsigned int flags)
{
	entry_send(pair, entry, flags, false);
	if (entry->key) {
		entry_pass_over(pair, entry);
		DL_DELETE(pair->entries, entry);
		DL_APPEND(pair->behind, entry);
	}
	entry->shown = true;
	entry->response_shown = entry->half[MESSAGE_RESPONSE].taken;
	entry->flags |= flags;
	pair->open--;
	pair->shown++;
	pair_watch(pair);
	for (int i = 0; i < 2; i++) {
		if (!entry->half[i].done)
			continue;
		readings_leave(entry->readings, i);
		message_free(entry->half[i].message);
		entry->half[i].message = NULL;
	}
	entry_weigh(pair, entry);
	if (pair->shown > pair->pipeline->config.exchange_limit)
		entry_remove(pair, pair->behind ? pair->behind : oldest_shown(pair));
}

/* Makes room: the oldest comes out. A response that still waits for its request has all that will come. */
static void pair_shed(struct pair *pair)
{
	struct pair_entry *oldest;

	counter_add(COUNTER_LIMIT_EXCHANGES, 1);
	while (pair->unshown && pair->unshown->shown)
		pair->unshown = pair->unshown->next;
	oldest = pair->unshown;
	if (!oldest)
		return;
	if (oldest->half[MESSAGE_RESPONSE].done && !oldest->half[MESSAGE_REQUEST].taken)
		entry_emit(pair, oldest, 0);
	else
		entry_show(pair, oldest, FLAG_TRUNCATED);
}

static void entry_enlist(struct pair *pair, struct pair_entry *entry)
{
	if (entry->key)
		pair_keys_add(&pair->by_key, entry);
	DL_APPEND(pair->entries, entry);
	for (int i = 0; i < 2; i++)
		pair->vacant[i] = pair->vacant[i] ? pair->vacant[i] : entry;
	pair->unshown = pair->unshown ? pair->unshown : entry;
	entry_weigh(pair, entry);
	pair->open++;
	pair_watch(pair);
}

static struct pair_entry *entry_add(struct pair *pair, uint32_t key)
{
	struct pair_entry *entry;

	if (pair->open >= pair->pipeline->config.exchange_limit)
		pair_shed(pair);
	entry = spares_take(pair->pipeline->entries, sizeof(*entry));
	if (!entry)
		return NULL;
	*entry = (struct pair_entry){ .key = key, .poll = pair->pipeline->poll };
	for (int i = 0; i < 2; i++)
		entry->losses[i] = pair->losses[i].count;
	entry_enlist(pair, entry);
	return entry;
}

/* The entry that already points to this message. Of key 0 one message of each kind is under way at a time. */
static struct pair_entry *entry_of(const struct pair *pair, const struct message *message)
{
	struct pair_entry *entry =
		message->key ? pair_keys_find(&pair->by_key, message->key) : pair->current[message->kind];

	return entry && entry->half[message->kind].message == message ? entry : NULL;
}

/* Is this the entry whose other half the message of key 0 is? */
static bool entry_fits(const struct pair_entry *entry, const struct message *message)
{
	if (entry->half[message->kind].taken)
		return false;
	return message->kind == MESSAGE_RESPONSE || !(entry->flags & FLAG_NO_REQUEST);
}

static struct pair_entry *entry_place_in_order(struct pair *pair, const struct message *message)
{
	struct pair_entry **vacant = &pair->vacant[message->kind];

	if (message->kind == MESSAGE_REQUEST && !pair->requestless)
		return NULL;
	if (message->kind == MESSAGE_RESPONSE && message->flags & FLAG_NO_REQUEST)
		return NULL;
	while (*vacant && !entry_fits(*vacant, message))
		*vacant = (*vacant)->next;
	return *vacant;
}

static struct pair_entry *entry_place_by_key(struct pair *pair, const struct message *message)
{
	struct pair_entry *entry = pair_keys_find(&pair->by_key, message->key);

	if (!entry || !entry->half[message->kind].taken)
		return entry;
	/* A second message of a kind on one stream: the first exchange is all it will be. */
	entry_emit(pair, entry, 0);
	return NULL;
}

/* A message finds its entry, and stands in it afterwards. NULL: out of memory. */
static struct pair_entry *entry_place(struct pair *pair, struct message *message)
{
	struct pair_entry *entry = entry_of(pair, message);
	bool requestless;

	if (entry)
		return entry;
	entry = message->key ? entry_place_by_key(pair, message) : entry_place_in_order(pair, message);
	if (!entry)
		entry = entry_add(pair, message->key);
	if (!entry)
		return NULL;
	requestless = entry_requestless(entry);
	entry->half[message->kind].message = message;
	entry->half[message->kind].taken = true;
	entry->flags |= message->flags & FLAG_NO_REQUEST;
	pair->requestless += (size_t)entry_requestless(entry) - (size_t)requestless;
	return entry;
}

/* The entry of a message, with who moved it. NULL: out of memory. */
static struct pair_entry *entry_attach(struct pair *pair, struct message *message, const struct mover *mover)
{
	struct pair_entry *entry = entry_place(pair, message);

	if (entry && !entry->half[message->kind].mover.pid)
		entry->half[message->kind].mover = *mover;
	return entry;
}

void pair_head(struct pair *pair, struct message *message, const struct mover *mover)
{
	struct pair_entry *entry = entry_attach(pair, message, mover);

	if (!entry)
		return;
	entry->last_ns = pair->pipeline->now_ns;
	if (message->kind == MESSAGE_REQUEST && !pair->facts->asked) {
		pair->facts->asked = true;
		entry->opening = !pair->losses[MESSAGE_REQUEST].count;
	}
	if (!message->key)
		pair->current[message->kind] = entry;
	if (pair->pipeline->reading)
		pair_read_head(pair, entry, message);
}

void pair_interim(struct pair *pair, const struct message *message)
{
	struct pair_entry *entry = message->key ? pair_keys_find(&pair->by_key, message->key)
						: entry_place_in_order(pair, message);
	struct message *copy;

	/* The other direction's records may be behind, and a stream's number is its exchange's. */
	if (!entry && message->key)
		entry = entry_add(pair, message->key);
	if (!entry || entry->shown || entry->interim_count == EXCHANGE_INTERIMS_MAX)
		return;
	copy = message_copy(message, pair->pipeline->config.message_limit_bytes);
	if (!copy) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return;
	}
	entry->interims[entry->interim_count++] = copy;
	entry_weigh(pair, entry);
	entry->last_ns = pair->pipeline->now_ns;
}

/* A message that ends after its exchange was shown: an answer that nobody saw yet is shown alone. */
static void entry_done_late(struct pair *pair, struct pair_entry *entry, struct message *message)
{
	struct exchange exchange = {
		.response = message,
		.mover = entry->half[MESSAGE_RESPONSE].mover,
		.key = entry->key,
		.flags = message->flags | FLAG_NO_REQUEST | (entry->flags & (FLAG_TIMEOUT | FLAG_TRUNCATED)),
	};

	if (message->kind == MESSAGE_RESPONSE && !entry->response_shown)
		pair_emit(pair, &exchange);
	readings_leave(entry->readings, message->kind);
	entry->half[message->kind].message = NULL;
	message_free(message);
}

static bool entry_complete(const struct pair_entry *entry)
{
	const struct pair_half *request = &entry->half[MESSAGE_REQUEST];
	const struct pair_half *response = &entry->half[MESSAGE_RESPONSE];

	if (request->done && request->message && request->message->flags & FLAG_UNANSWERED)
		return true;
	if (!response->done)
		return false;
	return request->done || (!request->taken && entry->flags & FLAG_NO_REQUEST);
}

void pair_done(struct pair *pair, struct message *message, const struct mover *mover)
{
	struct pair_entry *entry = entry_attach(pair, message, mover);
	enum message_kind kind = message->kind;
	bool requestless;

	if (!entry) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		message_free(message);
		return;
	}
	entry->last_ns = pair->pipeline->now_ns;
	entry->poll = pair->pipeline->poll;
	entry->half[kind].done = true;
	if (entry->readings)
		pair_read_end(pair, entry, message);
	requestless = entry_requestless(entry);
	if (entry->shown)
		entry_done_late(pair, entry, message);
	else
		entry->flags |= message->flags & (FLAG_RESET | FLAG_NO_REQUEST);
	entry_weigh(pair, entry);
	pair->requestless += (size_t)entry_requestless(entry) - (size_t)requestless;
	if (entry->key && entry->flags & FLAG_RESET && !entry->error_known && !entry->shown) {
		entry->reset_due = true;
		pair->waiting = true;
	} else if (entry_complete(entry)) {
		entry_emit(pair, entry, 0);
	} else if (kind == MESSAGE_RESPONSE) {
		pair->waiting = true;
	}
}

void pair_lost(struct pair *pair, enum message_kind kind, uint32_t key, unsigned int flags)
{
	struct pair_entry *entry = pair_keys_find(&pair->by_key, key);

	if (key) {
		if (entry && !entry->half[kind].taken)
			entry->flags |= flags;
		return;
	}
	pair->losses[kind].count++;
	pair->losses[kind].flags = flags;
}

void pair_set_aside(struct pair *pair, struct message *interim, const struct mover *mover)
{
	struct pair_entry *entry = entry_attach(pair, interim, mover);

	if (!entry || entry->shown || pair->aside || entry->interim_count == EXCHANGE_INTERIMS_MAX) {
		pair_done(pair, interim, mover);
		return;
	}
	entry_unlist(pair, entry);
	entry->held_bytes = 0;
	readings_leave(entry->readings, MESSAGE_RESPONSE);
	entry->half[MESSAGE_RESPONSE] = (struct pair_half){ 0 };
	entry->interims[entry->interim_count++] = interim;
	entry->flags |= FLAG_UPGRADED;
	pair->aside = entry;
}

void pair_take_back(struct pair *pair, uint32_t key)
{
	struct pair_entry *entry = pair->aside;
	struct message *request = entry ? entry->half[MESSAGE_REQUEST].message : NULL;

	if (!entry)
		return;
	pair->aside = NULL;
	entry->key = key;
	entry->poll = pair->pipeline->poll;
	if (request) {
		request->key = key;
		request->version = HTTP_2;
	}
	entry_enlist(pair, entry);
}

void pair_reset(struct pair *pair, uint32_t key, uint32_t error)
{
	struct pair_entry *entry = pair_keys_find(&pair->by_key, key);

	if (!entry)
		return;
	entry->error_known = error != RESET_ERROR_UNKNOWN;
	entry->error = error;
	entry_emit(pair, entry, FLAG_RESET);
}

void pair_body(struct pair *pair, const struct message *message, struct slice bytes, uint64_t time_ns)
{
	struct pair_entry *entry = entry_of(pair, message);

	if (!entry)
		return;
	entry->last_ns = pair->pipeline->now_ns;
	if (!entry->readings)
		return;
	pair_read_body(pair, entry, message, bytes, time_ns);
	entry_weigh(pair, entry);
}

const struct message *pair_request(const struct pair *pair, const struct message *response)
{
	const struct pair_entry *entry = entry_of(pair, response);

	return entry ? entry->half[MESSAGE_REQUEST].message : NULL;
}

void pair_hole(struct pair *pair, const struct message *message, uint64_t size, uint64_t time_ns)
{
	struct pair_entry *entry = pair->reads ? entry_of(pair, message) : NULL;

	if (entry && entry->readings)
		pair_read_hole(pair, entry, message, size, time_ns);
}

/* The error of a reset comes in the same direction; the request of an answer by another thread, which may be
 * late. */
static bool entry_is_due(const struct pair_entry *entry, const struct pipeline *pipeline)
{
	return entry->poll + GRACE_POLLS <= pipeline->poll &&
	       (entry->reset_due || entry->last_ns + LATE_NS <= pipeline->now_ns);
}

bool pair_poll(struct pair *pair)
{
	struct pair_entry *entry, *tmp;

	if (!pair->waiting)
		return false;
	pair->waiting = false;
	DL_FOREACH_SAFE(pair->entries, entry, tmp)
	{
		const struct pair_half *request = &entry->half[MESSAGE_REQUEST];
		bool alone = entry->half[MESSAGE_RESPONSE].done && !request->taken;

		if (!entry->reset_due && !alone)
			continue;
		if (entry_is_due(entry, pair->pipeline))
			entry_emit(pair, entry, 0);
		else
			pair->waiting = true;
	}
	return pair->waiting;
}

static uint64_t entry_last_ns(const struct pair_entry *entry)
{
	uint64_t last_ns = entry->last_ns;

	for (int i = 0; i < 2; i++) {
		const struct message *message = entry->half[i].message;

		if (message && message->last_byte_ns > last_ns)
			last_ns = message->last_byte_ns;
	}
	return last_ns;
}

void pair_expire(struct pair *pair)
{
	uint64_t now_ns = pair->pipeline->now_ns;
	struct pair_entry *entry, *tmp;

	DL_FOREACH_SAFE(pair->entries, entry, tmp)
	{
		if (!entry->shown && entry_last_ns(entry) + pair->pipeline->config.timeout_ns <= now_ns)
			entry_show(pair, entry, FLAG_TIMEOUT);
	}
}

void pair_end(struct pair *pair, unsigned int flags)
{
	while (pair->entries) {
		struct pair_entry *entry = pair->entries;
		bool whole = entry_complete(entry) || entry->half[MESSAGE_RESPONSE].done;

		entry_emit(pair, entry, whole ? 0 : flags);
	}
	while (pair->behind)
		entry_remove(pair, pair->behind);
}

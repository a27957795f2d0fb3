/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include "base/counters.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY (-1)

#define EXCUSE_PAIR (FLAG_GUESS | FLAG_MALFORMED)
#define EXCUSE_LACK                                                                                     \
	(FLAG_PARTIAL_HEADERS | FLAG_GAP | FLAG_TRUNCATED | FLAG_CLOSED | FLAG_RESET | FLAG_IN_FLIGHT | \
	 FLAG_TIMEOUT | FLAG_MALFORMED | FLAG_GUESS)
#define EXCUSE_SPLIT (FLAG_GAP | FLAG_LATE_JOINED | FLAG_TRUNCATED | FLAG_TIMEOUT | FLAG_GUESS)

struct judging {
	const struct play *play;
	struct verdict *verdict;
};

const char *fault_name(enum fault fault)
{
	static const char *const names[] = {
		[FAULT_PAIR] = "wrong-pair",
		[FAULT_PHANTOM] = "phantom",
		[FAULT_FIELD] = "field-differs",
		[FAULT_TIME] = "time",
		[FAULT_LACK] = "unflagged",
		[FAULT_TWICE] = "twice",
		[FAULT_SPLIT] = "split-unflagged",
		[FAULT_MISSING] = "missing",
		[FAULT_UNTOUCHED] = "untouched-flagged",
	};

	return names[fault];
}

__attribute__((format(printf, 3, 4))) static void find(struct judging *judging, enum fault fault,
						       const char *format, ...)
{
	struct verdict *verdict = judging->verdict;
	va_list args;

	if (verdict->faults & 1u << fault)
		return;
	verdict->faults |= 1u << fault;
	va_start(args, format);
	vsnprintf(verdict->text[fault], sizeof(verdict->text[fault]), format, args);
	va_end(args);
}

/* --- whose message is it? --------------------------------------------------------- */

static int number_of(struct slice value)
{
	char text[16];

	if (!value.data || !value.len || value.len >= sizeof(text))
		return NOBODY;
	memcpy(text, value.data, value.len);
	text[value.len] = 0;
	return atoi(text);
}

static bool slice_is(struct slice slice, const char *text)
{
	return slice.len == strlen(text) && memcmp(slice.data, text, slice.len) == 0;
}

/*
 * Of a target that was cut, in its number perhaps: the last request that began in a record of that time, with
 * this method and these bytes.
 */
static int message_id_cut(const struct play *play, const struct message *message)
{
	const struct conversation *conversation = play->conversation;
	const struct true_direction *direction = &conversation->direction[0];

	for (size_t i = conversation->count; i-- > 0;) {
		const struct true_message *truth = &conversation->exchange[i].side[MESSAGE_REQUEST];
		const uint8_t *first = memchr(direction->owner, (int)i, direction->len);
		size_t at = first ? (size_t)(first - direction->owner) : direction->len;

		if (!slice_is(message->method, truth->method) ||
		    strncmp((const char *)message->target.data, truth->target, message->target.len) != 0)
			continue;
		for (size_t j = 0; j < play->count; j++) {
			const struct record *record = &play->records[j];

			if (record->direction == 0 && record->time_ns == message->first_byte_ns &&
			    record->begin <= at && at < record->end)
				return (int)i;
		}
	}
	return NOBODY;
}

/* By x-id; by the target; by the stream. NOBODY: nothing tells. */
static int message_id(const struct play *play, const struct message *message)
{
	const struct conversation *conversation = play->conversation;
	int id = number_of(message_header(message, SLICE("x-id")));
	char target[64];

	if (id != NOBODY)
		return id;
	if (message->flags & FLAG_TRUNCATED && message->target.data && !message->key)
		return message_id_cut(play, message);
	if (message->target.data && message->target.len < sizeof(target)) {
		memcpy(target, message->target.data, message->target.len);
		target[message->target.len] = 0;
		if (sscanf(target, "/i%d", &id) == 1 || sscanf(target, "i%d", &id) == 1)
			return id;
	}
	for (size_t i = 0; message->key && i < conversation->count; i++)
		if (conversation->exchange[i].key == message->key)
			return (int)i;
	return NOBODY;
}

static bool record_has(const struct conversation *conversation, const struct record *record, size_t begin,
		       size_t end, size_t id)
{
	const uint8_t *owner = conversation->direction[record->direction].owner;

	return begin < end && memchr(owner + begin, (int)id, end - begin);
}

/*
 * The last bytes of a direction were lost, and no later record shows that while the connection stays open.
 * Only the kernel's count of lost records tells.
 */
static bool tail_is_lost(const struct play *play, int id, int direction)
{
	size_t last = play->count;

	if (play->close)
		return false;
	while (last-- > 0) {
		const struct record *record = &play->records[last];

		if (record->direction != direction)
			continue;
		if (!record->lost)
			return false;
		if (record_has(play->conversation, record, record->begin, record->end, (size_t)id))
			return true;
	}
	return false;
}

/* --- fields ------------------------------------------------------------------------- */

/* Shown fields stand in the true list, in its order. How many true ones are not shown; -1: one differs. */
static int fields_lack(const struct header_list *shown, const struct true_fields *fields)
{
	size_t at = 0;
	int lacking = 0;

	for (size_t i = 0; i < shown->count; i++) {
		const struct header *header = &shown->items[i];

		if (header->flags & HEADER_NAME_UNKNOWN) {
			lacking++;
			continue;
		}
		while (at < fields->count && (!slice_is(header->name, fields->items[at].name) ||
					      (!(header->flags & HEADER_VALUE_UNKNOWN) &&
					       !slice_is(header->value, fields->items[at].value))))
			at++;
		if (at == fields->count)
			return -1;
		at++;
		lacking += (header->flags & HEADER_VALUE_UNKNOWN) != 0;
	}
	return lacking + (shown->count < fields->count ? (int)(fields->count - shown->count) : 0);
}

static void check_slot(struct judging *judging, int id, const char *name, struct slice slot,
		       const char *value, bool *lacks)
{
	if (!slot.data)
		*lacks |= *value != 0;
	else if (!slice_is(slot, value))
		find(judging, FAULT_FIELD, "exchange %d: %s is \"%.*s\", not \"%s\"", id, name, (int)slot.len,
		     (const char *)slot.data, value);
}

/* A line that was refused before its end: `truncated` says that the target is only its beginning. */
static void check_target(struct judging *judging, int id, const struct message *message, const char *value,
			 bool *lacks)
{
	struct slice target = message->target;

	if (message->flags & FLAG_TRUNCATED && target.data &&
	    strncmp((const char *)target.data, value, target.len) == 0)
		*lacks = true;
	else
		check_slot(judging, id, "target", target, value, lacks);
}

static void check_lists(struct judging *judging, int id, const struct message *message,
			const struct true_message *truth, bool *lacks)
{
	int fields = fields_lack(&message->headers, &truth->fields);
	int trailers = fields_lack(&message->trailers, &truth->trailers);

	if (fields < 0 || trailers < 0)
		find(judging, FAULT_FIELD, "exchange %d: a %s field of the %s differs", id,
		     fields < 0 ? "header" : "trailer",
		     message->kind == MESSAGE_REQUEST ? "request" : "response");
	*lacks |= fields > 0 || (trailers > 0 && !truth->cut);
}

/*
 * RST_STREAM ends its stream where it is read, and it may overtake what the other direction brought before:
 * of an exchange with `reset`, what is shown is what was there by then.
 */
static bool is_reset(const struct play *play, int id)
{
	return play->conversation->exchange[id].error_known;
}

static bool is_overtaken(const struct play *play, int id)
{
	return play->plan.transform != TRANSFORM_NONE && is_reset(play, id);
}

static void check_size(struct judging *judging, int id, const struct message *message,
		       const struct true_message *truth, unsigned int flags, bool *lacks)
{
	bool unfinished = flags & (FLAG_CLOSED | FLAG_IN_FLIGHT | FLAG_TIMEOUT | FLAG_TRUNCATED) ||
			  (is_reset(judging->play, id) && flags & FLAG_RESET);
	bool exact = message->body_known && !unfinished && !tail_is_lost(judging->play, id, message->kind);

	if (message->body_bytes > truth->body_bytes || (exact && message->body_bytes != truth->body_bytes))
		find(judging, FAULT_FIELD, "exchange %d: %s body of %s%llu bytes, not %llu", id,
		     message->kind == MESSAGE_REQUEST ? "request" : "response",
		     message->body_known ? "" : "at least ", (unsigned long long)message->body_bytes,
		     (unsigned long long)truth->body_bytes);
	*lacks |= !message->body_known && !truth->cut;
}

/* True: every field and the size are there and right. */
static bool check_message(struct judging *judging, int id, const struct message *message, unsigned int flags)
{
	const struct conversation *conversation = judging->play->conversation;
	const struct true_message *truth = &conversation->exchange[id].side[message->kind];
	bool lacks = false, upgraded = conversation->family == FAMILY_HTTP2_H2C && id == 0;

	check_slot(judging, id, "method", message->method, truth->method, &lacks);
	check_target(judging, id, message, truth->target, &lacks);
	if (conversation->family >= FAMILY_HTTP2 && !upgraded) {
		check_slot(judging, id, "authority", message->authority, truth->authority, &lacks);
		check_slot(judging, id, "scheme", message->scheme, truth->scheme, &lacks);
	}
	if (message->status && message->status != truth->status && !(upgraded && message->status == 101))
		find(judging, FAULT_FIELD, "exchange %d: status %d, not %d", id, message->status,
		     truth->status);
	lacks |= !message->status && truth->status;
	if (message->version && message->version != truth->version && !upgraded)
		find(judging, FAULT_FIELD, "exchange %d: version %d", id, message->version);
	check_lists(judging, id, message, truth, &lacks);
	check_size(judging, id, message, truth, flags, &lacks);
	if (lacks && !(flags & EXCUSE_LACK))
		find(judging, FAULT_LACK, "exchange %d: something of the %s is not known", id,
		     message->kind == MESSAGE_REQUEST ? "request" : "response");
	return !lacks;
}

/* --- one exchange ------------------------------------------------------------------- */

static void tell_flag(void *ctx, const char *name)
{
	fprintf(ctx, " %s", name);
}

static void tell(FILE *out, const struct exchange *exchange, const int id[2])
{
	const struct message *request = exchange->request, *response = exchange->response;

	fprintf(out, "  shown:");
	if (request)
		fprintf(out, " #%d %.*s %.*s (%llu%s)", id[0], (int)request->method.len,
			request->method.data ? (const char *)request->method.data : "",
			(int)request->target.len,
			request->target.data ? (const char *)request->target.data : "",
			(unsigned long long)request->body_bytes, request->body_known ? "" : "+");
	else
		fprintf(out, " no request");
	if (response)
		fprintf(out, " -> #%d %d (%llu%s)", id[1], response->status,
			(unsigned long long)response->body_bytes, response->body_known ? "" : "+");
	exchange_flags_each(exchange->flags, tell_flag, out);
	fprintf(out, "\n");
}

/* An id that is no exchange's, or a message that is plainly there and has none. */
static bool is_phantom(const struct judging *judging, const struct message *message, int id,
		       unsigned int flags)
{
	const struct conversation *conversation = judging->play->conversation;

	bool empty =
		!message->method.data && !message->status && !message->headers.count && !message->body_bytes;

	if (flags & EXCUSE_PAIR || (empty && flags & EXCUSE_LACK))
		return false;
	if (id != NOBODY)
		return id < 0 || id >= (int)conversation->count ||
		       !conversation->exchange[id].side[message->kind].exists;
	if (message->kind == MESSAGE_REQUEST)
		return message->method.data && message->target.data;
	return message->status && !(flags & (FLAG_GAP | FLAG_PARTIAL_HEADERS | FLAG_TRUNCATED));
}

static void check_alone(struct judging *judging, int id, enum message_kind kind, unsigned int flags)
{
	const struct true_exchange *truth = &judging->play->conversation->exchange[id];

	if (flags & EXCUSE_SPLIT || !truth->side[!kind].exists || truth->flags & FLAG_UNANSWERED)
		return;
	if (tail_is_lost(judging->play, id, !kind) || (is_overtaken(judging->play, id) && flags & FLAG_RESET))
		return;
	if (kind == MESSAGE_RESPONSE && judging->verdict->fate[id].touched[MESSAGE_REQUEST])
		return;
	find(judging, FAULT_SPLIT, "exchange %d: its %s is shown alone", id,
	     kind == MESSAGE_REQUEST ? "request" : "response");
}

/* Times are those of the records that brought the message's first and last byte. */
static void check_times(struct judging *judging, int id, const struct exchange *exchange)
{
	const struct play *play = judging->play;
	uint64_t begin_ns = 0, end_ns = 0;

	for (size_t i = 0; i < play->count; i++) {
		const struct record *record = &play->records[i];

		if (!record_has(play->conversation, record, record->begin, record->end, (size_t)id))
			continue;
		if (record->direction == 0 && !begin_ns)
			begin_ns = record->time_ns;
		if (record->direction == 1)
			end_ns = record->time_ns;
	}
	if (exchange->start_ns != begin_ns)
		find(judging, FAULT_TIME, "exchange %d: began %lld ns beside the truth", id,
		     (long long)(exchange->start_ns - begin_ns));
	else if (exchange->response && exchange->response->last_byte_ns < end_ns)
		find(judging, FAULT_TIME, "exchange %d: ended %lld ns beside the truth", id,
		     (long long)(exchange->response->last_byte_ns - end_ns));
}

static void check_whole(struct judging *judging, int id, const struct exchange *exchange, bool known)
{
	const struct true_exchange *truth = &judging->play->conversation->exchange[id];
	struct fate *fate = &judging->verdict->fate[id];
	bool error_right = exchange->error_known == truth->error_known &&
			   (!truth->error_known || exchange->error == truth->error);

	fate->together = exchange->response || !truth->side[MESSAGE_RESPONSE].exists;
	fate->flags = exchange->flags;
	fate->known = fate->together && known && error_right && exchange->interim_count == truth->interims;
	fate->whole = fate->known && (exchange->flags & ~truth->may_flags) == truth->flags;
	fate->named = fate->together && exchange->request->method.data && exchange->request->target.data &&
		      (!exchange->response || exchange->response->status) &&
		      (exchange->flags & ~(truth->may_flags | FLAG_PARTIAL_HEADERS)) == truth->flags;
	if (fate->whole && !exchange->flags)
		check_times(judging, id, exchange);
	if (exchange->error_known && !error_right)
		find(judging, FAULT_FIELD, "exchange %d: error %u", id, exchange->error);
}

static void on_exchange(void *ctx, struct exchange *exchange)
{
	struct judging *judging = ctx;
	struct message *side[2] = { exchange->request, exchange->response };
	int id[2] = { NOBODY, NOBODY };
	bool known = true;

	for (int i = 0; i < 2; i++)
		id[i] = side[i] ? message_id(judging->play, side[i]) : NOBODY;
	if (judging->verdict->talk)
		tell(judging->verdict->talk, exchange, id);
	for (int i = 0; i < 2; i++) {
		struct fate *fate;

		if (!side[i])
			continue;
		if (is_phantom(judging, side[i], id[i], exchange->flags))
			find(judging, FAULT_PHANTOM, "a %s that nobody sent (number %d)",
			     i ? "response" : "request", id[i]);
		if (id[i] < 0 || id[i] >= (int)judging->play->conversation->count ||
		    !judging->play->conversation->exchange[id[i]].side[i].exists)
			continue;
		fate = &judging->verdict->fate[id[i]];
		known &= check_message(judging, id[i], side[i], exchange->flags);
		if (fate->shown[i])
			find(judging, FAULT_TWICE, "exchange %d: its %s is shown twice", id[i],
			     i ? "response" : "request");
		fate->shown[i] = true;
		if (!side[!i] || id[!i] == NOBODY)
			check_alone(judging, id[i], i ? MESSAGE_RESPONSE : MESSAGE_REQUEST, exchange->flags);
	}
	if (id[0] != NOBODY && id[1] != NOBODY && id[0] != id[1] && !(exchange->flags & EXCUSE_PAIR))
		find(judging, FAULT_PAIR, "request %d with response %d", id[0], id[1]);
	else if (id[0] >= 0 && id[0] < (int)judging->play->conversation->count &&
		 (id[1] == id[0] || !side[1]))
		check_whole(judging, id[0], exchange, known);
}

/* --- what the plan did to each exchange -------------------------------------------- */

/* The records in which an exchange begins and ends. */
struct extent {
	size_t begin, end;
};

static struct extent extent_of(const struct play *play, size_t id)
{
	struct extent extent = { .begin = play->count };

	for (size_t i = 0; i < play->count; i++) {
		const struct record *record = &play->records[i];

		if (!record_has(play->conversation, record, record->begin, record->end, id))
			continue;
		if (extent.begin == play->count)
			extent.begin = i;
		extent.end = i;
	}
	return extent;
}

static void place_exchange(const struct play *play, struct fate *fate, size_t id, const struct extent *all)
{
	struct extent extent = all[id];
	size_t last_loss = play->count, behind = 0;
	bool inside = false;

	for (size_t i = 0; i <= extent.end && i < play->count; i++) {
		const struct record *record = &play->records[i];

		fate->touched[record->direction] |=
			record_has(play->conversation, record, record->begin, record->seen_from, id) ||
			record_has(play->conversation, record, record->seen_to, record->end, id);
		fate->present[record->direction] |=
			record_has(play->conversation, record, record->seen_from, record->seen_to, id);
		if (record->seen_from == record->begin && record->seen_to == record->end)
			continue;
		if (i < extent.begin)
			last_loss = i;
		else
			inside = true;
	}
	for (size_t i = 0; i < id && last_loss < play->count; i++)
		behind += all[i].begin > last_loss;
	if (fate->touched[0] || fate->touched[1])
		fate->distance = DISTANCE_TOUCHED;
	else if (inside)
		fate->distance = DISTANCE_OPEN;
	else
		fate->distance = last_loss < play->count ? (int)behind + 1 : DISTANCE_BEFORE;
	/* Nobody can tell that the session which hark found began with this very record. */
	if (fate->distance == DISTANCE_BEFORE && play->plan.transform == TRANSFORM_JOIN)
		fate->distance = (int)id + 1;
}

/* Bytes were passed over, and a counter says so. */
static bool passing_is_told(void)
{
	return counters[COUNTER_BYTES_UNPARSED] || counters[COUNTER_HPACK_BLOCKS_LOST] ||
	       counters[COUNTER_MESSAGES_REFUSED];
}

/* Lost messages are counted by the kernel; those from before hark by nobody. */
static bool is_excused(const struct fate *fate, int side)
{
	return fate->distance != DISTANCE_BEFORE && (fate->touched[side] || passing_is_told());
}

static void check_fate(struct judging *judging, size_t id)
{
	const struct fate *fate = &judging->verdict->fate[id];
	const struct true_exchange *truth = &judging->play->conversation->exchange[id];

	for (int i = 0; i < 2; i++)
		if (truth->side[i].exists && !fate->shown[i] && !is_excused(fate, i) &&
		    !is_overtaken(judging->play, (int)id))
			find(judging, FAULT_MISSING, "exchange %zu (distance %d): its %s is not shown", id,
			     fate->distance, i ? "response" : "request");
	if (fate->distance == DISTANCE_BEFORE && !fate->whole && !is_overtaken(judging->play, (int)id))
		find(judging, FAULT_UNTOUCHED, "exchange %zu is not whole", id);
}

void judge(const struct play *play, struct verdict *verdict)
{
	struct judging judging = { .play = play, .verdict = verdict };
	struct extent extents[EXCHANGES_MAX];

	*verdict = (struct verdict){ .talk = verdict->talk };
	for (size_t id = 0; id < play->conversation->count; id++)
		extents[id] = extent_of(play, id);
	for (size_t id = 0; id < play->conversation->count; id++)
		place_exchange(play, &verdict->fate[id], id, extents);
	play_run(play, on_exchange, &judging);
	for (int i = 0; verdict->talk && i < COUNTER_COUNT; i++)
		if (counters[i])
			fprintf(verdict->talk, "  %s %llu\n", counter_name((enum counter)i),
				(unsigned long long)counters[i]);
	for (size_t id = 0; id < play->conversation->count; id++)
		check_fate(&judging, id);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A half is one body: closed until a reader wants it, open, and dead once no more of it can be given. Facts
 * live in the arena of the message that they are of, and go where it goes.
 */
#include "readings.h"

#include "coding.h"

#include <stdlib.h>
#include <string.h>

#define CODINGS_MAX	2	      /* on one body; more are no real sender's */
#define EXPANDS_FREELY	(1024 * 1024) /* so many bytes may come out of anything; */
#define EXPANDS_AT_MOST 256	      /* of more, so many of each that went in */
#define READINGS_MAX	6	      /* at one exchange */

enum half_state {
	HALF_CLOSED, /* nobody wants it */
	HALF_OPEN,
	HALF_DEAD, /* nothing more can be given */
};

struct readings_half {
	struct message *message; /* NULL: not there */
	enum half_state state;
	struct coding *codings[CODINGS_MAX]; /* outermost first */
	size_t coding_count;
	uint64_t coded_bytes, clear_bytes;
};

struct readings {
	const struct readings_config *config;
	void *exchange;
	struct reading *first;
	size_t count;
	struct readings_half half[2]; /* by enum message_kind */
	uint64_t now_ns;
	size_t charged_bytes; /* by readers */
};

static void note(const struct readings *readings, enum protocol_note what)
{
	if (readings->config->note)
		readings->config->note(readings->config->ctx, what, 1);
}

/* --- making and freeing --------------------------------------------------------------------- */

static struct reading *reading_find(struct readings *readings, const struct content_reader *reader)
{
	struct reading *reading = readings->first;

	while (reading && reading->reader != reader)
		reading = reading->next;
	return reading;
}

/* A reading comes last: readers are fed in the order of their rows. NULL: no memory, or too many. */
static struct reading *reading_add_new(struct readings *readings, const struct content_reader *reader)
{
	struct reading **end = &readings->first;
	struct reading *reading;

	if (readings->count == READINGS_MAX)
		return NULL;
	reading = calloc(1, sizeof(*reading) + reader->size);
	if (!reading)
		return NULL;
	*reading = (struct reading){ .reader = reader, .all = readings, .state = reading + 1 };
	while (*end)
		end = &(*end)->next;
	*end = reading;
	readings->count++;
	readings->charged_bytes += sizeof(*reading) + reader->size;
	return reading;
}

static void reading_free(struct reading *reading)
{
	if (reading->reader->fini)
		reading->reader->fini(reading->state);
	free(reading);
}

/* Frees what gave up all that it wanted: most JSON is nobody's, and its answer may be long in coming. */
static void drop_given_up(struct readings *readings)
{
	struct reading **at = &readings->first;

	while (*at) {
		struct reading *reading = *at;

		if (reading->wants[MESSAGE_REQUEST] || reading->wants[MESSAGE_RESPONSE]) {
			at = &reading->next;
			continue;
		}
		*at = reading->next;
		readings->count--;
		readings->charged_bytes -= sizeof(*reading) + reading->reader->size + reading->charged_bytes;
		reading_free(reading);
	}
}

static void half_close(struct readings_half *half, enum half_state state)
{
	for (size_t i = 0; i < half->coding_count; i++)
		coding_free(half->codings[i]);
	half->coding_count = 0;
	half->state = state;
}

void readings_free(struct readings *readings)
{
	struct reading *reading, *next;

	if (!readings)
		return;
	for (int i = 0; i < 2; i++)
		half_close(&readings->half[i], HALF_CLOSED);
	for (reading = readings->first; reading; reading = next) {
		next = reading->next;
		reading_free(reading);
	}
	free(readings);
}

size_t readings_memory(const struct readings *readings)
{
	size_t bytes = 0;

	if (!readings)
		return 0;
	bytes = sizeof(*readings) + readings->charged_bytes;
	for (int i = 0; i < 2; i++)
		for (size_t j = 0; j < readings->half[i].coding_count; j++)
			bytes += coding_memory(readings->half[i].codings[j]);
	return bytes;
}

/* --- a body that begins --------------------------------------------------------------------- */

/* False: a coding is not known, there are too many, or memory is out. */
static bool half_decode(struct readings_half *half, struct slice list)
{
	while (list.len) {
		size_t comma = list.len;
		struct slice name;

		while (comma && list.data[comma - 1] != ',')
			comma--;
		name = slice_trim(slice_drop(list, comma));
		list.len = comma ? comma - 1 : 0;
		if (!content_is_coded(name))
			continue;
		if (half->coding_count == CODINGS_MAX)
			return false;
		half->codings[half->coding_count] = coding_new(name);
		if (!half->codings[half->coding_count])
			return false;
		half->coding_count++;
	}
	return true;
}

/* Tells all that read the body that no more of it comes. Where bytes of it are missing, its message says so.
 */
static void half_die(struct readings *readings, enum message_kind kind)
{
	struct readings_half *half = &readings->half[kind];

	half_close(half, HALF_DEAD);
	for (struct reading *reading = readings->first; reading; reading = reading->next)
		if (reading->wants[kind])
			reading->reader->hole(reading, kind, READER_UNKNOWN_SIZE);
}

static struct reading *reading_take(struct readings **readings, const struct readings_config *config,
				    const struct content_reader *reader)
{
	struct reading *reading;

	if (!*readings) {
		*readings = calloc(1, sizeof(**readings));
		if (!*readings)
			return NULL;
		(*readings)->config = config;
	}
	reading = reading_find(*readings, reader);
	return reading ? reading : reading_add_new(*readings, reader);
}

bool readings_head(struct readings **readings, const struct readings_config *config, void *exchange,
		   const struct content *content, struct message *message, struct message *other)
{
	enum message_kind kind = message->kind;
	struct readings_half *half;
	bool wanted = false;

	for (size_t i = 0; i < CONTENT_READERS_MAX && content && content->readers[i]; i++) {
		const struct content_reader *reader = content->readers[i];
		struct reading *reading;

		if (!(reader->gives & config->wants) || !reader->claims(message, other))
			continue;
		reading = reading_take(readings, config, reader);
		if (!reading) {
			config->note(config->ctx, NOTE_BODY_LIMIT, 1);
			continue;
		}
		reading->wants[kind] = wanted = true;
	}
	if (!*readings)
		return false;
	(*readings)->exchange = exchange;
	half = &(*readings)->half[kind];
	half->message = message;
	(*readings)->half[!kind].message = other;
	if (!wanted)
		return false;
	half->state = HALF_OPEN;
	(*readings)->now_ns = message->first_byte_ns;
	for (struct reading *reading = (*readings)->first; reading; reading = reading->next)
		if (reading->wants[kind]) {
			reading->content = content;
			if (reading->reader->head)
				reading->reader->head(reading, message);
		}
	if (!half_decode(half, message_known(message, HEADER_CONTENT_ENCODING)))
		half_die(*readings, kind);
	return half->state == HALF_OPEN;
}

bool readings_want(const struct readings *readings, enum message_kind kind)
{
	return readings && readings->half[kind].state == HALF_OPEN;
}

/* --- a body that goes on -------------------------------------------------------------------- */

struct giving {
	struct readings *readings;
	enum message_kind kind;
	size_t step; /* the coding whose output this is */
	bool wrong;
};

static bool give(struct giving *giving, struct slice bytes);

static bool give_decoded(void *ctx, struct slice bytes)
{
	struct giving *giving = ctx;
	bool goes_on;

	giving->step++;
	goes_on = give(giving, bytes);
	giving->step--;
	return goes_on;
}

/* False: all readers gave it up. */
static bool half_is_read(const struct readings *readings, enum message_kind kind)
{
	const struct reading *reading = readings->first;

	while (reading && !reading->wants[kind])
		reading = reading->next;
	return reading != NULL;
}

static bool expands_too_far(const struct readings_half *half)
{
	return half->clear_bytes > EXPANDS_FREELY && half->clear_bytes / EXPANDS_AT_MOST > half->coded_bytes;
}

/* Gives bytes to the coding of this step, or behind the last one to the readers. */
static bool give(struct giving *giving, struct slice bytes)
{
	struct readings_half *half = &giving->readings->half[giving->kind];
	enum coding_result result;

	if (giving->step < half->coding_count) {
		result = coding_feed(half->codings[giving->step], bytes, give_decoded, giving);
		giving->wrong |= result == CODING_WRONG || result == CODING_LIMIT;
		return !giving->wrong;
	}
	half->clear_bytes += bytes.len;
	if (expands_too_far(half)) {
		giving->wrong = true;
		return false;
	}
	for (struct reading *reading = giving->readings->first; reading; reading = reading->next)
		if (reading->wants[giving->kind])
			reading->reader->bytes(reading, giving->kind, bytes);
	return half_is_read(giving->readings, giving->kind);
}

void readings_body(struct readings *readings, enum message_kind kind, struct slice bytes, uint64_t time_ns)
{
	struct giving giving = { .readings = readings, .kind = kind };

	if (!readings_want(readings, kind) || !bytes.len)
		return;
	readings->now_ns = time_ns;
	readings->half[kind].coded_bytes += bytes.len;
	give(&giving, bytes);
	drop_given_up(readings);
	if (!half_is_read(readings, kind)) {
		half_close(&readings->half[kind], HALF_CLOSED);
		return;
	}
	if (!giving.wrong)
		return;
	note(readings, NOTE_BODY_LIMIT);
	if (readings->half[kind].message)
		readings->half[kind].message->flags |= FLAG_GAP;
	half_die(readings, kind);
}

void readings_hole(struct readings *readings, enum message_kind kind, uint64_t size, uint64_t time_ns)
{
	struct readings_half *half;

	if (!readings_want(readings, kind) || !size)
		return;
	half = &readings->half[kind];
	readings->now_ns = time_ns;
	if (half->message)
		half->message->flags |= FLAG_GAP;
	if (half->coding_count) {
		half_die(readings, kind);
		return;
	}
	for (struct reading *reading = readings->first; reading; reading = reading->next)
		if (reading->wants[kind])
			reading->reader->hole(reading, kind, size);
}

void readings_end(struct readings *readings, struct message *message, uint64_t time_ns)
{
	enum message_kind kind = message->kind;
	struct readings_half *half;

	if (!readings)
		return;
	half = &readings->half[kind];
	half->message = message;
	if (half->state == HALF_CLOSED)
		return;
	readings->now_ns = time_ns;
	for (struct reading *reading = readings->first; reading; reading = reading->next)
		if (reading->wants[kind] && reading->reader->end)
			reading->reader->end(reading, kind, message);
	half_close(half, HALF_CLOSED);
}

void readings_leave(struct readings *readings, enum message_kind kind)
{
	if (readings)
		readings->half[kind].message = NULL;
}

/* --- for readers ---------------------------------------------------------------------------- */

uint64_t reading_now_ns(const struct reading *reading)
{
	return reading->all->now_ns;
}

const struct message *reading_of(const struct reading *reading, enum message_kind kind)
{
	return reading->all->half[kind].message;
}

bool reading_wanted(const struct reading *reading, enum reader_gives gives)
{
	return reading->all->config->wants & gives;
}

const struct protobuf_schema *reading_schema(const struct reading *reading)
{
	return reading->all->config->schema;
}

void reading_trailer(struct reading *reading, enum message_kind kind, struct slice name, struct slice value)
{
	struct message *message = reading->all->half[kind].message;

	if (message && message_add_header(message, &message->trailers, name, value, 0) < 0)
		note(reading->all, NOTE_FACT_LIMIT);
}

void reading_charge(struct reading *reading, size_t bytes)
{
	reading->all->charged_bytes += bytes - reading->charged_bytes;
	reading->charged_bytes = bytes;
}

/* The fact of this name, made when there is none; fresh: a further one. NULL: no message, or no room. */
static struct fact *fact_make(struct reading *reading, enum message_kind kind, const char *name, bool fresh)
{
	struct message *message = reading->all->half[kind].message;
	struct fact **at = message ? &message->facts : NULL;
	size_t count = 0, same = 0;

	if (!message)
		return NULL;
	for (; *at; at = &(*at)->next, count++) {
		bool is_it = fact_is(*at, name);

		if (is_it && !fresh)
			return *at;
		same += is_it;
	}
	*at = count < FACTS_MAX && same < FACTS_OF_NAME ? arena_alloc(&message->arena, sizeof(**at)) : NULL;
	if (*at)
		**at = (struct fact){ .name = name };
	else
		note(reading->all, NOTE_FACT_LIMIT);
	return *at;
}

static void fact_remove(struct message *message, const char *name)
{
	struct fact **at = &message->facts;

	while (*at && !fact_is(*at, name))
		at = &(*at)->next;
	if (*at)
		*at = (*at)->next;
}

static void fact_put_text(struct reading *reading, enum message_kind kind, const char *name,
			  struct slice text, bool listed)
{
	struct message *message = reading->all->half[kind].message;
	struct fact *fact = text.data ? fact_make(reading, kind, name, listed) : NULL;

	if (!fact)
		return;
	fact->cut = text.len > FACT_TEXT_MAX;
	text = slice_take(text, FACT_TEXT_MAX);
	fact->kind = FACT_TEXT;
	fact->listed = listed;
	if (slice_equal(fact->text, text) && fact->text.data)
		return;
	if (arena_copy(&message->arena, text, &fact->text) == 0)
		return;
	note(reading->all, NOTE_FACT_LIMIT);
	fact_remove(message, name);
}

void reading_text(struct reading *reading, enum message_kind kind, const char *name, struct slice text)
{
	fact_put_text(reading, kind, name, text, false);
}

void reading_add(struct reading *reading, enum message_kind kind, const char *name, struct slice text)
{
	fact_put_text(reading, kind, name, text, true);
}

static void fact_put(struct reading *reading, enum message_kind kind, const char *name, enum fact_kind what,
		     uint64_t number)
{
	struct fact *fact = fact_make(reading, kind, name, false);

	if (!fact)
		return;
	fact->kind = what;
	fact->number = number;
}

void reading_number(struct reading *reading, enum message_kind kind, const char *name, uint64_t number)
{
	fact_put(reading, kind, name, FACT_NUMBER, number);
}

void reading_integer(struct reading *reading, enum message_kind kind, const char *name, int64_t integer)
{
	fact_put(reading, kind, name, FACT_INTEGER, (uint64_t)integer);
}

void reading_give_up(struct reading *reading, enum message_kind kind)
{
	reading->wants[kind] = false;
}

void reading_ns(struct reading *reading, enum message_kind kind, const char *name, uint64_t ns)
{
	fact_put(reading, kind, name, FACT_NS, ns);
}

void reading_milli(struct reading *reading, enum message_kind kind, const char *name, uint64_t thousandths)
{
	fact_put(reading, kind, name, FACT_MILLI, thousandths);
}

void reading_true(struct reading *reading, enum message_kind kind, const char *name)
{
	fact_put(reading, kind, name, FACT_TRUE, 1);
}

void reading_forget(struct reading *reading, enum message_kind kind, const char *name)
{
	struct message *message = reading->all->half[kind].message;

	if (message)
		fact_remove(message, name);
}

void reading_message(struct reading *reading, struct content_message *message)
{
	const struct readings *all = reading->all;

	if (!reading_wanted(reading, READER_MESSAGES) || !all->config->message)
		return;
	if (!message->protocol)
		message->protocol = reading->reader->name;
	if (!message->time_ns)
		message->time_ns = all->now_ns;
	all->config->message(all->config->ctx, all->exchange, message);
}

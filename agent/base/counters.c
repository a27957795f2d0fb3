/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's figures replace what stands here each time they come, so what
 * user space moved from plaintext to ciphertext is kept apart and taken off
 * anew each time. moved = copied + skipped + lost holds before and after.
 */
#include "counters.h"

#include <errno.h>
#include <inttypes.h>

uint64_t counters[COUNTER_COUNT];

static uint64_t kernel[KC_COUNT];
static uint64_t recounted_copied, recounted_skipped;
static uint64_t past, past_ciphertext; /* bytes that no record stood for */

static const struct {
	const char *name, *meaning;
} table[COUNTER_COUNT] = {
#define X(symbol, name_, meaning_) [COUNTER_##symbol] = { .name = name_, .meaning = meaning_ },
	COUNTERS(X)
#undef X
};

/* Kernel counters that stand alone; the byte counters go through apply_bytes(). */
static const struct {
	enum kernel_counter from;
	enum counter to;
} kernel_map[] = {
	{ KC_EVENTS_LOST, COUNTER_EVENTS_LOST },
	{ KC_RETURNS_REFUSED, COUNTER_RETURNS_REFUSED },
	{ KC_RETURNS_STALE, COUNTER_RETURNS_STALE },
	{ KC_MAP_FULL, COUNTER_LIMIT_MAPS },
	{ KC_FAULTS, COUNTER_FAULTS },
	{ KC_COMPAT, COUNTER_TRANSFERS_COMPAT },
	{ KC_IO_URING, COUNTER_TRANSFERS_IO_URING },
	{ KC_PEEKED, COUNTER_TRANSFERS_PEEKED },
	{ KC_VECTORS, COUNTER_TRANSFERS_VECTORS },
	{ KC_OUT_OF_BAND, COUNTER_TRANSFERS_OUT_OF_BAND },
	{ KC_UDP_443, COUNTER_TRANSFERS_UDP_443 },
	{ KC_PROGRAMS_SKIPPED, COUNTER_PROGRAMS_SKIPPED },
	{ KC_DATAGRAMS, COUNTER_TRANSFERS_QUIC },
	{ KC_DATAGRAMS_LIMIT, COUNTER_LIMIT_DATAGRAMS },
};

static const enum counter note_map[NOTE_COUNT] = {
	[NOTE_MESSAGE_REFUSED] = COUNTER_MESSAGES_REFUSED,
	[NOTE_RESYNC] = COUNTER_PROTOCOL_RESYNCS,
	[NOTE_BYTES_UNPARSED] = COUNTER_BYTES_UNPARSED,
	[NOTE_HEADER_BLOCK_LOST] = COUNTER_HPACK_BLOCKS_LOST,
	[NOTE_INFLATE_ERROR] = COUNTER_HPACK_ERRORS,
	[NOTE_HEADER_LIMIT] = COUNTER_LIMIT_HEADERS,
	[NOTE_STREAM_LIMIT] = COUNTER_LIMIT_STREAMS,
	[NOTE_PIPELINE_LIMIT] = COUNTER_LIMIT_PIPELINE,
	[NOTE_STATEMENT_LIMIT] = COUNTER_LIMIT_STATEMENTS,
	[NOTE_INTERIM] = COUNTER_MESSAGES_INTERIM,
	[NOTE_UPGRADED] = COUNTER_MESSAGES_UPGRADED,
	[NOTE_FACT_LIMIT] = COUNTER_LIMIT_FACTS,
	[NOTE_BODY_LIMIT] = COUNTER_LIMIT_CONTENT,
};

const char *counter_name(enum counter counter)
{
	return table[counter].name;
}

const char *counter_meaning(enum counter counter)
{
	return table[counter].meaning;
}

void counter_note(enum protocol_note note, uint64_t n)
{
	counter_add(note_map[note], n);
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

/* A recount may run ahead of the kernel's figures, which come once a poll: never below 0. */
static void apply_bytes(void)
{
	uint64_t copied = at_most(recounted_copied, kernel[KC_BYTES_COPIED]);
	uint64_t skipped = at_most(recounted_skipped, kernel[KC_BYTES_SKIPPED] + past);
	uint64_t moved = kernel[KC_BYTES_MOVED] + past;

	counters[COUNTER_BYTES_COPIED] = kernel[KC_BYTES_COPIED] - copied;
	counters[COUNTER_BYTES_SKIPPED] = kernel[KC_BYTES_SKIPPED] + past - skipped;
	counters[COUNTER_BYTES_LOST] = kernel[KC_BYTES_LOST];
	counters[COUNTER_BYTES_MOVED] = moved - at_most(copied + skipped, moved);
	counters[COUNTER_BYTES_CIPHERTEXT] = kernel[KC_BYTES_CIPHERTEXT] + copied + skipped + past_ciphertext;
}

void counters_set_kernel(const struct event_counters *event)
{
	size_t there = (event->h.size - sizeof(event->h)) / sizeof(event->value[0]);

	/* A recording of an older version has fewer. */
	for (size_t i = 0; i < KC_COUNT; i++)
		kernel[i] = i < there ? event->value[i] : 0;
	for (size_t i = 0; i < sizeof(kernel_map) / sizeof(kernel_map[0]); i++)
		counters[kernel_map[i].to] = kernel[kernel_map[i].from];
	apply_bytes();
}

void counters_recount_ciphertext(uint64_t copied, uint64_t skipped)
{
	recounted_copied += copied;
	recounted_skipped += skipped;
	apply_bytes();
}

void counters_add_skipped(uint64_t bytes)
{
	past += bytes;
	apply_bytes();
}

void counters_add_ciphertext(uint64_t bytes)
{
	past_ciphertext += bytes;
	apply_bytes();
}

int counters_print(FILE *out)
{
	for (size_t i = 0; i < COUNTER_MEMORY_HELD_PEAK; i++) /* figures for programs follow */
		if (counters[i])
			fprintf(out, "  %-22s %14" PRIu64 "  %s\n", table[i].name, counters[i],
				table[i].meaning);
	return ferror(out) ? -EIO : 0;
}

int counters_print_json(FILE *out)
{
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		fprintf(out, "%s\"%s\": %" PRIu64, i ? ",\n " : "{", table[i].name, counters[i]);
	fputs("}\n", out);
	return ferror(out) ? -EIO : 0;
}

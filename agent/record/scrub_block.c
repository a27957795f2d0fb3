/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inflater says the names, in order; a walk over the representations says
 * where the literal values stand: the n-th field is the n-th representation.
 *
 * A Huffman-coded value keeps its length to the bit: each secret symbol gives
 * way to one that stands for all of its code's length, and those of a value are
 * sorted, so that what remains is how many symbols of each length there were.
 */
#include "scrub_block.h"

#include "base/scrub_text.h"
#include "huffman.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX  4096 /* of one block; more are not judged */
#define SYMBOLS_MAX 65536

enum secrecy {
	FIELD_OPEN,
	FIELD_AUTHORITY, /* user@host */
	FIELD_SECRET,
};

struct walk {
	const struct redact *redact;
	uint8_t *block;
	size_t len, at;
	struct scrub_facts *facts;
	bool wrong;
	long values;
	size_t fields;
	uint8_t secret[FIELDS_MAX]; /* of each field, enum secrecy */
	uint8_t symbols[SYMBOLS_MAX];
	bool hidden[SYMBOLS_MAX]; /* of each symbol */
};

static void facts_note(struct scrub_facts *facts, const struct hpack_field *field)
{
	facts->unknown |= !field->name.data;
	facts->head |= field->name.len && field->name.data[0] == ':';
	if (slice_equal_nocase(field->name, SLICE("content-type")))
		facts->body = field->value.data ? content_secrets_of_type(field->value) : CONTENT_OPAQUE;
	else if (slice_equal_nocase(field->name, SLICE("content-encoding")))
		facts->coded = content_is_coded(field->value) || !field->value.data;
}

static void field_note(void *ctx, const struct hpack_field *field)
{
	struct walk *walk = ctx;
	enum secrecy secrecy = FIELD_OPEN;

	if (!walk)
		return;
	facts_note(walk->facts, field);
	if (walk->fields == FIELDS_MAX) {
		walk->wrong = true;
		return;
	}
	if (redact_name(walk->redact, NAME_FIELD, field->name))
		secrecy = FIELD_SECRET;
	else if (slice_equal_nocase(field->name, SLICE(":authority")) ||
		 slice_equal_nocase(field->name, SLICE("host")))
		secrecy = FIELD_AUTHORITY;
	walk->secret[walk->fields++] = (uint8_t)secrecy;
}

/* RFC 7541, 5.1. */
static uint64_t integer_read(struct walk *walk, unsigned int prefix)
{
	uint64_t mask = (1u << prefix) - 1, value;
	unsigned int shift = 0;
	uint8_t byte;

	if (walk->at >= walk->len) {
		walk->wrong = true;
		return 0;
	}
	value = walk->block[walk->at++] & mask;
	if (value < mask)
		return value;
	do {
		if (walk->at >= walk->len || shift > 28) {
			walk->wrong = true;
			return 0;
		}
		byte = walk->block[walk->at++];
		value += (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

/* A string literal (RFC 7541, 5.2). */
static uint8_t *string_read(struct walk *walk, size_t *len, bool *huffman)
{
	uint8_t *start;

	*huffman = walk->at < walk->len && walk->block[walk->at] & 0x80;
	*len = integer_read(walk, 7);
	if (walk->wrong || *len > walk->len - walk->at) {
		walk->wrong = true;
		return NULL;
	}
	start = walk->block + walk->at;
	walk->at += *len;
	return start;
}

static int by_bits(const void *a, const void *b)
{
	return (int)huffman_bits(*(const uint8_t *)a) - (int)huffman_bits(*(const uint8_t *)b);
}

static void symbols_hide(uint8_t *symbols, size_t len, bool huffman)
{
	if (!huffman) {
		memset(symbols, SCRUB_FILLER, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		symbols[i] = huffman_like(symbols[i]);
	qsort(symbols, len, 1, by_bits);
}

/* Marks what is secret in the value of a field that is none. */
static void value_judge(struct walk *walk, const uint8_t *symbols, size_t len, enum secrecy secrecy)
{
	struct secret_scan scan = { .form = false };
	size_t maybe = 0;

	if (secrecy == FIELD_AUTHORITY)
		secret_scan_authority(&scan);
	for (size_t i = 0; i < len; i++) {
		enum secret_verdict verdict = secret_scan_byte(&scan, walk->redact, symbols[i]);

		if (scan.settled == SETTLED_YES)
			memset(walk->hidden + maybe, true, i - maybe);
		walk->hidden[i] = verdict == SECRET_YES || verdict == SECRET_DIGIT;
		if (verdict != SECRET_MAYBE)
			maybe = i + 1;
	}
}

/* Hides the whole, or what is secret in it. True: something was hidden. */
static bool value_hide(struct walk *walk, uint8_t *symbols, size_t len, bool huffman, enum secrecy secrecy)
{
	bool any = false;

	if (secrecy == FIELD_SECRET) {
		symbols_hide(symbols, len, huffman);
		return len > 0;
	}
	value_judge(walk, symbols, len, secrecy);
	for (size_t i = 0, end; i < len; i = end) {
		for (end = i + 1; end < len && walk->hidden[end] == walk->hidden[i]; end++)
			;
		if (walk->hidden[i])
			symbols_hide(symbols + i, end - i, huffman);
		any |= walk->hidden[i];
	}
	return any;
}

static void value_scrub(struct walk *walk, enum secrecy secrecy)
{
	bool huffman;
	size_t len;
	uint8_t *bytes = string_read(walk, &len, &huffman);
	long count;

	if (!bytes || !len)
		return;
	if (!huffman) {
		walk->values += value_hide(walk, bytes, len, false, secrecy);
		return;
	}
	count = huffman_decode(slice_of(bytes, len), walk->symbols, SYMBOLS_MAX);
	if (count < 0) {
		walk->wrong = true;
		return;
	}
	if (!value_hide(walk, walk->symbols, (size_t)count, true, secrecy))
		return;
	walk->values++;
	if (!huffman_encode(walk->symbols, (size_t)count, bytes, len))
		walk->wrong = true;
}

/* A literal field: its name by index or as a string, then its value. */
static void literal_scrub(struct walk *walk, unsigned int prefix, enum secrecy secrecy)
{
	bool huffman;
	size_t len;

	if (integer_read(walk, prefix) == 0)
		string_read(walk, &len, &huffman);
	if (!walk->wrong)
		value_scrub(walk, secrecy);
}

static void walk_run(struct walk *walk)
{
	size_t field = 0;

	while (walk->at < walk->len && !walk->wrong) {
		uint8_t first = walk->block[walk->at];
		enum secrecy secrecy;

		if ((first & 0xe0) == 0x20) { /* a table size update is no field */
			integer_read(walk, 5);
			continue;
		}
		if (field == walk->fields) {
			walk->wrong = true;
			return;
		}
		secrecy = (enum secrecy)walk->secret[field++];
		if (first & 0x80)
			integer_read(walk, 7);
		else
			literal_scrub(walk, first & 0x40 ? 6 : 4, secrecy);
	}
	walk->wrong = walk->wrong || field != walk->fields;
}

long scrub_block(struct hpack *hpack, const struct redact *redact, uint8_t *block, size_t len,
		 struct scrub_facts *facts)
{
	struct walk *walk = malloc(sizeof(*walk)); /* large, and mostly not written to */
	const struct hpack_sink sink = { .ctx = walk, .field = field_note };
	long result = -1;

	if (walk) {
		walk->redact = redact;
		walk->block = block;
		walk->len = len;
		walk->at = walk->fields = 0;
		walk->facts = facts;
		walk->wrong = false;
		walk->values = 0;
	}
	/* The table must see the block whatever becomes of it. */
	if (hpack_inflate(hpack, slice_of(block, len), true, &sink) >= 0 && walk) {
		walk_run(walk);
		result = walk->wrong ? -1 : walk->values;
	}
	free(walk);
	return result;
}

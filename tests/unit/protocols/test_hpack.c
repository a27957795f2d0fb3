/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of RFC 7541's kinds by hand, then long runs of an encoder (nghttp2's)
 * joined after each block: a field is right or unknown, never wrong.
 */
#include "hpack.h"

#include "huffman.h"
#include "message.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct row {
	const char *name;
	bool primed;
	const char *blocks; /* hex; a block ends at a space */
	const char *expected;
};

static const struct row rows[] = {
	{ "static fields", false, "828684", ":method: GET, :scheme: http, :path: /" },
	{ "a literal and its index", false, "400161016282 bebf", "a: b, :method: GET / error" },
	{ "a literal, then indexed", false, "4001610162 be", "a: b / a: b" },
	{ "not indexed", false, "0001610162 be", "a: b / error" },
	{ "never indexed", false, "1001610162", "a: b!" },
	{ "indexed name", false, "4001610162 7e0163", "a: b / a: c" },
	{ "empty value", false, "40016100", "a: " },
	{ "empty block", false, " 82", " / :method: GET" },
	{ "Huffman", false, "418cf1e3c2e5f23a6ba0ab90f4ff", ":authority: www.example.com" },
	{ "index out of range", false, "be 82", "error / :method: GET" },
	{ "cut", false, "4001", "error" },
	{ "bad Huffman", false, "0082ffff00", "error" },
	{ "Huffman: padding of seven bits at most", false, "0081ff0162 00811f0162 00821fff0162",
	  "error / a: b / error" },
	{ "Huffman: the end is never coded", false, "0084ffffffff0162", "error" },
	{ "Huffman: padding of zeros", false, "0081180162", "error" },
	{ "index 0", false, "80", "error" },
	{ "beyond 32 bits", false, "ff8080808010", "error" },
	{ "zeros without end", false, "ff808080808000", "error" },
	{ "a length beyond the block", false, "007fffffffff0f61", "error" },
	{ "emptied, and enlarged again", false, "4001610162 203fe11fbe", "a: b / error" },
	{ "emptied, then used", false, "4001610162 203fe11f4001630164be", "a: b / c: d, c: d" },
	{ "a size update behind a field", false, "8220", "error" },
	{ "too large for the table, which is empty then", false, "4001610162 3f0282 4001630164 bf",
	  "a: b / :method: GET / c: d / error" },
	{ "size update within the limit", false, "3fe1ff0382", ":method: GET" },
	{ "size update above the limit", false, "3fe2ff0382", "error" },
	{ "primed: an old entry is unknown", true, "be", "?: ?" },
	{ "primed: the oldest entry that may be", true, "ffff 80fd00 ff3e", "error / error / ?: ?" },
	{ "primed: static and literal are exact", true, "824001610162", ":method: GET, a: b" },
	{ "primed: a new entry is exact, an old one stays unknown", true, "4001610162 bebf",
	  "a: b / a: b, ?: ?" },
	{ "primed: an old name with a new value", true, "7e0163 be", "?: c / ?: c" },
	{ "primed: an old name with an empty value is taken as unknown", true, "7e00", "?: ?" },
	{ "after an error old entries are unknown", false, "4001610162 4001 be", "a: b / error / ?: ?" },
	{ "after an error a larger table is allowed for", false, "4001 ffe27f", "error / error" },
};

struct text {
	char bytes[4096];
	size_t len;
	const char *separator;
};

static void text_add(struct text *text, const char *bytes, size_t len)
{
	assert_true(text->len + len < sizeof(text->bytes));
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	text->bytes[text->len] = 0;
}

static void text_slice(struct text *text, struct slice s)
{
	if (s.data)
		text_add(text, (const char *)s.data, s.len);
	else
		text_add(text, "?", 1);
}

static void text_field(void *ctx, const struct hpack_field *field)
{
	struct text *text = ctx;

	assert_int_equal(!field->name.data, !!(field->flags & HEADER_NAME_UNKNOWN));
	assert_int_equal(!field->value.data, !!(field->flags & HEADER_VALUE_UNKNOWN));
	text_add(text, text->separator, strlen(text->separator));
	text_slice(text, field->name);
	text_add(text, ": ", 2);
	text_slice(text, field->value);
	if (field->flags & HEADER_NEVER_INDEXED)
		text_add(text, "!", 1);
	text->separator = ", ";
}

static size_t hex_read(const char *hex, uint8_t *out)
{
	unsigned int byte;
	size_t len = 0;

	for (; *hex && *hex != ' ' && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		out[len++] = (uint8_t)byte;
	return len;
}

static void block_text(struct hpack *hpack, const uint8_t *bytes, size_t len, struct text *text)
{
	const struct hpack_sink sink = { .ctx = text, .field = text_field };
	size_t before = text->len;
	uint8_t *exact = malloc(len ? len : 1);

	memcpy(exact, bytes, len);
	text->separator = "";
	if (hpack_inflate(hpack, slice_of(exact, len), true, &sink) == -EBADMSG) {
		text->len = before;
		text_add(text, "error", 5);
	}
	free(exact);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct hpack *hpack = hpack_new(65536);
		struct text text = { .bytes = "" };
		const char *at = rows[i].blocks;

		assert_non_null(hpack);
		if (rows[i].primed)
			hpack_prime(hpack);
		assert_int_equal(hpack_is_primed(hpack), rows[i].primed);
		while (at) {
			uint8_t bytes[256];

			block_text(hpack, bytes, hex_read(at, bytes), &text);
			at = strchr(at, ' ');
			if (at) {
				text_add(&text, " / ", 3);
				at++;
			}
		}
		if (strcmp(text.bytes, rows[i].expected) != 0)
			print_error("%s\n", rows[i].name);
		assert_string_equal(text.bytes, rows[i].expected);
		hpack_free(hpack);
	}
	hpack_free(NULL);
}

/* --- joining late ------------------------------------------------------------ */

#define BLOCKS 120
#define FIELDS 6

struct sent {
	char name[FIELDS][24], value[FIELDS][64];
	uint8_t wire[1024];
	size_t len;
};

struct check {
	const struct sent *sent;
	size_t at, known;
};

static void check_field(void *ctx, const struct hpack_field *field)
{
	struct check *check = ctx;
	size_t i = check->at++;

	assert_true(i < FIELDS);
	if (field->name.data)
		assert_true(slice_equal(field->name, slice_of_string(check->sent->name[i])));
	if (field->value.data)
		assert_true(slice_equal(field->value, slice_of_string(check->sent->value[i])));
	/* Names are mostly borrowed from entries that are older than the join; their values are sent. */
	check->known += field->value.data != NULL;
}

static void sent_make(struct sent *sent, nghttp2_hd_deflater *deflater, unsigned int n)
{
	nghttp2_nv nv[FIELDS];
	ssize_t len;

	for (unsigned int i = 0; i < FIELDS; i++) {
		snprintf(sent->name[i], sizeof(sent->name[i]), "field-%u", i + (i == 5 ? n % 40 : 0));
		snprintf(sent->value[i], sizeof(sent->value[i]), "value %u of a certain length",
			 n * (i + 3) % (i * 5 + 2));
		nv[i] = (nghttp2_nv){ .name = (uint8_t *)sent->name[i],
				      .value = (uint8_t *)sent->value[i],
				      .namelen = strlen(sent->name[i]),
				      .valuelen = strlen(sent->value[i]) };
	}
	len = nghttp2_hd_deflate_hd(deflater, sent->wire, sizeof(sent->wire), nv, FIELDS);
	assert_true(len > 0);
	sent->len = (size_t)len;
}

/* From block `first` on; block `lost` never arrives. Returns how many values were known. */
static size_t late_run(const struct sent *sent, size_t first, size_t lost)
{
	struct hpack *hpack = hpack_new(65536);
	struct check check = { 0 };
	const struct hpack_sink sink = { .ctx = &check, .field = check_field };

	if (first > 0)
		hpack_prime(hpack);
	for (size_t n = first; n < BLOCKS; n++) {
		check.sent = &sent[n];
		check.at = 0;
		if (n == lost) {
			hpack_prime(hpack);
			continue;
		}
		/* With a larger table unseen a block may fail; what it gave before was right all the same. */
		if (hpack_inflate(hpack, slice_of(sent[n].wire, sent[n].len), true, &sink) == 0)
			assert_int_equal(check.at, FIELDS);
	}
	hpack_free(hpack);
	return check.known;
}

/* least_known: of 714 values, when only the first block was missed. */
static void late_runs(size_t table_bytes, size_t least_known)
{
	struct sent *sent = calloc(BLOCKS, sizeof(*sent));
	nghttp2_hd_deflater *deflater;

	assert_int_equal(nghttp2_hd_deflate_new(&deflater, table_bytes), 0);
	if (table_bytes != 4096)
		assert_int_equal(nghttp2_hd_deflate_change_table_size(deflater, table_bytes), 0);
	for (unsigned int n = 0; n < BLOCKS; n++)
		sent_make(&sent[n], deflater, n);
	assert_int_equal(late_run(sent, 0, BLOCKS), BLOCKS * FIELDS);
	for (size_t n = 1; n < BLOCKS; n++) {
		late_run(sent, n, BLOCKS);
		late_run(sent, 0, n);
	}
	assert_true(late_run(sent, 1, BLOCKS) >= least_known);
	nghttp2_hd_deflate_del(deflater);
	free(sent);
}

static void test_late(void **state)
{
	(void)state;
	late_runs(4096, 700);
	late_runs(512, 700);
	/* Nobody saw that the table grew: the first miss costs what was learnt. */
	late_runs(65536, 200);
}

/* A block names a request's pseudo-header field, or it cannot be told without the table. */
static void test_names_request(void **state)
{
	static const struct {
		const char *block;
		size_t len;
		bool expected;
	} blocks[] = {
		{ "\x82", 1, true },			      /* :method GET */
		{ "\xbe\x87", 2, true },		      /* ?, :scheme */
		{ "\x3f\xe1\x1f\xc0\x84", 5, true },	      /* size update, ?, :path */
		{ "\x40\1a\1b\x44\1/", 7, true },	      /* a: b, :path */
		{ "\x00\1a\3\x82\x82\x82\x11\1h", 10, true }, /* a: (three bytes), :authority never indexed */
		{ "\x40\1a\1\x82", 5, false },		      /* a: (one byte) */
		{ "\x88\xbe", 2, false },		      /* :status, ? */
		{ "\xff\x82", 2, false },		      /* an index that takes more bytes */
		{ "\x40\x7f\xff\xff\xff\xff\x7f\x82", 8, false },
		{ "\x00\x7f", 2, false },
		{ "", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		if (hpack_names_request(slice_of(blocks[i].block, blocks[i].len)) != blocks[i].expected)
			fail_msg("row %zu", i);
}

/* A table may have had 32,768 entries that nobody saw: to say so of it again and again takes neither time nor
 * memory. */
static void test_priming_is_cheap(void **state)
{
	static const uint8_t large[] = { 0x3f, 0xe1, 0xff, 0x3f, 0x82 }; /* a table of 1 MiB, :method GET */
	struct text text = { .bytes = "" };
	struct hpack *hpack = hpack_new(1 << 20);
	const struct hpack_sink sink = { .ctx = &text, .field = text_field };
	size_t empty_bytes = hpack_memory(hpack);

	(void)state;
	assert_int_equal(hpack_inflate(hpack, slice_of(large, sizeof(large)), true, NULL), 0);
	for (int i = 0; i < 1000000; i++) {
		hpack_prime(hpack);
		assert_int_equal(hpack_inflate(hpack, SLICE("\x82"), true, NULL), 0);
	}
	assert_int_equal(hpack_memory(hpack), empty_bytes);
	text.separator = "";
	/* 61 static ones and 32,768 unknown ones: 32,829 is the last. */
	assert_int_equal(hpack_inflate(hpack, SLICE("\xff\xbe\xff\x01"), true, &sink), 0);
	assert_string_equal(text.bytes, "?: ?");
	assert_int_equal(hpack_inflate(hpack, SLICE("\xff\xbf\xff\x01"), true, NULL), -EBADMSG);
	hpack_free(hpack);
}

/* --- beside nghttp2's inflater ------------------------------------------------ */

#define RUNS 3000

/* Numbers that are the same in each run. */
static unsigned int random_next(unsigned int limit)
{
	static uint32_t state = 1;

	state = state * UINT32_C(1664525) + UINT32_C(1013904223);
	return (unsigned int)((uint64_t)state * limit >> 32);
}

static void theirs_text(nghttp2_hd_inflater *inflater, const uint8_t *at, size_t len, struct text *text)
{
	int flags = 0;

	text->separator = "";
	text->len = text->bytes[0] = 0;
	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		nghttp2_nv nv;
		ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, at, len, true);

		if (used < 0 ||
		    (used == 0 && !(flags & (NGHTTP2_HD_INFLATE_FINAL | NGHTTP2_HD_INFLATE_EMIT)))) {
			text->len = 0;
			text_add(text, "error", 5);
			return;
		}
		at += used;
		len -= (size_t)used;
		if (flags & NGHTTP2_HD_INFLATE_EMIT) {
			struct hpack_field field = {
				.name = slice_of(nv.name, nv.namelen),
				.value = slice_of(nv.value, nv.valuelen),
				.flags = nv.flags & NGHTTP2_NV_FLAG_NO_INDEX ? HEADER_NEVER_INDEXED : 0,
			};

			text_field(text, &field);
		}
	}
	nghttp2_hd_inflate_end_headers(inflater);
}

static size_t string_make(uint8_t *out, bool may_be_empty)
{
	size_t len = random_next(10) ? random_next(12) : random_next(127);

	if (!len && !may_be_empty)
		len = 1;
	out[0] = (uint8_t)(len | (random_next(2) ? 0x80 : 0));
	for (size_t i = 1; i <= len; i++)
		out[i] = (uint8_t)random_next(256);
	/* Of random bits most are no code. */
	if (out[0] & 0x80 && random_next(100)) {
		uint8_t symbols[16];
		size_t bits = 0, count = 0;

		for (; count < sizeof(symbols) &&
		       (bits + huffman_bits(symbols[count] = (uint8_t)random_next(256))) <= 126 * 8;
		     count++)
			bits += huffman_bits(symbols[count]);
		len = (bits + 7) / 8;
		out[0] = (uint8_t)(len | 0x80);
		assert_true(huffman_encode(symbols, count, out + 1, len));
	}
	return len + 1;
}

/* Representations of all kinds, mostly such that may be; at most 1,500 bytes. */
static size_t block_make(uint8_t *out, unsigned int *added)
{
	unsigned int fields = random_next(6);
	size_t len = 0;

	if (!random_next(40))
		len += (size_t)sprintf((char *)out, "\x3f%c%c", 0x80 | (int)random_next(128),
				       (int)random_next(64));
	for (unsigned int i = 0; i < fields; i++) {
		static const uint8_t kinds[] = { 0x40, 0x40, 0x00, 0x10 };
		uint8_t kind = kinds[random_next(4)];

		*added += kind == 0x40;
		if (random_next(2)) {
			out[len++] =
				(uint8_t)(0x80 |
					  (random_next(200)
						   ? 1 + random_next(61 + (*added < 40 ? *added / 2 : 20))
						   : random_next(127)));
			continue;
		}
		if (random_next(2)) {
			out[len++] = (uint8_t)(kind | (1 + random_next(kind == 0x40 ? 61 : 14)));
		} else {
			out[len++] = kind;
			len += string_make(out + len, false);
		}
		len += string_make(out + len, true);
	}
	if (len && !random_next(500))
		len = random_next((unsigned int)len);
	return len;
}

/* Until the first error, behind which ours goes on and theirs does not. */
static void test_beside_another(void **state)
{
	size_t blocks = 0, errors = 0;

	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct hpack *hpack = hpack_new(16384);
		struct text ours = { .bytes = "" }, theirs = { .bytes = "" };
		nghttp2_hd_inflater *inflater;
		unsigned int added = 0;
		bool goes_on = true;

		assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
		assert_int_equal(nghttp2_hd_inflate_change_table_size(inflater, 16384), 0);
		for (int i = 0; i < 200 && goes_on; i++) {
			uint8_t block[1600];
			size_t len = block_make(block, &added);

			ours.len = ours.bytes[0] = 0;
			block_text(hpack, block, len, &ours);
			theirs_text(inflater, block, len, &theirs);
			goes_on = strcmp(theirs.bytes, "error") != 0;
			assert_int_equal(ours.len, theirs.len);
			assert_memory_equal(ours.bytes, theirs.bytes, ours.len);
			blocks++;
		}
		errors += !goes_on;
		nghttp2_hd_inflate_del(inflater);
		hpack_free(hpack);
	}
	assert_true(blocks > RUNS * 10 && errors > RUNS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	       cmocka_unit_test(test_late),
		cmocka_unit_test(test_names_request),  cmocka_unit_test(test_priming_is_cheap),
		cmocka_unit_test(test_beside_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search is one walk over all code, in pieces: compilers let functions begin at multiples of 16, so only
 * there the bytes are compared, eight at once, and mostly not beyond the first four. Who fills a file with
 * what looks alike makes the walk some ten times as long and is told that it is not unique.
 */
#include "signature.h"

#include "libraries.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILIES_MAX  32
#define BYTES_MAX     256
#define FIRST_BYTES   4	 /* of each function are certain */
#define CERTAIN_LEAST 24 /* of a function */
#define FUNCTION_STEP 16 /* where functions begin */
#define WORD_MAX      64

struct pattern {
	const char *function; /* of the row */
	uint8_t bytes[BYTES_MAX], certain[BYTES_MAX];
	size_t len;
};

struct family {
	char name[LOCATIONS_SOURCE_MAX - sizeof("signature ")];
	char symbol[WORD_MAX];
	const struct library_row *row;
	struct pattern functions[LOCATIONS_MAX];
	size_t count;
	bool has_layout;
	struct tls_layout layout;
};

struct signatures {
	struct family *families[FAMILIES_MAX];
	size_t count;
};

/* --- reading the data ---------------------------------------------------------------------- */

static struct slice word_take(struct slice *line)
{
	size_t start = 0, end;

	while (start < line->len && line->data[start] == ' ')
		start++;
	end = start;
	while (end < line->len && line->data[end] != ' ')
		end++;
	*line = slice_drop(*line, start);
	*line = slice_drop(*line, end - start);
	return slice_of(line->data - (end - start), end - start);
}

static bool word_copy(struct slice word, char *out, size_t size)
{
	if (!word.len || word.len >= size)
		return false;
	memcpy(out, word.data, word.len);
	out[word.len] = '\0';
	return true;
}

static int hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int bytes_parse(struct pattern *pattern, struct slice line)
{
	struct slice word;

	while ((word = word_take(&line)).len) {
		bool certain = !slice_equal(word, SLICE("??"));
		int high = 0, low = 0;

		if (word.len != 2 || pattern->len == BYTES_MAX)
			return -EINVAL;
		if (certain) {
			high = hex_digit(word.data[0]);
			low = hex_digit(word.data[1]);
		}
		if (high < 0 || low < 0)
			return -EINVAL;
		pattern->bytes[pattern->len] = (uint8_t)(high << 4 | low);
		pattern->certain[pattern->len++] = certain ? 0xff : 0;
	}
	return 0;
}

/* -EINVAL: too little is certain for a function to be told by it. */
static int pattern_finish(const struct pattern *pattern)
{
	size_t certain = 0;

	for (size_t i = 0; i < pattern->len; i++) {
		certain += pattern->certain[i] != 0;
		if (i < FIRST_BYTES && !pattern->certain[i])
			return -EINVAL;
	}
	return certain < CERTAIN_LEAST ? -EINVAL : 0;
}

/* All functions of the family are told, and what is needed is among them. */
static int family_finish(struct family *family)
{
	bool reads = false, writes = false;

	for (size_t i = 0; i < family->count; i++) {
		const struct library_function *function =
			libraries_find_function(family->row, family->functions[i].function);

		if (pattern_finish(&family->functions[i]))
			return -EINVAL;
		reads |= function->call.kind == TLS_READ;
		writes |= function->call.kind == TLS_WRITE;
	}
	return reads && writes ? 0 : -EINVAL;
}

/* "family NAME of ROW where SYMBOL" */
static int family_begin(struct signatures *signatures, struct slice line)
{
	struct family *family;
	char row[WORD_MAX];

	if (signatures->count == FAMILIES_MAX)
		return -EINVAL;
	family = calloc(1, sizeof(*family));
	if (!family)
		return -ENOMEM;
	signatures->families[signatures->count++] = family;
	if (!word_copy(word_take(&line), family->name, sizeof(family->name)) ||
	    !slice_equal(word_take(&line), SLICE("of")) || !word_copy(word_take(&line), row, sizeof(row)) ||
	    !slice_equal(word_take(&line), SLICE("where")) ||
	    !word_copy(word_take(&line), family->symbol, sizeof(family->symbol)) || word_take(&line).len)
		return -EINVAL;
	family->row = libraries_find_claimable(row);
	return family->row ? 0 : -EINVAL;
}

static int layout_parse(struct family *family, struct slice line)
{
	unsigned long numbers[5];
	char word[WORD_MAX], *end;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (!word_copy(word_take(&line), word, sizeof(word)))
			return -EINVAL;
		numbers[i] = strtoul(word, &end, 0);
		if (*end || numbers[i] > UINT16_MAX)
			return -EINVAL;
	}
	if (word_take(&line).len || !numbers[4] || numbers[4] > UINT8_MAX)
		return -EINVAL;
	family->has_layout = true;
	family->layout = (struct tls_layout){
		.pointer = (__u16)numbers[0],
		.client_random = (__u16)numbers[1],
		.server_random = (__u16)numbers[2],
		.server = (__u16)numbers[3],
		.server_mask = (__u8)numbers[4],
	};
	return 0;
}

static int function_begin(struct family *family, struct slice first, struct slice line)
{
	const struct library_function *function;
	char name[WORD_MAX];

	if (family->count == LOCATIONS_MAX || !word_copy(first, name, sizeof(name)))
		return -EINVAL;
	function = libraries_find_function(family->row, name);
	if (!function)
		return -EINVAL;
	family->functions[family->count].function = function->name;
	return bytes_parse(&family->functions[family->count++], line);
}

static int line_parse(struct signatures *signatures, struct slice line)
{
	struct family *family = signatures->count ? signatures->families[signatures->count - 1] : NULL;
	struct slice rest = line, first;

	if (!line.len || line.data[0] == '#')
		return 0;
	if (line.data[0] == ' ')
		return family && family->count ? bytes_parse(&family->functions[family->count - 1], line)
					       : -EINVAL;
	first = word_take(&rest);
	if (slice_equal(first, SLICE("family"))) {
		int err = family ? family_finish(family) : 0;

		return err ? err : family_begin(signatures, rest);
	}
	if (!family)
		return -EINVAL;
	return slice_equal(first, SLICE("layout")) ? layout_parse(family, rest)
						   : function_begin(family, first, rest);
}

struct signatures *signatures_parse(struct slice text, size_t *line)
{
	struct signatures *signatures = calloc(1, sizeof(*signatures));
	int err = signatures ? 0 : -ENOMEM;

	for (*line = 1; !err && text.len; (*line)++) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		err = line_parse(signatures, slice_take(text, len));
		text = slice_drop(text, len + (end != NULL));
		if (err)
			break;
	}
	if (!err && signatures->count)
		err = family_finish(signatures->families[signatures->count - 1]);
	if (!err)
		return signatures;
	signatures_free(signatures);
	errno = -err;
	return NULL;
}

void signatures_free(struct signatures *signatures)
{
	if (!signatures)
		return;
	for (size_t i = 0; i < signatures->count; i++)
		free(signatures->families[i]);
	free(signatures);
}

/* share/tls-signatures, byte by byte. Global: what refers to it may be another unit when the program is
 * linked. */
__asm__(".pushsection .rodata\n"
	".globl signature_text, signature_text_end\n"
	".hidden signature_text, signature_text_end\n"
	"signature_text:\n"
	".incbin \"share/tls-signatures\"\n"
	"signature_text_end:\n"
	".popsection");
extern const uint8_t signature_text[], signature_text_end[];

struct signatures *signatures_new(void)
{
	size_t line;

	return signatures_parse(slice_of(signature_text, (size_t)(signature_text_end - signature_text)),
				&line);
}

/* --- looking for them ------------------------------------------------------------------------ */

/* Where a family's functions were met. */
struct locations_search {
	const struct family *family;
	uint64_t address[LOCATIONS_MAX]; /* the first of each */
	unsigned int met[LOCATIONS_MAX]; /* how often */
};

struct search {
	struct locations_search families[FAMILIES_MAX];
	size_t count;
	uint32_t firsts[FAMILIES_MAX *
			LOCATIONS_MAX]; /* first bytes, each once: most code begins with none of them */
	size_t first_count;
	void (*pause)(void *ctx);
	void *pause_ctx;
};

static bool pattern_matches(const struct pattern *pattern, const uint8_t *code)
{
	for (size_t at = 0; at < pattern->len; at += sizeof(uint64_t)) {
		size_t left = pattern->len - at, n = left < sizeof(uint64_t) ? left : sizeof(uint64_t);
		uint64_t bytes = 0, wanted, certain;

		memcpy(&bytes, code + at, n);
		memcpy(&wanted, pattern->bytes + at, sizeof(wanted));
		memcpy(&certain, pattern->certain + at, sizeof(certain));
		if ((bytes ^ wanted) & certain)
			return false;
	}
	return true;
}

/* Pieces overlap, so one may be met twice. */
static void location_met(struct locations_search *search, size_t function, uint64_t address)
{
	if (search->met[function] && search->address[function] == address)
		return;
	if (!search->met[function])
		search->address[function] = address;
	search->met[function]++;
}

static void family_search(struct locations_search *search, uint64_t address, const uint8_t *code, size_t len)
{
	const struct family *family = search->family;

	for (size_t i = 0; i < family->count; i++) {
		const struct pattern *pattern = &family->functions[i];

		if (pattern->len <= len && pattern_matches(pattern, code))
			location_met(search, i, address);
	}
}

static bool is_first(const struct search *search, uint32_t bytes)
{
	for (size_t i = 0; i < search->first_count; i++)
		if (search->firsts[i] == bytes)
			return true;
	return false;
}

static uint32_t first_of(const uint8_t *code)
{
	uint32_t bytes;

	static_assert(sizeof(bytes) == FIRST_BYTES, "compared at once");
	memcpy(&bytes, code, sizeof(bytes));
	return bytes;
}

static bool piece_search(void *ctx, uint64_t address, struct slice code)
{
	struct search *search = ctx;
	size_t at = (size_t)(-address % FUNCTION_STEP);

	for (; at + CERTAIN_LEAST <= code.len; at += FUNCTION_STEP) {
		if (!is_first(search, first_of(code.data + at)))
			continue;
		for (size_t i = 0; i < search->count; i++)
			family_search(&search->families[i], address + at, code.data + at, code.len - at);
	}
	if (search->pause)
		search->pause(search->pause_ctx);
	return true;
}

static void family_add(struct search *search, const struct family *family)
{
	search->families[search->count++].family = family;
	for (size_t i = 0; i < family->count; i++) {
		uint32_t first = first_of(family->functions[i].bytes);

		if (!is_first(search, first))
			search->firsts[search->first_count++] = first;
	}
}

static bool family_is_clear(const struct locations_search *search)
{
	for (size_t i = 0; i < search->family->count; i++)
		if (search->met[i] != 1)
			return false;
	return true;
}

static void locations_fill(const struct locations_search *search, struct locations *out)
{
	const struct family *family = search->family;

	*out = (struct locations){
		.count = family->count,
		.has_layout = family->has_layout,
		.layout = family->layout,
	};
	snprintf(out->source, sizeof(out->source), "signature %s", family->name);
	for (size_t i = 0; i < family->count; i++) {
		out->at[i].function = family->functions[i].function;
		out->at[i].address = search->address[i];
	}
}

const struct library_row *signatures_find(const struct signatures *signatures, const struct elf_file *elf,
					  void (*pause)(void *ctx), void *ctx, struct locations *out)
{
	const struct library_row *found = NULL;
	struct search search = { .pause = pause, .pause_ctx = ctx };

	for (size_t i = 0; i < signatures->count; i++)
		if (elf_exports(elf, signatures->families[i]->symbol))
			family_add(&search, signatures->families[i]);
	if (!search.count || !elf_is_x86_64(elf))
		return NULL;
	elf_each_code(elf, BYTES_MAX, piece_search, &search);
	for (size_t i = 0; i < search.count; i++) {
		if (!family_is_clear(&search.families[i]))
			continue;
		if (found)
			return NULL;
		found = search.families[i].family->row;
		locations_fill(&search.families[i], out);
	}
	return found;
}

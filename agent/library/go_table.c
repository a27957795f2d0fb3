/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table as runtime/symtab.go of Go 1.18 has it: a header of words, then
 * regions at the offsets that the header tells, of which two matter here. The
 * functions are in order of their code; each names itself by an offset into a
 * region of strings.
 *
 * The file may be made to hurt: each offset is checked against what there is.
 */
#include "go_table.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define MAGIC_1_18    0xfffffff0u
#define MAGIC_1_20    0xfffffff1u
#define POINTER_BYTES 8
#define ENTRY_BYTES   8 /* of the table of functions: where its code is, where its description is */

/* Words of the header, behind the magic number and the sizes. */
enum go_word {
	GO_FUNCTIONS = 0,
	GO_TEXT = 2,
	GO_NAMES = 3,
	GO_TABLE = 7,
	GO_WORDS,
};

static uint32_t go_u32(struct slice table, uint64_t at)
{
	uint32_t value;

	memcpy(&value, table.data + at, sizeof(value));
	return value;
}

static uint64_t go_word(struct slice table, enum go_word word)
{
	uint64_t value;

	memcpy(&value, table.data + 8 + (size_t)word * POINTER_BYTES, sizeof(value));
	return value;
}

static bool go_table_is_known(struct slice table)
{
	uint32_t magic;

	if (table.len < 8 + GO_WORDS * POINTER_BYTES)
		return false;
	magic = go_u32(table, 0);
	return (magic == MAGIC_1_18 || magic == MAGIC_1_20) && table.data[7] == POINTER_BYTES;
}

struct slice go_table_search(struct slice bytes)
{
	/* Behind the magic number: two zeros, the size of an instruction's unit, that of a pointer. */
	static const uint8_t sign[] = { 0xff, 0xff, 0xff, 0, 0, 1, POINTER_BYTES };
	const uint8_t *at;

	while (bytes.len && (at = memmem(bytes.data, bytes.len, sign, sizeof(sign)))) {
		size_t offset = (size_t)(at - bytes.data);
		struct slice table = slice_drop(bytes, offset ? offset - 1 : 0);

		if (offset && go_table_is_known(table) && go_word(table, GO_NAMES) < table.len &&
		    go_word(table, GO_TABLE) < table.len)
			return table;
		bytes = slice_drop(bytes, offset + 1);
	}
	return slice_of(NULL, 0);
}

uint64_t go_table_text(struct slice table)
{
	return go_table_is_known(table) ? go_word(table, GO_TEXT) : 0;
}

/* Where a name begins in the strings; -1: it is none of them. */
static int64_t name_find(struct slice names, const char *name)
{
	size_t size = strlen(name) + 1;
	const uint8_t *at = names.data, *end = names.data + names.len;

	while ((at = memmem(at, (size_t)(end - at), name, size))) {
		if (at == names.data || at[-1] == '\0')
			return at - names.data;
		at++;
	}
	return -1;
}

int go_table_find(struct slice table, const char *name, struct go_function *out)
{
	uint64_t count, names_at, table_at;
	struct slice functions;
	int64_t wanted;

	if (!go_table_is_known(table))
		return -ENOENT;
	count = go_word(table, GO_FUNCTIONS);
	names_at = go_word(table, GO_NAMES);
	table_at = go_word(table, GO_TABLE);
	if (names_at >= table.len || table_at >= table.len)
		return -ENOENT;
	functions = slice_drop(table, table_at);
	/* Behind the last entry stands where its code ends. */
	if (functions.len < sizeof(uint32_t) || count > (functions.len - sizeof(uint32_t)) / ENTRY_BYTES)
		return -ENOENT;
	wanted = name_find(slice_drop(table, names_at), name);
	for (uint64_t i = 0; wanted >= 0 && i < count; i++) {
		uint32_t entry = go_u32(functions, i * ENTRY_BYTES);
		uint32_t next = go_u32(functions, (i + 1) * ENTRY_BYTES);
		uint64_t description = go_u32(functions, i * ENTRY_BYTES + 4);

		if (description + 8 > functions.len || go_u32(functions, description + 4) != wanted)
			continue;
		if (next <= entry)
			return -ENOENT;
		*out = (struct go_function){ .offset = entry, .size = next - entry };
		return 0;
	}
	return -ENOENT;
}

/* Small frames compare the stack pointer itself with the limit in the goroutine, others what it will be. */
bool go_function_begins(const uint8_t *code, size_t len)
{
	static const uint8_t compare[] = { 0x49, 0x3b, 0x66, 0x10 }; /* cmp rsp, [r14 + 16] */
	static const uint8_t reserve[] = { 0x4c, 0x8d };	     /* lea r12 or r13, [rsp - N] */
	static const uint8_t limit[] = { 0x4d, 0x3b };		     /* cmp r12 or r13, [r14 + 16] */

	if (len >= sizeof(compare) && memcmp(code, compare, sizeof(compare)) == 0)
		return true;
	if (len < 12 || memcmp(code, reserve, sizeof(reserve)) != 0)
		return false;
	return memcmp(code + 5, limit, sizeof(limit)) == 0 || memcmp(code + 8, limit, sizeof(limit)) == 0;
}

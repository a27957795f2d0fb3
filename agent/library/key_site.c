/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The function has a symbol in programs that keep theirs, and in none of Debian's libraries. There its
 * callers tell it: each loads the address of a label that RFC 9850 has ("CLIENT_RANDOM", "EXPORTER_SECRET",
 * ...) as the second argument,
 *
 *   lea rsi, [rip + distance]   mov rdi, rbp   call function      or, at a fixed place: mov esi, address
 *
 * and calls it in a straight line behind that. Several labels do so in each library, and all of them have to
 * lead to one function, or nothing is probed. Others are chosen at run time and loaded elsewhere, which says
 * nothing.
 */
#include "key_site.h"

#include "disasm.h"
#include "go_table.h"
#include "libraries.h"
#include "session_layout.h"

#include <errno.h>
#include <string.h>

#define LEA	     0x48 /* how the two loads begin */
#define MOV	     0xbe
#define LOAD_BYTES   7
#define WINDOW_BYTES 96 /* from the load to the call, at most */
#define TEXTS_MAX    64
#define LABELS_LEAST 2

static const char *const labels[] = {
	"CLIENT_RANDOM",
	"CLIENT_EARLY_TRAFFIC_SECRET",
	"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
	"SERVER_HANDSHAKE_TRAFFIC_SECRET",
	"CLIENT_TRAFFIC_SECRET_0",
	"SERVER_TRAFFIC_SECRET_0",
	"EARLY_EXPORTER_SECRET",
	"EXPORTER_SECRET",
};

struct search {
	struct disasm *disasm;
	struct elf_text texts[TEXTS_MAX];
	size_t text_count;
	uint64_t target; /* 0: none yet */
	uint32_t seen;	 /* labels that lead there, a bit each */
	bool unclear;	 /* they lead to several */
};

/* The label whose address these bytes load as the second argument, and how many they are; NULL: they do
 * something else. */
static const struct elf_text *loaded_label(const struct search *search, uint64_t address, struct slice code,
					   size_t *size)
{
	static const uint8_t lea[] = { LEA, 0x8d, 0x35 };
	bool relative = slice_has_prefix(code, slice_of(lea, sizeof(lea)));
	int32_t number;

	*size = (relative ? sizeof(lea) : 1) + sizeof(number);
	if (code.len < *size || !(relative || *code.data == MOV))
		return NULL;
	memcpy(&number, code.data + *size - sizeof(number), sizeof(number));
	address = relative ? address + *size + (uint64_t)(int64_t)number : (uint32_t)number;
	for (size_t i = 0; i < search->text_count; i++)
		if (search->texts[i].address == address)
			return &search->texts[i];
	return NULL;
}

/* Where a straight line of instructions calls, with rsi as it is; 0: it does not, or not directly. */
static uint64_t called_behind(const struct search *search, uint64_t address, struct slice code)
{
	struct instruction insn;

	for (size_t at = 0;
	     !disasm_decode(search->disasm, code.data + at, code.len - at, address + at, &insn);
	     at += insn.size) {
		if (insn.call)
			return insn.direct ? insn.target : 0;
		if (insn.direct || insn.jump || insn.leaves || insn.changed & 1u << 6 /* rsi */)
			return 0;
	}
	return 0;
}

static bool search_code(void *ctx, uint64_t address, struct slice code)
{
	struct search *search = ctx;

	for (size_t at = 0; at < code.len && !search->unclear; at++) {
		const struct elf_text *label;
		uint64_t target;
		size_t size;

		if (code.data[at] != LEA && code.data[at] != MOV)
			continue;
		label = loaded_label(search, address + at, slice_drop(code, at), &size);
		target = label ? called_behind(search, address + at + size,
					       slice_take(slice_drop(code, at + size), WINDOW_BYTES))
			       : 0;
		if (!target)
			continue;
		search->unclear = search->target && search->target != target;
		search->target = target;
		search->seen |= 1u << label->which;
	}
	return !search->unclear;
}

/* 0: its callers do not tell it. */
static uint64_t find_by_labels(const struct elf_file *elf)
{
	struct search search = { .target = 0 };

	if (!elf_is_x86_64(elf))
		return 0;
	search.text_count =
		elf_find_texts(elf, labels, sizeof(labels) / sizeof(labels[0]), search.texts, TEXTS_MAX);
	search.disasm = search.text_count ? disasm_new() : NULL;
	if (!search.disasm)
		return 0;
	elf_each_code(elf, LOAD_BYTES + WINDOW_BYTES, search_code, &search);
	disasm_free(search.disasm);
	return search.unclear || __builtin_popcount(search.seen) < LABELS_LEAST ? 0 : search.target;
}

static bool is_goes_convention(const struct elf_file *elf, uint64_t address)
{
	uint8_t code[32];
	long len = elf_read_code(elf, address, code, sizeof(code));

	return len > 0 && go_function_begins(code, (size_t)len);
}

int key_site_find(const struct elf_file *elf, const struct library_found *found, struct key_site *out,
		  const char **why)
{
	const struct library_row *row = found->row;
	struct key_site site = { .address = 0 };
	struct elf_symbol symbol;

	*why = "hark does not know where this library has them";
	if (!row->secrets)
		return -ENOENT;
	*why = "the function that takes them for a key log was not found in it";
	if (!elf_find_function(elf, row->secrets, &symbol))
		site.address = symbol.address;
	else if (row->calls == LIBRARY_CALLS_C)
		site.address = find_by_labels(elf);
	if (!site.address || elf_file_offset(elf, site.address, &site.file_offset) < 0)
		return -ENOENT;
	if (row->calls == LIBRARY_CALLS_GO) {
		*why = "it is called in a way that hark does not know";
		if (!is_goes_convention(elf, site.address))
			return -ENOENT;
	} else {
		*why = "where its sessions keep the client's random is not clear";
		if (!session_layout_randoms(elf, found, &site.layout))
			return -ENOENT;
	}
	*out = site;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A claim that cannot be right is refused before anything runs: a probe inside of an instruction would change
 * what the program does, and one inside of a function tells nothing. Where functions begin the table for
 * unwinding says, which nearly all files have; where there is none, an instruction must begin there and what
 * stands before must look like an end.
 */
#include "library_claim.h"

#include "disasm.h"
#include "elf_file.h"
#include "libraries.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int claim_wrong(char why[CLAIM_WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, CLAIM_WHY_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

/* --- its words ------------------------------------------------------------------------------- */

/* The names that may stand there, "a, b, c". */
static const char *rows_list(char *out, size_t size)
{
	const struct library_row *row;
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; (row = libraries_row(i)); i++)
		if (libraries_find_claimable(row->name) == row && at < size)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", row->name);
	return out;
}

static const char *functions_list(const struct library_row *row, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (const struct library_function *function = row->functions; function->name && at < size;
	     function++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", function->name);
	return out;
}

/* "FUNCTION@OFFSET" */
static int location_parse(struct library_claim *claim, char *text, char why[CLAIM_WHY_MAX])
{
	struct locations *locations = &claim->locations;
	const struct library_function *function;
	char *at = strchr(text, '@'), *end, list[CLAIM_WHY_MAX / 2];

	if (!at || !at[1] || at == text)
		return claim_wrong(why, "'%s' is no FUNCTION@OFFSET", text);
	*at++ = '\0';
	function = libraries_find_function(claim->row, text);
	if (!function)
		return claim_wrong(why, "%s has no function '%s' that hark knows; it has %s",
				   claim->row->name, text, functions_list(claim->row, list, sizeof(list)));
	for (size_t i = 0; i < locations->count; i++)
		if (locations->at[i].function == function->name)
			return claim_wrong(why, "%s is given twice", function->name);
	if (locations->count == LOCATIONS_MAX)
		return claim_wrong(why, "more than %d functions", LOCATIONS_MAX);
	errno = 0;
	claim->offsets[locations->count] = strtoull(at, &end, 0);
	if (errno || *end || *at == '-' || *at == '+' || *at == ' ')
		return claim_wrong(why, "%s: '%s' is no offset in a file (0x1a2b0, 107184)", function->name,
				   at);
	locations->at[locations->count++].function = function->name;
	return 0;
}

int library_claim_parse(const char *text, struct library_claim *out, char why[CLAIM_WHY_MAX])
{
	const char *name = strrchr(text, '=');
	char words[1024], list[CLAIM_WHY_MAX / 2], *next = words, *word;
	size_t len = name ? (size_t)(name - text) : 0;

	*out = (struct library_claim){ .row = NULL };
	snprintf(out->locations.source, sizeof(out->locations.source), "--tls-library");
	if (!len || !name[1])
		return claim_wrong(why, "'%s' is no PATH=NAME (/opt/app/server=boringssl)", text);
	if (len >= sizeof(out->path) || strlen(name + 1) >= sizeof(words))
		return claim_wrong(why, "it is too long");
	memcpy(out->path, text, len);
	snprintf(words, sizeof(words), "%s", name + 1);
	word = strsep(&next, ",");
	out->row = libraries_find_claimable(word);
	if (!out->row)
		return claim_wrong(why, "'%s' is no TLS library that can be named; there are %s", word,
				   rows_list(list, sizeof(list)));
	while ((word = strsep(&next, ","))) {
		int err = location_parse(out, word, why);

		if (err)
			return err;
	}
	return 0;
}

/* --- its file -------------------------------------------------------------------------------- */

/* Bytes that compilers and linkers put between functions, and those that end a function. */
static bool ends_before(const uint8_t *code)
{
	static const uint8_t ends[] = { 0xcc, 0x90, 0x00, 0xc3 };

	return memchr(ends, code[0], sizeof(ends)) != NULL;
}

static bool instruction_begins(const struct elf_file *elf, uint64_t address)
{
	struct disasm *disasm = elf_is_x86_64(elf) ? disasm_new() : NULL;
	struct instruction insn;
	uint8_t code[16], before;
	long len = elf_read_code(elf, address, code, sizeof(code));
	bool begins = !disasm || (len > 0 && !disasm_decode(disasm, code, (size_t)len, address, &insn));

	if (begins && disasm && !insn.endbr && address % 16 &&
	    elf_read_code(elf, address - 1, &before, 1) == 1)
		begins = ends_before(&before);
	disasm_free(disasm);
	return begins;
}

static int location_check(const struct library_claim *claim, const struct elf_file *elf, size_t i,
			  uint64_t *address, char why[CLAIM_WHY_MAX])
{
	const char *function = claim->locations.at[i].function;
	uint64_t offset = claim->offsets[i], before, before_offset;

	if (elf_code_address(elf, offset, address))
		return claim_wrong(
			why,
			"%s@%#llx: no code stands at that offset of %.200s; an offset counts from the "
			"file's first byte (an address less p_vaddr, plus p_offset: readelf -lW)",
			function, (unsigned long long)offset, claim->path);
	before = elf_function_before(elf, *address);
	if (before == *address || (before == UINT64_MAX && instruction_begins(elf, *address)))
		return 0;
	if (before == UINT64_MAX || !before || elf_file_offset(elf, before, &before_offset))
		return claim_wrong(why, "%s@%#llx: no function begins there in %.200s", function,
				   (unsigned long long)offset, claim->path);
	return claim_wrong(
		why, "%s@%#llx: no function begins there in %.200s; the one before begins at %#llx", function,
		(unsigned long long)offset, claim->path, (unsigned long long)before_offset);
}

static bool function_stands(const struct library_claim *claim, const struct elf_file *elf, const char *name)
{
	struct elf_symbol symbol;

	for (size_t i = 0; i < claim->locations.count; i++)
		if (claim->locations.at[i].function == name)
			return true;
	return !elf_find_function(elf, name, &symbol);
}

/* Without one of each nothing could be read. */
static int kinds_check(const struct library_claim *claim, const struct elf_file *elf, char why[CLAIM_WHY_MAX])
{
	static const enum tls_call_kind needed[] = { TLS_READ, TLS_WRITE };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		const struct library_function *function, *first = NULL;
		bool stands = false;

		for (function = claim->row->functions; function->name && !stands; function++) {
			if (function->call.kind != needed[i])
				continue;
			first = first ? first : function;
			stands = function_stands(claim, elf, function->name);
		}
		if (!stands && first)
			return claim_wrong(why, "%.200s has no symbol %s: say where it stands (%s@OFFSET)",
					   claim->path, first->name, first->name);
	}
	return 0;
}

int library_claim_check(struct library_claim *claim, char why[CLAIM_WHY_MAX])
{
	int fd = open(claim->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err = 0;
	struct elf_file *elf;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		err = claim_wrong(why, "%.200s cannot be read: %s", claim->path, strerror(errno));
		goto out;
	}
	elf = S_ISREG(st.st_mode) ? elf_file_open_fd(fd) : NULL;
	if (!elf) {
		err = claim_wrong(why, "%.200s is no executable or library (64-bit ELF)", claim->path);
		goto out;
	}
	claim->identity = file_identity_of(fd, &st);
	for (size_t i = 0; !err && i < claim->locations.count; i++)
		err = location_check(claim, elf, i, &claim->locations.at[i].address, why);
	if (!err)
		err = kinds_check(claim, elf, why);
	elf_file_close(elf);
out:
	if (fd >= 0)
		close(fd);
	return err;
}

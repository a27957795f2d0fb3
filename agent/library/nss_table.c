/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table stands among the constants that the loader relocates, beside its twin for connections without
 * TLS: twelve pointers to code each, but for the second, which is NULL. Of the one with TLS, read() is a jump
 * to recv() with flags 0, and write() one to send(), so those two see all. The twin has the same functions
 * for what TLS does not change, and others for what it does. All of that must hold, once in a file.
 */
#include "nss_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WRAPPER_BYTES_MAX 32
#define BIT(method)	  (1u << (method))
#define SHARED		  (BIT(NSS_ACCEPT) | BIT(NSS_BIND) | BIT(NSS_LISTEN) | BIT(NSS_PEER_NAME) | BIT(NSS_OWN_NAME))

static bool is_table(const struct elf_file *elf, const uint64_t *words)
{
	for (int i = 0; i < NSS_METHODS; i++)
		if (i == NSS_ACCEPT ? words[i] != 0 : !elf_is_code(elf, words[i]))
			return false;
	return true;
}

/* Is all that the function does, but for setting an argument, a jump there? */
static bool jumps_to(const struct elf_file *elf, struct disasm *disasm, uint64_t from, uint64_t to)
{
	uint8_t code[WRAPPER_BYTES_MAX];
	long len = elf_read_code(elf, from, code, sizeof(code));
	struct instruction insn;

	for (long at = 0; at < len; at += (long)insn.size) {
		if (disasm_decode(disasm, code + at, (size_t)(len - at), from + (uint64_t)at, &insn))
			return false;
		if (insn.direct || insn.call || insn.jump || insn.leaves)
			return insn.jump && insn.direct && insn.target == to;
	}
	return false;
}

static bool is_with_tls(const struct elf_file *elf, struct disasm *disasm, const uint64_t *table)
{
	return jumps_to(elf, disasm, table[NSS_READ], table[NSS_RECV]) &&
	       jumps_to(elf, disasm, table[NSS_WRITE], table[NSS_SEND]);
}

static bool is_twin(const uint64_t *table, const uint64_t *other)
{
	for (int i = 0; i < NSS_METHODS; i++)
		if ((table[i] == other[i]) != (SHARED >> i & 1))
			return false;
	return true;
}

int nss_table_find(const struct elf_file *elf, struct disasm *disasm, uint64_t methods[NSS_METHODS])
{
	const uint64_t *found = NULL;
	size_t tables = 0, twins = 0;
	uint64_t *words;
	long count = elf_read_pointers(elf, ".data.rel.ro", &words);

	if (count < 0)
		return count == -ENOMEM ? -ENOMEM : -EILSEQ;
	for (long i = 0; disasm && i + NSS_METHODS <= count; i++) {
		if (!is_table(elf, words + i) || !is_with_tls(elf, disasm, words + i))
			continue;
		found = words + i;
		tables++;
	}
	for (long i = 0; found && i + NSS_METHODS <= count; i++)
		twins += is_table(elf, words + i) && is_twin(found, words + i);
	if (tables == 1 && twins == 1)
		memcpy(methods, found, NSS_METHODS * sizeof(*methods));
	free(words);
	return tables == 1 && twins == 1 ? 0 : -EILSEQ;
}

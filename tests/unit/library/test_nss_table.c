/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of agent/library/nss_table.c: a library with the table as linkers leave it, by relocations or in
 * place, and with each sign of it missing in turn.
 */
#include "elf_build.h"
#include "library/nss_table.h"
#include "library/probe_site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#define WORDS	      40
#define WORDS_AT      0x1800
#define WORDS_ADDRESS 0x601000
#define RELA_AT	      0x2000
#define TABLE	      3 /* the words where the two begin */
#define TWIN	      20

#define SLOT(slot)     (BUILD_ADDRESS + BUILD_SLOT_SIZE * (slot))
#define SHARED_AT(i)   (SLOT(6) + 16u * (i))
#define WITH_AT(i)     (SLOT(6) + 128 + 16u * (i))
#define WITHOUT_AT(i)  (SLOT(7) + 16u * (i))
#define PUSHES	       "41 57 41 56 c3"
#define JUMP_TO(slot)  "31 c9 e9 @" #slot
#define JUMP_ENDBR_TO2 "f3 0f 1e fa 31 c9 e9 @2"

enum fault {
	NO_FAULT,
	NO_TABLE,
	ACCEPTS, /* a function where NULL stands */
	OUTSIDE, /* a pointer to no code */
	TWICE,	 /* the table stands there twice */
	NO_TWIN,
	TWIN_SHARES,  /* a function of TLS */
	TWIN_DIFFERS, /* in a function that both have */
};

struct row {
	const char *name, *read, *write;
	bool in_place;
	enum fault fault;
	int expected;
};

static const struct row rows[] = {
	{ "relocated", JUMP_TO(2), JUMP_TO(3), false, NO_FAULT, 0 },
	{ "packed relocations", JUMP_TO(2), JUMP_TO(3), true, NO_FAULT, 0 },
	{ "endbr64 before", JUMP_ENDBR_TO2, JUMP_TO(3), false, NO_FAULT, 0 },
	{ "no table", JUMP_TO(2), JUMP_TO(3), true, NO_TABLE, -EILSEQ },
	{ "read is no jump", PUSHES, JUMP_TO(3), false, NO_FAULT, -EILSEQ },
	{ "write jumps elsewhere", JUMP_TO(2), JUMP_TO(2), false, NO_FAULT, -EILSEQ },
	{ "read calls before it jumps", "e8 @2 e9 @2", JUMP_TO(3), false, NO_FAULT, -EILSEQ },
	{ "read jumps under a condition", "0f 84 @2 e9 @2", JUMP_TO(3), false, NO_FAULT, -EILSEQ },
	{ "read cannot be decoded", "06 06", JUMP_TO(3), false, NO_FAULT, -EILSEQ },
	{ "accept is there", JUMP_TO(2), JUMP_TO(3), false, ACCEPTS, -EILSEQ },
	{ "a pointer to no code", JUMP_TO(2), JUMP_TO(3), false, OUTSIDE, -EILSEQ },
	{ "two tables", JUMP_TO(2), JUMP_TO(3), false, TWICE, -EILSEQ },
	{ "no twin", JUMP_TO(2), JUMP_TO(3), false, NO_TWIN, -EILSEQ },
	{ "the twin has a function of TLS", JUMP_TO(2), JUMP_TO(3), false, TWIN_SHARES, -EILSEQ },
	{ "the twin has another bind", JUMP_TO(2), JUMP_TO(3), false, TWIN_DIFFERS, -EILSEQ },
};

static void words_fill(uint64_t words[WORDS], enum fault fault)
{
	static const uint64_t of_tls[NSS_METHODS] = {
		[NSS_CONNECT] = WITH_AT(0), [NSS_SHUTDOWN] = WITH_AT(1), [NSS_CLOSE] = WITH_AT(2),
		[NSS_RECV] = SLOT(2),	    [NSS_SEND] = SLOT(3),	 [NSS_READ] = SLOT(4),
		[NSS_WRITE] = SLOT(5),
	};

	for (unsigned int i = 0; i < NSS_METHODS && fault != NO_TABLE; i++) {
		bool shared = !of_tls[i] && i != NSS_ACCEPT;

		words[TABLE + i] = shared ? SHARED_AT(i) : of_tls[i];
		words[TWIN + i] = shared ? SHARED_AT(i) : of_tls[i] ? WITHOUT_AT(i) : 0;
	}
	if (fault == ACCEPTS)
		words[TABLE + NSS_ACCEPT] = words[TWIN + NSS_ACCEPT] = SHARED_AT(NSS_ACCEPT);
	if (fault == OUTSIDE)
		words[TABLE + NSS_OWN_NAME] = words[TWIN + NSS_OWN_NAME] = WORDS_ADDRESS;
	if (fault == TWICE || fault == NO_TWIN)
		memset(words + TWIN, 0, NSS_METHODS * sizeof(*words));
	if (fault == TWICE)
		memcpy(words + TWIN, words + TABLE, NSS_METHODS * sizeof(*words));
	if (fault == TWIN_SHARES)
		words[TWIN + NSS_CLOSE] = words[TABLE + NSS_CLOSE];
	if (fault == TWIN_DIFFERS)
		words[TWIN + NSS_BIND] = WITHOUT_AT(NSS_BIND);
}

/* Adds .data.rel.ro, and .rela.dyn where its words are not in place, to an image's five sections. */
static void words_add(struct build_image *image, const uint64_t words[WORDS], bool in_place)
{
	static const char names[] = ".data.rel.ro\0.rela.dyn";
	Elf64_Ehdr *header = (Elf64_Ehdr *)image->bytes;
	Elf64_Shdr *sections = (Elf64_Shdr *)(image->bytes + header->e_shoff);
	Elf64_Shdr *strings = &sections[header->e_shstrndx];
	Elf64_Rela *rela = (Elf64_Rela *)(image->bytes + RELA_AT);
	Elf64_Word name = (Elf64_Word)strings->sh_size;
	size_t count = 0;

	memcpy(image->bytes + strings->sh_offset + strings->sh_size, names, sizeof(names));
	strings->sh_size += sizeof(names);
	for (size_t i = 0; i < WORDS && !in_place; i++)
		if (words[i])
			rela[count++] = (Elf64_Rela){ .r_offset = WORDS_ADDRESS + 8 * i,
						      .r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE),
						      .r_addend = (Elf64_Sxword)words[i] };
	if (in_place)
		memcpy(image->bytes + WORDS_AT, words, WORDS * sizeof(*words));
	sections[5] = (Elf64_Shdr){ .sh_name = name,
				    .sh_type = SHT_PROGBITS,
				    .sh_addr = WORDS_ADDRESS,
				    .sh_offset = WORDS_AT,
				    .sh_size = WORDS * sizeof(*words) };
	sections[6] = (Elf64_Shdr){ .sh_name = name + sizeof(".data.rel.ro"),
				    .sh_type = SHT_RELA,
				    .sh_offset = RELA_AT,
				    .sh_size = count * sizeof(*rela),
				    .sh_entsize = sizeof(*rela),
				    .sh_addralign = 8 };
	header->e_shnum = 7;
}

static struct elf_file *file_of(const struct row *row)
{
	const struct build_function functions[] = {
		{ "SSL_ImportFD", PUSHES },
		{ "SSL_ForceHandshake", PUSHES },
		{ "", PUSHES },
		{ "", PUSHES },
		{ "", row->read },
		{ "", row->write },
		{ "", "c3" },
		{ "", "c3" },
		{ NULL, NULL },
	};
	uint64_t words[WORDS] = { 0 };
	struct build_image image;
	struct elf_file *elf;
	int fd;

	build_fill(&image, EM_X86_64, functions);
	words_fill(words, row->fault);
	words_add(&image, words, row->in_place);
	fd = build_file(image.bytes, sizeof(image.bytes));
	elf = elf_file_open_fd(fd);
	close(fd);
	assert_non_null(elf);
	return elf;
}

static void test_shapes(void **state)
{
	struct disasm *disasm = disasm_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct elf_file *elf = file_of(&rows[i]);
		uint64_t methods[NSS_METHODS] = { 0 };
		int err = nss_table_find(elf, disasm, methods);

		if (err != rows[i].expected)
			fail_msg("%s: got %d, expected %d", rows[i].name, err, rows[i].expected);
		assert_int_equal(methods[NSS_RECV], err ? 0 : SLOT(2));
		assert_int_equal(methods[NSS_SEND], err ? 0 : SLOT(3));
		assert_int_equal(methods[NSS_CLOSE], err ? 0 : WITH_AT(2));
		assert_int_equal(nss_table_find(elf, NULL, methods), -EILSEQ);
		elf_file_close(elf);
	}
	disasm_free(disasm);
}

/* With the table three functions are probed by it and one by its name; without, none is. */
static void test_sites(void **state)
{
	static const struct {
		const char *function;
		enum tls_call_kind kind;
		uint64_t address;
	} expected[] = {
		{ "ssl_SecureRecv", TLS_READ_OR_PEEK, SLOT(2) },
		{ "ssl_SecureSend", TLS_WRITE_OR_EARLY, SLOT(3) },
		{ "ssl_SecureClose", TLS_FREE, WITH_AT(2) },
		{ "SSL_ForceHandshake", TLS_HANDSHAKE, SLOT(1) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct elf_file *elf = file_of(&rows[i]);
		const struct library_row *row = libraries_find_file(elf);
		struct probe_site sites[PROBE_SITES_MAX];
		int count;

		assert_non_null(row);
		assert_string_equal(row->name, "nss");
		count = probe_sites_choose(elf, &(struct library_found){ .row = row }, sites);
		assert_int_equal(count, rows[i].expected ? rows[i].expected : 4);
		for (int j = 0; j < count; j++) {
			assert_string_equal(sites[j].function, expected[j].function);
			assert_int_equal(sites[j].call.kind, expected[j].kind);
			assert_int_equal(sites[j].address, expected[j].address);
			assert_int_equal(sites[j].call.library, row->number);
		}
		elf_file_close(elf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_sites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where secrets are taken from: by symbols, by callers in the shapes that compilers gave real ones, and never
 * when they do not agree. Labels stand in slots of their own, for the file's constants are its code as well.
 */
#include "elf_build.h"
#include "library/key_site.h"
#include "library/libraries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

/* "CLIENT_RANDOM", "EXPORTER_SECRET" */
#define RANDOM	 "43 4c 49 45 4e 54 5f 52 41 4e 44 4f 4d 00"
#define EXPORTER "45 58 50 4f 52 54 45 52 5f 53 45 43 52 45 54 00"

#define ACCESSORS                                                  \
	{ "SSL_get_client_random", "48 8d b7 60 01 00 00 c3" },    \
	{                                                          \
		"SSL_get_server_random", "48 8d b7 40 01 00 00 c3" \
	}
#define GNUTLS(low)                                                                                          \
	{                                                                                                    \
		"gnutls_session_get_random", "48 85 f6 74 0e 48 8d 47 50 c7 46 08 20 00 00 00 48 89 06 48 "  \
					     "85 d2 74 0e 48 83 c7 " low " c7 42 08 20 00 00 00 48 89 3a c3" \
	}
/* lea rsi, [label]; mov rdi, rbp; call */
#define PASSES(label, to) "48 8d 35 " label " 48 89 ef e8 " to " c3"

static const struct row {
	const char *name;
	unsigned int library;
	struct build_function functions[BUILD_SLOTS + 1];
	const char *expected; /* slot, and layout: pointer and client's random */
} rows[] = {
	{ "OpenSSL without a symbol",
	  SOURCE_OPENSSL,
	  { ACCESSORS,
	    { "", RANDOM },
	    { "", EXPORTER },
	    { "", PASSES("@2", "@6") },
	    { "", PASSES("@3", "@6") },
	    { "", "55 c3" } },
	  "6 0 160" },
	{ "at a fixed place",
	  SOURCE_OPENSSL,
	  { ACCESSORS,
	    { "", RANDOM },
	    { "", EXPORTER },
	    { "", "be 00 12 40 00 e8 @6 c3" },
	    { "", "be 00 13 40 00 e8 @6 c3" },
	    { "", "55 c3" } },
	  "6 0 160" },
	{ "with one", SOURCE_OPENSSL, { ACCESSORS, { "ssl_log_secret", "55 c3" } }, "2 0 160" },
	{ "BoringSSL's",
	  4,
	  { { "SSL_get_client_random", "48 8b 47 30 48 83 c0 30 c3" },
	    { "SSL_get_server_random", "48 8b 47 30 48 83 c0 10 c3" },
	    { "_ZN4bssl14ssl_log_secretEPK6ssl_stPKcNS_4SpanIKhEE", "55 c3" } },
	  "2 30 30" },
	{ "GnuTLS",
	  7,
	  { GNUTLS("70"),
	    { "", RANDOM },
	    { "", EXPORTER },
	    { "", PASSES("@1", "@5") },
	    { "", PASSES("@2", "@5") },
	    { "", "55 c3" } },
	  "5 0 50" },
	{ "GnuTLS whose randoms are not side by side",
	  7,
	  { GNUTLS("78"),
	    { "", RANDOM },
	    { "", EXPORTER },
	    { "", PASSES("@1", "@5") },
	    { "", PASSES("@2", "@5") },
	    { "", "55 c3" } },
	  "-" },
	{ "one label is not enough",
	  SOURCE_OPENSSL,
	  { ACCESSORS,
	    { "", RANDOM },
	    { "", PASSES("@2", "@5") },
	    { "", PASSES("@2", "@5") },
	    { "", "55 c3" } },
	  "-" },
	{ "they lead to two functions",
	  SOURCE_OPENSSL,
	  { ACCESSORS,
	    { "", RANDOM },
	    { "", EXPORTER },
	    { "", PASSES("@2", "@6") },
	    { "", PASSES("@3", "@7") },
	    { "", "55 c3" },
	    { "", "55 c3" } },
	  "-" },
	{ "the register is another when it is called",
	  SOURCE_OPENSSL,
	  { ACCESSORS,
	    { "", RANDOM },
	    { "", EXPORTER },
	    { "", "48 8d 35 @2 31 f6 e8 @6 c3" },
	    { "", "48 8d 35 @3 31 f6 e8 @6 c3" },
	    { "", "55 c3" } },
	  "-" },
	{ "a jump between",
	  SOURCE_OPENSSL,
	  { ACCESSORS,
	    { "", RANDOM },
	    { "", EXPORTER },
	    { "", "48 8d 35 @2 74 00 e8 @6 c3" },
	    { "", "48 8d 35 @3 74 00 e8 @6 c3" },
	    { "", "55 c3" } },
	  "-" },
	{ "a call through a pointer",
	  SOURCE_OPENSSL,
	  { ACCESSORS,
	    { "", RANDOM },
	    { "", EXPORTER },
	    { "", "48 8d 35 @2 ff d0 c3" },
	    { "", "48 8d 35 @3 ff d0 c3" } },
	  "-" },
	{ "outside of the code",
	  SOURCE_OPENSSL,
	  { ACCESSORS,
	    { "", RANDOM },
	    { "", EXPORTER },
	    { "", "48 8d 35 @2 e8 00 00 00 70 c3" },
	    { "", "48 8d 35 @3 e8 00 ff ff 6f c3" } },
	  "-" },
	{ "no accessor", SOURCE_OPENSSL, { { "ssl_log_secret", "55 c3" } }, "-" },
	{ "a library that has no such function", 8, { ACCESSORS, { "ssl_log_secret", "55 c3" } }, "-" },
	{ "Go, with a look at its stack",
	  6,
	  { { "crypto/tls.(*Config).writeKeyLog", "49 3b 66 10 0f 86 00 01 00 00 55 c3" } },
	  "0 0 0" },
	{ "Go, called in the way before",
	  6,
	  { { "crypto/tls.(*Config).writeKeyLog", "64 48 8b 0c 25 f8 ff ff ff c3" } },
	  "-" },
};

/* The section with all the code has the name of that of constants, too. */
static void name_constants(struct build_image *image)
{
	static const char name[] = ".rodata";
	Elf64_Ehdr *header = (Elf64_Ehdr *)image->bytes;
	Elf64_Shdr *sections = (Elf64_Shdr *)(image->bytes + header->e_shoff);
	Elf64_Shdr *names = &sections[header->e_shstrndx];

	memcpy(image->bytes + names->sh_offset + names->sh_size, name, sizeof(name));
	sections[1].sh_name = (Elf64_Word)names->sh_size;
	names->sh_size += sizeof(name);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct library_found found = { .row = libraries_find_number(rows[i].library) };
		struct build_image image;
		struct key_site site = { .address = 1 };
		struct elf_file *elf;
		char text[64] = "-";
		const char *why = NULL;
		int fd;

		build_fill(&image, EM_X86_64, rows[i].functions);
		name_constants(&image);
		fd = build_file(image.bytes, sizeof(image.bytes));
		elf = elf_file_open_fd(fd);
		close(fd);
		assert_non_null(elf);
		if (key_site_find(elf, &found, &site, &why) == 0)
			snprintf(text, sizeof(text), "%llu %x %x",
				 (unsigned long long)(site.file_offset - BUILD_OFFSET) / BUILD_SLOT_SIZE,
				 site.layout.pointer, site.layout.client_random);
		else
			assert_true(why && site.address == 1);
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s: got %s, not %s (%s)", rows[i].name, text, rows[i].expected, why);
		elf_file_close(elf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests_name("key_site", tests, NULL, NULL);
}

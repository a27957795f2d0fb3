/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of agent/library/session_layout.c: accessors in the shapes that compilers gave real ones.
 */
#include "elf_build.h"
#include "library/session_layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define CLIENT	       "SSL_get_client_random"
#define SERVER	       "SSL_get_server_random"
#define IS_SERVER      "SSL_is_server"
#define INT_38	       "8b 47 38 31 ff c3"
#define DIRECT(low)    "48 89 f1 48 39 c2 48 8d b7 " low " 01 00 00 c3"
#define BEHIND(low)    "48 8b bf a8 00 00 00 48 0f 46 c2 48 8d 8f " low " 00 00 00 c3"
#define BORING(low)    "53 48 8b 47 30 48 83 c0 " low " 48 89 f7 48 89 c6 e8 @7 5b c3"
#define ASKS_HOLDER    "48 85 ff 8b 07 85 c0 74 08 e8 @7 "
#define BY_HOLDER(low) ASKS_HOLDER "48 89 c7 48 8d 8f " low " 01 00 00 c3"

static const struct row {
	const char *name;
	struct build_function functions[BUILD_SLOTS + 1];
	const char *expected; /* pointer client server, then the byte that tells the server and its mask */
} rows[] = {
	{ "OpenSSL 3: in the object",
	  { { CLIENT, DIRECT("60") }, { SERVER, DIRECT("40") }, { IS_SERVER, INT_38 } },
	  "0 160 140 38 ff" },
	{ "behind endbr64",
	  { { CLIENT, "f3 0f 1e fa " DIRECT("60") },
	    { SERVER, "f3 0f 1e fa " DIRECT("40") },
	    { IS_SERVER, "f3 0f 1e fa " INT_38 } },
	  "0 160 140 38 ff" },
	{ "OpenSSL 1.1: behind a pointer",
	  { { CLIENT, BEHIND("b8") }, { SERVER, BEHIND("98") }, { IS_SERVER, INT_38 } },
	  "a8 b8 98 38 ff" },
	{ "BoringSSL: behind a pointer, and a bit",
	  { { CLIENT, BORING("30") },
	    { SERVER, BORING("10") },
	    { IS_SERVER, "0f b6 87 a4 00 00 00 83 e0 01 c3" } },
	  "30 30 10 a4 1" },
	{ "OpenSSL 3.5: of what a function gives",
	  { { CLIENT, BY_HOLDER("88") },
	    { SERVER, BY_HOLDER("68") },
	    { IS_SERVER, ASKS_HOLDER "48 85 c0 8b 40 78 c3" } },
	  "0 188 168 78 ff" },
	{ "the object in another register",
	  { { CLIENT, "48 89 fb 48 8d 83 60 01 00 00 c3" }, { SERVER, DIRECT("40") }, { IS_SERVER, INT_38 } },
	  "0 160 140 38 ff" },

	{ "not side by side",
	  { { CLIENT, DIRECT("60") }, { SERVER, DIRECT("48") }, { IS_SERVER, INT_38 } },
	  "-" },
	{ "behind different pointers",
	  { { CLIENT, DIRECT("b8") },
	    { SERVER, "48 8b bf a8 00 00 00 48 8d 8f 98 01 00 00 c3" },
	    { IS_SERVER, INT_38 } },
	  "-" },
	{ "the object's register is written before",
	  { { CLIENT, "31 ff " DIRECT("60") }, { SERVER, "31 ff " DIRECT("40") }, { IS_SERVER, INT_38 } },
	  "-" },
	{ "an address with an index",
	  { { CLIENT, "48 8d 8c 37 60 01 00 00 c3" },
	    { SERVER, "48 8d 8c 37 40 01 00 00 c3" },
	    { IS_SERVER, INT_38 } },
	  "-" },
	{ "no address is made", { { CLIENT, "c3" }, { SERVER, "c3" }, { IS_SERVER, INT_38 } }, "-" },
	{ "farther than any object reaches",
	  { { CLIENT, "48 8d 8f 60 01 01 00 c3" },
	    { SERVER, "48 8d 8f 40 01 01 00 c3" },
	    { IS_SERVER, INT_38 } },
	  "-" },
	{ "in front of the object",
	  { { CLIENT, "48 8d 4f f0 c3" }, { SERVER, "48 8d 4f d0 c3" }, { IS_SERVER, INT_38 } },
	  "-" },
	{ "a byte of which it is not known what counts",
	  { { CLIENT, DIRECT("60") }, { SERVER, DIRECT("40") }, { IS_SERVER, "0f b6 87 a4 00 00 00 c3" } },
	  "-" },
	{ "another bit",
	  { { CLIENT, DIRECT("60") },
	    { SERVER, DIRECT("40") },
	    { IS_SERVER, "0f b6 87 a4 00 00 00 83 e0 04 c3" } },
	  "-" },
	{ "which end it is does not stand in the object",
	  { { CLIENT, DIRECT("60") }, { SERVER, DIRECT("40") }, { IS_SERVER, "31 c0 c3" } },
	  "-" },
	{ "one accessor is missing", { { CLIENT, DIRECT("60") }, { IS_SERVER, INT_38 } }, "-" },
	{ "none", { { "SSL_read", "55 c3" } }, "-" },
};

static struct elf_file *open_built(const struct build_function *functions)
{
	struct build_image image;
	struct elf_file *elf;
	int fd;

	build_fill(&image, EM_X86_64, functions);
	fd = build_file(image.bytes, sizeof(image.bytes));
	elf = elf_file_open_fd(fd);
	close(fd);
	assert_non_null(elf);
	return elf;
}

static void test_shapes(void **state)
{
	const struct library_row *openssl = libraries_find_number(SOURCE_OPENSSL);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct elf_file *elf = open_built(rows[i].functions);
		struct tls_layout layout = { .pointer = 0xffff };
		char text[64] = "-";

		if (session_layout_find(elf, &(struct library_found){ .row = openssl }, &layout))
			snprintf(text, sizeof(text), "%x %x %x %x %x", layout.pointer, layout.client_random,
				 layout.server_random, layout.server, layout.server_mask);
		else
			assert_int_equal(layout.pointer, 0xffff);
		if (strcmp(text, rows[i].expected))
			fail_msg("%s: got %s, not %s", rows[i].name, text, rows[i].expected);
		elf_file_close(elf);
	}
}

/* The accessors are OpenSSL's and its relatives'. */
static void test_another_library(void **state)
{
	struct elf_file *elf = open_built(rows[0].functions);
	struct tls_layout layout;

	(void)state;
	for (size_t i = 0; libraries_row(i); i++)
		assert_int_equal(
			session_layout_find(elf, &(struct library_found){ .row = libraries_row(i) }, &layout),
			libraries_row(i)->has_accessors);
	elf_file_close(elf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_another_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

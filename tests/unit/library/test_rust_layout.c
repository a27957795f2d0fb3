/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of agent/library/rust_layout.c: code in the shapes that compilers gave rustls 0.20 to 0.23.
 */
#include "library/rust_layout.h"

#include "elf_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define IO_STATE    "_ZN6rustls12common_state11CommonState16current_io_state17h0E"
#define IO_STATE_2  "_ZN6rustls12common_state11CommonState16current_io_state17h1E"
#define IO_STATE_V0 "_RNvMs2_NtCs1_6rustls12common_stateNtB5_11CommonState16current_io_state"
#define IS_FULL	    "_ZN6rustls6vecbuf14ChunkVecBuffer7is_full17h0E"
#define IS_FULL_V0  "_RNvMs_NtCs1_6rustls6vecbufNtB4_14ChunkVecBuffer7is_full"

/* mov rdx, [rsi + …], as 0.21 has them: count, capacity, first, memory of what is sent, then of what came */
#define SENDABLE "48 8b 96 d0 00 00 00 48 8b 96 b8 00 00 00 48 8b 96 c8 00 00 00 48 8b 96 c0 00 00 00 "
#define RECEIVED "48 8b 56 70 48 8b 56 58 48 8b 56 68 48 8b 56 60 "
/* 0.23 has a word behind each; the first queue's is loaded among the words of the second */
#define SENDABLE_23 "48 8b 96 b0 00 00 00 48 8b 86 a8 00 00 00 4c 8b b6 98 00 00 00 4c 8b 96 a0 00 00 00 "
#define RECEIVED_23 "4c 8b 76 78 4c 8b 96 b8 00 00 00 48 8b 46 70 4c 8b 66 60 48 8b 5e 68 "
/* not optimised: the address is kept on the stack, and others count */
#define ASIDE "48 89 34 24 48 8b 3c 24 48 81 c7 88 00 00 00 e8 @0 48 8b 3c 24 48 83 c7 50 e8 @0 c3"
/* mov rdx, [rdi + …]: the limit, and the queue behind it */
#define FULL	  "48 8b 57 08 48 8b 57 28 48 8b 57 10 48 8b 57 20 48 8b 57 18 c3"
#define FULL_ONLY "48 89 fa 48 8b 3a 48 8b 72 08 c3"

static const struct {
	const char *name;
	struct build_function functions[4];
	const char *expected; /* queue, sendable, received */
} rows[] = {
	{ "0.21", { { IO_STATE, SENDABLE RECEIVED "c3" }, { IS_FULL, FULL } }, "10 a8 48" },
	{ "0.23", { { IO_STATE, SENDABLE_23 RECEIVED_23 "c3" }, { IS_FULL, FULL } }, "10 88 50" },
	{ "the other mangling",
	  { { IO_STATE_V0, SENDABLE RECEIVED "c3" }, { IS_FULL_V0, FULL } },
	  "10 a8 48" },
	{ "the other order", { { IO_STATE, RECEIVED SENDABLE "c3" }, { IS_FULL, FULL } }, "10 48 a8" },
	{ "not optimised", { { IO_STATE, ASIDE }, { IS_FULL, FULL_ONLY } }, "10 88 50" },
	{ "two copies that agree",
	  { { IO_STATE, SENDABLE RECEIVED "c3" }, { IO_STATE_2, SENDABLE RECEIVED "c3" }, { IS_FULL, FULL } },
	  "10 a8 48" },
	{ "two versions",
	  { { IO_STATE, SENDABLE RECEIVED "c3" },
	    { IO_STATE_2, SENDABLE_23 RECEIVED_23 "c3" },
	    { IS_FULL, FULL } },
	  "-" },
	{ "one queue", { { IO_STATE, SENDABLE "c3" }, { IS_FULL, FULL } }, "-" },
	{ "three words",
	  { { IO_STATE, SENDABLE "48 8b 56 60 48 8b 56 68 48 8b 56 70 c3" }, { IS_FULL, FULL } },
	  "-" },
	{ "the register was written before",
	  { { IO_STATE, "31 f6 " SENDABLE RECEIVED "c3" }, { IS_FULL, FULL } },
	  "-" },
	{ "the queue is elsewhere",
	  { { IO_STATE, SENDABLE RECEIVED "c3" }, { IS_FULL, "48 8b 57 30 48 8b 57 18 c3" } },
	  "-" },
	{ "not decodable", { { IO_STATE, SENDABLE RECEIVED "06 c3" }, { IS_FULL, FULL } }, "-" },
	{ "is_full() is missing", { { IO_STATE, SENDABLE RECEIVED "c3" } }, "-" },
	{ "current_io_state() is missing", { { IS_FULL, FULL } }, "-" },
};

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tls_layout layout = { .queue = 0xff };
		struct build_image image;
		char text[64] = "-";
		struct elf_file *elf;
		int fd;

		build_fill(&image, EM_X86_64, rows[i].functions);
		fd = build_file(image.bytes, sizeof(image.bytes));
		elf = elf_file_open_fd(fd);
		close(fd);
		assert_non_null(elf);
		if (rust_layout_find(elf, &layout))
			snprintf(text, sizeof(text), "%x %x %x", layout.queue, layout.sendable,
				 layout.received);
		else
			assert_int_equal(layout.queue, 0xff);
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s: got %s, not %s", rows[i].name, text, rows[i].expected);
		elf_file_close(elf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

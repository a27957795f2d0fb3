/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/signature.c: functions of made-up bytes, in their places and in others. */
#include "elf_build.h"
#include "library/libraries.h"
#include "library/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

/* 24 certain bytes, then two of which one is not. */
#define READ	  "55 48 89 e5 41 57 41 56 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 "
#define WRITE	  "55 48 89 e5 41 57 41 56 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 "
#define FAMILY	  "family one of boringssl where mark\n"
#define READ_ROW  "SSL_read " READ "?? c3\n"
#define WRITE_ROW "SSL_write " WRITE "\n ?? c3\n"
#define OTHER	  "family two of boringssl where mark\n"
#define ROWS	  READ_ROW WRITE_ROW
#define LAYOUT	  "layout 0x30 48 0x10 0xa4 1\n"
#define PIECE	  (1u << 20)

static const struct {
	const char *name, *text;
	struct build_function functions[BUILD_SLOTS + 1];
	const char *expected; /* source, then function@slot+offset */
} searches[] = {
	{ "both once",
	  FAMILY ROWS,
	  { { "mark", "c3" }, { "", READ "77 c3" }, { "", WRITE "88 c3" } },
	  "signature one SSL_read@1+0 SSL_write@2+0" },
	{ "comments, empty lines, a layout",
	  "# of hand\n\n" FAMILY LAYOUT ROWS "# end",
	  { { "mark", "c3" }, { "", READ "77 c3" }, { "", WRITE "88 c3" } },
	  "signature one SSL_read@1+0 SSL_write@2+0 layout 48 48 16 164 1" },
	{ "inside of a slot, where functions begin",
	  FAMILY ROWS,
	  { { "mark", "c3" },
	    { "", "90 90 90 90 90 90 90 90 90 90 90 90 90 90 90 90 " READ "77 c3" },
	    { "", WRITE "88 c3" } },
	  "signature one SSL_read@1+16 SSL_write@2+0" },
	{ "where none begins",
	  FAMILY ROWS,
	  { { "mark", "c3" }, { "", "90 " READ "77 c3" }, { "", WRITE "88 c3" } },
	  "" },
	{ "twice",
	  FAMILY ROWS,
	  { { "mark", "c3" }, { "", READ "77 c3" }, { "", WRITE "88 c3" }, { "", READ "99 c3" } },
	  "" },
	{ "one alone", FAMILY ROWS, { { "mark", "c3" }, { "", READ "77 c3" } }, "" },
	{ "a certain byte differs",
	  FAMILY ROWS,
	  { { "mark", "c3" }, { "", READ "77 c2" }, { "", WRITE "88 c3" } },
	  "" },
	{ "not where the symbol is not",
	  FAMILY ROWS,
	  { { "other", "c3" }, { "", READ "77 c3" }, { "", WRITE "88 c3" } },
	  "" },
	{ "two families that fit",
	  FAMILY ROWS OTHER ROWS,
	  { { "mark", "c3" }, { "", READ "77 c3" }, { "", WRITE "88 c3" } },
	  "" },
	{ "the other family fits",
	  FAMILY "SSL_read 90 " READ "\n" WRITE_ROW OTHER ROWS,
	  { { "mark", "c3" }, { "", READ "77 c3" }, { "", WRITE "88 c3" } },
	  "signature two SSL_read@1+0 SSL_write@2+0" },
};

static void count_pause(void *ctx)
{
	++*(unsigned int *)ctx;
}

static void locations_print(char *out, size_t size, const struct locations *locations)
{
	size_t at = (size_t)snprintf(out, size, "%s", locations->source);

	for (size_t i = 0; i < locations->count; i++) {
		uint64_t from = locations->at[i].address - BUILD_ADDRESS;

		at += (size_t)snprintf(out + at, size - at, " %s@%u+%u", locations->at[i].function,
				       (unsigned)(from / BUILD_SLOT_SIZE),
				       (unsigned)(from % BUILD_SLOT_SIZE));
	}
	if (locations->has_layout)
		snprintf(out + at, size - at, " layout %u %u %u %u %u", locations->layout.pointer,
			 locations->layout.client_random, locations->layout.server_random,
			 locations->layout.server, locations->layout.server_mask);
}

static struct signatures *parse(const char *text)
{
	size_t line;

	return signatures_parse(slice_of(text, strlen(text)), &line);
}

static void test_searches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		struct signatures *signatures = parse(searches[i].text);
		const struct library_row *row;
		unsigned int pauses = 0;
		struct build_image image;
		struct locations locations;
		struct elf_file *elf;
		char out[256] = "";
		int fd;

		assert_non_null(signatures);
		build_fill(&image, EM_X86_64, searches[i].functions);
		fd = build_file(image.bytes, sizeof(image.bytes));
		elf = elf_file_open_fd(fd);
		close(fd);
		row = signatures_find(signatures, elf, count_pause, &pauses, &locations);
		if (row)
			locations_print(out, sizeof(out), &locations);
		if (strcmp(out, searches[i].expected) != 0)
			fail_msg("%s: '%s', expected '%s'", searches[i].name, out, searches[i].expected);
		assert_true(!row || strcmp(row->name, "boringssl") == 0);
		assert_int_equal(pauses, strcmp(searches[i].functions[0].name, "mark") == 0);
		elf_file_close(elf);
		signatures_free(signatures);
	}
}

/* A file of a mebibyte and more: the function stands before, on and behind the border of two pieces. */
static void test_borders_of_pieces(void **state)
{
	static const struct build_function functions[] = { { "mark", "c3" },
							   { "", WRITE "88 c3" },
							   { NULL, NULL } };
	struct signatures *signatures = parse(FAMILY ROWS);
	uint8_t read[BUILD_SLOT_SIZE];
	size_t size = build_code(read, 0, READ "77 c3");
	Elf64_Phdr segment;

	(void)state;
	for (size_t at = PIECE - 64; at <= PIECE + 32; at += 16) {
		struct build_image image;
		struct locations locations;
		struct elf_file *elf;
		int fd;

		build_fill(&image, EM_X86_64, functions);
		memcpy(&segment, image.bytes + sizeof(Elf64_Ehdr), sizeof(segment));
		segment.p_filesz = segment.p_memsz = PIECE + 4096;
		memcpy(image.bytes + sizeof(Elf64_Ehdr), &segment, sizeof(segment));
		fd = build_file(image.bytes, sizeof(image.bytes));
		assert_int_equal(ftruncate(fd, BUILD_OFFSET + PIECE + 4096), 0);
		assert_int_equal(pwrite(fd, read, size, (off_t)(BUILD_OFFSET + at)), (ssize_t)size);
		elf = elf_file_open_fd(fd);
		assert_non_null(signatures_find(signatures, elf, NULL, NULL, &locations));
		assert_int_equal(locations.at[0].address, BUILD_ADDRESS + at);
		elf_file_close(elf);
		/* There again: nobody knows which. */
		assert_int_equal(pwrite(fd, read, size, BUILD_OFFSET + 512), (ssize_t)size);
		elf = elf_file_open_fd(fd);
		assert_null(signatures_find(signatures, elf, NULL, NULL, &locations));
		elf_file_close(elf);
		close(fd);
	}
	signatures_free(signatures);
}

static const struct {
	const char *text;
	size_t line; /* the wrong one */
} wrong[] = {
	{ "SSL_read 55\n", 1 },
	{ " 55\n", 1 },
	{ "family one\n", 1 },
	{ "family one of nothing where mark\n", 1 },
	{ "family one of go where mark\n", 1 },
	{ "family one of boringssl where mark more\n", 1 },
	{ FAMILY "SSL_nothing " READ "\n", 2 },
	{ FAMILY "SSL_read 5\n", 2 },
	{ FAMILY "SSL_read 5x\n", 2 },
	{ FAMILY "layout 1 2 3 4\n", 2 },
	{ FAMILY "layout 1 2 3 4 0\n", 2 },
	{ FAMILY "layout 1 2 3 4 5 6\n", 2 },
	{ FAMILY "layout 1 2 3 99999 1\n", 2 },
	{ FAMILY "SSL_read ?? " READ "\n" WRITE_ROW, 0 },
	{ FAMILY "SSL_read 55 48 89 e5\n" WRITE_ROW, 0 },
	{ FAMILY READ_ROW, 0 },
	{ FAMILY WRITE_ROW, 0 },
};

static void test_wrong_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t line;

		errno = 0;
		assert_null(signatures_parse(slice_of(wrong[i].text, strlen(wrong[i].text)), &line));
		assert_int_equal(errno, EINVAL);
		if (wrong[i].line)
			assert_int_equal(line, wrong[i].line);
	}
}

/* What hark has built in can be read, and finds nothing where there is nothing. */
static void test_own_data(void **state)
{
	static const struct build_function functions[] = { { "napi_create_function", "c3" }, { NULL, NULL } };
	struct signatures *signatures = signatures_new();
	struct build_image image;
	struct locations locations;
	struct elf_file *elf;
	int fd;

	(void)state;
	assert_non_null(signatures);
	build_fill(&image, EM_X86_64, functions);
	fd = build_file(image.bytes, sizeof(image.bytes));
	elf = elf_file_open_fd(fd);
	close(fd);
	assert_null(signatures_find(signatures, elf, NULL, NULL, &locations));
	elf_file_close(elf);
	signatures_free(signatures);
	signatures_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_searches),
		cmocka_unit_test(test_borders_of_pieces),
		cmocka_unit_test(test_wrong_data),
		cmocka_unit_test(test_own_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

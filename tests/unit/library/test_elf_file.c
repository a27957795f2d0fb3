/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/elf_file.c: good, odd and hostile ELF files. */
#include "base/counters.h"
#include "elf_build.h"
#include "library/elf_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <link.h>

static const struct build_function two_functions[] = {
	{ "first", "55 c3" },
	{ "second", "90 90 90 c3" },
	{ NULL, NULL },
};

static struct elf_file *open_bytes(const void *bytes, size_t size)
{
	int fd = build_file(bytes, size);
	struct elf_file *elf = elf_file_open_fd(fd);
	int err = errno;

	close(fd); /* the file has its own descriptor */
	errno = err;
	return elf;
}

static void test_symbols_of_a_built_file(void **state)
{
	struct build_image image;
	struct elf_symbol symbol;
	struct elf_file *elf;
	uint8_t code[16];

	(void)state;
	build_fill(&image, EM_X86_64, two_functions);
	elf = open_bytes(image.bytes, sizeof(image.bytes));
	assert_non_null(elf);
	assert_true(elf_is_x86_64(elf));
	assert_int_equal(elf_find_function(elf, "second", &symbol), 0);
	assert_int_equal(symbol.address, BUILD_ADDRESS + BUILD_SLOT_SIZE);
	assert_int_equal(symbol.file_offset, BUILD_OFFSET + BUILD_SLOT_SIZE);
	assert_int_equal(symbol.size, 4);
	assert_int_equal(elf_read_code(elf, symbol.address, code, 4), 4);
	assert_memory_equal(code, "\x90\x90\x90\xc3", 4);
	assert_int_equal(elf_find_function(elf, "secon", &symbol), -ENOENT);
	assert_int_equal(elf_find_function(elf, "econd", &symbol), -ENOENT); /* a tail of a name */
	assert_true(elf_has_section(elf, ".shstrtab"));
	assert_false(elf_has_section(elf, ".gopclntab"));
	elf_file_close(elf);
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{ "read", "read", true },
		{ "read", "reader", false },
		{ "read", "rea", false },
		{ "%", "", true },
		{ "a%z", "az", true },
		{ "a%z", "a-z", true },
		{ "a%z", "a", false },
		{ "a%a", "a", false },
		{ "a%b%c", "a-b-b-c", true },
		{ "a%b%c", "a-c-b", false },
		{ "%b%", "abc", true },
		{ "a%", "ba", false },
		{ "%ab", "aab", true },
		{ "x|y", "y", true },
		{ "x|y", "x|y", false },
		{ "a%z|b%y", "b-y", true },
		{ "a%z|b%y", "a-y", false },
		{ "_ZN%4read17h%", "_ZN3abc4read17h01E", true },
		{ "_ZN%4read17h%", "4read17h", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (elf_name_matches(cases[i].pattern, cases[i].name, strlen(cases[i].name) + 1) !=
		    cases[i].matches)
			fail_msg("%s, %s", cases[i].pattern, cases[i].name);
	assert_false(elf_name_matches("read", "read", 4)); /* no end within the section */
}

/* One name that begins at each of a million symbols would be read a million times. */
static void test_long_names_match_nothing(void **state)
{
	char name[4097];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_false(elf_name_matches("a%", name, sizeof(name)));
	assert_true(elf_name_matches("a%", name + 1, sizeof(name) - 1));
}

static void test_functions_of_a_pattern(void **state)
{
	struct build_image image;
	struct elf_symbol symbols[2];
	struct elf_file *elf;

	(void)state;
	build_fill(&image, EM_X86_64, two_functions);
	elf = open_bytes(image.bytes, sizeof(image.bytes));
	assert_int_equal(elf_find_functions(elf, "%s%", symbols, 2), 2);
	assert_int_equal(symbols[1].address, symbols[0].address + BUILD_SLOT_SIZE);
	assert_int_equal(elf_find_functions(elf, "%s%", symbols, 1), 1);
	assert_int_equal(elf_find_functions(elf, "none|sec%d", symbols, 2), 1);
	assert_int_equal(symbols[0].address, BUILD_ADDRESS + BUILD_SLOT_SIZE);
	assert_int_equal(elf_find_functions(elf, "%d%t", symbols, 2), 0);
	elf_file_close(elf);
}

static void test_text_of_this_program(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_file *elf = elf_file_open_fd(fd);
	char absent[] = "a text that no program holds";

	(void)state;
	assert_non_null(elf);
	assert_true(elf_has_text(elf, "a text of this very test"));
	absent[0]++; /* which is not what stands in the file */
	assert_false(elf_has_text(elf, absent));
	elf_file_close(elf);
	close(fd);
}

static void test_code_ends_with_its_segment(void **state)
{
	struct build_image image;
	struct elf_file *elf;
	uint8_t code[64];
	uint64_t offset;
	uint64_t end = BUILD_ADDRESS + BUILD_SLOTS * BUILD_SLOT_SIZE;

	(void)state;
	build_fill(&image, EM_X86_64, two_functions);
	elf = open_bytes(image.bytes, sizeof(image.bytes));
	assert_non_null(elf);
	assert_int_equal(elf_read_code(elf, end - 10, code, sizeof(code)), 10);
	assert_int_equal(elf_read_code(elf, end, code, sizeof(code)), -EFAULT);
	assert_int_equal(elf_read_code(elf, BUILD_ADDRESS - 1, code, sizeof(code)), -EFAULT);
	assert_int_equal(elf_read_code(elf, UINT64_MAX, code, sizeof(code)), -EFAULT);
	assert_int_equal(elf_file_offset(elf, end - 1, &offset), 0);
	assert_int_equal(offset, BUILD_OFFSET + BUILD_SLOTS * BUILD_SLOT_SIZE - 1);
	assert_int_equal(elf_file_offset(elf, 0, &offset), -EFAULT);
	elf_file_close(elf);
}

static void test_other_files_are_refused(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
	} rows[] = {
		{ "no magic", 0, 'x' },
		{ "32 bits", EI_CLASS, ELFCLASS32 },
		{ "big endian", EI_DATA, ELFDATA2MSB },
		{ "another machine", offsetof(Elf64_Ehdr, e_machine), EM_386 },
		{ "an object file", offsetof(Elf64_Ehdr, e_type), ET_REL },
	};
	struct build_image image;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct elf_file *elf;

		build_fill(&image, EM_X86_64, two_functions);
		image.bytes[rows[i].at] = rows[i].value;
		errno = 0;
		elf = open_bytes(image.bytes, sizeof(image.bytes));
		if (elf || errno != ENOEXEC)
			fail_msg("%s: errno %d", rows[i].name, errno);
	}
	assert_null(open_bytes("", 0));
	assert_null(elf_file_open_fd(-1));
	assert_int_equal(errno, EBADF);
	elf_file_close(NULL);
}

/*
 * Whatever is cut off or overwritten: an answer, no crash (the
 * sanitizers watch), and never a wrong symbol.
 */
static void test_damaged_files_are_survived(void **state)
{
	struct build_image image;
	struct elf_symbol symbol;
	uint8_t code[32];

	(void)state;
	for (size_t cut = 0; cut < 0xc00; cut += 7) {
		build_fill(&image, EM_X86_64, two_functions);
		struct elf_file *elf = open_bytes(image.bytes, cut);

		if (elf)
			assert_int_equal(elf_find_function(elf, "second", &symbol), -ENOENT);
		elf_file_close(elf);
	}
	for (size_t at = 0; at < 0xb40; at++) {
		build_fill(&image, EM_X86_64, two_functions);
		image.bytes[at] = 0xff;
		struct elf_file *elf = open_bytes(image.bytes, sizeof(image.bytes));

		if (elf && !elf_find_function(elf, "second", &symbol))
			(void)elf_read_code(elf, symbol.address, code, sizeof(code));
		elf_file_close(elf);
	}
}

#define MIB (UINT64_C(1) << 20)

/* A file of this many bytes, nearly all of which are a hole, with these sections and the names ".rodata". */
static struct elf_file *open_sparse(const Elf64_Shdr *sections, size_t count, uint64_t size, Elf64_Half told)
{
	struct build_image image;
	Elf64_Ehdr header;
	struct elf_file *elf;
	int fd;

	build_fill(&image, EM_X86_64, two_functions);
	memcpy(&header, image.bytes, sizeof(header));
	header.e_shoff = BUILD_SIZE;
	header.e_shnum = told;
	header.e_shstrndx = 1;
	memcpy(image.bytes, &header, sizeof(header));
	memcpy(image.bytes + 0x900, ".rodata", 8);
	fd = build_file(image.bytes, sizeof(image.bytes));
	assert_int_equal(write(fd, sections, count * sizeof(*sections)), count * sizeof(*sections));
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	elf = elf_file_open_fd(fd);
	close(fd);
	return elf;
}

#define NAMES .sh_type = SHT_STRTAB, .sh_name = 1, .sh_offset = 0x900, .sh_size = 8

/* A hole costs its owner nothing: what a file says of its size is no reason to hold as much. */
static void test_sparse_files_are_not_held(void **state)
{
	static const struct {
		const char *name;
		Elf64_Shdr sections[8];
		Elf64_Half told;
		uint64_t size;
		bool has_text;
		uint64_t limited;
	} rows[] = {
		{ "small", { [1] = { NAMES }, { .sh_type = SHT_PROGBITS, .sh_size = 64 } }, 3, MIB, true, 0 },
		{ "names of 4 GiB",
		  { [1] = { .sh_type = SHT_STRTAB, .sh_size = 4096 * MIB } },
		  2,
		  4097 * MIB,
		  false,
		  1 },
		{ "50 million sections", { { .sh_size = 50000000 } }, 0, 4097 * MIB, false, 1 },
		{ "one section of 257 MiB",
		  { [1] = { NAMES }, { .sh_type = SHT_PROGBITS, .sh_size = 257 * MIB } },
		  3,
		  1024 * MIB,
		  false,
		  1 },
		{ "a section that is cut",
		  { [1] = { NAMES }, { .sh_type = SHT_PROGBITS, .sh_size = 200 * MIB } },
		  3,
		  100 * MIB,
		  false,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t before = counters[COUNTER_LIMIT_FILES], limited;
		struct elf_file *elf = open_sparse(rows[i].sections, 8, rows[i].size, rows[i].told);

		assert_non_null(elf);
		if (elf_has_text(elf, "") != rows[i].has_text || elf_has_text(elf, "") != rows[i].has_text)
			fail_msg("%s: text", rows[i].name);
		limited = counters[COUNTER_LIMIT_FILES] - before;
		if (limited != rows[i].limited)
			fail_msg("%s: limited %d times", rows[i].name, (int)limited);
		elf_file_close(elf);
	}
}

/* Each within the limit of one, and together too large. */
static void test_sections_are_bounded_together(void **state)
{
	Elf64_Shdr sections[] = {
		[1] = { NAMES },
		{ .sh_type = SHT_STRTAB, .sh_name = 1, .sh_size = 250 * MIB },
		{ .sh_type = SHT_STRTAB, .sh_name = 1, .sh_size = 250 * MIB },
		{ .sh_type = SHT_PROGBITS, .sh_size = 20 * MIB },
		{ .sh_type = SHT_DYNSYM, .sh_size = 48, .sh_link = 2 },
		{ .sh_type = SHT_DYNSYM, .sh_size = 48, .sh_link = 3 },
	};
	uint64_t before = counters[COUNTER_LIMIT_FILES];
	struct elf_file *elf = open_sparse(sections, 7, 260 * MIB, 7);

	(void)state;
	assert_non_null(elf);
	assert_false(elf_exports(elf, "first"));
	assert_int_equal(counters[COUNTER_LIMIT_FILES], before);
	assert_false(elf_has_text(elf, ""));
	assert_int_equal(counters[COUNTER_LIMIT_FILES], before + 1);
	elf_file_close(elf);
}

/* Tables that share their strings, or are asked again and again. */
static void test_search_is_bounded(void **state)
{
	Elf64_Shdr sections[] = { [1] = { NAMES }, { .sh_type = SHT_PROGBITS, .sh_size = 128 * MIB } };
	uint64_t before = counters[COUNTER_LIMIT_FILES];
	struct elf_file *elf = open_sparse(sections, 3, 130 * MIB, 3);

	(void)state;
	assert_non_null(elf);
	for (int i = 0; i < 64; i++)
		assert_true(elf_has_text(elf, "")); /* found at once, and asked of all */
	assert_int_equal(counters[COUNTER_LIMIT_FILES], before);
	assert_false(elf_has_text(elf, ""));
	assert_int_equal(counters[COUNTER_LIMIT_FILES], before + 1);
	elf_file_close(elf);
}

static bool bytes_count(void *ctx, uint64_t address, struct slice code)
{
	(void)address;
	*(size_t *)ctx += code.len;
	return true;
}

/* Sixteen segments that are the same bytes of the file. */
static void test_code_is_not_handed_out_again_and_again(void **state)
{
	struct build_image image;
	struct elf_file *elf;
	size_t total = 0;

	(void)state;
	build_fill(&image, EM_X86_64, two_functions);
	for (size_t i = 1; i < 16; i++)
		memcpy(image.bytes + sizeof(Elf64_Ehdr) + i * sizeof(Elf64_Phdr),
		       image.bytes + sizeof(Elf64_Ehdr), sizeof(Elf64_Phdr));
	image.bytes[offsetof(Elf64_Ehdr, e_phnum)] = 16;
	elf = open_bytes(image.bytes, sizeof(image.bytes));
	assert_non_null(elf);
	elf_each_code(elf, 0, bytes_count, &total);
	assert_int_equal(total, sizeof(image.bytes));
	elf_file_close(elf);
}

int elf_test_landmark(int value);
__attribute__((noinline)) int elf_test_landmark(int value)
{
	return value * 7 + 3;
}

static int base_callback(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	*(uintptr_t *)data = info->dlpi_addr;
	return 1; /* the first is the executable */
}

/* This very executable, found through .symtab: the file's bytes are the code that runs. */
static void test_own_executable(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_file *elf = elf_file_open_fd(fd);
	struct elf_symbol symbol;
	uintptr_t base = 0;
	uint8_t code[8], direct[8];

	(void)state;
	assert_non_null(elf);
	assert_int_equal(elf_find_function(elf, "elf_test_landmark", &symbol), 0);
	dl_iterate_phdr(base_callback, &base);
	assert_int_equal(base + symbol.address, (uintptr_t)elf_test_landmark);
	assert_int_equal(elf_read_code(elf, symbol.address, code, sizeof(code)), sizeof(code));
	assert_memory_equal(code, (const void *)elf_test_landmark, sizeof(code));
	assert_int_equal(pread(fd, direct, sizeof(direct), (off_t)symbol.file_offset), sizeof(direct));
	assert_memory_equal(code, direct, sizeof(code));
	assert_int_equal(elf_find_function(elf, "elf_open_fd_not", &symbol), -ENOENT);
	elf_file_close(elf);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols_of_a_built_file),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_functions_of_a_pattern),
		cmocka_unit_test(test_text_of_this_program),
		cmocka_unit_test(test_code_ends_with_its_segment),
		cmocka_unit_test(test_other_files_are_refused),
		cmocka_unit_test(test_damaged_files_are_survived),
		cmocka_unit_test(test_long_names_match_nothing),
		cmocka_unit_test(test_sparse_files_are_not_held),
		cmocka_unit_test(test_sections_are_bounded_together),
		cmocka_unit_test(test_search_is_bounded),
		cmocka_unit_test(test_code_is_not_handed_out_again_and_again),
		cmocka_unit_test(test_own_executable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

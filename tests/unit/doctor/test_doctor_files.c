/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of agent/doctor/doctor_files.c, doctor_look.c and doctor_processes.c: this process maps hand-made
 * libraries and asks the doctor about itself.
 */
#include "doctor/doctor_files.h"
#include "doctor/doctor_look.h"
#include "doctor/doctor_processes.h"
#include "library/libraries.h"
#include "library/library_search.h"
#include "elf_build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct build_function tls_functions[] = {
	{ "SSL_read", "55 c3" },
	{ "SSL_write", "48 83 ec 18 c3" },
	{ NULL, NULL },
};

/* NSS by its public functions, without the table in which the others are looked for. */
static const struct build_function unknown_form[] = {
	{ "SSL_ImportFD", "55 c3" },
	{ "SSL_ForceHandshake", "55 c3" },
	{ NULL, NULL },
};

static const char *const names[] = { "libssl.so.3", "\x1b[2Jx.so", "libtls.so.28", "libssl3.so" };

#define FILE_COUNT (sizeof(names) / sizeof(names[0]))

static char folder[64];

static void map_file(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_ptr_not_equal(mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), MAP_FAILED);
	close(fd);
}

static int files_map(void **state)
{
	struct build_image image, unknown;
	char path[128];

	(void)state;
	build_fill(&unknown, EM_X86_64, unknown_form);
	strcpy(folder, "/tmp/hark-doctor-XXXXXX");
	assert_non_null(mkdtemp(folder));
	build_fill(&image, EM_X86_64, tls_functions);
	for (size_t i = 0; i < FILE_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		if (i < 2)
			map_file(path, image.bytes, sizeof(image.bytes));
		else if (strcmp(names[i], "libssl3.so") == 0)
			map_file(path, unknown.bytes, sizeof(unknown.bytes));
		else
			map_file(path, "nothing", sizeof("nothing"));
	}
	return 0;
}

static int files_remove(void **state)
{
	char path[128];

	(void)state;
	for (size_t i = 0; i < FILE_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static char *process_text(uint32_t pid, int expected)
{
	struct doctor_files *files = doctor_files_new();
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(files);
	assert_int_equal(doctor_process_print(files, pid, out), expected);
	fclose(out);
	doctor_files_free(files);
	return text;
}

/* Runs before the files are mapped. */
static void test_nothing_mapped(void **state)
{
	char *text = process_text((uint32_t)getpid(), 0);

	(void)state;
	assert_non_null(strstr(text, "no TLS        that hark knows"));
	free(text);
	text = process_text(INT32_MAX, -ESRCH);
	assert_string_equal(
		text,
		"process 2147483647: it has ended, or never was: ask while it runs, or start it under hark "
		"(hark -- COMMAND)\n");
	free(text);
}

static void test_process_in_detail(void **state)
{
	char line[128], *text = process_text((uint32_t)getpid(), 0);

	(void)state;
	snprintf(line, sizeof(line), "process %d test_doctor_files, user %u\n", getpid(), geteuid());
	assert_non_null(strstr(text, line));
	snprintf(line, sizeof(line), "  covered       %s/libssl.so.3  OpenSSL, 1 process", folder);
	assert_non_null(strstr(text, line));
	assert_non_null(strstr(text, "SSL_read         read      +0x1000   push rbp       public entry, "
				     "emulated by the kernel"));
	assert_non_null(strstr(text, "SSL_write        write     +0x1100   sub rsp, 0x18  public entry, "
				     "single-stepped"));
	assert_non_null(strstr(text, "  not covered   LibreSSL's libtls: "));
	assert_non_null(strstr(text, "  not covered   NSS: "));
	assert_null(strstr(text, "Go's"));
	assert_null(strstr(text, "32-bit"));
	assert_null(strchr(text, '\x1b')); /* a path is not a terminal's command */
	free(text);
}

static void test_one_line_a_library(void **state)
{
	struct doctor_files *files = doctor_files_new();
	char line[256], *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(library_search_scan_pid(files->search, (uint32_t)getpid()), 0);
	assert_int_equal(files->count, 3);
	doctor_files_print(files, out, false);
	fclose(out);
	snprintf(line, sizeof(line),
		 "  %s/libssl.so.3  OpenSSL, 0 processes  SSL_read at the entry (cheap), SSL_write "
		 "at the "
		 "entry (single-stepped: dear)\n",
		 folder);
	assert_non_null(strstr(text, line));
	assert_non_null(
		strstr(text, "libssl3.so  NSS, 0 processes  cannot be read: its form is not known\n"));
	assert_null(strchr(text, '\x1b'));
	free(text);
	doctor_files_free(files);
}

/* Whatever the calls that carry data are in a library, they are named. */
static void test_data_of_other_kinds(void **state)
{
	static const struct library_row row = { .title = "nghttp3" };
	struct doctor_library library = {
		.row = &row,
		.path = (char[]){ "/lib/libnghttp3.so.3" },
		.sites = { { .call.kind = TLS_STREAM_NEW, .function = "new" },
			   { .call.kind = TLS_STREAM_READ, .function = "read_stream" },
			   { .call.kind = TLS_STREAM_OFFER, .function = "writev_stream" } },
		.site_count = 3,
	};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	doctor_library_print(&library, out, false);
	fclose(out);
	assert_string_equal(text,
			    "/lib/libnghttp3.so.3  nghttp3, 0 processes  read_stream, writev_stream at the "
			    "entry (cheap)\n");
	free(text);
}

/* With detail: where --keylog takes secrets, or why it cannot. */
static void test_secrets(void **state)
{
	static const struct library_row row = { .title = "OpenSSL" };
	static const struct {
		uint64_t at;
		const char *why, *expected;
	} rows[] = {
		{ 0x1c0, NULL, "    --keylog         secrets   +0x1c0\n" },
		{ 0, "it is not clear", "    --keylog         none: it is not clear\n" },
		{ 0, NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct doctor_library library = { .row = &row,
						  .path = (char[]){ "/l" },
						  .secrets_at = rows[i].at,
						  .secrets_why = rows[i].why };
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		doctor_library_print(&library, out, true);
		fclose(out);
		assert_string_equal(strchr(text, '\n') + 1, rows[i].expected);
		free(text);
	}
}

static void table_text(char **text, const struct doctor_processes *processes, size_t columns, bool color,
		       bool detail)
{
	const struct doctor_screen screen = { .columns = columns, .color = color, .detail = detail };
	size_t len = 0;
	FILE *out = open_memstream(text, &len);

	doctor_processes_print(processes, out, &screen);
	fclose(out);
}

static const char *row_find(const char *text)
{
	const char *at = strstr(text, "test_doctor_files");

	assert_non_null(at);
	return at;
}

/* Each row keeps to the width, and what does not fit is seen to be cut. */
static void widths_check(const struct doctor_processes *processes)
{
	for (size_t columns = 50; columns < 160; columns += 20) {
		char *text, *line, *rest = NULL;

		table_text(&text, processes, columns, false, false);
		line = strtok_r(text, "\n", &rest);
		assert_true(strncmp(line, "  PROG", 6) == 0);
		for (; line && !strstr(line, "without TLS that hark knows");
		     line = strtok_r(NULL, "\n", &rest)) {
			assert_true(strlen(line) <= columns || strstr(line, "(-v lists them)"));
			if (strncmp(line, "  test_do", 9) == 0)
				assert_true(columns > 50 || strstr(line, ".."));
		}
		assert_non_null(line);
		free(text);
	}
}

/* Children with the same mappings, of the same name: one row. */
static void test_processes_are_folded(void **state)
{
	struct doctor_processes *processes, *alone;
	struct doctor_files *files = doctor_files_new();
	char *text;
	const char *at;
	int gate[2];
	pid_t children[4];

	(void)state;
	assert_int_equal(pipe(gate), 0);
	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			char byte;

			close(gate[1]);
			_exit((int)read(gate[0], &byte, 1));
		}
	}
	assert_int_equal(library_search_scan_pid(files->search, (uint32_t)getpid()), 0);
	alone = doctor_processes_scan(files, (uint32_t)getpid());
	processes = doctor_processes_scan(files, 0);
	assert_non_null(processes);
	close(gate[1]);
	for (size_t i = 0; i < 4; i++)
		waitpid(children[i], NULL, 0);
	close(gate[0]);
	table_text(&text, processes, 40, false, true);
	at = row_find(text);
	assert_int_equal(memcmp(at + strlen("test_doctor_files"), " x5 (", 5), 0);
	assert_non_null(strstr(at, ", ...)  "));
	assert_non_null(strstr(at, "  OpenSSL, OpenSSL, NSS, LibreSSL's libtls  "));
	assert_non_null(strstr(at, "\\x1b[2Jx.so, libssl.so.3, libssl3.so, libtls.so  "));
	assert_non_null(strstr(at, "  covered; not NSS; not LibreSSL's libtls\n"));
	assert_null(strstr(at + 1, "test_doctor_files"));
	assert_null(strchr(text, '\x1b'));
	assert_true(files->libraries[0].processes == 4 + 5);
	free(text);
	table_text(&text, processes, 0, true, true);
	assert_non_null(strstr(row_find(text), "\033[32mcovered;"));
	free(text);
	table_text(&text, alone, 0, false, true);
	assert_int_equal(memcmp(row_find(text) + strlen("test_doctor_files"), " x4 (", 5), 0);
	free(text);
	doctor_processes_free(alone);
	widths_check(processes);
	doctor_processes_free(processes);
	doctor_processes_free(NULL);
	doctor_files_free(files);
}

/* Nobody has searched it: what begins while the doctor looks around is not told to be uncovered. */
static void test_a_process_that_began_since(void **state)
{
	struct doctor_files *files = doctor_files_new();
	struct doctor_processes *processes = doctor_processes_scan(files, 0);
	char *text;

	(void)state;
	table_text(&text, processes, 0, false, true);
	assert_non_null(strstr(row_find(text), "  covered;"));
	free(text);
	doctor_processes_free(processes);
	doctor_files_free(files);
}

static void test_free_nothing(void **state)
{
	(void)state;
	doctor_files_free(NULL);
}

int main(void)
{
	const struct CMUnitTest before[] = {
		cmocka_unit_test(test_nothing_mapped),
		cmocka_unit_test(test_free_nothing),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_in_detail),
		cmocka_unit_test(test_one_line_a_library),
		cmocka_unit_test(test_data_of_other_kinds),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_processes_are_folded),
		cmocka_unit_test(test_a_process_that_began_since),
	};

	return cmocka_run_group_tests(before, NULL, NULL) +
	       cmocka_run_group_tests(tests, files_map, files_remove);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of agent/doctor/doctor_cells.c, and of the words of opaque lines, on a process like a browser's: its
 * executable, which has no symbols of TLS, holds the text that Debian's chromium 156 has, and GnuTLS is
 * mapped because CUPS needs it.
 */
#include "doctor/doctor_cells.h"
#include "doctor/doctor_processes.h"
#include "elf_build.h"
#include "library/libraries.h"
#include "library/library_search.h"
#include "library/tls_seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

static const char browser_text[] __attribute__((used)) = "../../third_party/boringssl/src/ssl/ssl_lib.cc";

static const struct build_function gnutls_functions[] = {
	{ "gnutls_record_send", "55 c3" },
	{ "gnutls_record_recv", "55 c3" },
	{ NULL, NULL },
};

static char folder[] = "/tmp/hark-cells-XXXXXX", library[64];

static int gnutls_map(void **state)
{
	struct build_image image;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(library, sizeof(library), "%s/libgnutls.so.30", folder);
	build_fill(&image, EM_X86_64, gnutls_functions);
	fd = open(library, O_CREAT | O_RDWR | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, image.bytes, sizeof(image.bytes)), sizeof(image.bytes));
	assert_ptr_not_equal(mmap(NULL, sizeof(image.bytes), PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0),
			     MAP_FAILED);
	close(fd);
	return 0;
}

static int gnutls_remove(void **state)
{
	(void)state;
	unlink(library);
	return rmdir(folder);
}

static void cell_is(struct buffer *cell, const char *expected)
{
	buffer_char(cell, '\0');
	assert_string_equal(cell->data, expected);
	buffer_fini(cell);
}

static void test_a_library_that_came_along(void **state)
{
	struct doctor_files *files = doctor_files_new();
	struct buffer cells[COLUMN_COUNT] = { 0 };
	struct doctor_look look;

	(void)state;
	assert_int_equal(library_search_scan_pid(files->search, (uint32_t)getpid()), 0);
	assert_int_equal(doctor_look(&look, files, (uint32_t)getpid()), 0);
	assert_int_equal(doctor_verdict_of(&look), VERDICT_PARTLY);
	doctor_cells_put(cells, &look, files);
	cell_is(&cells[COLUMN_LIBRARY], "BoringSSL inside, GnuTLS");
	cell_is(&cells[COLUMN_FOUND], "inside (text), libgnutls.so.30");
	cell_is(&cells[COLUMN_READ], "NOT read: without symbols; --tls-library can say where its functions "
				     "stand (the others are)");
	doctor_files_free(files);
}

/* However it became known that GnuTLS is mapped. */
static void test_why(void **state)
{
	static const char why[] = "BoringSSL inside, without symbols: ";
	struct tls_seen *seen = tls_seen_new();
	uint32_t own = (uint32_t)getpid();

	(void)state;
	assert_memory_equal(tls_seen_why(seen, own), why, strlen(why));
	tls_seen_mapped(seen, own, library);
	assert_memory_equal(tls_seen_why(seen, own), why, strlen(why));
	tls_seen_free(seen);
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *mapped;
		uint64_t libraries;
		bool is_32bit;
		unsigned int rings;
		enum doctor_verdict verdict;
		const char *library, *found, *read;
	} cases[] = {
		{ "libc.so", 0, false, 0, VERDICT_NO_TLS, "-", "-", "no TLS that hark knows" },
		{ "libc.so", 0, true, 0, VERDICT_NO_TLS, "-", "-",
		  "no TLS that hark knows; 32-bit: sizes only" },
		{ "libjvm.so", 0, false, 0, VERDICT_NOT_READ, "Java's own TLS", "libjvm.so",
		  "NOT read: bytecode, compiled as it runs: no function to probe" },
		{ "libjvm.so", 1, false, 0, VERDICT_READ, "GnuTLS, Java's own TLS",
		  "libgnutls.so.30, libjvm.so", "covered; not Java's own TLS" },
		{ "libc.so", 1, false, 2, VERDICT_READ, "GnuTLS", "libgnutls.so.30",
		  "covered; io_uring: sizes only" },
	};
	struct doctor_files *files = doctor_files_new();

	(void)state;
	assert_int_equal(library_search_scan_pid(files->search, (uint32_t)getpid()), 0);
	assert_int_equal(files->count, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct doctor_look look = {
			.executable = -1,
			.libraries = cases[i].libraries,
			.others = libraries_of_name(cases[i].mapped),
			.is_32bit = cases[i].is_32bit,
			.rings = cases[i].rings,
		};
		struct buffer cells[COLUMN_COUNT] = { 0 };

		assert_int_equal(doctor_verdict_of(&look), cases[i].verdict);
		doctor_cells_put(cells, &look, files);
		cell_is(&cells[COLUMN_LIBRARY], cases[i].library);
		cell_is(&cells[COLUMN_FOUND], cases[i].found);
		cell_is(&cells[COLUMN_READ], cases[i].read);
	}
	doctor_files_free(files);
}

/* Where its functions stand was told from outside, and it may be wrong. */
static void test_inside(void **state)
{
	struct doctor_look look = { .libraries = 1, .executable = 0 };
	struct doctor_files *files = doctor_files_new();
	struct buffer cells[COLUMN_COUNT] = { 0 };

	(void)state;
	assert_int_equal(library_search_scan_pid(files->search, (uint32_t)getpid()), 0);
	doctor_cells_put(cells, &look, files);
	cell_is(&cells[COLUMN_FOUND], "inside (symbols)");
	cell_is(&cells[COLUMN_READ], "covered");
	buffer_fini(&cells[COLUMN_LIBRARY]);
	strcpy(files->libraries[0].source, "--tls-library");
	doctor_cells_put(cells, &look, files);
	cell_is(&cells[COLUMN_FOUND], "inside (--tls-library)");
	cell_is(&cells[COLUMN_READ], "covered (a guess until it moves HTTP)");
	buffer_fini(&cells[COLUMN_LIBRARY]);
	doctor_files_free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_library_that_came_along),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_inside),
	};

	return cmocka_run_group_tests(tests, gnutls_map, gnutls_remove);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/doctor_files.c: this process maps hand-made libraries and asks the doctor about itself. */
#include "doctor_files.h"
#include "elf_build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

static const struct build_function tls_functions[] = {
	{ "SSL_read", "55 c3" },
	{ "SSL_write", "48 83 ec 18 c3" },
	{ NULL, NULL },
};

/* Runs the doctor with stdout in a file; the text must be freed. */
static char *doctor_text(const uint32_t *pids, size_t count, int expected)
{
	char path[] = "/tmp/hark-doctor-XXXXXX";
	int fd = mkstemp(path), saved = dup(STDOUT_FILENO);
	char *text = calloc(1, 1 << 20);

	assert_true(fd >= 0 && saved >= 0);
	assert_non_null(text);
	unlink(path);
	fflush(stdout);
	assert_true(dup2(fd, STDOUT_FILENO) >= 0);
	int err = doctor_files(pids, count);

	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	assert_true(pread(fd, text, (1 << 20) - 1, 0) >= 0);
	close(saved);
	close(fd);
	assert_int_equal(err, expected);
	return text;
}

static void map_file(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_ptr_not_equal(mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), MAP_FAILED);
	close(fd);
}

static void test_process_report(void **state)
{
	char folder[] = "/tmp/hark-doctor-XXXXXX", path[64], hostile[64], other[64], line[128];
	uint32_t pids[2] = { (uint32_t)getpid(), UINT32_MAX };
	struct build_image image;
	char *text;

	(void)state;
	text = doctor_text(pids, 1, 0);
	assert_non_null(strstr(text, "no TLS library is mapped"));
	free(text);

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/libssl.so.3", folder);
	snprintf(hostile, sizeof(hostile), "%s/\x1b[2Jx.so", folder);
	snprintf(other, sizeof(other), "%s/libgnutls.so.30", folder);
	build_fill(&image, EM_X86_64, tls_functions);
	map_file(path, image.bytes, sizeof(image.bytes));
	map_file(hostile, image.bytes, sizeof(image.bytes));
	map_file(other, "nothing", sizeof("nothing"));

	text = doctor_text(pids, 2, -ESRCH);
	snprintf(line, sizeof(line), "  covered      %s\n", path);
	assert_non_null(strstr(text, line));
	assert_non_null(strstr(text, "  not covered  GnuTLS"));
	assert_non_null(strstr(text, "process 4294967295: there is none"));
	assert_non_null(strstr(text, "SSL_read         read      +0x1000   push rbp       public entry, "
				     "emulated by the kernel"));
	assert_non_null(strstr(text, "SSL_write        write     +0x1100   sub rsp, 0x18  public entry, "
				     "single-stepped"));
	assert_non_null(strstr(text, "mapped by 1 process\n"));
	assert_null(strchr(text, '\x1b')); /* a path is not a terminal's command */
	free(text);

	text = doctor_text(NULL, 0, 0);
	assert_non_null(strstr(text, "GnuTLS: "));
	assert_non_null(strstr(text, path));
	free(text);
	unlink(path);
	unlink(hostile);
	unlink(other);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

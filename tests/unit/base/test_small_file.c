/* SPDX-License-Identifier: Apache-2.0 */
#include "base/small_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void test_read(void **state)
{
	char path[] = "/tmp/hark-small-XXXXXX", text[8];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(small_file_read(path, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(write(fd, "one\ntwo\n", 4), 4);
	assert_int_equal(small_file_read(path, text, sizeof(text)), 3);
	assert_string_equal(text, "one");
	assert_int_equal(write(fd, "two\n", 4), 4);
	assert_int_equal(small_file_read(path, text, sizeof(text)), 7);
	assert_string_equal(text, "one\ntwo");
	assert_int_equal(small_file_read(path, text, 4), 3);
	assert_string_equal(text, "one");
	close(fd);
	unlink(path);
	assert_int_equal(small_file_read(path, text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "");
}

static void test_field(void **state)
{
	static const char text[] = "Name:\tPid\nTgid:\t12\nPPid:\t34";

	(void)state;
	assert_string_equal(small_file_field(text, "PPid"), "\t34");
	assert_memory_equal(small_file_field(text, "Tgid"), "\t12\n", 4);
	assert_string_equal(small_file_field(text, "Pid"), "");
	assert_string_equal(small_file_field("\0\nPid:\t1", "Pid"), "");
	assert_string_equal(small_file_field("\n", "Pid"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_read), cmocka_unit_test(test_field) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/library_cache.c: lines as ldconfig prints them, and the system's own cache. */
#include "library/library_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

static bool is_libssl(const char *name)
{
	return strncmp(name, "libssl", strlen("libssl")) == 0;
}

static bool is_libc(const char *name)
{
	return strncmp(name, "libc.so", strlen("libc.so")) == 0;
}

static bool is_none(const char *name)
{
	(void)name;
	return false;
}

static void test_lines(void **state)
{
	static const struct {
		const char *name, *line, *expected;
	} rows[] = {
		{ "a library", "\tlibssl.so.3 (libc6,x86-64) => /lib/x86_64-linux-gnu/libssl.so.3\n",
		  "/lib/x86_64-linux-gnu/libssl.so.3" },
		{ "spaces in the path", "\tlibssl.so.3 (libc6) => /opt/my lib/libssl.so.3\n",
		  "/opt/my lib/libssl.so.3" },
		{ "no newline", "\tlibssl.so.3 (libc6) => /l/libssl.so.3", "/l/libssl.so.3" },
		{ "another name", "\tlibcrypto.so.3 (libc6) => /l/libssl.so.3\n", "-" },
		{ "the name stands only in the path", "\tx (libc6) => /l/libssl.so.3\n", "-" },
		{ "no path", "\tlibssl.so.3 (libc6)\n", "-" },
		{ "a path that is not absolute", "\tlibssl.so.3 (libc6) => libssl.so.3\n", "-" },
		{ "the heading", "812 libs found in cache `/etc/ld.so.cache'\n", "-" },
		{ "nothing", "", "-" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128];
		const char *path;

		snprintf(line, sizeof(line), "%s", rows[i].line);
		path = library_cache_line(line, is_libssl);
		if (strcmp(path ? path : "-", rows[i].expected) != 0)
			fail_msg("%s: got %s", rows[i].name, path ? path : "-");
	}
}

static void count_readable(void *ctx, const char *path)
{
	assert_int_equal(path[0], '/');
	*(size_t *)ctx += access(path, R_OK) == 0;
}

static void test_the_system_has_a_c_library(void **state)
{
	size_t found = 0, none = 0;

	(void)state;
	assert_int_equal(library_cache_each(is_libc, count_readable, &found), 0);
	assert_true(found > 0);
	assert_int_equal(library_cache_each(is_none, count_readable, &none), 0);
	assert_int_equal(none, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_the_system_has_a_c_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/file_identity.c: which pairs are one file to a uprobe. */
#include "library/file_identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

/* device, inode, size, modified, changed, overlay */
/* clang-format off */
#define FILE_OF(d, i, s, m, c, o)                                                               \
	{                                                                                       \
		.device = (d), .inode = (i), .size = (s), .modified_s = (m), .changed_ns = (c), \
		.overlay = (o)                                                                  \
	}
#define BORN(d, c, o, b)                                                                          \
	{                                                                                         \
		.device = (d), .inode = 2, .size = 3, .changed_s = (c), .overlay = (o), .born_s = (b) \
	}
/* clang-format on */

static void test_pairs(void **state)
{
	static const struct {
		const char *name;
		struct file_identity a, b;
		bool same;
	} rows[] = {
		{ "one file", FILE_OF(1, 2, 3, 4, 5, false), FILE_OF(1, 2, 3, 4, 5, false), true },
		{ "touched", FILE_OF(1, 2, 3, 4, 5, false), FILE_OF(1, 2, 3, 9, 9, false), true },
		{ "another inode", FILE_OF(1, 2, 3, 4, 5, false), FILE_OF(1, 8, 3, 4, 5, false), false },
		{ "snapshots", FILE_OF(1, 2, 3, 4, 5, false), FILE_OF(7, 2, 3, 4, 5, false), false },
		{ "two overlays", FILE_OF(1, 2, 3, 4, 5, true), FILE_OF(7, 2, 3, 4, 5, true), true },
		{ "overlay and real", FILE_OF(1, 2, 3, 4, 5, true), FILE_OF(7, 2, 3, 4, 5, false), true },
		{ "overlays, size", FILE_OF(1, 2, 3, 4, 5, true), FILE_OF(7, 2, 8, 4, 5, true), false },
		{ "overlays, modified", FILE_OF(1, 2, 3, 4, 5, true), FILE_OF(7, 2, 3, 8, 5, true), false },
		{ "overlays, changed", FILE_OF(1, 2, 3, 4, 5, true), FILE_OF(7, 2, 3, 4, 8, true), false },
		{ "an overlay's, touched", BORN(1, 5, true, 8), BORN(1, 6, true, 8), true },
		{ "an overlay's, copied up", BORN(1, 5, true, 8), BORN(1, 6, true, 9), false },
		{ "an overlay's, of a file system without births", BORN(1, 5, true, 0), BORN(1, 6, true, 0),
		  true },
		{ "no overlay's, born twice", BORN(1, 5, false, 8), BORN(1, 5, false, 9), true },
		{ "overlays, inode", FILE_OF(1, 2, 3, 4, 5, true), FILE_OF(7, 8, 3, 4, 5, true), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (file_identity_same(&rows[i].a, &rows[i].b) != rows[i].same ||
		    file_identity_same(&rows[i].b, &rows[i].a) != rows[i].same)
			fail_msg("%s", rows[i].name);
}

static void test_of_a_file(void **state)
{
	char path[] = "/tmp/hark-identity-XXXXXX", second[] = "/tmp/hark-identity-XXXXXX";
	int fd = mkstemp(path), other = mkstemp(second);
	struct file_identity a, b, c;
	struct stat st;

	(void)state;
	assert_true(fd >= 0 && other >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	a = file_identity_of(fd, &st);
	assert_int_equal(write(fd, "more", 4), 4);
	assert_int_equal(fstat(fd, &st), 0);
	b = file_identity_of(fd, &st);
	assert_int_equal(fstat(other, &st), 0);
	c = file_identity_of(other, &st);
	assert_true(file_identity_same(&a, &b)); /* it grew */
	assert_false(file_identity_same(&a, &c));
	close(fd);
	close(other);
	unlink(path);
	unlink(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

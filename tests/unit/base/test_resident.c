/* SPDX-License-Identifier: Apache-2.0 */
/* Free memory between what is used goes, and what is used, written or read only, stays as it was. */
#include "base/resident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECES	    4096
#define PIECE_BYTES 8192
#define KEPT_EVERY  64

static const char read_only[3 * PIECE_BYTES] = "read only";
static char written[3 * PIECE_BYTES] = "at the start";

static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	size_t size, pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%zu %zu", &size, &pages), 2);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void test_release(void **state)
{
	char *pieces[PIECES];
	size_t before;

	(void)state;
	strcpy(written, "later");
	for (size_t i = 0; i < PIECES; i++) {
		pieces[i] = malloc(PIECE_BYTES);
		assert_non_null(pieces[i]);
		memset(pieces[i], (int)(i / KEPT_EVERY), PIECE_BYTES);
	}
	for (size_t i = 0; i < PIECES; i++)
		if (i % KEPT_EVERY)
			free(pieces[i]);
	before = resident_bytes();
	resident_release();
#if !defined(__SANITIZE_ADDRESS__) /* whose malloc keeps what is freed for a while */
	assert_in_range(resident_bytes(), 0, before - (size_t)PIECES * PIECE_BYTES / 2);
#else
	(void)before;
#endif
	for (size_t i = 0; i < PIECES; i += KEPT_EVERY) {
		for (size_t at = 0; at < PIECE_BYTES; at++)
			assert_int_equal(pieces[i][at], (char)(i / KEPT_EVERY));
		free(pieces[i]);
	}
	assert_string_equal(read_only, "read only");
	assert_string_equal(written, "later");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

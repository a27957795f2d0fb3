/* SPDX-License-Identifier: Apache-2.0 */
/* Which library can be loaded, and that nothing is half loaded. */
#include "base/shared_library.h"

#include "base/log.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <zlib.h>

#define ZLIB_FUNCTIONS(X) X(zlibVersion) X(crc32)

static struct {
	ZLIB_FUNCTIONS(SHARED_LIBRARY_POINTER)
	void *none;
} z;

#define ZLIB_SYMBOL(name) { #name, &z.name },
static const struct shared_symbol whole[] = { ZLIB_FUNCTIONS(ZLIB_SYMBOL) };
static const struct shared_symbol more[] = { { "no_such_function", &z.none }, ZLIB_FUNCTIONS(ZLIB_SYMBOL) };

static const struct {
	const char *name;
	const struct shared_symbol *symbols;
	size_t count;
	int expected;
} rows[] = {
	{ "libz.so.1", whole, 2, 0 },
	{ "libz.so.1", more, 3, -ENOENT },
	{ "libno-such-library.so.7", whole, 2, -ENOENT },
};

static void test_load(void **state)
{
	(void)state;
	log_level = LOG_QUIET;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(shared_library_load(rows[i].name, "zlib1g", "the test", rows[i].symbols,
						     rows[i].count),
				 rows[i].expected);
	assert_string_equal(z.zlibVersion(), zlibVersion());
	assert_int_equal(z.crc32(0, (const unsigned char *)"hark", 4),
			 crc32(0, (const unsigned char *)"hark", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_load) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "redact.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *name;
	const char *add; /* NULL: the defaults alone */
	bool show_secrets;
	const char *header; /* NULL: its name is not known */
	bool secret;
} rows[] = {
	{ "default", NULL, false, "authorization", true },
	{ "default, case", NULL, false, "Set-Cookie", true },
	{ "default", NULL, false, "Proxy-Authorization", true },
	{ "default", NULL, false, "COOKIE", true },
	{ "harmless", NULL, false, "accept", false },
	{ "longer name", NULL, false, "cookie2", false },
	{ "shorter name", NULL, false, "cooki", false },
	{ "unknown name may be any", NULL, false, NULL, true },
	{ "shown on demand", NULL, true, "cookie", false },
	{ "unknown name, on demand", NULL, true, NULL, false },
	{ "added", "X-Api-Key,x-token", false, "x-api-key", true },
	{ "added second", "X-Api-Key,x-token", false, "X-Token", true },
	{ "defaults stay", "x-token", false, "cookie", true },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redact *redact = redact_new(rows[i].show_secrets);

		assert_non_null(redact);
		if (rows[i].add)
			assert_int_equal(redact_add(redact, rows[i].add), 0);
		if (redact_header(redact, slice_of_string(rows[i].header)) != rows[i].secret)
			fail_msg("%s: %s", rows[i].name, rows[i].header);
		redact_free(redact);
	}
}

static void test_bad_names(void **state)
{
	static const char *const bad[] = { "", ",", "a,", ",a", "a b", "a:b", "caf\xc3\xa9", "a,,b" };
	struct redact *redact = redact_new(false);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(redact_add(redact, bad[i]), -EINVAL);
	redact_free(redact);
	redact_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_bad_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

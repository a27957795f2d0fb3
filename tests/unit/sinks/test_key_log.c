/* SPDX-License-Identifier: Apache-2.0 */
/* A line a secret, and none of what is no label. */
#include "sinks/key_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define RANDOM "00aa000000000000000000000000000000000000000000000000000000000000"

static const struct row {
	const char *label;
	uint8_t len;
	const char *expected;
} rows[] = {
	{ "CLIENT_RANDOM", 1, "CLIENT_RANDOM " RANDOM " 0f\n" },
	{ "CLIENT_TRAFFIC_SECRET_0", 3, "CLIENT_TRAFFIC_SECRET_0 " RANDOM " 0ff000\n" },
	{ "", 1, "" },
	{ "A\nB", 1, "" },
	{ "\033[2J", 1, "" },
	{ "CLIENT RANDOM", 1, "" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct event_secret secret = { .random = { 0, 0xaa },
					       .secret = { 0x0f, 0xf0 },
					       .secret_len = rows[i].len };
		struct buffer out = { 0 };

		strcpy(secret.label, rows[i].label);
		assert_int_equal(key_log_put(&out, &secret), rows[i].expected[0] != '\0');
		buffer_char(&out, '\0');
		assert_string_equal(out.data, rows[i].expected);
		buffer_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests_name("key_log", tests, NULL, NULL);
}

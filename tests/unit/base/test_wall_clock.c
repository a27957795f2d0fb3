/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wall_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static void assert_holds(struct buffer *buffer, const char *expected)
{
	buffer_char(buffer, '\0');
	assert_string_equal(buffer->data, expected);
	buffer_clear(buffer);
}

static const struct {
	int64_t offset;
	uint64_t event_ns;
	const char *utc, *local; /* local time is three and a half hours ahead */
} times[] = {
	{ 0, 0, "1970-01-01T00:00:00.000000000Z", "03:30:00.000" },
	{ 0, 999999999, "1970-01-01T00:00:00.999999999Z", "03:30:00.999" },
	{ -1, 0, "1969-12-31T23:59:59.999999999Z", "03:29:59.999" },
	{ 1767323045000000000, 6000000, "2026-01-02T03:04:05.006000000Z", "06:34:05.006" },
	{ -1000000000, 1000000000, "1970-01-01T00:00:00.000000000Z", "03:30:00.000" },
	{ 0, 951782400000000000, "2000-02-29T00:00:00.000000000Z", "03:30:00.000" },
};

static void test_times(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	setenv("TZ", "XYZ-03:30", 1);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct wall_clock utc = { .wall_offset_ns = times[i].offset };
		struct wall_clock local = utc;

		for (int again = 0; again < 2; again++) { /* the second comes from the cache */
			wall_clock_utc(&b, &utc, times[i].event_ns);
			assert_holds(&b, times[i].utc);
			wall_clock_local(&b, &local, times[i].event_ns);
			assert_holds(&b, times[i].local);
		}
	}
	buffer_fini(&b);
}

/* Since the first that is asked for; a line may tell of a time before it. */
static void test_relative(void **state)
{
	struct wall_clock clock = { .wall_offset_ns = -5, .relative = true };
	struct buffer b = { 0 };

	(void)state;
	wall_clock_local(&b, &clock, 2000000000);
	assert_holds(&b, "+0.000000");
	wall_clock_local(&b, &clock, 3000200999);
	assert_holds(&b, "+1.000200");
	wall_clock_local(&b, &clock, 1999990000);
	assert_holds(&b, "-0.000010");
	wall_clock_utc(&b, &clock, 1000000005);
	assert_holds(&b, "1970-01-01T00:00:01.000000000Z");
	buffer_fini(&b);
}

/* Times go back and forth by less than a second, and by more; one clock writes them all. */
static void test_one_clock(void **state)
{
	static const struct {
		uint64_t event_ns;
		const char *utc;
	} rows[] = {
		{ 1000000000, "1970-01-01T00:00:01.000000000Z" },
		{ 1999999999, "1970-01-01T00:00:01.999999999Z" },
		{ 2000000000, "1970-01-01T00:00:02.000000000Z" },
		{ 1999999999, "1970-01-01T00:00:01.999999999Z" },
		{ UINT64_MAX, "1969-12-31T23:59:59.999999999Z" },
		{ 0, "1970-01-01T00:00:00.000000000Z" },
		{ INT64_MAX, "2262-04-11T23:47:16.854775807Z" },
		{ (uint64_t)INT64_MAX + 1, "1677-09-21T00:12:43.145224192Z" },
		{ 86400000000000, "1970-01-02T00:00:00.000000000Z" },
	};
	struct wall_clock clock = { .wall_offset_ns = 0 };
	struct buffer b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wall_clock_utc(&b, &clock, rows[i].event_ns);
		assert_holds(&b, rows[i].utc);
	}
	buffer_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_one_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is a loss, and how it is said. */
#include "base/losses.h"

#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum counter counter;
	const char *losses, *limits; /* of one such */
} rows[] = {
	{ "a full ring", COUNTER_EVENTS_LOST, "events.lost 1", "" },
	{ "bytes", COUNTER_BYTES_LOST, "bytes.lost 1", "" },
	{ "a bound that drops", COUNTER_LIMIT_STREAMS, "limit.streams 1", "" },
	{ "a bound that folds", COUNTER_LIMIT_ENDPOINTS, "", "; limits met: limit.endpoints 1" },
	{ "by choice", COUNTER_BYTES_SKIPPED, "", "" },
	{ "a late join", COUNTER_EXCHANGES_UNDER_WAY, "", "" },
	{ "a hole in a body that nobody wanted", COUNTER_STREAM_HOLES, "", "" },
	{ "a file that cannot be written", COUNTER_OUTPUT_ERRORS, "output.errors 1", "" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer losses = { .data = NULL }, limits = { .data = NULL };

		print_message("%s\n", rows[i].name);
		assert_int_equal(losses_sum(), 0);
		counters[rows[i].counter] = 1;
		losses_put(&losses);
		losses_put_limits_met(&limits);
		buffer_char(&losses, '\0');
		buffer_char(&limits, '\0');
		assert_string_equal(losses.data, rows[i].losses);
		assert_string_equal(limits.data, rows[i].limits);
		assert_int_equal(losses_sum(), *rows[i].losses != '\0');
		counters[rows[i].counter] = 0;
		buffer_fini(&losses);
		buffer_fini(&limits);
	}
	counters[COUNTER_EVENTS_LOST] = 2;
	counters[COUNTER_LIMIT_MEMORY] = 3;
	assert_int_equal(losses_sum(), 5);
	counters[COUNTER_EVENTS_LOST] = counters[COUNTER_LIMIT_MEMORY] = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

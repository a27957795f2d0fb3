/* SPDX-License-Identifier: Apache-2.0 */
/* Seconds pass, also many at once; windows hold what they say. */
#include "sinks/top/top_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define MS     UINT64_C(1000000)

static const struct {
	const char *name;
	const char *script; /* "+N": so many ms on; "a": one of 10 ms; "e": an error of 1 s; "?": one of
			     * unknown time
			     */
	enum stats_window window;
	const char *totals; /* count errors span-ms p50-ms p99-ms */
	const char *rates;  /* of the last five whole seconds */
} rows[] = {
	{ "nothing", "", WINDOW_RUN, "0 0 0 0 0", "0 0 0 0 0" },
	{ "a second", "a a a e +1000", WINDOW_RUN, "4 1 1000 10 1000", "0 0 0 0 4" },
	{ "unknown times count", "? ? +1000", WINDOW_RUN, "2 0 1000 0 0", "0 0 0 0 2" },
	{ "this second is in no bar", "a +1000 a", WINDOW_RUN, "2 0 1000 10 10", "0 0 0 0 1" },
	{ "a gap", "a +3000 e", WINDOW_RUN, "2 1 3000 10 1000", "0 0 1 0 0" },
	{ "10 s forget", "e +12000 a", WINDOW_10S, "1 0 9000 10 10", "0 0 0 0 0" },
	{ "10 s hold nine and this one", "e +9000 a", WINDOW_10S, "2 1 9000 10 1000", "0 0 0 0 0" },
	{ "60 s", "e +40000 a", WINDOW_60S, "2 1 40000 10 1000", "0 0 0 0 0" },
	{ "60 s forget", "e +60000 a", WINDOW_60S, "1 0 59000 10 10", "0 0 0 0 0" },
	{ "a gap of days", "e +900000000 a +1000", WINDOW_60S, "1 0 59000 10 10", "0 0 0 0 1" },
	{ "around the ring", "a +239000 a a +1000", WINDOW_RUN, "3 0 240000 10 10", "0 0 0 0 2" },
};

static void run(struct top_history *history, const char *script)
{
	uint64_t now = 1000 * SECOND;
	char words[100], *at = words, *word;

	snprintf(words, sizeof(words), "%s", script);
	top_history_tick(history, now);
	while ((word = strsep(&at, " "))) {
		unsigned long ms;

		if (sscanf(word, "+%lu", &ms) == 1) {
			now += ms * MS;
			top_history_tick(history, now);
			top_history_tick(history, now - SECOND); /* what comes late changes nothing */
		} else if (*word) {
			top_history_add(history, *word == 'e', *word != '?', *word == 'e' ? SECOND : 10 * MS);
		}
	}
}

/* Within the histogram's error. */
static uint64_t rounded_ms(uint64_t ns)
{
	uint64_t ms = (ns + MS / 2) / MS;

	return ms > 900 && ms < 1010 ? 1000 : ms;
}

static void test_rows(void **state)
{
	static struct top_history history;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t rates[5], p99s[5];
		struct top_totals totals;
		char text[100];

		run(&history, rows[i].script);
		top_history_totals(&history, rows[i].window, &totals);
		snprintf(text, sizeof(text), "%lu %lu %lu %lu %lu", totals.count, totals.errors,
			 totals.span_ns / MS, rounded_ms(totals.p50_ns), rounded_ms(totals.p99_ns));
		if (strcmp(text, rows[i].totals) != 0)
			fail_msg("%s: %s", rows[i].name, text);
		top_history_values(&history, 5, rates, p99s);
		snprintf(text, sizeof(text), "%lu %lu %lu %lu %lu", rates[0], rates[1], rates[2], rates[3],
			 rates[4]);
		if (strcmp(text, rows[i].rates) != 0)
			fail_msg("%s: %s", rows[i].name, text);
		top_history_fini(&history);
	}
}

static void test_p99_of_seconds(void **state)
{
	static struct top_history history;
	uint64_t rates[3], p99s[3];

	(void)state;
	run(&history, "a e +1000 a +1000 +1000");
	top_history_values(&history, 3, rates, p99s);
	assert_int_equal(rounded_ms(p99s[0]), 1000);
	assert_int_equal(rounded_ms(p99s[1]), 10);
	assert_int_equal(p99s[2], 0);
	top_history_fini(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows),
					    cmocka_unit_test(test_p99_of_seconds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of the sink that keeps most fails in turn: what is written
 * then are whole lines, and what is missing is counted.
 */
#include "alloc_fail.h"

#include "../../../agent/base/buffer.c"
#include "../../../agent/sinks/conns_text.c"
#include "../../../agent/sinks/sink.c"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A connection's beginning, two exchanges and its end. Returns how much was missing. */
static uint64_t run(struct sink *sink, struct sample *sample)
{
	uint64_t before = counters[COUNTER_LIMIT_MEMORY];

	sample_show_conn(&conns_text_sink, sink, RESULT_CONN_OPENED, &sample->conn);
	sample_show(&conns_text_sink, sink, RESULT_EXCHANGE, &sample->exchange);
	sample_show(&conns_text_sink, sink, RESULT_EXCHANGE, &sample->exchange);
	sample_show_conn(&conns_text_sink, sink, RESULT_CONN_CLOSED, &sample->conn);
	return counters[COUNTER_LIMIT_MEMORY] - before;
}

/* The table's three lines, then the exchanges that were kept, or how many were not. */
static void check_text(const char *text, uint64_t missing, long nth)
{
	size_t lines = 0;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	if (strstr(text, "more exchanges, not kept)"))
		missing++;
	if (lines != 5 && missing == 0)
		fail_msg("allocation %ld: %zu lines and nothing counted: %s", nth, lines, text);
	if (text[0] && (strncmp(text, "TIME ", 5) != 0 || text[strlen(text) - 1] != '\n'))
		fail_msg("allocation %ld: a line is not whole: %s", nth, text);
}

static void test_each_allocation_fails(void **state)
{
	long nth = 0;
	bool reached = true;
	struct redact *redact = redact_new(false);

	(void)state;
	while (reached) {
		struct sample sample;
		char *text = NULL;
		size_t len = 0;
		struct sink_config config = { .verbose = 1,
					      .redact = redact,
					      .out = open_memstream(&text, &len) };
		uint64_t missing = 0;
		struct sink *sink;

		sample_init(&sample);
		alloc_fail_countdown = ++nth;
		sink = sink_new(&conns_text_sink, &config);
		if (sink)
			missing = run(sink, &sample);
		sink_free(&conns_text_sink, sink);
		reached = alloc_fail_countdown == 0;
		alloc_fail_countdown = 0;
		fclose(config.out);
		if (sink)
			check_text(text, missing, nth);
		free(text);
		sample_fini(&sample);
	}
	redact_free(redact);
	assert_true(nth > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_allocation_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

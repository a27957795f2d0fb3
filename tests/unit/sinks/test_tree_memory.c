/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of a tree fails in turn: less is shown, nothing leaks, and it is counted. */
#include "alloc_fail.h"

#include "sinks/tree/trace_tree.c"
#include "sinks/tree/traces.c"

#include "stats_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define W3C "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01"

static void add(struct traces *traces, const char *traceparent, uint64_t id)
{
	struct call_text text = {
		.host = "h",
		.method = "GET",
		.target = "/a",
		.status = 200,
		.start_ns = S + id,
		.duration_ns = MS,
		.pid = 7,
		.exe = "nginx",
		.conn_id = id,
		.role = ROLE_SERVER,
		.traceparent = traceparent,
	};
	struct one_call call;
	long countdown = alloc_fail_countdown;

	alloc_fail_countdown = 0;
	call_init(&call, &text);
	alloc_fail_countdown = countdown;
	traces_add(traces, &call.exchange);
	call_fini(&call);
}

static void once(long fail, struct redact *redact)
{
	struct trace_forest forest = { .all = NULL };
	struct trace_group **sorted = NULL;
	struct traces *traces;
	size_t count = 0;

	alloc_fail_countdown = fail;
	traces = traces_new(&(struct traces_config){ .redact = redact });
	if (traces) {
		add(traces, W3C, 1);
		add(traces, W3C, 2);
		add(traces, NULL, 3);
		if (!traces_sorted(traces, &sorted, &count) && !trace_forest_init(&forest, traces) && count)
			assert_true(trace_forest_tree(&forest, sorted[0])->count <= 2);
		trace_forest_fini(&forest);
		free(sorted);
	}
	traces_free(traces);
	alloc_fail_countdown = 0;
}

static void test_each_allocation_fails(void **state)
{
	struct redact *redact = redact_new(false);

	(void)state;
	for (long fail = 1; fail < 40; fail++)
		once(fail, redact);
	redact_free(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_allocation_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

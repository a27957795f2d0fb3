/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/sinks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static const struct {
	const char *format;
	enum view view;
	bool found;
} rows[] = {
	{ "text", VIEW_WATCH, true },  { "json", VIEW_WATCH, true },   { "text", VIEW_CONNS, true },
	{ "json", VIEW_CONNS, true },  { "text", VIEW_RECORD, false }, { "xml", VIEW_WATCH, false },
	{ "text", VIEW_TOP, true },    { "json", VIEW_TOP, false },    { "", VIEW_WATCH, false },
	{ "JSON", VIEW_CONNS, false },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct sink_ops *ops = sinks_find(rows[i].format, rows[i].view);

		assert_int_equal(ops != NULL, rows[i].found);
		if (!ops)
			continue;
		assert_string_equal(ops->format, rows[i].format);
		assert_int_equal(ops->view, rows[i].view);
		assert_true(ops->size > 0);
		assert_non_null(ops->init);
		assert_non_null(ops->fini);
		sink_free(ops, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

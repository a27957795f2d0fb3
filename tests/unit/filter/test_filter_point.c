/* SPDX-License-Identifier: Apache-2.0 */
/* Under what the carets stand, also where what is before them takes other columns than bytes. */
#include "filter/filter_point.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text, *line, *carets;
} rows[] = {
	{ "status:2zz host:a", "status:2zz host:a\n", "       ^^^\n" },
	{ "host:\xc3\xa4 status:x", "host:\xc3\xa4 status:x\n", "              ^\n" },
	{ "path:\x1b status:x", "path:\\x1b status:x\n", "                 ^\n" },
	{ "(status:404", "(status:404\n", "^\n" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = { .data = NULL };
		struct filter_error error;
		char *second;

		assert_null(filter_parse(&rows[i].text, 1, &error));
		filter_point(&out, rows[i].text, &error);
		buffer_char(&out, '\0');
		second = strchr(out.data, '\n') + 1;
		if (strncmp(second, rows[i].line, strlen(rows[i].line)) != 0 ||
		    strcmp(second + strlen(rows[i].line), rows[i].carets) != 0)
			fail_msg("%s", out.data);
		buffer_fini(&out);
	}
}

static void test_of_a_long_one_the_sentence_alone(void **state)
{
	char *text = calloc(1, 2000);
	const char *words = text;
	struct buffer out = { .data = NULL };
	struct filter_error error;

	(void)state;
	memset(text, 'x', 1500);
	assert_null(filter_parse(&words, 1, &error));
	filter_point(&out, text, &error);
	assert_int_equal(slice_find(slice_of(out.data, out.len), '\n'), out.len - 1);
	buffer_fini(&out);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows),
					    cmocka_unit_test(test_of_a_long_one_the_sentence_alone) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

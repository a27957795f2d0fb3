/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that reach stderr at each level. */
#include "base/log.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	enum log_level level;
	const char *expected;
} rows[] = {
	{ "quiet", LOG_QUIET, "hark: error 1\n" },
	{ "normal", LOG_NORMAL, "hark: error 1\nhark: warn two lines\nhark: info\n" },
	{ "debug", LOG_DEBUG, "hark: error 1\nhark: warn two lines\nhark: info\nhark: debug\n" },
};

/* Runs with stderr in a file and gives back what came. */
static void say_all(enum log_level level, char *text, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t len;

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	log_level = level;
	log_error("error %d", 1);
	log_warn("warn %s", "two\nlines");
	log_info("info");
	log_debug("debug");
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
}

static void test_rows(void **state)
{
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		say_all(rows[i].level, text, sizeof(text));
		assert_string_equal(text, rows[i].expected);
	}
}

/* A message longer than the line is cut, and still ends with one line feed. */
static void test_long_message(void **state)
{
	static char big[10000];
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	dup2(fileno(file), STDERR_FILENO);
	log_error("%s", big);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	memset(big, 0, sizeof(big));
	assert_int_equal(fread(big, 1, sizeof(big), file), 4095);
	assert_int_equal(big[4094], '\n');
	fclose(file);
}

static void line_take(void *ctx, const char *line)
{
	snprintf(ctx, 100, "%s", line);
}

/* A screen gets the lines without what stderr needs around them. */
static void test_divert(void **state)
{
	char taken[100] = "", text[256];

	(void)state;
	log_level = LOG_NORMAL;
	log_divert(line_take, taken);
	log_warn("one\n%s", "two");
	assert_string_equal(taken, "one two");
	say_all(LOG_NORMAL, text, sizeof(text));
	assert_string_equal(text, "");
	log_divert(NULL, NULL);
	say_all(LOG_QUIET, text, sizeof(text));
	assert_string_equal(text, "hark: error 1\n");
}

/* Observed bytes may be anything; letters beyond ASCII pass. */
static void test_what_acts_on_terminals(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "/tmp/\x1b]0;x\a/libssl.so", "/tmp/\\x1b]0;x\\x07/libssl.so" },
		{ "caf\xc3\xa9 \xe2\x80\xae|", "caf\xc3\xa9 \\xe2\\x80\\xae|" },
		{ "\xff\r\t", "\\xff\\x0d\\x09" },
		{ "\\x1b as escaped before", "\\x1b as escaped before" },
	};
	char taken[100] = "";

	(void)state;
	log_divert(line_take, taken);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		log_error("%s", cases[i].text);
		assert_string_equal(taken, cases[i].expected);
	}
	log_divert(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_long_message),
					    cmocka_unit_test(test_divert),
					    cmocka_unit_test(test_what_acts_on_terminals) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

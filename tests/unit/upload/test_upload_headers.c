/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields as they are given, by rows: what is taken, and what is refused and why. */
#include "upload/upload_headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct row {
	const char *given, *taken; /* lines, each behind a '|'; NULL: refused */
	const char *why;
};

static const struct row lines[] = {
	{ "Name: value", "Name: value|", "" },
	{ "Name:value", "Name: value|", "" },
	{ "Name: \t a: b \t", "Name: a: b|", "" },
	{ "Name", NULL, "'Name: value'" },
	{ ": value", NULL, "'Name: value'" },
	{ "Na me: value", NULL, "letters, digits" },
	{ "Na\rme: value", NULL, "letters, digits" },
	{ "Name: ", NULL, "is empty" },
	{ "Name: a\nOther: b", NULL, "control characters" },
	{ "Name: a\x7f", NULL, "control characters" },
	{ "content-TYPE: a", NULL, "own matter" },
	{ "Content-Encoding: a", NULL, "own matter" },
	{ "Transfer-Encoding: a", NULL, "own matter" },
	{ "@/no/such/file", NULL, "/no/such/file: No such file" },
};

static const struct row pairs[] = {
	{ "", "", "" },
	{ "a=b", "a: b|", "" },
	{ " a = b , c=d,", "a: b|c: d|", "" },
	{ "a=b=c", "a: b=c|", "" },
	{ "a=b%20c%2C%2c", "a: b c,,|", "" },
	{ "a=100%", "a: 100%|", "" },
	{ "a=%4", "a: %4|", "" },
	{ "a=%zz", "a: %zz|", "" },
	{ "a=%41", "a: A|", "" },
	{ "a=b%0d%0aX: y", NULL, "control characters" },
	{ "a", NULL, "name=value" },
	{ "a=", NULL, "is empty" },
	{ "=b", NULL, "'Name: value'" },
};

static const struct row files[] = {
	{ "A: b\nC: d\n", "A: b|C: d|", "" },
	{ "\r\nA: b\r\n\n  \nC: d", "A: b|C: d|", "" },
	{ "", "", "" },
	{ "A: b\nnothing\n", NULL, "'Name: value'" },
};

typedef int take_fn(struct upload_headers *headers, const char *text, char why[HEADERS_WHY_MAX]);

static void rows_check(const struct row *rows, size_t count, take_fn *take)
{
	for (size_t i = 0; i < count; i++) {
		struct upload_headers headers = { .count = 0 };
		char why[HEADERS_WHY_MAX] = "", text[512] = "";
		int error = take(&headers, rows[i].given, why);

		for (size_t at = 0; at < headers.count; at++)
			strcat(strcat(text, headers.lines[at]), "|");
		if (rows[i].taken)
			assert_string_equal(text, rows[i].taken);
		assert_int_equal(error < 0, !rows[i].taken);
		assert_non_null(strstr(why, rows[i].why));
		upload_headers_fini(&headers);
	}
}

static int take_file(struct upload_headers *headers, const char *text, char why[HEADERS_WHY_MAX])
{
	char path[] = "/tmp/hark-headers-XXXXXX", given[sizeof(path) + 1];
	int fd = mkstemp(path), error;

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	snprintf(given, sizeof(given), "@%s", path);
	error = upload_headers_add(headers, given, why);
	close(fd);
	unlink(path);
	return error;
}

static void test_rows(void **state)
{
	(void)state;
	rows_check(lines, sizeof(lines) / sizeof(lines[0]), upload_headers_add);
	rows_check(pairs, sizeof(pairs) / sizeof(pairs[0]), upload_headers_add_pairs);
	rows_check(files, sizeof(files) / sizeof(files[0]), take_file);
}

static void test_bounds(void **state)
{
	static char text[32768];
	struct upload_headers headers = { .count = 0 };
	char why[HEADERS_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < UPLOAD_HEADERS_MAX; i++)
		assert_int_equal(upload_headers_add(&headers, "A: b", why), 0);
	assert_true(upload_headers_add(&headers, "A: b", why) < 0);
	assert_non_null(strstr(why, "more than"));
	upload_headers_fini(&headers);
	memset(text, 'a', sizeof(text) - 1);
	assert_true(take_file(&headers, text, why) < 0);
	assert_non_null(strstr(why, "larger"));
	memcpy(text, "A: ", 3);
	assert_true(upload_headers_add(&headers, text, why) < 0);
	assert_non_null(strstr(why, "longer than 8 KiB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

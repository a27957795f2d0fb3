/* SPDX-License-Identifier: Apache-2.0 */
/* Whose numbers /proc shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "capture/pid_namespace.h"

static void test_status(void **state)
{
	static const struct {
		const char *name, *status;
		unsigned int count;
	} rows[] = {
		{ "one", "Name:\thark\nNStgid:\t7\t1\nNSpid:\t7\nNSpgid:\t7\t1\n", 1 },
		{ "two", "Name:\thark\nNSpid:\t812\t2\nNSpgid:\t7\n", 2 },
		{ "cut", "Name:\thark\nNSpid:\t812\t2\t1", 3 },
		{ "in a name", "Name:\tNSpid:\t1\t2\n", 0 },
		{ "an old kernel's", "Name:\thark\nPid:\t3\n", 0 },
		{ "nothing", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (pid_namespaces_of_status(slice_of_string(rows[i].status)) != rows[i].count)
			fail_msg("%s", rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_status) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

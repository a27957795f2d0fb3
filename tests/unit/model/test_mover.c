/* SPDX-License-Identifier: Apache-2.0 */
#include "model/mover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_programs(void **state)
{
	struct mover mover = { .comm = "worker", .exe = "nginx" };

	(void)state;
	assert_true(slice_equal(mover_program(&mover), SLICE("nginx")));
	mover.exe[0] = '\0';
	assert_true(slice_equal(mover_program(&mover), SLICE("worker")));
	mover.comm[0] = '\0';
	assert_null(mover_program(&mover).data);
	memset(mover.exe, 'x', sizeof(mover.exe));
	assert_int_equal(mover_program(&mover).len, sizeof(mover.exe));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

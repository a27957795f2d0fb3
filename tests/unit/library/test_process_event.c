/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/process_event.c on this very process. */
#include "library/process_event.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <cmocka.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static void test_read(void **state)
{
	struct event_process facts;
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	(void)state;
	assert_true(len > 0);
	exe[len] = '\0';
	assert_int_equal(process_event_read((uint32_t)getpid(), &facts), 0);
	assert_string_equal(facts.name, strrchr(exe, '/') + 1);
	assert_int_equal(facts.parent, getppid());
	assert_int_equal(facts.h.uid, geteuid());
	assert_int_equal(facts.h.pid, getpid());
	assert_int_equal(facts.h.size, sizeof(facts));
	assert_memory_equal(facts.h.comm, facts.name, 8);
	assert_int_equal(process_event_read(0, &facts), -ESRCH);
	assert_int_equal(process_event_read(UINT32_MAX, &facts), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

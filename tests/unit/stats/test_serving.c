/* SPDX-License-Identifier: Apache-2.0 */
/* Whose requests are part of answering somebody. */
#include "stats/serving.h"

#include "stats_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define PROXY	100
#define BACKEND 200
#define CURL	300

/* One end of an exchange, as curl → proxy → backend gives them. */
static struct exchange end_of(struct conn_facts *conn, enum protocol_role role, uint32_t pid)
{
	*conn = (struct conn_facts){ .role = role };
	return (struct exchange){ .conn = conn, .mover = { .pid = pid } };
}

static void test_through_a_proxy(void **state)
{
	struct serving *serving = serving_new();
	struct conn_facts conns[4];
	struct exchange curl = end_of(&conns[0], ROLE_CLIENT, CURL),
			came = end_of(&conns[1], ROLE_SERVER, PROXY);
	struct exchange asked = end_of(&conns[2], ROLE_CLIENT, PROXY),
			back = end_of(&conns[3], ROLE_SERVER, BACKEND);

	(void)state;
	assert_non_null(serving);
	serving_add(serving, PROXY); /* its connection was opened before */
	asked.other = &back;
	back.other = &asked;
	assert_true(serving_asked(serving, &asked));
	assert_true(serving_asked(serving, &back));
	curl.other = &came;
	came.other = &curl;
	assert_false(serving_asked(serving, &curl));
	assert_false(serving_asked(serving, &came));
	/* Ends alone: by the process at the other end of the connection, as far as it is known. */
	asked.other = back.other = curl.other = came.other = NULL;
	assert_true(serving_asked(serving, &asked));
	assert_false(serving_asked(serving, &back));
	conns[2].owner.pid = PROXY;
	back.peer = &conns[2];
	assert_true(serving_asked(serving, &back));
	assert_false(serving_asked(serving, &curl));
	assert_false(serving_asked(serving, &came));
	serving_free(serving);
	serving_free(NULL);
}

/* What an exchange says of its server counts for the next ones. */
static void test_servers_are_learnt(void **state)
{
	struct serving *serving = serving_new();
	struct conn_facts conns[2];
	struct exchange came = end_of(&conns[0], ROLE_SERVER, PROXY),
			asked = end_of(&conns[1], ROLE_CLIENT, PROXY);

	(void)state;
	assert_false(serving_asked(serving, &asked));
	assert_false(serving_asked(serving, &came));
	assert_true(serving_asked(serving, &asked));
	for (uint32_t pid = 1000; pid < 1000 + 16384; pid++)
		serving_add(serving, pid);
	assert_false(serving_asked(serving, &asked)); /* the oldest made room */
	serving_free(serving);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_through_a_proxy),
					    cmocka_unit_test(test_servers_are_learnt) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

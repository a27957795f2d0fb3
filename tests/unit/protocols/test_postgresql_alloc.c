/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the PostgreSQL decoder fails in turn: nothing crashes or leaks, and no wrong exchange
 * shows.
 */
#include "pg_build.h"
#include "query_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "alloc_fail.h"

#include "../../../protocols/arena.c"
#include "../../../protocols/bytes.c"
#include "../../../protocols/message.c"
#include "../../../protocols/postgresql/pg_session.c"
#include "../../../protocols/postgresql/postgresql.c"
#include "../../../protocols/sql/statement.c"

#define EXPECTED                                \
	"query \"select 1\" -> ok returned 1\n" \
	"execute \"select $1\" -> 42703\n"      \
	"prepare \"select 2\" -> ok\n"

static void once(long fail)
{
	struct protocol_config config = { .from_start = { true, true } };
	struct pg_bytes asked[4] = { { .len = 0 } }, answered[4] = { { .len = 0 } };
	struct query_text text = { .last = 0 };
	struct protocol_handler handler = query_text_handler(&text);
	struct protocol *protocol;
	char *shown;

	pg_startup(&asked[0]);
	pg_welcome(&answered[0]);
	PG(&asked[1], 'Q', "select 1\0");
	pg_row(&answered[1]);
	PG(&answered[1], 'C', "SELECT 1\0");
	PG(&answered[1], 'Z', "I");
	PG(&asked[2], 'P', "a\0select $1\0\0\0");
	PG(&asked[2], 'B', "p\0a\0\0\0\0\0\0\0");
	PG(&asked[2], 'E', "p\0\0\0\0\0");
	PG(&asked[2], 'S', "");
	PG(&answered[2], '1', "");
	PG(&answered[2], '2', "");
	PG(&answered[2], 'E', "C42703\0Mno\0\0");
	PG(&answered[2], 'Z', "I");
	PG(&asked[3], 'P', "b\0select 2\0\0\0");
	PG(&asked[3], 'S', "");
	PG(&answered[3], '1', "");
	PG(&answered[3], 'Z', "I");
	alloc_fail_countdown = fail;
	protocol = postgresql_protocol.create(&config, &handler);
	for (size_t i = 0; protocol && i < 4; i++) {
		postgresql_protocol.feed(protocol, DIRECTION_SENT, slice_of(asked[i].data, asked[i].len),
					 2 * i + 1);
		postgresql_protocol.feed(protocol, DIRECTION_RECEIVED,
					 slice_of(answered[i].data, answered[i].len), 2 * i + 2);
	}
	if (protocol)
		postgresql_protocol.end(protocol, END_CLOSED, 30);
	postgresql_protocol.destroy(protocol);
	alloc_fail_countdown = 0;
	shown = query_text_get(&text);
	if (!fail)
		assert_string_equal(shown, EXPECTED);
	free(shown);
}

static void test_each_allocation_fails(void **state)
{
	(void)state;
	for (long fail = 0; fail < 80; fail++)
		once(fail);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_allocation_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Questions read by an index; each allocation fails in turn; cells of any size. What answers say:
 * tests/replay. */
#include "alloc_fail.h"

#include "base/buffer.c"
#include "query/query.c"
#include "query/query_print.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

#include "history/history_schema.h"

static char folder[] = "/tmp/hark-query-XXXXXX";
static char path[64];

static void nothing(void)
{
}

static int ask(const char *question, const char *sql, enum query_format format, size_t columns)
{
	static const char *const filters[] = { "status:4xx,500", "host:a*" };
	bool filtered = question && strcmp(question, "endpoints") == 0;

	return query_run(&(struct query_config){
		.path = path,
		.question = question,
		.sql = sql,
		.filters = filters,
		.filter_count = filtered ? 2 : 0,
		.since = filtered ? "2026-01-02T03:04" : NULL,
		.format = format,
		.columns = columns,
		.now_us = 1,
		.opened = nothing,
	});
}

/* A range of time, and traces, are found without a look at each row. */
static void test_questions_use_indexes(void **state)
{
	static const struct {
		const char *sql, *index;
	} rows[] = {
		{ "SELECT count(*) FROM exchange WHERE time_us >= 1 AND time_us < 2", "exchange_time" },
		{ "SELECT url_path FROM exchange WHERE time_us >= 1 AND hark_failed = 1", "exchange_failed" },
		{ "SELECT url_path FROM exchange WHERE trace_id = 'a'", "exchange_trace" },
		{ "SELECT * FROM gen_ai WHERE time_us >= 1", "exchange_facts" },
		{ "SELECT * FROM connection WHERE time_us >= 1", "connection_time" },
	};
	struct history_file file;

	(void)state;
	assert_int_equal(history_file_read(&file, path), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sqlite3_stmt *plan = NULL;
		char sql[300];
		bool found = false;

		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", rows[i].sql);
		assert_int_equal(sqlite.prepare_v3(file.db, sql, -1, 0, &plan, NULL), 0);
		while (sqlite.step(plan) == SQLITE_ROW)
			found |= strstr((const char *)sqlite.column_blob(plan, 3), rows[i].index) != NULL;
		if (!found)
			fail_msg("%s: not by %s", rows[i].sql, rows[i].index);
		sqlite.finalize(plan);
	}
	history_file_close(&file);
}

static void test_every_question_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < query_question_count; i++)
		assert_int_equal(ask(query_questions[i].name, NULL, QUERY_TEXT, 40), 0);
	assert_int_equal(ask(NULL, NULL, QUERY_TEXT, 0), 0);
}

static void test_any_cell(void **state)
{
	static const char *const texts[] = {
		"SELECT zeroblob(3000000), replace(hex(zeroblob(500000)), '00', 'ab')",
		"SELECT CAST(x'c3' AS TEXT), CAST(x'e280' AS TEXT), '', NULL, 9e999, -9e999, 1e-300",
		"SELECT CAST(x'00410042' AS TEXT) AS \"a\"\"b\", 9223372036854775807",
		"SELECT 1 WHERE 0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t columns = 0; columns < 60; columns += 1 + columns)
			for (enum query_format format = QUERY_TEXT; format <= QUERY_CSV; format++)
				assert_int_equal(ask(NULL, texts[i], format, columns), 0);
}

static void test_each_allocation_fails(void **state)
{
	(void)state;
	for (int format = QUERY_TEXT; format <= QUERY_CSV; format++)
		for (long n = 1; n < 30; n++) {
			int status;

			alloc_fail_countdown = n;
			status = ask(n % 2 ? "endpoints" : NULL,
				     n % 2 ? NULL : "SELECT hex(zeroblob(20000)), 'a,b'",
				     (enum query_format)format, 20);
			assert_true(status == 0 || alloc_fail_countdown == 0);
			alloc_fail_countdown = 0;
		}
}

static int setup(void **state)
{
	struct history_file file;

	(void)state;
	log_level = LOG_QUIET;
	if (!mkdtemp(folder) || !freopen("/dev/null", "w", stdout))
		return -1;
	snprintf(path, sizeof(path), "%s/h.db", folder);
	if (history_file_create(&file, path) < 0)
		return -1;
	sqlite.exec(
		file.db,
		"INSERT INTO exchange_data (time_us, http_response_status_code, server_address, hark_counted,"
		" hark_other_end, duration_ns) VALUES (1767323045000000, 404, 'a', 1, 0, 5)",
		NULL, NULL, NULL);
	history_file_close(&file);
	return 0;
}

static int teardown(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions_use_indexes),
		cmocka_unit_test(test_every_question_is_taken),
		cmocka_unit_test(test_any_cell),
		cmocka_unit_test(test_each_allocation_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

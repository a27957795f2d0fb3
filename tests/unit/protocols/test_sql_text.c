/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of statements: no literal of any kind, the same for alike ones, and what they are about. */
#include "sql/sql_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PG  SQL_POSTGRESQL
#define MY  (SQL_MYSQL | SQL_BACKSLASHES)
#define OLD SQL_BACKSLASHES

static const struct {
	unsigned int dialect;
	const char *text, *expected;
} texts[] = {
	{ PG, "select * from t where a = 'it''s' and b=12", "select * from t where a = ? and b=?" },
	{ PG, "SELECT  1.5e-3,\n\t-7 , .5, 0x1F", "SELECT ?, -?" },
	{ PG, "select a1, t2.b3 from t4", "select a1, t2.b3 from t4" },
	{ PG, "select $1, $23::int", "select $1, $23::int" },
	{ PG, "in (1, 2,3, 'x')", "in (?)" },
	{ PG, "values (1,'a'), (2,'b'),(3,'c')", "values (?)" },
	{ PG, "a='x\\' and b='y'", "a=? and b=?" },
	{ OLD, "a='x\\' and b='y'", "a=?y?" },
	{ PG, "a=E'x\\' and b=' e'y'", "a=? ?" },
	{ PG, "a = e'x' || n'y' || B'01' || X'ff' || U&'d'", "a = ? || ? || ? || ? || U&?" },
	{ PG, "a=E'x'\n -- c\n 'y\\' z' , b", "a=? , b" },
	{ PG, "a='x'\n'y\\' and b", "a=? and b" },
	{ PG, "a=E'x' 'y\\' and b", "a=? ? and b" },
	{ PG, "a ` 'x` y' ` b", "a ` ? ` b" },
	{ PG, "date'2026-01-01'", "date?" },
	{ PG, "select $$it's$$, $fn$ $$ a $fn$, 1", "select ?" },
	{ PG,
	  "$a234567890123456789012345678901234567890123456789012345678901234567890$ x "
	  "$a234567890123456789012345678901234567890123456789012345678901234567890$, y",
	  "?, y" },
	{ PG, "select \"Na\"\"me\" from \"a b\".c", "select \"Na\"\"me\" from \"a b\".c" },
	{ PG, "select 1 -- password 'x'\nfrom t", "select ? from t" },
	{ PG, "/* 'x /* y */ ' */select/**/a", "select a" },
	{ PG, "select 'never ends", "select ?" },
	{ PG, "select $$never ends", "select ?" },
	{ PG, "/* never ends", "" },
	{ PG, "alter user u password 'p'", "alter user u password ?" },
	{ PG, "  ;", ";" },
	{ PG, "", "" },
	{ MY, "select \"it\\\"s\", 'a\\'b', `col\"` from t", "select ?, `col\"` from t" },
	{ MY, "select 5--3, 1 -- c\n, 2 # d", "select ?--?" },
	{ MY, "select /*!40101 a, */ b /*M! , c */ /* d */", "select a, b , c" },
	{ MY, "/* a /* b */ c", "c" },
	{ MY, "2*/* don't */ 3, 'x'", "?* ?" },
	{ MY, "/*! 2*/ */* a */ b", "? * b" },
	{ MY, "insert into t values (?, ?), (?, ?)", "insert into t values (?)" },
	{ MY, "set password = password('x')", "set password = password(?)" },
	{ MY, "create user u identified by 'x'", "create user u identified by ?" },
	{ MY, "select @a, _utf8'x', x'41'", "select @a, _utf8?" },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct slice text = slice_of_string(texts[i].text);
		uint8_t *copy = malloc(text.len + 1), *out = malloc(text.len + 1); /* no more is touched */
		char shown[200];

		memcpy(copy, text.data, text.len);
		snprintf(shown, sizeof(shown), "%.*s",
			 (int)sql_sanitise(slice_of(copy, text.len), texts[i].dialect, out),
			 (const char *)out);
		assert_string_equal(shown, texts[i].expected);
		/* Cut anywhere, no literal shows. */
		for (size_t len = 0; len < text.len; len++)
			assert_true(sql_sanitise(slice_of(copy, len), texts[i].dialect, out) <= len);
		free(copy);
		free(out);
	}
}

/* A secret in each kind of literal and comment, and the text cut at each place. */
static void test_cuts(void **state)
{
	static const char *const rows[] = { "select 'SECRET', 2",    "select E'\\'SECRET'",
					    "select $q$SECRET$q$ x", "select '''SECRET''' || 1",
					    "/* SECRET */ select",   "-- SECRET\nselect" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t len = 0; len <= strlen(rows[i]); len++) {
			char out[100];
			size_t size = sql_sanitise(slice_of(rows[i], len), PG, (uint8_t *)out);

			out[size] = '\0';
			assert_null(strstr(out, "SEC"));
		}
	}
}

static const struct {
	const char *text, *summary, *operation, *collection;
} summaries[] = {
	{ "select * from users where id = ?", "SELECT users", "SELECT", "users" },
	{ "SELECT a FROM s.\"T 1\" JOIN b ON x", "SELECT s.T 1 b", "SELECT", "" },
	{ "select a from t where exists (select ? from t)", "SELECT t SELECT t", "SELECT", "t" },
	{ "insert into a select * from b", "INSERT a SELECT b", "INSERT", "" },
	{ "with x as (select * from a) delete from b", "SELECT a DELETE b", "DELETE", "" },
	{ "update only t set a = ?", "UPDATE t", "UPDATE", "t" },
	{ "select a from t for update", "SELECT t", "SELECT", "t" },
	{ "insert into t values (?) on conflict do update set a = ?", "INSERT t", "INSERT", "t" },
	{ "delete from t using u", "DELETE t", "DELETE", "t" },
	{ "select extract(year from d), substring(a from ?) from t", "SELECT t", "SELECT", "t" },
	{ "select a is distinct from b from t", "SELECT t", "SELECT", "t" },
	{ "select * from generate_series(?)", "SELECT", "SELECT", "" },
	{ "select * from (select ? from t) x", "SELECT SELECT t", "SELECT", "t" },
	{ "create table if not exists t (a int)", "CREATE TABLE t", "CREATE", "t" },
	{ "drop table t", "DROP TABLE t", "DROP", "t" },
	{ "create unique index i on t (a)", "CREATE INDEX i", "CREATE", "i" },
	{ "create or replace temp view v as select a from t", "CREATE VIEW v SELECT t", "CREATE", "" },
	{ "begin", "BEGIN", "BEGIN", "" },
	{ "copy t from stdin", "COPY t", "COPY", "t" },
	{ "truncate table t", "TRUNCATE t", "TRUNCATE", "t" },
	{ "explain select * from t", "EXPLAIN SELECT t", "EXPLAIN", "t" },
	{ "select ?; update t set a = ?", "SELECT UPDATE t", "SELECT", "t" },
	{ "call p(?)", "CALL p", "CALL", "p" },
	{ "set a = b", "SET", "SET", "" },
	{ "select a from `my db`.`t`", "SELECT my db.t", "SELECT", "my db.t" },
	{ "((select ? from t))", "SELECT t", "SELECT", "t" },
	{ "", "", "", "" },
	{ "))) ;; '", "", "", "" },
};

static void test_summaries(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(summaries) / sizeof(summaries[0]); i++) {
		struct sql_names names;
		char text[800];

		sql_summarise(slice_of_string(summaries[i].text), &names);
		snprintf(text, sizeof(text), "%.*s|%.*s|%.*s", (int)names.summary_len,
			 (const char *)names.summary, (int)names.operation_len, (const char *)names.operation,
			 (int)names.collection_len, (const char *)names.collection);
		print_message("%s\n", summaries[i].text);
		assert_true(strncmp(text, summaries[i].summary, strlen(summaries[i].summary)) == 0);
		assert_string_equal(strchr(text, '|') + 1 + strlen(summaries[i].operation) + 1,
				    summaries[i].collection);
		assert_int_equal(names.summary_len, strlen(summaries[i].summary));
		assert_int_equal(names.operation_len, strlen(summaries[i].operation));
	}
}

/* Long texts and names are bounded. */
static void test_long(void **state)
{
	struct sql_names names;
	char text[9000] = "select * from ";
	size_t len = strlen(text);

	(void)state;
	memset(text + len, 'n', 1000);
	sql_summarise(slice_of(text, len + 1000), &names);
	assert_int_equal(names.summary_len, 6 + 1 + SQL_NAME_MAX);
	assert_int_equal(names.collection_len, SQL_NAME_MAX);
	for (size_t i = 0; i + 20 < sizeof(text); i += 20)
		memcpy(text + i, "join abcdefgh on x  ", 20);
	sql_summarise(slice_of(text, 8900), &names);
	assert_true(names.summary_len <= SQL_SUMMARY_MAX);
	memset(text, '(', sizeof(text));
	sql_summarise(slice_of(text, sizeof(text)), &names);
	memset(text, ')', sizeof(text));
	sql_summarise(slice_of(text, sizeof(text)), &names);
	assert_int_equal(names.summary_len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_summaries),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

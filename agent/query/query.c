/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/number.h"
#include "base/word_distance.h"
#include "history/history_file.h"
#include "query_guard.h"
#include "query_print.h"
#include "query_questions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MICROS	    INT64_C(1000000)
#define VALUES_MAX  64 /* of all filters */
#define FIRST_VALUE 3  /* its parameter: ?1 and ?2 are the time */
#define WHAT_IT_HOLDS                                                                                   \
	"SELECT 'exchanges' AS what, count(*) AS value FROM exchange_data WHERE hark_other_end = 0"     \
	" UNION ALL SELECT 'ends of exchanges', count(*) FROM exchange_data"                            \
	" UNION ALL SELECT 'with header fields', count(*) FROM head"                                    \
	" UNION ALL SELECT 'connections', count(*) FROM connection_data"                                \
	" UNION ALL SELECT 'from', strftime('%Y-%m-%d %H:%M:%SZ', min(time_us) / 1000000, 'unixepoch')" \
	" FROM exchange_data UNION ALL"                                                                 \
	" SELECT 'to', strftime('%Y-%m-%d %H:%M:%SZ', max(time_us) / 1000000, 'unixepoch') FROM "       \
	"exchange_data"                                                                                 \
	" UNION ALL SELECT 'runs', count(*) FROM run UNION ALL"                                         \
	" SELECT 'of them killed or writing', count(*) FROM run WHERE ended_us IS NULL"                 \
	" UNION ALL SELECT 'taken away (--keep)', ifnull(sum(pruned), 0) FROM run"                      \
	" UNION ALL SELECT 'lost: ' || name, sum(count) FROM loss GROUP BY name"

struct query {
	const struct query_config *config;
	struct history_file file;
	struct query_guard guard;
	const struct query_question *question; /* NULL: none by name */
	int64_t since_us, until_us;
	struct buffer conditions[2]; /* of exchanges, and of connections: " AND …", ended by NUL */
	char *values[VALUES_MAX];
	size_t value_count;
	bool one_role;	 /* role: leaves one end of each exchange */
	bool of_process; /* a filter asks for a process */
};

/* --- what was asked: 0, or 2 when it was reported --------------------------------------------------------
 */

static const struct query_question *question_find(const char *name)
{
	for (size_t i = 0; i < query_question_count; i++)
		if (strcmp(query_questions[i].name, name) == 0)
			return &query_questions[i];
	return NULL;
}

static int no_such_question(const char *name)
{
	for (size_t i = 0; i < query_question_count; i++) {
		const char *near = query_questions[i].name;

		if (word_distance(name, strlen(name), near, strlen(near)) <= strlen(near) / 3) {
			log_error("there is no question '%s'; did you mean '%s'?", name, near);
			return 2;
		}
	}
	log_error("there is no question '%s'; hark query FILE lists them", name);
	return 2;
}

/* An age, or a time in UTC as it is shown: 2026-01-02, with T or a space 03:04, 03:04:05. */
static int time_parse(const char *option, const char *text, int64_t now_us, int64_t *time_us)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
					     "%Y-%m-%d %H:%M", "%Y-%m-%d" };
	uint64_t ns;

	if (number_parse_duration(text, &ns) == 0) {
		*time_us = now_us - (int64_t)(ns / 1000);
		return 0;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_year = 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (!end || (*end && strcmp(end, "Z") != 0))
			continue;
		*time_us = (int64_t)timegm(&tm) * MICROS;
		return 0;
	}
	log_error("%s: '%s' is no age (2h, 7d) and no time in UTC (2026-01-02, 2026-01-02T03:04)", option,
		  text);
	return 2;
}

static const struct query_filter *filter_find(const char *key, size_t len)
{
	for (size_t i = 0; i < query_filter_count; i++)
		if (strlen(query_filters[i].key) == len && memcmp(query_filters[i].key, key, len) == 0)
			return &query_filters[i];
	return NULL;
}

/* "4xx" is a pattern of digits. */
static char *value_take(const struct query_filter *filter, const char *text, size_t len)
{
	struct buffer value = { .data = NULL };

	for (size_t i = 0; i < len; i++) {
		if (strcmp(filter->key, "status") == 0 && text[i] == 'x')
			buffer_string(&value, "[0-9]");
		else
			buffer_char(&value, text[i]);
	}
	buffer_char(&value, '\0');
	if (value.failed)
		buffer_fini(&value);
	return value.data;
}

static int no_memory(void)
{
	log_error("out of memory");
	return 1;
}

static int filter_add(struct query *query, const struct query_filter *filter, const char *list)
{
	for (int i = 0; i < 2; i++)
		buffer_string(&query->conditions[i], i && !filter->of_connections ? "" : " AND (0");
	for (const char *p = list;; p++) {
		size_t len = strcspn(p, ",");

		if (query->value_count == VALUES_MAX) {
			log_error("more than %d values in filters", VALUES_MAX);
			return 2;
		}
		query->values[query->value_count] = value_take(filter, p, len);
		if (!query->values[query->value_count++])
			return no_memory();
		for (int i = 0; i < 1 + filter->of_connections; i++)
			buffer_format(&query->conditions[i], " OR %s GLOB ?%zu", filter->column,
				      FIRST_VALUE + query->value_count - 1);
		p += len;
		if (!*p)
			break;
	}
	for (int i = 0; i < 1 + filter->of_connections; i++)
		buffer_char(&query->conditions[i], ')');
	return 0;
}

static bool reads(const struct query_question *question, const char *what)
{
	return strstr(question->sql, what) != NULL;
}

static int filter_take(struct query *query, const char *word)
{
	const struct query_question *question = query->question;
	const char *colon = strchr(word, ':');
	const struct query_filter *filter = colon ? filter_find(word, (size_t)(colon - word)) : NULL;

	if (!filter || !colon[1]) {
		log_error("'%s' is no filter of hark query: it has", word);
		for (size_t i = 0; i < query_filter_count; i++)
			log_error("  %s:  %s", query_filters[i].key, query_filters[i].doc);
		return 2;
	}
	if (!question || !(reads(question, "FROM once") || reads(question, "FROM asked") ||
			   (filter->of_connections && reads(question, "FROM conns")))) {
		log_error("%s: has no meaning for %s", filter->key,
			  question ? question->name : "SQL, which has a WHERE of its own");
		return 2;
	}
	query->one_role |= strcmp(word, "role:client") == 0 || strcmp(word, "role:server") == 0;
	query->of_process |= filter->of_process;
	return filter_add(query, filter, colon + 1);
}

static int query_take(struct query *query)
{
	const struct query_config *config = query->config;
	int status = 0;

	query->since_us = INT64_MIN / 2;
	query->until_us = INT64_MAX;
	if (config->question && !config->sql) {
		query->question = question_find(config->question);
		if (!query->question)
			return no_such_question(config->question);
	}
	if (!query->question && (config->since || config->until)) {
		log_error("--since and --until belong to questions; SQL has a WHERE of its own (time_us)");
		return 2;
	}
	if (config->since)
		status = time_parse("--since", config->since, config->now_us, &query->since_us);
	if (!status && config->until)
		status = time_parse("--until", config->until, config->now_us, &query->until_us);
	for (size_t i = 0; i < config->filter_count && !status; i++)
		status = filter_take(query, config->filters[i]);
	for (int i = 0; i < 2; i++)
		buffer_char(&query->conditions[i], '\0');
	return !status && (query->conditions[0].failed || query->conditions[1].failed) ? no_memory() : status;
}

/* --- the answer ------------------------------------------------------------------------------------------
 */

/* Points at what is wrong in the user's own words. */
static int complain(const struct query *query, const char *sql, int error)
{
	int at = query->config->sql ? sqlite.error_offset(query->file.db) : -1;

	if (query->guard.denied)
		log_error("hark query reads, and nothing else: %s is not possible", query->guard.denied);
	else if ((error & 0xff) == SQLITE_INTERRUPT)
		log_error("no answer in the time that there is; ask for less (--since), or give it more (-d "
			  "5m)");
	else if (at >= 0)
		log_error("%s, at: %.60s", sqlite.errmsg(query->file.db), sql + at);
	else
		log_error("%s: %s", query->file.path,
			  error == SQLITE_NOMEM ? "out of memory" : sqlite.errmsg(query->file.db));
	return 1;
}

static void bind(const struct query *query, sqlite3_stmt *statement)
{
	sqlite.bind_int64(statement, 1, query->since_us);
	sqlite.bind_int64(statement, 2, query->until_us);
	for (size_t i = 0; i < query->value_count; i++)
		sqlite.bind_text(statement, (int)(FIRST_VALUE + i), query->values[i], -1, SQLITE_STATIC);
}

/* One statement, and nothing behind it. */
static int answer(const struct query *query, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	const char *rest = NULL;
	uint64_t rows = 0;
	bool more = false;
	int error = sqlite.prepare_v3(query->file.db, sql, -1, 0, &statement, &rest);

	if (error)
		return complain(query, sql, error);
	if (!statement || rest[strspn(rest, " \t\r\n;")]) {
		sqlite.finalize(statement);
		log_error("--sql: %s", statement ? "one statement at a time" : "there is no statement");
		return 1;
	}
	if (query->question)
		bind(query, statement);
	error = query_print(statement, query->config, &rows, &more);
	if (error)
		error = complain(query, sql, error);
	sqlite.finalize(statement);
	if (more)
		log_warn("there are more rows than these %" PRIu64 "; -n asks for as many as you say", rows);
	if (!error && rows == 0)
		log_warn("no rows%s",
			 query->of_process && !query->one_role && reads(query->question, "FROM once")
				 ? "; a call of which both ends were seen counts as its server's: "
				   "role:client counts what was called from here"
				 : "");
	return error;
}

static int answer_question(const struct query *query)
{
	struct buffer sql = { .data = NULL };
	int status;

	buffer_format(&sql,
		      "WITH asked AS (SELECT * FROM exchange WHERE time_us >= ?1 AND time_us < ?2"
		      " AND hark_counted = 1%s), once AS (SELECT * FROM asked%s),"
		      " conns AS (SELECT * FROM connection WHERE time_us >= ?1 AND time_us < ?2%s) %s",
		      query->conditions[0].data, query->one_role ? "" : " WHERE hark_other_end = 0",
		      query->conditions[1].data, query->question->sql);
	buffer_char(&sql, '\0');
	status = sql.failed ? no_memory() : answer(query, sql.data);
	buffer_fini(&sql);
	return status;
}

/* What the writing runs lost in the time that the answer is about: its numbers are too small by that. */
static void losses_say(const struct query *query)
{
	sqlite3_stmt *statement = NULL;
	struct buffer text = { .data = NULL };

	if (sqlite.prepare_v3(
		    query->file.db,
		    "SELECT name, sum(count) FROM loss WHERE time_us >= ?1 - 60000000 AND time_us < ?2"
		    " GROUP BY name",
		    -1, 0, &statement, NULL))
		return;
	bind(query, statement);
	while (sqlite.step(statement) == SQLITE_ROW)
		buffer_format(&text, "%s%.*s %lld", text.len ? ", " : "", sqlite.column_bytes(statement, 0),
			      (const char *)sqlite.column_blob(statement, 0),
			      (long long)sqlite.column_int64(statement, 1));
	sqlite.finalize(statement);
	if (text.len && !text.failed)
		log_warn("lost while this was written, and in no answer: %.*s", (int)text.len, text.data);
	buffer_fini(&text);
}

static int overview(const struct query *query)
{
	int status = answer(query, WHAT_IT_HOLDS);

	if (status || query->config->format != QUERY_TEXT)
		return status;
	printf("\nQuestions, as in: hark query %s %s --since 1d\n", query->file.path,
	       query_questions[0].name);
	for (size_t i = 0; i < query_question_count; i++)
		printf("  %-12s %s\n", query_questions[i].name, query_questions[i].doc);
	printf("Others: --sql 'SELECT ... FROM exchange'\n");
	return 0;
}

static int query_ask(struct query *query)
{
	uint64_t time_ns = query->config->time_ns;
	int error, status;

	query->config->opened();
	error = query_quantile_add(&query->file);
	if (!error)
		error = query_guard_set(&query->guard, &query->file,
					time_ns ? time_ns : QUERY_SECONDS * UINT64_C(1000000000));
	if (error)
		return complain(query, "", error);
	if (!query->config->sql && !query->question)
		return overview(query);
	status = query->config->sql ? answer(query, query->config->sql) : answer_question(query);
	losses_say(query);
	return status;
}

static int output_end(void)
{
	if (fflush(stdout) != EOF && !ferror(stdout))
		return 0;
	if (errno != EPIPE)
		log_error("cannot write to stdout: %s", strerror(errno));
	return errno == EPIPE ? 0 : 1;
}

int query_run(const struct query_config *config)
{
	struct query query = { .config = config };
	int status = query_take(&query), written;

	if (!status) {
		status = history_file_read(&query.file, config->path) < 0 ? 1 : query_ask(&query);
		errno = 0;
		written = output_end();
		status = status ? status : written;
		history_file_close(&query.file);
	}
	for (size_t i = 0; i < query.value_count; i++)
		free(query.values[i]);
	for (int i = 0; i < 2; i++)
		buffer_fini(&query.conditions[i]);
	return status;
}

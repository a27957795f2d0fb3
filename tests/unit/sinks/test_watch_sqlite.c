/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows change the sample and name what a column of the file must hold then; days go by on a clock of the
 * test's own; and what a file can do to its writer: full, damaged, replaced, another program's, another
 * hark's.
 */
#include "alloc_fail.h"

#include "base/buffer.c"
#include "sinks/sqlite/sqlite_keep.c"
#include "sinks/sqlite/sqlite_row.c"

#include "base/counters.h"
#include "base/log.h"
#include "sinks/sinks.h"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)
#define DAY_NS	  (86400 * SECOND_NS)

static char folder[] = "/tmp/hark-sqlite-XXXXXX";
static struct redact *redact;

/* A path that stays: the sink borrows it. */
static const char *at(const char *name)
{
	static char paths[32][64];
	char path[64];
	size_t i = 0;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	while (i < 31 && paths[i][0] && strcmp(paths[i], path) != 0)
		i++;
	memcpy(paths[i], path, sizeof(path));
	return paths[i];
}

static void files_remove(const char *name)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	char path[300];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", at(name), suffixes[i]);
		unlink(path);
	}
}

static struct sink *open_with(const char *path, int verbose, uint64_t keep_ns, uint64_t keep_bytes)
{
	struct sink_config config = { .place = path,
				      .verbose = verbose,
				      .wall_offset_ns = SAMPLE_WALL_OFFSET_NS,
				      .redact = redact,
				      .keep_ns = keep_ns,
				      .keep_bytes = keep_bytes };

	return sink_new(&sqlite_sink, &config);
}

static void sink_end(struct sink *sink)
{
	sqlite_sink.draw(sink, true);
	sink_free(&sqlite_sink, sink);
}

/* The first column of the first row, as text; "(null)", "(none)". */
static const char *ask(const char *path, const char *sql)
{
	static char text[400];
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;

	snprintf(text, sizeof(text), "(none)");
	assert_int_equal(sqlite.open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), 0);
	if (sqlite.prepare_v3(db, sql, -1, 0, &statement, NULL))
		snprintf(text, sizeof(text), "%s", sqlite.errmsg(db));
	else if (sqlite.step(statement) == SQLITE_ROW)
		snprintf(text, sizeof(text), "%.*s",
			 sqlite.column_type(statement, 0) == SQLITE_NULL ? 6
									 : sqlite.column_bytes(statement, 0),
			 sqlite.column_type(statement, 0) == SQLITE_NULL
				 ? "(null)"
				 : (const char *)sqlite.column_blob(statement, 0));
	sqlite.finalize(statement);
	sqlite.close_v2(db);
	return text;
}

static long ask_number(const char *path, const char *sql)
{
	char query[300];

	snprintf(query, sizeof(query), "SELECT CAST((%s) AS TEXT)", sql);
	return strtol(ask(path, query), NULL, 10);
}

/* --- columns ------------------------------------------------------------------------------------------ */

static void none(struct sample *s)
{
	(void)s;
}

static void hostile_path(struct sample *s)
{
	s->exchange.request->target = SLICE("/a\0b\xff\x1b[2J\\x41\\y\xe2\x80\xae\xc3\xa9?q=\n");
}

static void secrets(struct sample *s)
{
	s->exchange.request->target = SLICE("/a?token=hunter2");
	sample_header(s->exchange.request, &s->exchange.request->headers, "Authorization", "Bearer hunter2");
}

static void traced(struct sample *s)
{
	sample_header(s->exchange.request, &s->exchange.request->headers, "traceparent",
		      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
}

static struct fact model = { .name = "gen_ai.request.model",
			     .kind = FACT_TEXT,
			     .text = SLICE("m\x1b\"\xff") };
static struct fact api = {
	.next = &model, .name = "hark.gen_ai.api", .kind = FACT_TEXT, .text = SLICE("x.y")
};
static struct fact operation = {
	.next = &api, .name = "hark.operation", .kind = FACT_TEXT, .text = SLICE("query A")
};

static void told(struct sample *s)
{
	s->exchange.request->facts = &operation;
}

static void second(struct sample *s)
{
	s->exchange.join = JOIN_SECOND;
	s->exchange.peer_connection = 77;
	s->exchange.split_known = true;
	s->exchange.server_ns = 3000000;
	s->exchange.network_ns = 500;
}

static void failed(struct sample *s)
{
	s->exchange.response->status = 503;
	s->exchange.flags = FLAG_RESET | FLAG_GAP;
	s->exchange.error_known = true;
	s->exchange.error = 8;
	s->exchange.request->version = s->exchange.response->version = HTTP_2;
}

static void alone(struct sample *s)
{
	message_free(s->exchange.request);
	s->exchange.request = NULL;
}

static const struct {
	const char *name;
	void (*change)(struct sample *s);
	const char *column, *expected;
} rows[] = {
	{ "time", none, "time", "2026-01-02T03:04:05.000000Z" },
	{ "method", none, "http_request_method", "GET" },
	{ "path", none, "url_path", "/a" },
	{ "query", none, "url_query", "b=1" },
	{ "status", none, "CAST(http_response_status_code AS TEXT)", "200" },
	{ "host", none, "server_address", "example.com" },
	{ "port of the socket", none, "CAST(server_port AS TEXT)", "8443" },
	{ "client", none, "client_address || ':' || client_port", "10.0.0.1:40000" },
	{ "role", none, "hark_role", "client" },
	{ "connection", none, "CAST(hark_connection AS TEXT)", "12" },
	{ "duration", none, "CAST(hark_duration_ms AS TEXT)", "12.345678" },
	{ "first byte", none, "CAST(hark_ttfb_ms AS TEXT)", "0.34" },
	{ "size", none, "CAST(http_response_body_size AS TEXT)", "612" },
	{ "no trace", none, "trace_id", "(null)" },
	{ "no facts", none, "facts", "(null)" },
	{ "no flags", none, "hark_flags", "(null)" },
	{ "counted", none, "hark_counted || hark_other_end || hark_failed", "100" },
	{ "bytes that are no text", hostile_path, "url_path",
	  "/a\\x00b\\xff\\x1b[2J\\x5cx41\\y\\xe2\\x80\\xae\xc3\xa9" },
	{ "a line feed", hostile_path, "url_query", "q=\\x0a" },
	{ "a secret of the query", secrets, "url_query", "token=[redacted]" },
	{ "trace", traced, "trace_id || '/' || span_id",
	  "4bf92f3577b34da6a3ce929d0e0e4736/00f067aa0ba902b7" },
	{ "facts", told, "facts",
	  "{\"hark.operation\":\"query "
	  "A\",\"hark.gen_ai.api\":\"x.y\",\"gen_ai.request.model\":\"m\\u001b\\\"\\\\xff\"}" },
	{ "a fact that makes endpoints", told, "hark_operation", "query A" },
	{ "both ends", second,
	  "hark_other_end || hark_server_ms || '+' || hark_network_ms || hark_peer_connection",
	  "13.0+0.000577" },
	{ "flags", failed, "hark_flags", "[\"gap\",\"reset\"]" },
	{ "an error of the stream", failed, "facts", "{\"hark.h2.error_code\":\"CANCEL\"}" },
	{ "an answer alone", alone, "http_request_method", "(null)" },
	{ "its server", alone, "server_address", "10.0.0.2" },
};

static void write_one(const char *path, void (*change)(struct sample *s), int verbose)
{
	struct sample sample;
	struct sink *sink = open_with(path, verbose, 0, 0);

	assert_non_null(sink);
	sample_init(&sample);
	change(&sample);
	sample_show(&sqlite_sink, sink, RESULT_EXCHANGE, &sample.exchange);
	if (sample.exchange.request)
		sample.exchange.request->facts = NULL;
	sample_fini(&sample);
	sink_end(sink);
}

static void test_columns(void **state)
{
	char sql[300];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		files_remove("rows");
		write_one(at("rows"), rows[i].change, 0);
		snprintf(sql, sizeof(sql), "SELECT %s FROM exchange", rows[i].column);
		if (strcmp(ask(at("rows"), sql), rows[i].expected) != 0)
			fail_msg("%s: %s", rows[i].name, ask(at("rows"), sql));
	}
}

static void test_headers_with_verbose(void **state)
{
	(void)state;
	files_remove("head");
	write_one(at("head"), secrets, 0);
	assert_int_equal(ask_number(at("head"), "SELECT count(*) FROM head"), 0);
	write_one(at("head"), secrets, 1);
	assert_int_equal(ask_number(at("head"), "SELECT count(*) FROM run"), 2);
	assert_string_equal(ask(at("head"), "SELECT value FROM header WHERE name = 'Authorization'"),
			    "[redacted]");
	assert_string_equal(ask(at("head"), "SELECT time FROM header JOIN exchange ON exchange.id = exchange"
					    " WHERE message = 'request' AND number = 1"),
			    "2026-01-02T03:04:05.000000Z");
}

static void test_models(void **state)
{
	(void)state;
	files_remove("models");
	write_one(at("models"), told, 0);
	assert_string_equal(ask(at("models"), "SELECT gen_ai_request_model FROM gen_ai"), "m\x1b\"\\xff");
}

static void test_connection(void **state)
{
	struct sample sample;
	struct sink *sink;

	(void)state;
	files_remove("conn");
	sink = open_with(at("conn"), 0, 0, 0);
	sample_init(&sample);
	snprintf(sample.conn.sni, sizeof(sample.conn.sni), "a.example\x1b");
	sample.conn.opened_ns = SAMPLE_START_NS;
	sample.conn.closed_ns = SAMPLE_START_NS + 2 * SECOND_NS;
	sample.conn.closed_by = CLOSED_PEER;
	sample.conn.exchanges = 3;
	sample_show_conn(&sqlite_sink, sink, RESULT_CONN_CLOSED, &sample.conn);
	sample_fini(&sample);
	sink_end(sink);
	assert_string_equal(ask(at("conn"),
				"SELECT tls_client_server_name || hark_exchanges || hark_closed_by ||"
				" hark_closed || server_address || hark_connection FROM connection"),
			    "a.example\\x1b3peer2026-01-02T03:04:07.000000Z10.0.0.212");
	assert_int_equal(ask_number(at("conn"), "SELECT connections FROM run"), 1);
}

/* --- turns ---------------------------------------------------------------------------------------------- */

/* An exchange of each time, with a path of `size` bytes. */
static void show_at(struct sink *sink, uint64_t time_ns, size_t size)
{
	struct sample sample;
	static char path[500000];

	assert_true(size <= sizeof(path));
	memset(path, 'a', size);
	path[0] = '/';
	sample_init(&sample);
	sample.exchange.start_ns = time_ns;
	sample.exchange.request->target = slice_of(path, size);
	sample_show(&sqlite_sink, sink, RESULT_EXCHANGE, &sample.exchange);
	sample_fini(&sample);
}

static void test_a_reader_sees_a_turn_within_a_second(void **state)
{
	struct sink *sink;

	(void)state;
	files_remove("turns");
	sink = open_with(at("turns"), 0, 0, 0);
	sqlite_sink.tick(sink, SAMPLE_START_NS);
	assert_true(sqlite_sink.due_ns(sink) == UINT64_MAX);
	show_at(sink, SAMPLE_START_NS, 5);
	assert_true(sqlite_sink.due_ns(sink) <= SAMPLE_START_NS + SECOND_NS);
	sqlite_sink.tick(sink, SAMPLE_START_NS + SECOND_NS / 10);
	assert_int_equal(ask_number(at("turns"), "SELECT count(*) FROM exchange"), 0);
	sqlite_sink.tick(sink, SAMPLE_START_NS + SECOND_NS / 2);
	assert_int_equal(ask_number(at("turns"), "SELECT count(*) FROM exchange"), 1);
	sink_end(sink);
}

static void test_losses_are_in_the_file(void **state)
{
	struct sink *sink;

	(void)state;
	files_remove("losses");
	sink = open_with(at("losses"), 0, 0, 0);
	sqlite_sink.tick(sink, SAMPLE_START_NS);
	counter_add(COUNTER_EVENTS_LOST, 3);
	sqlite_sink.tick(sink, SAMPLE_START_NS + SECOND_NS);
	counter_add(COUNTER_EVENTS_LOST, 4);
	show_at(sink, SAMPLE_START_NS + 2 * SECOND_NS, 5);
	sink_end(sink);
	assert_int_equal(ask_number(at("losses"), "SELECT sum(count) FROM loss WHERE name = 'events.lost'"),
			 7);
}

/* A huge path, ten days, a row every hour; each day is looked at. */
static void test_keep_by_age(void **state)
{
	struct sink *sink;
	uint64_t now_ns = SAMPLE_START_NS;

	(void)state;
	files_remove("age");
	sink = open_with(at("age"), 1, 3 * DAY_NS, 0);
	for (int day = 0; day < 10; day++) {
		for (int hour = 0; hour < 24; hour++, now_ns += DAY_NS / 24) {
			show_at(sink, now_ns, 200000);
			sqlite_sink.tick(sink, now_ns + SECOND_NS);
		}
		assert_int_equal(ask_number(at("age"), "SELECT count(*) FROM exchange"),
				 day < 3 ? 24 * (day + 1) : 72);
		assert_int_equal(ask_number(at("age"), "SELECT count(*) FROM head"),
				 day < 3 ? 24 * (day + 1) : 72);
		assert_true(ask_number(at("age"), "SELECT count(*) FROM origin") <= 74);
		assert_int_equal(
			ask_number(at("age"), "SELECT count(*) FROM exchange WHERE hark_role IS NULL"), 0);
	}
	/* Nothing comes any more: what there is goes all the same. */
	for (int day = 0; day < 4; day++) {
		assert_true(sqlite_sink.due_ns(sink) < now_ns + DAY_NS);
		now_ns += DAY_NS;
		sqlite_sink.tick(sink, now_ns);
	}
	assert_int_equal(ask_number(at("age"), "SELECT count(*) FROM exchange"), 0);
	assert_int_equal(counters[COUNTER_HISTORY_PRUNED], 240);
	sink_end(sink);
	assert_int_equal(ask_number(at("age"), "SELECT pruned FROM run"), 240);
	assert_string_equal(ask(at("age"), "PRAGMA integrity_check"), "ok");
}

static off_t size_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_size : -1;
}

static void test_keep_by_size(void **state)
{
	struct sink *sink;
	uint64_t now_ns = SAMPLE_START_NS;
	long oldest;

	(void)state;
	files_remove("size");
	sink = open_with(at("size"), 1, 0, 1 << 20);
	for (int turn = 0; turn < 60; turn++) {
		for (int i = 0; i < 200; i++)
			show_at(sink, now_ns += SECOND_NS / 100,
				(size_t)(turn == 30 && i == 0 ? 400000 : 20 + i % 400));
		sqlite_sink.tick(sink, now_ns += SECOND_NS);
	}
	sink_end(sink);
	assert_true(size_of(at("size")) < (1 << 20) * 5 / 4);
	assert_true(ask_number(at("size"), "SELECT count(*) FROM exchange") > 500);
	oldest = ask_number(at("size"), "SELECT min(id) FROM exchange_data");
	assert_int_equal(ask_number(at("size"), "SELECT count(*) FROM exchange"), 12000 - oldest + 1);
	assert_string_equal(ask(at("size"), "PRAGMA integrity_check"), "ok");
	/* A file that is much too large already gets smaller, turn by turn. */
	files_remove("large");
	sink = open_with(at("large"), 0, 0, 0);
	for (int i = 0; i < 30000; i++)
		show_at(sink, now_ns += SECOND_NS / 1000, 300);
	sink_end(sink);
	assert_true(size_of(at("large")) > 12 << 20);
	sink = open_with(at("large"), 0, 0, 1 << 20);
	for (int turn = 0; turn < 80; turn++) {
		show_at(sink, now_ns += SECOND_NS, 5);
		sqlite_sink.tick(sink, now_ns += SECOND_NS);
	}
	sink_end(sink);
	assert_true(size_of(at("large")) < 2 << 20);
}

/* --- what a file can do ------------------------------------------------------------------------------------
 */

static void test_two_of_us(void **state)
{
	struct sink *first, *other;

	(void)state;
	files_remove("two");
	first = open_with(at("two"), 0, 0, 0);
	assert_non_null(first);
	other = open_with(at("two"), 0, 0, 0);
	assert_null(other);
	assert_int_equal(errno, EIO);
	sink_end(first);
	first = open_with(at("two"), 0, 0, 0);
	assert_non_null(first);
	sink_end(first);
	assert_int_equal(size_of(at("two-wal")), 0);
}

static void assert_private(const char *name)
{
	struct stat status;

	assert_int_equal(stat(at(name), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_files_are_private(void **state)
{
	struct sink *sink;

	(void)state;
	files_remove("mode");
	close(open(at("mode-wal"), O_CREAT | O_WRONLY, 0666));
	sink = open_with(at("mode"), 0, 0, 0);
	assert_non_null(sink);
	assert_private("mode");
	assert_private("mode-wal");
	assert_private("mode-shm");
	assert_int_equal(size_of(at("mode-journal")), -1);
	sink_end(sink);
	/* Somebody's file beside ours. */
	files_remove("mode");
	assert_int_equal(symlink(at("elsewhere"), at("mode-wal")), 0);
	assert_null(open_with(at("mode"), 0, 0, 0));
	assert_int_equal(size_of(at("elsewhere")), -1);
}

static void file_write(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "r+");

	file = file ? file : fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite.open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), 0);
	assert_int_equal(sqlite.exec(db, sql, NULL, NULL, NULL), 0);
	sqlite.close_v2(db);
}

static void test_what_is_no_history(void **state)
{
	struct stat status;

	(void)state;
	files_remove("no");
	file_write(at("no"), "This is a text, and no database at all.", 39);
	assert_int_equal(chmod(at("no"), 0640), 0);
	assert_null(open_with(at("no"), 0, 0, 0));
	assert_int_equal(size_of(at("no")), 39);
	assert_int_equal(size_of(at("no-wal")), -1);
	assert_int_equal(size_of(at("no-shm")), -1);
	assert_int_equal(size_of(at("no-journal")), -1);
	assert_int_equal(stat(at("no"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	files_remove("no");
	run_sql(at("no"), "CREATE TABLE others (a)");
	assert_null(open_with(at("no"), 0, 0, 0));
	assert_int_equal(ask_number(at("no"), "SELECT count(*) FROM sqlite_schema"), 1);
	files_remove("no");
	write_one(at("no"), none, 0);
	run_sql(at("no"), "PRAGMA user_version = 999");
	assert_null(open_with(at("no"), 0, 0, 0));
	assert_null(open_with("/nowhere/at/all", 0, 0, 0));
	assert_null(open_with(folder, 0, 0, 0));
}

static void test_replaced(void **state)
{
	struct sink *sink;
	uint64_t lost = counters[COUNTER_HISTORY_LOST];

	(void)state;
	files_remove("moved");
	files_remove("away");
	sink = open_with(at("moved"), 0, 0, 0);
	show_at(sink, SAMPLE_START_NS, 5);
	sqlite_sink.tick(sink, SAMPLE_START_NS + SECOND_NS);
	assert_int_equal(rename(at("moved"), at("away")), 0);
	file_write(at("moved"), "x", 1);
	show_at(sink, SAMPLE_START_NS, 5);
	sqlite_sink.tick(sink, SAMPLE_START_NS + 2 * SECOND_NS);
	show_at(sink, SAMPLE_START_NS, 5);
	assert_int_equal(counters[COUNTER_HISTORY_LOST] - lost, 2);
	sqlite_sink.draw(sink, true);
	assert_true(sqlite_sink.failed(sink));
	assert_true(sqlite_sink.due_ns(sink) == UINT64_MAX);
	sink_free(&sqlite_sink, sink);
	assert_int_equal(size_of(at("moved")), 1);
}

/* A file that may not grow is a full disk; what was lost meanwhile is counted, and it goes on when there is
 * room. */
static void test_full(void **state)
{
	struct rlimit limit, before;
	struct sink *sink;
	uint64_t lost = counters[COUNTER_HISTORY_LOST], now_ns = SAMPLE_START_NS;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	files_remove("full");
	sink = open_with(at("full"), 0, 0, 0);
	show_at(sink, now_ns, 5);
	sqlite_sink.tick(sink, now_ns += SECOND_NS);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 200000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < 1000; i++)
			show_at(sink, now_ns, 300);
		sqlite_sink.tick(sink, now_ns += SECOND_NS);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(counters[COUNTER_HISTORY_LOST] - lost, 3000);
	assert_false(sqlite_sink.failed(sink));
	sqlite_sink.tick(sink, now_ns += SECOND_NS);
	show_at(sink, now_ns, 5);
	sqlite_sink.tick(sink, now_ns += SECOND_NS);
	assert_false(sqlite_sink.failed(sink));
	sink_end(sink);
	assert_int_equal(ask_number(at("full"), "SELECT count(*) FROM exchange"), 2);
	assert_int_equal(ask_number(at("full"), "SELECT count(*) FROM exchange WHERE hark_role IS NULL"), 0);
	assert_int_equal(ask_number(at("full"), "SELECT sum(count) FROM loss WHERE name = 'history.lost'"),
			 counters[COUNTER_HISTORY_LOST]);
	assert_string_equal(ask(at("full"), "PRAGMA integrity_check"), "ok");
}

static void test_damaged_while_it_is_written(void **state)
{
	char noise[4096 * 4];
	struct sink *sink;
	uint64_t lost = counters[COUNTER_HISTORY_LOST], now_ns = SAMPLE_START_NS;

	(void)state;
	memset(noise, 0xa5, sizeof(noise));
	files_remove("bad");
	write_one(at("bad"), none, 0);
	for (size_t i = 0; i < 5; i++)
		run_sql(at("bad"),
			"INSERT INTO exchange_data (time_us, url_path) VALUES (1, hex(randomblob(9000)))");
	file_write(at("bad"), "", 0);
	sink = open_with(at("bad"), 0, SECOND_NS, 0);
	if (sink) {
		truncate(at("bad"), 4096 * 3);
		for (int i = 0; i < 20; i++) {
			show_at(sink, now_ns, 5000);
			sqlite_sink.tick(sink, now_ns += DAY_NS);
		}
		sink_end(sink);
		assert_true(counters[COUNTER_HISTORY_LOST] > lost);
	}
}

static void test_another_writer(void **state)
{
	struct sink *sink;
	sqlite3 *db = NULL;
	uint64_t lost = counters[COUNTER_HISTORY_LOST], now_ns = SAMPLE_START_NS;

	(void)state;
	files_remove("busy");
	sink = open_with(at("busy"), 0, 0, 0);
	assert_int_equal(sqlite.open_v2(at("busy"), &db, SQLITE_OPEN_READWRITE, NULL), 0);
	assert_int_equal(sqlite.exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), 0);
	show_at(sink, now_ns, 5);
	show_at(sink, now_ns, 5);
	assert_int_equal(counters[COUNTER_HISTORY_LOST] - lost, 2);
	assert_int_equal(sqlite.exec(db, "COMMIT", NULL, NULL, NULL), 0);
	sqlite_sink.tick(sink, now_ns += SECOND_NS);
	show_at(sink, now_ns, 5);
	/* A reader of before sees what was, and holds up nobody. */
	assert_int_equal(sqlite.exec(db, "BEGIN; SELECT * FROM run", NULL, NULL, NULL), 0);
	for (int i = 0; i < 20; i++) {
		show_at(sink, now_ns, 100000);
		sqlite_sink.tick(sink, now_ns += SECOND_NS);
	}
	sqlite.close_v2(db);
	sink_end(sink);
	assert_int_equal(ask_number(at("busy"), "SELECT count(*) FROM exchange"), 21);
}

/* --- memory
 * -------------------------------------------------------------------------------------------------- */

/* One row is lost, or the sink is not made; what is in the file is whole. */
static void test_each_allocation_fails(void **state)
{
	(void)state;
	for (long n = 1; n < 40; n++) {
		struct sink *sink;

		files_remove("memory");
		alloc_fail_countdown = n;
		sink = open_with(at("memory"), 1, DAY_NS, 1 << 20);
		if (sink) {
			show_at(sink, SAMPLE_START_NS, 3000);
			show_at(sink, SAMPLE_START_NS, 30000);
			sqlite_sink.draw(sink, true);
			alloc_fail_countdown = 0;
			sink_free(&sqlite_sink, sink);
			assert_true(ask_number(at("memory"), "SELECT count(*) FROM exchange") +
					    (long)counters[COUNTER_HISTORY_LOST] >=
				    2);
			assert_string_equal(ask(at("memory"), "PRAGMA integrity_check"), "ok");
		}
		alloc_fail_countdown = 0;
	}
}

static int setup(void **state)
{
	(void)state;
	log_level = LOG_QUIET;
	redact = redact_new(false);
	return mkdtemp(folder) && redact && sqlite_library_load("a test") == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	char command[300];

	(void)state;
	redact_free(redact);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_headers_with_verbose),
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_a_reader_sees_a_turn_within_a_second),
		cmocka_unit_test(test_losses_are_in_the_file),
		cmocka_unit_test(test_keep_by_age),
		cmocka_unit_test(test_keep_by_size),
		cmocka_unit_test(test_two_of_us),
		cmocka_unit_test(test_files_are_private),
		cmocka_unit_test(test_what_is_no_history),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_damaged_while_it_is_written),
		cmocka_unit_test(test_another_writer),
		cmocka_unit_test(test_each_allocation_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

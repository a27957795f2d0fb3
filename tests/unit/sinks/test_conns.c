/* SPDX-License-Identifier: Apache-2.0 */
/* Both sinks of the conns view: a whole line each, what is absent, and the bound on kept exchanges. */
#include "sinks/sinks.h"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define TITLE                                                                                              \
	"TIME         WHAT   CONN  PROGRAM            LOCAL                 PEER                  ROLE   " \
	"TLS      PROTO EXCH BYTES  OPEN     CLOSED\n"

struct row {
	const char *name;
	void (*change)(struct conn_facts *conn);
	const char *text, *json;
};

static void nothing(struct conn_facts *conn)
{
	(void)conn;
}

static void opaque(struct conn_facts *conn)
{
	*conn = (struct conn_facts){ .id = 2,
				     .tls = true,
				     .opaque = "no library that hark knows",
				     .lost_bytes = 5,
				     .moved_bytes = 5,
				     .ciphertext_bytes = 99,
				     .flags = FLAG_LATE_JOINED,
				     .owner = { .fd = -1 },
				     .sock = { .fd = -1 } };
}

static void hello(struct conn_facts *conn)
{
	*conn = (struct conn_facts){ .id = 3,
				     .tls = true,
				     .opaque = "no library",
				     .sni = "a\033[2Jb",
				     .alpn = "h2",
				     .alpn_offered = "h2,http/1.1",
				     .tls_version = 0x0303,
				     .owner = { .fd = -1 },
				     .sock = { .fd = -1 } };
}

static void muted(struct conn_facts *conn)
{
	*conn = (struct conn_facts){ .id = 4,
				     .muted = "not HTTP",
				     .tls_unknown = true,
				     .opened_ns = 1000000000,
				     .handshake_ns = 1500000,
				     .owner = { .fd = -1 },
				     .sock = { .fd = -1 } };
}

static const struct row rows[] = {
	{ "known", nothing,
	  TITLE "03:04:07.500 close  #12   curl[1234]         10.0.0.1:40000        10.0.0.2:8443         "
		"client no       h1.1  "
		"1    800    2.5 s    peer\n",
	  "{\"hark.connection\":12,\"hark.role\":\"client\",\"server.address\":\"10.0.0.2\",\"server.port\":"
	  "8443,"
	  "\"client.address\":\"10.0.0.1\",\"client.port\":40000,\"network.transport\":\"tcp\","
	  "\"network.local.address\":\"10.0.0.1\",\"network.local.port\":40000,"
	  "\"network.peer.address\":\"10.0.0.2\",\"network.peer.port\":8443,\"tls\":false,\"process.pid\":"
	  "1234,"
	  "\"process.executable.name\":\"curl\",\"process.user.id\":1000,\"thread.id\":1235,"
	  "\"thread.name\":\"curl-thread\",\"hark.fd\":5,\"network.protocol.name\":\"http\","
	  "\"network.protocol.version\":\"1.1\",\"hark.exchanges\":1,"
	  "\"hark.opened\":\"2026-01-02T03:04:05.000000000Z\",\"hark.closed\":\"2026-01-02T03:04:07."
	  "500000000Z\","
	  "\"hark.closed_by\":\"peer\",\"hark.connect_ms\":0.250000,\"hark.bytes.moved\":800,"
	  "\"hark.bytes.copied\":700,\"hark.bytes.skipped\":100,\"hark.bytes.lost\":0}\n" },
	{ "opaque", opaque,
	  TITLE "-            stays  #2    ?[?]               -                     -                     "
		"?      yes      ?     "
		"0    5      ?        - [late-joined] lost: 5 opaque: no library that hark knows\n",
	  "{\"hark.connection\":2,\"tls\":true,\"hark.exchanges\":0,\"hark.bytes.moved\":5,\"hark.bytes."
	  "copied\":0,"
	  "\"hark.bytes.skipped\":0,\"hark.bytes.lost\":5,\"hark.bytes.ciphertext\":99,"
	  "\"hark.flags\":[\"late-joined\"],\"hark.opaque\":\"no library that hark knows\"}\n" },
	{ "what the hellos said", hello,
	  TITLE "-            stays  #3    ?[?]               -                     -                     "
		"?      yes      ?     "
		"0    0      ?        - TLS 1.2 sni=a\\x1b[2Jb alpn=h2 opaque: no library\n",
	  "{\"hark.connection\":3,\"tls\":true,\"hark.exchanges\":0,\"hark.bytes.moved\":0,\"hark.bytes."
	  "copied\":0,\"hark.bytes.skipped\":0,\"hark.bytes.lost\":0,\"hark.opaque\":\"no library\","
	  "\"tls.client.server_name\":\"a\\u001b[2Jb\",\"tls.next_protocol\":\"h2\","
	  "\"tls.protocol.version\":\"1.2\",\"hark.tls.alpn_offered\":[\"h2\",\"http/1.1\"]}\n" },
	{ "muted, still open", muted,
	  TITLE "-            stays  #4    ?[?]               -                     -                     "
		"?      ?        ?     "
		"0    0      ?        - muted: not HTTP\n",
	  "{\"hark.connection\":4,\"hark.exchanges\":0,\"hark.opened\":\"2026-01-02T03:04:05.000000000Z\","
	  "\"hark.tls_handshake_ms\":1.500000,\"hark.bytes.moved\":0,\"hark.bytes.copied\":0,"
	  "\"hark.bytes.skipped\":0,\"hark.bytes.lost\":0,\"hark.muted\":\"not HTTP\"}\n" },
};

static void check(const struct row *row, const struct sink_ops *ops, const char *expected)
{
	struct sample sample;
	struct sample_sink sink;

	sample_init(&sample);
	row->change(&sample.conn);
	sample_sink_open(&sink, ops, 0, false, false);
	sample_show_conn(ops, sink.sink, RESULT_CONN_CLOSED, &sample.conn);
	print_message("%s, %s\n", row->name, ops->format);
	assert_string_equal(sample_sink_text(&sink), expected);
	sample_sink_close(&sink);
	sample_fini(&sample);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(&rows[i], &conns_text_sink, rows[i].text);
		check(&rows[i], &conns_json_sink, rows[i].json);
	}
}

/* A line when it opens; a long name makes its column wider for all that follow. */
static void test_opened(void **state)
{
	struct sample sample;
	struct sample_sink sink;

	(void)state;
	sample_init(&sample);
	sample.conn.seen_ns = 1000000000;
	sample.conn.existing = true;
	sample.conn.tls_unknown = true;
	sample.conn.role = ROLE_UNKNOWN;
	sample.conn.version = HTTP_VERSION_UNKNOWN;
	sample.conn.protocol = NULL;
	sample_sink_open(&sink, &conns_text_sink, 0, false, false);
	sample_show_conn(&conns_text_sink, sink.sink, RESULT_CONN_OPENED, &sample.conn);
	sample.conn.existing = false;
	snprintf(sample.conn.owner.exe, sizeof(sample.conn.owner.exe), "an-executable-with-a-name");
	sample_show_conn(&conns_text_sink, sink.sink, RESULT_CONN_OPENED, &sample.conn);
	snprintf(sample.conn.owner.exe, sizeof(sample.conn.owner.exe), "curl");
	sample_show_conn(&conns_text_sink, sink.sink, RESULT_CONN_OPENED, &sample.conn);
	assert_string_equal(sample_sink_text(&sink), TITLE
			    "03:04:05.000 exists #12   curl[1234]         10.0.0.1:40000        "
			    "10.0.0.2:8443         ?      ?        ?\n"
			    "03:04:05.000 open   #12   an-executable-with-a-name[1234] 10.0.0.1:40000        "
			    "10.0.0.2:8443         ?      ?        ?\n"
			    "03:04:05.000 open   #12   curl[1234]                      10.0.0.1:40000        "
			    "10.0.0.2:8443         ?      ?        ?\n");
	sample_sink_close(&sink);
	sample_fini(&sample);
}

static const struct {
	size_t columns;
	const char *expected; /* the title and what is below it */
} screens[] = {
	{ 80, "TIME         WHAT   CONN  PROGRAM            PEER                  TLS      EXCH\n"
	      "03:04:07.500 close  #7    curl[1234]         10.0.0.2:8443         no       1\n"
	      "    [late-joined] lost: 5\n"
	      "03:04:07.500 close  #7    an-execu..me[1234] 10.0.0.2:8443         no       1\n"
	      "    [late-joined] lost: 5\n" },
	{ 100,
	  "TIME         WHAT   CONN  PROGRAM            PEER                  ROLE   TLS      PROTO EXCH "
	  "BYTES\n"
	  "03:04:07.500 close  #7    curl[1234]         10.0.0.2:8443         client no       h1.1  1    "
	  "800\n"
	  "    [late-joined] lost: 5\n"
	  "03:04:07.500 close  #7    an-execu..me[1234] 10.0.0.2:8443         client no       h1.1  1    "
	  "800\n"
	  "    [late-joined] lost: 5\n" },
	{ 180,
	  TITLE "03:04:07.500 close  #7    curl[1234]         10.0.0.1:40000        10.0.0.2:8443         "
		"client no       h1.1  1    800    2.5 s    peer id 12 [late-joined] lost: 5\n"
		"03:04:07.500 close  #7    an-executable-with-a-name[1234] 10.0.0.1:40000        "
		"10.0.0.2:8443         client no       h1.1  1    800    2.5 s    peer id 12 [late-joined] "
		"lost: 5\n" },
};

/* What says least gives way; no line is wider than the screen. Connections have the numbers of the run. */
static void test_screens(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(screens) / sizeof(screens[0]); i++) {
		char *text = NULL;
		size_t len = 0;
		struct sink_config config = { .columns = screens[i].columns,
					      .wall_offset_ns = SAMPLE_WALL_OFFSET_NS,
					      .out = open_memstream(&text, &len) };
		struct sink *sink = sink_new(&conns_text_sink, &config);
		struct sample sample;

		assert_non_null(sink);
		sample_init(&sample);
		sample.conn.number = 7;
		sample.conn.flags = FLAG_LATE_JOINED;
		sample.conn.lost_bytes = 5;
		sample_show_conn(&conns_text_sink, sink, RESULT_CONN_CLOSED, &sample.conn);
		snprintf(sample.conn.owner.exe, sizeof(sample.conn.owner.exe), "an-executable-with-a-name");
		sample_show_conn(&conns_text_sink, sink, RESULT_CONN_CLOSED, &sample.conn);
		sink_free(&conns_text_sink, sink);
		fclose(config.out);
		assert_string_equal(text, screens[i].expected);
		for (const char *line = text; *line; line = strchr(line, '\n') + 1)
			assert_true((size_t)(strchr(line, '\n') - line) <= screens[i].columns);
		free(text);
		sample_fini(&sample);
	}
}

/* -x: an exchange is shown when it ends, not when its connection does. */
static void test_follow(void **state)
{
	struct sample sample;
	char *text = NULL;
	size_t len = 0;
	struct redact *redact = redact_new(false);
	struct sink_config config = {
		.verbose = 1, .follow = true, .redact = redact, .out = open_memstream(&text, &len)
	};
	struct sink *sink = sink_new(&conns_text_sink, &config);

	(void)state;
	sample_init(&sample);
	sample_show(&conns_text_sink, sink, RESULT_EXCHANGE, &sample.exchange);
	fflush(config.out);
	assert_non_null(strstr(text, "GET  example.com/a?b=1"));
	sample_show_conn(&conns_text_sink, sink, RESULT_CONN_CLOSED, &sample.conn);
	sink_free(&conns_text_sink, sink);
	fclose(config.out);
	assert_ptr_equal(strstr(strstr(text, "GET") + 1, "GET"), NULL);
	free(text);
	redact_free(redact);
	sample_fini(&sample);
}

/* At the end it is said who makes a connection for each call; not while it goes on. */
static void test_a_new_connection_a_call(void **state)
{
	struct sample sample;
	struct sample_sink sink;

	(void)state;
	sample_init(&sample);
	sample_sink_open(&sink, &conns_text_sink, 0, false, false);
	sample.exchange.opening = true;
	sample.conn.tls = true;
	sample.conn.opened_ns = SAMPLE_START_NS;
	sample.conn.connect_ns = 250000;
	sample.conn.handshake_ns = 2500000;
	for (int i = 0; i < 6; i++)
		sample_show(&conns_text_sink, sink.sink, RESULT_EXCHANGE, &sample.exchange);
	conns_text_sink.draw(sink.sink, false);
	assert_string_equal(sample_sink_text(&sink), "");
	conns_text_sink.draw(sink.sink, true);
	assert_string_equal(sample_sink_text(&sink),
			    "curl[1234] to 10.0.0.2:8443: a new TLS connection a call, 6 for 6 exchanges, "
			    "connect 0.25 ms, TLS handshake 2.50 ms each\n");
	sample_sink_close(&sink);
	sample_fini(&sample);
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		count++;
	return count;
}

/* 1,000 lines are kept for a connection, others are counted; each connection has its own. */
static void test_kept_exchanges(void **state)
{
	struct sample sample;
	struct sample_sink sink;
	struct conn_facts other;

	(void)state;
	sample_init(&sample);
	other = sample.conn;
	other.id = 13;
	sample_sink_open(&sink, &conns_text_sink, 1, false, false);
	for (int i = 0; i < 1003; i++)
		sample_show(&conns_text_sink, sink.sink, RESULT_EXCHANGE, &sample.exchange);
	sample.exchange.conn = &other;
	sample_show(&conns_text_sink, sink.sink, RESULT_EXCHANGE, &sample.exchange);
	assert_string_equal(sample_sink_text(&sink), "");
	sample_show_conn(&conns_text_sink, sink.sink, RESULT_CONN_CLOSED, &sample.conn);
	assert_int_equal(count_of(sample_sink_text(&sink), "\n    03:04:05.000 curl[1234]"), 1000);
	assert_int_equal(count_of(sink.text, "\n    (3 more exchanges, not kept)\n"), 1);
	sample_show_conn(&conns_text_sink, sink.sink, RESULT_CONN_CLOSED, &other);
	assert_int_equal(count_of(sample_sink_text(&sink), "\n    03:04:05.000 curl[1234]"), 1001);
	assert_int_equal(count_of(sink.text, "CONN"), 1);
	sample_sink_close(&sink);
	sample_fini(&sample);
}

/* Long lines are bounded by their bytes; what was kept for a connection that never closes is freed. */
static void test_kept_bytes(void **state)
{
	static char path[200 * 1024];
	struct sample sample;
	struct sample_sink sink;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	sample_init(&sample);
	sample.exchange.request->target = slice_of(path, sizeof(path));
	sample_sink_open(&sink, &conns_text_sink, 1, false, false);
	for (int i = 0; i < 3; i++)
		sample_show(&conns_text_sink, sink.sink, RESULT_EXCHANGE, &sample.exchange);
	sample_show_conn(&conns_text_sink, sink.sink, RESULT_CONN_CLOSED, &sample.conn);
	assert_int_equal(count_of(sample_sink_text(&sink), "(2 more exchanges, not kept)"), 1);
	sample_show(&conns_text_sink, sink.sink, RESULT_EXCHANGE, &sample.exchange);
	sample_sink_close(&sink);
	sample_fini(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_opened),
		cmocka_unit_test(test_screens),
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_a_new_connection_a_call),
		cmocka_unit_test(test_kept_exchanges),
		cmocka_unit_test(test_kept_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

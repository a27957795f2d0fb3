/* SPDX-License-Identifier: Apache-2.0 */
/* Golden lines, in the C locale and in a UTF-8 one. */
#include "sinks/sinks.h"

#include "fact.h"
#include "sample.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>

struct row {
	const char *name;
	void (*change)(struct sample *sample);
	int verbose;
	bool color;
	const char *locale;
	const char *expected;
};

static void nothing(struct sample *s)
{
	(void)s;
}

static void http2_tls(struct sample *s)
{
	s->conn.role = ROLE_SERVER;
	s->conn.tls = true;
	s->exchange.key = 5;
	s->exchange.request->version = HTTP_2;
	s->exchange.request->method = SLICE("POST");
	s->exchange.request->target = SLICE("/a/rather/long/path/that/is/not/cut/anywhere/at/all");
	s->exchange.request->body_bytes = 20000;
	s->exchange.response->status = 503;
	s->exchange.duration_ns = 1234567890;
	s->exchange.flags = FLAG_GAP | FLAG_RESET;
	s->exchange.error_known = true;
	s->exchange.error = 8;
}

static void all_unknown(struct sample *s)
{
	sample_fini(s);
	s->conn = (struct conn_facts){ .id = 3, .tls_unknown = true };
	s->exchange = (struct exchange){ .conn = &s->conn, .flags = FLAG_NO_REQUEST };
}

static void path_unknown(struct sample *s)
{
	s->exchange.request->target = (struct slice){ 0 };
	s->exchange.response->body_known = false;
	s->exchange.mover.exe[0] = '\0';
	s->conn.sock.family = AF_UNIX;
}

static void hostile(struct sample *s)
{
	s->exchange.request->method = SLICE("G\033[2J");
	s->exchange.request->target = SLICE("/caf\xc3\xa9\xc2\x9b\xe2\x80\xae\xff\\\n");
	strcpy(s->exchange.mover.exe, "a\tb");
}

static void fields(struct sample *s)
{
	struct message *response = s->exchange.response;

	sample_header(response, &response->headers, "x-a", NULL);
	sample_header(response, &response->headers, NULL, "b");
	sample_header(response, &response->trailers, "x-t", "1\r");
	s->exchange.request->body = SLICE("one\ntwo\x7f\n");
	s->exchange.request->body_bytes = 9;
	response->body = SLICE("abc");
}

static void grpc_failed(struct sample *s)
{
	struct message *response = s->exchange.response;

	sample_header(s->exchange.request, &s->exchange.request->headers, "content-type", "application/grpc");
	sample_header(response, &response->trailers, "grpc-status", "5");
}

/* What a fact's name says to be a secret is one as in a header. */
static void session(struct sample *s)
{
	static struct fact tool = { .name = "gen_ai.tool.name", .kind = FACT_TEXT },
			   id = { .next = &tool, .name = "mcp.session.id", .kind = FACT_TEXT };

	id.text = SLICE("abc");
	tool.text = SLICE("a\x1b[2Jb");
	s->exchange.request->facts = &id;
}

static void grpc_ok(struct sample *s)
{
	struct message *response = s->exchange.response;

	sample_header(s->exchange.request, &s->exchange.request->headers, "content-type", "application/grpc");
	sample_header(response, &response->headers, "grpc-status", "0");
}

#define FIRST "03:04:05.000 curl[1234]       #12     -> 10.0.0.2:8443   h1.1      GET  "
#define URL   "example.com/a?b=1                    "

static const struct row rows[] = {
	{ "plain", nothing, 0, false, "C", FIRST URL "200 0/612     12 ms\n" },
	{ "arrow in UTF-8", nothing, 0, false, "C.UTF-8",
	  "03:04:05.000 curl[1234]       #12     →  10.0.0.2:8443   h1.1      GET  " URL
	  "200 0/612     12 ms\n" },
	{ "HTTP/2, TLS, error, long path", http2_tls, 0, false, "C",
	  "03:04:05.000 curl[1234]       #12     <- 10.0.0.2:8443   h2+tls:5  POST "
	  "example.com/a/rather/long/path/that/is/not/cut/anywhere/at/all 503 19.5K/612 1.2 s    [gap,reset "
	  "CANCEL]\n" },
	{ "nothing known", all_unknown, 0, false, "C",
	  "?            ?[?]             #3      ?  -               ?+?       ?    "
	  "?                                    ?   ?/?       ?        [no-request]\n" },
	{ "path unknown, comm only, size a bound", path_unknown, 0, false, "C",
	  "03:04:05.000 curl-thread[1234] #12     -> unix            h1.1      GET  "
	  "example.com ?                        200 0/612+    12 ms\n" },
	{ "hostile", hostile, 0, false, "C",
	  "03:04:05.000 a\\tb[1234]       #12     -> 10.0.0.2:8443   h1.1      G\\x1b[2J "
	  "example.com/caf\\xc3\\xa9\\xc2\\x9b\\xe2\\x80\\xae\\xff\\\\\\n 200 0/612     12 ms\n" },
	{ "hostile in UTF-8", hostile, 0, false, "C.UTF-8",
	  "03:04:05.000 a\\tb[1234]       #12     →  10.0.0.2:8443   h1.1      G\\x1b[2J "
	  "example.com/café\\xc2\\x9b\\xe2\\x80\\xae\\xff\\\\\\n 200 0/612     12 ms\n" },
	{ "headers", fields, 1, false, "C",
	  FIRST URL
	  "200 9/612     12 ms\n"
	  "    * receive 12 ms\n    > GET /a?b=1 HTTP/1.1\n"
	  "    > Host: example.com\n    > Cookie: [redacted]\n"
	  "    < HTTP/1.1 200\n    < Server: nginx\n    < x-a: ?\n    < ?: [redacted]\n    <+ x-t: 1\\r\n" },
	{ "facts", session, 1, false, "C",
	  FIRST URL "200 0/612     12 ms\n"
		    "    * receive 12 ms\n    > GET /a?b=1 HTTP/1.1\n"
		    "    > Host: example.com\n    > Cookie: [redacted]\n"
		    "    = mcp.session.id: [redacted]\n    = gen_ai.tool.name: a\\x1b[2Jb\n"
		    "    < HTTP/1.1 200\n    < Server: nginx\n" },
	{ "bodies", fields, 2, false, "C",
	  FIRST URL "200 9/612     12 ms\n"
		    "    * receive 12 ms\n    > GET /a?b=1 HTTP/1.1\n"
		    "    > Host: example.com\n    > Cookie: [redacted]\n    >| one\n    >| two\\x7f\n"
		    "    < HTTP/1.1 200\n    < Server: nginx\n    < x-a: ?\n    < ?: [redacted]\n"
		    "    <| abc\n    <| [3 shown of 612; only the first 3 were kept]\n    <+ x-t: 1\\r\n" },
	{ "gRPC that failed", grpc_failed, 0, false, "C", FIRST URL "200 grpc:5 0/612     12 ms\n" },
	{ "gRPC that failed, colour", grpc_failed, 0, true, "C",
	  "\033[2m03:04:05.000\033[0m curl[1234]       #12     -> 10.0.0.2:8443   h1.1      "
	  "\033[1mGET\033[0m  " URL "\033[31m200 grpc:5\033[0m 0/612     12 ms\n" },
	{ "gRPC that did not", grpc_ok, 0, false, "C", FIRST URL "200 0/612     12 ms\n" },
	{ "colour", nothing, 0, true, "C",
	  "\033[2m03:04:05.000\033[0m curl[1234]       #12     -> 10.0.0.2:8443   h1.1      "
	  "\033[1mGET\033[0m  " URL "\033[32m200\033[0m 0/612     12 ms\n" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample sample;
		struct sample_sink sink;

		assert_non_null(setlocale(LC_CTYPE, rows[i].locale));
		sample_init(&sample);
		rows[i].change(&sample);
		sample_sink_open(&sink, &watch_text_sink, rows[i].verbose, rows[i].color, false);
		sample_show(&watch_text_sink, sink.sink, RESULT_EXCHANGE, &sample.exchange);
		print_message("%s\n", rows[i].name);
		assert_string_equal(sample_sink_text(&sink), rows[i].expected);
		sample_sink_close(&sink);
		sample_fini(&sample);
	}
}

#define UNREAD(id, peer)                                     \
	"03:04:05.000 curl[1234]       #" id "     -> " peer \
	" TLS       not read: no library (hark doctor 1234 says more)"

/* Once a program and reason, at once; with -v once a process and peer as well. */
static void test_unread_once(void **state)
{
	struct sample sample;
	struct sample_sink s;
	struct result unseen = { .kind = RESULT_UNSEEN };
	struct event_unseen event = { .h.time_ns = SAMPLE_START_NS, .kind = UNSEEN_IO_URING };

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C"));
	sample_init(&sample);
	sample.conn.opened_ns = SAMPLE_START_NS;
	sample.conn.owner = sample.exchange.mover;
	sample.conn.opaque = "no library";
	event.sock = sample.conn.sock;
	unseen.unseen = &event;
	unseen.mover = &sample.exchange.mover;
	for (int verbose = 0; verbose <= 1; verbose++) {
		sample_sink_open(&s, &watch_text_sink, verbose, false, false);
		sample.conn.id = 12;
		sample.conn.sock.peer_port = 8443;
		for (int i = 0; i < 160; i++, sample.conn.id++)
			sample_show_conn(&watch_text_sink, s.sink, RESULT_OPAQUE, &sample.conn);
		assert_string_equal(sample_sink_text(&s), UNREAD("12", "10.0.0.2:8443  ") "\n");
		sample.conn.sock.peer_port++;
		sample_show_conn(&watch_text_sink, s.sink, RESULT_OPAQUE, &sample.conn); /* another peer */
		assert_int_equal(strstr(sample_sink_text(&s), "8444  ") != NULL, verbose);
		sample.conn.role = ROLE_SERVER;
		sample_show_conn(&watch_text_sink, s.sink, RESULT_OPAQUE, &sample.conn);
		sample.conn.sock.peer_port++; /* of a server's clients each has another one */
		sample_show_conn(&watch_text_sink, s.sink, RESULT_OPAQUE, &sample.conn);
		assert_null(strstr(sample_sink_text(&s), "8445  "));
		sample.conn.role = ROLE_CLIENT;
		watch_text_sink.show[RESULT_UNSEEN](s.sink, &unseen); /* for another reason */
		watch_text_sink.show[RESULT_UNSEEN](s.sink, &unseen);
		assert_non_null(strstr(sample_sink_text(&s), "what moves through io_uring is not read"));
		assert_null(strstr(strstr(sample_sink_text(&s), "io_uring") + 1, "io_uring"));
		sample.conn.opaque = "another reason";
		sample_show_conn(&watch_text_sink, s.sink, RESULT_OPAQUE, &sample.conn);
		assert_non_null(strstr(sample_sink_text(&s), "another reason"));
		sample.conn.opaque = "no library";
		sample_sink_close(&s);
	}
	sample_fini(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_unread_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

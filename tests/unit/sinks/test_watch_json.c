/* SPDX-License-Identifier: Apache-2.0 */
/* Each row changes the sample and names what the line must and must not hold; one row is the whole line. */
#include "sinks/sinks.h"

#include "base/counters.h"
#include "fact.h"
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>

#define ABSENT "!" /* this must not occur */

struct row {
	const char *name;
	void (*change)(struct sample *sample);
	int verbose;
	bool show_secrets;
	const char *expected[8]; /* each occurs, or after ABSENT does not */
};

static void nothing(struct sample *s)
{
	(void)s;
}

static void is_server(struct sample *s)
{
	s->conn.role = ROLE_SERVER;
	s->exchange.request->headers.count = 0;
}

static void role_unknown(struct sample *s)
{
	s->conn.role = ROLE_UNKNOWN;
	s->exchange.request->headers.count = 0;
}

static void no_request(struct sample *s)
{
	message_free(s->exchange.request);
	s->exchange.request = NULL;
	s->exchange.duration_known = s->exchange.ttfb_known = false;
	s->exchange.flags = FLAG_NO_REQUEST;
}

static void cut_fact(struct sample *s)
{
	static struct fact fact = { .name = "hark.grpc.status_message",
				    .kind = FACT_TEXT,
				    .text = SLICE("no caf\xc3"),
				    .cut = true };

	s->exchange.request->facts = &fact;
}

static void unanswered(struct sample *s)
{
	message_free(s->exchange.response);
	s->exchange.response = NULL;
	s->exchange.duration_known = s->exchange.ttfb_known = false;
	s->exchange.flags = FLAG_UNANSWERED | FLAG_CLOSED;
}

static void http2_reset(struct sample *s)
{
	s->exchange.request->version = HTTP_2;
	s->exchange.request->scheme = SLICE("https");
	s->exchange.request->authority = SLICE("[2001:db8::1]:9443");
	s->exchange.key = 5;
	s->exchange.error_known = true;
	s->exchange.error = 8;
	s->exchange.flags = FLAG_RESET;
	s->conn.tls = true;
	s->conn.tls_library = "openssl";
}

static void unnamed_error(struct sample *s)
{
	s->exchange.error_known = true;
	s->exchange.error = 0xbeef;
}

static void path_unknown(struct sample *s)
{
	s->exchange.request->target = (struct slice){ 0 };
	s->exchange.flags = FLAG_PARTIAL_HEADERS;
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

static void absolute_form(struct sample *s)
{
	s->exchange.request->target = SLICE("http://user:pw@other.org:81/x?");
}

static void connect_form(struct sample *s)
{
	s->exchange.request->method = SLICE("CONNECT");
	s->exchange.request->target = SLICE("other.org:443");
}

static void bad_host(struct sample *s)
{
	s->exchange.request->headers.items[0].value = SLICE("evil:port");
}

static void hostile(struct sample *s)
{
	s->exchange.request->target = SLICE("/\"\\\x01\xff\xc3\xa9\xe2\x80\xae");
}

static void mapped(struct sample *s)
{
	static const uint8_t local[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
	static const uint8_t peer[16] = { [15] = 1 };

	s->conn.sock.family = AF_INET6;
	memcpy(s->conn.sock.local, local, 16);
	memcpy(s->conn.sock.peer, peer, 16);
}

static void unix_socket(struct sample *s)
{
	s->conn.sock = (struct event_socket){ .family = AF_UNIX, .fd = 3 };
	s->exchange.mover = (struct mover){ .fd = -1 };
}

static void socket_unknown(struct sample *s)
{
	s->conn.sock = (struct event_socket){ .fd = -1 };
	s->exchange.mover.fd = -1;
	s->conn.tls_unknown = true;
}

static void sizes_unknown(struct sample *s)
{
	s->exchange.request->body_known = s->exchange.response->body_known = false;
}

static void unknown_fields(struct sample *s)
{
	struct message *response = s->exchange.response;

	sample_header(response, &response->headers, "x-known", NULL);
	sample_header(response, &response->headers, NULL, "perhaps a cookie");
	sample_header(response, &response->trailers, "grpc-status", "0");
}

static void bodies(struct sample *s)
{
	s->exchange.request->body = SLICE("caf\xc3\xa9\n");
	s->exchange.request->body_bytes = 6;
	s->exchange.response->body = SLICE("\x1f\x8b\x08\x00");
}

static void cut_body(struct sample *s)
{
	s->exchange.response->body = SLICE("caf\xc3");
}

static void grpc(struct sample *s)
{
	sample_header(s->exchange.request, &s->exchange.request->headers, "content-type", "application/grpc");
}

static void grpc_failed(struct sample *s)
{
	grpc(s);
	sample_header(s->exchange.response, &s->exchange.response->trailers, "grpc-status", "5");
}

static void traced(struct sample *s)
{
	sample_header(s->exchange.request, &s->exchange.request->headers, "traceparent",
		      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
	sample_header(s->exchange.request, &s->exchange.request->headers, "x-request-id", "a\"b");
}

static void traced_wrongly(struct sample *s)
{
	sample_header(s->exchange.request, &s->exchange.request->headers, "traceparent",
		      "00-00000000000000000000000000000000-00f067aa0ba902b7-01");
}

static void fastcgi(struct sample *s)
{
	s->exchange.request->version = s->exchange.response->version = FASTCGI_1;
	s->exchange.key = 0x50001;
	s->exchange.error_known = true;
	s->exchange.error = 2;
	sample_header(s->exchange.response, &s->exchange.response->trailers, "FCGI_APP_STATUS", "3");
	sample_header(s->exchange.response, &s->exchange.response->trailers, "FCGI_STDERR_BYTES", "10");
}

static const struct row rows[] = {
	{ "FastCGI",
	  fastcgi,
	  0,
	  false,
	  { "\"network.protocol.name\":\"fastcgi\"", "\"hark.stream\":1,",
	    "\"hark.fastcgi.protocol_status\":\"OVERLOADED\",\"hark.fastcgi.app_status\":3,"
	    "\"hark.fastcgi.stderr.size\":10",
	    ABSENT "url.scheme", ABSENT "network.protocol.version", ABSENT "hark.h2" } },
	{ "trace",
	  traced,
	  0,
	  false,
	  { "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\","
	    "\"trace_flags\":\"01\",\"hark.request_id\":\"a\\\"b\",",
	    ABSENT "parent_span_id" } },
	{ "wrong trace", traced_wrongly, 0, false, { ABSENT "trace_id", ABSENT "span_id" } },
	{ "gRPC", grpc_failed, 0, false, { "\"rpc.system\":\"grpc\",\"rpc.grpc.status_code\":5," } },
	{ "gRPC, status not known", grpc, 0, false, { "\"rpc.system\":\"grpc\"", ABSENT "rpc.grpc" } },
	{ "no gRPC", unknown_fields, 0, false, { ABSENT "rpc." } },
	{ "the whole line",
	  nothing,
	  0,
	  false,
	  { "{\"time\":\"2026-01-02T03:04:05.000000006Z\",\"http.request.method\":\"GET\",\"url.scheme\":"
	    "\"http\","
	    "\"url.path\":\"/a\",\"url.query\":\"b=1\",\"http.response.status_code\":200,"
	    "\"server.address\":\"example.com\",\"server.port\":8443,\"client.address\":\"10.0.0.1\","
	    "\"client.port\":40000,\"network.protocol.version\":\"1.1\",\"network.transport\":\"tcp\","
	    "\"network.local.address\":\"10.0.0.1\",\"network.local.port\":40000,"
	    "\"network.peer.address\":\"10.0.0.2\",\"network.peer.port\":8443,\"tls\":false,"
	    "\"process.pid\":1234,\"process.executable.name\":\"curl\",\"process.user.id\":1000,"
	    "\"thread.id\":1235,\"thread.name\":\"curl-thread\",\"hark.role\":\"client\",\"hark.connection\":"
	    "12,"
	    "\"hark.fd\":5,\"http.request.body.size\":0,\"http.response.body.size\":612,"
	    "\"hark.duration_ms\":12.345678,\"hark.ttfb_ms\":0.340000}\n" } },
	{ "server's side, no Host",
	  is_server,
	  0,
	  false,
	  { "\"server.address\":\"10.0.0.1\",\"server.port\":40000,\"client.address\":\"10.0.0.2\",\"client."
	    "port\":8443",
	    "\"hark.role\":\"server\"" } },
	{ "role unknown",
	  role_unknown,
	  0,
	  false,
	  { ABSENT "server.", ABSENT "client.", ABSENT "hark.role", "\"network.peer.port\":8443" } },
	{ "no request",
	  no_request,
	  0,
	  false,
	  { ABSENT "url.path", ABSENT "http.request", ABSENT "duration", ABSENT "ttfb",
	    "\"hark.flags\":[\"no-request\"]}", "status_code\":200" } },
	{ "a fact that is cut says so",
	  cut_fact,
	  0,
	  false,
	  { "\"hark.grpc.status_message\":\"no caf\"", "\"hark.grpc.status_message.truncated\":true" } },
	{ "unanswered",
	  unanswered,
	  0,
	  false,
	  { ABSENT "response", ABSENT "duration", "\"hark.flags\":[\"closed\",\"unanswered\"]}" } },
	{ "HTTP/2 over TLS, reset",
	  http2_reset,
	  0,
	  false,
	  { "\"network.protocol.version\":\"2\"", "\"hark.stream\":5", "\"hark.h2.error_code\":\"CANCEL\"",
	    "\"tls\":true,\"tls.library\":\"openssl\"",
	    "\"server.address\":\"2001:db8::1\",\"server.port\":9443", "\"url.scheme\":\"https\"",
	    "\"hark.flags\":[\"reset\"]" } },
	{ "an error code without a name", unnamed_error, 0, false, { "\"hark.h2.error_code\":\"0xbeef\"" } },
	{ "path unknown",
	  path_unknown,
	  0,
	  false,
	  { ABSENT "url.path", ABSENT "url.query", "example.com", "partial-headers" } },
	{ "absolute form, empty query, no password",
	  absolute_form,
	  0,
	  false,
	  { "\"url.path\":\"/x\",\"url.query\":\"\"", "\"server.address\":\"other.org\",\"server.port\":81",
	    ABSENT "pw" } },
	{ "CONNECT",
	  connect_form,
	  0,
	  false,
	  { ABSENT "url.path", "\"server.address\":\"other.org\",\"server.port\":443" } },
	{ "a Host that is none",
	  bad_host,
	  0,
	  false,
	  { "\"server.address\":\"10.0.0.2\",\"server.port\":8443" } },
	{ "hostile path", hostile, 0, false, { "\"url.path\":\"/\\\"\\\\\\u0001\\\\xff\xc3\xa9\\u202e\"" } },
	{ "IPv4 in IPv6",
	  mapped,
	  0,
	  false,
	  { "\"network.local.address\":\"127.0.0.1\"", "\"network.peer.address\":\"::1\"" } },
	{ "Unix socket, nobody known",
	  unix_socket,
	  0,
	  false,
	  { "\"network.transport\":\"unix\"", ABSENT "network.local", ABSENT "client.", ABSENT "process.",
	    ABSENT "thread.", "\"hark.fd\":3" } },
	{ "socket unknown",
	  socket_unknown,
	  0,
	  false,
	  { ABSENT "network.t", ABSENT "network.peer", ABSENT "hark.fd", ABSENT "\"tls\"",
	    ABSENT "scheme" } },
	{ "body sizes unknown", sizes_unknown, 0, false, { ABSENT "body.size" } },
	{ "headers",
	  nothing,
	  1,
	  false,
	  { "\"http.request.header\":[[\"Host\",\"example.com\"],[\"Cookie\",\"[redacted]\"]]",
	    "\"http.response.header\":[[\"Server\",\"nginx\"]]}", ABSENT "id=7", ABSENT "trailer" } },
	{ "a session",
	  session,
	  0,
	  false,
	  { "\"mcp.session.id\":\"[redacted]\",\"gen_ai.tool.name\":\"a\\u001b[2Jb\"" } },
	{ "a session on demand", session, 0, true, { "\"mcp.session.id\":\"abc\"" } },
	{ "secrets on demand", nothing, 1, true, { "[\"Cookie\",\"id=7\"]" } },
	{ "unknown fields and trailers",
	  unknown_fields,
	  1,
	  false,
	  { "[\"Server\",\"nginx\"],[\"x-known\",null],[null,\"[redacted]\"]]",
	    "\"http.response.trailer\":[[\"grpc-status\",\"0\"]]", ABSENT "perhaps" } },
	{ "bodies not asked for", bodies, 1, false, { ABSENT "body\"" } },
	{ "bodies",
	  bodies,
	  2,
	  false,
	  { "\"http.request.body\":\"caf\xc3\xa9\\n\"",
	    "\"http.response.body\":{\"base64\":\"H4sIAA==\"}" } },
	{ "a body cut inside a character", cut_body, 2, false, { "\"http.response.body\":\"caf\"" } },
};

static void check(const struct row *row, const char *text)
{
	for (size_t i = 0; i < 8 && row->expected[i]; i++) {
		const char *want = row->expected[i];
		bool absent = want[0] == ABSENT[0];

		if ((strstr(text, want + absent) != NULL) == absent)
			fail_msg("%s: %s%s\n in %s", row->name, absent ? "must be absent: " : "",
				 want + absent, text);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample sample;
		struct sample_sink sink;

		sample_init(&sample);
		rows[i].change(&sample);
		sample_sink_open(&sink, &watch_json_sink, rows[i].verbose, false, rows[i].show_secrets);
		sample_show(&watch_json_sink, sink.sink, RESULT_EXCHANGE, &sample.exchange);
		check(&rows[i], sample_sink_text(&sink));
		assert_ptr_equal(strchr(sink.text, '\n'), sink.text + sink.len - 1);
		sample_sink_close(&sink);
		sample_fini(&sample);
	}
}

static void another_thread(struct sample *s)
{
	s->exchange.mover.tid++;
	strcpy(s->exchange.mover.comm, "other");
}

static void another_process(struct sample *s)
{
	s->exchange.mover.pid++;
}

static void another_user(struct sample *s)
{
	s->exchange.mover.uid++;
}

static void another_program(struct sample *s)
{
	strcpy(s->exchange.mover.exe, "other");
}

static void another_place(struct sample *s)
{
	static const struct container container = { .names[CONTAINER_NAME] = { (const uint8_t *)"box", 3 } };

	s->exchange.mover.container = &container;
}

static void another_peer(struct sample *s)
{
	s->conn.sock.peer[0]++;
}

static void another_port(struct sample *s)
{
	s->conn.sock.local_port++;
}

static void another_version(struct sample *s)
{
	s->exchange.request->version = HTTP_2;
}

static void another_role(struct sample *s)
{
	s->conn.role = s->conn.role == ROLE_CLIENT ? ROLE_SERVER : ROLE_CLIENT;
}

static void turned_to_tls(struct sample *s)
{
	s->conn.tls = true;
	s->conn.tls_library = "openssl";
}

static void same_place_in_the_table(struct sample *s)
{
	s->conn.id += 512;
}

static void long_program(struct sample *s)
{
	memset(s->exchange.mover.exe, 1, sizeof(s->exchange.mover.exe)); /* six characters each */
	memset(s->exchange.mover.comm, 1, sizeof(s->exchange.mover.comm));
}

typedef void change_fn(struct sample *sample);

/* What is kept of a connection and a process is written only as long as all of it holds. */
static void test_facts_change(void **state)
{
	static change_fn *const changes[] = {
		nothing,	 another_thread,	  another_process, another_user,
		another_program, another_place,		  another_peer,	   another_port,
		another_role,	 turned_to_tls,		  no_request,	   another_version,
		long_program,	 same_place_in_the_table,
	};
	struct sample_sink all;

	(void)state;
	sample_sink_open(&all, &watch_json_sink, 0, false, false);
	for (size_t i = 0; i < 3 * sizeof(changes) / sizeof(changes[0]); i++) {
		struct sample sample;
		struct sample_sink alone;
		size_t before = all.len;

		sample_init(&sample);
		if (i % 3) /* each twice, and as it was before */
			changes[i / 3](&sample);
		sample_sink_open(&alone, &watch_json_sink, 0, false, false);
		sample_show(&watch_json_sink, alone.sink, RESULT_EXCHANGE, &sample.exchange);
		sample_show(&watch_json_sink, all.sink, RESULT_EXCHANGE, &sample.exchange);
		sample_sink_text(&all);
		assert_string_equal(all.text + before, sample_sink_text(&alone));
		sample_sink_close(&alone);
		sample_fini(&sample);
	}
	sample_sink_close(&all);
}

static const struct {
	const char *method, *target, *authority, *host;
} requests[] = {
	{ "GET", "/a?b=1", NULL, "h.example" },
	{ "GET", "/a?b=1", "h.example", NULL },
	{ "GET", "/a?b=1", "h.example:81", "other" },
	{ "GET", "/a?b=1", "h.example:x", "other" }, /* no authority, so Host counts */
	{ "GET", "/a?b=1", "h.example:x", "another" },
	{ "GET", "/a?b=1", NULL, NULL },
	{ "GET", "/a?b=1", "", "" },
	{ "GET", "/a?b=", NULL, "1h.example" },
	{ "GE", "T/a?b=1", NULL, "h.example" },
	{ NULL, "/a?b=1", NULL, "h.example" },
	{ "", "/a?b=1", NULL, "h.example" },
	{ "GET", NULL, NULL, "h.example" },
	{ "GET", "", NULL, "h.example" },
	{ "GET", "http://u:p@x.org:82/p;jsessionid=1?token=2", NULL, "h.example" },
	{ "GET", "http://x.org?q", "a", "b" },
	{ "CONNECT", "x.org:443", NULL, "h.example" },
	{ "OPTIONS", "*", NULL, "[::1]:80" },
	{ "GET", "/?token=secret&page=2", NULL, "user:pw@h.example" },
	{ "GET", "/\x01\"\\\xff", NULL, "h\x01" },
	{ "GET",
	  "/a-path-that-is-far-too-long-to-be-kept/a-path-that-is-far-too-long-to-be-kept/a-path-that-is-"
	  "far-too-long-to-be-kept/a-path-that-is-far-too-long-to-be-kept/?b=2",
	  NULL, "h.example" },
	{ "GET",
	  "/\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
	  "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1",
	  NULL, "h" },
};

static struct slice optional(const char *string)
{
	return string ? slice_of_string(string) : slice_of(NULL, 0);
}

static void request_set(struct sample *sample, size_t i)
{
	struct message *request = sample->exchange.request;

	sample->conn.tls = i % 2 == 0;
	request->headers.count = 0;
	request->method = optional(requests[i].method);
	request->target = optional(requests[i].target);
	request->authority = optional(requests[i].authority);
	if (requests[i].host)
		sample_header(request, &request->headers, "Host", requests[i].host);
}

/* What is kept of a request is the same as what is written anew, however requests follow one another. */
static void test_requests_come_again(void **state)
{
	const size_t count = sizeof(requests) / sizeof(requests[0]);
	struct sample_sink all;
	uint32_t random = 1;

	(void)state;
	sample_sink_open(&all, &watch_json_sink, 0, false, false);
	for (size_t round = 0; round < 40 * count; round++) {
		struct sample sample;
		struct sample_sink alone;
		size_t before = all.len;

		random = random * 1664525 + 1013904223;
		sample_init(&sample);
		request_set(&sample, round < 4 * count ? round / 4 : (random >> 16) % count);
		sample_sink_open(&alone, &watch_json_sink, 0, false, false);
		sample_show(&watch_json_sink, alone.sink, RESULT_EXCHANGE, &sample.exchange);
		sample_show(&watch_json_sink, all.sink, RESULT_EXCHANGE, &sample.exchange);
		sample_sink_text(&all);
		assert_string_equal(all.text + before, sample_sink_text(&alone));
		sample_sink_close(&alone);
		sample_fini(&sample);
	}
	sample_sink_close(&all);
}

/* Event times of a hostile recording must not do harm. */
static void test_extreme_times(void **state)
{
	static const uint64_t times[] = { 1, UINT64_MAX, INT64_MAX, 1ull << 63 };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct sample sample;
		struct sample_sink sink;

		sample_init(&sample);
		sample.exchange.start_ns = times[i];
		sample_sink_open(&sink, &watch_json_sink, 0, false, false);
		sample_show(&watch_json_sink, sink.sink, RESULT_EXCHANGE, &sample.exchange);
		assert_non_null(strstr(sample_sink_text(&sink), "Z\",\"http.request.method\""));
		sample_sink_close(&sink);
		sample_fini(&sample);
	}
}

static void test_write_error_is_counted(void **state)
{
	struct redact *redact = redact_new(false);
	struct sink_config config = { .out = fopen("/dev/full", "w"), .redact = redact };
	uint64_t before = counters[COUNTER_OUTPUT_ERRORS];
	struct sample sample;
	struct sink *sink;

	(void)state;
	assert_non_null(config.out);
	setvbuf(config.out, NULL, _IONBF, 0);
	sample_init(&sample);
	sink = sink_new(&watch_json_sink, &config);
	assert_non_null(sink);
	sample_show(&watch_json_sink, sink, RESULT_EXCHANGE, &sample.exchange);
	assert_int_equal(counters[COUNTER_OUTPUT_ERRORS] - before, 1);
	sink_free(&watch_json_sink, sink);
	sample_fini(&sample);
	fclose(config.out);
	redact_free(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_facts_change),
		cmocka_unit_test(test_requests_come_again),
		cmocka_unit_test(test_extreme_times),
		cmocka_unit_test(test_write_error_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows change the sample and name what its entry must and must not hold; and the file is whole at each
 * moment. */
#include "sinks/sinks.h"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ABSENT "!" /* this must not occur */

static void field(struct sample *s, const char *name, const char *value)
{
	sample_header(s->exchange.request, &s->exchange.request->headers, name, value);
}

static void answer_field(struct sample *s, const char *name, const char *value)
{
	sample_header(s->exchange.response, &s->exchange.response->headers, name, value);
}

static void none(struct sample *s)
{
	(void)s;
}

static void times(struct sample *s)
{
	s->conn.tls = true;
	s->conn.handshake_ns = 100000;
	s->conn.opened_ns = SAMPLE_START_NS - 150000;
	s->exchange.opening = true;
	s->exchange.request->last_byte_ns = SAMPLE_START_NS + 40000;
}

static void server_times(struct sample *s)
{
	times(s);
	s->conn.connect_ns = 0;
	s->conn.role = ROLE_SERVER;
}

static void text_body(struct sample *s)
{
	s->exchange.response->body = SLICE("caf\xc3\xa9");
	s->exchange.response->body_bytes = 5;
	answer_field(s, "Content-Type", "text/plain");
	s->exchange.request->body = SLICE("a=1&password=hunter2");
	s->exchange.request->body_bytes = 20;
	field(s, "Content-Type", "application/x-www-form-urlencoded");
}

static void binary_body(struct sample *s)
{
	s->exchange.response->body = SLICE("\x00\x01\xff");
	s->exchange.response->body_bytes = 3;
}

static void gzip_body(struct sample *s)
{
	/* gzip of 100 times "a" */
	static const uint8_t bytes[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
					 0x02, 0x03, 0x4b, 0x4c, 0xa4, 0x3d, 0x00, 0x00,
					 0x64, 0x7a, 0x70, 0xaf, 0x64, 0x00, 0x00, 0x00 };

	s->exchange.response->body = slice_of(bytes, sizeof(bytes));
	s->exchange.response->body_bytes = sizeof(bytes);
	answer_field(s, "Content-Type", "text/plain");
	answer_field(s, "Content-Encoding", "gzip");
}

static void cut_body(struct sample *s)
{
	s->exchange.response->body = SLICE("abc");
	answer_field(s, "Content-Type", "text/plain");
}

static void cookies(struct sample *s)
{
	field(s, "Cookie", "b=2; c");
	answer_field(s, "Set-Cookie", "sid=abc; Path=/x; HttpOnly; Expires=Wed");
	answer_field(s, "Location", "/there?token=t");
}

static void odd_url(struct sample *s)
{
	s->exchange.request->target = SLICE("/a b\"\xff?x=%41+%zz&token=abc&y");
}

static void absolute(struct sample *s)
{
	s->exchange.request->target = SLICE("http://user:pw@other.org:81/x");
}

static void connects(struct sample *s)
{
	s->exchange.request->method = SLICE("CONNECT");
	s->exchange.request->target = SLICE("other.org:443");
}

static void no_host(struct sample *s)
{
	s->exchange.request->headers.count = 0;
}

static void unanswered(struct sample *s)
{
	message_free(s->exchange.response);
	s->exchange.response = NULL;
	s->exchange.duration_known = s->exchange.ttfb_known = false;
	s->exchange.flags = FLAG_UNANSWERED;
}

static void no_request(struct sample *s)
{
	message_free(s->exchange.request);
	s->exchange.request = NULL;
	s->exchange.start_ns = SAMPLE_START_NS;
}

static void unknown_fields(struct sample *s)
{
	field(s, "x-known", NULL);
	field(s, NULL, "v");
}

static void numbered(struct sample *s)
{
	s->conn.number = 3;
}

static const struct {
	const char *name;
	void (*change)(struct sample *sample);
	bool show_secrets;
	const char *expected[6]; /* each occurs, or after ABSENT does not */
} rows[] = {
	{ "plain",
	  none,
	  false,
	  { "\"startedDateTime\":\"2026-01-02T03:04:05.000000006Z\",\"time\":12.345678,",
	    "\"url\":\"http://example.com/a?b=1\",\"httpVersion\":\"HTTP/1.1\"",
	    "\"queryString\":[{\"name\":\"b\",\"value\":\"1\"}]",
	    "\"blocked\":-1,\"dns\":-1,\"connect\":-1,\"ssl\":-1,\"send\":-1,\"wait\":-1,\"receive\":12."
	    "005678",
	    "{\"name\":\"Cookie\",\"value\":\"[redacted]\"}", "\"process.executable.name\":\"curl\"" } },
	{ "the number that text has for a connection",
	  numbered,
	  false,
	  { "\"hark.connection\":12,\"hark.connection.number\":3" } },
	{ "times",
	  times,
	  false,
	  { "\"startedDateTime\":\"2026-01-02T03:04:04.999600006Z\",\"time\":12.745678",
	    "\"blocked\":0.050000,\"dns\":-1,\"connect\":0.350000,\"ssl\":0.100000,\"send\":0.040000,"
	    "\"wait\":0.300000,\"receive\":12.005678" } },
	{ "server's times",
	  server_times,
	  false,
	  { "\"startedDateTime\":\"2026-01-02T03:04:05.000000006Z\",\"time\":12.445678",
	    "\"blocked\":-1,\"dns\":-1,\"connect\":0.100000,\"ssl\":0.100000," } },
	{ "text",
	  text_body,
	  false,
	  { "\"content\":{\"size\":5,\"mimeType\":\"text/plain\",\"text\":\"caf\xc3\xa9\"}",
	    "\"postData\":{\"mimeType\":\"application/"
	    "x-www-form-urlencoded\",\"text\":\"a=1&password=[redacted]\"}",
	    "\"headersSize\":-1,\"bodySize\":20", ABSENT "comment" } },
	{ "text, secrets shown", text_body, true, { "\"text\":\"a=1&password=hunter2\"" } },
	{ "binary",
	  binary_body,
	  false,
	  { "\"content\":{\"size\":3,\"mimeType\":\"x-unknown\",\"text\":\"AAH/"
	    "\",\"encoding\":\"base64\"}" } },
	{ "gzip",
	  gzip_body,
	  false,
	  { "\"content\":{\"size\":100,\"compression\":76,\"mimeType\":\"text/plain\",\"text\":\"aaaa",
	    "\"bodySize\":24" } },
	{ "cut",
	  cut_body,
	  false,
	  { "\"content\":{\"size\":612,\"mimeType\":\"text/plain\",\"text\":\"abc\",\"comment\":\"truncated: "
	    "the first "
	    "3 of 612 bytes on the wire\"}" } },
	{ "cookies",
	  cookies,
	  false,
	  { "\"cookies\":[{\"name\":\"id\",\"value\":\"[redacted]\"},{\"name\":\"b\",\"value\":\"[redacted]"
	    "\"},"
	    "{\"name\":\"\",\"value\":\"[redacted]\"}]",
	    "[{\"name\":\"sid\",\"value\":\"[redacted]\",\"path\":\"/"
	    "x\",\"httpOnly\":true,\"secure\":false}]",
	    "\"redirectURL\":\"/there?token=[redacted]\"" } },
	{ "cookies, shown",
	  cookies,
	  true,
	  { "{\"name\":\"b\",\"value\":\"2\"},{\"name\":\"\",\"value\":\"c\"}]" } },
	{ "odd URL",
	  odd_url,
	  false,
	  { "\"url\":\"http://example.com/a%20b%22%FF?x=%41+%zz&token=[redacted]&y\"",
	    "[{\"name\":\"x\",\"value\":\"A "
	    "%zz\"},{\"name\":\"token\",\"value\":\"[redacted]\"},{\"name\":\"y\","
	    "\"value\":\"\"}]" } },
	{ "absolute", absolute, false, { "\"url\":\"http://other.org:81/x\"", ABSENT "user:pw" } },
	{ "CONNECT", connects, false, { "\"method\":\"CONNECT\",\"url\":\"http://other.org:443/\"" } },
	{ "no host", no_host, false, { "\"url\":\"http://10.0.0.2:8443/a?b=1\"" } },
	{ "unanswered",
	  unanswered,
	  false,
	  { "\"time\":0.000000", "\"response\":{\"status\":0,", "\"comment\":\"no response was seen\"",
	    "\"receive\":-1", "\"hark.flags\":[\"unanswered\"]" } },
	{ "no request",
	  no_request,
	  false,
	  { ABSENT "startedDateTime", "\"comment\":\"left out, for their request was not seen: 2\"" } },
	{ "unknown fields",
	  unknown_fields,
	  false,
	  { "{\"name\":\"x-known\",\"value\":\"\",\"comment\":\"could not be decoded\"}",
	    "{\"name\":\"?\",\"value\":\"[redacted]\",\"comment\":\"could not be decoded\"}" } },
};

static size_t entries_of(const char *text)
{
	json_t *har = json_loads(text, 0, NULL), *log = json_object_get(har, "log");
	size_t count = json_array_size(json_object_get(log, "entries"));

	assert_non_null(har);
	assert_string_equal(json_string_value(json_object_get(log, "version")), "1.2");
	json_decref(har);
	return count;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample_sink s;
		struct sample sample;
		const char *text;

		sample_init(&sample);
		rows[i].change(&sample);
		sample_sink_open(&s, &watch_har_sink, 0, false, rows[i].show_secrets);
		sample_show(&watch_har_sink, s.sink, RESULT_EXCHANGE, &sample.exchange);
		sample_show(&watch_har_sink, s.sink, RESULT_EXCHANGE, &sample.exchange);
		sink_free(&watch_har_sink, s.sink);
		s.sink = NULL;
		text = sample_sink_text(&s);
		for (size_t n = 0; n < 6 && rows[i].expected[n]; n++) {
			const char *wanted = rows[i].expected[n];
			bool absent = strncmp(wanted, ABSENT, 1) == 0, found = strstr(text, wanted + absent);

			if (found == absent)
				print_message("%s: %s\n%s\n", rows[i].name, wanted, text);
			assert_true(found != absent);
		}
		entries_of(text);
		sample_sink_close(&s);
		sample_fini(&sample);
	}
}

static char *contents(const char *path)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "r");
	size_t len = fread(text, 1, sizeof(text) - 1, file);

	text[len] = '\0';
	fclose(file);
	return text;
}

/* What stands in the file after each turn, and between them, is one JSON text. */
static void test_whole_at_each_moment(void **state)
{
	char path[] = "/tmp/hark-test-har-XXXXXX";
	FILE *out = fdopen(mkstemp(path), "w");
	struct redact *redact = redact_new(false);
	struct sink_config config = { .out = out, .redact = redact };
	struct sink *sink = sink_new(&watch_har_sink, &config);
	struct sample sample, lost;

	(void)state;
	sample_init(&sample);
	sample_init(&lost);
	no_request(&lost);
	assert_int_equal(entries_of(contents(path)), 0);
	for (size_t i = 0; i < 20; i++) {
		sample_show(&watch_har_sink, sink, RESULT_EXCHANGE, &sample.exchange);
		assert_int_equal(entries_of(contents(path)), 2 * i);
		sample_show(&watch_har_sink, sink, RESULT_EXCHANGE, &sample.exchange);
		if (i % 3 == 0)
			sample_show(&watch_har_sink, sink, RESULT_EXCHANGE, &lost.exchange);
		watch_har_sink.tick(sink, 0);
		assert_int_equal(entries_of(contents(path)), 2 * i + 2);
		watch_har_sink.tick(sink, 0);
	}
	sink_free(&watch_har_sink, sink);
	fclose(out);
	assert_int_equal(entries_of(contents(path)), 40);
	unlink(path);
	redact_free(redact);
	sample_fini(&sample);
	sample_fini(&lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_whole_at_each_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

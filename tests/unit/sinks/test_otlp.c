/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans, ids and metrics as they stand on the wire: read back field by field; each row changes the sample and
 * names what its span must have.
 */
#include "sinks/otlp/otlp_metrics.h"
#include "sinks/otlp/otlp_resource.h"
#include "sinks/otlp/otlp_span.h"

#include "base/counters.h"
#include "content/protobuf_wire.h"
#include "fact.h"
#include "model/container.h"
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define ABSENT "!" /* this must not occur */

/* An attribute as text, "name=value", of a KeyValue. */
static void attribute_put(struct buffer *out, struct slice pair)
{
	struct protobuf_field field;

	assert_int_equal(protobuf_next(&pair, &field), 1);
	buffer_put(out, field.bytes.data, field.bytes.len);
	buffer_char(out, '=');
	assert_int_equal(protobuf_next(&pair, &field), 1);
	pair = field.bytes;
	while (protobuf_next(&pair, &field) == 1)
		if (field.wire == PROTOBUF_LEN)
			buffer_put(out, field.bytes.data, field.bytes.len);
		else
			buffer_u64(out, field.value);
	buffer_char(out, '\n');
}

/* Attributes a line each, then name, kind and status. */
static void span_text(struct buffer *out, struct slice span)
{
	struct protobuf_field field;

	while (span.len) {
		assert_int_equal(protobuf_next(&span, &field), 1);
		if (field.number == 9)
			attribute_put(out, field.bytes);
		else if (field.number == 5)
			buffer_format(out, "name %.*s\n", (int)field.bytes.len,
				      (const char *)field.bytes.data);
		else if (field.number == 6 || field.number == 7 || field.number == 8)
			buffer_format(out, "%u %llu\n", field.number, (unsigned long long)field.value);
		else if (field.number == 15)
			buffer_string(out, "error\n");
	}
	buffer_char(out, '\0');
}

struct row {
	const char *name;
	void (*change)(struct sample *sample);
	const char *expected[10]; /* each occurs as a line, or after ABSENT does not occur */
};

static void nothing(struct sample *s)
{
	(void)s;
}

static void is_server(struct sample *s)
{
	s->conn.role = ROLE_SERVER;
}

static void not_found(struct sample *s)
{
	s->exchange.response->status = 404;
}

static void not_found_at_server(struct sample *s)
{
	is_server(s);
	not_found(s);
}

static void failed_at_server(struct sample *s)
{
	is_server(s);
	s->exchange.response->status = 503;
}

static void odd_method(struct sample *s)
{
	s->exchange.request->method = SLICE("BREW");
}

static void binary_method(struct sample *s)
{
	s->exchange.request->method = SLICE("B\xff\x00W");
}

static void timed_out(struct sample *s)
{
	s->exchange.flags = FLAG_TIMEOUT | FLAG_UNANSWERED;
	message_free(s->exchange.response);
	s->exchange.response = NULL;
	s->exchange.duration_known = false;
}

static void lost_by_hark(struct sample *s)
{
	timed_out(s);
	s->exchange.flags |= FLAG_GAP;
}

static void no_request(struct sample *s)
{
	message_free(s->exchange.request);
	s->exchange.request = NULL;
}

static void role_unknown(struct sample *s)
{
	s->conn.role = ROLE_UNKNOWN;
}

static void facts(struct sample *s)
{
	static struct fact last = { .name = "gen_ai.usage.input_tokens", .kind = FACT_NUMBER, .number = 11 };
	static struct fact second = { .next = &last,
				      .name = "gen_ai.tool.name",
				      .kind = FACT_TEXT,
				      .listed = true,
				      .text = SLICE("b") };
	static struct fact model = { .next = &second,
				     .name = "gen_ai.request.model",
				     .kind = FACT_TEXT,
				     .text = SLICE("m\xc3\xa4\xc3"),
				     .cut = true };
	static struct fact operation = {
		.next = &model, .name = "gen_ai.operation.name", .kind = FACT_TEXT, .text = SLICE("chat")
	};
	static struct fact first = { .next = &operation,
				     .name = "gen_ai.tool.name",
				     .kind = FACT_TEXT,
				     .listed = true,
				     .text = SLICE("a") };

	s->exchange.request->facts = &first;
}

static void statement(struct sample *s)
{
	static struct fact code = { .name = "db.response.status_code",
				    .kind = FACT_TEXT,
				    .text = SLICE("42703") };
	static struct fact summary = { .name = "db.query.summary",
				       .kind = FACT_TEXT,
				       .text = SLICE("SELECT t") };

	s->exchange.request->version = s->exchange.response->version = POSTGRESQL_3;
	s->exchange.request->facts = &summary;
	s->exchange.response->facts = &code;
}

static const struct row rows[] = {
	{ "client",
	  nothing,
	  { "http.request.method=GET", "url.full=http://example.com/a?b=1", "url.template=/a", "name GET /a",
	    "server.address=example.com", "http.response.status_code=200", "http.response.body.size=612",
	    "6 3", ABSENT, "error" } },
	{ "server",
	  is_server,
	  { "http.route=/a", "client.address=10.0.0.2", "6 2", ABSENT, "url.full", ABSENT, "url.template" } },
	{ "a client's 404 is an error", not_found, { "error.type=404", "error" } },
	{ "a server's is none", not_found_at_server, { "http.response.status_code=404", ABSENT, "error" } },
	{ "a server's 503 is", failed_at_server, { "error.type=503", "error" } },
	{ "another method",
	  odd_method,
	  { "http.request.method=_OTHER", "http.request.method_original=BREW", "name _OTHER /a" } },
	{ "bytes that are no UTF-8", binary_method, { "http.request.method_original=B\\xff\\x00W" } },
	{ "timeout", timed_out, { "error.type=timeout", "error", ABSENT, "http.response" } },
	{ "what hark lost is no error", lost_by_hark, { ABSENT, "error" } },
	{ "no request",
	  no_request,
	  { "name HTTP", "http.response.status_code=200", ABSENT, "http.request" } },
	{ "role unknown", role_unknown, { "6 1", ABSENT, "client.address" } },
	{ "a statement that failed",
	  statement,
	  { "name SELECT t", "network.protocol.name=postgresql", "db.response.status_code=42703", "error" } },
	{ "facts",
	  facts,
	  { "name chat m\xc3\xa4", "gen_ai.request.model=m\xc3\xa4", "gen_ai.request.model.truncated=1",
	    "gen_ai.usage.input_tokens=11" } },
};

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = strstr(text, line); at; at = strstr(at + 1, line))
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

static void span_of(struct buffer *out, struct sample *sample, const struct redact *redact,
		    struct known_requests *known)
{
	const struct otlp_span_config config = { .wall_offset_ns = SAMPLE_WALL_OFFSET_NS, .redact = redact };
	struct otlp_id_source source = { .state = 1 };
	struct buffer scratch = { .data = NULL };
	struct exchange *exchange = &sample->exchange;
	struct otlp_span span = {
		.exchange = exchange,
		.known = exchange->request ? known_requests_find(known, exchange) : NULL,
		.route = exchange->request ? "/a" : NULL,
		.ids = otlp_ids_of(&source, exchange),
	};

	otlp_span_put(out, &span, &config, &scratch);
	buffer_fini(&scratch);
}

static void test_rows(void **state)
{
	struct redact *redact = redact_new(false);
	struct known_requests *known = known_requests_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer wire = { .data = NULL }, text = { .data = NULL };
		struct sample sample;

		sample_init(&sample);
		rows[i].change(&sample);
		span_of(&wire, &sample, redact, known);
		span_text(&text, slice_of(wire.data, wire.len));
		for (size_t at = 0; at < 10 && rows[i].expected[at]; at++) {
			const char *expected = rows[i].expected[at];

			if (strcmp(expected, ABSENT) == 0)
				assert_null(strstr(text.data, rows[i].expected[++at]));
			else if (!has_line(text.data, expected))
				fail_msg("%s: no line '%s' in\n%s", rows[i].name, expected, text.data);
		}
		if (sample.exchange.request)
			sample.exchange.request->facts = NULL;
		if (sample.exchange.response)
			sample.exchange.response->facts = NULL;
		sample_fini(&sample);
		buffer_fini(&wire);
		buffer_fini(&text);
	}
	known_requests_free(known);
	redact_free(redact);
}

/* --- ids ---------------------------------------------------------------------------------------- */

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static const uint8_t span_bytes[] = { 0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7 };

static void join(struct sample *server, struct sample *client)
{
	server->conn.role = ROLE_SERVER;
	server->exchange.join = JOIN_FIRST;
	server->exchange.other = &client->exchange;
	client->exchange.join = JOIN_SECOND;
	client->exchange.other = &server->exchange;
}

static void test_ids(void **state)
{
	static const char *const fields[] = { NULL, "00-" TRACE "-" SPAN "-00" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct otlp_id_source source = { .state = 7 };
		struct sample server, client;
		struct otlp_ids ids, other;

		sample_init(&server);
		sample_init(&client);
		if (fields[i]) {
			sample_header(server.exchange.request, &server.exchange.request->headers,
				      "traceparent", fields[i]);
			sample_header(client.exchange.request, &client.exchange.request->headers,
				      "traceparent", fields[i]);
		}
		join(&server, &client);
		ids = otlp_ids_of(&source, &server.exchange);
		other = otlp_ids_of(&source, &client.exchange);
		assert_memory_equal(ids.trace, other.trace, sizeof(ids.trace));
		assert_memory_not_equal(ids.span, other.span, sizeof(ids.span));
		assert_true(ids.has_link == (fields[i] != NULL) && other.has_link == ids.has_link);
		if (fields[i]) {
			assert_true(ids.trace[0] == 0x4b && ids.trace[15] == 0x36);
			assert_memory_equal(ids.parent, span_bytes, 8);
			assert_memory_equal(other.parent, span_bytes, 8);
			assert_memory_equal(ids.link, other.span, 8);
			assert_memory_equal(other.link, ids.span, 8);
			assert_int_equal(ids.flags, 0x300);
		} else {
			assert_memory_equal(ids.parent, other.span, 8);
			assert_false(other.has_parent);
		}
		/* The one that was awaited did not come: nothing of it is another's. */
		otlp_ids_of(&source, &server.exchange);
		client.exchange.other = NULL;
		client.exchange.join = JOIN_NONE;
		ids = otlp_ids_of(&source, &client.exchange);
		assert_false(ids.has_link);
		sample_fini(&server);
		sample_fini(&client);
	}
}

/* A trace of 64 bits, as B3 may have it. */
static void test_short_trace(void **state)
{
	struct otlp_id_source source = { .state = 7 };
	struct sample sample;
	struct otlp_ids ids;

	(void)state;
	sample_init(&sample);
	sample_header(sample.exchange.request, &sample.exchange.request->headers, "b3",
		      "80f198ee56343ba8-" SPAN "-1");
	ids = otlp_ids_of(&source, &sample.exchange);
	assert_true(ids.trace[0] == 0 && ids.trace[8] == 0x80 && ids.trace[15] == 0xa8 && ids.has_parent);
	sample_fini(&sample);
}

/* --- resources and metrics ------------------------------------------------------------------------ */

static void test_service_names(void **state)
{
	static const struct {
		struct slice container, unit, pod;
		const char *exe, *expected;
	} cases[] = {
		{ .exe = "nginx", .expected = "nginx" },
		{ .exe = "", .expected = "unknown_service" },
		{ .unit = SLICE("web@1.service"), .exe = "nginx", .expected = "web@1" },
		{ .unit = SLICE("session-1.scope"), .exe = "curl", .expected = "curl" },
		{ .container = SLICE("shop"),
		  .unit = SLICE("docker.service"),
		  .exe = "java",
		  .expected = "shop" },
		{ .pod = SLICE("cart"), .container = SLICE("k8s_cart_1"), .exe = "java", .expected = "cart" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct container container = { .names = { [CONTAINER_NAME] = cases[i].container,
							  [CONTAINER_UNIT] = cases[i].unit,
							  [CONTAINER_POD_CONTAINER] = cases[i].pod } };
		struct mover mover = { .pid = 7, .container = &container };
		struct buffer wire = { .data = NULL }, text = { .data = NULL };
		struct protobuf_field field;
		struct slice rest;
		char line[64];

		snprintf(mover.exe, sizeof(mover.exe), "%s", cases[i].exe);
		otlp_resource_put(&wire, "host", &mover, true);
		rest = slice_of(wire.data, wire.len);
		while (protobuf_next(&rest, &field) == 1)
			attribute_put(&text, field.bytes);
		buffer_char(&text, '\0');
		snprintf(line, sizeof(line), "service.name=%s", cases[i].expected);
		assert_true(has_line(text.data, line) && has_line(text.data, "process.pid=7"));
		buffer_fini(&wire);
		buffer_fini(&text);
	}
}

static void count_points(void *ctx, struct slice request)
{
	struct protobuf_field field;

	while (protobuf_next(&request, &field) == 1)
		++*(size_t *)ctx;
}

/* As many as there are, whatever comes: those that have no place are one series. */
static void test_metrics_are_bounded(void **state)
{
	struct redact *redact = redact_new(false);
	struct otlp_metrics *metrics = otlp_metrics_new("host", redact, NULL);
	struct known_requests *known = known_requests_new();
	struct sample sample;
	size_t points = 0;
	char route[32];

	(void)state;
	sample_init(&sample);
	sample.conn.role = ROLE_SERVER;
	for (size_t i = 0; i < 5000; i++) {
		struct otlp_span span = { .exchange = &sample.exchange,
					  .known = known_requests_find(known, &sample.exchange),
					  .route = route };

		snprintf(route, sizeof(route), "/%zu", i);
		otlp_metrics_add(metrics, &span);
	}
	otlp_metrics_each(metrics, 1, 2, 1000, count_points, &points);
	assert_int_equal(points, 2001);
	sample.exchange.duration_known = false;
	otlp_metrics_add(metrics, &(struct otlp_span){ .exchange = &sample.exchange });
	sample.exchange.duration_known = true;
	sample.conn.role = ROLE_CLIENT; /* would be the first of its family */
	sample.exchange.request->version = sample.exchange.response->version = MYSQL_41;
	otlp_metrics_add(metrics, &(struct otlp_span){ .exchange = &sample.exchange });
	points = 0;
	otlp_metrics_each(metrics, 1, 2, 1000, count_points, &points);
	assert_int_equal(points, 2001);
	sample_fini(&sample);
	otlp_metrics_free(metrics);
	known_requests_free(known);
	redact_free(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_short_trace),
		cmocka_unit_test(test_service_names),
		cmocka_unit_test(test_metrics_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

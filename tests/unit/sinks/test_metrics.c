/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines an exchange makes, that a day of ever new label sets stays bounded, and that no exchange is
 * lost. */
#include "sinks/serve/metrics.h"

#include "base/counters.h"
#include "sample.h"
#include "sinks/serve/metric_series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define SERIES_MAX 50

static struct metrics *metrics_make(const struct redact *redact)
{
	struct metrics *metrics = metrics_new(&(struct metrics_config){
		.redact = redact, .series_max = SERIES_MAX, .wall_offset_ns = SAMPLE_WALL_OFFSET_NS });

	assert_non_null(metrics);
	return metrics;
}

/* The text; free() it. */
static char *text_of(struct metrics *metrics, enum metrics_format format)
{
	struct buffer text = { .data = NULL };

	metrics_put(metrics, format, &text);
	buffer_char(&text, '\0');
	assert_false(text.failed);
	return text.data;
}

#define ABSENT "!"
#define CLIENT                                                                               \
	"{http_request_method=\"GET\",url_scheme=\"http\",network_protocol_version=\"1.1\"," \
	"http_response_status_code=\"200\",url_template=\"/a\",server_address=\"example.com\""

static void nothing(struct sample *s)
{
	(void)s;
}

static void is_server(struct sample *s)
{
	s->conn.role = ROLE_SERVER;
}

static void role_unknown(struct sample *s)
{
	s->conn.role = ROLE_UNKNOWN;
}

static void server_fails(struct sample *s)
{
	s->conn.role = ROLE_SERVER;
	s->exchange.response->status = 503;
}

static void not_found(struct sample *s)
{
	s->exchange.response->status = 404;
}

static void not_found_here(struct sample *s)
{
	not_found(s);
	s->conn.role = ROLE_SERVER;
}

static void strange_method(struct sample *s)
{
	s->exchange.request->method = SLICE("BREW");
}

static void untimed(struct sample *s)
{
	s->exchange.duration_known = false;
}

static void unanswered(struct sample *s)
{
	message_free(s->exchange.response);
	s->exchange.response = NULL;
	s->exchange.flags = FLAG_UNANSWERED | FLAG_TIMEOUT;
}

static void hostile(struct sample *s)
{
	s->exchange.request->headers.items[0].value = SLICE("a\"b\\c\n\xff{}");
}

static void traced(struct sample *s)
{
	sample_header(s->exchange.request, &s->exchange.request->headers, "traceparent",
		      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
}

static void no_request(struct sample *s)
{
	message_free(s->exchange.request);
	s->exchange.request = NULL;
	s->exchange.flags = FLAG_NO_REQUEST;
}

static void statement(struct sample *s)
{
	s->exchange.request->version = s->exchange.response->version = POSTGRESQL_3;
}

static void in_flight(struct sample *s)
{
	s->exchange.flags = FLAG_IN_FLIGHT;
}

static const struct {
	const char *name;
	void (*change)(struct sample *sample);
	enum metrics_format format;
	const char *expected[6]; /* each occurs, or after ABSENT does not */
} rows[] = {
	{ "client",
	  nothing,
	  METRICS_PROMETHEUS,
	  { "\nhttp_client_request_duration_seconds_bucket" CLIENT ",le=\"0.01\"} 0\n",
	    "\nhttp_client_request_duration_seconds_bucket" CLIENT ",le=\"0.025\"} 1\n",
	    "\nhttp_client_request_duration_seconds_sum" CLIENT "} 0.012345678\n",
	    "\nhttp_client_response_body_size_bytes_bucket" CLIENT ",le=\"1000.0\"} 1\n",
	    "\n# TYPE hark_events_lost_total counter\n", ABSENT "# EOF" } },
	{ "server",
	  is_server,
	  METRICS_PROMETHEUS,
	  { "\nhttp_server_request_duration_seconds_count{http_request_method=\"GET\",url_scheme=\"http\","
	    "network_protocol_version=\"1.1\",http_response_status_code=\"200\",http_route=\"/a\","
	    "server_address=\"example.com\"} 1\n",
	    ABSENT "http_client_request_duration_seconds_count" } },
	{ "role unknown", role_unknown, METRICS_PROMETHEUS, { "\nhark_exchanges_sideless_total 1\n" } },
	{ "server's error", server_fails, METRICS_PROMETHEUS, { "\"503\",error_type=\"503\",http_route" } },
	{ "client's error", not_found, METRICS_PROMETHEUS, { "\"404\",error_type=\"404\",url_template" } },
	{ "no error of a server's",
	  not_found_here,
	  METRICS_PROMETHEUS,
	  { "\"404\",http_route", ABSENT "error_type" } },
	{ "a method that nobody knows",
	  strange_method,
	  METRICS_PROMETHEUS,
	  { "{http_request_method=\"_OTHER\"" } },
	{ "no request",
	  no_request,
	  METRICS_PROMETHEUS,
	  { ABSENT "http_request_method", "_count{network_protocol_version" } },
	{ "no duration",
	  untimed,
	  METRICS_PROMETHEUS,
	  { "\nhark_exchanges_untimed_total{hark_role=\"client\"} 1\n",
	    ABSENT "http_client_request_duration_seconds_count",
	    "\nhttp_client_request_body_size_bytes_count" CLIENT "} 1\n" } },
	{ "no answer", unanswered, METRICS_PROMETHEUS, { "\"1.1\",error_type=\"timeout\",url_template" } },
	{ "hostile",
	  hostile,
	  METRICS_PROMETHEUS,
	  { "url_template=\"/a\",server_address=\"a\\\"b\\\\\\\\c\\\\n\\\\xff{}\"" } },
	{ "a trace",
	  traced,
	  METRICS_OPENMETRICS,
	  { "le=\"0.025\"} 1 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\",span_id=\"00f067aa0ba902b7\"} "
	    "0.012345678 1767323045.012\n",
	    "le=\"0.01\"} 0\n", "\n# TYPE hark_events_lost counter\n", "\nhark_events_lost_total ",
	    "\n# UNIT http_client_request_duration_seconds seconds\n", "\n# EOF\n" } },
	{ "a trace that Prometheus' own text has no place for",
	  traced,
	  METRICS_PROMETHEUS,
	  { ABSENT "trace_id" } },
	{ "a statement", statement, METRICS_PROMETHEUS, { ABSENT "_count{" } },
	{ "hark ended first", in_flight, METRICS_PROMETHEUS, { ABSENT "_count{" } },
};

static void test_rows(void **state)
{
	struct redact *redact = redact_new(false);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct metrics *metrics = metrics_make(redact);
		struct sample sample;
		char *text;

		sample_init(&sample);
		rows[i].change(&sample);
		metrics_exchange(metrics, &sample.exchange);
		text = text_of(metrics, rows[i].format);
		for (size_t j = 0; j < 6 && rows[i].expected[j]; j++) {
			const char *expected = rows[i].expected[j];
			bool absent = *expected == *ABSENT;

			if (!strstr(text, expected + absent) != absent)
				fail_msg("%s: %s in:\n%s", rows[i].name, expected, text);
		}
		free(text);
		sample_fini(&sample);
		metrics_free(metrics);
	}
	redact_free(redact);
}

static void test_accept(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_format format;
	} accepts[] = {
		{ "", METRICS_PROMETHEUS },
		{ "*/*", METRICS_PROMETHEUS },
		{ "application/openmetrics-text", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0,application/"
		  "openmetrics-text;version=0.0.1;q=0.75,"
		  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  METRICS_OPENMETRICS },
		{ "text/plain;version=0.0.4,application/openmetrics-text;q=0.3", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=0", METRICS_PROMETHEUS },
		{ "application/"
		  "vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
		  "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  METRICS_PROTOBUF },
		{ "application/openmetrics-text; q=0.9 , text/plain; q=0.1", METRICS_OPENMETRICS },
		{ ",,;;q=,=", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;q=", METRICS_OPENMETRICS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++)
		if (metrics_format_of(accepts[i].accept) != accepts[i].format)
			fail_msg("%s", accepts[i].accept);
}

/* --- a day ----------------------------------------------------------------------------------------- */

#define A_DAY	   864000 /* exchanges: ten a second */
#define A_SCRAPE   150	  /* of 15 seconds */
#define REAL_EVERY 20

static uint64_t counted(const char *text, const char *of)
{
	uint64_t sum = 0;

	for (const char *at = strstr(text, "\nhttp_client_request_duration_seconds_count{"); at;
	     at = strstr(at + 1, "\nhttp_client_request_duration_seconds_count{")) {
		const char *end = strchr(at + 1, '\n');
		char *line = strndup(at + 1, (size_t)(end - at - 1));

		if (strstr(line, of))
			sum += strtoull(strrchr(line, ' ') + 1, NULL, 10);
		free(line);
	}
	return sum;
}

/* Every host comes once, but for one that begins to come in the second hour. */
static void test_a_day_of_new_ones(void **state)
{
	struct redact *redact = redact_new(false);
	struct metrics *metrics = metrics_make(redact);
	uint64_t real = 0, rest_before = 0;
	size_t largest = 0;
	char host[40], path[40], *text;

	(void)state;
	for (unsigned int i = 0; i < A_DAY; i++) {
		bool is_real = i > A_DAY / 24 && i % REAL_EVERY == 0;
		struct sample sample;

		sample_init(&sample);
		snprintf(host, sizeof(host), is_real ? "real.example" : "h%u.example", i);
		snprintf(path, sizeof(path), is_real ? "/real" : "/x%u/y%u", i, i);
		sample.exchange.request->headers.items[0].value = slice_of_string(host);
		sample.exchange.request->target = slice_of_string(path);
		sample.exchange.response->status = 200 + (int)(is_real ? 0 : i % 300);
		metrics_exchange(metrics, &sample.exchange);
		real += is_real;
		sample_fini(&sample);
		if (i % (A_SCRAPE * 40) != 0)
			continue;
		text = text_of(metrics, METRICS_OPENMETRICS);
		largest = strlen(text) > largest ? strlen(text) : largest;
		assert_true(counted(text, "otel_metric_overflow=\"true\"") >= rest_before);
		rest_before = counted(text, "otel_metric_overflow=\"true\"");
		free(text);
	}
	text = text_of(metrics, METRICS_OPENMETRICS);
	assert_true(largest < 600000);
	assert_true(counted(text, "server_address=\"real.example\"") > real * 9 / 10);
	assert_true(counted(text, "otel_metric_overflow=\"true\"") > A_DAY / 2);
	free(text);
	metrics_free(metrics);
	redact_free(redact);
}

/* Before anybody reads, nothing that goes to the rest is counted less or twice. */
static void test_none_is_lost(void **state)
{
	struct redact *redact = redact_new(false);
	struct metrics *metrics = metrics_make(redact);
	uint64_t total = 0;
	char host[40], *text;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		struct sample sample;

		sample_init(&sample);
		snprintf(host, sizeof(host), "h%u.example", (i * 7919u) % (i % 400 + 1));
		sample.exchange.request->headers.items[0].value = slice_of_string(host);
		metrics_exchange(metrics, &sample.exchange);
		sample_fini(&sample);
		total++;
	}
	text = text_of(metrics, METRICS_PROMETHEUS);
	assert_int_equal(counted(text, ""), total);
	free(text);
	metrics_free(metrics);
	redact_free(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_a_day_of_new_ones),
		cmocka_unit_test(test_none_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

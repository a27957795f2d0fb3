/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as JSON: read back by another implementation. */
#include "base/counters.h"
#include "base/redact.h"
#include "fact.h"
#include "sinks/sinks.h"

#include "stats_call.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>

static const struct call_text call_plain = {
	.host = "h",
	.method = "GET",
	.target = "/x",
	.status = 404,
	.start_ns = 10 * S,
	.duration_ns = 2 * MS,
	.in_bytes = 3,
	.out_bytes = 5,
	.pid = 7,
	.exe = "curl",
	.container = "c1",
	.name = "web",
	.pod = "web-1",
	.namespace = "shop",
	.unit = "web.service",
	.conn_id = 9,
	.peer = 2,
	.peer_port = 443,
	.role = ROLE_CLIENT,
	.request_id = "r1",
};

struct run {
	struct stats_options options;
	struct sink *sink;
	FILE *out;
	char *text;
	size_t len;
};

static void run_open_with(struct run *run, struct stats_options options, const struct redact *redact)
{
	struct sink_config config = { .stats = &run->options,
				      .wall_offset_ns = SAMPLE_WALL_OFFSET_NS,
				      .redact = redact };

	*run = (struct run){ .options = options };
	run->out = open_memstream(&run->text, &run->len);
	config.out = run->out;
	run->sink = sink_new(&stat_json_sink, &config);
	assert_non_null(run->sink);
}

static void run_open(struct run *run, struct stats_options options)
{
	run_open_with(run, options, NULL);
}

static void run_add(struct run *run, const struct call_text *text)
{
	struct one_call call;

	call_init(&call, text);
	sample_show(&stat_json_sink, run->sink, RESULT_EXCHANGE, &call.exchange);
	call_fini(&call);
}

static void run_close(struct run *run)
{
	sink_free(&stat_json_sink, run->sink);
	fclose(run->out);
	free(run->text);
}

/* The outputs flush. */
static void draw(struct run *run, bool last)
{
	stat_json_sink.draw(run->sink, last);
	assert_int_equal(fflush(run->out), 0);
}

/* The only object that was written. */
static json_t *run_object(struct run *run)
{
	json_error_t error;
	json_t *object;

	draw(run, true);
	object = json_loads(run->text, 0, &error);
	if (!object)
		fail_msg("%s in %s", error.text, run->text);
	return object;
}

static const struct {
	enum stats_by by;
	const char *expected; /* what the line begins with */
} keys[] = {
	{ BY_ENDPOINT,
	  "{\"server.address\":\"h\",\"http.request.method\":\"GET\",\"http.route\":\"/x\",\"count\":1" },
	{ BY_HOST, "{\"server.address\":\"h\",\"count\":1" },
	{ BY_PATH, "{\"url.path\":\"/x\",\"count\":1" },
	{ BY_PROCESS, "{\"process.executable.name\":\"curl\",\"process.pid\":7,\"count\":1" },
	{ BY_PEER, "{\"network.peer.address\":\"10.0.0.2\",\"network.peer.port\":443,\"count\":1" },
	{ BY_STATUS, "{\"http.response.status_code\":404,\"count\":1" },
	{ BY_CONNECTION, "{\"hark.connection\":9,\"network.transport\":\"tcp\"," },
	{ BY_TRACE, "{\"hark.request_id\":\"r1\",\"count\":1" },
	{ BY_CONTAINER, "{\"container.id\":\"c1\",\"container.name\":\"web\",\"count\":1" },
	{ BY_POD, "{\"k8s.pod.name\":\"web-1\",\"k8s.namespace.name\":\"shop\",\"count\":1" },
	{ BY_UNIT, "{\"hark.systemd.unit\":\"web.service\",\"count\":1" },
};

/* What a fact's name says to be a secret is one where rows are made of it, too. */
static void test_secret_facts(void **state)
{
	static const struct {
		const char *name, *text;
		bool show_secrets;
		const char *expected;
	} facts[] = {
		{ "mcp.session.id", "abc", false, "{\"mcp.session.id\":\"[redacted]\",\"count\":1" },
		{ "mcp.session.id", "abc", true, "{\"mcp.session.id\":\"abc\",\"count\":1" },
		{ "rpc.method", "tools/call", false, "{\"rpc.method\":\"tools/call\",\"count\":1" },
		{ "hark.gen_ai.input", "password=hunter2", false,
		  "{\"hark.gen_ai.input\":\"password=[redacted]\",\"count\":1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		struct fact fact = { .name = facts[i].name, .text = slice_of_string(facts[i].text) };
		struct redact *redact = redact_new(facts[i].show_secrets);
		struct one_call call;
		struct run run;

		run_open_with(&run, (struct stats_options){ .by = BY_FACT, .by_fact = facts[i].name },
			      redact);
		call_init(&call, &call_plain);
		call.exchange.request->facts = &fact;
		sample_show(&stat_json_sink, run.sink, RESULT_EXCHANGE, &call.exchange);
		call_fini(&call);
		draw(&run, true);
		if (strncmp(run.text, facts[i].expected, strlen(facts[i].expected)) != 0)
			fail_msg("%s: %s", facts[i].name, run.text);
		run_close(&run);
		redact_free(redact);
	}
}

/* By tokens the row's key is the number; there is no second key of its name. Texts that are cut say so. */
static void test_other_facts(void **state)
{
	struct fact rows[] = {
		{ .name = "gen_ai.usage.input_tokens", .kind = FACT_NUMBER, .number = 7 },
		{ .name = "hark.operation", .kind = FACT_TEXT, .text = SLICE("abc"), .cut = true },
	};
	static const char *const expected[] = {
		"{\"gen_ai.usage.input_tokens\":\"7\",\"count\":1",
		"{\"hark.operation\":\"abc…\",\"count\":1",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct redact *redact = redact_new(false);
		struct one_call call;
		struct run run;

		run_open_with(&run, (struct stats_options){ .by = BY_FACT, .by_fact = rows[i].name }, redact);
		call_init(&call, &call_plain);
		call.exchange.response->facts = &rows[i];
		sample_show(&stat_json_sink, run.sink, RESULT_EXCHANGE, &call.exchange);
		call_fini(&call);
		draw(&run, true);
		if (strncmp(run.text, expected[i], strlen(expected[i])) != 0)
			fail_msg("%s: %s", rows[i].name, run.text);
		assert_null(strstr(run.text + 20, "input_tokens"));
		run_close(&run);
		redact_free(redact);
	}
}

static void test_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct run run;

		run_open(&run, (struct stats_options){ .by = keys[i].by });
		run_add(&run, &call_plain);
		json_decref(run_object(&run));
		if (strncmp(run.text, keys[i].expected, strlen(keys[i].expected)) != 0)
			fail_msg("%s\n is no beginning of %s", keys[i].expected, run.text);
		run_close(&run);
	}
}

static void test_whole_line(void **state)
{
	struct run run;

	(void)state;
	run_open(&run, (struct stats_options){ .by = BY_HOST });
	run_add(&run, &call_plain);
	json_decref(run_object(&run));
	assert_string_equal(
		run.text,
		"{\"server.address\":\"h\",\"count\":1,\"rate\":500.000,\"in_flight\":0,\"errors.4xx\":1,"
		"\"errors.5xx\":0,\"errors.reset\":0,\"errors.timeout\":0,\"closed\":0,\"errors."
		"grpc\":0,\"duration_ms\":{"
		"\"p50\":2.000000,\"p90\":2.000000,\"p99\":2.000000,\"p99.9\":2.000000,\"max\":2.000000,"
		"\"mean\":2.000000},\"duration_share\":1.000,\"ttfb_ms\":{\"p50\":1.000000,\"p90\":1.000000,"
		"\"p99\":1.000000,"
		"\"p99.9\":1.000000,\"max\":1.000000,\"mean\":1.000000},\"http.request.body.size\":3,"
		"\"http.response.body.size\":5}\n");
	run_close(&run);
}

static void test_unknown_is_absent(void **state)
{
	struct call_text nothing = { .status = 200, .start_ns = S };
	struct run run;
	json_t *object;

	(void)state;
	run_open(&run, (struct stats_options){ .by = BY_ENDPOINT });
	run_add(&run, &nothing);
	object = run_object(&run);
	assert_int_equal(json_integer_value(json_object_get(object, "count")), 1);
	assert_null(json_object_get(object, "server.address"));
	assert_null(json_object_get(object, "http.route"));
	assert_null(json_object_get(object, "duration_ms"));
	assert_null(json_object_get(object, "client_duration_ms"));
	assert_null(json_object_get(object, "time"));
	json_decref(object);
	run_close(&run);
}

static void test_hostile_names(void **state)
{
	static const char *const names[] = {
		"\"},{\"", "\\", "\x01\x1f\x7f", "\xff\xfe", "\xe2\x80\xae", "\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct call_text text = call_plain;
		struct run run;

		text.host = NULL;
		text.method = text.target = text.exe = text.container = names[i];
		text.name = text.pod = text.namespace = text.unit = names[i];
		for (enum stats_by by = BY_ENDPOINT; by <= BY_UNIT; by++) {
			run_open(&run, (struct stats_options){ .by = by });
			run_add(&run, &text);
			json_decref(run_object(&run));
			assert_ptr_equal(strchr(run.text, '\n'), run.text + run.len - 1);
			run_close(&run);
		}
	}
}

/* Lines of intervals have interval_s and the time, the last ones cover the run. */
static void test_intervals(void **state)
{
	struct call_text text = call_plain;
	struct run run;
	char *last;

	(void)state;
	run_open(&run, (struct stats_options){ .by = BY_HOST, .interval_ns = S });
	assert_false(stat_json_sink.tick(run.sink, 10 * S));
	run_add(&run, &text);
	assert_false(stat_json_sink.tick(run.sink, 11 * S - 1));
	assert_true(stat_json_sink.tick(run.sink, 11 * S));
	draw(&run, false);
	assert_memory_equal(run.text,
			    "{\"time\":\"2026-01-02T03:04:15.000000000Z\",\"interval_s\":1.000,"
			    "\"server.address\":\"h\",\"count\":1,\"rate\":1.000,",
			    100);
	/* Nothing happened: a row without a key says so. */
	last = strchr(run.text, '\n') + 1;
	assert_true(stat_json_sink.tick(run.sink, 15 * S));
	counter_add(COUNTER_EVENTS_LOST, 1);
	draw(&run, false);
	assert_non_null(strstr(last, "\"interval_s\":4.000,\"count\":0,\"rate\":0.000,\"in_flight\":0,"));
	assert_non_null(strstr(last, ",\"incomplete\":true}\n"));
	assert_false(stat_json_sink.tick(run.sink, 15 * S + 1));
	text.start_ns = 15 * S;
	run_add(&run, &text);
	draw(&run, true);
	last = strchr(last, '\n') + 1;
	assert_null(strstr(last, "interval_s"));
	assert_non_null(strstr(last, "\"total\":true,\"server.address\":\"h\",\"count\":2,"));
	assert_non_null(strstr(last, "\"incomplete\":true")); /* the run's numbers miss it, too */
	counters[COUNTER_EVENTS_LOST] = 0;
	run_close(&run);
}

static void test_top_and_overflow(void **state)
{
	char host[20];
	struct call_text text = call_plain;
	struct run run;
	size_t lines = 0;

	(void)state;
	text.host = host;
	run_open(&run, (struct stats_options){ .by = BY_HOST, .top = 2 });
	for (int i = 0; i < 1001; i++) {
		snprintf(host, sizeof(host), "h%d", i);
		run_add(&run, &text);
	}
	draw(&run, true);
	for (const char *at = run.text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 3);
	assert_non_null(strstr(run.text, "\n{\"overflow\":true,\"folded\":1,\"count\":1,"));
	run_close(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_secret_facts),
		cmocka_unit_test(test_other_facts),
		cmocka_unit_test(test_whole_line),
		cmocka_unit_test(test_unknown_is_absent),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_top_and_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

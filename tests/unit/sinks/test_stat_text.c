/* SPDX-License-Identifier: Apache-2.0 */
/* Golden tables and pictures. */
#include "base/counters.h"
#include "base/redact.h"
#include "fact.h"
#include "sinks/sinks.h"
#include "sinks/stat/stat_picture.h"
#include "sinks/stat/stat_table.h"

#include "stats_call.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static const struct call_text calls[] = {
	{ .host = "a.example",
	  .method = "GET",
	  .target = "/x",
	  .status = 200,
	  .start_ns = 10 * S,
	  .duration_ns = 2 * MS,
	  .out_bytes = 100 },
	{ .host = "a.example",
	  .method = "GET",
	  .target = "/x",
	  .status = 404,
	  .start_ns = 11 * S,
	  .duration_ns = 4 * MS },
	{ .host = "a.example",
	  .method = "GET",
	  .target = "/x",
	  .status = 200,
	  .start_ns = 12 * S,
	  .duration_ns = 100 * MS,
	  .out_bytes = 100 },
	{ .host = "b.example",
	  .method = "POST",
	  .target = "/a/long/path/that/has/no/room/here",
	  .status = 503,
	  .flags = FLAG_RESET,
	  .start_ns = 13 * S,
	  .duration_ns = 1 * S,
	  .in_bytes = 20000 },
	{ .method = "G\033[2J", .start_ns = 14 * S, .flags = FLAG_TIMEOUT, .duration_ns = 0 },
};

struct wanted {
	struct stats_options options;
	size_t columns;
	bool color;
	const char *locale;
	bool closed; /* instead of what timed out: connections that closed before the answer */
};

/* The text that the sink writes for the calls; to be freed. */
static char *run(const struct wanted *view, const struct sink_ops *ops)
{
	struct sink_config config = { .stats = &view->options,
				      .columns = view->columns,
				      .color = view->color,
				      .wall_offset_ns = SAMPLE_WALL_OFFSET_NS };
	char *text = NULL;
	size_t len = 0;
	struct sink *sink;

	setenv("TZ", "UTC", 1);
	assert_non_null(setlocale(LC_CTYPE, view->locale ? view->locale : "C"));
	config.out = open_memstream(&text, &len);
	sink = sink_new(ops, &config);
	assert_non_null(sink);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct one_call call;

		call_init(&call, &calls[i]);
		if (view->closed && call.exchange.flags & FLAG_TIMEOUT)
			call.exchange.flags = FLAG_CLOSED | FLAG_UNANSWERED;
		if (ops->tick(sink, calls[i].start_ns))
			ops->draw(sink, false);
		sample_show(ops, sink, RESULT_EXCHANGE, &call.exchange);
		if (i == 0)
			sample_show(ops, sink, RESULT_IN_FLIGHT, &call.exchange);
		call_fini(&call);
	}
	ops->draw(sink, true);
	sink_free(ops, sink);
	fclose(config.out);
	return text;
}

static const struct {
	const char *name;
	struct wanted view;
	const char *expected;
} rows[] = {
	{ "everything",
	  { .options = { .by = BY_HOST } },
	  "Whole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\n"
	  "COUNT RATE/s INFL 4XX 5XX RST TMO     p50    p90    p99  p99.9    MAX TIME%    TTFB    IN OUT "
	  "HOST\n"
	  "    3   0.75    1   1   0   0   0 4.01 ms 100 ms 100 ms 100 ms 100 ms   9.6 2.00 ms     0 200 "
	  "a.example\n"
	  "    1   0.25    0   0   0   0   1       -      -      -      -      -   0.0       -     0   0 ?\n"
	  "    1   0.25    0   0   1   1   0   1.0 s  1.0 s  1.0 s  1.0 s  1.0 s  90.4  500 ms 19.5K   0 "
	  "b.example\n" },
	{ "closed before the answer: a column of its own",
	  { .options = { .by = BY_HOST }, .closed = true },
	  "Whole run, 4.0 s: 5 exchanges, 2 errors, 1 in flight\n"
	  "COUNT RATE/s INFL 4XX 5XX RST TMO CLO     p50    p90    p99  p99.9    MAX TIME%    TTFB    IN OUT "
	  "HOST\n"
	  "    3   0.75    1   1   0   0   0   0 4.01 ms 100 ms 100 ms 100 ms 100 ms   9.6 2.00 ms     0 200 "
	  "a.example\n"
	  "    1   0.25    0   0   0   0   0   1       -      -      -      -      -   0.0       -     0   0 "
	  "?\n"
	  "    1   0.25    0   0   1   1   0   0   1.0 s  1.0 s  1.0 s  1.0 s  1.0 s  90.4  500 ms 19.5K   0 "
	  "b.example\n" },
	{ "80 columns",
	  { .options = { .by = BY_ENDPOINT }, .columns = 80 },
	  "Whole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\n"
	  "COUNT RATE/s ERR     p50    p99    MAX TIME% ENDPOINT\n"
	  "    3   0.75   1 4.01 ms 100 ms 100 ms   9.6 GET    a.example/x\n"
	  "    1   0.25   1       -      -      -   0.0 G\\x1b[2J ? ?\n"
	  "    1   0.25   1   1.0 s  1.0 s  1.0 s  90.4 POST   b.example/..has/no/room/here\n" },
	{ "50 columns, UTF-8",
	  { .options = { .by = BY_PATH }, .columns = 50, .locale = "C.UTF-8" },
	  "Whole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\n"
	  "COUNT ERR     p50 PATH\n"
	  "    3   1 4.01 ms /x\n"
	  "    1   1       - ?\n"
	  "    1   1   1.0 s /a/long/path/tha…as/no/room/here\n" },
	{ "top, sorted, colour",
	  { .options = { .by = BY_STATUS, .sort = SORT_NAME, .top = 2 }, .columns = 60, .color = true },
	  "\033[2mWhole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\033[0m\n"
	  "\033[1mCOUNT RATE/s ERR     p50    p99    MAX TIME% STATUS\033[0m\n"
	  "    1   0.25   \033[31m1\033[0m       -      -      -   0.0 no answer\n"
	  "    2   0.50   0 2.00 ms 100 ms 100 ms   9.2 200\n"
	  "(2 more rows, 2 exchanges)\n" },
	{ "intervals: columns keep their places",
	  { .options = { .by = BY_HOST, .interval_ns = 1 * S }, .columns = 60 },
	  "03:04:15.000 Last 1.0 s: 1 exchange, no errors, 1 in flight\n"
	  " COUNT RATE/s ERR      p50      p99      MAX TIME% HOST\n"
	  "     1   1.00   0  2.00 ms  2.00 ms  2.00 ms 100.0 a.example\n"
	  "\n"
	  "03:04:16.000 Last 1.0 s: 1 exchange, 1 error\n"
	  " COUNT RATE/s ERR      p50      p99      MAX TIME% HOST\n"
	  "     1   1.00   1  4.00 ms  4.00 ms  4.00 ms 100.0 a.example\n"
	  "\n"
	  "03:04:17.000 Last 1.0 s: 1 exchange, no errors\n"
	  " COUNT RATE/s ERR      p50      p99      MAX TIME% HOST\n"
	  "     1   1.00   0   100 ms   100 ms   100 ms 100.0 a.example\n"
	  "\n"
	  "03:04:18.000 Last 1.0 s: 1 exchange, 1 error\n"
	  " COUNT RATE/s ERR      p50      p99      MAX TIME% HOST\n"
	  "     1   1.00   1    1.0 s    1.0 s    1.0 s 100.0 b.example\n"
	  "\n"
	  "Whole run, 4.0 s: 5 exchanges, 3 errors\n"
	  " COUNT RATE/s ERR      p50      p99      MAX TIME% HOST\n"
	  "     3   0.75   1  4.01 ms   100 ms   100 ms   9.6 a.example\n"
	  "     1   0.25   1        -        -        -   0.0 ?\n"
	  "     1   0.25   1    1.0 s    1.0 s    1.0 s  90.4 b.example\n" },
	{ "histogram",
	  { .options = { .by = BY_HOST, .top = 1, .hist = true }, .columns = 40 },
	  "Whole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\n"
	  "COUNT ERR     p50 HOST\n"
	  "    3   1 4.01 ms a.example\n"
	  "(2 more rows, 2 exchanges)\n"
	  "\n"
	  "all\n"
	  "  2 ms    2  50.0% #####################\n"
	  "  5 ms    0  50.0%\n"
	  "  10 ms   0  50.0%\n"
	  "  20 ms   0  50.0%\n"
	  "  50 ms   0  50.0%\n"
	  "  100 ms  1  75.0% ###########\n"
	  "  200 ms  0  75.0%\n"
	  "  500 ms  0  75.0%\n"
	  "  1 s     1 100.0% ###########\n"
	  "\n"
	  "a.example\n"
	  "  2 ms    2  66.6% #####################\n"
	  "  5 ms    0  66.6%\n"
	  "  10 ms   0  66.6%\n"
	  "  20 ms   0  66.6%\n"
	  "  50 ms   0  66.6%\n"
	  "  100 ms  1 100.0% ###########\n" },
	{ "histogram in UTF-8",
	  { .options = { .by = BY_HOST, .top = 1, .hist = true }, .columns = 40, .locale = "C.UTF-8" },
	  "Whole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\n"
	  "COUNT ERR     p50 HOST\n"
	  "    3   1 4.01 ms a.example\n"
	  "(2 more rows, 2 exchanges)\n"
	  "\n"
	  "all\n"
	  "  2 ms    2  50.0% █████████████████████\n"
	  "  5 ms    0  50.0%\n"
	  "  10 ms   0  50.0%\n"
	  "  20 ms   0  50.0%\n"
	  "  50 ms   0  50.0%\n"
	  "  100 ms  1  75.0% ██████████▌\n"
	  "  200 ms  0  75.0%\n"
	  "  500 ms  0  75.0%\n"
	  "  1 s     1 100.0% ██████████▌\n"
	  "\n"
	  "a.example\n"
	  "  2 ms    2  66.6% █████████████████████\n"
	  "  5 ms    0  66.6%\n"
	  "  10 ms   0  66.6%\n"
	  "  20 ms   0  66.6%\n"
	  "  50 ms   0  66.6%\n"
	  "  100 ms  1 100.0% ██████████▌\n" },
	{ "heat",
	  { .options = { .by = BY_HOST, .top = 1, .heat = true }, .columns = 40 },
	  "Whole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\n"
	  "COUNT ERR     p50 HOST\n"
	  "    3   1 4.01 ms a.example\n"
	  "(2 more rows, 2 exchanges)\n"
	  "\n"
	  "1 s     |                         #\n"
	  "500 ms  |\n"
	  "200 ms  |\n"
	  "100 ms  |                #\n"
	  "50 ms   |\n"
	  "20 ms   |\n"
	  "10 ms   |\n"
	  "5 ms    |\n"
	  "2 ms    |#       #\n"
	  "         03:04:14.000, a column is 120 ms, the darkest cell has 1\n" },
};

static char *text_of(const struct stats_options *options, const struct call_text *text, size_t columns)
{
	struct sink_config config = { .stats = options, .columns = columns };
	struct one_call call;
	char *out = NULL;
	size_t len = 0;
	struct sink *sink;

	assert_non_null(setlocale(LC_CTYPE, "C"));
	config.out = open_memstream(&out, &len);
	sink = sink_new(&stat_text_sink, &config);
	if (text) {
		call_init(&call, text);
		sample_show(&stat_text_sink, sink, RESULT_EXCHANGE, &call.exchange);
		call_fini(&call);
	}
	stat_text_sink.draw(sink, true);
	sink_free(&stat_text_sink, sink);
	fclose(config.out);
	return out;
}

/* However narrow it is. */
static void test_grpc_has_its_column(void **state)
{
	static const struct stats_options options = { .by = BY_HOST };
	struct call_text call = { .host = "h",
				  .method = "POST",
				  .target = "/s/M",
				  .status = 200,
				  .grpc_status = "0",
				  .start_ns = 10 * S,
				  .duration_ns = MS };
	char *text = text_of(&options, &call, 42);

	(void)state;
	assert_non_null(strstr(text, "\nCOUNT ERR GRPC     p50     p99     MAX HOST\n"));
	free(text);
	call.grpc_status = NULL;
	text = text_of(&options, &call, 0);
	assert_null(strstr(text, "GRPC"));
	free(text);
}

/* In the table itself, which is all that -q leaves. */
static void test_losses_stand_in_the_table(void **state)
{
	static const struct stats_options options = { .by = BY_HOST },
					  each = { .by = BY_HOST, .interval_ns = S };
	char *text = text_of(&options, NULL, 0);

	(void)state;
	assert_null(strstr(text, "miss"));
	free(text);
	counter_add(COUNTER_EVENTS_LOST, 12);
	counter_add(COUNTER_LIMIT_STREAMS, 1);
	counter_add(COUNTER_LIMIT_ENDPOINTS, 1); /* which stand in the row of the rest */
	text = text_of(&options, &calls[0], 0);
	assert_non_null(strstr(text,
			       " 1 exchange, no errors\nThese numbers miss something. Lost: events.lost 12, "
			       "limit.streams 1\nCOUNT"));
	free(text);
	counters[COUNTER_EVENTS_LOST] = counters[COUNTER_LIMIT_STREAMS] = counters[COUNTER_LIMIT_ENDPOINTS] =
		0;
	text = text_of(&each, NULL, 0);
	assert_non_null(strstr(text, "no exchanges, no errors\n COUNT"));
	assert_non_null(strstr(text, "      0      0 -\n"));
	free(text);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = run(&rows[i].view, &stat_text_sink);

		print_message("%s\n", rows[i].name);
		assert_string_equal(text, rows[i].expected);
		free(text);
	}
}

static const struct {
	double value;
	const char *expected;
} rates[] = {
	{ 0, "0.00" },	   { 0.004, "0.00" },	{ 0.126, "0.13" }, { 9.99, "9.99" },
	{ 10.04, "10.0" }, { 999.94, "999.9" }, { 1000, "1000" },  { 123456.7, "123457" },
};

static void test_rates(void **state)
{
	struct buffer out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		buffer_clear(&out);
		stat_put_rate(&out, rates[i].value);
		buffer_char(&out, '\0');
		assert_string_equal(out.data, rates[i].expected);
	}
	buffer_fini(&out);
}

/* However long it runs: the memory is the same and nothing is lost. */
static void test_heat_halves(void **state)
{
	struct heat *heat = calloc(1, sizeof(*heat));
	uint64_t total = 0;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++)
		stat_heat_add(heat, S + i * i * 1000, i);
	stat_heat_add(heat, 1, UINT64_MAX); /* before the first: as early as it gets */
	stat_heat_add(heat, UINT64_MAX, 0);
	assert_true(heat->used <= HEAT_SLICES);
	for (size_t i = 0; i < HEAT_SLICES; i++)
		for (size_t band = 0; band < BANDS; band++)
			total += heat->counts[i][band];
	assert_int_equal(total, 100002);
	free(heat);
}

static void test_nothing_seen(void **state)
{
	struct stats_options options = { .hist = true, .heat = true };
	struct sink_config config = { .stats = &options };
	char *text = NULL;
	size_t len = 0;
	struct sink *sink;

	(void)state;
	config.out = open_memstream(&text, &len);
	sink = sink_new(&stat_text_sink, &config);
	stat_text_sink.draw(sink, true);
	sink_free(&stat_text_sink, sink);
	fclose(config.out);
	assert_string_equal(text, "Whole run, 0.000 ms: no exchanges, no errors\n\nno durations are known\n");
	free(text);
}

/* Where there are calls of language models, tokens have columns. */
static void test_tokens_have_their_columns(void **state)
{
	static const struct stats_options options = { .by = BY_HOST };
	struct fact output = { .name = "gen_ai.usage.output_tokens", .kind = FACT_NUMBER, .number = 34 };
	struct fact input = {
		.next = &output, .name = "gen_ai.usage.input_tokens", .kind = FACT_NUMBER, .number = 12000
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *text = NULL;
		size_t len = 0;
		struct sink_config config = { .stats = &options, .out = open_memstream(&text, &len) };
		struct sink *sink = sink_new(&stat_text_sink, &config);
		struct one_call call;

		call_init(&call, &calls[0]);
		call.exchange.response->facts = i ? &input : NULL;
		sample_show(&stat_text_sink, sink, RESULT_EXCHANGE, &call.exchange);
		sample_show(&stat_text_sink, sink, RESULT_EXCHANGE, &call.exchange);
		call_fini(&call);
		stat_text_sink.draw(sink, true);
		sink_free(&stat_text_sink, sink);
		fclose(config.out);
		assert_int_equal(strstr(text, " TOK-IN TOK-OUT HOST\n") != NULL, i);
		assert_int_equal(strstr(text, " 24000      68 a.example\n") != NULL, i);
		free(text);
	}
}

/* What a fact's name says to be a secret is one where rows are made of it, too. */
static void test_secret_facts(void **state)
{
	struct fact fact = { .name = "mcp.session.id", .text = SLICE("abc") };
	const struct stats_options options = { .by = BY_FACT, .by_fact = fact.name, .hist = true };
	struct redact *redact = redact_new(false);
	struct sink_config config = { .stats = &options, .redact = redact };
	struct one_call call;
	char *text = NULL;
	size_t len = 0;
	struct sink *sink;

	(void)state;
	config.out = open_memstream(&text, &len);
	sink = sink_new(&stat_text_sink, &config);
	for (size_t i = 0; i < 2; i++) {
		call_init(&call, &calls[i]);
		fact.text = i ? SLICE("abd") : SLICE("abc");
		call.exchange.request->facts = &fact;
		sample_show(&stat_text_sink, sink, RESULT_EXCHANGE, &call.exchange);
		call_fini(&call);
	}
	stat_text_sink.draw(sink, true);
	sink_free(&stat_text_sink, sink);
	fclose(config.out);
	assert_non_null(strstr(text, " MCP.SESSION.ID\n"));
	assert_non_null(strstr(text, " [redacted]\n"));
	assert_non_null(strstr(text, "\n[redacted]\n")); /* above its picture */
	assert_null(strstr(text, "ab"));
	free(text);
	redact_free(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),

		cmocka_unit_test(test_grpc_has_its_column),
		cmocka_unit_test(test_losses_stand_in_the_table),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_heat_halves),
		cmocka_unit_test(test_tokens_have_their_columns),
		cmocka_unit_test(test_secret_facts),
		cmocka_unit_test(test_nothing_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Golden tables and pictures. */
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
	  "COUNT RATE/s INFL 4XX 5XX RST TMO GRPC     p50    p90    p99  p99.9    MAX    TTFB    IN OUT "
	  "HOST\n"
	  "    3   0.75    1   1   0   0   0    0 4.01 ms 100 ms 100 ms 100 ms 100 ms 2.00 ms     0 200 "
	  "a.example\n"
	  "    1   0.25    0   0   0   0   1    0       -      -      -      -      -       -     0   0 ?\n"
	  "    1   0.25    0   0   1   1   0    0   1.0 s  1.0 s  1.0 s  1.0 s  1.0 s  500 ms 19.5K   0 "
	  "b.example\n" },
	{ "closed before the answer: a column of its own",
	  { .options = { .by = BY_HOST }, .closed = true },
	  "Whole run, 4.0 s: 5 exchanges, 2 errors, 1 in flight\n"
	  "COUNT RATE/s INFL 4XX 5XX RST TMO GRPC CLO     p50    p90    p99  p99.9    MAX    TTFB    IN OUT "
	  "HOST\n"
	  "    3   0.75    1   1   0   0   0    0   0 4.01 ms 100 ms 100 ms 100 ms 100 ms 2.00 ms     0 200 "
	  "a.example\n"
	  "    1   0.25    0   0   0   0   0    0   1       -      -      -      -      -       -     0   0 "
	  "?\n"
	  "    1   0.25    0   0   1   1   0    0   0   1.0 s  1.0 s  1.0 s  1.0 s  1.0 s  500 ms 19.5K   0 "
	  "b.example\n" },
	{ "80 columns",
	  { .options = { .by = BY_ENDPOINT }, .columns = 80 },
	  "Whole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\n"
	  "COUNT RATE/s INFL ERR     p50    p99    MAX ENDPOINT\n"
	  "    3   0.75    1   1 4.01 ms 100 ms 100 ms GET    a.example/x\n"
	  "    1   0.25    0   1       -      -      - G\\x1b[2J ? ?\n"
	  "    1   0.25    0   1   1.0 s  1.0 s  1.0 s POST   b.example/../has/no/room/here\n" },
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
	  "\033[1mCOUNT RATE/s INFL ERR     p50    p99    MAX STATUS\033[0m\n"
	  "    1   0.25    0   \033[31m1\033[0m       -      -      - no answer\n"
	  "    2   0.50    1   0 2.00 ms 100 ms 100 ms 200\n"
	  "(2 more rows, 2 exchanges)\n" },
	{ "intervals",
	  { .options = { .by = BY_HOST, .interval_ns = 2 * S }, .columns = 60 },
	  "03:04:16.000 Last 2.0 s: 2 exchanges, 1 error, 1 in flight\n"
	  "COUNT RATE/s INFL ERR     p50     p99     MAX HOST\n"
	  "    2   1.00    1   1 2.00 ms 4.00 ms 4.00 ms a.example\n"
	  "\n"
	  "03:04:18.000 Last 2.0 s: 2 exchanges, 1 error\n"
	  "COUNT RATE/s INFL ERR    p50    p99    MAX HOST\n"
	  "    1   0.50    0   0 100 ms 100 ms 100 ms a.example\n"
	  "    1   0.50    0   1  1.0 s  1.0 s  1.0 s b.example\n"
	  "\n"
	  "Whole run, 4.0 s: 5 exchanges, 3 errors\n"
	  "COUNT RATE/s INFL ERR     p50    p99    MAX HOST\n"
	  "    3   0.75    0   1 4.01 ms 100 ms 100 ms a.example\n"
	  "    1   0.25    0   1       -      -      - ?\n"
	  "    1   0.25    0   1   1.0 s  1.0 s  1.0 s b.example\n" },
	{ "histogram",
	  { .options = { .by = BY_HOST, .top = 1, .hist = true }, .columns = 40 },
	  "Whole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\n"
	  "COUNT ERR     p50 HOST\n"
	  "    3   1 4.01 ms a.example\n"
	  "(2 more rows, 2 exchanges)\n"
	  "\n"
	  "all\n"
	  "  2 ms    2 ############################\n"
	  "  5 ms    0\n"
	  "  10 ms   0\n"
	  "  20 ms   0\n"
	  "  50 ms   0\n"
	  "  100 ms  1 ##############\n"
	  "  200 ms  0\n"
	  "  500 ms  0\n"
	  "  1 s     1 ##############\n"
	  "\n"
	  "a.example\n"
	  "  2 ms    2 ############################\n"
	  "  5 ms    0\n"
	  "  10 ms   0\n"
	  "  20 ms   0\n"
	  "  50 ms   0\n"
	  "  100 ms  1 ##############\n" },
	{ "histogram in UTF-8",
	  { .options = { .by = BY_HOST, .top = 1, .hist = true }, .columns = 40, .locale = "C.UTF-8" },
	  "Whole run, 4.0 s: 5 exchanges, 3 errors, 1 in flight\n"
	  "COUNT ERR     p50 HOST\n"
	  "    3   1 4.01 ms a.example\n"
	  "(2 more rows, 2 exchanges)\n"
	  "\n"
	  "all\n"
	  "  2 ms    2 ████████████████████████████\n"
	  "  5 ms    0\n"
	  "  10 ms   0\n"
	  "  20 ms   0\n"
	  "  50 ms   0\n"
	  "  100 ms  1 ██████████████\n"
	  "  200 ms  0\n"
	  "  500 ms  0\n"
	  "  1 s     1 ██████████████\n"
	  "\n"
	  "a.example\n"
	  "  2 ms    2 ████████████████████████████\n"
	  "  5 ms    0\n"
	  "  10 ms   0\n"
	  "  20 ms   0\n"
	  "  50 ms   0\n"
	  "  100 ms  1 ██████████████\n" },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),

		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_heat_halves),
		cmocka_unit_test(test_nothing_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of events by rows, each whole, byte by byte and cut everywhere; holes everywhere invent nothing. */
#include "content/sse.h"
#include "reading_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define WANTS (READER_FACTS | READER_MESSAGES)

#define X64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X64 X64 X64 X64
#define X300 X256 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *name, *body, *expected;
} rows[] = {
	{ "one", "data: a\n\n", "< message #1 1 [a]\nhark.sse.events=1\n" },
	{ "none", "", "hark.sse.events=0\n" },
	{ "a comment and a retry are no events", ": hello\n\nretry: 100\n\n", "hark.sse.events=0\n" },
	{ "named, with an id that stays", "event: tick\nid: 7\ndata: a\n\ndata: b\n\n",
	  "< tick #1 id 7 1 [a]\n< message #2 id 7 1 [b]\nhark.sse.events=2\nhark.sse.last_id=7\n" },
	{ "several data lines", "data: a\ndata:b\ndata\n\n",
	  "< message #1 4 [a\\0ab\\0a]\nhark.sse.events=1\n" },
	{ "one space is taken off", "data:  a \n\n", "< message #1 3 [ a ]\nhark.sse.events=1\n" },
	{ "an empty one", "data\n\n", "< message #1 0 []\nhark.sse.events=1\n" },
	{ "a name without data is none, and is forgotten", "event: x\n\ndata: a\n\n",
	  "< message #1 1 [a]\nhark.sse.events=1\n" },
	{ "CR and CR LF", "data: a\r\rdata: b\r\n\r\ndata: c\r\n\n",
	  "< message #1 1 [a]\n< message #2 1 [b]\n< message #3 1 [c]\nhark.sse.events=3\n" },
	{ "a byte order mark",
	  "\xef\xbb\xbf"
	  "data: a\n\n",
	  "< message #1 1 [a]\nhark.sse.events=1\n" },
	{ "half a byte order mark is a field",
	  "\xef\xbb"
	  "data: a\n\ndata: b\n\n",
	  "< message #1 1 [b]\nhark.sse.events=1\n" },
	{ "names are case-sensitive, unknown ones pass", "Data: a\nfoo: b\ndata: c\n\n",
	  "< message #1 1 [c]\nhark.sse.events=1\n" },
	{ "unended, it is none", "data: a\n\ndata: b\n", "< message #1 1 [a]\nhark.sse.events=1\n" },
	{ "the id of an event that did not end is none yet", "id: 1\ndata: a\n\nid: 2\ndata: b\n",
	  "< message #1 id 1 1 [a]\nhark.sse.events=1\nhark.sse.last_id=1\n" },
	{ "an id without data is one", "id: 1\n\n", "hark.sse.events=0\nhark.sse.last_id=1\n" },
	{ "of two ids the last one", "id: 1\nid: 2\ndata: a\n\n",
	  "< message #1 id 2 1 [a]\nhark.sse.events=1\nhark.sse.last_id=2\n" },
	{ "an id that is too long is not known, nor is the one before", "id: 1\n\nid: " X300 "\ndata: a\n\n",
	  "< message #1 1 [a]\nhark.sse.events=1\n" },
	{ "a name that is too long is cut, and says so", "event: " X300 "\ndata: a\n\n",
	  "< " X256 " #1 1 [a] flags 4\nhark.sse.events=1\n" },
	{ "an empty id takes the last one off", "id: 1\nid\ndata: a\n\n",
	  "< message #1 id  1 [a]\nhark.sse.events=1\nhark.sse.last_id=\n" },
};

static void begin(struct reading_text *out)
{
	reading_text_init(out, WANTS);
	out->message[MESSAGE_REQUEST]->first_byte_ns = 0; /* no time to the first event */
	reading_text_field(out, MESSAGE_RESPONSE, "Content-Type", "text/event-stream; charset=utf-8");
	assert_false(reading_text_head(out, MESSAGE_REQUEST));
	assert_true(reading_text_head(out, MESSAGE_RESPONSE));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice body = slice_of_string(rows[i].body);

		print_message("%s\n", rows[i].name);
		for (size_t cut = 0; cut <= body.len + 1; cut++) {
			struct reading_text out;

			begin(&out);
			reading_text_cut(&out, MESSAGE_RESPONSE, body, cut);
			assert_string_equal(reading_text_end(&out), rows[i].expected);
			reading_text_fini(&out);
		}
	}
}

struct joined {
	struct sse_parser parser;
	size_t len, events;
	char text[4096];
};

static void join_data(void *ctx, struct slice data)
{
	struct joined *joined = ctx;

	memcpy(joined->text + joined->len, data.data, data.len);
	joined->len += data.len;
}

/* The data of events with a NUL behind each, however they are given; of one that does not end nothing. */
static void join_event(void *ctx, const struct sse_event *event)
{
	struct joined *joined = ctx;

	if (!joined->parser.on_data)
		join_data(joined, event->data);
	joined->text[joined->len++] = '\0';
	joined->events = joined->len;
}

static void test_data_as_it_comes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice body = slice_of_string(rows[i].body);
		struct joined whole = { .len = 0 };

		sse_feed(&whole.parser, body, join_event, &whole);
		for (size_t cut = 0; cut <= body.len; cut++)
			for (size_t piece = 1; piece < 20; piece += 3) {
				struct joined pieces = { .parser.on_data = join_data };
				struct slice rest = slice_drop(body, cut);

				sse_feed(&pieces.parser, slice_take(body, cut), join_event, &pieces);
				for (; rest.len; rest = slice_drop(rest, piece))
					sse_feed(&pieces.parser, slice_take(rest, piece), join_event,
						 &pieces);
				assert_int_equal(pieces.events, whole.events);
				assert_memory_equal(pieces.text, whole.text, whole.events);
				sse_fini(&pieces.parser);
			}
		sse_fini(&whole.parser);
	}
}

/* What is shown of a stream with a hole is an event of the whole one, marked, and no count is told. */
static void test_holes(void **state)
{
	struct slice body =
		SLICE("id: 1\ndata: one\n\nid: 2\ndata: two\r\n\r\nevent: e\ndata: three\n\ndata: four\n\n");
	static const char *const whole[] = { "message id 1 3 [one]", "message id 2 3 [two]",
					     "e id 2 5 [three]",     "message id 2 4 [four]",
					     "message 4 [four]",     "e 5 [three]" };

	(void)state;
	for (size_t from = 0; from < body.len; from++)
		for (size_t size = 1; from + size <= body.len; size++) {
			struct reading_text out;
			char *line, *rest = NULL;

			begin(&out);
			reading_text_around(&out, MESSAGE_RESPONSE, body, from, size);
			reading_text_end(&out);
			assert_true(out.message[MESSAGE_RESPONSE]->flags & FLAG_GAP);
			assert_null(strstr(out.text, "hark.sse.events"));
			for (line = strtok_r(out.text, "\n", &rest); line;
			     line = strtok_r(NULL, "\n", &rest)) {
				bool found = strncmp(line, "hark.sse.last_id=", 17) == 0;

				for (size_t i = 0; i < 6; i++)
					found |= strstr(line, strchr(whole[i], ' ')) != NULL;
				if (!found)
					fail_msg("hole %zu+%zu: %s", from, size, line);
			}
			reading_text_fini(&out);
		}
}

static void test_times(void **state)
{
	struct reading_text out;

	(void)state;
	begin(&out);
	out.message[MESSAGE_REQUEST]->first_byte_ns = 500000;
	for (int i = 0; i < 4; i++)
		reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("data: x\n\n"));
	reading_text_end(&out);
	/* The first after 1.5 ms, then three more in 3 ms. */
	assert_non_null(strstr(out.text, "hark.sse.first_event_ms=1500000\n"));
	assert_non_null(strstr(out.text, "hark.sse.rate=1000000\n"));
	reading_text_fini(&out);
}

/* A megabyte in one event, and one in a line that never ends: bounded, and its size is told. */
static void test_large(void **state)
{
	static uint8_t bytes[1 << 20];
	struct reading_text out;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	begin(&out);
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("data: "));
	reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of(bytes, sizeof(bytes)), 1000);
	reading_text_feed(&out, MESSAGE_RESPONSE, SLICE("\n\ndata: a\n\n"));
	assert_true(readings_memory(out.readings) < 4 * SSE_LINE_MAX);
	assert_non_null(strstr(out.text, "< message #1 1048576 [xxx"));
	reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of(bytes, sizeof(bytes)), 0);
	assert_true(readings_memory(out.readings) < 4 * SSE_LINE_MAX);
	reading_text_fini(&out);
	memset(bytes, '\r', sizeof(bytes)); /* not quadratic */
	begin(&out);
	reading_text_pieces(&out, MESSAGE_RESPONSE, slice_of(bytes, sizeof(bytes)), 0);
	assert_string_equal(reading_text_end(&out), "hark.sse.events=0\n");
	reading_text_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),  cmocka_unit_test(test_data_as_it_comes),
		cmocka_unit_test(test_holes), cmocka_unit_test(test_times),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Each row is a frame and what its object must and must not hold; every line is one JSON object. */
#include "sinks/sinks.h"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#define ABSENT "!" /* this must not occur */
/* clang-format off */
#define BYTES(s) { (const uint8_t *)(s), sizeof(s) - 1 }
/* clang-format on */

struct row {
	const char *name;
	struct frame frame;
	const char *expected[9]; /* each occurs, or after ABSENT does not */
};

static const struct row rows[] = {
	{ "sent, with its process and socket",
	  { .type = 0, .flags = 1, .stream = 5, .length = 9 },
	  { "\"time\":\"2026-01-02T03:04:05.000000006Z\"", "\"hark.direction\":\"sent\"",
	    "\"hark.connection\":12", "\"hark.stream\":5", "\"hark.h2.frame.type\":\"DATA\"",
	    "\"hark.h2.frame.length\":9", "\"hark.h2.frame.flags\":[\"END_STREAM\"]",
	    "\"process.pid\":1234" } },
	{ "received",
	  { .direction = DIRECTION_RECEIVED, .type = 6, .length = 8 },
	  { "\"hark.direction\":\"received\"" } },
	{ "extension",
	  { .type = 0xfa },
	  { "\"hark.h2.frame.type\":\"0xfa\"", "\"hark.h2.frame.flags\":[]" } },
	{ "settings",
	  { .type = 4, .length = 12, .payload = BYTES("\0\3\0\0\0\144\0\xaa\0\0\0\1") },
	  { "\"hark.h2.settings\":{\"MAX_CONCURRENT_STREAMS\":100,\"0xaa\":1}" } },
	{ "settings empty, before any payload", { .type = 4 }, { "\"hark.h2.settings\":{}" } },
	{ "settings lost", { .type = 4, .length = 6 }, { ABSENT "hark.h2.settings" } },
	{ "window",
	  { .type = 8, .length = 4, .payload = BYTES("\x80\0\0\5") },
	  { "\"hark.h2.window_increment\":5" } },
	{ "window lost", { .type = 8, .length = 4 }, { ABSENT "window_increment" } },
	{ "reset",
	  { .type = 3, .length = 4, .payload = BYTES("\0\0\0\10") },
	  { "\"hark.h2.error_code\":\"CANCEL\"" } },
	{ "reset, error that no RFC names",
	  { .type = 3, .length = 4, .payload = BYTES("\0\0\1\0") },
	  { "\"hark.h2.error_code\":\"0x100\"" } },
	{ "goaway",
	  { .type = 7, .length = 13, .payload = BYTES("\0\0\0\7\0\0\0\1a\033\"\\\n") },
	  { "\"hark.h2.last_stream\":7", "\"hark.h2.error_code\":\"PROTOCOL_ERROR\"", "a\\u001b" } },
	{ "goaway, a secret in its debug data",
	  { .type = 7, .length = 18, .payload = BYTES("\0\0\0\7\0\0\0\0token=S3cr") },
	  { "\"hark.h2.debug_data\":\"token=" REDACTED "\"", ABSENT "S3cr" } },
	{ "goaway lost",
	  { .type = 7, .length = 8 },
	  { ABSENT "last_stream", ABSENT "error_code", ABSENT "debug_data" } },
	{ "promise",
	  { .type = 5, .promised_stream = 2 },
	  { "\"hark.h2.promised_stream\":2", ABSENT "hark.h2.fields" } },
};

static const char *show(struct sample_sink *out, const struct frame *frame, bool show_secrets)
{
	struct sample sample;
	struct frame copy = *frame;
	json_t *object;

	sample_init(&sample);
	copy.time_ns = SAMPLE_START_NS;
	sample_sink_open(out, &frames_json_sink, 0, false, show_secrets);
	sample_show_frame(out->ops, out->sink, &sample, &copy);
	sample_fini(&sample);
	object = json_loads(sample_sink_text(out), JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_object(object));
	json_decref(object);
	return sample_sink_text(out);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample_sink out;
		const char *text = show(&out, &rows[i].frame, false);

		for (const char *const *want = rows[i].expected; *want; want++) {
			bool absent = **want == *ABSENT;

			if (!strstr(text, *want + absent) != absent)
				fail_msg("%s: %s in %s", rows[i].name, *want, text);
		}
		sample_sink_close(&out);
	}
}

static void test_fields(void **state)
{
	struct header items[] = {
		{ .name = SLICE(":path"), .value = SLICE("/a?token=abc") },
		{ .name = SLICE("authorization"), .value = SLICE("Bearer abc") },
		{ .name = SLICE("x-unknown") },
		{ .value = SLICE("abc") },
	};
	const struct header_list list = { .items = items, .count = sizeof(items) / sizeof(items[0]) };
	const struct frame frame = { .type = 1, .flags = 4, .stream = 1, .headers = &list };
	struct sample_sink out;
	const char *text = show(&out, &frame, false);

	(void)state;
	assert_non_null(strstr(text, "\"hark.h2.fields\":[[\":path\",\"/a?token=[redacted]\"],"
				     "[\"authorization\",\"[redacted]\"],[\"x-unknown\",null],"
				     "[null,\"[redacted]\"]]"));
	assert_null(strstr(text, "abc"));
	sample_sink_close(&out);
	assert_non_null(strstr(show(&out, &frame, true), "[\"authorization\",\"Bearer abc\"]"));
	sample_sink_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

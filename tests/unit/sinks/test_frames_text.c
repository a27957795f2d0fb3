/* SPDX-License-Identifier: Apache-2.0 */
/* Golden lines of frames: each type, payloads that are lost, cut or hostile, fields that are not known. */
#include "sinks/sinks.h"

#include "sample.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
#define BYTES(s) { (const uint8_t *)(s), sizeof(s) - 1 }
/* clang-format on */
#define FIRST "03:04:05.000 curl[1234]       #12    send "

struct row {
	const char *name;
	struct frame frame;
	const char *expected; /* behind FIRST */
};

static const struct row rows[] = {
	{ "settings, one that no RFC names",
	  { .type = 4, .length = 12, .payload = BYTES("\0\3\0\0\0\144\0\xaa\0\0\0\1") },
	  "SETTINGS      stream 0   length 12      MAX_CONCURRENT_STREAMS=100 0xaa=1\n" },
	{ "settings lost", { .type = 4, .length = 12 }, "SETTINGS      stream 0   length 12      ?\n" },
	{ "settings cut",
	  { .type = 4, .length = 12, .payload = BYTES("\0\3\0\0\0\144\0") },
	  "SETTINGS      stream 0   length 12      MAX_CONCURRENT_STREAMS=100 ?\n" },
	{ "settings acknowledged",
	  { .type = 4, .flags = 1 },
	  "SETTINGS      stream 0   length 0      ACK\n" },
	{ "window, reserved bit set",
	  { .type = 8, .length = 4, .payload = BYTES("\x80\0\0\5") },
	  "WINDOW_UPDATE stream 0   length 4       +5\n" },
	{ "window lost", { .type = 8, .length = 4 }, "WINDOW_UPDATE stream 0   length 4       +?\n" },
	{ "reset",
	  { .type = 3, .stream = 5, .length = 4, .payload = BYTES("\0\0\0\10") },
	  "RST_STREAM    stream 5   length 4       CANCEL\n" },
	{ "reset, error that no RFC names",
	  { .type = 3, .stream = 5, .length = 4, .payload = BYTES("\0\0\1\0") },
	  "RST_STREAM    stream 5   length 4       error 0x100\n" },
	{ "reset lost",
	  { .type = 3, .stream = 5, .length = 4 },
	  "RST_STREAM    stream 5   length 4       ?\n" },
	{ "goaway, hostile debug data",
	  { .type = 7, .length = 13, .payload = BYTES("\0\0\0\7\0\0\0\1a\033[2J") },
	  "GOAWAY        stream 0   length 13      PROTOCOL_ERROR last stream 7 \"a\\x1b[2J\"\n" },
	{ "goaway, a secret in its debug data",
	  { .type = 7, .length = 18, .payload = BYTES("\0\0\0\7\0\0\0\0token=S3cr") },
	  "GOAWAY        stream 0   length 18      NO_ERROR last stream 7 \"token=" REDACTED "\"\n" },
	{ "goaway, debug data cut",
	  { .type = 7, .length = 20, .payload = BYTES("\0\0\0\7\0\0\0\0ab") },
	  "GOAWAY        stream 0   length 20      NO_ERROR last stream 7 \"ab\" ?\n" },
	{ "promise",
	  { .type = 5, .flags = 4, .stream = 1, .length = 9, .promised_stream = 2 },
	  "PUSH_PROMISE  stream 1   length 9      END_HEADERS promises stream 2 (fields not known)\n" },
	{ "priority, exclusive",
	  { .type = 2, .stream = 3, .length = 5, .payload = BYTES("\x80\0\0\1\17") },
	  "PRIORITY      stream 3   length 5       after stream 1 weight 16 exclusive\n" },
	{ "priority",
	  { .type = 2, .stream = 3, .length = 5, .payload = BYTES("\0\0\0\1\xff") },
	  "PRIORITY      stream 3   length 5       after stream 1 weight 256\n" },
	{ "priority lost",
	  { .type = 2, .stream = 3, .length = 5 },
	  "PRIORITY      stream 3   length 5       after stream ?\n" },
	{ "ping",
	  { .type = 6, .flags = 1, .length = 8, .payload = BYTES("\1\2\3\4\5\6\7\xff") },
	  "PING          stream 0   length 8      ACK 01020304050607ff\n" },
	{ "ping lost", { .type = 6, .length = 8 }, "PING          stream 0   length 8       ?\n" },
	{ "type of an extension", { .type = 0xfa, .stream = 1 }, "type 0xfa     stream 1   length 0     \n" },
	{ "data",
	  { .type = 0, .flags = 9, .stream = 1, .length = 5 },
	  "DATA          stream 1   length 5      END_STREAM|PADDED\n" },
	{ "block lost",
	  { .type = 1, .flags = 4, .stream = 1, .length = 9 },
	  "HEADERS       stream 1   length 9      END_HEADERS (fields not known)\n" },
	{ "block goes on",
	  { .type = 1, .stream = 1, .length = 9 },
	  "HEADERS       stream 1   length 9     \n" },
};

static const char *show(struct sample_sink *out, const struct frame *frame, bool show_secrets)
{
	struct sample sample;
	struct frame copy = *frame;

	sample_init(&sample);
	copy.time_ns = SAMPLE_START_NS;
	sample_sink_open(out, &frames_text_sink, 0, false, show_secrets);
	sample_show_frame(out->ops, out->sink, &sample, &copy);
	sample_fini(&sample);
	return sample_sink_text(out);
}

/* Runs of blanks are the columns' business; only what stands in them is compared. */
static void squeeze(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (*from != ' ' || (to > text && to[-1] != ' ' && from[1] != '\n'))
			*to++ = *from;
	*to = '\0';
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample_sink out;
		char got[512], expected[512];

		snprintf(got, sizeof(got), "%s", show(&out, &rows[i].frame, false));
		snprintf(expected, sizeof(expected), FIRST "%s", rows[i].expected);
		squeeze(got);
		squeeze(expected);
		if (strcmp(got, expected) != 0)
			fail_msg("%s:\n%s%s", rows[i].name, got, expected);
		sample_sink_close(&out);
	}
}

static void test_colours(void **state)
{
	const struct frame frame = { .type = 4, .time_ns = SAMPLE_START_NS };
	struct sample_sink out;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	sample_sink_open(&out, &frames_text_sink, 0, true, false);
	sample_show_frame(out.ops, out.sink, &sample, &frame);
	assert_non_null(strstr(sample_sink_text(&out), "\033[1mSETTINGS\033[0m"));
	sample_sink_close(&out);
	sample_fini(&sample);
}

static void test_fields(void **state)
{
	struct header items[] = {
		{ .name = SLICE(":path"), .value = SLICE("/a?token=abc") },
		{ .name = SLICE("authorization"), .value = SLICE("Bearer abc") },
		{ .name = SLICE("x"), .value = SLICE("\033]0;") },
		{ .name = SLICE("x-unknown") },
		{ .value = SLICE("b") },
	};
	const struct header_list list = { .items = items, .count = sizeof(items) / sizeof(items[0]) };
	const struct frame frame = { .type = 1, .flags = 4, .stream = 1, .headers = &list };
	struct sample_sink out;
	const char *text = show(&out, &frame, false);

	(void)state;
	assert_non_null(strstr(text, "\n    :path: /a?token=[redacted]\n    authorization: [redacted]\n"
				     "    x: \\x1b]0;\n    x-unknown: ?\n    ?: [redacted]\n"));
	assert_null(strstr(text, "abc"));
	assert_null(strchr(text, '\033'));
	sample_sink_close(&out);
	assert_non_null(strstr(show(&out, &frame, true), "    authorization: Bearer abc\n"));
	sample_sink_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_fields),
	};

	setlocale(LC_ALL, "C");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

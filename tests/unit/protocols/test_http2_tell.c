/* SPDX-License-Identifier: Apache-2.0 */
/* Every frame is told of once and in order, however the bytes come; holes leave frames out or mark them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http2_build.h"
#include "protocol.h"

#include <stdio.h>

struct told {
	char text[2][4096]; /* by direction */
	size_t len[2];
};

static void put(struct told *told, int direction, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	told->len[direction] += (size_t)vsnprintf(told->text[direction] + told->len[direction],
						  sizeof(told->text[0]) - told->len[direction], format, args);
	va_end(args);
	assert_true(told->len[direction] < sizeof(told->text[0]));
}

static void put_field(struct told *told, int direction, const struct header *header, bool more)
{
	struct slice name = header->name.data ? header->name : SLICE("?");
	struct slice value = header->value.data ? header->value : SLICE("?");

	put(told, direction, "%s%.*s=%.*s", more ? " " : "", (int)name.len, name.data, (int)value.len,
	    value.data);
}

/*
 * "HEADERS/5 1 len {:method=GET}": type, flags, stream, length
 * without padding's chance, fields or payload.
 */
static void on_frame(void *ctx, const struct frame *frame)
{
	struct told *told = ctx;
	const char *name = http2_frame_type_name(frame->type);
	int direction = frame->direction;

	put(told, direction, "%s/%x@%u", name ? name : "?", frame->flags, frame->stream);
	if (frame->promised_stream)
		put(told, direction, " promises %u", frame->promised_stream);
	if (frame->headers)
		put(told, direction, " {");
	for (size_t i = 0; frame->headers && i < frame->headers->count; i++)
		put_field(told, direction, &frame->headers->items[i], i > 0);
	if (frame->headers)
		put(told, direction, "}");
	if (frame->type == FRAME_WINDOW_UPDATE || frame->type == FRAME_RST_STREAM)
		put(told, direction, " %s", frame->payload.data ? "payload" : "lost");
	put(told, direction, "\n");
}

static void drop_done(void *ctx, struct message *message)
{
	(void)ctx;
	message_free(message);
}

static void drop_head(void *ctx, struct message *message)
{
	(void)ctx;
	(void)message;
}

static void drop_body(void *ctx, struct message *message, struct slice bytes)
{
	(void)ctx;
	(void)message;
	(void)bytes;
}

static void drop_interim(void *ctx, const struct message *message)
{
	(void)ctx;
	(void)message;
}

static void drop_reset(void *ctx, uint32_t key, uint32_t error)
{
	(void)ctx;
	(void)key;
	(void)error;
}

static void drop_note(void *ctx, enum protocol_note note, uint64_t n)
{
	(void)ctx;
	(void)note;
	(void)n;
}

static const char script[] = "> preface\n"
			     "> settings\n"
			     "< settings\n"
			     "< settings ack\n"
			     "> raw 0000040800000000000000ffff\n"
			     "> headers 1 end :method=GET :path=/a x=y\n"
			     "> headers 3 split priority :method=GET :path=/b x=y\n"
			     "> data 3 end padded hello\n"
			     "< headers 1 padded :status=200 a=b\n"
			     "< promise 1 2 :method=GET :path=/c\n"
			     "< data 1 end hello\n"
			     "< raw 000001fa0000000001aa\n"
			     "> rst 3 8\n"
			     "< goaway 3 0\n";

static const char *const expected[2] = {
	"SETTINGS/0@0\n"
	"WINDOW_UPDATE/0@0 payload\n"
	"HEADERS/5@1 {:method=GET :path=/a x=y}\n"
	"HEADERS/20@3\n"
	"CONTINUATION/0@3\n"
	"CONTINUATION/4@3 {:method=GET :path=/b x=y}\n"
	"DATA/9@3\n"
	"RST_STREAM/0@3 payload\n",
	"SETTINGS/0@0\n"
	"SETTINGS/1@0\n"
	"HEADERS/c@1 {:status=200 a=b}\n"
	"PUSH_PROMISE/4@1 promises 2 {:method=GET :path=/c}\n"
	"DATA/1@1\n"
	"?/0@1\n"
	"GOAWAY/0@0\n",
};

static struct protocol *make(struct told *told, bool want_frames)
{
	const struct protocol_config config = {
		.role = ROLE_CLIENT,
		.from_start = { true, true },
		.want_frames = want_frames,
		.message_limit_bytes = 65536,
		.stream_limit = 16,
		.table_limit_bytes = 65536,
	};
	const struct protocol_handler handler = {
		.ctx = told,
		.head = drop_head,
		.body = drop_body,
		.done = drop_done,
		.interim = drop_interim,
		.reset = drop_reset,
		.note = drop_note,
		.frame = on_frame,
	};

	*told = (struct told){ .len = { 0 } };
	return http2_protocol.create(&config, &handler);
}

/* Feeds each chunk in pieces of so many bytes; 0: whole. */
static void feed(struct protocol *protocol, const struct build *build, size_t piece)
{
	for (size_t i = 0; i < build->count; i++) {
		struct slice rest = slice_of(build->chunks[i].bytes, build->chunks[i].len);
		int direction = build->chunks[i].direction ? DIRECTION_RECEIVED : DIRECTION_SENT;

		while (rest.len) {
			struct slice next = slice_take(rest, piece ? piece : rest.len);

			http2_protocol.feed(protocol, direction, next, 1);
			rest = slice_drop(rest, next.len);
		}
	}
}

static void test_pieces(void **state)
{
	static struct told told;
	struct build *build = build_new(script);

	(void)state;
	for (size_t piece = 0; piece < 60; piece++) {
		struct protocol *protocol = make(&told, true);

		assert_non_null(protocol);
		feed(protocol, build, piece);
		http2_protocol.destroy(protocol);
		assert_string_equal(told.text[0], expected[0]);
		assert_string_equal(told.text[1], expected[1]);
	}
	build_free(build);
}

/* Each chunk in two, at each offset; the others whole. */
static void test_splits(void **state)
{
	static struct told told;
	struct build *build = build_new(script);

	(void)state;
	for (size_t cut = 0; cut < build->count; cut++) {
		for (size_t at = 1; at < build->chunks[cut].len; at++) {
			struct protocol *protocol = make(&told, true);

			assert_non_null(protocol);
			for (size_t i = 0; i < build->count; i++) {
				struct slice all = slice_of(build->chunks[i].bytes, build->chunks[i].len);
				int direction =
					build->chunks[i].direction ? DIRECTION_RECEIVED : DIRECTION_SENT;

				if (i == cut)
					http2_protocol.feed(protocol, direction, slice_take(all, at), 1);
				http2_protocol.feed(protocol, direction, slice_drop(all, i == cut ? at : 0),
						    1);
			}
			http2_protocol.destroy(protocol);
			assert_string_equal(told.text[0], expected[0]);
			assert_string_equal(told.text[1], expected[1]);
		}
	}
	build_free(build);
}

static void test_not_wanted(void **state)
{
	static struct told told;
	struct build *build = build_new(script);
	struct protocol *protocol = make(&told, false);

	(void)state;
	feed(protocol, build, 0);
	http2_protocol.destroy(protocol);
	assert_int_equal(told.len[0] + told.len[1], 0);
	build_free(build);
}

/* Is every frame of `text` one of `all`, in order? */
static bool is_part(const char *text, const char *all)
{
	for (; *text; text += strcspn(text, "\n") + 1) {
		size_t name = strcspn(text, " \n");

		while (*all && strncmp(all, text, name) != 0)
			all += strcspn(all, "\n") + 1;
		if (!*all)
			return false;
		all += strcspn(all, "\n") + 1;
	}
	return true;
}

/* Each field that is told of with a name and a value was sent so. */
static bool are_fields_true(const char *text, const char *all)
{
	char copy[4096], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " {}\n", &save); word; word = strtok_r(NULL, " {}\n", &save))
		if (strchr(word, '=') && !strchr(word, '?') && !strstr(all, word))
			return false;
	return true;
}

/* A hole in the client's direction, at each offset of each chunk: what is told of was there. */
static void test_holes(void **state)
{
	static struct told told;
	struct build *build = build_new(script);

	(void)state;
	for (size_t hole = 0; hole < build->count; hole++) {
		struct build_chunk chunk = build->chunks[hole];

		if (chunk.direction != 0)
			continue;
		for (size_t at = 0; at < chunk.len; at++) {
			struct protocol *protocol = make(&told, true);

			build->chunks[hole].len = at;
			for (size_t i = 0; i < build->count; i++) {
				int direction =
					build->chunks[i].direction ? DIRECTION_RECEIVED : DIRECTION_SENT;

				http2_protocol.feed(protocol, direction,
						    slice_of(build->chunks[i].bytes, build->chunks[i].len),
						    1);
				if (i == hole)
					http2_protocol.hole(protocol, direction, chunk.len - at, 1);
			}
			http2_protocol.destroy(protocol);
			build->chunks[hole] = chunk;
			if (!is_part(told.text[0], expected[0]) ||
			    !are_fields_true(told.text[0], expected[0]))
				fail_msg("chunk %zu at %zu:\n%s", hole, at, told.text[0]);
			assert_string_equal(told.text[1], expected[1]);
		}
	}
	build_free(build);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_not_wanted),
		cmocka_unit_test(test_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

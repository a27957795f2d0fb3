/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wire data made by others (HPACK stories, single frames), read where it lies:
 * the folder that HARK_CORPORA names, ../shared/corpora otherwise. Where there
 * is none these tests are not collected.
 */
#include "hpack.h"
#include "http2/http2_frame.h"
#include "protocol.h"

#include "message_text.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static const char *corpora(void)
{
	const char *named = getenv("HARK_CORPORA");

	return named && *named ? named : "../shared/corpora";
}

/* Calls use() with each JSON file of a folder; returns how many there were. */
static size_t folder_each(const char *folder, void (*use)(json_t *root, const char *path))
{
	char path[4096];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", corpora(), folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		json_error_t error;
		json_t *root;

		if (!strstr(entry->d_name, ".json"))
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", corpora(), folder, entry->d_name);
		root = json_load_file(path, 0, &error);
		assert_non_null(root);
		use(root, path);
		json_decref(root);
		count++;
	}
	closedir(dir);
	return count;
}

static uint8_t *hex_read(const char *hex, size_t *len)
{
	uint8_t *bytes = malloc(strlen(hex) / 2 + 1);
	unsigned int byte;

	for (*len = 0; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		bytes[(*len)++] = (uint8_t)byte;
	return bytes;
}

/* --- HPACK ------------------------------------------------------------------ */

struct story_check {
	json_t *headers;
	const char *path;
	size_t at, known;
	bool must_know;
};

static void story_field(void *ctx, const struct hpack_field *field)
{
	struct story_check *check = ctx;
	json_t *header = json_array_get(check->headers, check->at++);
	void *first = json_object_iter(header);
	struct slice name, value;

	if (!first)
		fail_msg("%s: too many fields", check->path);
	name = slice_of_string(json_object_iter_key(first));
	value = slice_of_string(json_string_value(json_object_iter_value(first)));
	if (check->must_know)
		assert_true(field->name.data && field->value.data);
	if ((field->name.data && !slice_equal(field->name, name)) ||
	    (field->value.data && !slice_equal(field->value, value)))
		fail_msg("%s: field %zu is wrong", check->path, check->at);
	check->known += field->name.data && field->value.data;
}

/* The story from block `first` on; the ones before were never seen. */
static void story_run(json_t *root, const char *path, size_t first)
{
	json_t *cases = json_object_get(root, "cases");
	struct hpack *hpack = hpack_new(65536);

	if (first > 0)
		hpack_prime(hpack);
	for (size_t i = first; i < json_array_size(cases); i++) {
		json_t *one = json_array_get(cases, i);
		struct story_check check = { .headers = json_object_get(one, "headers"),
					     .path = path,
					     .must_know = first == 0 };
		const struct hpack_sink sink = { .ctx = &check, .field = story_field };
		size_t len;
		uint8_t *wire = hex_read(json_string_value(json_object_get(one, "wire")), &len);
		int err = hpack_inflate(hpack, slice_of(wire, len), true, &sink);

		if (first == 0 || err == 0) {
			assert_int_equal(err, 0);
			assert_int_equal(check.at, json_array_size(check.headers));
		}
		free(wire);
	}
	hpack_free(hpack);
}

static void story_use(json_t *root, const char *path)
{
	size_t count = json_array_size(json_object_get(root, "cases"));
	size_t step = count / 20 > 2 ? count / 20 : 1;

	for (size_t first = 0; first < count; first += step)
		story_run(root, path, first);
}

static void test_stories(void **state)
{
	(void)state;
	assert_int_equal(folder_each("hpack-test-case/haskell-http2-linear-huffman", story_use), 10);
	assert_int_equal(folder_each("hpack-test-case/nghttp2-change-table-size", story_use), 10);
}

/* --- frames ------------------------------------------------------------------ */

/* Feeds one frame to a connection that began well, from either side, then says what came out. */
static void frame_feed(const uint8_t *wire, size_t len, enum event_direction direction, size_t step,
		       struct message_text *out)
{
	const struct protocol_config config = { .role = ROLE_CLIENT,
						.from_start = { true, true },
						.message_limit_bytes = 65536,
						.stream_limit = 100,
						.table_limit_bytes = 65536 };
	const struct protocol_handler handler = message_text_handler(out);
	struct protocol *protocol = http2_protocol.create(&config, &handler);

	http2_protocol.feed(protocol, DIRECTION_SENT, slice_of(http2_preface, HTTP2_PREFACE_BYTES), 1);
	http2_protocol.feed(protocol, DIRECTION_SENT, SLICE("\0\0\0\4\0\0\0\0\0"), 2);
	http2_protocol.feed(protocol, DIRECTION_RECEIVED, SLICE("\0\0\0\4\0\0\0\0\0"), 3);
	for (size_t at = 0; at < len; at += step)
		http2_protocol.feed(protocol, direction,
				    slice_of(wire + at, len - at < step ? len - at : step), 4);
	http2_protocol.end(protocol, END_CLOSED, 5);
	http2_protocol.destroy(protocol);
}

static void frame_use(json_t *root, const char *path)
{
	json_t *frame = json_object_get(root, "frame");
	size_t len;
	uint8_t *wire = hex_read(json_string_value(json_object_get(root, "wire")), &len);
	struct http2_frame parsed;

	http2_frame_parse(wire, &parsed);
	if (json_is_object(frame)) {
		assert_int_equal(parsed.length, json_integer_value(json_object_get(frame, "length")));
		assert_int_equal(parsed.type, json_integer_value(json_object_get(frame, "type")));
		assert_int_equal(parsed.flags, json_integer_value(json_object_get(frame, "flags")));
		assert_int_equal(parsed.stream,
				 json_integer_value(json_object_get(frame, "stream_identifier")));
		assert_true(http2_frame_plausible(wire, HTTP2_DEFAULT_MAX_FRAME));
	}
	for (int direction = 0; direction < 2; direction++) {
		struct message_text whole = { 0 }, bytewise = { 0 };

		frame_feed(wire, len, (enum event_direction)direction, len, &whole);
		frame_feed(wire, len, (enum event_direction)direction, 1, &bytewise);
		assert_string_equal(message_text_get(&whole), message_text_get(&bytewise));
		/* The header blocks of these files are plain text, no HPACK: no message may claim to be
		 * exact. */
		if (strchr(message_text_get(&whole), '\n') &&
		    !strstr(message_text_get(&whole), "partial-headers"))
			fail_msg("%s: %s", path, message_text_get(&whole));
		message_text_fini(&whole);
		message_text_fini(&bytewise);
	}
	free(wire);
}

static void test_frames(void **state)
{
	static const char *const folders[] = { "continuation", "data",	   "error",	   "goaway",
					       "headers",      "ping",	   "priority",	   "push_promise",
					       "rst_stream",   "settings", "window_update" };

	(void)state;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		char folder[128];

		snprintf(folder, sizeof(folder), "http2-frame-test-case/%s", folders[i]);
		assert_true(folder_each(folder, frame_use) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_frames),
	};

	if (access(corpora(), R_OK | X_OK) < 0) {
		printf("test_corpora: not collected: no folder %s (HARK_CORPORA names it)\n", corpora());
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

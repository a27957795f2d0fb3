/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes that record.c writes, source_file.c reads; then the same file cut
 * at every byte and damaged in known ways.
 */
#include "record/record.h"

#include "base/private_file.h"
#include "record/recording.h"
#include "record/source_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/hark-test-record-XXXXXX";
static char path[64];

struct seen {
	int count;
	char types[16]; /* a digit each */
	char payload[16];
};

static int see(void *ctx, const struct event_header *event)
{
	struct seen *seen = ctx;

	seen->types[seen->count++] = '0' + (char)event->type;
	if (event->type == EVENT_SOCKET_DATA) {
		const struct event_data *data = (const struct event_data *)event;

		memcpy(seen->payload, data->payload, data->copied);
	}
	return seen->count == 5 ? -ECANCELED : 0;
}

/* Three events; the first has 5 bytes of payload and so 3 of padding. */
static void write_sample(void)
{
	union {
		struct event_data data;
		char bytes[sizeof(struct event_data) + 5];
	} first = {
		.data = { .h = { .size = sizeof(first), .type = EVENT_SOCKET_DATA }, .len = 9, .copied = 5 }
	};
	struct event_process second = { .h = { .size = sizeof(second), .type = EVENT_EXEC }, .name = "curl" };
	struct event_header third = { .size = sizeof(third), .type = EVENT_POLL };
	struct record *record = record_open(path, -42);

	assert_non_null(record);
	first.data.h.size = sizeof(struct event_data) + 5;
	memcpy(first.bytes + sizeof(struct event_data), "hello", 5);
	assert_int_equal(record_write(record, &first.data.h), 0);
	assert_int_equal(record_write(record, &second.h), 0);
	assert_int_equal(record_write(record, &third), 0);
	assert_int_equal(record_close(record), 0);
}

static void test_round_trip(void **state)
{
	const char *error = NULL;
	struct seen seen = { 0 };
	struct source_file *source;
	struct stat st;

	(void)state;
	write_sample();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32 + 160 + 120 + 48);
	source = source_file_open(path, &error);
	assert_non_null(source);
	assert_int_equal(source_file_wall_offset_ns(source), -42);
	assert_int_equal(source_file_run(source, see, &seen, &error), 0);
	assert_string_equal(seen.types, "179");
	assert_string_equal(seen.payload, "hello");
	source_file_close(source);
	source_file_close(NULL);
	assert_int_equal(record_close(NULL), 0);
}

static void test_stop_from_the_callback(void **state)
{
	const char *error = "untouched";
	struct seen seen = { .count = 2 };
	struct source_file *source;

	(void)state;
	write_sample();
	source = source_file_open(path, &error);
	error = "untouched";
	assert_int_equal(source_file_run(source, see, &seen, &error), -ECANCELED);
	assert_string_equal(error, "untouched");
	source_file_close(source);
}

/* Compares what is read of these bytes: the types seen, then "ok" or the error. */
static void assert_reads(const char *name, const char *bytes, size_t len, const char *expected)
{
	char *copy = malloc(len + 1);
	FILE *in;
	const char *error = NULL;
	struct seen seen = { 0 };
	struct source_file *source;
	char text[200];

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	in = len ? fmemopen(copy, len, "r") : fopen("/dev/null", "r");
	assert_non_null(in);
	source = source_file_open_stream(in, &error);
	if (!source) {
		assert_int_equal(errno, EBADMSG);
		snprintf(text, sizeof(text), "%s", error);
	} else {
		int err = source_file_run(source, see, &seen, &error);

		assert_int_equal(err, error ? -EBADMSG : 0);
		snprintf(text, sizeof(text), "%s %s", seen.types, error ? error : "ok");
	}
	source_file_close(source);
	free(copy);
	if (strcmp(text, expected) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", name, text, expected);
}

static size_t read_sample(char *bytes, size_t size)
{
	FILE *in;
	size_t len;

	write_sample();
	in = fopen(path, "r");
	assert_non_null(in);
	len = fread(bytes, 1, size, in);
	fclose(in);
	return len;
}

static const char *expected_at(size_t len)
{
	if (len < 32)
		return "is not a recording (too short)";
	if (len == 32)
		return " ok";
	if (len < 192)
		return " the event at byte 32 is cut short";
	if (len == 192)
		return "1 ok";
	if (len < 312)
		return "1 the event at byte 192 is cut short";
	if (len == 312)
		return "17 ok";
	return len < 360 ? "17 the event at byte 312 is cut short" : "179 ok";
}

static void test_cut_everywhere(void **state)
{
	char bytes[512];
	size_t len = read_sample(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(len, 360);
	for (size_t cut = 0; cut <= len; cut++)
		assert_reads("cut", bytes, cut, expected_at(cut));
}

static const struct {
	const char *name;
	size_t at;
	uint32_t value; /* 32 bits in native order */
	const char *expected;
} damages[] = {
	{ "magic", 4, 0x00676572, "is not a recording" },
	{ "other byte order", 8, 0x04030201, "was recorded on a machine of the other byte order" },
	{ "no byte order", 8, 0, "is damaged: it has no valid byte order mark" },
	{ "version", 12, 2 | 32 << 16, "was recorded by another version of hark" },
	{ "event version", 16, 77, "was recorded by another version of hark" },
	{ "header too short", 12, 1 | 24 << 16, "is damaged: its header has an impossible length" },
	{ "header too long", 12, 1 | 8192u << 16, "is damaged: its header has an impossible length" },
	{ "header not aligned", 12, 1 | 33 << 16, "is damaged: its header has an impossible length" },
	{ "header beyond the file", 12, 1 | 4096u << 16, "ends inside its header" },
	{ "event size 0", 32, 0, " the event at byte 32 has an impossible size" },
	{ "event size huge", 32, UINT32_MAX, " the event at byte 32 has an impossible size" },
	{ "event size just above", 32, 152 + 16385, " the event at byte 32 has an impossible size" },
	{ "event type", 192 + 4, 200, "1 the event at byte 192 is damaged" },
	{ "copied", 32 + 140, 6, " the event at byte 32 is damaged" },
};

static void test_damage(void **state)
{
	char bytes[512], copy[512];
	size_t len = read_sample(bytes, sizeof(bytes));

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		memcpy(copy, bytes, len);
		memcpy(copy + damages[i].at, &damages[i].value, 4);
		assert_reads(damages[i].name, copy, len, damages[i].expected);
	}
}

/* A later version may add header fields: they are stepped over. */
static void test_longer_header(void **state)
{
	char bytes[512], longer[512 + 16] = { 0 };
	size_t len = read_sample(bytes, sizeof(bytes));
	uint16_t header_len = 48;

	(void)state;
	memcpy(longer, bytes, 32);
	memcpy(longer + 14, &header_len, sizeof(header_len));
	memcpy(longer + 48, bytes + 32, len - 32);
	assert_reads("longer header", longer, len + 16, "179 ok");
}

static void test_existing_file_becomes_private(void **state)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	(void)state;
	assert_int_equal(fchmod(fd, 0666), 0);
	assert_int_equal(write(fd, "old", 3), 3);
	close(fd);
	fd = private_file_open(path);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 0);
	close(fd);
}

static void test_links_are_not_followed(void **state)
{
	char link[80];

	(void)state;
	write_sample();
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink(path, link), 0);
	errno = 0;
	assert_null(record_open(link, 0));
	assert_int_equal(errno, ELOOP);
	assert_string_equal(private_file_error(errno),
			    "it is a symbolic link, which hark does not follow; name the file itself");
	assert_int_equal(unlink(link), 0);
	assert_reads("not touched", "", 0, "is not a recording (too short)");
}

static void test_full_disk(void **state)
{
	struct stat before, after;

	(void)state;
	assert_int_equal(stat("/dev/full", &before), 0);
	errno = 0;
	assert_null(record_open("/dev/full", 0));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(stat("/dev/full", &after), 0);
	assert_int_equal(before.st_mode, after.st_mode);
}

static void test_cannot_open(void **state)
{
	const char *error = NULL;

	(void)state;
	errno = 0;
	assert_null(record_open("/nowhere/at/all", 0));
	assert_int_equal(errno, ENOENT);
	assert_null(source_file_open("/nowhere/at/all", &error));
	assert_int_equal(errno, ENOENT);
	assert_string_equal(error, "No such file or directory");
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/rec", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_stop_from_the_callback),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_longer_header),
		cmocka_unit_test(test_existing_file_becomes_private),
		cmocka_unit_test(test_links_are_not_followed),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_cannot_open),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Files and what comes of them, beside what the command line gave; and those that are not read. */
#include "cli/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/hark-test-config-XXXXXX";

static void file_write(const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

/* stderr of a call. */
static int take(struct parse *parse, char said[512])
{
	int saved = dup(2), result;
	FILE *file = tmpfile();
	size_t len;

	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), 2);
	result = config_file_take(parse, path, 0, false);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	rewind(file);
	len = fread(said, 1, 511, file);
	said[len] = '\0';
	fclose(file);
	return result;
}

static const struct option_row *row_of(const char *name)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (strcmp(option_rows[i].argp.name, name) == 0)
			return &option_rows[i];
	return NULL;
}

static void test_values(void **state)
{
	static const char text[] = "# a comment\n\n  \t\nwide\n--both-ends\r\nsnaplen 4K\n"
				   "  memory=32M \nbody-max = 1K\nhist\nverbose\nverbose";
	struct options options;
	struct parse parse = { .options = &options };
	char said[512];

	(void)state;
	option_defaults(&options);
	file_write(text, sizeof(text) - 1);
	assert_int_equal(take(&parse, said), 0);
	assert_string_equal(said, "");
	assert_true(options.wide && options.both_ends && options.stats.hist);
	assert_int_equal(options.snaplen_bytes, 4096);
	assert_int_equal(options.memory_bytes, 32 << 20);
	assert_int_equal(options.body_max_bytes, 1024);
	assert_int_equal(options.verbose, 2);
	/* Of those that can have no effect in a run nothing is said, though --hist is an error there. */
	assert_int_equal(option_check_places(&parse, IN_WATCH | IN_WATCH_TEXT | IN_LIVE), 0);
	options_fini(&options);
}

static void test_command_line_counts(void **state)
{
	static const char text[] = "color=always\npending=5\nredact=x-a\nredact=x-b\n";
	struct options options;
	struct parse parse = { .options = &options };
	char said[512];

	(void)state;
	option_defaults(&options);
	assert_int_equal(option_take(&parse, row_of("no-color"), NULL), 0); /* sets the same as color */
	assert_int_equal(option_take(&parse, row_of("pending"), "1"), 0);
	file_write(text, sizeof(text) - 1);
	assert_int_equal(take(&parse, said), 0);
	assert_int_equal(options.color_when, COLOR_NEVER);
	assert_int_equal(options.pending_ns, 1000000000);
	assert_int_equal(parse.redact_count, 2);
	options_fini(&options);
	/* The next file comes after this one. */
	assert_int_equal(take(&parse, said), 0);
	assert_int_equal(parse.redact_count, 2);
	options_fini(&options);
}

static const struct {
	const char *text, *said;
} wrong[] = {
	{ "\n\nnone\n", "there is no option 'none'; see hark --help\nhark: %s:3: this line is wrong\n" },
	{ "wide=1", "'wide' has no value; see hark --help\nhark: %s:1: this line is wrong\n" },
	{ "pending", "'pending' wants a value: SECONDS; see hark --help\nhark: %s:1: this line is wrong\n" },
	{ "pid 3", "'pid' belongs on the command line; see hark --help\nhark: %s:1: this line is wrong\n" },
	{ "help", "'help' belongs on the command line; see hark --help\nhark: %s:1: this line is wrong\n" },
	{ "no-config",
	  "'no-config' belongs on the command line; see hark --help\nhark: %s:1: this line is wrong\n" },
	{ "#\nsnaplen=x",
	  "--snaplen: 'x' is no size from 256 to 1M; see hark --help\nhark: %s:2: this line is wrong\n" },
	{ "=", "there is no option ''; see hark --help\nhark: %s:1: this line is wrong\n" },
};

static void test_wrong_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct options options;
		struct parse parse = { .options = &options };
		char said[512], expected[512] = "hark: ";
		size_t at = (size_t)(strstr(wrong[i].said, "%s") - wrong[i].said);

		strncat(expected, wrong[i].said, at);
		strcat(expected, path);
		strcat(expected, wrong[i].said + at + 2);
		option_defaults(&options);
		file_write(wrong[i].text, strlen(wrong[i].text));
		assert_int_equal(take(&parse, said), 2);
		assert_string_equal(said, expected);
		options_fini(&options);
	}
}

/* Taken: no wide; the line has these words. */
static void is_not_read(const char *why)
{
	struct options options;
	struct parse parse = { .options = &options };
	char said[512];

	option_defaults(&options);
	assert_int_equal(take(&parse, said), 0);
	assert_false(options.wide);
	if (why)
		assert_non_null(strstr(said, why));
	else
		assert_string_equal(said, "");
	options_fini(&options);
}

static void test_not_read(void **state)
{
	static char large[70000];

	(void)state;
	file_write("wide\n\0", 6);
	is_not_read("it holds a NUL");
	memset(large, '#', sizeof(large));
	file_write(large, sizeof(large));
	is_not_read("it is larger than 64K");
	file_write("wide\n", 5);
	chmod(path, 0620);
	is_not_read("others may write to it");
	chmod(path, 0602);
	is_not_read("others may write to it");
	chmod(path, 0600);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 1234, 0), 0);
		is_not_read("it belongs to another user");
	}
	unlink(path);
	is_not_read(NULL);
	assert_int_equal(mkdir(path, 0700), 0);
	is_not_read("it is no plain file");
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	is_not_read("it is no plain file");
	unlink(path);
}

/* One's own is followed, another user's is not, whatever it leads to. */
static void test_links(void **state)
{
	char said[512];
	struct options options;
	struct parse parse = { .options = &options };

	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	is_not_read("it is no plain file");
	if (geteuid() == 0) {
		assert_int_equal(lchown(path, 1234, 0), 0);
		is_not_read("Operation not permitted");
	}
	unlink(path);
	option_defaults(&options);
	assert_int_equal(symlink("/proc/version", path), 0); /* root's, and no option */
	assert_int_equal(take(&parse, said), 2);
	unlink(path);
	options_fini(&options);
	assert_int_equal(symlink("/proc/self/mem", path), 0); /* its first byte cannot be read */
	is_not_read(geteuid() == 0 ? "Input/output error" : NULL);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	    cmocka_unit_test(test_command_line_counts),
		cmocka_unit_test(test_wrong_lines), cmocka_unit_test(test_not_read),
		cmocka_unit_test(test_links),
	};

	close(mkstemp(path));
	return cmocka_run_group_tests(tests, NULL, NULL);
}

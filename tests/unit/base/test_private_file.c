/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs may be written to some files; those that are refused are not touched. */
#include "base/private_file.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OTHER 65534

static char folder[] = "/tmp/hark-private-XXXXXX";

static const char *at(const char *name)
{
	static char paths[4][128];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void file_write(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* The size and the mode, as "3 644". */
static void assert_file(const char *path, const char *expected)
{
	char text[32] = "none";
	struct stat st;

	if (stat(path, &st) == 0)
		snprintf(text, sizeof(text), "%lld %o", (long long)st.st_size, st.st_mode & 07777);
	assert_string_equal(text, expected);
}

static void assert_taken(const char *path)
{
	int fd = private_file_open(path);

	assert_true(fd >= 0);
	close(fd);
	assert_file(path, "0 600");
}

static int set_up(void **state)
{
	(void)state;
	umask(022);
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[80];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void test_files_of_ours(void **state)
{
	(void)state;
	assert_taken(at("new"));
	file_write(at("old"), "old", 0666);
	assert_taken(at("old"));
	assert_int_equal(chdir(folder), 0);
	assert_taken("here");
	assert_taken("./../../tmp/../proc/self/cwd/there");
	assert_int_equal(chdir("/"), 0);
	assert_file(at("there"), "0 600");
}

/* A lock is let go with the last of its descriptors. */
static void test_written_to_or_read_already(void **state)
{
	int fd = private_file_open(at("once")), reader;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "first", 5), 5);
	assert_int_equal(private_file_open(at("once")), -EBUSY);
	close(fd);
	reader = open(at("once"), O_RDONLY);
	assert_int_equal(flock(reader, LOCK_SH), 0);
	assert_int_equal(private_file_open(at("once")), -EBUSY);
	assert_file(at("once"), "5 600");
	close(reader);
	assert_taken(at("once"));
}

/* What a file holds stays; the rest is as of one that is written anew. */
static void test_a_file_that_goes_on(void **state)
{
	int fd;

	(void)state;
	file_write(at("goes-on"), "held", 0666);
	fd = private_file_keep(at("goes-on"));
	assert_true(fd >= 0);
	assert_file(at("goes-on"), "4 600");
	assert_int_equal(private_file_keep(at("goes-on")), -EBUSY);
	close(fd);
	assert_int_equal(symlink(at("goes-on"), at("goes-on-link")), 0);
	assert_int_equal(private_file_keep(at("goes-on-link")), -ELOOP);
	assert_int_equal(private_file_keep("/dev/null"), -ENOTTY);
	assert_int_equal(private_file_keep("/dev/stdout"), -ENOTTY);
}

/* nobody may write to it, by an entry of its own; the mode shows it as the group's right. */
static void test_folder_with_a_list_of_rights(void **state)
{
	static const struct {
		uint32_t version;
		struct {
			uint16_t tag, rights;
			uint32_t id;
		} entries[5];
	} list = { 2,
		   { { 1, 7, UINT32_MAX },
		     { 2, 7, OTHER },
		     { 4, 5, UINT32_MAX },
		     { 0x10, 7, UINT32_MAX },
		     { 0x20, 5, UINT32_MAX } } };

	(void)state;
	assert_int_equal(mkdir(at("list"), 0755), 0);
	if (setxattr(at("list"), "system.posix_acl_access", &list, sizeof(list), 0) < 0)
		skip(); /* this file system has none */
	assert_int_equal(private_file_open(at("list/x")), -PRIVATE_FILE_EXPOSED);
	assert_file(at("list/x"), "none");
}

static void test_hard_links(void **state)
{
	(void)state;
	file_write(at("linked"), "old", 0644);
	assert_int_equal(link(at("linked"), at("second")), 0);
	assert_int_equal(private_file_open(at("linked")), -EMLINK);
	assert_file(at("second"), "3 644");
	assert_non_null(strstr(private_file_error(-EMLINK), "hard links"));
	assert_int_equal(unlink(at("second")), 0);
	assert_taken(at("linked"));
}

/* With a reader the opening would not even wait. */
static void test_fifo(void **state)
{
	const char *path = at("fifo");
	char byte;
	int reader;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(private_file_open(path), -ESPIPE);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(private_file_open(path), -ESPIPE);
	assert_int_equal(read(reader, &byte, 1), 0);
	close(reader);
	assert_non_null(strstr(private_file_error(ESPIPE), "FIFO"));
}

static void test_other_kinds(void **state)
{
	(void)state;
	assert_int_equal(private_file_open(folder), -EISDIR);
	assert_int_equal(private_file_open(at("none/x")), -ENOENT);
	assert_int_equal(symlink(at("old"), at("link")), 0);
	assert_int_equal(private_file_open(at("link")), -ELOOP);
	assert_int_equal(private_file_open(""), -EISDIR);
}

static void assert_device(const char *path)
{
	struct stat before, after;
	int fd;

	assert_int_equal(stat(path, &before), 0);
	fd = private_file_open(path);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_WRONLY);
	close(fd);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_mode, after.st_mode);
}

static void test_devices(void **state)
{
	(void)state;
	assert_device("/dev/null");
	assert_device("/dev/full");
}

/* A pipe of the shell's; what was appended to stays. */
static void test_descriptors_that_were_given(void **state)
{
	char path[32], byte;
	int ends[2], fd;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
	fd = private_file_open(path);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	assert_int_equal(private_file_open(path), -EBADF); /* the reading end */
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(private_file_open("/dev/fd/999"), -EBADF);
	fd = private_file_open("/dev/stdout");
	assert_true(fd > 2);
	close(fd);
}

static void test_folders_that_others_write_to(void **state)
{
	static const struct {
		mode_t mode;
		int expected;
	} rows[] = {
		{ 0755, 0 },  { 0777, -PRIVATE_FILE_EXPOSED }, { 01777, 0 }, { 0757, -PRIVATE_FILE_EXPOSED },
		{ 01757, 0 },
	};

	(void)state;
	assert_int_equal(mkdir(at("wide"), 0755), 0);
	assert_int_equal(mkdir(at("wide/deep"), 0755), 0);
	assert_int_equal(symlink(at("wide"), at("way")), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd;

		assert_int_equal(chmod(at("wide"), rows[i].mode), 0);
		file_write(at("wide/deep/out"), "old", 0644);
		fd = private_file_open(at("way/deep/out"));
		assert_int_equal(fd < 0 ? fd : 0, rows[i].expected);
		assert_file(at("wide/deep/out"), fd < 0 ? "3 644" : "0 600");
		if (fd >= 0)
			close(fd);
	}
}

static void test_what_belongs_to_others(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	file_write(at("theirs"), "old", 0666);
	assert_int_equal(chown(at("theirs"), OTHER, OTHER), 0);
	assert_int_equal(private_file_open(at("theirs")), -EPERM);
	assert_file(at("theirs"), "3 666");
	assert_int_equal(mkdir(at("home"), 0755), 0);
	assert_int_equal(chown(at("home"), OTHER, OTHER), 0);
	assert_int_equal(private_file_open(at("home/out")), -PRIVATE_FILE_EXPOSED);
	assert_file(at("home/out"), "none");
	assert_int_equal(lchown(at("way"), OTHER, OTHER), 0);
	assert_int_equal(private_file_open(at("way/out")), -PRIVATE_FILE_EXPOSED);
	assert_int_equal(setenv("SUDO_UID", "65534", 1), 0); /* who typed sudo may name their own */
	assert_taken(at("home/out"));
	assert_int_equal(unsetenv("SUDO_UID"), 0);
	assert_int_equal(chmod(at("home"), 0770), 0);
	assert_int_equal(chown(at("home"), 0, OTHER), 0); /* a group with others in it */
	assert_int_equal(private_file_open(at("home/out2")), -PRIVATE_FILE_EXPOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_of_ours),
		cmocka_unit_test(test_written_to_or_read_already),
		cmocka_unit_test(test_a_file_that_goes_on),
		cmocka_unit_test(test_folder_with_a_list_of_rights),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_descriptors_that_were_given),
		cmocka_unit_test(test_folders_that_others_write_to),
		cmocka_unit_test(test_what_belongs_to_others),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

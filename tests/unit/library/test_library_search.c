/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of agent/library/library_search.c with processes of its own. Where the kernel
 * refuses perf events to this user the watch's refusal is tested in its place.
 */
#include "elf_build.h"
#include "library/libraries.h"
#include "library/library_search.h"
#include "library/locations.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define REPORTS_MAX 256

static const struct build_function tls_functions[] = {
	{ "SSL_read", "55 c3" },
	{ "SSL_write", "55 c3" },
	{ NULL, NULL },
};

static const struct build_function read_only_functions[] = {
	{ "SSL_read", "55 c3" },
	{ NULL, NULL },
};

struct report {
	dev_t device;
	ino_t inode;
	uint32_t pid;
	char path[PATH_MAX];
};

struct reports {
	struct report items[REPORTS_MAX];
	size_t count;
};

static void report_take(void *ctx, const struct library_found *found, int fd, const char *path, uint32_t pid)
{
	struct reports *reports = ctx;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_not_equal(found->row->number, 0); /* others on the machine have other libraries */
	if (reports->count == REPORTS_MAX)
		return;
	reports->items[reports->count] = (struct report){ st.st_dev, st.st_ino, pid, "" };
	snprintf(reports->items[reports->count++].path, PATH_MAX, "%s", path);
}

static size_t reports_of(const struct reports *reports, const struct stat *st)
{
	size_t count = 0;

	for (size_t i = 0; i < reports->count; i++)
		count += reports->items[i].device == st->st_dev && reports->items[i].inode == st->st_ino;
	return count;
}

struct fixture {
	char folder[64], path[128];
	struct stat st;
	struct reports reports;
	struct library_search *search;
	pid_t child;
	int say[2], hear[2]; /* to the child, from the child */
};

static void file_write(struct fixture *fixture, const struct build_function *functions)
{
	struct build_image image;
	int fd;

	build_fill(&image, EM_X86_64, functions);
	fd = open(fixture->path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, image.bytes, sizeof(image.bytes)), sizeof(image.bytes));
	assert_int_equal(fstat(fd, &fixture->st), 0);
	close(fd);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	strcpy(fixture->folder, "/tmp/hark-library-search-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/some library.so", fixture->folder);
	file_write(fixture, tls_functions);
	fixture->search = library_search_new(report_take, &fixture->reports);
	assert_non_null(fixture->search);
	*state = fixture;
	return 0;
}

static void child_end(struct fixture *fixture)
{
	if (!fixture->child)
		return;
	close(fixture->say[1]);
	close(fixture->hear[0]);
	assert_int_equal(waitpid(fixture->child, NULL, 0), fixture->child);
	fixture->child = 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	child_end(fixture);
	library_search_free(fixture->search);
	library_search_free(NULL);
	unlink(fixture->path);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

/* The child: maps the file once it is told to, says so, and stays until the parent hangs up. */
static void child_main(const struct fixture *fixture)
{
	char byte;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(fixture->say[1]);
	close(fixture->hear[0]);
	if (read(fixture->say[0], &byte, 1) != 1)
		_exit(1);
	fd = open(fixture->path, O_RDONLY);
	if (mmap(NULL, BUILD_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		_exit(1);
	if (write(fixture->hear[1], "m", 1) != 1 || read(fixture->say[0], &byte, 1) != 0)
		_exit(1);
	_exit(0);
}

static void child_start(struct fixture *fixture)
{
	assert_int_equal(pipe2(fixture->say, O_CLOEXEC), 0);
	assert_int_equal(pipe2(fixture->hear, O_CLOEXEC), 0);
	fixture->child = fork();
	assert_true(fixture->child >= 0);
	if (!fixture->child)
		child_main(fixture);
	close(fixture->say[0]);
	close(fixture->hear[1]);
}

static void child_map(struct fixture *fixture)
{
	char byte;

	assert_int_equal(write(fixture->say[1], "g", 1), 1);
	assert_int_equal(read(fixture->hear[0], &byte, 1), 1);
}

static void test_scan_pid_reports_once(void **state)
{
	struct fixture *fixture = *state;
	const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };

	child_start(fixture);
	assert_int_equal(library_search_scan_pid(fixture->search, (uint32_t)fixture->child), 0);
	assert_int_equal(reports_of(&fixture->reports, &fixture->st), 0);
	child_map(fixture);
	assert_int_equal(library_search_scan_pid(fixture->search, (uint32_t)fixture->child), 0);
	assert_int_equal(reports_of(&fixture->reports, &fixture->st), 1);
	assert_int_equal(fixture->reports.items[fixture->reports.count - 1].pid, fixture->child);
	assert_string_equal(fixture->reports.items[fixture->reports.count - 1].path, fixture->path);

	/* Neither a second look nor another time of change makes it another library. */
	assert_int_equal(utimensat(AT_FDCWD, fixture->path, times, 0), 0);
	assert_int_equal(library_search_scan_pid(fixture->search, (uint32_t)fixture->child), 0);
	assert_int_equal(library_search_scan(fixture->search), 0);
	assert_int_equal(reports_of(&fixture->reports, &fixture->st), 1);
}

static void test_scan_finds_system_libraries_and_processes(void **state)
{
	struct fixture *fixture = *state;
	size_t cached = 0;

	child_start(fixture);
	child_map(fixture);
	assert_int_equal(library_search_scan(fixture->search), 0);
	assert_int_equal(reports_of(&fixture->reports, &fixture->st), 1);
	for (size_t i = 0; i < fixture->reports.count; i++)
		cached += fixture->reports.items[i].pid == 0;
	assert_true(cached >= 1); /* libssl is installed where this test is built */
}

static void test_what_was_found_ahead_is_reported_once(void **state)
{
	struct fixture *fixture = *state;

	child_start(fixture);
	child_map(fixture);
	library_search_begin(fixture->search, fixture->path);
	assert_int_equal(fixture->reports.count, 0); /* by nobody else than the caller */
	assert_int_equal(library_search_finish(fixture->search), 0);
	assert_int_equal(reports_of(&fixture->reports, &fixture->st), 1);
	assert_string_equal(fixture->reports.items[0].path, fixture->path); /* the first of all */
	assert_int_equal(fixture->reports.items[0].pid, 0);
	assert_int_equal(library_search_scan(fixture->search), 0);
	assert_int_equal(reports_of(&fixture->reports, &fixture->st), 1);
}

/* In a search that is freed, whatever it does at that moment. */
static void test_what_was_found_ahead_is_not_wanted(void **state)
{
	struct fixture *fixture = *state;

	library_search_begin(fixture->search, fixture->path);
	library_search_free(fixture->search);
	assert_int_equal(fixture->reports.count, 0);
	fixture->search = library_search_new(report_take, &fixture->reports);
	assert_non_null(fixture->search);
}

/* Ahead only so many files are kept open. */
static void test_more_libraries_than_are_kept_open(void **state)
{
	struct fixture *fixture = *state;
	struct stat found[80];
	size_t count = sizeof(found) / sizeof(found[0]);
	void *mapped[80];

	for (size_t i = 0; i < count; i++) {
		file_write(fixture, tls_functions);
		found[i] = fixture->st;
		int fd = open(fixture->path, O_RDONLY | O_CLOEXEC);

		mapped[i] = mmap(NULL, BUILD_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		assert_ptr_not_equal(mapped[i], MAP_FAILED);
		close(fd);
		unlink(fixture->path);
	}
	library_search_begin(fixture->search, NULL);
	assert_int_equal(library_search_finish(fixture->search), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(reports_of(&fixture->reports, &found[i]), 1);
		munmap(mapped[i], BUILD_SIZE);
	}
}

static void test_a_file_without_both_functions_is_none(void **state)
{
	struct fixture *fixture = *state;

	file_write(fixture, read_only_functions);
	child_start(fixture);
	child_map(fixture);
	assert_int_equal(library_search_scan_pid(fixture->search, (uint32_t)fixture->child), 0);
	assert_int_equal(reports_of(&fixture->reports, &fixture->st), 0);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_watch_reports_a_new_mapping(void **state)
{
	struct fixture *fixture = *state;
	int64_t end;
	int fd = library_search_watch(fixture->search);

	library_search_watch_read(fixture->search); /* with nothing there, or no watch at all */
	child_start(fixture);
	child_map(fixture);
	if (fd < 0) {
		assert_true(fd == -EACCES || fd == -EPERM);
		assert_int_equal(library_search_scan_pid(fixture->search, (uint32_t)fixture->child), 0);
		assert_int_equal(reports_of(&fixture->reports, &fixture->st), 1);
		return;
	}
	assert_int_equal(library_search_watch(fixture->search), fd); /* asked again: the same */
	end = now_ms() + 1000;
	while (now_ms() < end && !reports_of(&fixture->reports, &fixture->st)) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };

		if (poll(&ready, 1, 100) > 0)
			library_search_watch_read(fixture->search);
	}
	assert_int_equal(reports_of(&fixture->reports, &fixture->st), 1);
}

/* More mappings than the rings hold: the watch notices and looks through everything. */
static void test_watch_survives_a_full_ring(void **state)
{
	struct fixture *fixture = *state;
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd = library_search_watch(fixture->search);

	assert_true(self >= 0);
	assert_true(fd >= 0 || fd == -EACCES || fd == -EPERM);
	for (int i = 0; i < 4000; i++) {
		void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0);

		assert_ptr_not_equal(page, MAP_FAILED);
		munmap(page, 4096);
	}
	close(self);
	child_start(fixture);
	child_map(fixture);
	library_search_watch_read(fixture->search);
	if (fd < 0)
		assert_int_equal(library_search_scan(fixture->search), 0);
	assert_int_equal(reports_of(&fixture->reports, &fixture->st), 1);
}

static void test_no_such_process(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(library_search_scan_pid(fixture->search, 0), -ESRCH);
	assert_int_equal(library_search_scan_pid(fixture->search, UINT32_MAX), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scan_pid_reports_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scan_finds_system_libraries_and_processes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_was_found_ahead_is_reported_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_was_found_ahead_is_not_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_libraries_than_are_kept_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_without_both_functions_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch_reports_a_new_mapping, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch_survives_a_full_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_such_process, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

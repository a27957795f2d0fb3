/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/proc_maps.c on this very process. */
#include "library/proc_maps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

struct search {
	uint64_t address;
	struct mapping found;
	char path[4096];
	size_t count;
};

static bool search_mapping(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	struct search *search = ctx;

	assert_int_equal(pid, getpid());
	search->count++;
	if (search->address < mapping->start || search->address >= mapping->end)
		return true;
	snprintf(search->path, sizeof(search->path), "%s", mapping->path);
	search->found = *mapping;
	search->found.path = search->path;
	return false;
}

static uint32_t self(void)
{
	return (uint32_t)getpid();
}

static void test_own_code_leads_to_the_executable(void **state)
{
	struct search search = { .address = (uintptr_t)test_own_code_leads_to_the_executable };
	struct stat exe, st;
	int fd;

	(void)state;
	assert_int_equal(stat("/proc/self/exe", &exe), 0);
	assert_int_equal(proc_maps_each(self(), search_mapping, &search), 0);
	assert_true(search.found.start != 0);
	fd = proc_mapping_open(self(), &search.found, &st);
	assert_true(fd >= 0);
	assert_true(st.st_dev == exe.st_dev && st.st_ino == exe.st_ino);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	assert_int_equal(proc_mapping_stat(self(), &search.found, &st), 0);
	assert_true(st.st_dev == exe.st_dev && st.st_ino == exe.st_ino);
}

/* Whatever a program may call its file; with and without the right to execute; and after it is deleted. */
static void test_odd_names(void **state)
{
	char path[] = "/tmp/hark maps => (x) XXXXXX", moved[64];
	int fd = mkstemp(path);
	struct search search = { 0 };
	struct stat st, now;
	void *data, *code;

	(void)state;
	assert_true(fd >= 0);
	snprintf(moved, sizeof(moved), "%s.moved", path);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(fstat(fd, &st), 0);
	data = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_true(data != MAP_FAILED && code != MAP_FAILED);

	search.address = (uintptr_t)data;
	assert_int_equal(proc_maps_each(self(), search_mapping, &search), 0);
	assert_true(search.found.start == 0 || search.found.start > (uintptr_t)data);

	search = (struct search){ .address = (uintptr_t)code };
	assert_int_equal(proc_maps_each(self(), search_mapping, &search), 0);
	assert_string_equal(search.found.path, path);
	assert_int_equal(search.found.end - search.found.start, 4096);
	assert_int_equal(proc_mapping_stat(self(), &search.found, &now), 0);
	assert_int_equal(now.st_ino, st.st_ino);

	assert_int_equal(now.st_dev, st.st_dev);

	/* Another file comes to stand there. */
	assert_int_equal(rename(path, moved), 0);
	close(open(path, O_CREAT | O_EXCL | O_WRONLY, 0600));
	if (!access("/proc/self/map_files", X_OK) && geteuid() == 0) {
		assert_int_equal(proc_mapping_stat(self(), &search.found, &now), 0);
		assert_int_equal(now.st_ino, st.st_ino);
	} else {
		assert_int_equal(proc_mapping_stat(self(), &search.found, &now), -ESTALE);
	}
	unlink(moved);
	unlink(path);
	if (!access("/proc/self/map_files", X_OK) && geteuid() == 0)
		assert_int_equal(proc_mapping_stat(self(), &search.found, &now), 0);
	munmap(data, 4096);
	munmap(code, 4096);
	close(fd);
	assert_true(proc_mapping_open(self(), &search.found, &now) <
		    0); /* gone: no other file in its place */
}

static bool count_pid(void *ctx, uint32_t pid)
{
	*(size_t *)ctx += pid == self();
	return true;
}

static bool stop_at_once(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	(void)pid, (void)mapping;
	++*(size_t *)ctx;
	return false;
}

static void test_walks(void **state)
{
	size_t found = 0, calls = 0;

	(void)state;
	assert_int_equal(proc_each(count_pid, &found), 0);
	assert_int_equal(found, 1);
	assert_int_equal(proc_maps_each(self(), stop_at_once, &calls), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(proc_maps_each(UINT32_MAX, stop_at_once, &calls), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_code_leads_to_the_executable),
		cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

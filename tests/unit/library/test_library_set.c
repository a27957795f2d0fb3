/* SPDX-License-Identifier: Apache-2.0 */
/* Users of a library, and when there are none. Where other users' processes cannot be looked at nothing is
 * unused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "library/library_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	struct library_set set;
	char path[64];
	int fd;
	struct library *library;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct file_identity identity;
	struct stat st;

	assert_non_null(fixture);
	strcpy(fixture->path, "/tmp/hark-library-XXXXXX");
	fixture->fd = mkstemp(fixture->path);
	assert_true(fixture->fd >= 0);
	assert_int_equal(ftruncate(fixture->fd, 4096), 0);
	assert_int_equal(fstat(fixture->fd, &st), 0);
	identity = file_identity_of(fixture->fd, &st);
	assert_null(library_find(&fixture->set, &identity));
	fixture->library = library_add(&fixture->set, &identity, fixture->path);
	assert_ptr_equal(library_find(&fixture->set, &identity), fixture->library);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	library_set_fini(&fixture->set);
	close(fixture->fd);
	unlink(fixture->path);
	free(fixture);
	return 0;
}

static void *map(const struct fixture *fixture)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fixture->fd, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	return page;
}

static void look(struct fixture *fixture)
{
	assert_int_equal(library_set_look(&fixture->set), 0);
}

static void test_in_place_stays(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 3; i++)
		look(fixture);
	assert_false(library_is_unused(fixture->library));
}

static void test_deleted_goes_with_its_last_user(void **state)
{
	struct fixture *fixture = *state;
	void *page = map(fixture);

	unlink(fixture->path);
	for (int i = 0; i < 3; i++)
		look(fixture);
	assert_false(library_is_unused(fixture->library));
	munmap(page, 4096);
	look(fixture);
	assert_false(library_is_unused(fixture->library)); /* once is not enough */
	look(fixture);
	assert_true(library_is_unused(fixture->library));
	library_used(fixture->library, 1, 0);
	assert_false(library_is_unused(fixture->library));
}

/* A forked child maps what its parent does, and no record tells of that. */
static void test_users_take_turns(void **state)
{
	struct fixture *fixture = *state;
	void *page = map(fixture);
	pid_t child;

	unlink(fixture->path);
	library_used(fixture->library, (uint32_t)getpid(), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	munmap(page, 4096);
	for (int i = 0; i < 3; i++) {
		look(fixture);
		assert_int_equal(fixture->library->user, child);
	}
	assert_false(library_is_unused(fixture->library));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	look(fixture);
	look(fixture);
	assert_true(library_is_unused(fixture->library));
}

/* Where some may not be looked at (here, or everywhere but for root) what they may map stays. */
static void test_hidden_users(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/proc/1/maps", O_RDONLY | O_CLOEXEC);
	bool blind = fd < 0;

	close(fd);
	unlink(fixture->path);
	library_set_hidden(&fixture->set, fixture->library->identity.inode + 1);
	assert_false(fixture->library->hidden);
	library_set_hidden(&fixture->set, fixture->library->identity.inode);
	assert_true(fixture->library->hidden);
	look(fixture);
	look(fixture);
	assert_int_equal(library_is_unused(fixture->library), !blind);
}

/* Another file where it lay: nobody finds it there any more. */
static void test_replaced(void **state)
{
	struct fixture *fixture = *state;
	int fd;

	unlink(fixture->path);
	fd = open(fixture->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	look(fixture);
	look(fixture);
	assert_true(library_is_unused(fixture->library));
	close(fd);
}

static void test_full(void **state)
{
	struct fixture *fixture = *state;
	struct file_identity identity = fixture->library->identity;
	size_t count = 1;

	while (identity.inode++, library_add(&fixture->set, &identity, "/nowhere"))
		count++;
	assert_int_equal(count, 512);
	look(fixture);
	look(fixture);
	assert_true(library_is_unused(fixture->library)); /* in place, but there is no room */
	library_remove(&fixture->set, fixture->set.first);
	assert_non_null(library_add(&fixture->set, &identity, "/nowhere"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_place_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deleted_goes_with_its_last_user, setup, teardown),
		cmocka_unit_test_setup_teardown(test_users_take_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hidden_users, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/run/pid_watch.c with children of this test. */
#include "run/pid_watch.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t child_start(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	assert_true(pid > 0);
	return (uint32_t)pid;
}

/* Not reaped: the number stays taken until the test is over. */
static void child_end(uint32_t pid)
{
	siginfo_t info;

	assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
}

static bool readable(const struct pid_watch *watch, int timeout_ms)
{
	struct pollfd fd = { .fd = pid_watch_fd(watch), .events = POLLIN };

	return poll(&fd, 1, timeout_ms) > 0;
}

static void test_ends_are_told_one_by_one(void **state)
{
	uint32_t pids[3] = { child_start(), child_start(), 0 };
	struct pid_watch *watch;

	(void)state;
	pids[2] = pids[0]; /* twice is once */
	watch = pid_watch_new(pids, 3);
	assert_non_null(watch);
	assert_false(readable(watch, 0));
	assert_false(pid_watch_read(watch));
	child_end(pids[0]);
	assert_true(readable(watch, 10000));
	assert_false(pid_watch_read(watch));
	assert_false(readable(watch, 0));
	child_end(pids[1]);
	assert_true(readable(watch, 10000));
	assert_true(pid_watch_read(watch));
	assert_true(pid_watch_read(watch));
	pid_watch_free(watch);
	waitpid((pid_t)pids[0], NULL, 0);
	waitpid((pid_t)pids[1], NULL, 0);
}

static void test_children_that_are_left_out(void **state)
{
	uint32_t pids[2] = { (uint32_t)getpid(), child_start() }, other;
	struct pid_watch *watch;

	(void)state;
	watch = pid_watch_new(pids, 2);
	assert_non_null(watch);
	assert_int_equal(pid_watch_tell_children(watch), 0);
	other = child_start();
	assert_int_equal(pid_watch_tell_children(watch), 1);
	assert_int_equal(pid_watch_tell_children(watch), 0); /* said */
	child_end(other);
	child_end(pids[1]);
	pid_watch_free(watch);
	waitpid((pid_t)other, NULL, 0);
	waitpid((pid_t)pids[1], NULL, 0);
}

static void test_there_is_none(void **state)
{
	uint32_t pids[2] = { (uint32_t)getpid(), INT32_MAX };

	(void)state;
	errno = 0;
	assert_null(pid_watch_new(pids, 2));
	assert_int_equal(errno, ESRCH);
	pid_watch_free(NULL);
}

static pthread_barrier_t barrier;

static void *thread_run(void *ctx)
{
	*(uint32_t *)ctx = (uint32_t)syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void test_a_thread_is_no_process(void **state)
{
	pthread_t thread;
	uint32_t tid = 0;

	(void)state;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, thread_run, &tid), 0);
	pthread_barrier_wait(&barrier);
	errno = 0;
	assert_null(pid_watch_new(&tid, 1));
	assert_int_equal(errno, EINVAL);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_are_told_one_by_one),
		cmocka_unit_test(test_children_that_are_left_out),
		cmocka_unit_test(test_there_is_none),
		cmocka_unit_test(test_a_thread_is_no_process),
	};

	log_level = LOG_QUIET;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

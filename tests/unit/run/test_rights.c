/* SPDX-License-Identifier: Apache-2.0 */
/* The powers left to a hark that gave up its rights, each in a process of its own. */
#include "run/rights.h"

#include "base/call_filter.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFUSED ENOSYS

static int result(long value)
{
	return value < 0 ? errno : 0;
}

static int read_file(void)
{
	char text[16];
	int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : result(read(fd, text, sizeof(text)));
}

static int write_file(void)
{
	return result(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static int make_file(void)
{
	return result(open("/tmp/hark-rights-none", O_RDONLY | O_CREAT, 0600));
}

static int allocate(void)
{
	void *large = malloc(64 << 20);
	int error = large ? 0 : ENOMEM;

	free(large);
	return error;
}

static int write_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? errno
		       : 0;
}

static int type_into_terminal(void)
{
	return result(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int connect_out(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int signal_others(void)
{
	return result(kill(getppid(), 0));
}

static int signal_itself(void)
{
	return result(kill(getpid(), 0));
}

static int become(void)
{
	return result(setuid(getuid()));
}

static int fork_again(void)
{
	return result(fork());
}

static void *nothing(void *ctx)
{
	return ctx;
}

static int start_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);

	return error ? error : pthread_join(thread, NULL);
}

static int execute(void)
{
	char *argv[] = { "true", NULL };

	return result(execv("/bin/true", argv));
}

static int trace(void)
{
	return result(syscall(SYS_ptrace, 0, 0, 0, 0));
}

/* Without a map: what is asked is whether the kernel was reached. */
static int bpf_command(int command)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)-1;
	return syscall(SYS_bpf, command, &attr, sizeof(attr)) < 0 && errno == REFUSED ? REFUSED : 0;
}

static int bpf_look(void)
{
	return bpf_command(BPF_MAP_LOOKUP_ELEM);
}

static int bpf_load(void)
{
	return bpf_command(BPF_PROG_LOAD);
}

static int bpf_map(void)
{
	return bpf_command(BPF_MAP_CREATE);
}

static int perf_event(void)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };

	return syscall(SYS_perf_event_open, &attr, -1, -1, -1, 0) < 0 && errno == REFUSED ? REFUSED : 0;
}

static const struct {
	const char *name;
	int (*act)(void);
	int replay, live, old; /* what it gives: an errno, or the signal that ended it, negated */
} rows[] = {
	{ "read a file", read_file, 0, 0, 0 },
	{ "write to a file", write_file, REFUSED, REFUSED, REFUSED },
	{ "make a file", make_file, REFUSED, REFUSED, REFUSED },
	{ "allocate", allocate, 0, 0, 0 },
	{ "write code", write_code, REFUSED, REFUSED, REFUSED },
	{ "type into the terminal", type_into_terminal, REFUSED, REFUSED, REFUSED },
	{ "connect", connect_out, REFUSED, REFUSED, REFUSED },
	{ "signal others", signal_others, REFUSED, REFUSED, REFUSED },
	{ "signal itself", signal_itself, 0, 0, 0 },
	{ "become another", become, REFUSED, REFUSED, REFUSED },
	{ "fork", fork_again, REFUSED, REFUSED, REFUSED },
	{ "start a thread", start_thread, 0, 0, 0 },
	{ "execute", execute, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "trace", trace, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "look into a map", bpf_look, REFUSED, 0, 0 },
	{ "load a program", bpf_load, REFUSED, REFUSED, REFUSED },
	{ "make a map", bpf_map, REFUSED, REFUSED, REFUSED },
	{ "open a perf event", perf_event, REFUSED, REFUSED, 0 },
};

static int run_apart(const struct rights_config *config, int (*act)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		rights_drop(config);
		_exit(act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_system_calls(void **state)
{
	const struct rights_config replay = { .capture = false }, live = { .capture = true },
				   old = { .capture = true, .perf = true };
	size_t wrong = 0;

	(void)state;
	if (!call_filter_supported())
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int got[] = { run_apart(&replay, rows[i].act), run_apart(&live, rows[i].act),
			      run_apart(&old, rows[i].act) };

		if (got[0] == rows[i].replay && got[1] == rows[i].live && got[2] == rows[i].old)
			continue;
		print_error("%s: %d %d %d\n", rows[i].name, got[0], got[1], got[2]);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* Where an SQLite file is written, it is written in place, and none is opened or removed. */
static int write_in_place(void)
{
	return result(ftruncate(-1, 0)) == EBADF && result(pwrite(-1, "x", 1, 0)) == EBADF &&
			       result(fsync(-1)) == EBADF && result(fdatasync(-1)) == EBADF
		       ? 0
		       : REFUSED;
}

static int remove_file(void)
{
	return result(unlink("/tmp/hark-rights-none"));
}

static void test_a_database_is_written_in_place(void **state)
{
	const struct rights_config with = { .capture = true, .in_place = true },
				   without = { .capture = true };

	(void)state;
	if (!call_filter_supported())
		skip();
	assert_int_equal(run_apart(&with, write_in_place), 0);
	assert_int_equal(run_apart(&without, write_in_place), REFUSED);
	assert_int_equal(run_apart(&with, write_file), REFUSED);
	assert_int_equal(run_apart(&with, remove_file), REFUSED);
	assert_int_equal(run_apart(&with, connect_out), REFUSED);
}

static int listen_on_loopback(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
	return fd;
}

static int listener, pair[2];
static struct sockaddr_in elsewhere;

static int send_message(void)
{
	struct iovec part = { .iov_base = "x", .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	return result(sendmsg(pair[0], &message, MSG_NOSIGNAL));
}

/* What listened is shut down, and would be connected by its first bytes. */
static int connect_by_fast_open(void)
{
	struct iovec part = { .iov_base = "x", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_name = &elsewhere, .msg_namelen = sizeof(elsewhere)
	};

	if (shutdown(listener, SHUT_RDWR) < 0)
		return errno;
	return result(sendmsg(listener, &message, MSG_FASTOPEN | MSG_NOSIGNAL));
}

static void test_who_serves_connects_nowhere(void **state)
{
	const struct rights_config config = { .listen = true };
	struct sockaddr_in own;
	int other;

	(void)state;
	if (!call_filter_supported())
		skip();
	listener = listen_on_loopback(&own);
	other = listen_on_loopback(&elsewhere);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(run_apart(&config, send_message), 0);
	assert_int_equal(run_apart(&config, connect_by_fast_open), REFUSED);
	assert_int_equal(run_apart(&config, connect_out), REFUSED);
	close(listener);
	close(other);
	close(pair[0]);
	close(pair[1]);
}

/* The command is signalled, nobody else. */
static int signal_parent(void)
{
	return result(kill(getppid(), 0));
}

static void test_the_command_is_signalled(void **state)
{
	const struct rights_config config = { .capture = true, .child = getpid() };

	(void)state;
	assert_int_equal(run_apart(&config, signal_parent), 0);
}

/* "NoNewPrivs 1 CapEff 0 CapPrm 0 CapBnd 0", exit status 1: something else. */
static int nothing_left(void)
{
	static const char *const expected[] = { "NoNewPrivs:\t1", "CapEff:\t0000000000000000",
						"CapPrm:\t0000000000000000", "CapInh:\t0000000000000000" };
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	size_t found = 0;

	while (file && fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
			found += strncmp(line, expected[i], strlen(expected[i])) == 0;
	return found == sizeof(expected) / sizeof(expected[0]) ? 0 : 1;
}

static void test_a_replay_keeps_no_capability(void **state)
{
	const struct rights_config config = { .capture = false };

	(void)state;
	assert_int_equal(run_apart(&config, nothing_left), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_system_calls),
					    cmocka_unit_test(test_a_database_is_written_in_place),
					    cmocka_unit_test(test_who_serves_connects_nowhere),
					    cmocka_unit_test(test_the_command_is_signalled),
					    cmocka_unit_test(test_a_replay_keeps_no_capability) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The exit statuses of a command that cannot be run are the shell's: 127 not found, 126 not executable. */
#include "child.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void child_run(int gate, char **argv)
{
	sigset_t none;
	char byte;
	int error;

	while (read(gate, &byte, 1) < 0 && errno == EINTR)
		;
	close(gate);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	error = errno;
	log_error("cannot run %s: %s", argv[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

int child_fork(struct child *child, char **argv)
{
	int gate[2];

	if (pipe2(gate, O_CLOEXEC) < 0)
		return -errno;
	child->pid = fork();
	if (child->pid < 0) {
		int error = -errno;

		log_error("cannot start %s: %s", argv[0], strerror(errno));
		close(gate[0]);
		close(gate[1]);
		child->pid = 0;
		return error;
	}
	if (child->pid == 0) {
		close(gate[1]);
		child_run(gate[0], argv);
	}
	close(gate[0]);
	child->gate = gate[1];
	return 0;
}

void child_release(struct child *child)
{
	if (child->pid && child->gate >= 0)
		close(child->gate);
	child->gate = -1;
}

bool child_ended(struct child *child)
{
	int status;

	if (!child->pid || child->ended)
		return child->ended;
	if (waitpid(child->pid, &status, WNOHANG) != child->pid)
		return false;
	child->ended = true;
	child->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}

void child_signal(const struct child *child, int signal)
{
	if (child->pid && !child->ended)
		kill(child->pid, signal);
}

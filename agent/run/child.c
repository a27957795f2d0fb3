/* SPDX-License-Identifier: Apache-2.0 */
/* The exit statuses of a command that cannot be run are the shell's: 127 not found, 126 not executable. */
#include "child.h"

#include "base/log.h"
#include "run_as.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void child_exit(const char *command, int error, int status)
{
	log_error("cannot run %s: %s", command, strerror(error));
	_exit(status);
}

/*
 * Looking up groups may ask others on sockets; that lies before the gate, so that it is not taken for the
 * command's own. The gate's end without a byte means that hark is gone.
 */
static _Noreturn void child_run(int gate, char **argv, const struct run_as *who)
{
	sigset_t none;
	char byte;
	ssize_t got;
	int error = run_as_become(who);

	if (error)
		child_exit(argv[0], -error, 126);
	while ((got = read(gate, &byte, 1)) < 0 && errno == EINTR)
		;
	if (got != 1)
		_exit(1);
	close(gate);
	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	error = errno;
	child_exit(argv[0], error, error == ENOENT ? 127 : 126);
}

int child_fork(struct child *child, char **argv, const struct run_as *who)
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
		child_run(gate[0], argv, who);
	}
	close(gate[0]);
	child->gate = gate[1];
	return 0;
}

bool child_find(const char *name, char *out, size_t size)
{
	const char *folder = getenv("PATH");

	if (strchr(name, '/'))
		return (size_t)snprintf(out, size, "%s", name) < size;
	while (folder) {
		size_t len = strcspn(folder, ":");

		if ((size_t)snprintf(out, size, "%.*s/%s", len ? (int)len : 1, len ? folder : ".", name) <
			    size &&
		    access(out, X_OK) == 0)
			return true;
		folder = folder[len] ? folder + len + 1 : NULL;
	}
	return false;
}

void child_release(struct child *child)
{
	if (!child->pid || child->gate < 0)
		return;
	(void)!write(child->gate, "", 1); /* SIGPIPE is ignored: it may have ended already */
	close(child->gate);
	child->gate = -1;
}

void child_cancel(struct child *child)
{
	if (!child->pid || child->gate < 0)
		return;
	close(child->gate);
	child->gate = -1;
	if (!child->ended)
		waitpid(child->pid, NULL, 0);
	child->ended = true;
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

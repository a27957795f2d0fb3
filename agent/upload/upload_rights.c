/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left: to speak to the network, to look up names, to read files that
 * anybody may read (certificates, resolv.conf), and the pair. Nothing is listened
 * on, no file written, no program run.
 */
#include "upload_rights.h"

#include "base/call_filter.h"
#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOBODY		65534

static const int network[] = {
	SCMP_SYS(connect),     SCMP_SYS(bind),	     SCMP_SYS(sendto),	   SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),    SCMP_SYS(recvfrom),   SCMP_SYS(recvmsg),	   SCMP_SYS(shutdown),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getpeername),
	SCMP_SYS(socketpair),  SCMP_SYS(eventfd2),   SCMP_SYS(pipe2),	   SCMP_SYS(epoll_create1),
};

static int filter_load(void)
{
	/* The last one to ask for the machine's addresses, as looking up names does. */
	static const unsigned int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	static const unsigned int ioctls[] = { FIONBIO, FIONREAD };
	struct call_filter filter;

	call_filter_init(&filter);
	for (size_t i = 0; i < COUNT_OF(network); i++)
		call_filter_allow(&filter, network[i]);
	call_filter_allow_each(&filter, SCMP_SYS(socket), 0, families, COUNT_OF(families));
	call_filter_allow_each(&filter, SCMP_SYS(ioctl), 1, ioctls, COUNT_OF(ioctls));
	return call_filter_load(&filter);
}

/* Root's files are its own also without capabilities. Where the number is nobody's, root it stays. */
static void user_drop(void)
{
	if (geteuid() != 0 || setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		log_debug("the process that sends keeps its user");
}

void upload_rights_drop(pid_t hark)
{
	int error;

	for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
		(void)cap_drop_bound(cap); /* while it may */
	user_drop();
	/* What it was sent and what it sends with is no business of the user's other processes. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != hark)
		_exit(0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_warn("the process that sends cannot give up new privileges: %s", strerror(errno));
	error = caps_keep(NULL, NULL);
	if (error < 0)
		log_warn("the process that sends cannot give up capabilities: %s", strerror(-error));
	error = filter_load();
	if (error < 0)
		log_warn("system calls of the process that sends are not filtered: %s", strerror(-error));
}

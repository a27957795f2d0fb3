/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hark's filter allows besides what every process of hark's may do
 * (base/call_filter.h): the kernel takes no new BPF program, and nothing is typed
 * into the terminal.
 */
#include "rights.h"

#include "base/call_filter.h"
#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- capabilities ----------------------------------------------------------------------- */

/* New libraries are found and probed for as long as hark runs. */
static const cap_value_t capture_caps[] = {
	CAP_BPF,		/* links of new libraries; map entries on kernels before 5.18 */
	CAP_PERFMON,		/* uprobes */
	CAP_SYS_PTRACE,		/* /proc/PID/maps, exe and root of other users' processes */
	CAP_CHECKPOINT_RESTORE, /* /proc/PID/map_files, which name the very file that is mapped */
	CAP_DAC_READ_SEARCH,	/* programs in folders that are closed to root without it */
};

static bool is_kept(const void *ctx, cap_value_t cap)
{
	const struct rights_config *config = ctx;

	if (cap == CAP_KILL) /* the command runs as another user under sudo */
		return config->child != 0;
	if (cap == CAP_SYS_ADMIN) /* which those kernels ask for a uprobe by a perf event */
		return config->perf;
	for (size_t i = 0; config->capture && i < COUNT_OF(capture_caps); i++)
		if (capture_caps[i] == cap)
			return true;
	return false;
}

/* --- the filter ------------------------------------------------------------------------- */

/* A terminal's modes and size; TIOCSTI, which types into it, is not among them. */
static const unsigned int ioctls[] = {
	TCGETS, TCSETS, TCSETSW, TCSETSF, TCFLSH, TIOCGWINSZ, TIOCGPGRP, FIONREAD,
};

/* Uprobes by perf events. */
static const unsigned int perf_ioctls[] = {
	PERF_EVENT_IOC_ENABLE,
	PERF_EVENT_IOC_DISABLE,
	PERF_EVENT_IOC_SET_BPF,
};

/* Maps and links; no program is loaded and no map made any more. */
static const unsigned int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,  BPF_MAP_UPDATE_ELEM,    BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY,
	BPF_MAP_LOOKUP_BATCH, BPF_MAP_DELETE_BATCH,   BPF_LINK_CREATE,	   BPF_ITER_CREATE,
	BPF_LINK_DETACH,      BPF_OBJ_GET_INFO_BY_FD,
};

/* Of a run that serves: on sockets that it has, and those that come by what it listens on. */
static const int serving[] = {
	SCMP_SYS(accept4),     SCMP_SYS(recvfrom),    SCMP_SYS(recvmsg),    SCMP_SYS(shutdown),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
};

/* SQLite writes pages where they stand, empties its log, and has both written to the disk. All files are
 * open. */
static const int in_place[] = {
	SCMP_SYS(pwrite64),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
};

/*
 * No socket is made, bound or connected; what is sent goes to whom the socket is connected with. A socket
 * that listens is none any more once it was shut down, and TCP Fast Open would connect it to the address that
 * sendmsg(2) has in memory, where a filter does not see it.
 */
static void allow_serving(struct call_filter *filter)
{
	static const unsigned int levels[] = { IPPROTO_TCP, SOL_SOCKET };

	for (size_t i = 0; i < COUNT_OF(serving); i++)
		call_filter_allow(filter, serving[i]);
	call_filter_allow_bits(filter, SCMP_SYS(sendto), 4, UINT64_MAX, 0);
	call_filter_allow_bits(filter, SCMP_SYS(sendmsg), 2, MSG_FASTOPEN, 0);
	call_filter_allow_each(filter, SCMP_SYS(setsockopt), 1, levels, COUNT_OF(levels));
}

static int filter_load(const struct rights_config *config)
{
	struct call_filter filter;

	call_filter_init(&filter);
	call_filter_allow_each(&filter, SCMP_SYS(ioctl), 1, ioctls, COUNT_OF(ioctls));
	if (config->child)
		call_filter_allow_bits(&filter, SCMP_SYS(kill), 0, UINT32_MAX, (uint32_t)config->child);
	if (config->listen)
		allow_serving(&filter);
	for (size_t i = 0; config->in_place && i < COUNT_OF(in_place); i++)
		call_filter_allow(&filter, in_place[i]);
	if (config->capture)
		call_filter_allow_each(&filter, SCMP_SYS(bpf), 0, bpf_commands, COUNT_OF(bpf_commands));
	if (config->capture && config->perf) {
		call_filter_allow(&filter, SCMP_SYS(perf_event_open));
		call_filter_allow_each(&filter, SCMP_SYS(ioctl), 1, perf_ioctls, COUNT_OF(perf_ioctls));
	}
	return call_filter_load(&filter);
}

void rights_drop(const struct rights_config *config)
{
	int error;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_warn("cannot give up new privileges: %s; hark goes on with them", strerror(errno));
	error = caps_keep(is_kept, config);
	if (error < 0)
		log_warn("cannot give up capabilities: %s; hark goes on with them", strerror(-error));
	error = filter_load(config);
	if (error < 0)
		log_warn("hark's own system calls are not filtered: this kernel cannot "
			 "(CONFIG_SECCOMP_FILTER; %s)",
			 strerror(-error));
}

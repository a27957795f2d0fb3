/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter is a list of what is allowed. Anything else fails with ENOSYS, as on
 * a kernel that does not have it, so that libraries fall back on what they did
 * before; what only an intruder would call ends hark at once. Files open for
 * reading only, the kernel takes no new BPF program, memory is never writable
 * and executable, and nothing is typed into the terminal.
 */
#include "rights.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A leak check traces its own process, and allocates in ways of its own. */
#if defined(__SANITIZE_ADDRESS__)
#define FILTERED false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FILTERED false
#endif
#endif
#ifndef FILTERED
#define FILTERED true
#endif

/* --- capabilities ----------------------------------------------------------------------- */

/* New libraries are found and probed for as long as hark runs. */
static const cap_value_t capture_caps[] = {
	CAP_BPF,		/* links of new libraries; map entries on kernels before 5.18 */
	CAP_PERFMON,		/* uprobes */
	CAP_SYS_PTRACE,		/* /proc/PID/maps, exe and root of other users' processes */
	CAP_CHECKPOINT_RESTORE, /* /proc/PID/map_files, which name the very file that is mapped */
	CAP_DAC_READ_SEARCH,	/* programs in folders that are closed to root without it */
};

static bool is_kept(const struct rights_config *config, cap_value_t cap)
{
	if (cap == CAP_KILL) /* the command runs as another user under sudo */
		return config->child != 0;
	if (cap == CAP_SYS_ADMIN) /* which those kernels ask for a uprobe by a perf event */
		return config->perf;
	for (size_t i = 0; config->capture && i < COUNT_OF(capture_caps); i++)
		if (capture_caps[i] == cap)
			return true;
	return false;
}

/* Of what hark has, the kept ones; the bounding set as well, which takes CAP_SETPCAP. */
static int caps_drop(const struct rights_config *config)
{
	cap_t before = cap_get_proc(), after = cap_init();
	cap_flag_value_t has;
	int error = 0;

	if (!before || !after)
		error = -errno;
	for (cap_value_t cap = 0; !error && cap < cap_max_bits(); cap++) {
		if (!is_kept(config, cap)) {
			(void)cap_drop_bound(cap);
			continue;
		}
		if (cap_get_flag(before, cap, CAP_PERMITTED, &has) < 0 || has != CAP_SET)
			continue;
		if (cap_set_flag(after, CAP_PERMITTED, 1, &cap, CAP_SET) < 0 ||
		    cap_set_flag(after, CAP_EFFECTIVE, 1, &cap, CAP_SET) < 0)
			error = -errno;
	}
	(void)cap_reset_ambient();
	if (!error && cap_set_proc(after) < 0)
		error = -errno;
	cap_free(before);
	cap_free(after);
	return error;
}

/* --- the filter ------------------------------------------------------------------------- */

static const int allowed[] = {
	/* outputs, rings, /proc, library files */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(fcntl),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(fstatfs),
	SCMP_SYS(statfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64),
	SCMP_SYS(fadvise64),
	/* memory; mmap and mprotect have conditions */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* the loop */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(futex),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(getrandom),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	/* signals and the end */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getppid),
	SCMP_SYS(getpgrp),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(wait4),
	SCMP_SYS(waitid),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Of a run that serves: on sockets that it has, and those that come by what it listens on. */
static const int serving[] = {
	SCMP_SYS(accept4),  SCMP_SYS(recvfrom),	   SCMP_SYS(recvmsg),	  SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
};

/* No bug and no library of hark's comes here. */
static const int deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(reboot),
};

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

struct filter {
	scmp_filter_ctx ctx;
	int error; /* the first */
};

static void filter_note(struct filter *filter, int error)
{
	if (error < 0 && !filter->error)
		filter->error = error;
}

static void allow(struct filter *filter, int call)
{
	filter_note(filter, seccomp_rule_add(filter->ctx, SCMP_ACT_ALLOW, call, 0));
}

/* When these bits of the argument have this value. */
static void allow_bits(struct filter *filter, int call, unsigned int argument, uint64_t mask, uint64_t value)
{
	filter_note(filter, seccomp_rule_add(filter->ctx, SCMP_ACT_ALLOW, call, 1,
					     SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value)));
}

static void allow_each(struct filter *filter, int call, unsigned int argument, const unsigned int *values,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) /* an int; the register's upper half is anybody's */
		allow_bits(filter, call, argument, UINT32_MAX, values[i]);
}

/* To itself (Ctrl-Z, abort) and to the command. */
static void allow_signals(struct filter *filter, const struct rights_config *config)
{
	allow_bits(filter, SCMP_SYS(kill), 0, UINT32_MAX, (uint32_t)getpid());
	allow_bits(filter, SCMP_SYS(tgkill), 0, UINT32_MAX, (uint32_t)getpid());
	if (config->child)
		allow_bits(filter, SCMP_SYS(kill), 0, UINT32_MAX, (uint32_t)config->child);
}

/* No socket is made, bound or connected; what is sent goes to whom the socket is connected with. */
static void allow_serving(struct filter *filter)
{
	static const unsigned int levels[] = { IPPROTO_TCP, SOL_SOCKET };

	for (size_t i = 0; i < COUNT_OF(serving); i++)
		allow(filter, serving[i]);
	allow_bits(filter, SCMP_SYS(sendto), 4, UINT64_MAX, 0);
	allow_each(filter, SCMP_SYS(setsockopt), 1, levels, COUNT_OF(levels));
}

static void filter_fill(struct filter *filter, const struct rights_config *config)
{
	static const unsigned int protections[] = { 0, PROT_WRITE, PROT_EXEC };

	for (size_t i = 0; i < COUNT_OF(allowed); i++)
		allow(filter, allowed[i]);
	for (size_t i = 0; i < COUNT_OF(deadly); i++)
		filter_note(filter, seccomp_rule_add(filter->ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0));
	for (size_t i = 0; i < COUNT_OF(protections); i++) {
		allow_bits(filter, SCMP_SYS(mmap), 2, PROT_WRITE | PROT_EXEC, protections[i]);
		allow_bits(filter, SCMP_SYS(mprotect), 2, PROT_WRITE | PROT_EXEC, protections[i]);
	}
	allow_bits(filter, SCMP_SYS(open), 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	/* Threads alone; where clone3 is refused, whose flags stand in memory, the C library falls back on
	 * it. */
	allow_bits(filter, SCMP_SYS(clone), 0, CLONE_VM | CLONE_THREAD, CLONE_VM | CLONE_THREAD);
	allow_bits(filter, SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	allow_each(filter, SCMP_SYS(ioctl), 1, ioctls, COUNT_OF(ioctls));
	allow_signals(filter, config);
	if (config->listen)
		allow_serving(filter);
	if (!config->capture)
		return;
	allow_each(filter, SCMP_SYS(bpf), 0, bpf_commands, COUNT_OF(bpf_commands));
	if (!config->perf)
		return;
	allow(filter, SCMP_SYS(perf_event_open));
	allow_each(filter, SCMP_SYS(ioctl), 1, perf_ioctls, COUNT_OF(perf_ioctls));
}

static int filter_load(const struct rights_config *config)
{
	struct filter filter = { .ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS)) };

	if (!filter.ctx)
		return -ENOMEM;
	filter_note(&filter, seccomp_attr_set(filter.ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
	/* Before Linux 5.16 a filter else turns speculation off, which costs every load and store. */
	(void)seccomp_attr_set(filter.ctx, SCMP_FLTATR_CTL_SSB, 1);
	(void)seccomp_attr_set(filter.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	filter_fill(&filter, config);
	if (!filter.error)
		filter_note(&filter, seccomp_load(filter.ctx));
	seccomp_release(filter.ctx);
	return filter.error;
}

bool rights_filter_supported(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return FILTERED && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

void rights_drop(const struct rights_config *config)
{
	int error;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_warn("cannot give up new privileges: %s; hark goes on with them", strerror(errno));
	error = caps_drop(config);
	if (error < 0)
		log_warn("cannot give up capabilities: %s; hark goes on with them", strerror(-error));
	error = FILTERED ? filter_load(config) : 0;
	if (error < 0)
		log_warn("hark's own system calls are not filtered: this kernel cannot "
			 "(CONFIG_SECCOMP_FILTER; %s)",
			 strerror(-error));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "call_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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
	SCMP_SYS(timerfd_create),
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

static void note(struct call_filter *filter, int error)
{
	if (error < 0 && !filter->error)
		filter->error = error;
}

void call_filter_allow(struct call_filter *filter, int call)
{
	note(filter, seccomp_rule_add(filter->ctx, SCMP_ACT_ALLOW, call, 0));
}

void call_filter_allow_bits(struct call_filter *filter, int call, unsigned int argument, uint64_t mask,
			    uint64_t value)
{
	note(filter, seccomp_rule_add(filter->ctx, SCMP_ACT_ALLOW, call, 1,
				      SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value)));
}

void call_filter_allow_each(struct call_filter *filter, int call, unsigned int argument,
			    const unsigned int *values, size_t count)
{
	for (size_t i = 0; i < count; i++) /* the register's upper half is anybody's */
		call_filter_allow_bits(filter, call, argument, UINT32_MAX, values[i]);
}

static void common_fill(struct call_filter *filter)
{
	static const unsigned int protections[] = { 0, PROT_WRITE, PROT_EXEC };

	for (size_t i = 0; i < COUNT_OF(allowed); i++)
		call_filter_allow(filter, allowed[i]);
	for (size_t i = 0; i < COUNT_OF(deadly); i++)
		note(filter, seccomp_rule_add(filter->ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0));
	for (size_t i = 0; i < COUNT_OF(protections); i++) {
		call_filter_allow_bits(filter, SCMP_SYS(mmap), 2, PROT_WRITE | PROT_EXEC, protections[i]);
		call_filter_allow_bits(filter, SCMP_SYS(mprotect), 2, PROT_WRITE | PROT_EXEC, protections[i]);
	}
	call_filter_allow_bits(filter, SCMP_SYS(open), 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	call_filter_allow_bits(filter, SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	/* Threads alone; where clone3 is refused, whose flags stand in memory, the C library falls back on
	 * it. */
	call_filter_allow_bits(filter, SCMP_SYS(clone), 0, CLONE_VM | CLONE_THREAD, CLONE_VM | CLONE_THREAD);
	/* To itself (Ctrl-Z, abort). */
	call_filter_allow_bits(filter, SCMP_SYS(kill), 0, UINT32_MAX, (uint32_t)getpid());
	call_filter_allow_bits(filter, SCMP_SYS(tgkill), 0, UINT32_MAX, (uint32_t)getpid());
}

void call_filter_init(struct call_filter *filter)
{
	*filter = (struct call_filter){ .ctx = FILTERED ? seccomp_init(SCMP_ACT_ERRNO(ENOSYS)) : NULL };
	if (!filter->ctx) {
		filter->error = -ENOMEM;
		return;
	}
	note(filter, seccomp_attr_set(filter->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
	/* Before Linux 5.16 a filter else turns speculation off, which costs every load and store. */
	(void)seccomp_attr_set(filter->ctx, SCMP_FLTATR_CTL_SSB, 1);
	(void)seccomp_attr_set(filter->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	common_fill(filter);
}

int call_filter_load(struct call_filter *filter)
{
	if (!FILTERED)
		return 0;
	if (!filter->error)
		note(filter, seccomp_load(filter->ctx));
	if (filter->ctx)
		seccomp_release(filter->ctx);
	filter->ctx = NULL;
	return filter->error;
}

bool call_filter_supported(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return FILTERED && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* The bounding set as well, which takes CAP_SETPCAP. */
int caps_keep(bool (*kept)(const void *ctx, cap_value_t cap), const void *ctx)
{
	cap_t before = cap_get_proc(), after = cap_init();
	cap_flag_value_t has;
	int error = 0;

	if (!before || !after)
		error = -errno;
	for (cap_value_t cap = 0; !error && cap < cap_max_bits(); cap++) {
		if (!kept || !kept(ctx, cap)) {
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

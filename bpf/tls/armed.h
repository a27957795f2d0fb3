/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which returns of this thread are pending, and whether another one may be armed beside them: call.bpf.c says
 * why that matters.
 */
#ifndef HARK_BPF_TLS_ARMED_H
#define HARK_BPF_TLS_ARMED_H

#include "tls.h"

#define MAIN_STACK_BYTES (8 * 1024 * 1024)

struct stack_look {
	__u64 sp, thread_block;
	bool own;
};

/*
 * The thread's own stack holds its thread block at the top (glibc, musl): a memory area in which both lie,
 * and the stack pointers of both calls, is that stack.
 */
static long stack_look_vma(struct task_struct *task __attribute__((unused)), struct vm_area_struct *vma,
			   void *ctx)
{
	struct stack_look *look = ctx;

	look->own = look->sp < look->thread_block && look->thread_block < vma->vm_end;
	return 0;
}

/*
 * Are both calls, one just below the other, surely on one stack? A second return may be armed only then: on
 * one stack the calls return in order, while a coroutine's small stack may lie just below another's. The
 * main thread's stack is known to the kernel; nobody keeps others in it. Other
 * threads' are looked for only where there are sessions.
 */
static __always_inline bool stack_is_one_here(__u64 sp, __u64 outer_sp, bool single)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 start = BPF_CORE_READ(task, mm, start_stack);
	struct stack_look look = { .sp = outer_sp, .thread_block = BPF_CORE_READ(task, TASK_THREAD_POINTER) };
	__u64 thread = bpf_get_current_pid_tgid();

	if (thread >> 32 == (__u32)thread)
		return outer_sp < start && start - sp < MAIN_STACK_BYTES;
	if (!single)
		return false;
	bpf_find_vma(bpf_get_current_task_btf(), sp, stack_look_vma, &look, 0);
	return look.own;
}

/* A global function, as capture_apart(). */
__weak __noinline int stack_is_one_apart(__u64 sp, __u64 outer_sp)
{
	return stack_is_one_here(sp, outer_sp, true);
}

static __always_inline bool stack_is_one(__u64 sp, __u64 outer_sp, bool single)
{
	return single ? stack_is_one_apart(sp, outer_sp) : stack_is_one_here(sp, outer_sp, false);
}

#define RETURNS_LEFT_MAX 8 /* that longjmp left behind */

/*
 * Is a return pending in this thread, whoever armed it, with which this call's must not be armed? Another
 * tracer's, another hark's, or that of a hark which has ended since: the kernel's own list has them all. The
 * newest whose call is under way decides, for those before it were pending when it was armed.
 */
static __always_inline bool return_conflicts_here(__u64 sp, bool single)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct return_instance *pending;

	if (single) /* sessions: a kernel that has them takes direct loads, which cost nothing */
		pending = bpf_get_current_task_btf()->utask->return_instances;
	else
		pending = BPF_CORE_READ(task, utask, return_instances);
	for (int i = 0; i < RETURNS_LEFT_MAX && pending; i++) {
		__u64 stack = BPF_CORE_READ(pending, stack);

		if (return_is_armed(stack)) {
			bool near = stack - sp <= (single ? 0 : STACK_NEAR_BYTES); /* 0: this very call's */

			return sp > stack || !(near || stack_is_one(sp, stack, single));
		}
		pending = BPF_CORE_READ(pending, next);
	}
	return pending;
}

/* A global function, as capture_apart(). */
__weak __noinline int return_conflicts_apart(__u64 sp)
{
	return return_conflicts_here(sp, true);
}

static __always_inline bool return_conflicts(__u64 sp, bool single)
{
	return single ? return_conflicts_apart(sp) : return_conflicts_here(sp, false);
}

#endif

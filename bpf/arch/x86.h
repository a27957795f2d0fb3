/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processor, as far as the kernel side has to know it: registers, the numbers of system calls, where a
 * thread's own data is, how a 32-bit caller shows. bpf/kernel.h includes the header of the processor that is
 * built for.
 *
 * One more thing depends on it, in bpf/tls.h: a call that is under way is told
 * by its return address on the stack, which processors with a link register
 * (aarch64) do not put there at the entry.
 */
#ifndef HARK_BPF_ARCH_X86_H
#define HARK_BPF_ARCH_X86_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs,
		flags, sp, ss;
};

struct thread_struct {
	unsigned long fsbase;
};

struct thread_info {
	__u32 status;
};

#pragma clang attribute pop

/* Of struct task_struct: where the thread block is; the word and its bit that a 32-bit system call sets. */
#define TASK_THREAD_POINTER thread.fsbase
#define TASK_COMPAT_WORD    thread_info.status
#define TASK_COMPAT_BIT	    0x2 /* TS_COMPAT */

/* A system call in the registers of user space (struct pt_regs). */
#define SYSCALL_NR(regs)     ((regs)->orig_ax)
#define SYSCALL_FIRST(regs)  ((regs)->di)
#define SYSCALL_SECOND(regs) ((regs)->si)
#define SYSCALL_THIRD(regs)  ((regs)->dx)
#define SYSCALL_FOURTH(regs) ((regs)->r10)
#define SYSCALL_FIFTH(regs)  ((regs)->r8)

/* The sixth argument of a function, which libbpf knows from 1.2 on. */
#define FUNCTION_SIXTH(regs) ((regs)->r9)

/* The second word of a function's result. */
#define FUNCTION_SECOND_RESULT(regs) ((regs)->dx)

/* Go's own calling convention (ABIInternal), and where it keeps the goroutine, in system calls too. */
#define GO_RECEIVER(regs)  ((regs)->ax)
#define GO_SLICE(regs)	   ((regs)->bx)
#define GO_SLICE_LEN(regs) ((regs)->cx)
#define GO_RESULT(regs)	   ((regs)->ax)
#define GO_FOURTH(regs)	   ((regs)->di)
#define GO_SEVENTH(regs)   ((regs)->r9)
#define GO_EIGHTH(regs)	   ((regs)->r10)
#define GO_GOROUTINE(regs) ((regs)->r14)

enum syscall_number {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_SENDFILE = 40,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_SPLICE = 275,
	NR_RECVMMSG = 299,
	NR_SENDMMSG = 307,
	NR_PREADV2 = 327,
	NR_PWRITEV2 = 328,
	NR_IO_URING_ENTER = 426,
};

/* Can a 32-bit system call of this number be a transfer on a socket? */
static __always_inline bool compat_transfer(__u32 nr)
{
	switch (nr) {
	case 3:	  /* read */
	case 4:	  /* write */
	case 102: /* socketcall */
	case 145: /* readv */
	case 146: /* writev */
	case 369: /* sendto */
	case 370: /* sendmsg */
	case 371: /* recvfrom */
	case 372: /* recvmsg */
		return true;
	}
	return false;
}

#endif

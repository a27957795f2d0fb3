/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run of a BPF program costs that does nothing, as kernel.bpf_stats_enabled counts it: a part of each
 * figure that it gives. Attached to every system call of the machine while this makes CALLS more:
 * empty_program CALLS. Prints nanoseconds a run; exits with 2 when the kernel does not count.
 */
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load_empty(void)
{
	static const char license[] = "Dual BSD/GPL";
	struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (uintptr_t)instructions,
		.insn_cnt = sizeof(instructions) / sizeof(*instructions),
		.license = (uintptr_t)license,
	};
	int program = bpf(BPF_PROG_LOAD, &attr);

	if (program < 0)
		fail("cannot load a BPF program");
	return program;
}

/* Raw, as hark's own: that takes no tracefs. Detached with the descriptor, when this ends. */
static void attach(int program)
{
	static const char tracepoint[] = "sys_enter";
	union bpf_attr attr = {
		.raw_tracepoint.name = (uintptr_t)tracepoint,
		.raw_tracepoint.prog_fd = (uint32_t)program,
	};

	if (bpf(BPF_RAW_TRACEPOINT_OPEN, &attr) < 0)
		fail("cannot attach to sys_enter");
}

int main(int argc, char **argv)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: empty_program CALLS\n");
		return 2;
	}
	int program = load_empty();

	attach(program);
	for (long i = atol(argv[1]); i > 0; i--)
		syscall(SYS_getppid);
	attr.info.bpf_fd = (uint32_t)program;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr))
		fail("cannot read what the program took");
	if (!info.run_cnt) {
		fprintf(stderr, "empty_program: not counted: kernel.bpf_stats_enabled is 0\n");
		return 2;
	}
	printf("%.2f\n", (double)info.run_time_ns / (double)info.run_cnt);
	return 0;
}

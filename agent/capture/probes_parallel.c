/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbpf loads one program after the other, and asks a section's handler before each. By then the program's
 * instructions are what the kernel gets: the handler copies them, gives them to a thread, and leaves libbpf a
 * program that does nothing. In the end dup3() puts the thread's program at the number of the descriptor that
 * libbpf has of that one, so that whoever attaches it attaches the true one.
 *
 * All of this is libbpf's public interface: a handler may change what is loaded (libbpf_prog_handler_opts).
 * A libbpf that asked none would load as ever, and one that loaded what it had before it asked would only
 * load twice. What fails here is loaded once more without it (skeleton_load()).
 */
#include "probes_parallel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAMS_MAX 16 /* libbpf loads the rest itself */

/* One program's load, as libbpf would ask the kernel for it. */
struct load {
	const struct bpf_program *program;
	struct bpf_prog_load_opts options;
	struct bpf_insn *code;
	size_t code_count;
	void *functions, *lines;
	sem_t *turns;
	pthread_t thread;
	int fd; /* -errno: it was refused */
};

struct probes_parallel {
	int handler;
	sem_t turns; /* the processors that libbpf does not use */
	struct load loads[PROGRAMS_MAX];
	size_t count;
	bool joined;
};

/* The handler's context: libbpf carries a number along. */
union cookie {
	struct probes_parallel *parallel;
	long number;
};

static void *load_run(void *ctx)
{
	struct load *load = ctx;

	while (sem_wait(load->turns) < 0)
		;
	load->fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, bpf_program__name(load->program), "GPL", load->code,
				 load->code_count, &load->options);
	sem_post(load->turns);
	return NULL;
}

static void load_free(struct load *load)
{
	if (load->fd >= 0)
		close(load->fd);
	free(load->code);
	free(load->functions);
	free(load->lines);
}

/* A copy of so many bytes; NULL: there are none, or no memory. */
static void *copy_of(const void *bytes, size_t size)
{
	void *copy = bytes && size ? malloc(size) : NULL;

	return copy ? memcpy(copy, bytes, size) : NULL;
}

/* All is copied: libbpf frees its own when it has loaded the object. False: there is no memory. */
static bool load_fill(struct load *load, const struct bpf_program *program,
		      const struct bpf_prog_load_opts *given)
{
	size_t count = bpf_program__insn_cnt(program);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .kern_version = given->kern_version,
		    .expected_attach_type = bpf_program__expected_attach_type(program),
		    .prog_btf_fd = given->prog_btf_fd, .prog_flags = given->prog_flags,
		    .func_info_cnt = given->func_info_cnt, .func_info_rec_size = given->func_info_rec_size,
		    .line_info_cnt = given->line_info_cnt, .line_info_rec_size = given->line_info_rec_size);

	*load = (struct load){
		.program = program,
		.code = copy_of(bpf_program__insns(program), count * sizeof(*load->code)),
		.code_count = count,
		.functions =
			copy_of(given->func_info, (size_t)given->func_info_cnt * given->func_info_rec_size),
		.lines = copy_of(given->line_info, (size_t)given->line_info_cnt * given->line_info_rec_size),
		.fd = -ECANCELED,
	};
	options.func_info = load->functions;
	options.line_info = load->lines;
	load->options = options;
	return load->code && !load->functions == !given->func_info_cnt &&
	       !load->lines == !given->line_info_cnt;
}

/* The handler. A program for which there is no room, or no thread, libbpf loads as ever. */
static int program_take(struct bpf_program *program, struct bpf_prog_load_opts *given, long cookie)
{
	static struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const union cookie back = { .number = cookie };
	struct probes_parallel *parallel = back.parallel;
	struct load *load = &parallel->loads[parallel->count];

	if (parallel->count == PROGRAMS_MAX)
		return 0;
	if (!load_fill(load, program, given)) {
		load_free(load);
		return 0;
	}
	load->turns = &parallel->turns;
	if (pthread_create(&load->thread, NULL, load_run, load)) {
		load_free(load);
		return 0;
	}
	parallel->count++;
	given->func_info = given->line_info = NULL;
	given->func_info_cnt = given->line_info_cnt = 0;
	return bpf_program__set_insns(program, nothing, sizeof(nothing) / sizeof(nothing[0]));
}

struct probes_parallel *probes_parallel_new(void)
{
	struct probes_parallel *parallel = calloc(1, sizeof(*parallel));
	int cpu_count = libbpf_num_possible_cpus(), error;
	const union cookie cookie = { .parallel = parallel };
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .cookie = cookie.number,
		    .prog_prepare_load_fn = program_take);

	if (!parallel)
		return NULL;
	sem_init(&parallel->turns, 0, cpu_count > 2 ? (unsigned int)cpu_count - 1 : 1);
	parallel->handler = libbpf_register_prog_handler("uprobe", BPF_PROG_TYPE_KPROBE, 0, &options);
	if (parallel->handler >= 0)
		return parallel;
	error = -parallel->handler;
	free(parallel);
	errno = error;
	return NULL;
}

int probes_parallel_finish(struct probes_parallel *parallel)
{
	int error = 0;

	for (size_t i = 0; i < parallel->count && !parallel->joined; i++)
		pthread_join(parallel->loads[i].thread, NULL);
	parallel->joined = true;
	for (size_t i = 0; i < parallel->count && !error; i++) {
		const struct load *load = &parallel->loads[i];

		error = load->fd < 0 ? load->fd : 0;
		if (!error && dup3(load->fd, bpf_program__fd(load->program), O_CLOEXEC) < 0)
			error = -errno;
	}
	return error;
}

void probes_parallel_free(struct probes_parallel *parallel)
{
	if (!parallel)
		return;
	for (size_t i = 0; i < parallel->count && !parallel->joined; i++)
		pthread_join(parallel->loads[i].thread, NULL);
	for (size_t i = 0; i < parallel->count; i++)
		load_free(&parallel->loads[i]);
	libbpf_unregister_prog_handler(parallel->handler);
	sem_destroy(&parallel->turns);
	free(parallel);
}

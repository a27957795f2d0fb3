/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the kernel side with what the running kernel has: the socket's
 * tracepoints or the syscall exit, bpf_loop or bounded loops. What is missing
 * costs one line that says what is lost. The TLS files' links are in
 * probes_tls.c.
 */
#include "probes.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "probes_parallel.h"
#include "probes_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps_abi.h"
#include "hark.skel.h" /* generated; it needs the types above */

#define KM_MUTED	(KM_MUTED_SENT | KM_MUTED_RECEIVED)
#define WAKE_BULK_BYTES (16 * 1024)
#define PREFETCH_BYTES	384   /* facts, and the first bytes of a payload */
#define CONSUME_BUDGET	16384 /* records at once: under full load the ring is never empty */

/* libbpf speaks in lines, the verifier's log in one piece of many. */
static int libbpf_say(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text, *line, *rest;

	if (level == LIBBPF_DEBUG || log_level < LOG_DEBUG)
		return 0;
	if (vasprintf(&text, format, args) < 0)
		return 0;
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line)
			log_debug("%s", line);
	free(text);
	return 0;
}

static void report_failure(const char *what, int error)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
		log_error("%s: this kernel has no BTF (/sys/kernel/btf/vmlinux); "
			  "it needs Linux 5.8 or later built with CONFIG_DEBUG_INFO_BTF=y",
			  what);
		return;
	}
	if (error == -EPERM) {
		log_error("%s: not permitted; run as root or with CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and "
			  "CAP_SYS_PTRACE",
			  what);
		return;
	}
	if (probes_locked_down()) {
		log_error("%s: the kernel is locked down (confidentiality); boot with lockdown=integrity or "
			  "none",
			  what);
		return;
	}
	log_error("%s: %s; `hark doctor` says what this machine has, --debug what libbpf says", what,
		  strerror(-error));
}

static int capture_choose(struct probes *probes, enum capture_way wanted)
{
	bool socket = probes->features.socket_tracepoints;

	if (wanted == CAPTURE_SOCKET && !socket) {
		log_error("--capture=socket: this kernel has no socket tracepoints (Linux 6.3); "
			  "use --capture=auto");
		return -EOPNOTSUPP;
	}
	probes->capture = wanted == CAPTURE_SYSCALL || !socket ? CAPTURE_SYSCALL : CAPTURE_SOCKET;
	return 0;
}

static void programs_choose(struct probes *probes)
{
	const struct probes_features *features = &probes->features;
	struct hark_bpf *s = probes->skeleton;
	bool socket = probes->capture == CAPTURE_SOCKET;

	bpf_program__set_autoload(s->progs.socket_sent, socket && !features->session);
	bpf_program__set_autoload(s->progs.socket_sent_apart, socket && features->session);
	bpf_program__set_autoload(s->progs.socket_received, socket && !features->session);
	bpf_program__set_autoload(s->progs.socket_received_apart, socket && features->session);
	bpf_program__set_autoload(s->progs.socket_spliced, socket);
	bpf_program__set_autoload(s->progs.state_by_cookie, socket);
	bpf_program__set_autoload(s->progs.state_by_inode, !socket);
	bpf_program__set_autoload(s->progs.seen_by_cookie, socket && features->file_iterator);
	bpf_program__set_autoload(s->progs.seen_by_inode, !socket && features->file_iterator);
	bpf_program__set_autoload(s->progs.syscall_exit, !socket && features->loop);
	bpf_program__set_autoload(s->progs.syscall_exit_bounded, !socket && !features->loop);
}

static void settings_fill(struct probes *probes, const struct probes_config *config)
{
	probes->skeleton->rodata->settings = (struct kernel_settings){
		.own = { (uint32_t)getpid() },
		.own_count = 1,
		.snaplen_bytes = config->snaplen_bytes,
		.pid_namespace = config->pid_namespace,
		.wake_bytes = config->ring_bytes / 4,
		.wake_bulk_bytes =
			WAKE_BULK_BYTES < config->ring_bytes / 4 ? WAKE_BULK_BYTES : config->ring_bytes / 4,
		.filter_pids = config->filter_pids || config->pid_count,
		.follow_children = config->follow_children,
		.filter_ports = config->port_count > 0,
		.ignore_pids = config->ignore_pids,
		.hold_processor = probes->features.hold_processor,
		.hold_tracepoints =
			probes->features.hold_processor && probes->features.tracepoints_preemptible,
	};
	for (size_t i = 0; i < config->own_count && i < OWN_PROCESSES_MAX - 1; i++)
		probes->skeleton->rodata->settings.own[++probes->skeleton->rodata->settings.own_count - 1] =
			(uint32_t)config->own[i];
	for (size_t i = 0; i < config->port_count; i++)
		probes->skeleton->rodata->ports[config->ports[i] / 64] |= UINT64_C(1)
									  << (config->ports[i] % 64);
}

/* Before anything is attached: hark's own place among the pid namespaces. */
static int namespace_find(const struct probes *probes)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);

	if (!probes->skeleton->rodata->settings.pid_namespace)
		return 0;
	return bpf_prog_test_run_opts(bpf_program__fd(probes->skeleton->progs.namespace_find), &options);
}

/*
 * Attaches each tracepoint program that was loaded; TLS programs
 * come with their files, iterators run once.
 */
static int tracepoints_attach(struct probes *probes)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, probes->skeleton->obj)
	{
		struct bpf_link *link;

		if (!bpf_program__autoload(program) || bpf_program__type(program) != BPF_PROG_TYPE_TRACING)
			continue;
		if (bpf_program__expected_attach_type(program) == BPF_TRACE_ITER)
			continue;
		link = bpf_program__attach(program);
		if (!link)
			return -errno;
		probes->links[probes->link_count++] = link;
	}
	return 0;
}

static bool is_counted(const struct event_header *event)
{
	return event->type == EVENT_TLS_DATA &&
	       ((const struct event_data *)event)->source == SOURCE_KERNEL_TLS;
}

/*
 * Another processor wrote the record behind this one (a ring's records begin with eight bytes and at eight
 * bytes): its beginning is fetched while this one is looked at. What is there may be anything, or nothing.
 */
static void prefetch_next(const uint8_t *data, size_t size)
{
	const uint8_t *next = data + (size + 7) / 8 * 8;

	for (size_t at = 0; at < PREFETCH_BYTES; at += 64)
		__builtin_prefetch(next + at);
}

static int ring_event(void *ctx, void *data, size_t size)
{
	struct probes *probes = ctx;
	struct event_header *event = data;

	prefetch_next(data, size);
	counter_add(COUNTER_EVENTS_RECEIVED, 1);
	if (!event_valid(event, size))
		return 0;
	probes->counts_tcp |= is_counted(event);
	probes->fn_result = probes->fn(probes->fn_ctx, event);
	if (probes->fn_result < 0)
		return probes->fn_result;
	return --probes->budget ? 0 : -EAGAIN;
}

/* parallel: NULL, or of probes_parallel_new(). */
static int skeleton_try(struct probes *probes, const struct probes_config *config,
			struct probes_parallel *parallel)
{
	int error;

	hark_bpf__destroy(probes->skeleton);
	probes->skeleton = hark_bpf__open();
	if (!probes->skeleton)
		return -errno;
	programs_choose(probes);
	settings_fill(probes, config);
	bpf_program__set_autoload(probes->skeleton->progs.namespace_find, config->pid_namespace);
	error = probes_tls_prepare(probes);
	if (!error)
		error = bpf_map__set_max_entries(probes->skeleton->maps.events, config->ring_bytes);
	if (!error)
		error = hark_bpf__load(probes->skeleton);
	return error || !parallel ? error : probes_parallel_finish(parallel);
}

/*
 * What fails in parallel is tried by libbpf alone, which says why. A list of what is there already is worth
 * less than what comes: a kernel that refuses it goes without.
 */
static int skeleton_load(struct probes *probes, const struct probes_config *config)
{
	struct probes_parallel *parallel = probes_parallel_new();
	int error = skeleton_try(probes, config, parallel);

	probes_parallel_free(parallel);
	if (error && error != -EPERM)
		error = skeleton_try(probes, config, NULL);
	if (error && error != -EPERM && probes->features.file_iterator) {
		probes->features.file_iterator = false;
		error = skeleton_try(probes, config, NULL);
	}
	for (size_t i = 0; i < config->pid_count && !error; i++)
		error = probes_add_pid(probes, config->pids[i]);
	if (!error)
		error = namespace_find(probes);
	return error ? error : tracepoints_attach(probes);
}

struct probes *probes_open(const struct probes_config *config)
{
	struct probes *probes = calloc(1, sizeof(*probes));
	int error;

	if (!probes) {
		log_error("out of memory");
		return NULL;
	}
	libbpf_set_print(libbpf_say);
	probes->cpu_count = libbpf_num_possible_cpus();
	if (config->pid_count == 1 && !config->follow_children)
		probes->only_pid = config->pids[0];
	probes->secrets = config->secrets;
	probes_features(&probes->features);
	if (capture_choose(probes, config->capture) < 0)
		goto out;
	error = skeleton_load(probes, config);
	if (error) {
		report_failure("cannot load the BPF programs", error);
		goto out;
	}
	probes->ring = ring_buffer__new(bpf_map__fd(probes->skeleton->maps.events), ring_event, probes, NULL);
	if (!probes->ring) {
		report_failure("cannot map the ring buffer (--ring)", -errno);
		goto out;
	}
	return probes;
out:
	probes_close(probes);
	return NULL;
}

void probes_close(struct probes *probes)
{
	if (!probes)
		return;
	probes_tls_fini(probes);
	for (size_t i = 0; i < probes->link_count; i++)
		bpf_link__destroy(probes->links[i]);
	ring_buffer__free(probes->ring);
	hark_bpf__destroy(probes->skeleton);
	free(probes);
}

enum capture_way probes_capture(const struct probes *probes)
{
	return probes->capture;
}

void probes_tls_listen(struct probes *probes)
{
	probes->skeleton->bss->tls_listens = true;
}

int probes_add_pid(struct probes *probes, uint32_t pid)
{
	uint64_t mark = KP_FOLLOWED;

	return bpf_map_update_elem(bpf_map__fd(probes->skeleton->maps.pids), &pid, &mark, BPF_ANY);
}

/* Without room in the map the process is told of: user space filters by itself. */
void probes_ignore_pid(struct probes *probes, uint32_t pid, uint64_t as_of_ns)
{
	bool only_followed = probes->skeleton->rodata->settings.filter_pids;

	bpf_map_update_elem(bpf_map__fd(probes->skeleton->maps.pids), &pid, &as_of_ns,
			    only_followed ? BPF_EXIST : BPF_ANY);
}

void probes_heed_pid(struct probes *probes, uint32_t pid)
{
	uint64_t mark = KP_FOLLOWED;

	bpf_map_update_elem(bpf_map__fd(probes->skeleton->maps.pids), &pid, &mark, BPF_EXIST);
}

size_t probes_map_entries(const struct probes *probes, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(probes->skeleton->obj, name);

	return map ? bpf_map__max_entries(map) : 0;
}

static bool pid_listed(uint32_t pid, const uint32_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* The map changes meanwhile: a walk that starts over is cut at as many steps as it can hold. */
size_t probes_count_pids(const struct probes *probes, const uint32_t *but, size_t but_count)
{
	const struct bpf_map *map = probes->skeleton->maps.pids;
	uint32_t pid, *previous = NULL;
	size_t count = 0;

	for (uint32_t steps = bpf_map__max_entries(map); steps; steps--) {
		if (bpf_map_get_next_key(bpf_map__fd(map), previous, &pid) < 0)
			break;
		count += !pid_listed(pid, but, but_count);
		previous = &pid;
	}
	return count;
}

int probes_ring_fd(const struct probes *probes)
{
	return bpf_map__fd(probes->skeleton->maps.events);
}

void probes_sleep(struct probes *probes, bool sleeps)
{
	__atomic_store_n(&probes->skeleton->bss->reader_sleeps, sleeps, __ATOMIC_SEQ_CST);
}

bool probes_has_records(const struct probes *probes)
{
	struct pollfd ring = { .fd = probes_ring_fd(probes), .events = POLLIN };

	return poll(&ring, 1, 0) > 0;
}

int probes_consume(struct probes *probes, event_fn *fn, void *ctx)
{
	probes->fn = fn;
	probes->fn_ctx = ctx;
	probes->fn_result = 0;
	probes->budget = CONSUME_BUDGET;
	ring_buffer__consume(probes->ring);
	if (probes->fn_result < 0)
		return probes->fn_result;
	return probes->budget == 0;
}

/* Sets the bits of the mask in the mark of a socket to these. */
static void mark_set(struct probes *probes, uint64_t socket_id, uint32_t mask, uint32_t bits)
{
	int fd = bpf_map__fd(probes->skeleton->maps.marks);
	uint32_t known = 0, wanted;

	if (!socket_id)
		return;
	bpf_map_lookup_elem(fd, &socket_id, &known);
	wanted = (known & ~mask) | bits;
	if (wanted == known)
		return;
	if (bpf_map_update_elem(fd, &socket_id, &wanted, BPF_ANY) < 0)
		counter_add(COUNTER_LIMIT_MAPS, 1);
}

void probes_mark(struct probes *probes, uint64_t socket_id, enum mark mark)
{
	static const struct {
		uint32_t mask, bits;
	} marks[] = {
		[MARK_MUTED] = { KM_MUTED, KM_MUTED },
		[MARK_MUTED_SENT] = { KM_MUTED, KM_MUTED_SENT },
		[MARK_MUTED_RECEIVED] = { KM_MUTED, KM_MUTED_RECEIVED },
		[MARK_HEARD] = { KM_MUTED, 0 },
		[MARK_CIPHERTEXT] = { KM_CIPHERTEXT, KM_CIPHERTEXT },
	};

	mark_set(probes, socket_id, marks[mark].mask, marks[mark].bits | KM_PLACED);
}

/* session NULL: of the socket itself. */
static struct skip_key skip_key_of(uint64_t socket_id, const struct tls_key *session)
{
	if (!session)
		return (struct skip_key){ .id = socket_id };
	return (struct skip_key){
		.id = session->ssl,
		.generation = session->generation,
		.pid = (uint32_t)session->pid,
	};
}

bool probes_skip(struct probes *probes, uint64_t socket_id, const struct tls_key *session,
		 enum event_direction direction, uint64_t until, uint64_t count)
{
	struct skip_key key = skip_key_of(socket_id, session);
	struct skip skip = { .until = until, .count = count, .told_ns = clock_ns() };

	if (!key.id)
		return false;
	probes->skips_sessions |= session != NULL;
	key.direction = direction;
	if (bpf_map_update_elem(bpf_map__fd(probes->skeleton->maps.skips), &key, &skip, BPF_ANY) < 0) {
		counter_add(COUNTER_LIMIT_MAPS, 1);
		return false;
	}
	if (!session)
		mark_set(probes, socket_id, KM_SKIP | KM_PLACED, KM_SKIP | KM_PLACED);
	return true;
}

static void skips_remove(struct probes *probes, struct skip_key key)
{
	for (key.direction = 0; key.direction < 2; key.direction++)
		bpf_map_delete_elem(bpf_map__fd(probes->skeleton->maps.skips), &key);
}

void probes_forget(struct probes *probes, uint64_t socket_id, bool counted)
{
	struct count_key key = { .id = socket_id };
	uint32_t bits;
	int marks = bpf_map__fd(probes->skeleton->maps.marks);

	if (bpf_map_lookup_elem(marks, &socket_id, &bits) == 0) {
		if (bits & KM_SKIP)
			skips_remove(probes, skip_key_of(socket_id, NULL));
		bpf_map_delete_elem(marks, &socket_id);
	}
	counted |= probes->counts_tcp;
	for (key.direction = 0; counted && key.direction < 2; key.direction++)
		bpf_map_delete_elem(bpf_map__fd(probes->skeleton->maps.counts), &key);
}

/* The kernel side's own entry stays: the next session may have that address by now. */
void probes_forget_session(struct probes *probes, const struct tls_key *session)
{
	if (probes->skips_sessions)
		skips_remove(probes, skip_key_of(0, session));
}

/* How often the kernel did not run a program because it was under way on that processor (Linux 5.12). */
static uint64_t missed_count(const struct probes *probes)
{
	struct bpf_program *program;
	uint64_t missed = 0;

	bpf_object__for_each_program(program, probes->skeleton->obj)
	{
		struct bpf_prog_info info = { .recursion_misses = 0 };
		__u32 size = sizeof(info);

		if (bpf_program__fd(program) >= 0 &&
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0)
			missed += info.recursion_misses;
	}
	return missed;
}

int probes_counters(struct probes *probes, struct event_counters *out)
{
	struct kernel_counters *values = calloc(probes->cpu_count, sizeof(*values));
	int map = bpf_map__fd(probes->skeleton->maps.kernel_counters);
	uint32_t zero = 0;
	int error = 0;

	*out = (struct event_counters){ .h = { .size = sizeof(*out),
					       .type = EVENT_COUNTERS,
					       .flags = EVENT_SYNTHETIC,
					       .time_ns = clock_ns() } };
	if (!values || bpf_map_lookup_elem(map, &zero, values) < 0)
		error = -errno;
	for (int cpu = 0; cpu < probes->cpu_count && !error; cpu++)
		for (int i = 0; i < KC_COUNT; i++)
			out->value[i] += values[cpu].value[i];
	if (!error)
		out->value[KC_PROGRAMS_SKIPPED] = missed_count(probes);
	free(values);
	return error;
}

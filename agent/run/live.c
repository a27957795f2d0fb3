/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one loop, in which a live run waits for the ring (past its wake
 * level, or the first record after a pause), the next poll (most records wake
 * nobody), new executable mappings and signals, and the outputs for what they
 * registered.
 */
#include "live.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/resident.h"
#include "capture/pid_namespace.h"
#include "capture/source_bpf.h"
#include "capture/trials.h"
#include "child.h"
#include "library/libraries.h"
#include "library/library_search.h"
#include "library/locations.h"
#include "library/tls_survey.h"
#include "model/container_state.h"
#include "pid_watch.h"
#include "process_filter.h"
#include "rights.h"
#include "run_as.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define WARN_EVERY_NS 1000000000u
#define GATHER_NS     1000000u /* no program that uses TLS is over by then */

struct live {
	const struct live_config *config;
	struct probes *probes;
	struct library_search *libraries;
	struct tls_survey *survey; /* until ready; NULL: of a command, or out of memory */
	int watch;		   /* for new mappings; below 0: there is none */
	char command[PATH_MAX];	   /* the file of the command */
	struct source_bpf *source;
	struct container_state *containers; /* what they are called */
	struct trials *trials;		    /* between the source and all else */
	struct child child;
	struct run_as run_as;	   /* who runs the command */
	struct filter_kernel sets; /* what the kernel side lets through */
	uint32_t pid_namespace;	   /* hark's own; 0: the initial one */
	struct pid_watch *named;   /* those of them that are named; NULL: all */
	struct loop *loop;
	int signals;
	uint64_t start_ns, load_ns;
	uint64_t end_ns; /* --duration; 0: none */
	uint64_t warned_ns, warned_lost, warned_received;
	int polled;  /* what the last poll gave: 1: there is more, 0, or -errno */
	bool mapped; /* in the last turn */
	int asked;   /* the signal that asked to end, while the command goes on */
};

static void signal_set(sigset_t *set)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGCHLD };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(set, numbers[i]);
}

void live_init(void)
{
	sigset_t set;

	/* One heap: a thread's own would keep what it freed. */
	mallopt(M_ARENA_MAX, 1);
	signal_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/* Will the ends of its sessions be seen? Where functions were told by their locations, only if one of those
 * is it. */
static bool library_tells_ends(const struct library_found *found)
{
	const struct library_function *function;

	for (size_t i = 0; i < found->locations->count; i++) {
		function = libraries_find_function(found->row, found->locations->at[i].function);
		if (function->call.kind == TLS_FREE)
			return true;
	}
	return false;
}

/* What is a guess is on trial before the first probe tells anything. */
static void library_probe(struct live *live, const struct library_found *found, int fd, const char *path)
{
	struct file_identity identity;
	uint8_t trial = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	identity = file_identity_of(fd, &st);
	if (found->locations)
		trial = trials_add(live->trials, found, &identity, path, library_tells_ends(found));
	if (found->locations && !trial) {
		counter_add(COUNTER_PROBES_FAILED, 1);
		log_warn("too many files hold TLS functions without symbols: %s is not probed", path);
		return;
	}
	if (probes_add_file(live->probes, found, trial, fd, path) <= 0)
		trials_remove(live->trials, &identity);
}

/* Files that take long, or many at once, each of which the kernel may take its time for, leave the ring its
 * turn. */
static void library_pause(void *ctx)
{
	struct live *live = ctx;

	if (live->polled >= 0)
		live->polled = source_bpf_poll(live->source);
}

static void library_take(void *ctx, const struct library_found *found, int fd, const char *path, uint32_t pid)
{
	struct live *live = ctx;

	(void)pid;
	library_probe(live, found, fd, path);
	library_pause(live);
}

static void library_unused(void *ctx, const struct file_identity *identity)
{
	struct live *live = ctx;

	probes_remove_file(live->probes, identity);
	trials_remove(live->trials, identity);
}

/* What the ring still holds of it is not believed either. */
static void library_refuted(void *ctx, const struct file_identity *identity)
{
	struct live *live = ctx;

	probes_remove_file(live->probes, identity);
}

static int live_event(void *ctx, const struct event_header *event)
{
	struct live *live = ctx;

	const struct process_filter judge = { .probes = live->probes,
					      .filter = live->config->filter,
					      .state = live->containers };

	if (live->sets.containers)
		process_filter_event(&judge, event);
	return live->config->event(live->config->ctx, event);
}

static int live_source_event(void *ctx, const struct event_header *event)
{
	struct live *live = ctx;

	return trials_event(live->trials, event);
}

static uint64_t live_due(void *ctx)
{
	const struct live *live = ctx;

	return live->config->due(live->config->ctx);
}

static int probes_start(struct live *live)
{
	struct probes_config config = live->config->probes;
	int error;

	config.pids = live->sets.pids;
	config.pid_count = live->sets.pid_count;
	config.pid_namespace = live->pid_namespace;
	config.ignore_pids = live->sets.containers;
	config.ports = live->sets.ports;
	config.port_count = live->sets.port_count;
	config.filter_pids = live->sets.pid_count || live->child.pid;
	config.follow_children = live->child.pid != 0;
	live->load_ns = clock_ns();
	live->probes = probes_open(&config);
	live->load_ns = clock_ns() - live->load_ns;
	if (!live->probes)
		return -EIO; /* reported */
	if (live->child.pid && probes_add_pid(live->probes, live->child.pid) < 0)
		return -ENOMEM;
	live->containers = container_state_new(container_state_root());
	live->source = source_bpf_new(live->probes, live->containers, live_source_event, live_due, live);
	live->trials = trials_new(live_event, library_refuted, live);
	if (!live->containers || !live->source || !live->trials)
		return -ENOMEM;
	library_search_pause(live->libraries, library_pause);
	library_search_tell_mappings(live->libraries, live->config->tls_seen);
	live->config->opened(live->config->ctx, live->probes);
	/* At once: what the ring holds by then may be older than what is there now. */
	error = source_bpf_existing(live->source);
	for (size_t i = 0; i < live->sets.pid_count && error >= 0; i++)
		error = source_bpf_introduce(live->source, live->sets.pids[i]);
	return error;
}

static void mappings_take(void *ctx, bool closed)
{
	struct live *live = ctx;

	(void)closed;
	library_search_watch_read(live->libraries);
	live->mapped = true;
}

/*
 * A program that starts maps some files one by one, executes between them, and a short one ends soon: each
 * would wake the reader. The first does, and is looked at; what comes just behind it waits for a moment.
 */
static void mappings_gather(struct live *live)
{
	const struct timespec moment = { .tv_nsec = GATHER_NS };

	if (live->mapped)
		nanosleep(&moment, NULL);
	live->mapped = false;
}

static bool is_own(const struct live *live, uint32_t pid)
{
	const struct probes_config *probes = &live->config->probes;

	for (size_t i = 0; i < probes->own_count; i++)
		if ((uint32_t)probes->own[i] == pid)
			return true;
	return false;
}

/* Is the process one that is asked for? Called in the search's thread: the filter is only read. */
static bool survey_wanted(void *ctx, const struct event_process *process)
{
	const struct live *live = ctx;
	struct mover mover = {
		.pid = process->h.pid, .tid = process->h.tid, .uid = process->h.uid, .fd = -1
	};

	if (process->h.pid == (uint32_t)getpid() || is_own(live, process->h.pid))
		return false;
	memcpy(mover.comm, process->h.comm, sizeof(mover.comm));
	memcpy(mover.exe, process->name, sizeof(mover.exe));
	return filter_conn(live->config->filter, NULL, &mover);
}

/*
 * The watch first: what is mapped while the scan runs is not missed. The scan takes about as long as loading
 * the programs, and goes on meanwhile.
 */
static int libraries_begin(struct live *live)
{
	const struct live_config *config = live->config;
	const char *path = live->command;

	live->libraries = library_search_new(library_take, live);
	if (!live->libraries)
		return -ENOMEM;
	library_search_claim(live->libraries, config->claims, config->claim_count);
	if (!config->child_argv)
		live->survey = tls_survey_new(survey_wanted, live);
	library_search_survey(live->libraries, live->survey);
	live->watch = library_search_watch(live->libraries);
	/* It may be over before its executable, once it is mapped, has been looked at. */
	if (!config->child_argv || !child_find(config->child_argv[0], live->command, sizeof(live->command)))
		path = NULL;
	library_search_begin(live->libraries, path);
	return 0;
}

static void libraries_start(struct live *live)
{
	int error = live->watch < 0 ? live->watch : loop_add(live->loop, live->watch, mappings_take, live);

	if (error < 0)
		log_warn("cannot watch for new mappings: %s; TLS libraries that are outside the loader's "
			 "cache and first used from now on are not seen",
			 strerror(-error));
	error = library_search_finish(live->libraries);
	if (error)
		log_warn("cannot look through all processes: %s; some TLS libraries may not be seen",
			 strerror(-error));
}

/*
 * A filter that the kernel decides spares the machine what is not
 * wanted; all others only spare the reader.
 */
static void say_filter(const struct live *live)
{
	const struct live_config *config = live->config;
	struct buffer inside = { .data = NULL }, here = { .data = NULL };

	for (size_t i = 0; i < filter_key_count; i++) {
		const struct filter_key *key = &filter_keys[i];
		bool used = filter_uses(config->filter, key) ||
			    (key->decider == FILTER_BY_PIDS && config->pid_count);
		struct buffer *list = filter_key_decided(key, &live->sets) ? &inside : &here;

		if (used)
			buffer_format(list, "%s%s", list->len ? ", " : "", key->name);
	}
	if (inside.len + here.len && !inside.failed && !here.failed)
		log_info("filter in the kernel: %.*s; in hark: %.*s", inside.len ? (int)inside.len : 7,
			 inside.len ? inside.data : "nothing", here.len ? (int)here.len : 7,
			 here.len ? here.data : "nothing");
	buffer_fini(&inside);
	buffer_fini(&here);
}

static void say_ready(const struct live *live)
{
	uint64_t ready_us = (clock_ns() - live->start_ns) / 1000;
	size_t files = probes_count_files(live->probes);
	struct buffer text = { .data = NULL };

	counter_add(COUNTER_READY_US, ready_us);
	counter_add(COUNTER_READY_LOAD_US, live->load_ns / 1000);
	if (live->config->detail) {
		say_filter(live);
		log_info("capture by %s, %zu TLS librar%s, ring %zu KiB; %u ms to start, %u of them to load "
			 "BPF",
			 probes_capture(live->probes) == CAPTURE_SOCKET ? "socket tracepoints"
									: "the exit of system calls",
			 files, files == 1 ? "y" : "ies", live->config->probes.ring_bytes / 1024,
			 (unsigned int)(ready_us / 1000), (unsigned int)(live->load_ns / 1000000));
	}
	if (live->survey)
		tls_survey_put(live->survey, &text, live->config->filter != NULL);
	else if (live->config->child_argv)
		buffer_format(&text, "%s and what it starts", live->config->child_argv[0]);
	outputs_ready(live->config->outputs, &text);
	log_info("ready: %.*s; Ctrl-C ends", (int)text.len, text.data ? text.data : "");
	buffer_fini(&text);
}

/*
 * A signal from the terminal's keys has reached the command as well, any other is passed on; either way hark
 * ends when the command does, as strace does. One that asks again, not by a key, is obeyed at once.
 */
static void end_asked(struct live *live, const struct signalfd_siginfo *info)
{
	if (!live->child.pid || live->child.ended) {
		loop_stop(live->loop);
	} else if (info->ssi_code != SI_KERNEL) {
		child_signal(&live->child, (int)info->ssi_signo);
		if (live->asked == (int)info->ssi_signo)
			loop_stop(live->loop);
		live->asked = (int)info->ssi_signo;
	}
}

static void signals_take(void *ctx, bool closed)
{
	struct live *live = ctx;
	struct signalfd_siginfo info;

	(void)closed;
	while (read(live->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1) {
			source_bpf_counters(live->source);
			counters_print(stderr);
		} else if (info.ssi_signo != SIGCHLD) {
			end_asked(live, &info);
		} else if (child_ended(&live->child)) {
			loop_stop(live->loop);
		}
	}
}

/* Losses are said when they happen, with what cures them, at most once a second. A ring that is full is read.
 */
static void losses_say(struct live *live, uint64_t now)
{
	bool screen = outputs_wants(live->config->outputs).stay;
	uint64_t lost, received = counters[COUNTER_EVENTS_RECEIVED];
	struct event_counters counts;

	if (now - live->warned_ns < WARN_EVERY_NS || (received == live->warned_received && !screen) ||
	    probes_counters(live->probes, &counts) < 0)
		return;
	live->warned_ns = now;
	live->warned_received = received;
	lost = counts.value[KC_EVENTS_LOST];
	if (lost > live->warned_lost)
		log_warn("%llu records lost, the ring was full: a larger --ring (now %zu KiB), fewer "
			 "processes (-p) or a smaller --snaplen help",
			 (unsigned long long)(lost - live->warned_lost),
			 live->config->probes.ring_bytes / 1024);
	/* A screen shows them as they stand, and a table says that there were some. */
	if (screen || lost > live->warned_lost)
		source_bpf_counters(live->source);
	live->warned_lost = lost;
}

static void named_take(void *ctx, bool closed)
{
	struct live *live = ctx;

	(void)closed;
	if (pid_watch_read(live->named) && !live->child.pid)
		loop_stop(live->loop);
}

static int live_register(struct live *live)
{
	sigset_t set;
	int error;

	signal_set(&set);
	live->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (live->signals < 0)
		return -errno;
	error = loop_add(live->loop, live->signals, signals_take, live);
	if (!error && live->named)
		error = loop_add(live->loop, pid_watch_fd(live->named), named_take, live);
	/* Each turn empties the ring, which has records again by the next while they come. */
	return error ? error : loop_add_edge(live->loop, probes_ring_fd(live->probes));
}

/* Until the next poll, or the end of the run. */
static uint64_t live_wait_ns(const struct live *live)
{
	uint64_t now = clock_ns(), next = source_bpf_next_ns(live->source);

	if (live->end_ns && live->end_ns < next)
		next = live->end_ns;
	return next > now ? next - now : 0;
}

/* Less than 0, or whether the ring held more than one turn takes. */
static int live_turn(struct live *live, bool more)
{
	uint64_t now;
	int error;

	if (!more)
		mappings_gather(live);
	error = loop_turn(live->loop, more ? 0 : live_wait_ns(live));
	now = clock_ns();
	if (error < 0)
		return error;
	losses_say(live, now);
	/* Whoever is in no pid namespace of hark's cannot be asked what it uses. */
	if (!live->pid_namespace)
		library_search_sweep(live->libraries, now, library_unused);
	if (live->end_ns && now >= live->end_ns)
		loop_stop(live->loop);
	if (live->polled >= 0)
		live->polled = source_bpf_poll(live->source);
	return live->polled;
}

static int live_turns(struct live *live)
{
	struct outputs *outputs = live->config->outputs;
	int more = 0;

	while (!loop_is_stopped(live->loop)) {
		more = live_turn(live, more > 0);
		if (more < 0)
			return more;
		if (!more)
			outputs_flush(outputs);
		if (outputs_finished(outputs))
			loop_stop(live->loop);
	}
	return source_bpf_end(live->source);
}

/* The user's mistakes are reported before anything starts. */
static int targets_find(struct live *live)
{
	const struct live_config *config = live->config;

	if (live->sets.pid_count) {
		live->named = pid_watch_new(live->sets.pids, live->sets.pid_count);
		if (!live->named)
			return -ESRCH; /* reported */
		if (!config->child_argv)
			pid_watch_tell_children(live->named);
	}
	if (!config->child_argv)
		return 0;
	if (run_as_find(&live->run_as, config->user, geteuid()) < 0)
		return -EPERM; /* reported */
	return child_fork(&live->child, config->child_argv, &live->run_as);
}

/* The command's end is hark's; what it left behind is not waited for. */
static void say_unfinished(const struct live *live)
{
	const struct live_config *config = live->config;
	size_t left;

	if (!live->child.pid && live->named)
		pid_watch_tell_children(live->named);
	if (!live->child.pid)
		return;
	if (!live->child.ended) {
		log_info("%s (process %d) goes on without hark", config->child_argv[0], (int)live->child.pid);
		return;
	}
	left = probes_count_pids(live->probes, live->sets.pids, live->sets.pid_count);
	if (left)
		log_info("%zu process%s that the command started %s on without hark", left,
			 left == 1 ? "" : "es", left == 1 ? "goes" : "go");
}

static int live_start(struct live *live)
{
	const struct live_config *config = live->config;
	int error;

	filter_kernel(config->filter, &live->sets);
	/* Beside a command, whose family is what the kernel side lets through, -p adds others. */
	if (config->child_argv) {
		live->sets.pids = config->pids;
		live->sets.pid_count = config->pid_count;
	}
	if (pid_namespace_find(&live->pid_namespace) < 0 || targets_find(live) < 0 ||
	    libraries_begin(live) < 0 || probes_start(live) < 0)
		return -EIO; /* reported */
	error = live_register(live);
	if (error < 0) {
		log_error("cannot start the loop: %s", strerror(-error));
		return error;
	}
	libraries_start(live);
	probes_tls_listen(live->probes);
	rights_drop(&(struct rights_config){
		.capture = true,
		.perf = !probes_session_supported(),
		.listen = outputs_wants(config->outputs).listen,
		.child = live->child.pid,
		.in_place = outputs_wants(config->outputs).in_place,
	});
	return 0;
}

int live_run(const struct live_config *config)
{
	struct live live = {
		.config = config,
		.loop = config->loop,
		.child.gate = -1,
		.signals = -1,
		.start_ns = clock_ns(),
	};
	int status = 1;

	if (live_start(&live) < 0)
		goto out;
	config->ready(config->ctx);
	say_ready(&live);
	if (config->duration_ns)
		live.end_ns = clock_ns() + config->duration_ns;
	tls_survey_free(live.survey);
	live.survey = NULL;
	signals_take(&live, false); /* told to end while it started: the command gets that before it runs */
	child_release(&live.child);
	resident_release();
	status = live_turns(&live) < 0 ? 1 : 0;
	say_unfinished(&live);
	if (live.child.pid && status == 0)
		status = live.child.ended ? live.child.exit_status : live.asked ? 128 + live.asked : 0;
out:
	child_cancel(&live.child);
	run_as_fini(&live.run_as);
	pid_watch_free(live.named);
	library_search_free(live.libraries);
	tls_survey_free(live.survey);
	source_bpf_free(live.source);
	container_state_free(live.containers);
	trials_free(live.trials);
	probes_close(live.probes);
	if (live.signals >= 0)
		close(live.signals);
	return status;
}

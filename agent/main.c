/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wires the stages in the order of the flow, and nothing else:
 *
 *   source (kernel or recording) → recording (-w) → tracker → join → outputs
 *
 * Secrets are overwritten on the way to a recording (--redacted), and on the
 * way to the tracker when its outputs show raw bytes.
 *
 * The one way back is what the tracker decides about a connection, which goes
 * to the probes.
 */
#include "base/budget.h"
#include "base/call_filter.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/private_file.h"
#include "cli/options.h"
#include "doctor/doctor.h"
#include "library/libraries.h"
#include "library/tls_seen.h"
#include "outputs/closing.h"
#include "outputs/outputs.h"
#include "pair/join.h"
#include "query/query.h"
#include "record/record.h"
#include "record/scrub.h"
#include "record/source_file.h"
#include "run/host.h"
#include "run/live.h"
#include "run/pace.h"
#include "run/rights.h"
#include "sinks/key_log.h"
#include "track/tracker.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
	const struct options *options;
	struct budget budget;	      /* for all that is held */
	struct spares rooms, streams; /* what exchanges took before */
	struct record *record;	      /* NULL: none */
	FILE *stats;		      /* --stats-json; NULL: none */
	FILE *exported;		      /* --export; NULL: none */
	FILE *keylog;		      /* --keylog; NULL: none */
	struct buffer keylog_line;
	bool keylogged;		 /* it has a line */
	struct scrub *to_record; /* --redacted; NULL: events are recorded as they are */
	struct scrub *to_show;	 /* raw; NULL: events are shown as they are */
	struct tracker *tracker; /* NULL: only recording */
	struct join *join;	 /* of exchanges seen from both ends */
	struct outputs *outputs;
	struct outputs_config outputs_config;
	pid_t own[OUTPUTS_MAX];		    /* processes of the outputs' */
	struct stats_options stats_options; /* of the options, with the budget */
	struct probes *probes;		    /* NULL in a replay */
	struct pace *pace;		    /* NULL when live */
	struct tls_seen *tls_seen;	    /* NULL in a replay */
	struct loop *loop;
	struct host *host;  /* of a view that is asked about the machine; else NULL */
	bool each_end;	    /* exchanges are not joined */
	bool began;	    /* there is something to say of it at the end */
	struct tally tally; /* once the outputs are closed */
};

static void run_tick(struct run *run, uint64_t now_ns);

/* --- source → recording → tracker ------------------------------------------- */

static int run_record(void *ctx, const struct event_header *event)
{
	struct run *run = ctx;
	int error = record_write(run->record, event);

	if (error < 0)
		log_error("cannot write %s: %s", run->options->record_path, strerror(-error));
	return error;
}

static int run_track(void *ctx, const struct event_header *event)
{
	struct run *run = ctx;

	tracker_event(run->tracker, event);
	if (event->type != EVENT_POLL)
		return 0;
	join_poll(run->join, event->time_ns);
	run_tick(run, event->time_ns);
	return 0;
}

/* No redacted recording has it. */
static int run_secret(struct run *run, const struct event_header *event)
{
	int error = run->record && !run->to_record ? run_record(run, event) : 0;

	return error < 0 ? error : run_track(run, event);
}

static int run_event(void *ctx, const struct event_header *event)
{
	struct run *run = ctx;
	int error = 0;

	if (event->type == EVENT_COUNTERS)
		counters_set_kernel((const struct event_counters *)event);
	if (event->type == EVENT_TLS_SECRET)
		return run_secret(run, event);
	if (run->record)
		error = run->to_record ? scrub_event(run->to_record, event) : run_record(run, event);
	if (error < 0)
		return error;
	return run->to_show ? scrub_event(run->to_show, event) : run_track(run, event);
}

/* --- tracker → join → outputs -------------------------------------------------------- */

static bool run_joined(void *ctx, const struct exchange *exchange)
{
	struct result result = result_of_exchange(RESULT_EXCHANGE, exchange);

	return outputs_show(((struct run *)ctx)->outputs, &result);
}

static void run_exchange(void *ctx, struct exchange *exchange)
{
	struct run *run = ctx;

	if (run->each_end)
		run_joined(run, exchange);
	else
		join_exchange(run->join, exchange);
}

static void run_result(void *ctx, const struct result *result)
{
	struct run *run = ctx;
	struct result shown = *result;
	struct exchange view;
	struct call call;

	if (result->kind == RESULT_CONN_OPENED)
		join_conn_opened(run->join, result->conn);
	if (result->kind == RESULT_CONN_CLOSED)
		join_conn_closed(run->join, result->conn);
	if (result->kind == RESULT_PENDING || result->kind == RESULT_IN_FLIGHT ||
	    result->kind == RESULT_MESSAGE) {
		view = *result->exchange;
		join_view(run->join, &view);
		shown.exchange = &view;
	}
	if (result->kind == RESULT_CALL) {
		call = *result->call;
		call.peer = join_peer(run->join, result->conn);
		shown.call = &call;
	}
	if (outputs_show(run->outputs, &shown) && result->kind == RESULT_SECRET && run->keylog &&
	    key_log_put(&run->keylog_line, result->secret)) {
		buffer_write(&run->keylog_line, run->keylog);
		run->keylogged = true;
	}
}

static const char *run_unread_why(void *ctx, uint32_t pid, bool *followed)
{
	const struct run *run = ctx;
	const char *why;

	*followed = run->pace != NULL; /* or may have been */
	if (run->pace)
		return "a recording does not tell of TLS libraries";
	why = run->tls_seen ? tls_seen_why(run->tls_seen, pid) : NULL;
	*followed = libraries_why_followed(why);
	return why;
}

static void run_open_exchange(void *ctx, const struct exchange *exchange)
{
	struct result result = result_of_exchange(RESULT_IN_FLIGHT, exchange);

	run_result(ctx, &result);
}

/* The clock of tables is the events', so that a recording gives the same ones. */
static void run_tick(struct run *run, uint64_t now_ns)
{
	if (!run->outputs || !outputs_tick(run->outputs, now_ns))
		return;
	tracker_each_open(run->tracker, run_open_exchange, run);
	outputs_draw(run->outputs, false);
}

static uint64_t run_due_ns(void *ctx)
{
	const struct run *run = ctx;
	uint64_t tracker_ns = tracker_due_ns(run->tracker), outputs_ns = outputs_due_ns(run->outputs);
	uint64_t due_ns = tracker_ns < outputs_ns ? tracker_ns : outputs_ns;
	bool waits = join_waits(run->join) || (run->to_record && scrub_waits(run->to_record)) ||
		     (run->to_show && scrub_waits(run->to_show));
	uint64_t look_ns = waits ? clock_ns() + PIPELINE_LOOK_NS : UINT64_MAX;

	return look_ns < due_ns ? look_ns : due_ns;
}

/* --- tracker → probes: the way back ------------------------------------------- */

static void run_mark(void *ctx, uint64_t socket_id, enum mark mark)
{
	struct run *run = ctx;

	if (run->probes)
		probes_mark(run->probes, socket_id, mark);
}

/* A recording keeps what may be wanted when it is replayed with bodies. */
static bool run_skip(void *ctx, uint64_t socket_id, const struct tls_key *session,
		     enum event_direction direction, uint64_t until, uint64_t count)
{
	struct run *run = ctx;

	return run->probes && !run->record &&
	       probes_skip(run->probes, socket_id, session, direction, until, count);
}

static void run_forget(void *ctx, uint64_t socket_id, bool counted)
{
	struct run *run = ctx;

	if (run->probes)
		probes_forget(run->probes, socket_id, counted);
}

static void run_seek_sockets(void *ctx, uint32_t pid, bool wanted)
{
	struct run *run = ctx;

	if (run->probes)
		probes_seek_sockets(run->probes, pid, wanted);
}

static void run_forget_session(void *ctx, const struct tls_key *session)
{
	struct run *run = ctx;

	if (run->probes)
		probes_forget_session(run->probes, session);
}

/* --- the two kinds of run ------------------------------------------------------ */

static int scrubs_open(struct run *run)
{
	const struct options *options = run->options;

	if (run->record && options->redacted) {
		run->to_record = scrub_new(&(struct scrub_config){
			.budget = &run->budget,
			.redact = options->redact_recording,
			.fn = run_record,
			.ctx = run,
		});
		if (!run->to_record)
			return -ENOMEM;
	}
	if (outputs_wants(run->outputs).kinds[RESULT_CALL] && !options->show_secrets) {
		run->to_show = scrub_new(&(struct scrub_config){
			.budget = &run->budget,
			.redact = options->redact,
			.keep_other = true,
			.fn = run_track,
			.ctx = run,
		});
		if (!run->to_show)
			return -ENOMEM;
	}
	return 0;
}

/* A recording is as private as what it holds. */
static void record_say(const struct options *options)
{
	if (options->redacted)
		log_info("secret values in %s are overwritten; what could not be judged is left out",
			 options->record_path);
	else
		log_info("%s holds what was said, secrets included: keep it private (--redacted overwrites "
			 "secret values)",
			 options->record_path);
}

/* At the begin, as all that is written to: what is refused is refused before anything runs. */
static int file_open(const char *path, FILE **file)
{
	int fd;

	if (!path)
		return 0;
	fd = private_file_open(path);
	*file = fd < 0 ? NULL : fdopen(fd, "w");
	if (*file)
		return 0;
	log_error("cannot write %s: %s", path, private_file_error(fd < 0 ? fd : errno));
	if (fd >= 0)
		close(fd);
	return -EIO;
}

/* Statements are shown by their own view, by a table of what they say (--by db.…), and where a filter asks
 * for them. */
static enum outputs_queries queries_of(const struct options *options)
{
	const struct stats_options *stats = &options->stats;

	if (options->view == VIEW_SQL || (stats->by == BY_FACT && strncmp(stats->by_fact, "db.", 3) == 0))
		return QUERIES_ALONE;
	return filter_asks_version(options->filter, version_is_query) ? QUERIES_TOO : QUERIES_NONE;
}

static void outputs_configure(struct run *run, int64_t offset_ns)
{
	const struct options *options = run->options;

	run->stats_options = options->stats;
	run->stats_options.budget = &run->budget;
	run->outputs_config = (struct outputs_config){
		.view = options->view,
		.items = options->outputs,
		.count = options->output_count,
		.filter = options->filter,
		.conn = options->conn,
		.recorded = options->record_path && options->command == COMMAND_LIVE,
		.all = options->all,
		.queries = queries_of(options),
		.limit = options->count,
		.as = options->as,
		.stdout_taken = options->child_argv != NULL,
		.color = options->color,
		.wide = options->wide,
		.sink = {
			.verbose = options->verbose,
			.wall_offset_ns = offset_ns,
			.redact = options->redact,
			.follow = options->conn != 0,
			.hex = options->hex,
			.pending_wanted = options->pending_given,
			.body_max_bytes = options->body_max_bytes,
			.relative = options->relative,
			.both_ends = options->both_ends,
			.summary = options->summary,
			.filter = options->filter_text,
			.trace = options->trace,
			.export_headers = &options->export_headers,
			.keep_ns = options->keep_ns,
			.keep_bytes = options->keep_bytes,
			.live = options->command == COMMAND_LIVE,
			.paced = options->command == COMMAND_REPLAY && options->speed != 0,
			.keylog = options->keylog_path != NULL,
			.exported = run->exported,
			.stats = &run->stats_options,
			.serve = &options->serve,
			.loop = run->loop,
			.host = run->host ? host_of(run->host) : NULL,
		},
	};
}

static struct probes_config probes_configure(const struct options *options)
{
	return (struct probes_config){
		.capture = options->capture,
		.ring_bytes = options->ring_bytes,
		.snaplen_bytes = options->snaplen_bytes,
		.secrets = options->keylog_path != NULL,
	};
}

/* The pipeline produces what the outputs and the filter want, and nothing else. */
static void wants_configure(const struct run *run, struct pipeline_config *config)
{
	const struct options *options = run->options;
	struct outputs_wants wants = outputs_wants(run->outputs);

	config->want_calls = wants.kinds[RESULT_CALL];
	config->want_other = options->view == VIEW_RAW;
	config->want_frames = wants.kinds[RESULT_FRAME];
	config->few_fields = !wants.fields && !filter_wants_fields(options->filter);
	config->want_bodies = wants.bodies || filter_wants_bodies(options->filter);
	/* A recording is to be replayed by any view. */
	config->want_queries = queries_of(options) != QUERIES_NONE || run->record;
	config->no_http = queries_of(options) == QUERIES_ALONE && !run->record;
	config->schema = options->schema;
	config->want_reads = wants.reads;
	if (filter_wants_facts(options->filter) || options->stats.by == BY_FACT)
		config->want_reads |= READER_FACTS | READER_OPERATION;
}

/* All but the outputs' own, which they open themselves. 0, or -errno when the reason was reported. */
static int files_open(struct run *run, int64_t offset_ns)
{
	const struct options *options = run->options;

	if (options->record_path) {
		run->record = record_open(options->record_path, offset_ns);
		if (!run->record) {
			log_error("cannot write %s: %s", options->record_path, private_file_error(errno));
			return -errno;
		}
		record_say(options);
	}
	if (file_open(options->export_path, &run->exported) < 0 ||
	    file_open(options->stats_json_path, &run->stats) < 0 ||
	    file_open(options->keylog_path, &run->keylog) < 0)
		return -EIO;
	if (run->keylog) {
		setvbuf(run->keylog, NULL, _IOLBF, 0); /* who reads beside it has each line */
		log_info("%s decrypts what is captured of TLS: keep it private", options->keylog_path);
	}
	return 0;
}

static int run_open(struct run *run, int64_t offset_ns)
{
	const struct options *options = run->options;
	struct pipeline_config config;
	struct filter_kernel sets;
	struct pipeline_handler handler = {
		.ctx = run,
		.exchange = run_exchange,
		.result = run_result,
		.unread_why = run_unread_why,
		.mark = run_mark,
		.skip = run_skip,
		.forget = run_forget,
		.seek_sockets = run_seek_sockets,
		.forget_session = run_forget_session,
	};

	run->loop = loop_new();
	if (!run->loop) {
		log_error("cannot make an event loop: %s", strerror(errno));
		return -errno;
	}
	if (files_open(run, offset_ns) < 0)
		return -EIO;
	outputs_configure(run, offset_ns);
	run->outputs = outputs_open(&run->outputs_config);
	if (!run->outputs)
		return -EIO;
	run->each_end = outputs_wants(run->outputs).each_end;
	if (scrubs_open(run) < 0) {
		log_error("out of memory");
		return -ENOMEM;
	}
	run->budget.limit_bytes = options->memory_bytes;
	pipeline_config_init(&config);
	config.budget = &run->budget;
	config.rooms = &run->rooms;
	config.streams = &run->streams;
	config.timeout_ns = options->timeout_ns;
	config.pending_ns = options->pending_ns;
	wants_configure(run, &config);
	if (options->command == COMMAND_REPLAY) {
		filter_kernel(options->filter, &sets);
		config.pids = sets.pids;
		config.pid_count = sets.pid_count;
	}
	run->join = join_new(&run->budget, run_joined, run);
	run->tracker = run->join ? tracker_new(&config, &handler) : NULL;
	if (!run->tracker)
		log_error("out of memory");
	return run->tracker ? 0 : -ENOMEM;
}

/* The last line of a run that began: what was shown, and what was lost. */
static void closing(const struct run *run)
{
	const struct options *options = run->options;

	closing_say(&(struct closing){
		.view = options->view,
		.tally = run->tally,
		.tabled = options->view == VIEW_STAT || options->summary,
		.filter = options->filter,
		.detail = options->verbose > 0 || options->debug,
	});
}

static int stats_write(struct run *run)
{
	int error;

	if (run->began)
		closing(run);
	if (!run->stats)
		return 0;
	errno = 0;
	error = counters_print_json(run->stats);
	if (fclose(run->stats) == EOF || error) {
		log_error("cannot write %s: %s", run->options->stats_json_path,
			  strerror(errno ? errno : EIO));
		error = -EIO;
	}
	run->stats = NULL;
	return error;
}

static int keylog_close(struct run *run, bool ended_well)
{
	const char *path = run->options->keylog_path;

	buffer_fini(&run->keylog_line);
	if (fclose(run->keylog) == EOF) {
		log_error("cannot write %s", path);
		return -EIO;
	}
	if (!run->keylogged && ended_well)
		log_warn("%s is empty: %s", path,
			 run->options->replay_path ? "the recording has no secrets of TLS sessions (record "
						     "--keylog, not --redacted)"
						   : "no TLS handshake was seen whose secrets hark can log");
	return 0;
}

/* Messages under way come out; then everything is written. status: the run's own. */
static int run_close(struct run *run, int status)
{
	int error = 0;

	if (run->to_record && scrub_end(run->to_record) < 0)
		error = -EIO;
	if (run->to_show && run->tracker)
		scrub_end(run->to_show);
	scrub_free(run->to_record);
	scrub_free(run->to_show);
	if (run->tracker) { /* and so outputs */
		tracker_each_open(run->tracker, run_open_exchange, run);
		tracker_end(run->tracker);
		join_end(run->join);
		outputs_draw(run->outputs, true);
	}
	if (run->pace) {
		pace_end(run->pace);
		pace_fini(run->pace);
	}
	if (run->outputs)
		run->tally = outputs_tally(run->outputs);
	tracker_free(run->tracker);
	tls_seen_free(run->tls_seen);
	join_free(run->join);
	if (outputs_close(run->outputs) < 0)
		error = -EIO;
	if (run->keylog && keylog_close(run, status == 0) < 0)
		error = -EIO;
	if (run->exported && fclose(run->exported) == EOF) {
		log_error("cannot write %s", run->options->export_path);
		error = -EIO;
	}
	spares_fini(&run->rooms);
	spares_fini(&run->streams);
	if (record_close(run->record) < 0) {
		log_error("cannot write %s", run->options->record_path);
		error = -EIO;
	}
	loop_free(run->loop);
	host_free(run->host);
	if (stats_write(run) < 0)
		error = -EIO;
	return error && status == 0 ? 1 : status;
}

static void run_opened(void *ctx, struct probes *probes)
{
	((struct run *)ctx)->probes = probes;
}

static void run_ready(void *ctx)
{
	const struct run *run = ctx;

	if (run->tracker)
		tracker_ready(run->tracker, clock_ns());
}

static struct doctor_config doctor_configure(const struct options *options)
{
	struct pipeline_config limits;

	pipeline_config_init(&limits);
	return (struct doctor_config){
		.capture = probes_configure(options),
		.memory_bytes = options->memory_bytes,
		.connection_limit = limits.connection_limit,
		.exchange_limit = limits.exchange_limit,
		.timeout_ns = options->timeout_ns,
		.pending_ns = options->pending_ns,
		.claims = options->claims,
		.claim_count = options->claim_count,
		.calls_filtered = call_filter_supported(),
	};
}

/* Who asks gets an answer also where nothing can be captured: why, by what doctor and the messages say. */
static void run_asked(struct run *run)
{
	struct pace pace = { .signals = -1 };

	host_set_failed(run->host);
	rights_drop(&(struct rights_config){ .capture = false });
	pace_init(&pace, run->loop, true);
	outputs_draw(run->outputs, true);
	pace_end(&pace);
	pace_fini(&pace);
}

static int run_live(const struct options *options)
{
	struct run run = { .options = options };
	struct live_config config = {
		.probes = probes_configure(options),
		.filter = options->filter,
		.pids = options->pids,
		.pid_count = options->pid_count,
		.duration_ns = options->duration_ns,
		.child_argv = options->child_argv,
		.user = options->user,
		.claims = options->claims,
		.claim_count = options->claim_count,
		.detail = options->verbose || options->debug,
		.ctx = &run,
		.event = run_event,
		.due = run_due_ns,
		.opened = run_opened,
		.ready = run_ready,
	};
	int status = 1;

	live_init();
	if (options->view == VIEW_MCP) {
		struct doctor_config doctor = doctor_configure(options);

		run.host = host_new(&doctor);
	}
	run.tls_seen = tls_seen_new(); /* without memory for it, reasons are general */
	if (run_open(&run, clock_wall_offset_ns()) == 0) {
		if (run.tracker)
			tracker_ready(run.tracker, UINT64_MAX);
		config.tls_seen = run.tls_seen;
		config.loop = run.loop;
		config.outputs = run.outputs;
		config.probes.own = run.own;
		config.probes.own_count = outputs_processes(run.outputs, run.own);
		status = live_run(&config);
		if (run.host && !counters[COUNTER_READY_US])
			run_asked(&run);
	}
	run.probes = NULL; /* closed with the loop */
	run.began = counters[COUNTER_READY_US] > 0;
	return run_close(&run, status);
}

static int replay_event(void *ctx, const struct event_header *event)
{
	struct run *run = ctx;
	int error;

	if (pace_event(run->pace, event))
		return -ECANCELED;
	if (event->type != EVENT_COUNTERS && event->type != EVENT_POLL)
		counter_add(COUNTER_EVENTS_RECEIVED, 1);
	error = run_event(run, event);
	if (error < 0)
		return error;
	return outputs_finished(run->outputs) ? -ECANCELED : 0;
}

/* A replay that is over before anybody could wonder has nothing to say. */
static void replay_ready(const struct outputs *outputs)
{
	struct buffer text = { .data = NULL };

	outputs_ready(outputs, &text);
	if (text.len)
		log_info("ready: %.*s; Ctrl-C ends", (int)text.len, text.data);
	buffer_fini(&text);
}

static int run_replay(const struct options *options)
{
	struct pace pace = { .speed = options->speed, .signals = -1 };
	struct run run = { .options = options, .pace = &pace };
	const char *error = NULL;
	struct source_file *source = source_file_open(options->replay_path, &error);
	int result, status = 1;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (!source) {
		log_error("cannot replay %s: %s", options->replay_path, error);
		return 1;
	}
	if (run_open(&run, source_file_wall_offset_ns(source)) == 0) {
		pace_init(&pace, run.loop, outputs_wants(run.outputs).stay);
		rights_drop(&(struct rights_config){
			.listen = outputs_wants(run.outputs).listen,
			.in_place = outputs_wants(run.outputs).in_place,
		});
		replay_ready(run.outputs);
		run.began = true;
		result = source_file_run(source, replay_event, &run, &error);
		status = result == 0 || result == -ECANCELED ? 0 : 1;
		if (result < 0 && result != -ECANCELED)
			log_error("%s: %s", options->replay_path, error ? error : strerror(-result));
	}
	status = run_close(&run, status);
	source_file_close(source);
	return status;
}

static void query_opened(void)
{
	rights_drop(&(struct rights_config){ .capture = false });
}

static int run_query(const struct options *options)
{
	const char *format = options->outputs[0].format;

	signal(SIGPIPE, SIG_IGN);
	return query_run(&(struct query_config){
		.path = options->query_path,
		.question = options->question,
		.sql = options->sql,
		.filters = options->query_filters,
		.filter_count = options->query_filter_count,
		.since = options->since,
		.until = options->until,
		.format = strcmp(format, "json") == 0  ? QUERY_JSON
			  : strcmp(format, "csv") == 0 ? QUERY_CSV
						       : QUERY_TEXT,
		.rows = options->count,
		.time_ns = options->duration_ns,
		.columns = outputs_terminal_columns(STDOUT_FILENO),
		.now_us = ((int64_t)clock_ns() + clock_wall_offset_ns()) / 1000,
		.opened = query_opened,
	});
}

static int run_doctor(const struct options *options)
{
	struct doctor_config config = doctor_configure(options);

	config.pids = options->pids;
	config.pid_count = options->pid_count;
	config.columns = outputs_terminal_columns(STDOUT_FILENO);
	config.color = options->color;
	config.detail = options->verbose > 0;
	return doctor_run(stdout, &config);
}

/*
 * Of a standard stream that is closed the number would go to the first file that is opened, and what is said
 * on the stream would be written into a recording. Writing to a stdout that was closed still fails.
 */
static int streams_open(void)
{
	static const int modes[] = { O_RDONLY, O_RDONLY, O_WRONLY };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			return -EBADF;
	return 0;
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	if (streams_open() < 0)
		return 1;
	setlocale(LC_ALL, "");
	status = options_parse(&options, argc, argv);
	if (status)
		return status == 1 ? 0 : 2;
	log_level = options.quiet ? LOG_QUIET : options.debug ? LOG_DEBUG : LOG_NORMAL;
	switch (options.command) {
	case COMMAND_LIVE:
		status = run_live(&options);
		break;
	case COMMAND_REPLAY:
		status = run_replay(&options);
		break;
	case COMMAND_QUERY:
		status = run_query(&options);
		break;
	case COMMAND_DOCTOR:
		status = run_doctor(&options);
		break;
	}
	options_fini(&options);
	return status;
}

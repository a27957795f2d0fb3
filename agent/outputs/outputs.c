/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A closed pipe ends hark quietly (SIGPIPE is ignored, EPIPE noticed at the
 * flush). Any other write error is reported once and counted.
 */
#include "outputs.h"

#include "base/counters.h"
#include "base/log.h"
#include "base/private_file.h"
#include "model/conn_set.h"
#include "sinks/opaque_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)
#define TOLD_MAX     10

struct output_open {
	const char *path; /* NULL: stdout */
	FILE *file;
	char *buffer; /* the file's */
	const struct sink_ops *ops;
	struct sink *sink;
};

struct outputs {
	const struct outputs_config *config;
	struct output_open items[OUTPUTS_MAX];
	size_t count;
	uint64_t shown;
	unsigned int told;	 /* lines about what is not read, on stderr */
	bool conn_seen;		 /* the one of -x */
	bool said_no_address;	 /* that port: and peer: leave exchanges out for want of it */
	bool by_exchange;	 /* the filter is about exchanges */
	struct conn_set matched; /* connections with an exchange that it let through; by_exchange only */
	bool finished;
	int error;
};

/* The buffer: the C library ignores a size without one. Without memory its own small one does. */
static FILE *output_file(const char *path, int standard_fd, char **buffer)
{
	int fd = path ? private_file_open(path) : fcntl(standard_fd, F_DUPFD_CLOEXEC, 3);
	FILE *file;

	if (path && fd < 0)
		errno = -fd;
	if (fd < 0)
		return NULL;
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		return NULL;
	}
	*buffer = malloc(BUFFER_BYTES);
	if (*buffer)
		setvbuf(file, *buffer, _IOFBF, BUFFER_BYTES);
	return file;
}

/*
 * A command of the user's has stdout; text for people then goes
 * beside it. What is asked for by -o does not.
 */
static int standard_fd_of(const struct outputs_config *config, const struct output *wanted)
{
	return config->stdout_taken && strcmp(wanted->format, "text") == 0 ? STDERR_FILENO : STDOUT_FILENO;
}

/* 0: no terminal, or one that does not say. */
static size_t terminal_columns(int fd)
{
	struct winsize size;

	return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static int output_open_one(struct outputs *outputs, const struct output *wanted)
{
	const struct outputs_config *config = outputs->config;
	struct output_open *item = &outputs->items[outputs->count];
	struct sink_config sink = config->sink;
	int standard_fd = standard_fd_of(config, wanted);

	sink.color = config->color && !wanted->path;
	sink.columns = wanted->path || config->wide ? 0 : terminal_columns(standard_fd);
	item->path = wanted->path;
	item->ops = sink_find(wanted->format, config->view);
	item->file = output_file(wanted->path, standard_fd, &item->buffer);
	if (!item->file) {
		log_error("cannot write %s: %s", wanted->path ? wanted->path : "to stdout",
			  private_file_error(errno));
		return -EIO;
	}
	outputs->count++;
	sink.out = item->file;
	item->sink = item->ops ? item->ops->create(&sink) : NULL;
	if (!item->sink) {
		log_error("out of memory");
		return -ENOMEM;
	}
	return 0;
}

/* What the filter asks about exchanges hides no call and no frame; a recording holds what the kernel lets
 * through.
 */
static void say_undecided(const struct outputs_config *config)
{
	bool records = config->view == VIEW_RECORD;
	struct buffer keys = { .data = NULL };

	for (size_t i = 0; i < filter_key_count; i++) {
		const struct filter_key *key = &filter_keys[i];
		bool decided = records ? strcmp(key->name, "pid") == 0 || strcmp(key->name, "port") == 0 ||
						 strcmp(key->name, "container") == 0
				       : !key->about_exchange;

		if (!decided && filter_uses(config->filter, key))
			buffer_format(&keys, "%s%s:", keys.len ? " " : "", key->name);
	}
	if (keys.len && records)
		log_warn("%.*s does not restrict a recording; pid:, port: and container: do", (int)keys.len,
			 keys.data);
	else if (keys.len && (config->view == VIEW_RAW || config->view == VIEW_FRAMES))
		log_warn("%.*s hides no single %s: it is about exchanges", (int)keys.len, keys.data,
			 config->view == VIEW_RAW ? "calls" : "frames");
	buffer_fini(&keys);
}

struct outputs *outputs_open(const struct outputs_config *config)
{
	struct outputs *outputs = calloc(1, sizeof(*outputs));

	if (!outputs) {
		log_error("out of memory");
		return NULL;
	}
	outputs->config = config;
	outputs->by_exchange = filter_about_exchanges(config->filter);
	say_undecided(config);
	for (size_t i = 0; i < config->count; i++) {
		if (output_open_one(outputs, &config->items[i]) < 0) {
			outputs_close(outputs);
			return NULL;
		}
	}
	return outputs;
}

/* -x. conn: NULL when it belongs to none. */
static bool conn_wanted(struct outputs *outputs, const struct conn_facts *conn)
{
	const struct outputs_config *config = outputs->config;

	if (!config->conn)
		return true;
	if (!conn || conn->id != config->conn)
		return false;
	outputs->conn_seen = true;
	return true;
}

static bool is_wanted(struct outputs *outputs, const struct mover *mover, const struct conn_facts *conn)
{
	return conn_wanted(outputs, conn) && !outputs->finished &&
	       filter_conn(outputs->config->filter, conn, mover);
}

static bool exchange_wanted(struct outputs *outputs, const struct exchange *exchange)
{
	return conn_wanted(outputs, exchange->conn) && !outputs->finished &&
	       filter_exchange(outputs->config->filter, exchange);
}

/* A connection is shown for its own sake, or for an exchange that was. */
static bool conn_itself_wanted(const struct outputs *outputs, const struct conn_facts *conn)
{
	enum filter_answer answer = filter_conn_answer(outputs->config->filter, conn, &conn->owner);

	return answer == FILTER_YES || (answer == FILTER_UNKNOWN && !outputs->by_exchange);
}

/* Shows one thing to each sink that has a function for such. */
#define SHOW(outputs, function, ...)                   \
	for (size_t i = 0; i < (outputs)->count; i++)  \
		if ((outputs)->items[i].ops->function) \
	(outputs)->items[i].ops->function((outputs)->items[i].sink, __VA_ARGS__)

/* --count: what is shown is counted; a view counts what it shows a line of. */
static void count_shown(struct outputs *outputs)
{
	outputs->shown++;
	if (outputs->config->limit && outputs->shown >= outputs->config->limit)
		outputs->finished = true;
}

/* An exchange whose other end is not wanted stands for itself. */
static struct exchange exchange_as_wanted(struct outputs *outputs, const struct exchange *exchange)
{
	struct exchange view = *exchange;

	if (!view.other || exchange_wanted(outputs, view.other))
		return view;
	view.other = NULL;
	view.join = JOIN_NONE;
	return view;
}

/* Text has one line for both ends. */
static bool is_line_of_its_own(const struct outputs *outputs, const struct exchange *exchange)
{
	const struct outputs_config *config = outputs->config;

	return config->view == VIEW_CONNS || config->sink.both_ends || !exchange->other ||
	       exchange->join == JOIN_FIRST || strcmp(config->items[0].format, "text") != 0;
}

/* TLS in memory buffers has no address of its own: port: and peer: leave it out, and that is said once. */
static void note_left_out(struct outputs *outputs, const struct exchange *exchange)
{
	if (outputs->finished || !filter_lacks_address(outputs->config->filter, exchange))
		return;
	counter_add(COUNTER_FILTER_NO_ADDRESS, 1);
	if (outputs->said_no_address)
		return;
	outputs->said_no_address = true;
	log_warn(
		"%s (process %u) keeps its TLS in memory buffers, so that its sessions have no known socket: "
		"port: and peer: leave them out (filter.no_address); pid: and comm: do not",
		exchange->mover.exe[0] ? exchange->mover.exe : exchange->mover.comm, exchange->mover.pid);
}

bool outputs_exchange(struct outputs *outputs, const struct exchange *exchange)
{
	enum view view = outputs->config->view;
	struct exchange wanted;

	if (!exchange_wanted(outputs, exchange)) {
		note_left_out(outputs, exchange);
		return false;
	}
	if (outputs->by_exchange && !conn_set_add(&outputs->matched, exchange->conn->id))
		counter_add(COUNTER_LIMIT_FILTER, 1);
	wanted = exchange_as_wanted(outputs, exchange);
	SHOW(outputs, exchange, &wanted);
	if ((view == VIEW_WATCH || view == VIEW_CONNS) && is_line_of_its_own(outputs, &wanted))
		count_shown(outputs);
	return true;
}

void outputs_conn_opened(struct outputs *outputs, const struct conn_facts *conn)
{
	if (conn_wanted(outputs, conn) && !outputs->finished && conn_itself_wanted(outputs, conn))
		SHOW(outputs, conn_opened, conn);
}

/* Also when enough was shown: a connection whose exchanges stand there gets its end. */
void outputs_conn_closed(struct outputs *outputs, const struct conn_facts *conn)
{
	bool matched = conn_set_remove(&outputs->matched, conn->id);

	if (conn_wanted(outputs, conn) && (matched || conn_itself_wanted(outputs, conn)))
		SHOW(outputs, conn_closed, conn);
}

void outputs_pending(struct outputs *outputs, const struct exchange *exchange)
{
	if (exchange_wanted(outputs, exchange))
		SHOW(outputs, pending, exchange);
}

/* Where no output has a line for what is not read, stderr says it: the first such things, not each. */
static bool may_tell(struct outputs *outputs)
{
	if (outputs->told > TOLD_MAX || log_level < LOG_NORMAL)
		return false;
	if (outputs->told++ < TOLD_MAX)
		return true;
	log_info("further traffic that is not read is only counted");
	return false;
}

static void tell_opaque(struct outputs *outputs, const struct conn_facts *conn)
{
	struct buffer text = { .data = NULL };
	struct style style;

	if (!may_tell(outputs))
		return;
	style_init(&style, &(struct sink_config){ .out = stderr });
	opaque_text_tell(&text, &style, conn);
	log_info("%.*s", (int)text.len, text.data ? text.data : "");
	style_fini(&style);
	buffer_fini(&text);
}

static void tell_unseen(struct outputs *outputs, const struct event_unseen *unseen,
			const struct mover *program)
{
	struct buffer text = { .data = NULL };
	struct style style;

	if (!may_tell(outputs))
		return;
	style_init(&style, &(struct sink_config){ .out = stderr });
	unseen_text_tell(&text, &style, unseen, program);
	log_info("%.*s", (int)text.len, text.data ? text.data : "");
	style_fini(&style);
	buffer_fini(&text);
}

/* `hark conns` says it of each connection when that ends. */
static bool has_opaque_lines(const struct outputs *outputs)
{
	enum view view = outputs->config->view;

	for (size_t i = 0; i < outputs->count; i++)
		if (outputs->items[i].ops->opaque)
			return true;
	return view == VIEW_CONNS || view == VIEW_RECORD;
}

static bool has_unseen_lines(const struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		if (outputs->items[i].ops->unseen)
			return true;
	return outputs->config->view == VIEW_RECORD;
}

void outputs_opaque(struct outputs *outputs, const struct conn_facts *conn)
{
	if (!is_wanted(outputs, &conn->owner, conn))
		return;
	SHOW(outputs, opaque, conn);
	if (!has_opaque_lines(outputs))
		tell_opaque(outputs, conn);
}

void outputs_unseen(struct outputs *outputs, const struct event_unseen *unseen, const struct mover *program)
{
	struct conn_facts conn = { .sock = unseen->sock, .owner = *program, .tls_unknown = true };

	if (outputs->config->conn || !is_wanted(outputs, program, &conn))
		return;
	SHOW(outputs, unseen, unseen, program);
	if (!has_unseen_lines(outputs))
		tell_unseen(outputs, unseen, program);
}

void outputs_call(struct outputs *outputs, const struct call *call)
{
	if (!is_wanted(outputs, &call->mover, call->conn))
		return;
	SHOW(outputs, call, call);
	if (outputs->config->view == VIEW_RAW)
		count_shown(outputs);
}

void outputs_frame(struct outputs *outputs, const struct conn_facts *conn, const struct mover *mover,
		   const struct frame *frame)
{
	if (!is_wanted(outputs, mover, conn))
		return;
	SHOW(outputs, frame, conn, mover, frame);
	if (outputs->config->view == VIEW_FRAMES)
		count_shown(outputs);
}

bool outputs_tick(struct outputs *outputs, uint64_t now_ns)
{
	bool due = false;

	for (size_t i = 0; i < outputs->count; i++) {
		const struct output_open *item = &outputs->items[i];

		due |= item->ops->tick && item->ops->tick(item->sink, now_ns);
	}
	return due;
}

void outputs_in_flight(struct outputs *outputs, const struct exchange *exchange)
{
	if (exchange_wanted(outputs, exchange))
		SHOW(outputs, in_flight, exchange);
}

void outputs_draw(struct outputs *outputs, bool last)
{
	SHOW(outputs, draw, last);
}

int outputs_input_fd(const struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		if (outputs->items[i].ops->input)
			return STDIN_FILENO;
	return -1;
}

bool outputs_input(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++) {
		const struct output_open *item = &outputs->items[i];

		outputs->finished |= item->ops->input && item->ops->input(item->sink);
	}
	return outputs->finished;
}

static void output_failed(struct outputs *outputs, const struct output_open *item, int error)
{
	outputs->finished = true;
	if (error == EPIPE)
		return;
	counter_add(COUNTER_OUTPUT_ERRORS, 1);
	/* The first stands: a stream that failed before may fail again without a reason. */
	if (outputs->error)
		return;
	outputs->error = error ? -error : -EIO;
	log_error("cannot write %s: %s", item->path ? item->path : "to stdout", strerror(-outputs->error));
}

/* A line larger than the buffer failed by itself, and left nothing to flush. */
static void output_flush(struct outputs *outputs, const struct output_open *item)
{
	if (fflush(item->file) == EOF || ferror(item->file))
		output_failed(outputs, item, errno);
	clearerr(item->file);
}

void outputs_flush(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++) {
		errno = 0;
		output_flush(outputs, &outputs->items[i]);
	}
}

bool outputs_finished(const struct outputs *outputs)
{
	return outputs->finished;
}

int outputs_close(struct outputs *outputs)
{
	int error;

	if (!outputs)
		return 0;
	if (outputs->config->conn && outputs->count == outputs->config->count && !outputs->conn_seen)
		log_warn("connection %" PRIu64 " was not seen", outputs->config->conn);
	for (size_t i = 0; i < outputs->count; i++) {
		struct output_open *item = &outputs->items[i];

		errno = 0; /* some sinks flush themselves */
		if (item->sink)
			item->ops->destroy(item->sink);
		output_flush(outputs, item);
		fclose(item->file);
		free(item->buffer);
	}
	conn_set_fini(&outputs->matched);
	error = outputs->error;
	free(outputs);
	return error;
}

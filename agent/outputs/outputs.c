/* SPDX-License-Identifier: Apache-2.0 */
#include "outputs.h"

#include "base/counters.h"
#include "base/log.h"
#include "base/private_file.h"
#include "model/conn_set.h"
#include "remarks.h"
#include "sinks/sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)

struct output {
	const char *name; /* for people */
	FILE *file;	  /* NULL: the sink writes elsewhere */
	char *buffer;	  /* the file's */
	const struct sink_ops *ops;
	struct sink *sink;
};

struct outputs {
	const struct outputs_config *config;
	struct output items[OUTPUTS_MAX];
	size_t count;
	uint64_t shown; /* for --count: lines */
	struct tally tally;
	struct content_memo last_type;
	struct remarks remarks;
	bool all;		 /* also of what was under way before hark */
	bool conn_seen;		 /* the one of -x, or any */
	bool by_exchange;	 /* the filter is about exchanges */
	struct conn_set matched; /* connections with an exchange that it let through; by_exchange only */
	bool ready;		 /* all are open */
	bool finished;
	int error;
};

/* The kind of result that a view shows a line of, for --count; RESULT_KINDS: it shows tables. */
static const enum result_kind counted[] = {
	[VIEW_WATCH] = RESULT_EXCHANGE, [VIEW_CONNS] = RESULT_EXCHANGE, [VIEW_RAW] = RESULT_CALL,
	[VIEW_FRAMES] = RESULT_FRAME,	[VIEW_RECORD] = RESULT_KINDS,	[VIEW_STAT] = RESULT_KINDS,
	[VIEW_SQL] = RESULT_EXCHANGE,	[VIEW_TOP] = RESULT_KINDS,	[VIEW_TREE] = RESULT_KINDS,
	[VIEW_SERVE] = RESULT_KINDS,	[VIEW_MCP] = RESULT_KINDS,
};

/* The kind of result that the last line of a run counts; RESULT_KINDS: the view has no such. */
static const enum result_kind tallied[] = {
	[VIEW_WATCH] = RESULT_EXCHANGE, [VIEW_CONNS] = RESULT_CONN_CLOSED, [VIEW_RAW] = RESULT_CALL,
	[VIEW_FRAMES] = RESULT_FRAME,	[VIEW_RECORD] = RESULT_KINDS,	   [VIEW_STAT] = RESULT_EXCHANGE,
	[VIEW_SQL] = RESULT_EXCHANGE,	[VIEW_TOP] = RESULT_EXCHANGE,	   [VIEW_TREE] = RESULT_EXCHANGE,
	[VIEW_SERVE] = RESULT_EXCHANGE, [VIEW_MCP] = RESULT_EXCHANGE,
};

/* The buffer: the C library ignores a size without one. Without memory its own small one does. */
static FILE *file_open(const char *path, int standard_fd, char **buffer)
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

size_t outputs_terminal_columns(int fd)
{
	struct winsize size;

	return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/*
 * Opens the file (private, or a copy of standard_fd; not for a sink that opens its place) and makes the sink.
 * 0, or -errno when the reason was reported.
 */
static int outputs_add(struct outputs *outputs, const struct output_choice *choice)
{
	const struct outputs_config *config = outputs->config;
	struct output *output = &outputs->items[outputs->count++];
	struct sink_config sink = config->sink;
	/* A command of the user's has stdout; text for people then goes beside it. What -o names does not. */
	bool is_text = strcmp(choice->format, "text") == 0, beside = config->stdout_taken && is_text;
	int standard_fd = beside ? STDERR_FILENO : STDOUT_FILENO;

	output->name = choice->path ? choice->path : "to stdout";
	output->ops = sinks_find(config->as && is_text ? config->as : choice->format, config->view);
	if (output->ops && output->ops->opens_place)
		sink.place = choice->path;
	else
		output->file = file_open(choice->path, standard_fd, &output->buffer);
	if (!output->file && !sink.place) {
		log_error("cannot write %s: %s", output->name, private_file_error(errno));
		return -EIO;
	}
	sink.out = output->file;
	sink.color = config->color && !choice->path;
	if (!choice->path && !config->wide)
		sink.columns = outputs_terminal_columns(standard_fd);
	output->sink = output->ops ? sink_new(output->ops, &sink) : NULL;
	if (output->sink)
		return 0;
	if (errno != EIO)
		log_error("cannot write %s: %s", output->name, strerror(errno));
	return -EIO;
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
	outputs->all = config->all || config->view != VIEW_WATCH ||
		       filter_asks_flag(config->filter, FLAG_LATE_JOINED | FLAG_NO_REQUEST);
	remarks_filter(config->filter, config->view, config->recorded);
	for (size_t i = 0; i < config->count; i++) {
		if (outputs_add(outputs, &config->items[i]) < 0) {
			outputs_close(outputs);
			return NULL;
		}
	}
	outputs->ready = true;
	return outputs;
}

struct outputs_wants outputs_wants(const struct outputs *outputs)
{
	struct outputs_wants wants = { .bodies = false };
	int verbose = outputs->config->sink.verbose;

	for (size_t i = 0; i < outputs->count; i++) {
		const struct sink_ops *ops = outputs->items[i].ops;

		for (int kind = 0; kind < RESULT_KINDS; kind++)
			wants.kinds[kind] |= ops->show[kind] != NULL;
		wants.reads |= ops->reads[verbose < 2 ? verbose : 2];
		wants.bodies |= ops->bodies_always || (ops->bodies && verbose >= 2);
		wants.fields |= ops->fields == SINK_FIELDS_ALWAYS ||
				(ops->fields == SINK_FIELDS_VERBOSE && outputs->config->sink.verbose >= 1);
		wants.each_end |= ops->each_end;
		wants.in_place |= ops->writes_in_place;
		wants.stay |= ops->stays;
		wants.listen |= ops->listens;
	}
	return wants;
}

size_t outputs_processes(const struct outputs *outputs, pid_t pids[OUTPUTS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < outputs->count; i++) {
		const struct output *item = &outputs->items[i];
		pid_t pid = item->ops->process ? item->ops->process(item->sink) : 0;

		if (pid)
			pids[count++] = pid;
	}
	return count;
}

/* A Unix socket that carried no HTTP is most often a program's own, between its processes. */
static bool conn_is_inner(const struct outputs *outputs, const struct conn_facts *conn)
{
	return outputs->config->view == VIEW_CONNS && !outputs->config->all && conn->sock.family == AF_UNIX &&
	       conn->exchanges == 0;
}

/* A connection is shown for its own sake, or for an exchange that was. */
static bool conn_itself_passes(struct outputs *outputs, const struct result *result)
{
	bool matched =
		result->kind == RESULT_CONN_CLOSED && conn_set_remove(&outputs->matched, result->conn->id);
	enum filter_answer answer = filter_conn_answer(outputs->config->filter, result->conn, result->mover);

	if (conn_is_inner(outputs, result->conn)) {
		outputs->tally.inner += result->kind == RESULT_CONN_CLOSED;
		return false;
	}
	return matched || answer == FILTER_YES || (answer == FILTER_UNKNOWN && !outputs->by_exchange);
}

/* Does the exchange pass the filter, and without --all, was its request seen to begin? */
static bool exchange_passes(struct outputs *outputs, const struct result *result)
{
	if (!filter_exchange(outputs->config->filter, result->exchange))
		return false;
	return outputs->all || !exchange_was_under_way(result->exchange);
}

/* When enough was shown, a connection whose exchanges stand there still gets its end. */
static bool passes(struct outputs *outputs, const struct result *result)
{
	uint64_t wanted = outputs->config->conn;

	if (wanted && (!result->conn || (result->conn->id != wanted && result->conn->number != wanted)))
		return false;
	outputs->conn_seen = true;
	if (outputs->finished && result->kind != RESULT_CONN_CLOSED)
		return false;
	switch (result_rows[result->kind].filter) {
	case RESULT_BY_EXCHANGE:
		return exchange_passes(outputs, result);
	case RESULT_BY_CONN:
		return filter_conn(outputs->config->filter, result->conn, result->mover);
	case RESULT_BY_CONN_ITSELF:
		return conn_itself_passes(outputs, result);
	}
	return false;
}

/* Has the exchange a line of its own? All formats but JSON have one for both ends. */
static bool is_line_of_its_own(const struct outputs *outputs, const struct exchange *exchange)
{
	const struct outputs_config *config = outputs->config;

	return config->view == VIEW_CONNS || config->sink.both_ends || !exchange->other ||
	       exchange->join == JOIN_FIRST || strcmp(config->items[0].format, "json") == 0;
}

/*
 * Of a message that both ends on this machine saw, text shows the client's. Does that pass, and is its side
 * read?
 */
static bool other_end_tells(const struct outputs *outputs, const struct result *result)
{
	struct exchange other;

	if (result->kind != RESULT_MESSAGE || outputs->config->sink.both_ends || !result->exchange->peer ||
	    result->conn->role != ROLE_SERVER || !result->exchange->peer->protocol)
		return false;
	other = *result->exchange;
	other.conn = other.peer;
	other.mover = other.peer->owner;
	return filter_exchange(outputs->config->filter, &other);
}

/* Each output that shows such a result gets it; text: those of text, too. */
static inline void hand_on(struct outputs *outputs, const struct result *result, bool text)
{
	for (size_t i = 0; i < outputs->count; i++) {
		if (!outputs->items[i].ops->show[result->kind] ||
		    (!text && strcmp(outputs->config->items[i].format, "text") == 0))
			continue;
		outputs->items[i].ops->show[result->kind](outputs->items[i].sink, result);
	}
}

/* --count: what is shown is counted. */
static void count_shown(struct outputs *outputs, const struct result *result)
{
	if (counted[outputs->config->view] != result->kind)
		return;
	if (result->kind == RESULT_EXCHANGE && !is_line_of_its_own(outputs, result->exchange))
		return;
	outputs->shown++;
	if (outputs->config->limit && outputs->shown >= outputs->config->limit)
		outputs->finished = true;
}

/* An exchange that was seen from both ends counts once. */
static void tally_exchange(struct outputs *outputs, const struct exchange *exchange)
{
	struct tally *tally = &outputs->tally;
	uint64_t took_ns;

	if (exchange->join == JOIN_SECOND || tallied[outputs->config->view] != RESULT_EXCHANGE)
		return;
	tally->shown++;
	tally->failed += exchange_failed(&outputs->last_type, exchange);
	took_ns = exchange->split_known	     ? exchange->server_ns + exchange->network_ns
		  : exchange->duration_known ? exchange->duration_ns
					     : 0;
	if (took_ns > tally->slowest_ns)
		tally->slowest_ns = took_ns;
}

/* An exchange whose other end is not wanted stands for itself. */
static void show_exchange(struct outputs *outputs, const struct exchange *exchange)
{
	struct result result = result_of_exchange(RESULT_EXCHANGE, exchange), other;
	struct exchange alone;

	if (exchange->other) {
		other = result_of_exchange(RESULT_EXCHANGE, exchange->other);
		if (!passes(outputs, &other)) {
			alone = *exchange;
			alone.other = NULL;
			alone.join = JOIN_NONE;
			result = result_of_exchange(RESULT_EXCHANGE, &alone);
		}
	}
	if (outputs->by_exchange && !conn_set_add(&outputs->matched, exchange->conn->id))
		counter_add(COUNTER_LIMIT_FILTER, 1);
	tally_exchange(outputs, result.exchange);
	hand_on(outputs, &result, true);
	count_shown(outputs, &result);
}

/* Counts an exchange that does not pass, and says what that needs. */
static void leave_out(struct outputs *outputs, const struct exchange *exchange)
{
	if (outputs->finished)
		return;
	if (!outputs->all && exchange_was_under_way(exchange) &&
	    filter_exchange(outputs->config->filter, exchange)) {
		outputs->tally.under_way += exchange->join != JOIN_SECOND;
		counter_add(COUNTER_EXCHANGES_UNDER_WAY, 1);
		return;
	}
	outputs->tally.partial += exchange->flags & FLAG_PARTIAL_HEADERS && exchange->join != JOIN_SECOND;
	remarks_left_out(&outputs->remarks, outputs->config->filter, exchange);
}

/* Statements are shown where somebody asks for them, and alone where only they were asked for. */
static bool is_asked_for(const struct outputs *outputs, const struct result *result)
{
	enum outputs_queries queries = outputs->config->queries;
	bool query;

	if (result_rows[result->kind].filter != RESULT_BY_EXCHANGE)
		return true;
	query = version_is_query(exchange_version(result->exchange));
	return query ? queries != QUERIES_NONE : queries != QUERIES_ALONE;
}

static void tally_seen(struct outputs *outputs, const struct result *result)
{
	if (result->kind == tallied[outputs->config->view] &&
	    (result->kind != RESULT_EXCHANGE || result->exchange->join != JOIN_SECOND))
		outputs->tally.seen++;
}

bool outputs_show(struct outputs *outputs, const struct result *result)
{
	enum view view = outputs->config->view;

	if (!is_asked_for(outputs, result))
		return false;
	tally_seen(outputs, result);
	if (!passes(outputs, result)) {
		if (result->kind == RESULT_EXCHANGE)
			leave_out(outputs, result->exchange);
		return false;
	}
	if (result->kind == RESULT_EXCHANGE) {
		show_exchange(outputs, result->exchange);
		return true;
	}
	if (result->kind == RESULT_PENDING)
		counter_add(COUNTER_EXCHANGES_PENDING, 1);
	/* Whoever shows the bytes of a connection is told of its end. */
	if (result->kind == RESULT_CALL && outputs->by_exchange)
		conn_set_add(&outputs->matched, result->conn->id);
	outputs->tally.shown += result->kind == tallied[view];
	hand_on(outputs, result, !other_end_tells(outputs, result));
	count_shown(outputs, result);
	/* Unread traffic is told of on stderr where no output tells it; `hark conns` does when a connection
	 * ends, and knows those of TCP only. */
	if ((result->kind == RESULT_UNSEEN ||
	     (result->kind == RESULT_OPAQUE &&
	      (view != VIEW_CONNS || result->conn->sock.protocol == IPPROTO_UDP))) &&
	    view != VIEW_RECORD && !outputs_wants(outputs).kinds[result->kind])
		remarks_unread(&outputs->remarks, result, outputs->config->sink.verbose > 0);
	return true;
}

struct tally outputs_tally(const struct outputs *outputs)
{
	return outputs->tally;
}

bool outputs_tick(struct outputs *outputs, uint64_t now_ns)
{
	bool due = false;

	for (size_t i = 0; i < outputs->count; i++) {
		const struct output *item = &outputs->items[i];

		due |= item->ops->tick && item->ops->tick(item->sink, now_ns);
	}
	return due;
}

uint64_t outputs_due_ns(const struct outputs *outputs)
{
	uint64_t due_ns = UINT64_MAX;

	for (size_t i = 0; i < outputs->count; i++) {
		const struct output *item = &outputs->items[i];
		uint64_t item_ns = item->ops->due_ns ? item->ops->due_ns(item->sink) : UINT64_MAX;

		due_ns = item_ns < due_ns ? item_ns : due_ns;
	}
	return due_ns;
}

void outputs_ready(const struct outputs *outputs, struct buffer *text)
{
	for (size_t i = 0; i < outputs->count; i++) {
		const struct output *item = &outputs->items[i];

		if (!item->ops->ready)
			continue;
		if (text->len)
			buffer_string(text, "; ");
		item->ops->ready(item->sink, text);
	}
}

void outputs_draw(struct outputs *outputs, bool last)
{
	for (size_t i = 0; i < outputs->count; i++)
		if (outputs->items[i].ops->draw)
			outputs->items[i].ops->draw(outputs->items[i].sink, last);
}

/* The first failure stands: a stream that failed before may fail again without a reason. */
static void failure_take(struct outputs *outputs, const struct output *item, int error)
{
	outputs->finished = true;
	if (error == EPIPE)
		return;
	counter_add(COUNTER_OUTPUT_ERRORS, 1);
	if (outputs->error)
		return;
	outputs->error = -error;
	log_error("cannot write %s: %s", item->name, strerror(error));
}

/* What a sink that opened its place writes to is gone: the reason was said. */
static void place_look(struct outputs *outputs, const struct output *item)
{
	if (!item->sink || !item->ops->failed || !item->ops->failed(item->sink))
		return;
	outputs->finished = true;
	if (!outputs->error)
		counter_add(COUNTER_OUTPUT_ERRORS, 1);
	outputs->error = outputs->error ? outputs->error : -EIO;
}

/*
 * Writes out what is buffered. errno: of what failed since it was 0, and 0 when nobody knows; a line larger
 * than the buffer failed by itself before, which is noticed here too.
 */
static void output_flush(struct outputs *outputs, const struct output *item)
{
	if (!item->file)
		return;
	if (fflush(item->file) == EOF || ferror(item->file))
		failure_take(outputs, item, errno ? errno : EIO);
	clearerr(item->file);
}

void outputs_flush(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++) {
		errno = 0;
		output_flush(outputs, &outputs->items[i]);
		place_look(outputs, &outputs->items[i]);
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
	if (outputs->ready && outputs->config->conn && !outputs->conn_seen)
		log_warn("connection %" PRIu64 " was not seen", outputs->config->conn);
	for (size_t i = 0; i < outputs->count; i++) {
		const struct output *item = &outputs->items[i];

		place_look(outputs, item);
		errno = 0; /* a sink may write once more */
		sink_free(item->ops, item->sink);
		output_flush(outputs, item);
		if (item->file)
			fclose(item->file);
		free(item->buffer);
	}
	conn_set_fini(&outputs->matched);
	error = outputs->error;
	free(outputs);
	return error;
}

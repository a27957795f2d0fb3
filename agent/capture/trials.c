/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of a file on trial carry a number of the file's own, from which these know whose they are. While
 * it is open all of its events wait, which are few: HTTP decides, once it was read and written, or some calls
 * that moved something else. It decides for the file, not for the session: what one session moves is judged
 * later, as everybody's is. One thing does not wait: that transfers of a socket leave no record (HOLE_MUTED
 * in event.h), for that is so whatever the functions are.
 *
 * A function that reads changes the buffer that it is given, but where the same bytes stood there already;
 * one that writes never does. So what is read is believed when the buffer was changed, and what is written
 * refutes the guess when it was: the two may have been taken for each other.
 *
 * Who does not know where sessions end (no SSL_free) knows them by their sockets alone: another one at the
 * same address has another socket, which the kernel side sees. One without a socket could be two, so it is
 * not shown.
 */
#include "trials.h"

#include "base/buffer.h"
#include "base/counters.h"
#include "base/log.h"
#include "detect.h"
#include "http2/http2_frame.h"
#include "library/libraries.h"
#include "library/locations.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX     (TLS_TRIAL_ENDLESS - TLS_TRIAL_FIRST)
#define MISSES_MAX    16	 /* calls that moved something else */
#define HEAD_MAX      64	 /* bytes that tell HTTP, of calls that move few each */
#define WAITING_MAX   (1u << 20) /* bytes a file; what has no room is dropped, a loss as any other */
#define EVENT_ALIGNED 8
#define EVENT_BYTES   (sizeof(struct event_data) + EVENT_PAYLOAD_MAX)

enum trial_state {
	TRIAL_NONE,
	TRIAL_OPEN,
	TRIAL_PROVEN,
	TRIAL_REFUTED,
};

/* The last bytes of one direction's calls that may begin HTTP, all of one session. */
struct trial_head {
	bool proven;
	bool filled;
	uint64_t ssl;
	size_t len;
	uint8_t bytes[HEAD_MAX];
};

struct trial {
	enum trial_state state;
	const struct library_row *row;
	struct file_identity identity;
	char *path, *source;
	bool ends;
	bool told_endless;
	unsigned int misses;
	struct trial_head head[2]; /* by direction */
	struct buffer waiting;	   /* records, whole, as the ring had them */
	size_t waiting_count;
};

struct trials {
	event_fn *fn;
	trials_refuted_fn *refuted;
	void *ctx;
	struct trial files[FILES_MAX];
	size_t next; /* where a free place is looked for: a number rests before it is given again */
	uint64_t kept_back[KC_COUNT]; /* bytes that the kernel side counts, of records that did not go on */
	union {
		struct event_data event;
		struct event_counters counters;
		uint8_t bytes[EVENT_BYTES];
	} copy;
};

struct trials *trials_new(event_fn *fn, trials_refuted_fn *refuted, void *ctx)
{
	struct trials *trials = calloc(1, sizeof(*trials));

	if (!trials)
		return NULL;
	trials->fn = fn;
	trials->refuted = refuted;
	trials->ctx = ctx;
	return trials;
}

static void waiting_drop(struct trial *trial)
{
	counter_add(COUNTER_PROBES_UNPROVEN, trial->waiting_count);
	buffer_fini(&trial->waiting);
	trial->waiting_count = 0;
}

static void trial_clear(struct trial *trial)
{
	waiting_drop(trial);
	free(trial->path);
	free(trial->source);
	*trial = (struct trial){ .state = TRIAL_NONE };
}

void trials_free(struct trials *trials)
{
	if (!trials)
		return;
	for (size_t i = 0; i < FILES_MAX; i++)
		trial_clear(&trials->files[i]);
	free(trials);
}

uint8_t trials_add(struct trials *trials, const struct library_found *found,
		   const struct file_identity *identity, const char *path, bool ends)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		size_t at = (trials->next + i) % FILES_MAX;
		struct trial *trial = &trials->files[at];

		if (trial->state != TRIAL_NONE)
			continue;
		*trial = (struct trial){
			.state = TRIAL_OPEN,
			.row = found->row,
			.identity = *identity,
			.path = strdup(path),
			.source = strdup(found->locations->source),
			.ends = ends,
		};
		if (!trial->path || !trial->source) {
			trial_clear(trial);
			return 0;
		}
		trials->next = at + 1;
		return (uint8_t)((ends ? TLS_TRIAL_FIRST : TLS_TRIAL_ENDLESS) + at);
	}
	return 0;
}

void trials_remove(struct trials *trials, const struct file_identity *identity)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (trials->files[i].state != TRIAL_NONE &&
		    file_identity_same(&trials->files[i].identity, identity))
			trial_clear(&trials->files[i]);
}

/* --- what is proof ---------------------------------------------------------------------------- */

/* Are the bytes of a call HTTP/2 frames, the last of which ends with them? */
static bool frames_tile(struct slice bytes)
{
	return http2_chain_judge(bytes, HTTP2_DEFAULT_MAX_FRAME, UINT_MAX, NULL).exact_end;
}

static bool looks_http(struct slice bytes)
{
	switch (detect_first(bytes).kind) {
	case DETECT_HTTP1_REQUEST:
	case DETECT_HTTP1_RESPONSE:
	case DETECT_HTTP2_PREFACE:
	case DETECT_HTTP2_FRAMES:
		return true;
	case DETECT_MORE:
	case DETECT_FASTCGI:
	case DETECT_POSTGRESQL:
	case DETECT_POSTGRESQL_LATE:
	case DETECT_MYSQL:
	case DETECT_MYSQL_LATE:
	case DETECT_TLS:
	case DETECT_PROXY:
	case DETECT_OTHER:
		break;
	}
	return detect_asks(bytes) || frames_tile(bytes);
}

/* Is a status line begun, which calls that move a byte each take some time for? */
static bool begins_answer(const struct trial_head *head)
{
	static const char line[] = "HTTP/1.";
	size_t len = sizeof(line) - 1;

	return head->len && memcmp(head->bytes, line, head->len < len ? head->len : len) == 0;
}

/* Is what the call moved HTTP, by itself or behind what the calls before it moved? */
static bool head_take(struct trial_head *head, const struct event_data *event)
{
	struct slice bytes = slice_of(event->payload, event->copied);
	bool filled = event->h.flags & EVENT_FILLED;

	if (looks_http(bytes) || head->ssl != event->ssl || bytes.len > HEAD_MAX - head->len) {
		head->len = 0;
		head->filled = false;
	}
	head->ssl = event->ssl;
	head->filled = head->filled || filled;
	if (bytes.len > HEAD_MAX)
		return looks_http(bytes);
	memcpy(head->bytes + head->len, bytes.data, bytes.len);
	head->len += bytes.len;
	return looks_http(slice_of(head->bytes, head->len));
}

/* --- events ------------------------------------------------------------------------------------ */

/* NULL: of no file on trial. */
static struct trial *trial_of(struct trials *trials, const struct event_header *event)
{
	const struct event_data *data = (const struct event_data *)event;

	switch (event->type) {
	case EVENT_TLS_DATA:
	case EVENT_TLS_BIND:
	case EVENT_TLS_REFUSED:
	case EVENT_TLS_FREE:
	case EVENT_TLS_EARLY:
	case EVENT_TLS_RANDOMS:
	case EVENT_STACK_SWITCH:
		return data->source >= TLS_TRIAL_FIRST
			       ? &trials->files[(data->source - TLS_TRIAL_FIRST) % FILES_MAX]
			       : NULL;
	}
	return NULL;
}

/* Bytes that nobody knows to have moved are none that did. */
static void trial_keep_back(struct trials *trials, const struct event_data *event, bool back)
{
	bool lost = event->hole == HOLE_FAULT;
	uint64_t rest = event->len - event->copied, sign = back ? 1 : -(uint64_t)1;

	if (event->h.type != EVENT_TLS_DATA)
		return;
	trials->kept_back[KC_BYTES_MOVED] += sign * event->len;
	trials->kept_back[KC_BYTES_COPIED] += sign * event->copied;
	trials->kept_back[lost ? KC_BYTES_LOST : KC_BYTES_SKIPPED] += sign * rest;
}

/* The figures come once a poll: what was kept back since is not in them yet. */
static int counters_pass(struct trials *trials, const struct event_counters *event)
{
	struct event_counters *out = &trials->copy.counters;

	*out = *event;
	for (size_t i = 0; i < KC_COUNT; i++)
		out->value[i] -= trials->kept_back[i] < out->value[i] ? trials->kept_back[i] : out->value[i];
	return trials->fn(trials->ctx, &out->h);
}

/* The ring's memory is not ours to write. */
static int event_pass(struct trials *trials, const struct trial *trial, const struct event_data *event)
{
	if (event->h.size > EVENT_BYTES)
		return 0;
	memcpy(&trials->copy, event, event->h.size);
	trials->copy.event.source = trial->row->number;
	trials->copy.event.h.flags &= ~EVENT_FILLED;
	return trials->fn(trials->ctx, &trials->copy.event.h);
}

static void trial_refute(struct trials *trials, struct trial *trial, const char *what, const char *remedy)
{
	waiting_drop(trial);
	trial->state = TRIAL_REFUTED;
	counter_add(COUNTER_PROBES_REFUTED, 1);
	log_warn("what was taken for the TLS functions of %s (%s, by %s) %s: its probes are taken off, "
		 "and its TLS is not decoded; %s",
		 trial->path, trial->row->title, trial->source, what, remedy);
	trials->refuted(trials->ctx, &trial->identity);
}

static size_t aligned_size(const struct event_header *event)
{
	return (event->size + EVENT_ALIGNED - 1) / EVENT_ALIGNED * EVENT_ALIGNED;
}

static void trial_wait(struct trials *trials, struct trial *trial, const struct event_data *event)
{
	static const uint8_t zeros[EVENT_ALIGNED];
	size_t size = aligned_size(&event->h);

	trial_keep_back(trials, event, true);
	if (size > WAITING_MAX - trial->waiting.len || !buffer_room(&trial->waiting, size)) {
		counter_add(COUNTER_PROBES_UNPROVEN, 1);
		return;
	}
	buffer_put(&trial->waiting, event, event->h.size);
	buffer_put(&trial->waiting, zeros, size - event->h.size);
	trial->waiting_count++;
}

static const char *freeing_function(const struct library_row *row)
{
	const struct library_function *function = row->functions;

	while (function->name && function->call.kind != TLS_FREE)
		function++;
	return function->name ? function->name : "the function";
}

/* A session without an end and without a socket: perhaps two. */
static bool is_ambiguous(struct trial *trial, const struct event_data *event)
{
	if (trial->ends || event->h.type != EVENT_TLS_DATA || event->sock.id)
		return false;
	if (!trial->told_endless)
		log_warn("sessions of %s have no socket of their own, and nobody said where the function "
			 "stands "
			 "that frees them: one cannot be told from the next, so they are not shown "
			 "(%s@OFFSET)",
			 trial->path, freeing_function(trial->row));
	trial->told_endless = true;
	counter_add(COUNTER_PROBES_UNPROVEN, 1);
	return true;
}

/*
 * The kernel side counts what is nested in the calls as ciphertext, whatever they are: of the socket's bytes
 * that leave no record then nothing is lost. No more is said of it.
 */
static int trial_tell_nested(struct trials *trials, const struct event_data *bind)
{
	struct event_data event = *bind;

	if (bind->h.type != EVENT_TLS_BIND || !bind->sock.id)
		return 0;
	event.h.type = EVENT_SOCKET_DATA;
	event.h.size = sizeof(event);
	event.h.flags &= EVENT_PID_VALID;
	event.ssl = event.pos = event.offset = 0;
	event.len = event.copied = 0;
	event.hole = HOLE_MUTED;
	event.source = SOURCE_UNKNOWN;
	memset(event.generation, 0, sizeof(event.generation));
	return trials->fn(trials->ctx, &event.h);
}

static int trial_proven_event(struct trials *trials, struct trial *trial, const struct event_data *event)
{
	return is_ambiguous(trial, event) ? 0 : event_pass(trials, trial, event);
}

/* Events that waited go on, in order. */
static int trial_prove(struct trials *trials, struct trial *trial)
{
	struct buffer waiting = trial->waiting;
	const struct event_header *event;
	int error = 0;

	trial->state = TRIAL_PROVEN;
	trial->waiting = (struct buffer){ .data = NULL };
	trial->waiting_count = 0;
	log_debug("HTTP was seen in %s: it is %s, as %s says", trial->path, trial->row->title, trial->source);
	for (size_t at = 0; at < waiting.len && error >= 0; at += aligned_size(event)) {
		event = (const struct event_header *)(waiting.data + at);
		trial_keep_back(trials, (const struct event_data *)event, false);
		error = trial_proven_event(trials, trial, (const struct event_data *)event);
	}
	buffer_fini(&waiting);
	return error;
}

/* A function that only writes leaves its buffer as it was. */
static bool trial_is_exchanged(const struct event_data *event)
{
	return event->h.type == EVENT_TLS_DATA && event->direction == DIRECTION_SENT &&
	       event->h.flags & EVENT_FILLED;
}

static int trial_open_event(struct trials *trials, struct trial *trial, const struct event_data *event)
{
	struct trial_head *head = &trial->head[event->direction];

	trial_wait(trials, trial, event);
	if (event->h.type != EVENT_TLS_DATA)
		return trial_tell_nested(trials, event);
	if (head->proven)
		return 0;
	if (head_take(head, event)) {
		head->proven = event->direction == DIRECTION_SENT || head->filled;
		return trial->head[0].proven && trial->head[1].proven ? trial_prove(trials, trial) : 0;
	}
	/* A call that is told in several records is one. */
	if (!(event->h.flags & EVENT_MORE) && !begins_answer(head) && ++trial->misses == MISSES_MAX)
		trial_refute(trials, trial, "moves no HTTP", "is it another version, or another library?");
	return 0;
}

int trials_event(struct trials *trials, const struct event_header *event)
{
	const struct event_data *data = (const struct event_data *)event;
	struct trial *trial = trial_of(trials, event);

	if (event->type == EVENT_COUNTERS && event->size == sizeof(struct event_counters))
		return counters_pass(trials, (const struct event_counters *)event);
	if (!trial)
		return trials->fn(trials->ctx, event);
	if (trial->state != TRIAL_REFUTED && trial->state != TRIAL_NONE && trial_is_exchanged(data))
		trial_refute(trials, trial, "fills a buffer that it should write from",
			     "do those that read and those that write stand in each other's place?");
	switch (trial->state) {
	case TRIAL_OPEN:
		return trial_open_event(trials, trial, data);
	case TRIAL_PROVEN:
		return trial_proven_event(trials, trial, data);
	case TRIAL_NONE:
	case TRIAL_REFUTED:
		break;
	}
	counter_add(COUNTER_PROBES_UNPROVEN, 1);
	trial_keep_back(trials, data, true);
	return trial_tell_nested(trials, data);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One body at a time: what is rejected in the middle must not overtake what
 * stands before it, and a receiver that is slow is not helped by a second
 * request. While a body waits, chunks gather in the queue, up to a bound; then
 * they stay in the pair, up to its bound, and hark drops what comes after.
 *
 * A body is tried again for as long as the receiver cannot be reached, or says
 * that it cannot take it now, but for no more than GIVE_UP_NS: one that nobody
 * will ever take does not hold up the rest for ever.
 */
#include "upload_process.h"

#include "base/clock.h"
#include "base/log.h"
#include "upload_body.h"
#include "upload_queue.h"
#include "upload_request.h"
#include "upload_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define GIVE_UP_NS     UINT64_C(300000000000) /* for one body */
#define BACKOFF_NS     UINT64_C(250000000)    /* the first; each is twice the one before */
#define BACKOFF_MAX_NS UINT64_C(10000000000)
#define RETRY_AFTER_NS UINT64_C(60000000000) /* at most, whatever the receiver asks for */
#define IDLE_NS	       UINT64_C(3600000000000)
#define MESSAGE_BYTES  (sizeof(struct upload_message) + UPLOAD_CHUNK_BYTES)

enum sending {
	SENDING_NOTHING,
	SENDING_BODY,
	SENDING_LATER, /* the body waits for due_ns */
};

struct upload {
	const struct upload_config *config;
	int fd;
	uint8_t *message; /* MESSAGE_BYTES */
	struct upload_queue queue;
	struct upload_body body;
	struct upload_request *request;
	enum sending sending;
	uint64_t first_ns, due_ns; /* of the body: when it was tried first, and is next */
	unsigned int tries;
	bool ending;
	uint64_t end_ns;
	struct upload_report report;
	int said;      /* status of the rejection that was told of last */
	bool troubled; /* the receiver does not take anything, which was said */
};

static void report_send(struct upload *upload)
{
	struct pollfd room = { .fd = upload->fd, .events = POLLOUT };

	/* Without room the next one says it all; the last one has no next. */
	if (write(upload->fd, &upload->report, sizeof(upload->report)) < 0 && errno == EAGAIN &&
	    upload->ending && poll(&room, 1, 1000) > 0)
		(void)!write(upload->fd, &upload->report, sizeof(upload->report));
}

/* --- chunks ------------------------------------------------------------------------------- */

static void message_take(struct upload *upload, size_t len, uint64_t now_ns)
{
	struct upload_message message;

	if (len < sizeof(message))
		return;
	memcpy(&message, upload->message, sizeof(message));
	if (message.kind == UPLOAD_END) {
		upload->ending = true;
		upload->end_ns = now_ns + UPLOAD_FLUSH_NS;
	} else if (message.endpoint >= UPLOAD_ENDPOINTS_MAX ||
		   upload_queue_add(&upload->queue, &message,
				    slice_of(upload->message + sizeof(message), len - sizeof(message)),
				    now_ns) < 0) {
		upload->report.lost += message.items;
	}
}

/* hark has gone without a word: so does this, also while nothing is read. */
static void hark_look(const struct upload *upload)
{
	struct pollfd pair = { .fd = upload->fd };

	if (poll(&pair, 1, 0) > 0 && (pair.revents & (POLLHUP | POLLERR | POLLNVAL)))
		_exit(0);
}

static void messages_read(struct upload *upload, uint64_t now_ns)
{
	while (upload->queue.bytes < UPLOAD_QUEUE_BYTES) {
		ssize_t len = read(upload->fd, upload->message, MESSAGE_BYTES);

		if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
			_exit(0);
		if (len > 0)
			message_take(upload, (size_t)len, now_ns);
		else if (errno == EAGAIN)
			return;
	}
}

/* --- a body and what became of it ----------------------------------------------------------- */

static void body_over(struct upload *upload)
{
	upload_body_clear(&upload->body);
	upload->sending = SENDING_NOTHING;
	report_send(upload);
}

static void body_delivered(struct upload *upload, const struct upload_outcome *outcome)
{
	uint64_t rejected = outcome->rejected < upload->body.items ? outcome->rejected : upload->body.items;

	upload->report.delivered += upload->body.items - rejected;
	upload->report.rejected += rejected;
	if (rejected)
		log_error("%s: %s took a part only: %s", upload->config->name, outcome->where, outcome->why);
	else if (upload->troubled)
		log_info("%s: %s answers again", upload->config->name, outcome->where);
	upload->troubled = false;
	upload->said = 0;
	body_over(upload);
}

/* Said once for a status, not for each body. */
static void body_rejected(struct upload *upload, const struct upload_outcome *outcome)
{
	upload->report.rejected += upload->body.items;
	if (upload->said != outcome->status)
		log_error("%s: %s refused what it was sent: %s", upload->config->name, outcome->where,
			  outcome->why);
	upload->said = outcome->status;
	body_over(upload);
}

static uint64_t backoff_ns(const struct upload *upload, const struct upload_outcome *outcome)
{
	uint64_t ns = BACKOFF_NS << (upload->tries < 8 ? upload->tries : 8);

	if (ns > BACKOFF_MAX_NS)
		ns = BACKOFF_MAX_NS;
	if (outcome->retry_after_ns > ns)
		ns = outcome->retry_after_ns < RETRY_AFTER_NS ? outcome->retry_after_ns : RETRY_AFTER_NS;
	/* Not all machines at once. */
	return ns + ns / 4 * (uint64_t)(random() & 0xff) / 256;
}

static void body_again(struct upload *upload, const struct upload_outcome *outcome, uint64_t now_ns)
{
	if (!upload->troubled)
		log_error("%s: %s cannot be reached, or takes nothing now: %s; hark goes on trying",
			  upload->config->name, outcome->where, outcome->why);
	upload->troubled = true;
	if (now_ns - upload->first_ns >= GIVE_UP_NS) {
		upload->report.lost += upload->body.items;
		body_over(upload);
		return;
	}
	upload->due_ns = now_ns + backoff_ns(upload, outcome);
	upload->tries++;
	upload->sending = SENDING_LATER;
}

static void body_send(struct upload *upload)
{
	upload_request_start(upload->request, upload->body.endpoint, upload_body_bytes(&upload->body));
	upload->sending = SENDING_BODY;
}

static void body_next(struct upload *upload, uint64_t now_ns)
{
	uint64_t items = upload_body_take(&upload->body, &upload->queue);

	upload->first_ns = now_ns;
	upload->tries = 0;
	if (items == 0) {
		body_send(upload);
		return;
	}
	upload->report.lost += items; /* out of memory */
	body_over(upload);
}

/* --- the loop --------------------------------------------------------------------------------- */

/* When the queue's first chunk has waited for others long enough. */
static uint64_t queue_due_ns(const struct upload *upload)
{
	const struct upload_chunk *first = upload->queue.first;

	if (!first)
		return UINT64_MAX;
	if (upload->ending || upload->queue.bytes >= UPLOAD_BODY_BYTES)
		return 0;
	return first->taken_ns + UPLOAD_LINGER_NS;
}

static uint64_t upload_wait_ns(const struct upload *upload, uint64_t now_ns)
{
	uint64_t due_ns = now_ns + IDLE_NS;

	if (upload->sending == SENDING_NOTHING && queue_due_ns(upload) < due_ns)
		due_ns = queue_due_ns(upload);
	if (upload->sending == SENDING_LATER)
		due_ns = upload->due_ns;
	if (upload->ending && upload->end_ns < due_ns)
		due_ns = upload->end_ns;
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

static void upload_step(struct upload *upload, uint64_t now_ns)
{
	if (upload->sending == SENDING_NOTHING && queue_due_ns(upload) <= now_ns)
		body_next(upload, now_ns);
	else if (upload->sending == SENDING_LATER && upload->due_ns <= now_ns)
		body_send(upload);
}

static void upload_outcome(struct upload *upload, const struct upload_outcome *outcome, uint64_t now_ns)
{
	switch (outcome->kind) {
	case UPLOAD_DELIVERED:
		body_delivered(upload, outcome);
		break;
	case UPLOAD_REJECTED:
		body_rejected(upload, outcome);
		break;
	case UPLOAD_AGAIN:
		body_again(upload, outcome, now_ns);
		break;
	}
}

static bool upload_done(const struct upload *upload, uint64_t now_ns)
{
	if (!upload->ending)
		return false;
	return now_ns >= upload->end_ns || (upload->sending == SENDING_NOTHING && !upload->queue.first);
}

static void upload_loop(struct upload *upload)
{
	struct upload_outcome outcome;
	uint64_t now_ns = clock_ns();

	while (!upload_done(upload, now_ns)) {
		upload_step(upload, now_ns);
		if (upload_request_wait(upload->request, upload->fd, upload->queue.bytes < UPLOAD_QUEUE_BYTES,
					upload_wait_ns(upload, now_ns), &outcome))
			upload_outcome(upload, &outcome, clock_ns());
		now_ns = clock_ns();
		hark_look(upload);
		messages_read(upload, now_ns);
	}
}

/* Keys and service managers that end hark reach this process as well: hark tells it when to end. */
static void signals_set(void)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGTSTP };
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The number that the pair has from now on. */
static int files_set(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -1;
	if (fd != 3 && dup2(fd, 3) < 0)
		return -1;
	if (close_range(4, ~0U, 0) < 0) /* before Linux 5.9 */
		for (int other = 4; other < 1024; other++)
			close(other);
	return fcntl(3, F_SETFL, O_NONBLOCK) < 0 ? -1 : 3;
}

_Noreturn void upload_process_run(const struct upload_config *config, int fd, pid_t hark)
{
	struct upload upload = { .config = config, .fd = files_set(fd) };

	signals_set();
	(void)prctl(PR_SET_NAME, "hark-upload");
	upload.message = malloc(MESSAGE_BYTES);
	upload.request = upload.fd >= 0 && upload.message ? upload_request_new(config) : NULL;
	if (!upload.request)
		goto out; /* reported */
	upload_rights_drop(hark);
	upload.report.ready = true;
	srandom((unsigned int)clock_ns());
	upload_loop(&upload);
out:
	report_send(&upload);
	_exit(upload.report.ready ? 0 : 1);
}

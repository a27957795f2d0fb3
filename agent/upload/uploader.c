/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hark's side. All that is known of the other is what it reported: whatever it
 * was handed and did not report when it is gone is lost.
 */
#include "uploader.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/loop.h"
#include "upload_process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLACK_NS UINT64_C(1000000000) /* that the process has to say how its flush ended */
#define ROOM_NS	 UINT64_C(2000000000) /* what a replay waits for at most before it drops something */

struct uploader {
	pid_t pid; /* 0: it is gone */
	int fd;	   /* -1: the same */
	bool waits, failed;
	bool stuck; /* there was no room for all the time that a replay waits: until there is some it waits no
		       more */
	struct loop *loop; /* NULL: not registered */
	const char *name, *items;
	uint64_t handed;	       /* items that found room */
	struct upload_report reported; /* so far */
	char id[UPLOAD_ID_MAX];
};

/* The sums of a report go on from those of the last. */
static void report_take(struct uploader *uploader, const struct upload_report *report)
{
	const struct upload_report *before = &uploader->reported;

	counter_add(COUNTER_EXPORT_DELIVERED, report->delivered - before->delivered);
	counter_add(COUNTER_EXPORT_REJECTED, report->rejected - before->rejected);
	counter_add(COUNTER_EXPORT_LOST, report->lost - before->lost);
	uploader->failed |= !report->ready;
	uploader->reported = *report;
}

/*
 * The pair's end tells the process to end, if it has not; one that somebody stopped is left behind, for it
 * must not hold hark up.
 */
static void process_reap(pid_t pid)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	uint64_t until_ns = clock_ns() + SLACK_NS;

	while (waitpid(pid, NULL, WNOHANG) == 0 && clock_ns() < until_ns)
		nanosleep(&moment, NULL);
}

static void uploader_ended(struct uploader *uploader)
{
	const struct upload_report *last = &uploader->reported;

	if (uploader->loop)
		loop_remove(uploader->loop, uploader->fd);
	close(uploader->fd);
	process_reap(uploader->pid);
	uploader->fd = -1;
	uploader->pid = 0;
	counter_add(COUNTER_EXPORT_LOST, uploader->handed - last->delivered - last->rejected - last->lost);
}

/*
 * False: it is gone. When it ended without reading all that it was sent, the kernel tells that first
 * (ECONNRESET, once), and its last report then.
 */
static bool reports_read(struct uploader *uploader)
{
	struct upload_report report;
	ssize_t len;

	do {
		len = read(uploader->fd, &report, sizeof(report));
		if (len == sizeof(report))
			report_take(uploader, &report);
	} while (len == sizeof(report) || (len < 0 && (errno == EINTR || errno == ECONNRESET)));
	return len < 0 && errno == EAGAIN;
}

/* While hark still has something to send, the process ends only because it failed, or was ended. */
static void uploader_look(struct uploader *uploader)
{
	if (uploader->fd < 0 || reports_read(uploader))
		return;
	if (!uploader->failed)
		log_error("%s: the process that sends is gone; nothing more is sent", uploader->name);
	uploader->failed = true;
	uploader_ended(uploader);
}

static void reports_due(void *ctx, bool closed)
{
	(void)closed;
	uploader_look(ctx);
}

/* As much room as the kernel gives; both ends close when another program is started. */
static int pair_open(int fds[2])
{
	const int bytes = UPLOAD_SOCKET_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	if (setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int id_make(char id[UPLOAD_ID_MAX])
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -errno;
	snprintf(id, UPLOAD_ID_MAX, "hark-%016" PRIx64 "-", number);
	return 0;
}

static int process_start(struct uploader *uploader, const struct uploader_options *options)
{
	struct upload_config upload = options->upload;
	pid_t hark = getpid();
	int fds[2] = { -1, -1 }, error = pair_open(fds);

	upload.id = uploader->id;
	if (!error)
		uploader->pid = fork();
	if (!error && uploader->pid < 0)
		error = -errno;
	if (!error && uploader->pid == 0) {
		close(fds[0]);
		upload_process_run(&upload, fds[1], hark);
	}
	if (fds[1] >= 0)
		close(fds[1]);
	if (error && fds[0] >= 0)
		close(fds[0]);
	uploader->fd = error ? -1 : fds[0];
	return error;
}

struct uploader *uploader_new(const struct uploader_options *options)
{
	struct uploader *uploader = calloc(1, sizeof(*uploader));
	int error;

	if (!uploader)
		return NULL;
	*uploader = (struct uploader){
		.fd = -1, .waits = options->waits, .name = options->upload.name, .items = options->items
	};
	uploader->reported.ready = true;
	error = id_make(uploader->id);
	if (!error)
		error = process_start(uploader, options);
	if (!error && options->loop)
		error = loop_add(options->loop, uploader->fd, reports_due, uploader);
	if (!error) {
		uploader->loop = options->loop;
		return uploader;
	}
	uploader_free(uploader);
	errno = -error;
	return NULL;
}

/* Waits until the pair has one of these events, or until then. */
static bool pair_wait(const struct uploader *uploader, short events, uint64_t until_ns)
{
	struct pollfd poll_fd = { .fd = uploader->fd, .events = events };
	uint64_t now_ns = clock_ns();

	return now_ns < until_ns && poll(&poll_fd, 1, (int)((until_ns - now_ns) / 1000000) + 1) > 0;
}

/* 0 or -errno; -EAGAIN: there was no room until then. */
static int message_send(struct uploader *uploader, const struct upload_message *message, struct slice bytes,
			uint64_t until_ns)
{
	struct iovec parts[] = {
		{ .iov_base = (void *)message, .iov_len = sizeof(*message) },
		{ .iov_base = (void *)bytes.data, .iov_len = bytes.len },
	};

	do {
		if (writev(uploader->fd, parts, bytes.len ? 2 : 1) >= 0)
			return 0;
	} while (errno == EINTR || (errno == EAGAIN && pair_wait(uploader, POLLOUT, until_ns)));
	return -errno;
}

void uploader_send(struct uploader *uploader, uint32_t endpoint, uint32_t items, struct slice bytes)
{
	const struct upload_message message = { .kind = UPLOAD_CHUNK, .endpoint = endpoint, .items = items };
	uint64_t until_ns = uploader->waits && !uploader->stuck ? clock_ns() + ROOM_NS : 0;
	int error;

	uploader_look(uploader);
	if (bytes.len > UPLOAD_CHUNK_BYTES) /* the other end would read its beginning */
		error = -EMSGSIZE;
	else
		error = uploader->fd >= 0 ? message_send(uploader, &message, bytes, until_ns) : -EPIPE;
	uploader->stuck = error == -EAGAIN;
	if (error)
		counter_add(COUNTER_EXPORT_LOST, items);
	else
		uploader->handed += items;
}

bool uploader_failed(const struct uploader *uploader)
{
	return uploader->failed;
}

pid_t uploader_pid(const struct uploader *uploader)
{
	return uploader->pid;
}

struct slice uploader_id(const struct uploader *uploader)
{
	return slice_of_string(uploader->id);
}

bool uploader_is_own(const struct uploader *uploader, const struct message *request)
{
	return request && slice_has_prefix(message_known(request, HEADER_REQUEST_ID), uploader_id(uploader));
}

/* What does not end in time is left behind: its end of the pair tells it that hark has gone. */
static void uploader_flush(struct uploader *uploader)
{
	const struct upload_message end = { .kind = UPLOAD_END };
	uint64_t until_ns = clock_ns() + UPLOAD_FLUSH_NS;
	bool runs = message_send(uploader, &end, slice_of(NULL, 0), until_ns) == 0;

	until_ns += SLACK_NS;
	while (reports_read(uploader) && runs)
		runs = pair_wait(uploader, POLLIN, until_ns);
	uploader_ended(uploader);
}

void uploader_end(struct uploader *uploader)
{
	uint64_t lost = counters[COUNTER_EXPORT_LOST];

	if (uploader->fd >= 0)
		uploader_flush(uploader);
	lost = counters[COUNTER_EXPORT_LOST] - lost;
	if (lost)
		log_error("%s: %" PRIu64 " %s had not been sent when the run ended", uploader->name, lost,
			  uploader->items);
}

void uploader_free(struct uploader *uploader)
{
	if (uploader)
		uploader_end(uploader);
	free(uploader);
}

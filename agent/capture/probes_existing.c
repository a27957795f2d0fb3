/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An iterator program is attached to a link, each descriptor made of the link
 * is one walk, and reading that descriptor runs it. The kernel hands out what
 * fits: a record may be cut between two reads, never lost.
 */
#include "probes_private.h"

#include "base/counters.h"
#include "base/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "maps_abi.h"
#include "hark.skel.h" /* generated; it needs the types above */

#define READ_RECORDS 256

/* The whole records in front go to fn. Returns the bytes of the cut one, moved to the front, or below 0. */
static ssize_t records_take(struct event_state *records, size_t len, event_fn *fn, void *ctx)
{
	size_t whole = len / sizeof(*records), rest = len % sizeof(*records);
	int error;

	for (size_t i = 0; i < whole; i++) {
		if (!event_valid(&records[i].h, sizeof(records[i])))
			continue;
		counter_add(COUNTER_EVENTS_RECEIVED, 1);
		error = fn(ctx, &records[i].h);
		if (error < 0)
			return error;
	}
	memmove(records, records + whole, rest);
	return (ssize_t)rest;
}

static int walk_read(int fd, event_fn *fn, void *ctx)
{
	struct event_state records[READ_RECORDS];
	ssize_t rest = 0, n;

	for (;;) {
		n = read(fd, (char *)records + rest, sizeof(records) - (size_t)rest);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue; /* EAGAIN: a stretch of tasks without any such file, the walk goes on */
		if (n < 0)
			log_warn("cannot list all connections: %s", strerror(errno));
		if (n <= 0)
			return 0;
		rest = records_take(records, (size_t)(rest + n), fn, ctx);
		if (rest < 0)
			return (int)rest;
	}
}

int probes_existing(struct probes *probes, event_fn *fn, void *ctx)
{
	const struct hark_bpf *s = probes->skeleton;
	struct bpf_link *link;
	int fd, result = 0;

	if (!probes->features.file_iterator) {
		log_warn("this kernel has no iterator over open files (Linux 5.8): connections from before "
			 "show when they move bytes");
		return 0;
	}
	link = bpf_program__attach_iter(
		probes->capture == CAPTURE_SOCKET ? s->progs.seen_by_cookie : s->progs.seen_by_inode, NULL);
	fd = link ? bpf_iter_create(bpf_link__fd(link)) : -errno;
	if (fd < 0) {
		log_warn("cannot list connections: %s; those from before show when they move bytes",
			 strerror(-fd));
	} else {
		result = walk_read(fd, fn, ctx);
		close(fd);
	}
	bpf_link__destroy(link);
	return result;
}

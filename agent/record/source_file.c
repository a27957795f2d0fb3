/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording may be truncated, damaged or made by an enemy. Each size is
 * checked before it is used, memory is one block, and the first thing that
 * does not fit ends the reading with its place in the file: after damage there
 * is no way to find the next event with certainty.
 */
#include "source_file.h"

#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define EVENT_SIZE_MAX (sizeof(struct event_data) + EVENT_PAYLOAD_MAX)

#define BLOCK_BYTES \
	(sizeof(struct event_data) + EVENT_PAYLOAD_MAX + 65536) /* any event, and more to read at once */

struct source_file {
	FILE *in;
	uint64_t offset; /* bytes taken so far */
	int64_t wall_offset_ns;
	char error[160];
	bool failed;
	size_t at, have; /* in the block: what was read and not taken begins at, and ends */
	alignas(RECORDING_ALIGN) char block[BLOCK_BYTES];
};

/* Reads what is there, without waiting for more of it: a pipe's events are due now. */
static size_t read_some(struct source_file *source)
{
	char *out = source->block + source->have;
	size_t room = sizeof(source->block) - source->have;
	int fd = fileno(source->in);
	ssize_t got;

	if (fd < 0)
		got = (ssize_t)fread(out, 1, room, source->in);
	else
		do
			got = read(fd, out, room);
		while (got < 0 && errno == EINTR);
	source->failed = got < 0 || ferror(source->in);
	return got > 0 ? (size_t)got : 0;
}

/* How many of n bytes, at most a block's, are in the block from `at` on. */
static size_t want(struct source_file *source, size_t n)
{
	size_t got = 1;

	if (n > sizeof(source->block) - source->at) {
		source->have -= source->at;
		memmove(source->block, source->block + source->at, source->have);
		source->at = 0;
	}
	while (source->have - source->at < n && got) {
		got = read_some(source);
		source->have += got;
	}
	return source->have - source->at < n ? source->have - source->at : n;
}

/* What is taken lives until the next want(). */
static char *take(struct source_file *source, size_t n)
{
	char *bytes = source->block + source->at;

	source->at += n;
	source->offset += n;
	return bytes;
}

/* NULL when this is a recording that we can read. */
static const char *check_header(struct source_file *source)
{
	struct recording_header header;

	if (want(source, sizeof(header)) < sizeof(header))
		return source->failed ? "cannot be read" : "is not a recording (too short)";
	memcpy(&header, take(source, sizeof(header)), sizeof(header));
	if (memcmp(header.magic, RECORDING_MAGIC, sizeof(header.magic)) != 0)
		return "is not a recording";
	if (header.byte_order == __builtin_bswap32(RECORDING_BYTE_ORDER))
		return "was recorded on a machine of the other byte order";
	if (header.byte_order != RECORDING_BYTE_ORDER)
		return "is damaged: it has no valid byte order mark";
	if (header.version != RECORDING_VERSION || header.event_abi != EVENT_ABI_VERSION)
		return "was recorded by another version of hark";
	if (header.header_len < sizeof(header) || header.header_len > RECORDING_HEADER_MAX ||
	    header.header_len % RECORDING_ALIGN)
		return "is damaged: its header has an impossible length";
	if (want(source, header.header_len - sizeof(header)) < header.header_len - sizeof(header))
		return "ends inside its header";
	take(source, header.header_len - sizeof(header));
	source->wall_offset_ns = header.wall_offset_ns;
	return NULL;
}

struct source_file *source_file_open_stream(FILE *in, const char **error)
{
	struct source_file *source = calloc(1, sizeof(*source));
	int err = EBADMSG;

	if (!source) {
		*error = "cannot be read: out of memory";
		fclose(in);
		errno = ENOMEM;
		return NULL;
	}
	source->in = in;
	errno = 0;
	*error = check_header(source);
	if (!*error)
		return source;
	if (source->failed)
		err = errno ? errno : EIO;
	source_file_close(source);
	errno = err;
	return NULL;
}

struct source_file *source_file_open(const char *path, const char **error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");

	if (in) /* so that it is not recorded to meanwhile; a recording that grows may be read */
		(void)flock(fd, LOCK_SH | LOCK_NB);
	if (!in) {
		*error = strerror(errno);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	return source_file_open_stream(in, error);
}

int64_t source_file_wall_offset_ns(const struct source_file *source)
{
	return source->wall_offset_ns;
}

static int fail(struct source_file *source, uint64_t start, const char *what, const char **error)
{
	snprintf(source->error, sizeof(source->error), "the event at byte %" PRIu64 " %s", start, what);
	*error = source->error;
	return source->failed ? -EIO : -EBADMSG;
}

/* 1: *event is the next one, in the block; 0: the file ended between events; else -errno. */
static int read_event(struct source_file *source, const struct event_header **event, const char **error)
{
	const struct event_header *header;
	uint64_t start = source->offset;
	size_t got = want(source, sizeof(*header)), size;

	if (got == 0 && !source->failed)
		return 0;
	if (got < sizeof(*header))
		return fail(source, start, source->failed ? "cannot be read" : "is cut short", error);
	header = (const struct event_header *)(source->block + source->at);
	if (header->size < sizeof(*header) || header->size > EVENT_SIZE_MAX)
		return fail(source, start, "has an impossible size", error);
	size = recording_padded(header->size);
	if (want(source, size) < size)
		return fail(source, start, source->failed ? "cannot be read" : "is cut short", error);
	header = (const struct event_header *)take(source, size);
	if (!event_valid(header, header->size))
		return fail(source, start, "is damaged", error);
	*event = header;
	return 1;
}

int source_file_run(struct source_file *source, event_fn *fn, void *ctx, const char **error)
{
	const struct event_header *event;
	int result;

	while ((result = read_event(source, &event, error)) > 0) {
		result = fn(ctx, event);
		if (result < 0)
			return result;
	}
	return result;
}

void source_file_close(struct source_file *source)
{
	if (!source)
		return;
	fclose(source->in);
	free(source);
}

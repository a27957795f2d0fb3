/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording may be truncated, damaged or made by an enemy. Each size is
 * checked before it is used, memory is one record, and the first thing that
 * does not fit ends the reading with its place in the file: after damage there
 * is no way to find the next event with certainty.
 */
#include "source_file.h"

#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define EVENT_SIZE_MAX (sizeof(struct event_data) + EVENT_PAYLOAD_MAX)

struct source_file {
	FILE *in;
	uint64_t offset; /* bytes read so far */
	int64_t wall_offset_ns;
	char error[160];
	union {
		struct event_header header;
		char bytes[EVENT_SIZE_MAX + RECORDING_ALIGN];
	} event;
};

/* How many of n bytes were there. */
static size_t take(struct source_file *source, void *out, size_t n)
{
	size_t got = fread(out, 1, n, source->in);

	source->offset += got;
	return got;
}

/* NULL when this is a recording that we can read. */
static const char *check_header(struct source_file *source)
{
	struct recording_header header;
	char extra[64];

	if (take(source, &header, sizeof(header)) < sizeof(header))
		return ferror(source->in) ? "cannot be read" : "is not a recording (too short)";
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
	while (source->offset < header.header_len) {
		size_t left = header.header_len - source->offset;
		size_t want = left < sizeof(extra) ? left : sizeof(extra);

		if (take(source, extra, want) < want)
			return "ends inside its header";
	}
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
	if (ferror(in))
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
	return ferror(source->in) ? -EIO : -EBADMSG;
}

/* 1: an event stands in source->event; 0: the file ended between events; else -errno. */
static int read_event(struct source_file *source, const char **error)
{
	struct event_header *header = &source->event.header;
	uint64_t start = source->offset;
	size_t got = take(source, header, sizeof(*header));
	size_t rest;

	if (got == 0 && !ferror(source->in))
		return 0;
	if (got < sizeof(*header))
		return fail(source, start, ferror(source->in) ? "cannot be read" : "is cut short", error);
	if (header->size < sizeof(*header) || header->size > EVENT_SIZE_MAX)
		return fail(source, start, "has an impossible size", error);
	rest = recording_padded(header->size) - sizeof(*header);
	if (take(source, source->event.bytes + sizeof(*header), rest) < rest)
		return fail(source, start, ferror(source->in) ? "cannot be read" : "is cut short", error);
	if (!event_valid(header, header->size))
		return fail(source, start, "is damaged", error);
	return 1;
}

int source_file_run(struct source_file *source, event_fn *fn, void *ctx, const char **error)
{
	int result;

	while ((result = read_event(source, error)) > 0) {
		result = fn(ctx, &source->event.header);
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

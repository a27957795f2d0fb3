/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appends each event as it is, padded to 8 bytes. The first write error is
 * kept: later calls and the close report it again, and nothing more is written,
 * so that the file ends at one clear point.
 */
#include "record.h"

#include "base/private_file.h"
#include "recording.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_BUFFER_BYTES (256 * 1024)

struct record {
	FILE *out;
	char *buffer;
	int error; /* -errno of the first write that failed */
};

static int put(struct record *record, const void *bytes, size_t n)
{
	if (record->error)
		return record->error;
	errno = 0;
	if (fwrite(bytes, 1, n, record->out) != n)
		record->error = errno ? -errno : -EIO;
	return record->error;
}

static struct record *record_new(int fd)
{
	struct record *record = calloc(1, sizeof(*record));

	if (!record)
		return NULL;
	record->out = fdopen(fd, "w");
	record->buffer = malloc(RECORD_BUFFER_BYTES);
	if (!record->out || !record->buffer) {
		if (record->out)
			fclose(record->out);
		else
			close(fd);
		free(record->buffer);
		free(record);
		errno = ENOMEM;
		return NULL;
	}
	setvbuf(record->out, record->buffer, _IOFBF, RECORD_BUFFER_BYTES);
	return record;
}

struct record *record_open(const char *path, int64_t wall_offset_ns)
{
	const struct recording_header header = {
		.magic = RECORDING_MAGIC,
		.byte_order = RECORDING_BYTE_ORDER,
		.version = RECORDING_VERSION,
		.header_len = sizeof(header),
		.event_abi = EVENT_ABI_VERSION,
		.wall_offset_ns = wall_offset_ns,
	};
	bool is_file = strcmp(path, "-") != 0;
	int fd = is_file ? private_file_open(path) : dup(STDOUT_FILENO);
	struct record *record;
	int err;

	if (fd < 0) {
		errno = is_file ? -fd : errno;
		return NULL;
	}
	record = record_new(fd);
	if (!record)
		return NULL;
	/* Flushed at once: a full disk shows here, and a reader of a pipe sees the head. */
	err = put(record, &header, sizeof(header));
	if (err == 0 && fflush(record->out) == EOF)
		err = -errno;
	if (err == 0)
		return record;
	record_close(record);
	errno = -err;
	return NULL;
}

int record_write(struct record *record, const struct event_header *event)
{
	static const char zeros[RECORDING_ALIGN];
	uint32_t padding = recording_padded(event->size) - event->size;

	put(record, event, event->size);
	return put(record, zeros, padding);
}

int record_close(struct record *record)
{
	int err;

	if (!record)
		return 0;
	err = record->error;
	if (fclose(record->out) == EOF && err == 0)
		err = errno ? -errno : -EIO;
	free(record->buffer);
	free(record);
	return err;
}

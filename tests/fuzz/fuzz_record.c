/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile recording. The input is what follows a good header when its first
 * byte is odd, else the whole file, so that both the header and the events are
 * reached. Every event that comes out must be one that the pipeline may read.
 */
#include "record/recording.h"
#include "record/source_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(void *ctx, const struct event_header *event)
{
	uint64_t *sum = ctx;

	if (!event_valid(event, event->size))
		abort();
	for (uint32_t i = 0; i < event->size; i++)
		*sum += ((const uint8_t *)event)[i];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording_header header = {
		.magic = RECORDING_MAGIC,
		.byte_order = RECORDING_BYTE_ORDER,
		.version = RECORDING_VERSION,
		.header_len = sizeof(header),
		.event_abi = EVENT_ABI_VERSION,
	};
	size_t head = size && data[0] % 2 ? sizeof(header) : 0;
	char *file = malloc(head + size);
	const char *error = NULL;
	struct source_file *source;
	uint64_t sum = 0;
	FILE *in;
	int err;

	if (!file || head + size < 2) {
		free(file);
		return 0;
	}
	memcpy(file, &header, head);
	memcpy(file + head, data + 1, size - 1);
	in = fmemopen(file, head + size - 1, "r");
	if (!in)
		abort();
	source = source_file_open_stream(in, &error);
	if (source) {
		err = source_file_run(source, check, &sum, &error);
		if (err != 0 && err != -EBADMSG)
			abort();
		if (err && !error)
			abort();
	} else if (!error) {
		abort();
	}
	source_file_close(source);
	free(file);
	return 0;
}

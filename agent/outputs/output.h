/* SPDX-License-Identifier: Apache-2.0 */
/* One output: a file with a sink that writes to it. */
#ifndef HARK_OUTPUT_H
#define HARK_OUTPUT_H

#include "sinks/sink.h"

#include <stdint.h>
#include <stdio.h>

struct output_choice {
	const char *format;
	const char *path; /* NULL: stdout */
};

struct output {
	const char *path; /* NULL: stdout, or what stands for it */
	FILE *file;
	char *buffer; /* the file's */
	const struct sink_ops *ops;
	struct sink *sink;
};

/*
 * Opens the file (private, or a copy of standard_fd) and makes its sink; config's out is filled in. The
 * choice's path is borrowed until output_close(). 0, or -errno when the reason was reported; *output may then
 * be closed.
 */
int output_open(struct output *output, const struct output_choice *choice, enum view view, int standard_fd,
		struct sink_config config);

/*
 * Writes out what is buffered. 0, or errno of what could not be written (EIO when nobody knows); a line
 * larger than the buffer failed by itself before, which is noticed here too.
 */
int output_flush(const struct output *output);

/* Ends the sink, flushes and closes. As output_flush(). */
int output_close(struct output *output);

/* For people: "to stdout" or the path. */
const char *output_name(const struct output *output);

#endif

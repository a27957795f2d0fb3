/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a recording (docs/recording.md) and gives its events in order. */
#ifndef HARK_SOURCE_FILE_H
#define HARK_SOURCE_FILE_H

#include "model/event_check.h"

#include <stdint.h>
#include <stdio.h>

struct source_file;

/*
 * Opens path ("-": stdin) and checks the header. NULL: *error is a static sentence
 * (not a recording, other version, other byte order, cannot open) and errno is set.
 */
struct source_file *source_file_open(const char *path, const char **error);

/* The same for a stream that is open already; takes it over, also on failure. */
struct source_file *source_file_open_stream(FILE *in, const char **error);

/* CLOCK_REALTIME less CLOCK_MONOTONIC of the machine that recorded. */
int64_t source_file_wall_offset_ns(const struct source_file *source);

/*
 * Calls fn for every event. 0 at the end of the file; -EBADMSG when the file is truncated or damaged, after
 * all that came before; -EIO when it cannot be read; or what fn returned (*error is
 * untouched then). *error says where and why; it lives until source_file_close().
 */
int source_file_run(struct source_file *source, event_fn *fn, void *ctx, const char **error);

/* NULL is legal. */
void source_file_close(struct source_file *source);

#endif

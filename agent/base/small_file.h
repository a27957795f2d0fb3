/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc and /sys that are read at once. */
#ifndef HARK_SMALL_FILE_H
#define HARK_SMALL_FILE_H

#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The text of a file, NUL-terminated, without its last line feed: its length, or -errno with an empty text.
 * What has no room in size bytes is left out.
 */
ssize_t small_file_read(const char *path, char *text, size_t size);

/* The text behind "\nNAME:" in that of a status file; empty: there is no such line. */
const char *small_file_field(const char *text, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that hold what was observed: recordings, outputs. Nobody else may read
 * them, also when the file was there before with another mode.
 */
#ifndef HARK_PRIVATE_FILE_H
#define HARK_PRIVATE_FILE_H

#include <errno.h>

/* Others may write to a folder on the way to the file. */
#define PRIVATE_FILE_EXPOSED EREMCHG

/*
 * Creates or empties path for writing, with mode 0600 from before the first byte on.
 * What hark was given open (/dev/stdout, /dev/stderr, /dev/fd/N, /proc/self/fd/N) is used as it is, and so is
 * a character device of root's or of hark's user (/dev/null, a terminal). All else is refused untouched.
 * Returns a descriptor, or -errno: -ELOOP a symbolic link, -EPERM another user's file, -EMLINK a file with
 * several names, -EBUSY one that a hark reads or writes to, -ESPIPE a FIFO, -ENOTTY another kind of file,
 * -PRIVATE_FILE_EXPOSED a folder on the way that others (not root, hark's user or who typed sudo) own or may
 * write to without the sticky bit.
 */
int private_file_open(const char *path);

/*
 * The same for a regular file that goes on: what it holds stays. It is locked (flock(2)) as long as the
 * descriptor is open.
 */
int private_file_keep(const char *path);

/* Why private_file_open() or record_open() failed, in words, for -errno or errno. */
const char *private_file_error(int error);

#endif

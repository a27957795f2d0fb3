/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that hold what was observed: recordings, outputs. Nobody else may read
 * them, also when the file was there before with another mode.
 */
#ifndef HARK_PRIVATE_FILE_H
#define HARK_PRIVATE_FILE_H

/*
 * Creates or empties path for writing, with mode 0600 from before the first byte
 * on. A symbolic link is not followed and a file of another user is not taken
 * (in a shared directory either may be a trap). Devices and pipes keep their
 * mode. Returns a descriptor, or -errno: -ELOOP a symbolic link, -EPERM another
 * user's file.
 */
int private_file_open(const char *path);

/* Why private_file_open() or record_open() failed, in words, for -errno or errno. */
const char *private_file_error(int error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The part of `hark doctor` about TLS libraries and the processes that map them. */
#ifndef HARK_DOCTOR_FILES_H
#define HARK_DOCTOR_FILES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Prints to stdout each TLS library that is installed or mapped, with its probe sites, and the processes
 * whose TLS is not covered; with pids only what these map, process by process. 0, -ESRCH when one of the
 * processes is not there, or -errno.
 */
int doctor_files(const uint32_t *pids, size_t pid_count);

#endif

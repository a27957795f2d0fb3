/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter of the process's own system calls (seccomp), and capabilities given up. A filter is a list of what
 * is allowed. Anything else fails with ENOSYS, as on a kernel that does not have it, so that libraries fall
 * back on what they did before; what only an intruder would call ends the process at once.
 *
 * Each filter begins with what every process of hark's may do: files are opened for reading only, memory is
 * never writable and executable, threads are made and no processes.
 */
#ifndef HARK_CALL_FILTER_H
#define HARK_CALL_FILTER_H

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/capability.h>

struct call_filter {
	scmp_filter_ctx ctx;
	int error; /* the first */
};

/* Can this kernel filter system calls, and this build use it? */
bool call_filter_supported(void);

/* With what every process may do. What fails is noted, for call_filter_load(). */
void call_filter_init(struct call_filter *filter);
void call_filter_allow(struct call_filter *filter, int call);
/* When these bits of the argument have this value. */
void call_filter_allow_bits(struct call_filter *filter, int call, unsigned int argument, uint64_t mask,
			    uint64_t value);
/* When the argument, an int, is one of these. */
void call_filter_allow_each(struct call_filter *filter, int call, unsigned int argument,
			    const unsigned int *values, size_t count);
/* The filter holds from now on, for good, if this build has filters; `filter` is over. 0 or -errno. */
int call_filter_load(struct call_filter *filter);

/*
 * Of the capabilities that the process has those stay that `kept` (NULL: none) says; the bounding and the
 * ambient set as well. 0 or -errno.
 */
int caps_keep(bool (*kept)(const void *ctx, cap_value_t cap), const void *ctx);

#endif

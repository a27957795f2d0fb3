/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands for the kernel side where it cannot be built (another machine than
 * x86-64, no clang): the Makefile takes this file instead of the other
 * probes*.c. Replays and doctor work; a live run says why not.
 */
#include "probes.h"

#include "base/log.h"

#include <errno.h>

/* Nothing here looks at what it is given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

struct probes *probes_open(const struct probes_config *config)
{
	log_error("this hark was built without its kernel side (it needs x86-64, clang, bpftool and libbpf): "
		  "it replays recordings and captures nothing");
	errno = ENOTSUP;
	return NULL;
}

void probes_close(struct probes *probes)
{
}

enum capture_way probes_capture(const struct probes *probes)
{
	return CAPTURE_AUTO;
}

bool probes_session_supported(void)
{
	return false;
}

void probes_features(struct probes_features *features)
{
	*features = (struct probes_features){ .built = false };
}

void probes_remove_file(struct probes *probes, const struct file_identity *identity)
{
}

int probes_add_file(struct probes *probes, const struct library_row *row, int fd, const char *path)
{
	return -ENOTSUP;
}

void probes_tls_listen(struct probes *probes)
{
}

size_t probes_count_files(const struct probes *probes)
{
	return 0;
}

void probes_protect(struct probes *probes, uint32_t pid)
{
}

int probes_add_pid(struct probes *probes, uint32_t pid)
{
	return -ENOTSUP;
}

void probes_ignore_pid(struct probes *probes, uint32_t pid, bool ignored)
{
}

size_t probes_map_entries(const struct probes *probes, const char *name)
{
	return 0;
}

size_t probes_count_pids(const struct probes *probes, const uint32_t *but, size_t but_count)
{
	return 0;
}

int probes_existing(struct probes *probes, event_fn *fn, void *ctx)
{
	return 0;
}

bool probes_has_records(const struct probes *probes)
{
	return false;
}

int probes_ring_fd(const struct probes *probes)
{
	return -1;
}

int probes_consume(struct probes *probes, event_fn *fn, void *ctx)
{
	return -ENOTSUP;
}

void probes_mark(struct probes *probes, uint64_t socket_id, enum mark mark)
{
}

void probes_skip(struct probes *probes, uint64_t socket_id, const struct tls_key *session,
		 enum event_direction direction, uint64_t pos)
{
}

void probes_forget(struct probes *probes, uint64_t socket_id)
{
}

void probes_forget_session(struct probes *probes, const struct tls_key *session)
{
}

int probes_counters(struct probes *probes, struct event_counters *out)
{
	return -ENOTSUP;
}

bool probes_locked_down(void)
{
	return false;
}

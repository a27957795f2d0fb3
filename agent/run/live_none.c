/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands for live runs and the kernel side where that cannot be built (another machine than x86-64, no
 * clang): the Makefile takes this file instead of all that needs it. Replays and doctor work; a live run says
 * why not.
 */
#include "live.h"

#include "base/log.h"

#include <errno.h>

/* Nothing here looks at what it is given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
/* NOLINTBEGIN(misc-unused-parameters) */

void live_init(void)
{
}

int live_run(const struct live_config *config)
{
	return probes_open(&config->probes) ? 0 : 1;
}

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

void probes_features(struct probes_features *features)
{
	*features = (struct probes_features){ .built = false };
}

bool probes_locked_down(void)
{
	return false;
}

/* --- never called, for there are no probes --------------------------------------------- */

enum capture_way probes_capture(const struct probes *probes)
{
	return CAPTURE_AUTO;
}

size_t probes_map_entries(const struct probes *probes, const char *name)
{
	return 0;
}

void probes_seek_sockets(struct probes *probes, uint32_t pid, bool wanted)
{
}

void probes_mark(struct probes *probes, uint64_t socket_id, enum mark mark)
{
}

bool probes_skip(struct probes *probes, uint64_t socket_id, const struct tls_key *session,
		 enum event_direction direction, uint64_t until, uint64_t count)
{
	return false;
}

void probes_forget(struct probes *probes, uint64_t socket_id, bool counted)
{
}

void probes_forget_session(struct probes *probes, const struct tls_key *session)
{
}

/* NOLINTEND(misc-unused-parameters) */

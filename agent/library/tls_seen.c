/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_seen.h"

#include "base/table.h"
#include "tls_kinds.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 4096 /* processes; the oldest make room */

struct seen_process {
	uint32_t pid;
	struct tls_kinds kinds;
	UT_hash_handle hh;
};

struct tls_seen {
	struct seen_process *processes; /* by pid; the oldest first */
};

struct tls_seen *tls_seen_new(void)
{
	return calloc(1, sizeof(struct tls_seen));
}

static void seen_remove(struct tls_seen *seen, struct seen_process *process)
{
	HASH_DEL(seen->processes, process);
	free(process);
}

void tls_seen_free(struct tls_seen *seen)
{
	if (!seen)
		return;
	while (seen->processes)
		seen_remove(seen, seen->processes);
	free(seen);
}

static struct seen_process *seen_find(const struct tls_seen *seen, uint32_t pid)
{
	struct seen_process *process;

	HASH_FIND(hh, seen->processes, &pid, sizeof(pid), process);
	return process;
}

/* Without memory /proc has to tell. */
static struct seen_process *seen_add(struct tls_seen *seen, uint32_t pid)
{
	struct seen_process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	if (HASH_COUNT(seen->processes) >= SEEN_MAX)
		seen_remove(seen, seen->processes);
	process->pid = pid;
	HASH_ADD(hh, seen->processes, pid, sizeof(process->pid), process);
	if (TABLE_ADDED(process, hh))
		return process;
	free(process);
	return NULL;
}

void tls_seen_mapped(struct tls_seen *seen, uint32_t pid, const char *path)
{
	struct seen_process *process = seen_find(seen, pid);
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	struct tls_kinds kinds = { .others = 0 };

	/* The loader is mapped first: another program runs in this process, or under this number. */
	if (process && strncmp(base, "ld-", 3) == 0)
		seen_remove(seen, process);
	tls_kinds_of_name(&kinds, base);
	if (!kinds.others && !kinds.openssl)
		return;
	process = seen_find(seen, pid);
	if (!process)
		process = seen_add(seen, pid);
	if (!process)
		return;
	process->kinds.others |= kinds.others;
	process->kinds.openssl |= kinds.openssl;
}

const char *tls_seen_why(const struct tls_seen *seen, uint32_t pid)
{
	const struct seen_process *process = seen_find(seen, pid);

	return process ? tls_kinds_why(&process->kinds) : tls_kinds_why_of(pid);
}

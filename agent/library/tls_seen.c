/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_seen.h"

#include "base/path.h"
#include "base/table.h"
#include "file_identity.h"
#include "libraries.h"
#include "proc_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEN_MAX	4096 /* processes; the oldest make room */
#define EXECUTABLES_MAX 64

struct seen_process {
	uint32_t pid;
	uint32_t libraries; /* rows */
	UT_hash_handle hh;
};

struct seen_executable {
	struct file_identity identity;
	uint32_t libraries; /* rows that it holds */
};

struct tls_seen {
	struct seen_process *processes;			     /* by pid; the oldest first */
	struct seen_executable executables[EXECUTABLES_MAX]; /* that were read; the oldest make room */
	size_t executable_count, executable_next;
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
	const char *base = path_base(path);
	uint32_t libraries = libraries_of_name(base);

	/* The loader is mapped first: another program runs in this process, or under this number. */
	if (process && strncmp(base, "ld-", 3) == 0)
		seen_remove(seen, process);
	if (!libraries)
		return;
	process = seen_find(seen, pid);
	if (!process)
		process = seen_add(seen, pid);
	if (process)
		process->libraries |= libraries;
}

struct looked {
	uint32_t libraries; /* rows */
	bool mapped;	    /* anything at all: what has ended and was not waited for has nothing */
};

static bool mapping_tells(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	struct looked *looked = ctx;

	(void)pid;
	looked->libraries |= libraries_of_name(path_base(mapping->path));
	looked->mapped = true;
	return true;
}

/* What a process maps now. 0, -ESRCH when it is gone, or -errno. */
static int mappings_look(uint32_t pid, uint32_t *libraries)
{
	struct looked looked = { .libraries = 0 };
	int error = proc_maps_each(pid, mapping_tells, &looked);

	*libraries = looked.libraries;
	return error < 0 || looked.mapped ? error : -ESRCH;
}

static struct seen_executable *executable_find(struct tls_seen *seen, const struct file_identity *identity)
{
	for (size_t i = 0; i < seen->executable_count; i++)
		if (file_identity_same(&seen->executables[i].identity, identity))
			return &seen->executables[i];
	return NULL;
}

/* What a process's executable holds, which is read once: a browser's has 300 MB. 0, -ESRCH or -errno. */
static int executable_look(struct tls_seen *seen, uint32_t pid, uint32_t *libraries)
{
	struct seen_executable *executable;
	struct file_identity identity;
	struct stat st;
	char path[32];
	int fd, error;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	error = fstat(fd, &st) < 0 ? -errno : 0;
	if (error)
		goto out;
	identity = file_identity_of(fd, &st);
	executable = executable_find(seen, &identity);
	if (!executable) {
		executable = &seen->executables[seen->executable_next++ % EXECUTABLES_MAX];
		if (seen->executable_count < EXECUTABLES_MAX)
			seen->executable_count++;
		*executable = (struct seen_executable){ identity, libraries_of_executable(fd) };
	}
	*libraries = executable->libraries;
out:
	close(fd);
	return error;
}

const char *tls_seen_why(struct tls_seen *seen, uint32_t pid)
{
	const struct seen_process *process = seen_find(seen, pid);
	uint32_t mapped = process ? process->libraries : 0, inside = 0;
	int error = process ? 0 : mappings_look(pid, &mapped);

	if (error == 0)
		error = executable_look(seen, pid, &inside);
	if (process) /* says enough, should it be gone */
		error = 0;
	if (error == -ESRCH)
		return NULL;
	if (error < 0)
		return "hark may not look at this process";
	return mapped || inside ? libraries_why(mapped, inside)
				: "no TLS library that hark knows was seen in this process";
}

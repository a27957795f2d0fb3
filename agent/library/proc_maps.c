/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/maps and /proc/PID/map_files.
 *
 * The path in maps is only a name: it is relative to the process's root, the
 * file may have been replaced, and its device number is not the file's own on
 * btrfs and overlayfs. The link in map_files leads to the very file that is
 * mapped. It needs CAP_CHECKPOINT_RESTORE or root; without them the path below
 * /proc/PID/root serves, if the inode number agrees.
 *
 * Everything here races with the process: a mapping that went away is -ENOENT,
 * a process that went away -ESRCH, and neither is worth a word to the user.
 */
#include "proc_maps.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LINK_LEN (PATH_MAX + 64)

/* A number and the one character that must follow it; NULL when it is not there. */
static char *number_parse(char *text, int base, char after, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, base);
	return end != text && *end == after ? end + 1 : NULL;
}

/*
 * Splits "start-end perms offset major:minor inode   path"; false when it is no executable mapping of a file.
 * The line is changed.
 */
static bool line_parse(char *line, struct mapping *mapping)
{
	char *at = number_parse(line, 16, '-', &mapping->start);
	uint64_t unused, major, minor;

	at = at ? number_parse(at, 16, ' ', &mapping->end) : NULL;
	if (!at || strnlen(at, 5) < 5 || at[2] != 'x' || at[4] != ' ')
		return false;
	at = number_parse(at + 5, 16, ' ', &unused);
	at = at ? number_parse(at, 16, ':', &major) : NULL;
	at = at ? number_parse(at, 16, ' ', &minor) : NULL;
	at = at ? number_parse(at, 10, ' ', &mapping->inode) : NULL;
	if (!at)
		return false;
	mapping->device = makedev(major, minor);
	at += strspn(at, " ");
	at[strcspn(at, "\n")] = '\0';
	mapping->path = at;
	return at[0] == '/';
}

int proc_maps_each(uint32_t pid, mapping_fn *fn, void *ctx)
{
	struct mapping mapping;
	char name[32];
	char *line = NULL;
	size_t size = 0;
	FILE *maps;

	snprintf(name, sizeof(name), "/proc/%u/maps", pid);
	maps = fopen(name, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	while (getline(&line, &size, maps) > 0)
		if (line_parse(line, &mapping) && !fn(ctx, pid, &mapping))
			break;
	free(line);
	fclose(maps);
	return 0;
}

int proc_each(bool (*fn)(void *ctx, uint32_t pid), void *ctx)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (!fn(ctx, (uint32_t)strtoul(entry->d_name, NULL, 10)))
			break;
	}
	closedir(dir);
	return 0;
}

/* The link itself, or the path below the process's root; the name of what could be seen goes to out. */
static int mapping_locate(uint32_t pid, const struct mapping *mapping, char *out, size_t size,
			  struct stat *st)
{
	int err;

	snprintf(out, size, "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, pid, mapping->start, mapping->end);
	if (!stat(out, st))
		return 0;
	err = -errno;
	if (err != -EPERM && err != -EACCES)
		return err;
	if ((size_t)snprintf(out, size, "/proc/%u/root%s", pid, mapping->path) >= size)
		return -ENAMETOOLONG;
	if (stat(out, st))
		return -errno;
	return st->st_ino == mapping->inode ? 0 : -ESTALE;
}

int proc_mapping_stat(uint32_t pid, const struct mapping *mapping, struct stat *st)
{
	char name[LINK_LEN];

	/* Where a file has another device number (btrfs, overlayfs) it has never that of a file system. */
	if (!fstatat(AT_FDCWD, mapping->path, st, AT_NO_AUTOMOUNT) && st->st_dev == mapping->device &&
	    st->st_ino == mapping->inode)
		return 0;
	return mapping_locate(pid, mapping, name, sizeof(name), st);
}

int proc_mapping_open(uint32_t pid, const struct mapping *mapping, struct stat *st)
{
	char name[LINK_LEN];
	struct stat seen;
	int err = mapping_locate(pid, mapping, name, sizeof(name), &seen);
	int fd;

	if (err)
		return err;
	if (!S_ISREG(seen.st_mode)) /* opening a device or a pipe may do something */
		return -EINVAL;
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, st) && st->st_dev == seen.st_dev && st->st_ino == seen.st_ino)
		return fd;
	close(fd);
	return -ESTALE;
}

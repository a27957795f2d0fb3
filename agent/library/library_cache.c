/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what `ldconfig -p` lists. The cache file has had two formats and has
 * extensions; ldconfig knows them all. Systems without it (musl, images cut to
 * the bone) keep their libraries in the standard folders.
 */
#include "library_cache.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Absolute, for hark runs as root with whatever PATH its user has. */
static const char *const ldconfigs[] = { "/sbin/ldconfig", "/usr/sbin/ldconfig" };

static const char *const folders[] = {
	"/usr/lib/x86_64-linux-gnu",
	"/lib/x86_64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu",
	"/lib/aarch64-linux-gnu",
	"/usr/lib64",
	"/lib64",
	"/usr/lib",
	"/lib",
	"/usr/local/lib64",
	"/usr/local/lib",
};

char *library_cache_line(char *line, library_wanted_fn *wanted)
{
	char *name = line + strspn(line, " \t");
	char *path = strstr(name, " => ");

	if (!path || !wanted(name))
		return NULL;
	path += strlen(" => ");
	path[strcspn(path, "\n")] = '\0';
	return path[0] == '/' ? path : NULL;
}

static int cache_list(const char *ldconfig, library_wanted_fn *wanted,
		      void (*fn)(void *ctx, const char *path), void *ctx)
{
	char command[64];
	char *line = NULL;
	size_t size = 0;
	bool any = false;
	FILE *out;

	snprintf(command, sizeof(command), "LC_ALL=C %s -p 2>/dev/null", ldconfig);
	out = popen(command, "re");
	if (!out)
		return -errno;
	while (getline(&line, &size, out) > 0) {
		const char *path = library_cache_line(line, wanted);

		any = true;
		if (path)
			fn(ctx, path);
	}
	free(line);
	pclose(out);
	return any ? 0 : -ENOENT;
}

static int folder_list(const char *folder, library_wanted_fn *wanted, void (*fn)(void *ctx, const char *path),
		       void *ctx)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[PATH_MAX];

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!wanted(entry->d_name) || !strstr(entry->d_name, ".so"))
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < sizeof(path))
			fn(ctx, path);
	}
	closedir(dir);
	return 0;
}

int library_cache_each(library_wanted_fn *wanted, void (*fn)(void *ctx, const char *path), void *ctx)
{
	int err = -ENOENT;

	for (size_t i = 0; i < sizeof(ldconfigs) / sizeof(ldconfigs[0]); i++)
		if (!access(ldconfigs[i], X_OK) && !cache_list(ldconfigs[i], wanted, fn, ctx))
			return 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (!folder_list(folders[i], wanted, fn, ctx))
			err = 0;
	return err;
}

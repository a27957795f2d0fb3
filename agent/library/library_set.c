/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library that lies where it was found is kept: the next program that uses it is then seen from its first
 * byte. All others are kept as long as somebody maps them. Who does is looked up only when the one who was
 * known to has gone, so mostly nothing is read but one process's mappings a library.
 *
 * Mappings are compared by inode number alone: a file of another device keeps a library for longer, never
 * the other way.
 */
#include "library_set.h"

#include "base/table.h"
#include "proc_maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIBRARIES_MAX 512
#define CROWDED	      (LIBRARIES_MAX * 3 / 4)
#define UNUSED_ENOUGH 2

void library_set_fini(struct library_set *set)
{
	while (set->first)
		library_remove(set, set->first);
}

struct library *library_find(const struct library_set *set, const struct file_identity *identity)
{
	struct library *library;

	DL_FOREACH (set->first, library)
		if (file_identity_same(&library->identity, identity))
			break;
	return library;
}

struct library *library_add(struct library_set *set, const struct file_identity *identity, const char *path)
{
	struct library *library = set->count < LIBRARIES_MAX ? calloc(1, sizeof(*library)) : NULL;

	if (!library)
		return NULL;
	library->identity = *identity;
	library->path = strdup(path);
	if (!library->path) {
		free(library);
		return NULL;
	}
	DL_APPEND(set->first, library);
	set->count++;
	return library;
}

void library_remove(struct library_set *set, struct library *library)
{
	DL_DELETE(set->first, library);
	set->count--;
	free(library->path);
	free(library);
}

void library_used(struct library *library, uint32_t pid, uint64_t map_inode)
{
	library->user = pid;
	library->map_inode = map_inode;
	library->unused = 0;
}

bool library_is_unused(const struct library *library)
{
	return library->unused >= UNUSED_ENOUGH;
}

static bool has_map_inode(const struct library *library, uint64_t map_inode)
{
	return map_inode == library->map_inode || map_inode == library->identity.inode;
}

void library_set_hidden(struct library_set *set, uint64_t map_inode)
{
	struct library *library;

	DL_FOREACH (set->first, library)
		library->hidden |= !map_inode || has_map_inode(library, map_inode);
}

static bool is_in_place(const struct library *library)
{
	struct stat st;

	return !stat(library->path, &st) && st.st_ino == library->identity.inode &&
	       (st.st_dev == library->identity.device || library->identity.overlay);
}

struct look {
	struct library_set *set;
	size_t wanted; /* libraries without a known user */
	bool blind;    /* not everybody could be looked at */
	int error;
};

static bool is_wanted(const struct library *library)
{
	return !library->user && !library->in_place;
}

/* Any of those that nobody is known to use. */
static bool look_mapping(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	struct look *look = ctx;
	struct library *library;

	DL_FOREACH (look->set->first, library) {
		if (!is_wanted(library) || !has_map_inode(library, mapping->inode))
			continue;
		library_used(library, pid, mapping->inode);
		look->wanted--;
	}
	return look->wanted > 0;
}

static bool look_process(void *ctx, uint32_t pid)
{
	struct look *look = ctx;
	int error = proc_maps_each(pid, look_mapping, look);

	if (error == -EACCES || error == -EPERM)
		look->blind = true;
	else if (error && error != -ESRCH)
		look->error = error;
	return look->wanted > 0 && !look->error;
}

/* Does the user that was known last map it still? */
static void look_again(struct library_set *set, struct library *library)
{
	struct look look = { .set = set, .wanted = 1 };
	uint32_t user = library->user;

	library->user = 0;
	if (user)
		(void)proc_maps_each(user, look_mapping, &look);
}

int library_set_look(struct library_set *set)
{
	struct look look = { .set = set };
	bool crowded = set->count >= CROWDED;
	struct library *library;
	int error;

	DL_FOREACH (set->first, library) {
		library->in_place = !crowded && is_in_place(library);
		if (!library->in_place)
			look_again(set, library);
	}
	DL_FOREACH (set->first, library)
		look.wanted += is_wanted(library);
	if (!look.wanted)
		return 0;
	error = proc_each(look_process, &look);
	if (error || look.error)
		return error ? error : look.error;
	DL_FOREACH (set->first, library)
		library->unused =
			is_wanted(library) && !(library->hidden && look.blind) ? library->unused + 1 : 0;
	return 0;
}

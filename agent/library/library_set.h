/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS libraries that were reported, and who was seen to use them. */
#ifndef HARK_LIBRARY_SET_H
#define HARK_LIBRARY_SET_H

#include "file_identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct library {
	struct file_identity identity;
	char *path;	     /* as it was found, for whoever has the same root */
	uint64_t map_inode;  /* as mappings show it, which may be another number on overlayfs; 0: not known */
	uint32_t user;	     /* a process that mapped it when that was looked at last; 0: none is known */
	bool hidden;	     /* a process that may not be looked at maps it, or may do so */
	bool in_place;	     /* at the last look-up the path led to it, and there was room: it stays */
	unsigned int unused; /* look-ups in a row that found no user */
	struct library *prev, *next;
};

struct library_set {
	struct library *first;
	size_t count;
};

void library_set_fini(struct library_set *set);

/* NULL: it is not there. */
struct library *library_find(const struct library_set *set, const struct file_identity *identity);

/* A new one. NULL: there are too many, or memory is out. */
struct library *library_add(struct library_set *set, const struct file_identity *identity, const char *path);

/* Out of the set, and freed. */
void library_remove(struct library_set *set, struct library *library);

/* A process maps the library, under this inode number. */
void library_used(struct library *library, uint32_t pid, uint64_t map_inode);

/*
 * A process that may not be looked at (one with more rights than hark) mapped a file of this inode number;
 * map_inode 0: it may map any that are there now.
 */
void library_set_hidden(struct library_set *set, uint64_t map_inode);

/*
 * Looks for a user of each library that may have lost its last one: those that are not where they were found
 * (deleted, replaced, in a root that is gone), or all of them when the set is getting full. 0 or -errno.
 */
int library_set_look(struct library_set *set);

/* Nobody used it at two look-ups in a row: between them no fork can hide a user. */
bool library_is_unused(const struct library *library);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes as a tree: under each what it started, and in its numbers theirs, too. Who started whom is
 * asked of the kernel while the tree is shown, and remembered of those that end; a recording does not tell.
 */
#ifndef HARK_TOP_TREE_H
#define HARK_TOP_TREE_H

#include "base/table.h"
#include "event.h"
#include "top_table.h"

#include <stdint.h>

#define TOP_KIN_MAX	4096
#define TOP_TREE_LEVELS 32

struct top_kin {
	uint32_t pid, parent;
	char name[EVENT_NAME_LEN], comm[EVENT_COMM_LEN]; /* as observed, NUL-terminated */
	UT_hash_handle hh;
};

struct top_family { /* all zero: nothing is known */
	struct top_kin *kin;
};

void top_family_fini(struct top_family *family);

/* What is known of a process, asked now if need be. NULL: nothing, or it is gone. */
const struct top_kin *top_family_find(struct top_family *family, uint32_t pid);

/*
 * Orders rows, sorted already, by their pid and parent: children under their parent, with depth, rails and
 * last. A row without pid, or whose parent has no row, stands at the left. Two of one pid: the first is the
 * parent. The selection follows its row.
 */
void top_tree_order(struct top_table *table);

/* The row of a process before `count`; NULL: none. */
struct top_row *top_tree_row(struct top_table *table, size_t count, uint32_t pid);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which names the kernel's own type information (/sys/kernel/btf/vmlinux) has. */
#ifndef HARK_KERNEL_TYPES_H
#define HARK_KERNEL_TYPES_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_type {
	const char *name;
	const char *member; /* of a struct or an enum, which is there too; NULL: none is asked for */
	uint32_t kind;	    /* BTF_KIND_… */
	bool found;	    /* the answer */
};

/*
 * One pass over type information as <linux/btf.h> has it: sets `found` of each of the types. False, with what
 * was found until there: it has no such form, or a kind of type that is not known here.
 */
bool kernel_types_find(struct slice btf, struct kernel_type *types, size_t count);

/* The same of the running kernel. False as well: it cannot be read. */
bool kernel_types_read(struct kernel_type *types, size_t count);

#endif

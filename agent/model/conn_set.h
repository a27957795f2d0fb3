/* SPDX-License-Identifier: Apache-2.0 */
/* A set of connections by their number, bounded. */
#ifndef HARK_CONN_SET_H
#define HARK_CONN_SET_H

#include <stdbool.h>
#include <stdint.h>

#define CONN_SET_MAX 65536

struct conn_set {
	struct conn_set_item *items; /* NULL: empty and usable */
};

/* False: it is full, or memory is out. */
bool conn_set_add(struct conn_set *set, uint64_t id);
/* True when it was in the set. */
bool conn_set_remove(struct conn_set *set, uint64_t id);
void conn_set_fini(struct conn_set *set);

#endif

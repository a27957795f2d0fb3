/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a growing list of items. */
#ifndef HARK_ARRAY_H
#define HARK_ARRAY_H

#include <stddef.h>

/*
 * The items with room for one more than count, at another place perhaps; *capacity grows with it. NULL: out
 * of memory, items and *capacity are as before.
 */
void *array_room(void *items, size_t count, size_t *capacity, size_t item_bytes);

#endif

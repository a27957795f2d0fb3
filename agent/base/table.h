/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uthash and utlist, told not to end the program when memory is out:
 * an item that was not added has no table. Keys are hashed by words; an
 * order that anybody sees is that of adding, whatever the hash.
 */
#ifndef HARK_TABLE_H
#define HARK_TABLE_H

#include "hash.h"

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, hash) \
	((hash) = (unsigned int)hash_words(HASH_START, slice_of((key), (size_t)(len))))
#include <uthash.h>
#include <utlist.h>

#define TABLE_ADDED(item, hh) ((item)->hh.tbl != NULL)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uthash and utlist, told not to end the program when memory is out:
 * an item that was not added has no table.
 */
#ifndef HARK_TABLE_H
#define HARK_TABLE_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#define TABLE_ADDED(item, hh) ((item)->hh.tbl != NULL)

#endif

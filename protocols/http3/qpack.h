/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field sections of one direction of an HTTP/3 connection into fields (QPACK, RFC 9204), also where its
 * dynamic table is not known.
 */
#ifndef HARK_QPACK_H
#define HARK_QPACK_H

#include "hpack.h"

#include <stdint.h>

struct qpack;

/* For an encoder seen from its first instruction; its table may not be used yet. NULL: out of memory. */
struct qpack *qpack_new(void);
void qpack_free(struct qpack *qpack);

/*
 * The decoder at the other end allows a table of so many bytes (SETTINGS_QPACK_MAX_TABLE_CAPACITY). Must
 * come before the first instruction, or the table counts as lost. 0 or -ENOMEM, after which it is lost.
 */
int qpack_allow(struct qpack *qpack, uint64_t capacity_bytes);

/* Instructions are missing, or were never seen: no entry of the table is known from here on. */
void qpack_lose(struct qpack *qpack);
bool qpack_is_lost(const struct qpack *qpack);

/* The next bytes of the encoder's stream. 0; -EBADMSG, -ENOMEM: the table is lost. */
int qpack_insert(struct qpack *qpack, struct slice instructions);

/* How many entries were ever inserted: sections that wait become readable when it grows. */
uint64_t qpack_inserts(const struct qpack *qpack);

/*
 * Gives the fields of a whole section to the sink, in order. Of a lost table, or without_table, a name or
 * value that stands in it is unknown. 0; -EAGAIN: the section waits for insertions that have not come; none
 * of its fields was given; -EBADMSG: the section is wrong; -ENOMEM. After an error no field may be used.
 */
int qpack_read(struct qpack *qpack, uint64_t stream, struct slice section, bool without_table,
	       const struct hpack_sink *sink);

/* All the memory that it takes. */
size_t qpack_memory(const struct qpack *qpack);

#endif

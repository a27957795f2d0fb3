/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of an exchange's bodies (protocols/content/reader.h), called for its entry. */
#ifndef HARK_PAIR_READ_H
#define HARK_PAIR_READ_H

#include "pair_entry.h"

/* A head has its place in the entry: who reads the body? pipeline->reading is not NULL. */
void pair_read_head(struct pair *pair, struct pair_entry *entry, struct message *message);
/* Bytes of a body, or a hole in it, whose entry has readings. */
void pair_read_body(struct pair *pair, struct pair_entry *entry, const struct message *message,
		    struct slice bytes, uint64_t time_ns);
void pair_read_hole(struct pair *pair, struct pair_entry *entry, const struct message *message, uint64_t size,
		    uint64_t time_ns);
/* The message ended. */
void pair_read_end(struct pair *pair, struct pair_entry *entry, struct message *message);
/* The entry goes away, or its messages do not live on in it. */
void pair_read_free(struct pair *pair, struct pair_entry *entry);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks that wait to be sent, in their order. */
#ifndef HARK_UPLOAD_QUEUE_H
#define HARK_UPLOAD_QUEUE_H

#include "slice.h"
#include "upload.h"

struct upload_chunk {
	struct upload_chunk *next;
	uint64_t taken_ns;
	uint32_t endpoint, items;
	size_t len;
	uint8_t bytes[];
};

struct upload_queue { /* all zero: empty */
	struct upload_chunk *first, *last;
	size_t bytes; /* of all */
};

/* Keeps a copy. 0 or -ENOMEM. */
int upload_queue_add(struct upload_queue *queue, const struct upload_message *message, struct slice bytes,
		     uint64_t now_ns);
/* Frees the first one. */
void upload_queue_drop(struct upload_queue *queue);

#endif

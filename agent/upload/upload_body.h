/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of one request: chunks of one endpoint, one behind the other, compressed (gzip, RFC 1952). Lines
 * of JSON may be put together so, and so may messages of protocol buffers whose fields are repeated ones.
 */
#ifndef HARK_UPLOAD_BODY_H
#define HARK_UPLOAD_BODY_H

#include "base/buffer.h"
#include "upload_queue.h"

struct upload_body { /* all zero: empty */
	struct buffer packed;
	uint32_t endpoint;
	uint64_t items;
};

/*
 * Takes chunks off the queue's front, up to UPLOAD_BODY_BYTES but one at least. 0, or how many items were
 * dropped because memory is out, when the body is empty.
 */
uint64_t upload_body_take(struct upload_body *body, struct upload_queue *queue);
struct slice upload_body_bytes(const struct upload_body *body);
void upload_body_clear(struct upload_body *body);
void upload_body_fini(struct upload_body *body);

#endif

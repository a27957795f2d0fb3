/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the body of a message that is under way. */
#ifndef HARK_MESSAGE_BODY_H
#define HARK_MESSAGE_BODY_H

#include "bytes.h"
#include "message.h"

#include <stdbool.h>

/*
 * Appends to what is kept, up to limit_bytes; message->body borrows it. False: some of the bytes had no room,
 * and the message is flagged as truncated.
 */
bool message_body_add(struct message *message, struct bytes *kept, struct slice bytes, size_t limit_bytes);

/*
 * The message ends: what was kept moves into it, as far as its limit allows, and `kept` is empty. False: not
 * all of it, and the message is flagged as truncated.
 */
bool message_body_end(struct message *message, struct bytes *kept);

#endif

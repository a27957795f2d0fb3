/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a key log (RFC 9850, NSS' format): what Wireshark decrypts TLS by. */
#ifndef HARK_KEY_LOG_H
#define HARK_KEY_LOG_H

#include "base/buffer.h"
#include "event.h"

#include <stdbool.h>

/*
 * Appends the secret's line. False, and nothing is appended: its label is none; a program may have put
 * anything into its memory.
 */
bool key_log_put(struct buffer *out, const struct event_secret *secret);

#endif

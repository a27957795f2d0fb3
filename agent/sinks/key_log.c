/* SPDX-License-Identifier: Apache-2.0 */
#include "key_log.h"

#include "ascii.h"

static bool is_label(const char *label)
{
	size_t len = strspn(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return len && !label[len];
}

static void put_hex(struct buffer *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		buffer_char(out, "0123456789abcdef"[bytes[i] >> 4]);
		buffer_char(out, "0123456789abcdef"[bytes[i] & 15]);
	}
}

bool key_log_put(struct buffer *out, const struct event_secret *secret)
{
	if (!is_label(secret->label))
		return false;
	buffer_string(out, secret->label);
	buffer_char(out, ' ');
	put_hex(out, secret->random, sizeof(secret->random));
	buffer_char(out, ' ');
	put_hex(out, secret->secret, secret->secret_len);
	buffer_char(out, '\n');
	return true;
}

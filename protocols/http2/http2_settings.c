/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only the frame size matters here, for the search after a loss. The size of
 * HPACK's table is deliberately not followed: hpack.c allows its limit from
 * the start, and the encoder announces each change in a block.
 */
#include "http2_settings.h"

#include "http2_frame.h"

#define SETTING_BYTES	      6
#define SETTING_MAX_FRAME     5
#define SETTINGS_DECODE_BYTES 510 /* of HTTP2-Settings; no real one is near */

uint32_t http2_settings_max_frame(struct slice payload)
{
	uint32_t found = 0;

	for (; payload.len >= SETTING_BYTES; payload = slice_drop(payload, SETTING_BYTES)) {
		const uint8_t *p = payload.data;

		if ((p[0] << 8 | p[1]) == SETTING_MAX_FRAME)
			found = http2_read_u32(p + 2);
	}
	return found;
}

uint32_t http2_settings_max_frame_base64(struct slice text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t bytes[SETTINGS_DECODE_BYTES];
	uint32_t bits = 0;
	size_t len = 0;

	for (size_t i = 0; i < text.len && text.data[i] != '='; i++) {
		const char *digit = memchr(alphabet, text.data[i], sizeof(alphabet) - 1);

		if (!digit || len == sizeof(bytes))
			return 0;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		if (i % 4 != 0)
			bytes[len++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	return http2_settings_max_frame(slice_of(bytes, len));
}

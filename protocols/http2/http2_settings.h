/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that an observer of HTTP/2 needs (RFC 9113, 6.5; RFC 7540, 3.2.1). */
#ifndef HARK_HTTP2_SETTINGS_H
#define HARK_HTTP2_SETTINGS_H

#include "slice.h"

#include <stdint.h>

/* The last SETTINGS_MAX_FRAME_SIZE in a payload; 0: none. */
uint32_t http2_settings_max_frame(struct slice payload);

/* The same of an HTTP2-Settings field: base64url without padding; anything else gives 0. */
uint32_t http2_settings_max_frame_base64(struct slice text);

#endif

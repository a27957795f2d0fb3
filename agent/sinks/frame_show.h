/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of an HTTP/2 frame, piece by piece, for both formats. */
#ifndef HARK_FRAME_SHOW_H
#define HARK_FRAME_SHOW_H

#include "frame.h"

#include <stdint.h>

/* Calls fn for each flag that RFC 9113 defines for this type and that is set. */
void frame_each_flag(const struct frame *frame, void (*fn)(void *ctx, const char *name), void *ctx);

/* Calls fn for each setting that is there (RFC 9113, 6.5.1). name: NULL when the RFC does not know it. */
void frame_each_setting(const struct frame *frame,
			void (*fn)(void *ctx, const char *name, uint16_t id, uint32_t value), void *ctx);

/* The 32-bit number at this offset of the payload. False: it is not there. */
bool frame_number(const struct frame *frame, size_t offset, uint32_t *value);

/* The error code of RST_STREAM or GOAWAY. False: there is none. */
bool frame_error(const struct frame *frame, uint32_t *error);

#endif

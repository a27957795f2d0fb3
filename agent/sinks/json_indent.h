/* SPDX-License-Identifier: Apache-2.0 */
/* JSON for people. */
#ifndef HARK_JSON_INDENT_H
#define HARK_JSON_INDENT_H

#include "base/buffer.h"
#include "slice.h"

/* An element a line, its values byte for byte as they are; also when it is cut or wrong. */
void json_indent(struct slice json, struct buffer *out);

#endif

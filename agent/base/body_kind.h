/* SPDX-License-Identifier: Apache-2.0 */
/* Can secrets be found in a body of this type and coding? */
#ifndef HARK_BODY_KIND_H
#define HARK_BODY_KIND_H

#include "slice.h"

#include <stdbool.h>

enum body_text {
	BODY_OTHER_TEXT,
	BODY_FORM,   /* application/x-www-form-urlencoded */
	BODY_OPAQUE, /* nobody can tell: another coding, or a binary format */
};

/* By Content-Type and Content-Encoding as sent; data NULL: absent. A body without a type counts as text. */
enum body_text body_text_of(struct slice type, struct slice coding);

/* multipart/...: what a line of it is only its part's head tells. */
bool body_has_parts(struct slice type);

#endif

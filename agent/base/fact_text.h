/* SPDX-License-Identifier: Apache-2.0 */
/* Values of facts that are no texts, alike in each view. */
#ifndef HARK_FACT_TEXT_H
#define HARK_FACT_TEXT_H

#include "buffer.h"

struct fact;

/* "7", "-32601", "0.340000" of milliseconds, "1.500", "true"; nothing for a text. */
void fact_text_put(struct buffer *buffer, const struct fact *fact);

#endif

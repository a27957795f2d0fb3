/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds values in a JSON text (RFC 8259) that lies in memory, without building
 * anything: a value is the slice of the text that it stands in. Depth costs
 * nothing, and each step is linear in what it passes. What is no JSON gives no
 * members; that is all that is promised of it.
 */
#ifndef HARK_JSON_TEXT_H
#define HARK_JSON_TEXT_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The inside of an object ('{') or array ('['), for json_text_next(); data NULL: the value is none. */
struct slice json_text_inside(struct slice value, char open);

/*
 * The next member of an object, or element of an array (key NULL); `rest` goes behind it. The key is without
 * its quotes and as it is written. False: there is none, or the text is no JSON.
 */
bool json_text_next(struct slice *rest, struct slice *key, struct slice *value);

/* The first member with this name, which needs no escapes; data NULL: the value is no object, or has none. */
struct slice json_text_member(struct slice object, const char *name);

/*
 * The text that a string stands for, NUL-terminated, in UTF-8. Its length; -EINVAL: no string, or it has a
 * wrong escape or U+0000; -ENAMETOOLONG: it has no room. *out is empty then.
 */
ssize_t json_text_string(struct slice value, char *out, size_t size);

#endif

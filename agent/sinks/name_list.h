/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are told one by one, as a list. */
#ifndef HARK_NAME_LIST_H
#define HARK_NAME_LIST_H

#include "base/buffer.h"

struct name_list {
	struct buffer *buffer;
	const char *between;
	const char *quote; /* around each name; "" for none */
	size_t count;
};

/* ctx: a struct name_list. The name is ours and needs no escape. */
static inline void name_list_add(void *ctx, const char *name)
{
	struct name_list *list = ctx;

	buffer_string(list->buffer, list->count++ ? list->between : "");
	buffer_string(list->buffer, list->quote);
	buffer_string(list->buffer, name);
	buffer_string(list->buffer, list->quote);
}

#endif

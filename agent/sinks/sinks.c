/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks.h"

#include "base/buffer.h"

#include <string.h>

#define SINK_ROW(name) &name,
static const struct sink_ops *const table[] = { SINKS(SINK_ROW) };

const struct sink_ops *sinks_find(const char *format, enum view view)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i]->view == view && strcmp(table[i]->format, format) == 0)
			return table[i];
	return NULL;
}

void sinks_list(struct buffer *list, enum view view)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i]->view == view)
			buffer_format(list, "%s%s", list->len ? ", " : "", table[i]->format);
}

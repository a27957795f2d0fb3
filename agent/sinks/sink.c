/* SPDX-License-Identifier: Apache-2.0 */
/* Every format of every view. Adding one is its file in sinks/ and one line here. */
#include "sink.h"

#include "sinks.h"

#include <string.h>

static const struct sink_ops *const table[] = {
	&watch_text_sink, &watch_json_sink, &conns_text_sink,  &conns_json_sink,
	&raw_text_sink,	  &raw_json_sink,   &frames_text_sink, &frames_json_sink,
	&stat_text_sink,  &stat_json_sink,  &top_sink,
};

const struct sink_ops *sink_find(const char *format, enum view view)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i]->view == view && strcmp(table[i]->format, format) == 0)
			return table[i];
	return NULL;
}

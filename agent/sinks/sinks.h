/* SPDX-License-Identifier: Apache-2.0 */
/* Every format of every view, a row each. Adding one is its file in this folder and its row. */
#ifndef HARK_SINKS_H
#define HARK_SINKS_H

#include "sink.h"

struct buffer;

#define SINKS(X)            \
	X(watch_text_sink)  \
	X(watch_json_sink)  \
	X(watch_curl_sink)  \
	X(watch_har_sink)   \
	X(watch_pcap_sink)  \
	X(sqlite_sink)      \
	X(otlp_sink)        \
	X(clickhouse_sink)  \
	X(conns_text_sink)  \
	X(conns_json_sink)  \
	X(raw_text_sink)    \
	X(raw_json_sink)    \
	X(raw_pcap_sink)    \
	X(frames_text_sink) \
	X(frames_json_sink) \
	X(query_text_sink)  \
	X(query_json_sink)  \
	X(stat_text_sink)   \
	X(stat_json_sink)   \
	X(top_sink)         \
	X(tree_text_sink)   \
	X(tree_json_sink)   \
	X(serve_sink)       \
	X(mcp_sink)

#define SINK_DECLARE(name) extern const struct sink_ops name;
SINKS(SINK_DECLARE)

/* The one for a format in a view; NULL: there is none. */
const struct sink_ops *sinks_find(const char *format, enum view view);
/* The formats of a view, "text, json, …", into `list`. */
void sinks_list(struct buffer *list, enum view view);

#endif

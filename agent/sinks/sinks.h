/* SPDX-License-Identifier: Apache-2.0 */
/* The sinks that agent/sinks/sink.c lists; each is defined in the file of its name. */
#ifndef HARK_SINKS_H
#define HARK_SINKS_H

#include "sink.h"

extern const struct sink_ops watch_text_sink;
extern const struct sink_ops watch_json_sink;
extern const struct sink_ops conns_text_sink;
extern const struct sink_ops conns_json_sink;
extern const struct sink_ops raw_text_sink;
extern const struct sink_ops raw_json_sink;
extern const struct sink_ops frames_text_sink;
extern const struct sink_ops frames_json_sink;
extern const struct sink_ops stat_text_sink;
extern const struct sink_ops stat_json_sink;
extern const struct sink_ops top_sink;

#endif

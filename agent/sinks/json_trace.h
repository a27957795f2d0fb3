/* SPDX-License-Identifier: Apache-2.0 */
/* The trace that a request belongs to, by the names that OpenTelemetry has for it outside of its own formats.
 */
#ifndef HARK_JSON_TRACE_H
#define HARK_JSON_TRACE_H

#include "json_writer.h"
#include "model/trace.h"

/* trace_id, span_id, parent_span_id, trace_flags and hark.request_id, as far as they are known. */
void json_trace(struct json_writer *writer, const struct message *request);

#endif

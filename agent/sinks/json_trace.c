/* SPDX-License-Identifier: Apache-2.0 */
#include "json_trace.h"

void json_trace(struct json_writer *writer, const struct message *request)
{
	struct trace trace;

	if (!trace_of(request, &trace))
		return;
	if (trace.id.data)
		json_hex(writer, "trace_id", trace.id);
	if (trace.span.data)
		json_hex(writer, "span_id", trace.span);
	if (trace.parent.data)
		json_hex(writer, "parent_span_id", trace.parent);
	if (trace.flags.data)
		json_hex(writer, "trace_flags", trace.flags);
	if (trace.request_id.data)
		json_text(writer, "hark.request_id", trace.request_id);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange as a Span (opentelemetry/proto/trace/v1/trace.proto), by the names of OpenTelemetry's semantic
 * conventions: HTTP's stable ones, and those of gRPC, GenAI and the rest as JSON has them.
 */
#ifndef HARK_OTLP_SPAN_H
#define HARK_OTLP_SPAN_H

#include "base/buffer.h"
#include "base/redact.h"
#include "model/exchange.h"
#include "otlp_ids.h"
#include "routes/known_request.h"

struct otlp_span_config {
	int64_t wall_offset_ns;
	const struct redact *redact; /* borrowed */
};

/* What is known of the exchange besides itself; all borrowed. */
struct otlp_span {
	const struct exchange *exchange;
	const struct known_request *known; /* NULL: no request was seen */
	const struct content *content;	   /* of its bodies; NULL: no row has it */
	const char *route;		   /* NULL: not known */
	struct otlp_ids ids;
};

/* Appends the body of the Span. scratch: for what is redacted. */
void otlp_span_put(struct buffer *out, const struct otlp_span *span, const struct otlp_span_config *config,
		   struct buffer *scratch);

#endif

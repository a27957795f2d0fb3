/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.server.request.duration and http.client.request.duration, as histograms with the bounds that
 * OpenTelemetry advises, cumulative since the run began (opentelemetry/proto/metrics/v1/metrics.proto). The
 * series are bounded as those of /metrics are (serve/metric_series.h); one that lost its place and comes
 * again begins at 0.
 */
#ifndef HARK_OTLP_METRICS_H
#define HARK_OTLP_METRICS_H

#include "base/buffer.h"
#include "base/redact.h"
#include "otlp_span.h"

struct budget;
struct otlp_metrics;

struct otlp_metrics *otlp_metrics_new(const char *host, const struct redact *redact, struct budget *budget);
void otlp_metrics_free(struct otlp_metrics *metrics); /* NULL is legal */

/* An exchange ended. One whose duration or role is not known is in no histogram. */
void otlp_metrics_add(struct otlp_metrics *metrics, const struct otlp_span *span);

/*
 * Calls fn with an ExportMetricsServiceRequest each of about chunk_bytes at most, until all series are told.
 * Times are wall time.
 */
void otlp_metrics_each(struct otlp_metrics *metrics, uint64_t start_ns, uint64_t now_ns, size_t chunk_bytes,
		       void (*fn)(void *ctx, struct slice request), void *ctx);

#endif

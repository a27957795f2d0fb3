/* SPDX-License-Identifier: Apache-2.0 */
/* Whose telemetry it is: the attributes of a Resource (opentelemetry/proto/resource/v1/resource.proto). */
#ifndef HARK_OTLP_RESOURCE_H
#define HARK_OTLP_RESOURCE_H

#include "base/buffer.h"
#include "model/mover.h"

#include <stdbool.h>

/*
 * Appends the body of a Resource: host.name, service.name (of the pod's container, the container, the systemd
 * unit, the executable, the first that is known), where the process is, and with `process` which one it is:
 * a service's numbers are one series, whatever processes it has. host: as uname(2) has it.
 */
void otlp_resource_put(struct buffer *out, const char *host, const struct mover *mover, bool process);

/* The body of the InstrumentationScope: hark and its version. */
void otlp_scope_put(struct buffer *out);

#endif

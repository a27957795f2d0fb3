/* SPDX-License-Identifier: Apache-2.0 */
/* What gRPC says beside HTTP: its calls answer 200 also when they fail, the outcome is a trailer. */
#ifndef HARK_GRPC_H
#define HARK_GRPC_H

#include "exchange.h"

#include <stdbool.h>

/*
 * By the request's content-type, else the response's:
 * "application/grpc", also with what follows ("+proto").
 */
bool exchange_is_grpc(const struct exchange *exchange);

/*
 * `grpc-status` of a gRPC call: of the response's trailers, else of its headers (an answer of trailers only),
 * 0 to 16 (0 is OK). -1: no gRPC, or not known.
 */
int exchange_grpc_status(const struct exchange *exchange);

#endif

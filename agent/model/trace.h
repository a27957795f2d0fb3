/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request says of the trace that it belongs to: W3C Trace Context
 * (traceparent), B3 of Zipkin (b3, X-B3-…), and the id of a request that
 * servers hand on and write into their logs (x-request-id).
 *
 * A context that breaks its own rules, or comes twice with two meanings, is
 * none: nothing of it is known.
 */
#ifndef HARK_TRACE_H
#define HARK_TRACE_H

#include "message.h"

#include <stdbool.h>

#define TRACE_REQUEST_ID_MAX 128 /* longer ones are none */

/* Borrowed from the request; data NULL: not known. Ids are as sent, in lower-case hex. */
struct trace {
	struct slice id;	 /* of W3C 32 digits, of B3 16 or 32 */
	struct slice span;	 /* 16 digits: of this very call, as its caller named it */
	struct slice parent;	 /* 16 digits: what the call was made in; B3 alone tells */
	struct slice flags;	 /* traceparent's: 2 digits */
	struct slice request_id; /* x-request-id */
};

/* True when anything is known. request NULL: nothing is. */
bool trace_of(const struct message *request, struct trace *trace);

/* What names the trace: its id, else that of the request; data NULL: neither is known. */
struct slice trace_name(const struct trace *trace);

#endif

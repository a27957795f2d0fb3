/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which trace a span is of, its own id and its parent's. What the request says (trace.h) holds; where it says
 * nothing ids are made at random. The two ends of an exchange that both were seen are known to each other:
 * they are of one trace. Where the request named one, both have the parent that it named and link to each
 * other; where not, the client's span is the server's parent.
 */
#ifndef HARK_OTLP_IDS_H
#define HARK_OTLP_IDS_H

#include "model/exchange.h"

#include <stdbool.h>
#include <stdint.h>

struct otlp_ids {
	uint8_t trace[16], span[8];
	uint8_t parent[8], link[8]; /* the link is to a span of the same trace */
	bool has_parent, has_link;
	uint32_t flags; /* of Span.flags: those of the trace, and whether the parent is known to be remote */
};

struct otlp_id_source {
	uint64_t state;
	const struct exchange *first; /* of a joined pair, whose second comes next; NULL: none does */
	struct otlp_ids second;	      /* which has these */
};

/* 0 or -errno: the kernel has no random numbers. */
int otlp_ids_init(struct otlp_id_source *source);

struct otlp_ids otlp_ids_of(struct otlp_id_source *source, const struct exchange *exchange);

#endif

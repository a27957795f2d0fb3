/* SPDX-License-Identifier: Apache-2.0 */
/* Remarks on stderr, of what the outputs of a run have no line for. */
#ifndef HARK_REMARKS_H
#define HARK_REMARKS_H

#include "filter/filter.h"
#include "model/result.h"
#include "sinks/opaque_text.h"
#include "sinks/sink.h"

#include <stdbool.h>

struct remarks {
	struct opaque_told told; /* lines about what is not read */
	bool said_no_address;	 /* that port: and peer: leave exchanges out for want of it */
};

/* Says what the filter asks that this view cannot answer. */
void remarks_filter(const struct filter *filter, enum view view, bool recorded);

/*
 * An exchange did not pass the filter. If that is because its socket is not known (TLS in memory buffers has
 * no address of its own), that is counted, and said once.
 */
void remarks_left_out(struct remarks *remarks, const struct filter *filter, const struct exchange *exchange);

/* RESULT_OPAQUE or RESULT_UNSEEN: once a program and reason; each: a process and peer. */
void remarks_unread(struct remarks *remarks, const struct result *result, bool each);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Remarks on stderr, of what the outputs of a run have no line for. */
#ifndef HARK_REMARKS_H
#define HARK_REMARKS_H

#include "base/buffer.h"
#include "filter/filter.h"
#include "model/result.h"
#include "sinks/sink.h"

#include <stdbool.h>

struct remarks {
	unsigned int told;    /* lines about what is not read */
	struct buffer last;   /* opaque_text_differs() of them */
	bool said_no_address; /* that port: and peer: leave exchanges out for want of it */
};

void remarks_fini(struct remarks *remarks);

/* Says what the filter asks that this view cannot answer. */
void remarks_filter(const struct filter *filter, enum view view);

/*
 * An exchange did not pass the filter. If that is because its socket is not known (TLS in memory buffers has
 * no address of its own), that is counted, and said once.
 */
void remarks_left_out(struct remarks *remarks, const struct filter *filter, const struct exchange *exchange);

/* RESULT_OPAQUE or RESULT_UNSEEN: the first such things, not each, and of those in a row that say the same
 * the first. */
void remarks_unread(struct remarks *remarks, const struct result *result);

#endif

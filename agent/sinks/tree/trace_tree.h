/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who called whom. An exchange was made by another when
 *
 * - it names that one's span as its parent (B3), or has the same span and was
 *   made by the process that served it, meanwhile: a proxy that hands the
 *   context on as it came;
 * - else, as a guess: it was made by the process that served it, meanwhile. Of
 *   several that may be it, one of the same thread, else the newest. W3C's
 *   context says no more: the span that it names is of the exchange itself.
 *
 * An exchange that names no trace is taken in, as a guess, only where there is a
 * single one that may have made it.
 */
#ifndef HARK_TRACE_TREE_H
#define HARK_TRACE_TREE_H

#include "traces.h"

struct trace_tree {
	struct trace_node **nodes; /* as they are shown: an exchange, then those that it made, by time */
	size_t count;
	uint64_t start_ns, end_ns;
};

struct trace_forest {
	struct trace_node **all; /* by time */
	size_t count;
	struct trace_tree tree; /* of the trace that was asked for last */
};

/* Borrows the nodes, of which a forest may be one at a time. 0 or -ENOMEM. */
int trace_forest_init(struct trace_forest *forest, struct traces *traces);
void trace_forest_fini(struct trace_forest *forest);

/* The tree of one trace, until the next is asked for. */
const struct trace_tree *trace_forest_tree(struct trace_forest *forest, const struct trace_group *group);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchanges of each trace that was seen, as nodes of a tree: one that was
 * seen from both ends is one node. Exchanges that name no trace are kept for a while,
 * for a process that hands no context on may have made them for a traced one.
 *
 * Bounded in nodes, in traces and by the budget: the trace that was quiet for
 * longest goes first, and is counted.
 */
#ifndef HARK_TRACES_H
#define HARK_TRACES_H

#include "base/redact.h"
#include "model/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget;
struct trace_group;
struct traces;

/* One end of an exchange. */
struct trace_end {
	bool seen, ended;
	uint32_t pid, tid;
	uint64_t start_ns, end_ns; /* of one that did not end: its start */
	uint64_t connection;
	char program[EVENT_NAME_LEN];
};

#define TRACE_SPAN_MAX 17

/* Slices are observed, redacted and cut; data NULL: not known. */
struct trace_node {
	struct trace_group *trace;	/* NULL: it names none */
	bool foreign;			/* with NULL: it names one that is not asked for */
	struct trace_node *prev, *next; /* of its list, by arrival */
	struct trace_end client, server;
	char span[TRACE_SPAN_MAX], parent[TRACE_SPAN_MAX]; /* "": not known */
	struct slice method, authority, host, path, query;
	int status; /* 0: not known */
	unsigned int flags;
	bool failed;
	uint32_t key;
	size_t bytes;

	/* Of the tree that it is in, as long as that is there. */
	size_t at; /* in its order of time */
	struct trace_node *up, *first, *last, *sibling;
	bool guess;			  /* up is one */
	const struct trace_group *within; /* whose tree it is in; NULL: none */
	unsigned int depth;
	uint8_t text[];
};

struct trace_group {
	const char *name;
	bool is_request; /* the name is the id of a request, not of a trace */
	struct trace_node *nodes;
	size_t count, failed;
	size_t left_out; /* exchanges that did not fit */
	uint64_t start_ns, end_ns;
};

struct traces_config {
	const char *wanted; /* what the name begins with; NULL: every trace */
	struct budget *budget;
	const struct redact *redact; /* borrowed */
};

struct traces *traces_new(const struct traces_config *config); /* NULL: out of memory */
void traces_free(struct traces *traces);		       /* NULL is legal */

/* Both ends of one exchange may be passed, in any order and together. */
void traces_add(struct traces *traces, const struct exchange *exchange);

/* The slowest first: an array to be freed, of *count borrowed traces. 0 or -ENOMEM. */
int traces_sorted(struct traces *traces, struct trace_group ***sorted, size_t *count);

/* How many exchanges there are, and each of them, also those that name no trace; unordered. */
size_t traces_node_count(const struct traces *traces);
void traces_each(struct traces *traces, void (*fn)(void *ctx, struct trace_node *node), void *ctx);

/* The exchange as its caller sees it, else as the server does. */
static inline const struct trace_end *trace_node_outer(const struct trace_node *node)
{
	return node->client.seen ? &node->client : &node->server;
}

#endif

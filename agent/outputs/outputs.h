/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All outputs of a run: opens their files, makes their sinks, shows each
 * result to each of them, flushes when the queue is empty.
 */
#ifndef HARK_OUTPUTS_H
#define HARK_OUTPUTS_H

#include "filter/filter.h"
#include "model/conn_facts.h"
#include "model/exchange.h"
#include "sinks/sink.h"

#include <stdbool.h>
#include <stdint.h>

#define OUTPUTS_MAX 8

struct outputs;

struct output {
	const char *format;
	const char *path; /* NULL: stdout */
};

/* Borrowed, with all that it points to, until outputs_close(). */
struct outputs_config {
	enum view view;
	const struct output *items;
	size_t count;
	const struct filter *filter; /* NULL: everything */
	uint64_t conn;		     /* -x: only this connection; 0: all */
	uint64_t limit;		     /* -n: so many are shown; 0: no limit */
	bool stdout_taken;	     /* by a command of the user's: text goes to stderr */
	bool color;		     /* on stdout */
	bool wide;
	struct sink_config sink; /* what every sink is told; out, color and columns are filled here */
};

/* NULL: the reason was reported. */
struct outputs *outputs_open(const struct outputs_config *config);

/* True: it was wanted. */
bool outputs_exchange(struct outputs *outputs, const struct exchange *exchange);
void outputs_conn_opened(struct outputs *outputs, const struct conn_facts *conn);
void outputs_conn_closed(struct outputs *outputs, const struct conn_facts *conn);

/* As in sink.h. */
void outputs_pending(struct outputs *outputs, const struct exchange *exchange);
void outputs_opaque(struct outputs *outputs, const struct conn_facts *conn);
void outputs_unseen(struct outputs *outputs, const struct event_unseen *unseen, const struct mover *program);
void outputs_call(struct outputs *outputs, const struct call *call);
void outputs_frame(struct outputs *outputs, const struct conn_facts *conn, const struct mover *mover,
		   const struct frame *frame);

/* Event time went on. True: a table is due; pass what is open, then draw. */
bool outputs_tick(struct outputs *outputs, uint64_t now_ns);
void outputs_in_flight(struct outputs *outputs, const struct exchange *exchange);
/* last: once, when the run is over and every exchange has been passed. */
void outputs_draw(struct outputs *outputs, bool last);

/* The terminal whose keys an output wants; -1: none does. */
int outputs_input_fd(const struct outputs *outputs);
/* Bytes wait there, or some time passed. True: the user wants to leave. */
bool outputs_input(struct outputs *outputs);

/* Writes out what is buffered. */
void outputs_flush(struct outputs *outputs);

/* Nothing more is wanted: a reader closed its pipe, or --count is reached. */
bool outputs_finished(const struct outputs *outputs);

/* 0, or -errno when something could not be written (a closed pipe is no error). NULL is legal. */
int outputs_close(struct outputs *outputs);

#endif

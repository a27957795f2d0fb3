/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All outputs of a run: which results are wanted, how many are shown, and by
 * whom. A closed pipe ends hark quietly (SIGPIPE is ignored, EPIPE noticed at
 * the flush). Any other write error is reported once and counted.
 */
#ifndef HARK_OUTPUTS_H
#define HARK_OUTPUTS_H

#include "filter/filter.h"
#include "sinks/sink.h"

#include <stdbool.h>
#include <stdint.h>

#define OUTPUTS_MAX 8

struct output_choice {
	const char *format;
	const char *path; /* NULL: stdout */
};

/* Are statements that databases are asked shown? */
enum outputs_queries {
	QUERIES_NONE,
	QUERIES_TOO,   /* beside requests, as the filter says */
	QUERIES_ALONE, /* and no requests */
};

struct outputs;

/* Borrowed, with all that it points to, until outputs_close(). */
struct outputs_config {
	enum view view;
	const struct output_choice *items;
	size_t count;
	const struct filter *filter; /* NULL: everything */
	uint64_t conn;		     /* -x: only this connection; 0: all */
	bool recorded;		     /* -w of a live run, beside the view */
	bool all;		     /* --all: also what was under way before hark, its request unseen */
	enum outputs_queries queries;
	uint64_t limit;	   /* -n: so many are shown; 0: no limit */
	const char *as;	   /* --as: the format that text has; NULL: its own */
	bool stdout_taken; /* by a command of the user's: text goes to stderr */
	bool color;	   /* on stdout */
	bool wide;
	struct sink_config sink; /* what every sink is told; out, color and columns are filled here */
};

/* NULL: the reason was reported. */
struct outputs *outputs_open(const struct outputs_config *config);

/* Which of these does any sink want? */
struct outputs_wants {
	bool kinds[RESULT_KINDS]; /* such results: must they be made? */
	bool bodies;
	unsigned int reads; /* enum reader_gives: what bodies say */
	bool fields;	    /* of heads and trailers, all */
	bool each_end;	    /* each end of an exchange for itself: then none is to be joined */
	bool in_place;	    /* one writes a database in place */
	bool stay;	    /* behind the end of a recording, until the user leaves */
	bool listen;	    /* it accepts connections: rights_drop() leaves that */
};
struct outputs_wants outputs_wants(const struct outputs *outputs);

/* The processes that sinks have of their own, which must not be observed. How many, up to OUTPUTS_MAX. */
size_t outputs_processes(const struct outputs *outputs, pid_t pids[OUTPUTS_MAX]);

/* Shows a result to each sink that takes its kind. True: it passed the filter. */
bool outputs_show(struct outputs *outputs, const struct result *result);

/* Event time went on. True: a table is due; pass what is open, then draw. */
bool outputs_tick(struct outputs *outputs, uint64_t now_ns);
/* When outputs_tick() has something to do though nothing comes, of clock_ns(); UINT64_MAX: never. */
uint64_t outputs_due_ns(const struct outputs *outputs);
/* What the outputs have to say when the run is ready; behind "; " if there is something before it. */
void outputs_ready(const struct outputs *outputs, struct buffer *text);
/* last: once, when the run is over and every exchange has been passed. */
void outputs_draw(struct outputs *outputs, bool last);

/* The figures of what a run showed, for its last line. */
struct tally {
	uint64_t seen;	     /* exchanges, calls or frames, whatever the view shows */
	uint64_t shown;	     /* those of them that the filter let through; of two ends one */
	uint64_t failed;     /* exchange_failed() */
	uint64_t slowest_ns; /* for the client, where both ends were seen; 0: none is known */
	uint64_t inner;	     /* Unix sockets without HTTP that conns left out, without --all */
	uint64_t under_way;  /* left out without --all */
	uint64_t partial;    /* that did not match, and of whose headers some are unknown */
};
struct tally outputs_tally(const struct outputs *outputs);

/* Writes out what is buffered. */
void outputs_flush(struct outputs *outputs);

/* Nothing more is wanted: a reader closed its pipe, or --count is reached. */
bool outputs_finished(const struct outputs *outputs);

/* 0, or -errno when something could not be written (a closed pipe is no error). NULL is legal. */
int outputs_close(struct outputs *outputs);

/* Of the terminal that a descriptor is; 0: it is none, or one that does not say. */
size_t outputs_terminal_columns(int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where results go. A sink is a table of functions; sinks.h has them
 * all. Adding one is one file in agent/sinks/ and one row in sinks.h.
 *
 * Sinks borrow what they are shown, write to their own FILE or to the place
 * that they open themselves, and escape everything that was observed. What else they wait for, a descriptor
 * or a time, they register in config->loop when they are made.
 */
#ifndef HARK_SINK_H
#define HARK_SINK_H

#include "base/redact.h"
#include "content/reader.h"
#include "model/result.h"
#include "stats/stats.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum view {
	VIEW_WATCH,  /* one line an exchange */
	VIEW_CONNS,  /* connections */
	VIEW_RAW,    /* the plain bytes of each call */
	VIEW_FRAMES, /* one line an HTTP/2 frame */
	VIEW_SQL,    /* one line a statement that a database was asked */
	VIEW_RECORD, /* nothing shown: raw events to a file */
	VIEW_STAT,   /* the numbers, at the end or every --interval */
	VIEW_TOP,    /* the numbers on the screen, live */
	VIEW_TREE,   /* who called whom, of one trace; or the traces */
	VIEW_SERVE,  /* the numbers, and what they are made of, to whoever asks by HTTP */
	VIEW_MCP,    /* an assistant asks, on stdin */
};

struct budget;
struct buffer;
struct loop;
struct upload_headers;

/* What is known of this machine beside what is observed, for a view that is asked. */
struct sink_host {
	void *ctx;
	/* Appends what `hark doctor` says of this process now, or of pid 0 what it said of the machine when
	 * the run began. */
	void (*doctor)(void *ctx, uint32_t pid, struct buffer *out);
	/* Appends the last lines that hark said on stderr. */
	void (*said)(void *ctx, struct buffer *out);
	bool failed; /* nothing is captured; what was said tells why */
};

struct sink_config {
	FILE *out;	   /* borrowed; NULL for a sink with opens_place */
	const char *place; /* what stands behind "-o FORMAT:"; borrowed, NULL: nothing, which is stdout */
	int verbose;	   /* 0, 1 (-v: headers), 2 (-vv: bodies) */
	bool color;
	int64_t wall_offset_ns;	     /* CLOCK_REALTIME less CLOCK_MONOTONIC */
	const struct redact *redact; /* borrowed */
	bool follow;		     /* only one connection is shown (-x) */
	bool hex;		     /* raw: a hex dump */
	bool pending_wanted;	     /* --pending was given: formats for programs show such requests too */
	size_t body_max_bytes;	     /* of a decoded body shown to people */
	size_t columns; /* of the terminal that text goes to; 0: none, or --wide: nothing is cut */
	bool relative;	/* --relative: times of lines since the first one */
	bool both_ends; /* --both-ends: text shows a joined exchange as two */
	bool keylog;	/* --keylog: secrets of TLS sessions may be shown */
	bool live;	/* what is shown happens now, on this machine */
	bool paced;	/* of a recording: it comes as slowly as it was, or by a factor */
	FILE *exported; /* top: where its export goes; borrowed, NULL: nowhere */
	bool summary;	/* watch: the endpoints' table at the end */
	const char
		*filter; /* what the command line lets through, in its own words; empty, NULL: everything */
	const struct upload_headers *export_headers; /* of sinks that send; borrowed, NULL: none */
	const char *trace;   /* tree: what the name of the trace begins with; NULL: the traces are listed */
	uint64_t keep_ns;    /* --keep: what is older goes from a history; 0: no limit */
	uint64_t keep_bytes; /* --keep: the oldest goes when it is larger; 0: no limit */
	const struct stats_options *stats; /* stat, top, --summary; borrowed */
	const struct serve_options *serve; /* serve; borrowed */
	struct loop *loop;		   /* borrowed */
	const struct sink_host *host;	   /* borrowed; NULL: nothing is known, as of a recording */
};

/* Options of stat, top and watch's summary. */
struct stats_options {
	struct budget *budget;		    /* for what the rows take; NULL: no limit */
	enum stats_by by;		    /* --by */
	const char *by_fact;		    /* with BY_FACT: its name */
	enum stats_sort sort;		    /* --sort */
	bool reverse;			    /* --sort -KEY: smallest first */
	bool sort_given;		    /* else each view has an order of its own */
	size_t top;			    /* --top; 0: all rows */
	uint64_t interval_ns;		    /* -i; 0: once, at the end */
	bool hist, heat;		    /* --hist, --heat */
	bool outermost;			    /* --outermost */
	const struct routes_config *routes; /* --route, --fold-static; borrowed */
};

/* Options of serve; the paths are NULL without them. */
struct serve_options {
	const char *listen;		  /* --listen: ADDRESS:PORT */
	const char *cert_path, *key_path; /* --tls-cert, --tls-key */
	const char *token_path;		  /* --token-file */
	size_t series_max;		  /* --series */
};

struct sink; /* each file in sinks/ defines its own */

/* Are all fields of heads and trailers kept for it? Else there are those that message_asks() wants. */
enum sink_fields {
	SINK_FIELDS_FEW,
	SINK_FIELDS_VERBOSE, /* from -v on */
	SINK_FIELDS_ALWAYS,
};

struct sink_ops {
	const char *format; /* "text", "json" */
	enum view view;
	enum sink_fields fields;
	unsigned int reads[3]; /* enum reader_gives: what it shows of what bodies say; without -v, from -v,
				  from -vv */
	bool bodies;	       /* it shows them, from -vv on: they are kept */
	bool bodies_always;    /* also without -vv */
	bool each_end;	       /* it shows each end of an exchange for itself: they are not joined */
	bool opens_place; /* what -o FORMAT:PLACE names is no plain file: the sink opens it, and it must be
			     given */
	bool writes_in_place; /* with it: a database, which is written in place (rights.h) */
	bool stays;	      /* behind the end of a recording, until the user leaves it */
	bool listens;	      /* it accepts connections for as long as the run goes */
	size_t size;	      /* of its struct sink, which is all zero before init() */
	/* 0, or -errno when memory is out or nothing can be waited for; -EIO: the reason was reported. fini()
	 * is called then too. */
	int (*init)(struct sink *sink, const struct sink_config *config);
	/* Shows a result of each kind; NULL: nothing of it. Only what some sink shows is made. */
	void (*show[RESULT_KINDS])(struct sink *sink, const struct result *result);
	/* Event time went on, to about now_ns (at each poll). True: RESULT_IN_FLIGHT of each open exchange
	 * and then draw() are wanted now. May be NULL. */
	bool (*tick)(struct sink *sink, uint64_t now_ns);
	/* When tick() has something to do though no event comes; UINT64_MAX: never. May be NULL: never. */
	uint64_t (*due_ns)(const struct sink *sink);
	/* After tick() said so, and once at the end of the run (last). May be NULL. */
	void (*draw)(struct sink *sink, bool last);
	/* Appends what people want to know when the run is ready, half a sentence. May be NULL. */
	void (*ready)(const struct sink *sink, struct buffer *text);
	/* The process of its own that it has, which must not be observed; 0: it is gone. May be NULL. */
	pid_t (*process)(const struct sink *sink);
	/* What it writes to is gone for good, which was said: the run has failed. May be NULL: never. */
	bool (*failed)(const struct sink *sink);
	void (*fini)(struct sink *sink); /* writes what it holds; out stays open, and is not flushed */
};

/* A sink of this kind. NULL: errno, which is EIO when the reason was reported. */
struct sink *sink_new(const struct sink_ops *ops, const struct sink_config *config);
void sink_free(const struct sink_ops *ops, struct sink *sink); /* NULL is legal */

#endif

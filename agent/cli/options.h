/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, as one struct that is filled once and then only read.
 * The tables of option_table.c drive it, --help, completion and the man page.
 */
#ifndef HARK_OPTIONS_H
#define HARK_OPTIONS_H

#include "base/redact.h"
#include "capture/probes.h"
#include "filter/filter.h"
#include "outputs/outputs.h"
#include "upload/upload_headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTES_MAX	  64
#define CLAIMS_MAX	  16
#define QUERY_FILTERS_MAX 32

struct library_claim;

enum command {
	COMMAND_LIVE, /* watch, conns, raw, frames, record */
	COMMAND_REPLAY,
	COMMAND_DOCTOR,
	COMMAND_QUERY, /* of a history: the words and options below with query in their names */
};

enum color_when {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

struct options {
	enum command command;
	enum view view;
	const char *replay_path;     /* of COMMAND_REPLAY, and --replay */
	const char *record_path;     /* -w; NULL: none */
	const char *stats_json_path; /* NULL: none */
	const char *keylog_path;     /* --keylog; NULL: none */
	const char *export_path;     /* --export; NULL: none */
	struct output_choice outputs[OUTPUTS_MAX];
	size_t output_count; /* at least 1 but for record */
	const char *as;	     /* --as: the format of text; NULL: its own */
	int verbose;
	bool quiet, debug, show_secrets;
	enum color_when color_when;
	bool color;	/* decided: terminal, NO_COLOR, --no-color */
	uint32_t *pids; /* -p, doctor's words */
	size_t pid_count;
	struct filter *filter; /* of words and options; NULL: everything */
	char *filter_text;     /* the same as it was given; empty: everything */
	uint64_t duration_ns;  /* -d; 0: until told to stop */
	uint64_t count;	       /* -n; 0: no limit */
	uint64_t timeout_ns;   /* --timeout */
	size_t snaplen_bytes;
	size_t ring_bytes;     /* a power of two, a multiple of the page size */
	size_t memory_bytes;   /* --memory */
	size_t body_max_bytes; /* --body-max: shown of a decoded body */
	uint64_t pending_ns;   /* --pending; 0: never */
	bool pending_given;
	bool hex;      /* raw --hex */
	bool redacted; /* record --redacted */
	bool wide, both_ends, summary, relative;
	uint64_t keep_ns; /* --keep: an age, a size; 0: no limit */
	size_t keep_bytes;
	const char *query_path, *question; /* NULL: none */
	const char *query_filters[QUERY_FILTERS_MAX];
	size_t query_filter_count;
	const char *sql, *since, *until; /* NULL: not given */
	double speed;			 /* --speed: of a replay; 0: as fast as it goes */
	bool speed_given;
	uint64_t slow_ns; /* --slow; 0: not given */
	bool errors;
	bool all; /* --all */
	struct stats_options stats;
	struct serve_options serve;
	struct routes_config routes; /* --route, --fold-static */
	const char *patterns[ROUTES_MAX];
	uint64_t conn;	   /* -x: only this connection; 0: all */
	const char *trace; /* tree: the word behind it; NULL: none */
	const char *user;  /* -u: who runs the command; NULL: the invoking user */
	enum capture_way capture;
	const char *proto_path;		/* --proto; NULL: none */
	struct protobuf_schema *schema; /* what it holds; NULL: none */
	struct library_claim *claims;	/* --tls-library; checked */
	size_t claim_count;
	struct upload_headers export_headers; /* --export-header */
	struct redact *redact;		      /* for what is shown */
	struct redact *redact_recording; /* for --redacted: --show-secrets is no business of a recording's */
	char **child_argv;		 /* after --; NULL: none */
	char *config_texts[2];		 /* of files, which values point into */
};

/*
 * Parses the command line. 0: options is filled. 1: help or version was
 * printed, exit 0. 2: a usage error was reported, exit 2.
 */
int options_parse(struct options *options, int argc, char **argv);
void options_fini(struct options *options);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection and an exchange as the pipeline would hand them to a sink, and
 * what the sink writes for them. Tests change the fields that they are about.
 */
#ifndef HARK_SAMPLE_H
#define HARK_SAMPLE_H

#include "model/exchange.h"
#include "sinks/sink.h"

#include <stdio.h>

struct sample {
	struct conn_facts conn;	  /* #12: 10.0.0.1:40000 -> 10.0.0.2:8443, client, clear */
	struct exchange exchange; /* GET /a?b=1 on example.com, 200, 612 bytes, 12.345678 ms */
};

/* Time of the sample's first byte with SAMPLE_WALL_OFFSET_NS: 2026-01-02T03:04:05.000000006Z. */
#define SAMPLE_START_NS	      1000000006ull
#define SAMPLE_WALL_OFFSET_NS (1767323045000000000ll - 1000000000ll)

void sample_init(struct sample *sample);
void sample_fini(struct sample *sample);

void sample_header(struct message *message, struct header_list *list, const char *name, const char *value);

/* A sink that writes to memory. */
struct sample_sink {
	const struct sink_ops *ops;
	struct sink *sink;
	struct redact *redact;
	FILE *out;
	char *text;
	size_t len;
};

void sample_sink_open(struct sample_sink *s, const struct sink_ops *ops, int verbose, bool color,
		      bool show_secrets);
/* Show one thing to any sink. */
void sample_show(const struct sink_ops *ops, struct sink *sink, enum result_kind kind,
		 const struct exchange *exchange);
void sample_show_conn(const struct sink_ops *ops, struct sink *sink, enum result_kind kind,
		      const struct conn_facts *conn);
void sample_show_frame(const struct sink_ops *ops, struct sink *sink, const struct sample *sample,
		       const struct frame *frame);
/* The text written until now; lives until the close. */
const char *sample_sink_text(struct sample_sink *s);
void sample_sink_close(struct sample_sink *s);

#endif

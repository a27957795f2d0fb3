/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overwrites secrets in text, byte by byte, with state from one piece to the
 * next. It knows lines and parameters, not messages: one value too many is
 * overwritten rather than one too few.
 */
#ifndef HARK_SCRUB_TEXT_H
#define HARK_SCRUB_TEXT_H

#include "redact.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRUB_FILLER   'x'
#define SCRUB_NAME_MAX 128

/* A name that is being read; longer ones are no names that anybody would list. */
struct scrub_name {
	uint8_t bytes[SCRUB_NAME_MAX];
	size_t len;
	bool over; /* longer than that, or broken by a sign: no name */
};

/* "name=value" behind ? & ; # or at a beginning. All zero: a beginning. */
struct scrub_parameters {
	struct scrub_name name;
	bool secret; /* within a secret value */
};

/* Lines of HTTP/1 or of any text. All zero: the beginning of a line. */
struct scrub_text {
	struct scrub_parameters parameters;
	struct scrub_name name; /* of a field, from the beginning of the line on */
	bool in_value;		/* behind the colon */
	uint8_t value[8];	/* the first bytes of it */
	size_t value_len;
	bool secret;	 /* within the value of a secret field */
	bool line_ended; /* the next byte begins a line, or goes on with the value (obs-fold) */
	bool unknown;	 /* nobody knows what this line is: behind missing bytes */
	bool switching;	 /* within the head of a 101: another protocol comes behind it */
	bool switched;	 /* that head has ended */
	bool h2c;	 /* HTTP/2, as that head says */
	uint64_t values; /* overwritten so far */
};

/* Is this byte part of a secret value? */
bool scrub_parameters_byte(struct scrub_parameters *scan, const struct redact *redact, uint8_t c);

/*
 * Overwrites what is secret. How many bytes it took: all of them, but for what stands behind the head of a
 * 101 (RFC 9110, 7.8), which another protocol begins with.
 */
size_t scrub_text_bytes(struct scrub_text *scan, const struct redact *redact, uint8_t *bytes, size_t len);

/* Bytes are missing: what follows may be anything. */
void scrub_text_hole(struct scrub_text *scan);

/*
 * Behind a hole: how many of the first bytes cannot be judged (0: they begin with a start line or nothing is
 * unknown). The scan goes on behind them.
 */
size_t scrub_text_unknown(struct scrub_text *scan, struct slice bytes);

#endif

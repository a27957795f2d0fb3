/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overwrites secrets in text, byte by byte, with state from one piece to the
 * next: secret_scan.h's, fields by their lines, and the parts of multipart
 * forms. It knows lines, not messages.
 */
#ifndef HARK_SCRUB_TEXT_H
#define HARK_SCRUB_TEXT_H

#include "redact.h"
#include "secret_scan.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRUB_FILLER	    'x'
#define SCRUB_DIGIT_FILLER  '1'
#define SCRUB_BOUNDARY_MAX  74 /* with its two dashes (RFC 2046, 5.1.1) */
#define SCRUB_LINE_NAME_MAX 64

struct scrub_run {
	uint8_t *bytes;
	size_t len;
};

/* Stretches of bytes that stay where they are until somebody knows whether to overwrite them. */
struct scrub_runs {
	struct scrub_run *items;
	size_t count, capacity;
};

/* Appends bytes. False: out of memory. */
bool scrub_runs_add(struct scrub_runs *runs, uint8_t *bytes, size_t len);
/* Overwrites them all, and there are none any more. */
void scrub_runs_fill(struct scrub_runs *runs, uint8_t filler);

enum scrub_part {
	PART_NONE,
	PART_HEAD,
	PART_VALUE, /* a secret one, up to the boundary */
};

/* All zero: the beginning of a text. */
struct scrub_text {
	struct secret_scan scan;
	bool head;   /* set by the caller: a head of HTTP, no secret is longer than its line */
	bool fields; /* set by the caller: of the head, lines that must be fields; others are secret */
	enum secret_settled settled; /* as in secret_scan */

	uint8_t name[SCRUB_LINE_NAME_MAX]; /* of a field, from the beginning of the line on */
	size_t name_len;
	bool no_name;	 /* the line begins with none */
	bool in_value;	 /* behind the colon */
	bool secret;	 /* within the value of a secret field */
	bool line_ended; /* the next byte begins a line, or goes on with the value (obs-fold) */

	uint8_t line[SCRUB_BOUNDARY_MAX + 1]; /* the beginning of this line */
	size_t line_len;
	uint8_t boundary[SCRUB_BOUNDARY_MAX]; /* the last line that began with two dashes */
	size_t boundary_len;
	size_t matched; /* of it, by this line so far */
	bool unlike;	/* this line is not it */
	enum scrub_part part;
	bool part_secret;
	bool disposition; /* this field is Content-Disposition */
	uint8_t token[5]; /* name=, and nothing longer */
	size_t token_len;
	bool in_part_name;
	uint8_t part_name[SCRUB_LINE_NAME_MAX];
	size_t part_name_len;

	struct scrub_runs unsettled; /* bytes that a later one will settle */
	bool unknown;		     /* bytes are missing before: the caller leaves out what follows */
};

void scrub_text_fini(struct scrub_text *text);

/* Judges this byte; first look at text->settled. */
enum secret_verdict scrub_text_byte(struct scrub_text *text, const struct redact *redact, uint8_t c);

/*
 * Overwrites what is secret, now or in a later call: bytes must
 * stay where they are while scrub_text_open().
 */
void scrub_text_bytes(struct scrub_text *text, const struct redact *redact, uint8_t *bytes, size_t len);

static inline bool scrub_text_open(const struct scrub_text *text)
{
	return text->unsettled.count;
}

/* The bytes that wait are taken away: those that may be secret are overwritten. */
void scrub_text_force(struct scrub_text *text);

/* Another text begins; what waits is settled as no secret. */
void scrub_text_begin(struct scrub_text *text, bool head);

/* Bytes are missing: whether a secret began in them nobody knows, so that all that follows is unknown. */
void scrub_text_hole(struct scrub_text *text);

#endif

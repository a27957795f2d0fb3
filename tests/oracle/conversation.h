/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation: the bytes of both directions of one connection, in which order and portions they moved, and
 * the true list of its exchanges. The makers write it, the player turns it into events, the judge compares.
 *
 * Direction 0 is the client's. Every byte knows its exchange (BYTE_NOBODY: the connection's own, such as
 * SETTINGS), so that what a lost event touched is known exactly. Each exchange carries its number in the
 * request's target and in a field `x-id` of each of its messages.
 */
#ifndef HARK_ORACLE_CONVERSATION_H
#define HARK_ORACLE_CONVERSATION_H

#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXCHANGES_MAX	    24
#define FIELDS_MAX	    12
#define BYTE_NOBODY	    UINT8_MAX
#define CONVERSATION_LENGTH 16 /* exchanges, unless told otherwise: a distance of 10 is to be seen */

enum family {
	FAMILY_HTTP1,	    /* one request after the other */
	FAMILY_HTTP1_PIPED, /* several unanswered requests at once */
	FAMILY_HTTP1_LEFT,  /* the last exchange leaves HTTP/1: 101, CONNECT */
	FAMILY_HTTP1_TRAPS, /* bodies that look like heads */
	FAMILY_HTTP2,
	FAMILY_HTTP2_RESET, /* RST_STREAM, GOAWAY */
	FAMILY_HTTP2_H2C,   /* begins as HTTP/1.1 with Upgrade: h2c */
	FAMILY_COUNT,
};

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
/* 0 to n - 1 */
size_t random_below(struct random *random, size_t n);
/* True in `percent` of a hundred cases. */
bool random_chance(struct random *random, unsigned int percent);

struct true_field {
	char name[24], value[48];
};

struct true_fields {
	struct true_field items[FIELDS_MAX];
	size_t count;
};

struct true_message {
	bool exists;
	char method[12], target[48], authority[24], scheme[8];
	int status;
	enum http_version version;
	struct true_fields fields, trailers;
	uint64_t body_bytes;
	bool cut; /* ended early (RST_STREAM): its size is a lower bound */
};

struct true_exchange {
	uint32_t key; /* HTTP/2 stream */
	struct true_message side[2];
	unsigned int flags;	/* that it must have although nothing was lost */
	unsigned int may_flags; /* that it may have then */
	bool error_known;
	uint32_t error;
	size_t interims;
};

struct true_direction {
	uint8_t *bytes, *owner;
	size_t len, capacity;
};

/* One portion that one side wrote at once. */
struct step {
	int direction;
	size_t begin, end;
};

struct conversation {
	enum family family;
	struct true_direction direction[2];
	struct step *steps;
	size_t step_count, step_capacity;
	struct true_exchange exchange[EXCHANGES_MAX];
	size_t count;
	bool needs_end; /* its last message ends with the connection */
};

const char *family_name(enum family family);

/* Appends a portion that belongs to the exchange `owner`, or to BYTE_NOBODY. */
void conversation_write(struct conversation *conversation, int direction, size_t owner, const void *bytes,
			size_t len);
void conversation_fini(struct conversation *conversation);

void fields_add(struct true_fields *fields, const char *name, const char *value);

void make_http1(struct conversation *conversation, struct random *random, size_t count);
void make_http2(struct conversation *conversation, struct random *random, size_t count);

/* The conversation of a seed: its family and up to `count` exchanges. */
void conversation_make(struct conversation *conversation, enum family family, uint64_t seed, size_t count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the time of an exchange went, in parts that follow one another: connect, TLS handshake, nothing
 * (the connection stood open), sending, waiting, receiving. What was not seen is not known, and never
 * derived from what a program usually does. Looking up the name is among nothing that hark sees.
 */
#ifndef HARK_EXCHANGE_TIMES_H
#define HARK_EXCHANGE_TIMES_H

#include "exchange.h"

#include <stdint.h>

enum exchange_part {
	PART_CONNECT, /* this one to PART_IDLE: of the first exchange of a connection only; client's side */
	PART_TLS,     /* either side */
	PART_IDLE,    /* from both of them, or what of them there was, to the request's first byte */
	PART_SEND,    /* to the request's last byte, or the answer's first if that came before */
	PART_WAIT,    /* to the answer's first byte: with PART_SEND, this is ttfb_ns */
	PART_RECEIVE, /* to the answer's last byte: with both, this is duration_ns */
	PART_COUNT,
};

struct exchange_times {
	uint64_t ns[PART_COUNT];
	unsigned int known; /* 1 << enum exchange_part */
	uint64_t begin_ns;  /* event time of the first part that is known; 0: none is */
};

/* The name of a part, for people. */
extern const char *const exchange_part_names[PART_COUNT];

struct exchange_times exchange_times_of(const struct exchange *exchange);

static inline bool exchange_times_has(const struct exchange_times *times, enum exchange_part part)
{
	return times->known >> part & 1;
}

#endif

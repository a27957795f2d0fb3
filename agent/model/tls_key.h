/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of a TLS session. Its object's address is none: a busy program
 * frees one and makes the next at the same place within microseconds.
 */
#ifndef HARK_TLS_KEY_H
#define HARK_TLS_KEY_H

#include "event.h"

#include <stdint.h>

/* Compared byte by byte: no padding. */
struct tls_key {
	uint64_t ssl;
	uint64_t pid;
	uint64_t generation; /* of those at this address; 0: not told (recordings from before) */
};

/* The session that this record is about. */
struct tls_key tls_key_of(const struct event_data *event);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where exchanges come from: the facts of a connection and of a process, which most exchanges share with the
 * one before. Whoever keeps what it made of them compares them whole, as bytes: there is no padding.
 */
#ifndef HARK_ORIGIN_H
#define HARK_ORIGIN_H

#include "model/conn_facts.h"
#include "model/container.h"
#include "model/mover.h"

#include <assert.h>

struct origin {
	uint8_t local[16], peer[16];
	char exe[EVENT_NAME_LEN];
	uint64_t connection;
	const struct container *container; /* the tracker's: one address is one set of names */
	const char *tls_library;
	uint32_t pid, uid;
	uint32_t role, version;
	uint16_t family, local_port, peer_port;
	bool tls, tls_unknown;
};

static_assert(sizeof(struct origin) == 16 + 16 + EVENT_NAME_LEN + 8 + 2 * sizeof(char *) + 4 * 4 + 3 * 2 + 2,
	      "no padding");

struct origin origin_of(const struct conn_facts *conn, const struct mover *mover, enum http_version version);

#endif

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
#include <string.h>

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

static inline struct origin origin_of(const struct conn_facts *conn, const struct mover *mover,
				      enum http_version version)
{
	struct origin origin = {
		.connection = conn->id,
		.container = mover->container,
		.tls_library = conn->tls_library,
		.pid = mover->pid,
		.uid = mover->uid,
		.role = conn->role,
		.version = version,
		.family = conn->sock.family,
		.local_port = conn->sock.local_port,
		.peer_port = conn->sock.peer_port,
		.tls = conn->tls,
		.tls_unknown = conn->tls_unknown,
	};

	memcpy(origin.local, conn->sock.local, sizeof(origin.local));
	memcpy(origin.peer, conn->sock.peer, sizeof(origin.peer));
	memcpy(origin.exe, mover->exe, sizeof(origin.exe));
	return origin;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include <string.h>

struct origin origin_of(const struct conn_facts *conn, const struct mover *mover, enum http_version version)
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

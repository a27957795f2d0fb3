/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place for each connection's number, as JSON has it. Two connections at one place write rows by turns,
 * which costs bytes and is right all the same.
 */
#include "sqlite_origin.h"

#include "model/address.h"
#include "sinks/origin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PLACES 4096 /* a power of 2 */

struct place {
	struct origin origin;
	int64_t number; /* 0: the place is free */
	int64_t made_us;
	unsigned int failures; /* of the turns, when it was made: a turn that was taken back took the row with
				  it */
};

struct sqlite_origins {
	struct place places[PLACES];
};

struct sqlite_origins *sqlite_origins_new(void)
{
	return calloc(1, sizeof(struct sqlite_origins));
}

size_t sqlite_origins_bytes(void)
{
	return sizeof(struct sqlite_origins);
}

void sqlite_origins_free(struct sqlite_origins *origins)
{
	free(origins);
}

static void put_address(struct sqlite_row *row, int column, const struct event_socket *sock,
			const uint8_t address[16])
{
	size_t start = row->text.len;

	address_put(&row->text, sock, address);
	sqlite_row_written(row, column, start);
}

static void put_socket(struct sqlite_row *row, const struct conn_facts *conn)
{
	const struct event_socket *sock = &conn->sock;
	bool peer = conn->role == ROLE_SERVER;

	if (sock->family == AF_UNIX)
		sqlite_row_own(row, ORIGIN_network_transport, "unix");
	if (!address_known(sock))
		return;
	sqlite_row_own(row, ORIGIN_network_transport, "tcp");
	put_address(row, ORIGIN_network_local_address, sock, sock->local);
	sqlite_row_integer(row, ORIGIN_network_local_port, sock->local_port);
	put_address(row, ORIGIN_network_peer_address, sock, sock->peer);
	sqlite_row_integer(row, ORIGIN_network_peer_port, sock->peer_port);
	if (conn->role == ROLE_UNKNOWN)
		return;
	put_address(row, ORIGIN_client_address, sock, peer ? sock->peer : sock->local);
	sqlite_row_integer(row, ORIGIN_client_port, peer ? sock->peer_port : sock->local_port);
}

static void put_process(struct sqlite_row *row, const struct mover *mover)
{
	static const int columns[CONTAINER_NAMES] = {
		[CONTAINER_ID] = ORIGIN_container_id,
		[CONTAINER_NAME] = ORIGIN_container_name,
		[CONTAINER_POD] = ORIGIN_k8s_pod_name,
		[CONTAINER_NAMESPACE] = ORIGIN_k8s_namespace_name,
		[CONTAINER_POD_UID] = ORIGIN_k8s_pod_uid,
		[CONTAINER_POD_CONTAINER] = ORIGIN_k8s_container_name,
		[CONTAINER_HOSTNAME] = ORIGIN_hark_pod_hostname,
		[CONTAINER_UNIT] = ORIGIN_hark_systemd_unit,
	};

	if (mover_pid_shown(mover->pid))
		sqlite_row_integer(row, ORIGIN_process_pid, mover->pid);
	if (mover->exe[0])
		sqlite_row_text(row, ORIGIN_process_executable_name,
				slice_of(mover->exe, strnlen(mover->exe, sizeof(mover->exe))));
	if (mover->pid)
		sqlite_row_integer(row, ORIGIN_process_user_id, mover->uid);
	for (int i = 0; i < CONTAINER_NAMES; i++)
		sqlite_row_text(row, columns[i], container_name(mover->container, i));
}

static int origin_write(struct sqlite_turn *turn, struct sqlite_row *row, const struct conn_facts *conn,
			const struct mover *mover, enum http_version version, int64_t now_us)
{
	sqlite_row_begin(row, turn->inserts[HISTORY_ORIGIN]);
	sqlite_row_integer(row, ORIGIN_time_us, (uint64_t)now_us);
	sqlite_row_integer(row, ORIGIN_run, (uint64_t)turn->run);
	if (version == FASTCGI_1)
		sqlite_row_own(row, ORIGIN_network_protocol_name, "fastcgi");
	sqlite_row_own(row, ORIGIN_network_protocol_version, message_version_name(version));
	put_socket(row, conn);
	if (conn->tls || !conn->tls_unknown)
		sqlite_row_integer(row, ORIGIN_tls, conn->tls);
	sqlite_row_own(row, ORIGIN_tls_library, conn->tls_library);
	put_process(row, mover);
	sqlite_row_own(row, ORIGIN_hark_role, conn_facts_role_name(conn->role));
	sqlite_row_integer(row, ORIGIN_hark_connection, conn->id);
	if (conn->number)
		sqlite_row_integer(row, ORIGIN_hark_connection_number, conn->number);
	return sqlite_row_end(row);
}

int sqlite_origin_find(struct sqlite_origins *origins, struct sqlite_turn *turn, struct sqlite_row *row,
		       const struct conn_facts *conn, const struct mover *mover, enum http_version version,
		       int64_t *number)
{
	struct origin origin = origin_of(conn, mover, version);
	struct place *place = &origins->places[(origin.connection ^ origin.connection >> 32) % PLACES];
	int64_t now_us = sqlite_turn_us(turn, turn->now_ns);
	int error;

	if (!place->number || place->failures != turn->failures ||
	    now_us - place->made_us >= SQLITE_ORIGIN_US ||
	    memcmp(&place->origin, &origin, sizeof(origin)) != 0) {
		place->number = 0;
		error = origin_write(turn, row, conn, mover, version, now_us);
		if (error)
			return error;
		*place = (struct place){
			.origin = origin,
			.number = sqlite.last_insert_rowid(turn->file.db),
			.made_us = now_us,
			.failures = turn->failures,
		};
	}
	*number = place->number;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a history holds (docs/history.md): narrow tables that a run writes, and views with the names of
 * `-o json` that people read, with an underscore for each dot. A column is one row here: of it come the table
 * and the statement that writes it.
 */
#ifndef HARK_HISTORY_SCHEMA_H
#define HARK_HISTORY_SCHEMA_H

#include <stddef.h>

#define HISTORY_VERSION	       1	  /* PRAGMA user_version */
#define HISTORY_APPLICATION_ID 0x6861726b /* "hark" */

/* Where a connection goes and which process is at this end: one row stands for many exchanges. */
#define ORIGIN_COLUMNS(X)                 \
	X(time_us, INTEGER)               \
	X(run, INTEGER)                   \
	X(client_address, TEXT)           \
	X(client_port, INTEGER)           \
	X(network_protocol_name, TEXT)    \
	X(network_protocol_version, TEXT) \
	X(network_transport, TEXT)        \
	X(network_local_address, TEXT)    \
	X(network_local_port, INTEGER)    \
	X(network_peer_address, TEXT)     \
	X(network_peer_port, INTEGER)     \
	X(tls, INTEGER)                   \
	X(tls_library, TEXT)              \
	X(process_pid, INTEGER)           \
	X(process_executable_name, TEXT)  \
	X(process_user_id, INTEGER)       \
	X(container_id, TEXT)             \
	X(container_name, TEXT)           \
	X(k8s_pod_name, TEXT)             \
	X(k8s_namespace_name, TEXT)       \
	X(k8s_pod_uid, TEXT)              \
	X(k8s_container_name, TEXT)       \
	X(hark_pod_hostname, TEXT)        \
	X(hark_systemd_unit, TEXT)        \
	X(hark_role, TEXT)                \
	X(hark_connection, INTEGER)       \
	X(hark_connection_number, INTEGER)

#define EXCHANGE_COLUMNS(X)                   \
	X(time_us, INTEGER)                   \
	X(origin, INTEGER)                    \
	X(http_request_method, TEXT)          \
	X(url_scheme, TEXT)                   \
	X(url_path, TEXT)                     \
	X(url_query, TEXT)                    \
	X(http_route, TEXT)                   \
	X(http_response_status_code, INTEGER) \
	X(rpc_system, TEXT)                   \
	X(rpc_status_code, INTEGER)           \
	X(server_address, TEXT)               \
	X(server_port, INTEGER)               \
	X(trace_id, TEXT)                     \
	X(span_id, TEXT)                      \
	X(parent_span_id, TEXT)               \
	X(hark_request_id, TEXT)              \
	X(hark_stream, INTEGER)               \
	X(http_request_body_size, INTEGER)    \
	X(http_response_body_size, INTEGER)   \
	X(duration_ns, INTEGER)               \
	X(ttfb_ns, INTEGER)                   \
	X(hark_peer_connection, INTEGER)      \
	X(server_ns, INTEGER)                 \
	X(network_ns, INTEGER)                \
	X(connect_ns, INTEGER)                \
	X(tls_handshake_ns, INTEGER)          \
	X(idle_ns, INTEGER)                   \
	X(hark_operation, TEXT)               \
	X(hark_flags, TEXT)                   \
	X(hark_failed, INTEGER)               \
	X(hark_counted, INTEGER)              \
	X(hark_other_end, INTEGER)            \
	X(facts, TEXT)

/* Header fields of an exchange (-v), in a table of their own: questions about numbers do not read them. */
#define HEAD_COLUMNS(X)               \
	X(http_request_header, TEXT)  \
	X(http_request_trailer, TEXT) \
	X(http_response_header, TEXT) \
	X(http_response_trailer, TEXT)

#define CONNECTION_COLUMNS(X)             \
	X(time_us, INTEGER)               \
	X(origin, INTEGER)                \
	X(server_address, TEXT)           \
	X(server_port, INTEGER)           \
	X(tls_client_server_name, TEXT)   \
	X(tls_next_protocol, TEXT)        \
	X(tls_protocol_version, TEXT)     \
	X(hark_exchanges, INTEGER)        \
	X(opened_us, INTEGER)             \
	X(closed_us, INTEGER)             \
	X(hark_closed_by, TEXT)           \
	X(connect_ns, INTEGER)            \
	X(tls_handshake_ns, INTEGER)      \
	X(hark_bytes_moved, INTEGER)      \
	X(hark_bytes_copied, INTEGER)     \
	X(hark_bytes_skipped, INTEGER)    \
	X(hark_bytes_lost, INTEGER)       \
	X(hark_bytes_ciphertext, INTEGER) \
	X(hark_flags, TEXT)               \
	X(hark_muted, TEXT)               \
	X(hark_opaque, TEXT)

/* The number of a column in its statement, from 1 on. */
enum origin_column {
	ORIGIN_BEFORE,
#define X(name, type) ORIGIN_##name,
	ORIGIN_COLUMNS(X)
#undef X
	ORIGIN_COLUMN_COUNT,
};
enum exchange_column {
	EXCHANGE_BEFORE,
#define X(name, type) EXCHANGE_##name,
	EXCHANGE_COLUMNS(X)
#undef X
	EXCHANGE_COLUMN_COUNT,
};
enum head_column {
	HEAD_BEFORE,
#define X(name, type) HEAD_##name,
	HEAD_COLUMNS(X)
#undef X
	HEAD_COLUMN_COUNT,
};
enum connection_column {
	CONNECTION_BEFORE,
#define X(name, type) CONNECTION_##name,
	CONNECTION_COLUMNS(X)
#undef X
	CONNECTION_COLUMN_COUNT,
};

/* The tables that a run adds rows to, each with a statement whose parameters are the columns above. */
enum history_table {
	HISTORY_ORIGIN,
	HISTORY_EXCHANGE,
	HISTORY_HEAD, /* its number is the last exchange's */
	HISTORY_CONNECTION,
	HISTORY_TABLES,
};

/* SQL that adds a row to the table. */
extern const char *const history_inserts[HISTORY_TABLES];

/* SQL that makes the tables, indexes and views in an empty file, and marks it as one of this version. */
extern const char history_schema[];

#endif

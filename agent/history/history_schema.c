/* SPDX-License-Identifier: Apache-2.0 */
#include "history_schema.h"

#define TEXT_OF(word)	   #word
#define NUMBER_TEXT(macro) TEXT_OF(macro)

#define COLUMN(name, type) ", " #name " " #type
#define NAME(name, type)   ", " #name
#define VALUE(name, type)  ", ?"

/* SQL in pieces, which would be moved to the right without end. */
/* clang-format off */

/* The first column of each is the row's number, which SQLite gives it. */
#define TABLE(table, columns) "CREATE TABLE " table " (id INTEGER PRIMARY KEY" columns(COLUMN) ");\n"
#define INSERT(table, columns) "INSERT INTO " table " (id" columns(NAME) ") VALUES (NULL" columns(VALUE) ")"

const char *const history_inserts[HISTORY_TABLES] = {
	[HISTORY_ORIGIN] = INSERT("origin", ORIGIN_COLUMNS),
	[HISTORY_EXCHANGE] = INSERT("exchange_data", EXCHANGE_COLUMNS),
	[HISTORY_HEAD] = "INSERT INTO head (id" HEAD_COLUMNS(NAME) ")"
			 " VALUES (last_insert_rowid()" HEAD_COLUMNS(VALUE) ")",
	[HISTORY_CONNECTION] = INSERT("connection_data", CONNECTION_COLUMNS),
};

#define TIME(column, as)                                                      \
	", strftime('%Y-%m-%dT%H:%M:%S', " column " / 1000000, 'unixepoch')"  \
	" || printf('.%06dZ', " column " % 1000000) AS " as
#define MILLIS(column, as) ", " column " / 1e6 AS " as
#define FACT(key, as) ", json_extract(facts, '$.\"" key "\"') AS " as

#define ORIGIN_NAMES                                                                             \
	", client_address, client_port, network_protocol_name, network_protocol_version"         \
	", network_transport, network_local_address, network_local_port, network_peer_address"   \
	", network_peer_port, tls, tls_library, process_pid, process_executable_name"            \
	", process_user_id, container_id, container_name, k8s_pod_name, k8s_namespace_name"      \
	", k8s_pod_uid, k8s_container_name, hark_pod_hostname, hark_systemd_unit, hark_role"     \
	", hark_connection, hark_connection_number, run"

#define HEADER_ROWS(message, column)                                                             \
	"SELECT head.id AS exchange, '" message "' AS message, json_each.key + 1 AS number"      \
	", json_extract(json_each.value, '$[0]') AS name"                                        \
	", json_extract(json_each.value, '$[1]') AS value FROM head, json_each(head." column ")"

const char history_schema[] =
	"CREATE TABLE run (id INTEGER PRIMARY KEY, began_us INTEGER NOT NULL, seen_us INTEGER NOT NULL"
	", ended_us INTEGER, hark_version TEXT, host_name TEXT, live INTEGER, filter TEXT"
	", exchanges INTEGER NOT NULL DEFAULT 0, connections INTEGER NOT NULL DEFAULT 0"
	", pruned INTEGER NOT NULL DEFAULT 0);\n"
	"CREATE TABLE loss (run INTEGER, time_us INTEGER, name TEXT, count INTEGER NOT NULL"
	", PRIMARY KEY (run, time_us, name)) WITHOUT ROWID;\n"
	TABLE("origin", ORIGIN_COLUMNS)
	TABLE("exchange_data", EXCHANGE_COLUMNS)
	TABLE("head", HEAD_COLUMNS)
	TABLE("connection_data", CONNECTION_COLUMNS)
	"CREATE TRIGGER exchange_deleted AFTER DELETE ON exchange_data"
	" BEGIN DELETE FROM head WHERE id = old.id; END;\n"

	/* A question about a part of the time reads that part; the others are of the few rows that have such. */
	"CREATE INDEX exchange_time ON exchange_data (time_us);\n"
	"CREATE INDEX exchange_trace ON exchange_data (trace_id) WHERE trace_id IS NOT NULL;\n"
	"CREATE INDEX exchange_failed ON exchange_data (time_us) WHERE hark_failed = 1;\n"
	"CREATE INDEX exchange_facts ON exchange_data (time_us) WHERE facts IS NOT NULL;\n"
	"CREATE INDEX connection_time ON connection_data (time_us);\n"

	"CREATE VIEW exchange AS SELECT exchange_data.id AS id"
	TIME("exchange_data.time_us", "time")
	", http_request_method, url_scheme, url_path, url_query, http_route, http_response_status_code"
	", rpc_system, rpc_status_code, server_address, server_port"
	ORIGIN_NAMES
	", trace_id, span_id, parent_span_id, hark_request_id, hark_stream"
	", http_request_body_size, http_response_body_size"
	MILLIS("duration_ns", "hark_duration_ms")
	MILLIS("ttfb_ns", "hark_ttfb_ms")
	", hark_peer_connection"
	MILLIS("server_ns", "hark_server_ms")
	MILLIS("network_ns", "hark_network_ms")
	MILLIS("connect_ns", "hark_connect_ms")
	MILLIS("tls_handshake_ns", "hark_tls_handshake_ms")
	MILLIS("idle_ns", "hark_idle_ms")
	", hark_operation, hark_flags, hark_failed, hark_counted, hark_other_end, facts"
	", exchange_data.time_us AS time_us"
	" FROM exchange_data LEFT JOIN origin ON origin.id = exchange_data.origin;\n"

	"CREATE VIEW connection AS SELECT connection_data.id AS id"
	TIME("connection_data.time_us", "time")
	", server_address, server_port"
	ORIGIN_NAMES
	", tls_client_server_name, tls_next_protocol, tls_protocol_version, hark_exchanges"
	TIME("opened_us", "hark_opened")
	TIME("closed_us", "hark_closed")
	", hark_closed_by"
	MILLIS("connect_ns", "hark_connect_ms")
	MILLIS("tls_handshake_ns", "hark_tls_handshake_ms")
	", hark_bytes_moved, hark_bytes_copied, hark_bytes_skipped, hark_bytes_lost, hark_bytes_ciphertext"
	", hark_flags, hark_muted, hark_opaque, connection_data.time_us AS time_us"
	" FROM connection_data LEFT JOIN origin ON origin.id = connection_data.origin;\n"

	"CREATE VIEW gen_ai AS SELECT id AS exchange, time_us"
	FACT("gen_ai.operation.name", "gen_ai_operation_name")
	FACT("gen_ai.provider.name", "gen_ai_provider_name")
	FACT("hark.gen_ai.api", "hark_gen_ai_api")
	FACT("gen_ai.request.model", "gen_ai_request_model")
	FACT("gen_ai.response.model", "gen_ai_response_model")
	FACT("gen_ai.usage.input_tokens", "gen_ai_usage_input_tokens")
	FACT("gen_ai.usage.output_tokens", "gen_ai_usage_output_tokens")
	FACT("hark.gen_ai.time_to_first_chunk_ms", "hark_gen_ai_time_to_first_chunk_ms")
	" FROM exchange_data WHERE facts IS NOT NULL"
	" AND json_extract(facts, '$.\"hark.gen_ai.api\"') IS NOT NULL;\n"

	"CREATE VIEW header AS "
	HEADER_ROWS("request", "http_request_header")
	" UNION ALL "
	HEADER_ROWS("response", "http_response_header") ";\n"

	"PRAGMA application_id = " NUMBER_TEXT(HISTORY_APPLICATION_ID) ";\n"
	"PRAGMA user_version = " NUMBER_TEXT(HISTORY_VERSION) ";\n";
/* clang-format on */

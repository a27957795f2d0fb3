/* SPDX-License-Identifier: Apache-2.0 */
#include "query_questions.h"

#include <stdbool.h>

#define ENDPOINT                                                                    \
	"ifnull(http_request_method, '?') || ' ' || ifnull(server_address, '') || " \
	"ifnull(http_route, ifnull(url_path, '')) || ifnull(' ' || hark_operation, '')"
#define PROGRAM "ifnull(k8s_pod_name, ifnull(container_name, ifnull(process_executable_name, '?')))"
#define MS	"ifnull(hark_server_ms, hark_duration_ms)"
#define HOUR	"strftime('%Y-%m-%d %H:00', time_us / 1000000, 'unixepoch')"

const struct query_question query_questions[] = {
	{ "endpoints", "Endpoints by the time that was spent in them, with errors and latencies",
	  "SELECT " ENDPOINT " AS endpoint, count(*) AS calls, sum(hark_failed) AS failed"
	  ", quantile(" MS ", 0.5) AS p50_ms, quantile(" MS ", 0.99) AS p99_ms, max(" MS ") AS max_ms"
	  ", sum(" MS ") AS total_ms FROM once GROUP BY 1 ORDER BY total_ms DESC, calls DESC" },
	{ "slow", "The exchanges that took longest",
	  "SELECT time, " MS " AS ms, http_response_status_code AS status, " ENDPOINT
	  " AS endpoint, url_path AS path, " PROGRAM " AS program, trace_id FROM once ORDER BY " MS
	  " DESC NULLS LAST LIMIT 1000" },
	{ "errors", "What failed, by hour, endpoint and status",
	  "SELECT " HOUR " AS hour, " ENDPOINT " AS endpoint, http_response_status_code AS status"
	  ", rpc_status_code AS rpc, max(hark_flags) AS flags, count(*) AS failed"
	  " FROM once WHERE hark_failed = 1 GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, failed DESC" },
	{ "hours", "Calls, errors and latencies by hour",
	  "SELECT " HOUR " AS hour, count(*) AS calls, sum(hark_failed) AS failed, quantile(" MS
	  ", 0.5) AS p50_ms"
	  ", quantile(" MS ", 0.99) AS p99_ms, sum(http_response_body_size) AS response_bytes"
	  " FROM once GROUP BY 1 ORDER BY 1" },
	{ "latency", "Percentiles of each endpoint by hour",
	  "SELECT " HOUR " AS hour, " ENDPOINT " AS endpoint, count(*) AS calls, quantile(" MS
	  ", 0.5) AS p50_ms"
	  ", quantile(" MS ", 0.9) AS p90_ms, quantile(" MS ", 0.99) AS p99_ms, max(" MS ") AS max_ms"
	  " FROM once GROUP BY 1, 2 ORDER BY 1, calls DESC" },
	{ "clients", "What each client called, and how that ended",
	  "SELECT " PROGRAM " AS client, " ENDPOINT
	  " AS endpoint, count(*) AS calls, sum(hark_failed) AS failed"
	  ", quantile(hark_duration_ms, 0.5) AS p50_ms, max(hark_duration_ms) AS max_ms"
	  " FROM asked WHERE hark_role = 'client' GROUP BY 1, 2 ORDER BY calls DESC" },
	{ "talkers", "Who moved most, by program and side",
	  "SELECT " PROGRAM " AS program, hark_role AS side, count(*) AS calls"
	  ", count(DISTINCT hark_connection) AS connections, sum(http_request_body_size) AS request_bytes"
	  ", sum(http_response_body_size) AS response_bytes FROM asked GROUP BY 1, 2"
	  " ORDER BY ifnull(request_bytes, 0) + ifnull(response_bytes, 0) DESC, calls DESC" },
	{ "sizes", "Bodies of each endpoint: mean and largest, in bytes",
	  "SELECT " ENDPOINT " AS endpoint, count(*) AS calls"
	  ", CAST(avg(http_request_body_size) AS INTEGER) AS request_mean, max(http_request_body_size) AS "
	  "request_max"
	  ", CAST(avg(http_response_body_size) AS INTEGER) AS response_mean"
	  ", max(http_response_body_size) AS response_max FROM once GROUP BY 1"
	  " ORDER BY max(ifnull(request_max, 0), ifnull(response_max, 0)) DESC" },
	{ "connections", "New connections a call, by client and server: who does not keep them",
	  "SELECT " PROGRAM " AS client, server_address AS server, count(*) AS calls"
	  ", count(DISTINCT run || '.' || hark_connection) AS connections"
	  ", round(1.0 * count(DISTINCT run || '.' || hark_connection) / count(*), 3) AS a_call"
	  ", quantile(hark_connect_ms, 0.5) AS connect_p50_ms, quantile(hark_tls_handshake_ms, 0.5) AS "
	  "tls_p50_ms"
	  " FROM asked WHERE hark_role = 'client' GROUP BY 1, 2 ORDER BY connections DESC, calls DESC" },
	{ "closed", "Connections that lost bytes, or whose plaintext was not seen, and why",
	  "SELECT " PROGRAM " AS program, server_address AS server, ifnull(hark_opaque, hark_muted) AS why"
	  ", count(*) AS connections, sum(hark_bytes_lost) AS bytes_lost FROM conns"
	  " WHERE hark_opaque IS NOT NULL OR hark_muted IS NOT NULL OR hark_bytes_lost > 0"
	  " GROUP BY 1, 2, 3 ORDER BY connections DESC" },
	{ "traces", "Traces by how long they took: exchanges, errors and who took part",
	  "SELECT trace_id AS trace, min(time) AS began, count(*) AS exchanges, sum(hark_failed) AS failed"
	  ", (max(time_us + 1000 * ifnull(hark_duration_ms, 0)) - min(time_us)) / 1000.0 AS ms"
	  ", group_concat(DISTINCT server_address) AS servers"
	  " FROM once WHERE trace_id IS NOT NULL GROUP BY 1 ORDER BY ms DESC" },
	{ "models", "Calls of language models: tokens and how long the first one took",
	  "SELECT ifnull(gen_ai_response_model, gen_ai_request_model) AS model, " PROGRAM " AS program"
	  ", count(*) AS calls, sum(hark_failed) AS failed, sum(gen_ai_usage_input_tokens) AS input_tokens"
	  ", sum(gen_ai_usage_output_tokens) AS output_tokens"
	  ", quantile(hark_gen_ai_time_to_first_chunk_ms, 0.5) AS first_p50_ms"
	  ", quantile(hark_duration_ms, 0.5) AS p50_ms"
	  " FROM once JOIN gen_ai ON gen_ai.exchange = once.id GROUP BY 1, 2 ORDER BY output_tokens DESC, "
	  "calls DESC" },
	{ "losses", "What the runs lost, by hour",
	  "SELECT " HOUR " AS hour, name AS counter, sum(count) AS lost FROM loss"
	  " WHERE time_us >= ?1 - 60000000 AND time_us < ?2 GROUP BY 1, 2 ORDER BY 1" },
	{ "runs", "The runs that wrote the file",
	  "SELECT strftime('%Y-%m-%d %H:%M:%S', began_us / 1000000, 'unixepoch') AS began"
	  ", strftime('%Y-%m-%d %H:%M:%S', seen_us / 1000000, 'unixepoch') AS last_written"
	  ", iif(ended_us IS NULL, 'no', 'yes') AS ended, exchanges, connections, pruned, filter, host_name "
	  "AS host"
	  ", hark_version AS version FROM run WHERE seen_us >= ?1 AND began_us < ?2 ORDER BY began_us" },
};

const size_t query_question_count = sizeof(query_questions) / sizeof(query_questions[0]);

const struct query_filter query_filters[] = {
	{ "host", "host that the request names", "server_address", true, false },
	{ "path", "path without query", "url_path", false, false },
	{ "method", "method", "http_request_method", false, false },
	{ "status", "status of the response", "http_response_status_code", false, false },
	{ "comm", "program's file", "process_executable_name", true, true },
	{ "pid", "process", "process_pid", true, true },
	{ "container", "container's name", "container_name", true, true },
	{ "pod", "Kubernetes' pod", "k8s_pod_name", true, true },
	{ "role", "client or server", "hark_role", true, false },
	{ "trace", "trace id", "trace_id", false, false },
	{ "run", "run of hark", "run", true, false },
};

const size_t query_filter_count = sizeof(query_filters) / sizeof(query_filters[0]);

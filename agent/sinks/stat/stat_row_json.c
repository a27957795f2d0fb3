/* SPDX-License-Identifier: Apache-2.0 */
#include "stat_row_json.h"

#include "base/fact_text.h"
#include "stat_feed.h"

/* A key with a string that was observed, when it is known. */
#define put_known(writer, key, string)                                   \
	do {                                                             \
		if (string)                                              \
			json_text(writer, key, slice_of_string(string)); \
	} while (0)

static void put_peer(struct json_writer *writer, const struct event_socket *sock)
{
	if (!address_known(sock))
		return;
	json_address(writer, "network.peer.address", sock, sock->peer);
	if (sock->peer_port)
		json_number(writer, "network.peer.port", sock->peer_port);
}

static void put_process(struct json_writer *writer, const struct stats_row *row)
{
	if (row->program_is_comm)
		put_known(writer, "thread.name", row->program);
	else
		put_known(writer, "process.executable.name", row->program);
	if (mover_pid_shown(row->pid))
		json_number(writer, "process.pid", row->pid);
}

static void put_conn(struct json_writer *writer, const struct conn_facts *conn)
{
	json_connection(writer, conn);
	json_socket(writer, &conn->sock);
	json_server_address(writer, conn);
	json_server_port(writer, conn);
	json_client(writer, conn);
	json_tls(writer, conn);
	json_process(writer, &conn->owner);
	json_role(writer, conn->role);
}

static void put_key(struct json_writer *writer, enum stats_by by, const struct stats_row *row)
{
	const enum container_name *place = stats_place(by);

	if (row->overflow) {
		json_bool(writer, "overflow", true);
		json_number(writer, "folded", row->folded);
		return;
	}
	put_known(writer, "server.address", row->host);
	put_known(writer, "http.request.method", row->method);
	put_known(writer, "http.route", row->route);
	put_known(writer, "hark.operation", row->operation);
	put_known(writer, "url.path", row->path);
	if (place)
		json_place(writer, place[0], slice_of_string(row->place));
	if (place && place[1] != place[0])
		json_place(writer, place[1], slice_of_string(row->beside));
	if (row->trace_is_request)
		put_known(writer, "hark.request_id", row->trace);
	else
		put_known(writer, "trace_id", row->trace);
	if (row->status)
		json_number(writer, "http.response.status_code", (uint64_t)row->status);
	if (by == BY_PROCESS)
		put_process(writer, row);
	if (by == BY_PEER)
		put_peer(writer, &row->conn.sock);
	if (by == BY_CONNECTION)
		put_conn(writer, &row->conn);
}

static void put_quantiles(struct buffer *line, const struct histogram *histogram)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };

	buffer_char(line, '{');
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		buffer_format(line, "\"%s\":", quantiles[i].name);
		buffer_ms(line, histogram_quantile(histogram, quantiles[i].share));
		buffer_char(line, ',');
	}
	buffer_string(line, "\"max\":");
	buffer_ms(line, histogram->max_ns);
	buffer_string(line, ",\"mean\":");
	buffer_ms(line, histogram_mean(histogram));
	buffer_char(line, '}');
}

#define put_latencies(writer, key, histogram)                      \
	do {                                                       \
		if ((histogram)->count) {                          \
			json_key(writer, key);                     \
			put_quantiles(&(writer)->line, histogram); \
		}                                                  \
	} while (0)

static void put_fact(struct json_writer *writer, const char *name, struct slice value)
{
	buffer_format(&writer->line, ",\"%s\":", name);
	escape_json(&writer->line, fact_text_shown(writer->redact, name, value, &writer->scratch));
}

void stat_row_json_key(struct json_writer *writer, const struct stats_options *options,
		       const struct stats_row *row)
{
	put_key(writer, options->by, row);
	if (row->fact)
		put_fact(writer, options->by_fact, slice_of_string(row->fact));
}

void stat_row_json_numbers(struct json_writer *writer, const struct stats_numbers *numbers,
			   const struct stat_row_around *around)
{
	const char *by = around->by_fact ? around->by_fact : "";

	json_number(writer, "count", numbers->count);
	if (around->span_ns) {
		json_key(writer, "rate");
		stat_put_decimal(&writer->line, stats_rate(numbers->count, around->span_ns), 3);
	}
	if (around->in_flight)
		json_number(writer, "in_flight", *around->in_flight);
	json_number(writer, "errors.4xx", numbers->errors_4xx);
	json_number(writer, "errors.5xx", numbers->errors_5xx);
	json_number(writer, "errors.reset", numbers->errors_reset);
	json_number(writer, "errors.timeout", numbers->errors_timeout);
	json_number(writer, "closed", numbers->closed);
	json_number(writer, "errors.grpc", numbers->errors_grpc);
	if (numbers->errors_query)
		json_number(writer, "errors.query", numbers->errors_query);
	put_latencies(writer, "duration_ms", &numbers->duration);
	if (around->total_ns) {
		json_key(writer, "duration_share");
		stat_put_decimal(&writer->line, (double)numbers->duration.sum_ns / (double)around->total_ns,
				 3);
	}
	put_latencies(writer, "ttfb_ms", &numbers->ttfb);
	put_latencies(writer, "client_duration_ms", &numbers->client);
	if (numbers->told_tokens && strcmp(by, "gen_ai.usage.input_tokens") != 0)
		json_number(writer, "gen_ai.usage.input_tokens", numbers->input_tokens);
	if (numbers->told_tokens && strcmp(by, "gen_ai.usage.output_tokens") != 0)
		json_number(writer, "gen_ai.usage.output_tokens", numbers->output_tokens);
	json_number(writer, "http.request.body.size", numbers->request_bytes);
	json_number(writer, "http.response.body.size", numbers->response_bytes);
}

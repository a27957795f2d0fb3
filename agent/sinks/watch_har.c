/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HAR 1.2: one JSON text for the whole run, which browsers' tools and proxies read. So that the file is whole
 * whenever it is looked at, also when hark was killed, each turn writes its entries over the end of the text
 * and the end behind them, at once. What is no file that one can go back in gets its end when the run ends.
 */
#include "sinks.h"

#include "har_parts.h"
#include "model/exchange_times.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define TURN_BYTES (192u << 10) /* written before the turn is over, so that memory stays small */

struct sink {
	struct json_writer writer; /* its line: the entries of this turn */
	struct body_reader bodies;
	bool both_ends;
	bool goes_back;	   /* the file can be written over */
	bool begun;	   /* there is an entry */
	bool begun_before; /* when the turn began */
	size_t end_bytes;  /* of the end that stands in the file */
	uint64_t left_out; /* exchanges without a request */
	uint64_t end_left_out;
};

static const char front[] =
	"{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"hark\",\"version\":\"" HARK_VERSION
	"\"},\"entries\":[";

static bool can_go_back(FILE *out)
{
	struct stat status;
	int fd = fileno(out);

	return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       !(fcntl(fd, F_GETFL) & O_APPEND);
}

static void put_end(struct sink *sink, struct buffer *text)
{
	buffer_string(text, "\n]");
	if (sink->left_out)
		buffer_format(text, ",\"comment\":\"left out, for their request was not seen: %" PRIu64 "\"",
			      sink->left_out);
	buffer_string(text, "}}\n");
}

/* Out of memory: the turn's entries are gone, which is counted; what stands in the file is whole. */
static void turn_lose(struct sink *sink)
{
	buffer_write(&sink->writer.line, sink->writer.out);
	sink->begun = sink->begun_before;
}

/* Entries, and the end when the file has one or the run is over. */
static void turn_write(struct sink *sink, bool last)
{
	struct buffer *line = &sink->writer.line;
	size_t before = line->len;

	if (line->failed) {
		turn_lose(sink);
		return;
	}
	if (!before && sink->left_out == sink->end_left_out && !(last && !sink->goes_back))
		return;
	if (sink->goes_back || last)
		put_end(sink, line);
	if (line->failed) {
		turn_lose(sink);
		return;
	}
	if (sink->goes_back)
		fseeko(sink->writer.out, -(off_t)sink->end_bytes, SEEK_CUR);
	sink->end_bytes = line->len - before;
	sink->end_left_out = sink->left_out;
	sink->begun_before = sink->begun;
	buffer_write(line, sink->writer.out);
	if (sink->goes_back)
		fflush(sink->writer.out);
}

static int watch_har_init(struct sink *sink, const struct sink_config *config)
{
	json_init(&sink->writer, config);
	sink->both_ends = config->both_ends;
	sink->goes_back = can_go_back(config->out);
	buffer_string(&sink->writer.line, front);
	if (sink->writer.line.failed)
		return -ENOMEM;
	turn_write(sink, false);
	return 0;
}

static void watch_har_fini(struct sink *sink)
{
	turn_write(sink, true);
	json_fini(&sink->writer);
	body_reader_fini(&sink->bodies);
}

/* --- an entry ------------------------------------------------------------------------------------- */

static void put_version(struct buffer *line, const struct message *message)
{
	const char *version = message ? message_version_name(message->version) : NULL;

	buffer_format(line, "\"httpVersion\":\"%s%s\"", version ? "HTTP/" : "", version ? version : "");
}

static void put_sizes(struct buffer *line, const struct message *message)
{
	if (message && message->body_known)
		buffer_format(line, ",\"headersSize\":-1,\"bodySize\":%" PRIu64 "}", message->body_bytes);
	else
		buffer_string(line, ",\"headersSize\":-1,\"bodySize\":-1}");
}

static void put_request(struct sink *sink, const struct exchange *exchange)
{
	const struct message *request = exchange->request;
	struct json_writer *writer = &sink->writer;
	struct buffer *line = &writer->line;

	buffer_string(line, ",\n  \"request\":{\"method\":");
	escape_json(line, request->method);
	buffer_string(line, ",\"url\":");
	har_put_url(writer, exchange);
	buffer_char(line, ',');
	put_version(line, request);
	buffer_string(line, ",\"cookies\":");
	har_put_cookies(writer, request);
	buffer_string(line, ",\n   \"headers\":");
	har_put_fields(writer, &request->headers);
	buffer_string(line, ",\n   \"queryString\":");
	har_put_query(writer, request);
	if (request->body.len || request->body_bytes) {
		buffer_string(line, ",\n   \"postData\":");
		har_put_post_data(writer, &sink->bodies, request);
	}
	put_sizes(line, request);
}

static void put_response(struct sink *sink, const struct exchange *exchange)
{
	static const struct message none = { .kind = MESSAGE_RESPONSE };
	const struct message *response = exchange->response ? exchange->response : &none;
	struct json_writer *writer = &sink->writer;
	struct buffer *line = &writer->line;

	buffer_format(line, ",\n  \"response\":{\"status\":%d,\"statusText\":\"\",", response->status);
	put_version(line, response);
	buffer_string(line, ",\"cookies\":");
	har_put_cookies(writer, response);
	buffer_string(line, ",\n   \"headers\":");
	har_put_fields(writer, &response->headers);
	if (response->trailers.count) {
		buffer_string(line, ",\n   \"_trailers\":");
		har_put_fields(writer, &response->trailers);
	}
	buffer_string(line, ",\n   \"content\":");
	har_put_content(writer, &sink->bodies, exchange->response);
	buffer_string(line, ",\"redirectURL\":");
	escape_json(line, redact_value(writer->redact, SLICE("Location"),
				       message_header(response, SLICE("Location")), &writer->scratch));
	put_sizes(line, exchange->response);
}

static void put_timing(struct buffer *line, const char *name, const struct exchange_times *times,
		       enum exchange_part part, uint64_t more_ns)
{
	buffer_format(line, "\"%s\":", name);
	if (exchange_times_has(times, part))
		buffer_ms(line, times->ns[part] + more_ns);
	else
		buffer_string(line, "-1");
}

/* The handshake is a part of connect for HAR. A server's has no other. */
static void put_timings(struct buffer *line, const struct exchange *exchange, struct exchange_times *times)
{
	bool tls = exchange_times_has(times, PART_TLS), server = exchange->conn->role == ROLE_SERVER;
	uint64_t tls_ns = tls ? times->ns[PART_TLS] : 0;

	if (tls && server)
		times->known |= 1u << PART_CONNECT;
	if (!exchange_times_has(times, PART_CONNECT))
		times->known &= ~(1u << PART_TLS);
	buffer_string(line, ",\n  \"timings\":{");
	put_timing(line, "blocked", times, PART_IDLE, 0);
	buffer_string(line, ",\"dns\":-1,");
	put_timing(line, "connect", times, PART_CONNECT, tls_ns);
	buffer_char(line, ',');
	put_timing(line, "ssl", times, PART_TLS, 0);
	buffer_char(line, ',');
	put_timing(line, "send", times, PART_SEND, 0);
	buffer_char(line, ',');
	put_timing(line, "wait", times, PART_WAIT, 0);
	buffer_char(line, ',');
	put_timing(line, "receive", times, PART_RECEIVE, 0);
	buffer_char(line, '}');
}

/* The time of all parts that are known. */
static uint64_t total_ns(const struct exchange *exchange, const struct exchange_times *times)
{
	uint64_t ns = 0;

	for (int part = 0; part < PART_COUNT; part++)
		if (exchange_times_has(times, part) && part <= PART_IDLE)
			ns += times->ns[part];
	if (exchange->duration_known)
		return ns + exchange->duration_ns;
	return exchange->ttfb_known ? ns + exchange->ttfb_ns : ns;
}

/* What HAR has no member for: an object with the keys of JSON lines. */
static void put_facts(struct json_writer *writer, const char *name, const struct exchange *exchange)
{
	struct buffer *line = &writer->line;
	size_t start;

	buffer_format(line, ",\n  \"%s\":", name);
	start = line->len;
	json_role(writer, exchange->conn->role);
	json_socket(writer, &exchange->conn->sock);
	json_tls(writer, exchange->conn);
	json_process(writer, &exchange->mover);
	json_connection(writer, exchange->conn);
	if (exchange->key)
		json_number(writer, "hark.stream", message_stream(exchange_version(exchange), exchange->key));
	if (exchange->conn->handshake_ns && exchange->opening)
		json_millis(writer, "hark.tls_handshake_ms", exchange->conn->handshake_ns);
	json_flags(writer, exchange->flags);
	if (!line->failed)
		line->data[start] = '{';
	buffer_char(line, '}');
}

static void put_place(struct json_writer *writer, const struct exchange *exchange)
{
	struct buffer *line = &writer->line;

	if (exchange->conn->role != ROLE_UNKNOWN && address_known(&exchange->conn->sock)) {
		buffer_string(line, ",\n  \"serverIPAddress\":\"");
		address_put_server(line, exchange->conn);
		buffer_char(line, '"');
	}
	buffer_format(line, ",\n  \"connection\":\"%" PRIu64 "\"", exchange->conn->id);
	if (!exchange->response || !exchange->response->status)
		buffer_string(line, ",\n  \"comment\":\"no response was seen\"");
}

/* other: the same from its other end; NULL: not known. */
static void put_entry(struct sink *sink, const struct exchange *exchange, const struct exchange *other)
{
	struct exchange_times times = exchange_times_of(exchange);
	struct json_writer *writer = &sink->writer;
	struct buffer *line = &writer->line;

	buffer_string(line, sink->begun ? ",\n{" : "\n{");
	sink->begun = true;
	buffer_string(line, "\"startedDateTime\":");
	json_put_time(writer, times.begin_ns);
	buffer_string(line, ",\"time\":");
	buffer_ms(line, total_ns(exchange, &times));
	put_request(sink, exchange);
	put_response(sink, exchange);
	buffer_string(line, ",\n  \"cache\":{}");
	put_timings(line, exchange, &times);
	put_place(writer, exchange);
	put_facts(writer, "_hark", exchange);
	if (other)
		put_facts(writer, "_hark_other_end", other);
	buffer_char(line, '}');
	if (line->len > TURN_BYTES || line->failed)
		turn_write(sink, false);
}

static void watch_har_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange, *other = exchange->other;

	if (sink->both_ends)
		other = NULL;
	else if (other && exchange->join == JOIN_SECOND)
		return;
	/* The entry is the client's: it waited for all of it, the connection too. */
	if (other && other->conn->role == ROLE_CLIENT && other->request) {
		other = exchange;
		exchange = exchange->other;
	}
	if (!exchange->request || !exchange->request->method.data || !exchange->request->target.data ||
	    !exchange->start_ns)
		sink->left_out++;
	else
		put_entry(sink, exchange, other);
}

static bool watch_har_tick(struct sink *sink, uint64_t now_ns)
{
	(void)now_ns;
	turn_write(sink, false);
	return false;
}

const struct sink_ops watch_har_sink = {
	.format = "har",
	.view = VIEW_WATCH,
	.fields = SINK_FIELDS_ALWAYS,
	.bodies_always = true,
	.size = sizeof(struct sink),
	.init = watch_har_init,
	.show = { [RESULT_EXCHANGE] = watch_har_exchange },
	.tick = watch_har_tick,
	.fini = watch_har_fini,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON object a connection, when it closes or hark ends, with the keys of docs/interface.md; what is not
 * known is absent.
 */
#include "sinks.h"

#include "json_writer.h"

#include <stdlib.h>

struct sink {
	struct json_writer writer;
	FILE *out;
};

static struct sink *conns_json_create(const struct sink_config *config)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->out = config->out;
	sink->writer.clock.wall_offset_ns = config->wall_offset_ns;
	return sink;
}

static void conns_json_destroy(struct sink *sink)
{
	if (!sink)
		return;
	fflush(sink->out);
	buffer_fini(&sink->writer.line);
	free(sink);
}

static void put_identity(struct json_writer *writer, const struct conn_facts *conn)
{
	int32_t fd = conn->owner.fd >= 0 ? conn->owner.fd : conn->sock.fd;

	json_key(writer, "hark.connection");
	buffer_u64(&writer->line, conn->id);
	json_role(writer, conn->role);
	json_server_address(writer, conn);
	json_server_port(writer, conn);
	json_client(writer, conn);
	json_socket(writer, &conn->sock);
	json_tls(writer, conn);
	json_process(writer, &conn->owner);
	if (fd >= 0) {
		json_key(writer, "hark.fd");
		buffer_u64(&writer->line, (uint64_t)fd);
	}
}

static void put_protocol(struct json_writer *writer, const struct conn_facts *conn)
{
	const char *version = show_version(conn->version);

	if (conn->protocol) {
		json_key(writer, "network.protocol.name");
		json_plain(writer, conn->protocol);
	}
	if (version) {
		json_key(writer, "network.protocol.version");
		json_plain(writer, version);
	}
	json_key(writer, "hark.exchanges");
	buffer_u64(&writer->line, conn->exchanges);
}

static void put_life(struct json_writer *writer, const struct conn_facts *conn)
{
	const char *closed_by = show_closed_by(conn->closed_by);

	if (conn->opened_ns) {
		json_key(writer, "hark.opened");
		json_time(writer, conn->opened_ns);
	}
	if (conn->closed_ns) {
		json_key(writer, "hark.closed");
		json_time(writer, conn->closed_ns);
	}
	if (closed_by) {
		json_key(writer, "hark.closed_by");
		json_plain(writer, closed_by);
	}
	if (conn->connect_ns) {
		json_key(writer, "hark.connect_ms");
		buffer_ms(&writer->line, conn->connect_ns);
	}
	if (conn->handshake_ns) {
		json_key(writer, "hark.tls_handshake_ms");
		buffer_ms(&writer->line, conn->handshake_ns);
	}
}

/* Commas stand between names only: tls_hello.h leaves out names that hold one. */
static void put_alpn_offered(struct json_writer *writer, const char *names)
{
	json_key(writer, "hark.tls.alpn_offered");
	buffer_char(&writer->line, '[');
	while (*names) {
		size_t len = strcspn(names, ",");

		escape_json(&writer->line, slice_of(names, len));
		names += len;
		if (*names)
			buffer_char(&writer->line, *names++);
	}
	buffer_char(&writer->line, ']');
}

static void put_hello(struct json_writer *writer, const struct conn_facts *conn)
{
	const char *version = show_tls_version(conn->tls_version);

	if (conn->sni[0]) {
		json_key(writer, "tls.client.server_name");
		escape_json(&writer->line, slice_of_string(conn->sni));
	}
	if (conn->alpn[0]) {
		json_key(writer, "tls.next_protocol");
		escape_json(&writer->line, slice_of_string(conn->alpn));
	}
	if (version) {
		json_key(writer, "tls.protocol.version");
		json_plain(writer, version);
	}
	if (conn->alpn_offered[0])
		put_alpn_offered(writer, conn->alpn_offered);
}

static void put_bytes(struct json_writer *writer, const struct conn_facts *conn)
{
	json_key(writer, "hark.bytes.moved");
	buffer_u64(&writer->line, conn->moved_bytes);
	json_key(writer, "hark.bytes.copied");
	buffer_u64(&writer->line, conn->copied_bytes);
	json_key(writer, "hark.bytes.skipped");
	buffer_u64(&writer->line, conn->skipped_bytes);
	json_key(writer, "hark.bytes.lost");
	buffer_u64(&writer->line, conn->lost_bytes);
	if (conn->ciphertext_bytes) {
		json_key(writer, "hark.bytes.ciphertext");
		buffer_u64(&writer->line, conn->ciphertext_bytes);
	}
}

static void conns_json_closed(struct sink *sink, const struct result *result)
{
	const struct conn_facts *conn = result->conn;
	struct json_writer *writer = &sink->writer;

	json_begin(writer);
	put_identity(writer, conn);
	put_protocol(writer, conn);
	put_life(writer, conn);
	put_bytes(writer, conn);
	json_flags(writer, conn->flags);
	if (conn->muted) {
		json_key(writer, "hark.muted");
		escape_json(&writer->line, slice_of_string(conn->muted));
	}
	if (conn->opaque) {
		json_key(writer, "hark.opaque");
		escape_json(&writer->line, slice_of_string(conn->opaque));
	}
	put_hello(writer, conn);
	json_end(writer, sink->out);
}

const struct sink_ops conns_json_sink = {
	.format = "json",
	.view = VIEW_CONNS,
	.each_end = true,
	.create = conns_json_create,
	.show = {
		[RESULT_CONN_CLOSED] = conns_json_closed,
	},
	.destroy = conns_json_destroy,
};

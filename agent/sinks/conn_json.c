/* SPDX-License-Identifier: Apache-2.0 */
#include "conn_json.h"

static void put_identity(struct json_writer *writer, const struct conn_facts *conn)
{
	const char *version = message_version_name(conn->version);

	json_connection(writer, conn);
	json_role(writer, conn->role);
	json_server_address(writer, conn);
	json_server_port(writer, conn);
	json_client(writer, conn);
	json_socket(writer, &conn->sock);
	json_tls(writer, conn);
	json_process(writer, &conn->owner);
	json_fd(writer, &conn->owner, &conn->sock);
	if (conn->protocol)
		json_name(writer, "network.protocol.name", conn->protocol);
	if (version)
		json_name(writer, "network.protocol.version", version);
	json_number(writer, "hark.exchanges", conn->exchanges);
}

static void put_life(struct json_writer *writer, const struct conn_facts *conn)
{
	const char *closed_by = conn_facts_closed_by_name(conn->closed_by);

	if (conn->opened_ns)
		json_time(writer, "hark.opened", conn->opened_ns);
	if (conn->closed_ns)
		json_time(writer, "hark.closed", conn->closed_ns);
	if (closed_by)
		json_name(writer, "hark.closed_by", closed_by);
	if (conn->connect_ns)
		json_millis(writer, "hark.connect_ms", conn->connect_ns);
	if (conn->handshake_ns)
		json_millis(writer, "hark.tls_handshake_ms", conn->handshake_ns);
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
	const char *version = conn_facts_tls_version_name(conn->tls_version);

	if (conn->sni[0])
		json_text(writer, "tls.client.server_name", slice_of_string(conn->sni));
	if (conn->alpn[0])
		json_text(writer, "tls.next_protocol", slice_of_string(conn->alpn));
	if (version)
		json_name(writer, "tls.protocol.version", version);
	if (conn->alpn_offered[0])
		put_alpn_offered(writer, conn->alpn_offered);
}

void conn_json_put(struct json_writer *writer, const struct conn_facts *conn)
{
	put_identity(writer, conn);
	put_life(writer, conn);
	json_number(writer, "hark.bytes.moved", conn->moved_bytes);
	json_number(writer, "hark.bytes.copied", conn->copied_bytes);
	json_number(writer, "hark.bytes.skipped", conn->skipped_bytes);
	json_number(writer, "hark.bytes.lost", conn->lost_bytes);
	if (conn->ciphertext_bytes)
		json_number(writer, "hark.bytes.ciphertext", conn->ciphertext_bytes);
	json_flags(writer, conn->flags);
	if (conn->muted)
		json_text(writer, "hark.muted", slice_of_string(conn->muted));
	if (conn->opaque)
		json_text(writer, "hark.opaque", slice_of_string(conn->opaque));
	put_hello(writer, conn);
}

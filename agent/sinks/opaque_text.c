/* SPDX-License-Identifier: Apache-2.0 */
/* A question mark behind the protocols says that they were offered; which one was taken is encrypted
 * (TLS 1.3). */
#include "opaque_text.h"

#include "base/escape.h"
#include "base/hash.h"

#include <netinet/in.h>

void opaque_text_put_hello(struct buffer *buffer, const struct style *style, const struct conn_facts *conn)
{
	const char *version = conn_facts_tls_version_name(conn->tls_version);
	const char *alpn = conn->alpn[0] ? conn->alpn : conn->alpn_offered;

	if (conn->sock.protocol == IPPROTO_UDP)
		buffer_string(buffer, " QUIC");
	else if (version)
		buffer_format(buffer, " TLS %s", version);
	else
		buffer_string(buffer, " TLS");
	if (conn->sni[0]) {
		buffer_string(buffer, " sni=");
		escape_text(buffer, slice_of_string(conn->sni), style->utf8);
	}
	if (!alpn[0])
		return;
	buffer_string(buffer, " alpn=");
	escape_text(buffer, slice_of_string(alpn), style->utf8);
	if (!conn->alpn[0])
		buffer_char(buffer, '?');
}

static void put_reason(struct buffer *buffer, const struct conn_facts *conn)
{
	buffer_string(buffer, "not read: ");
	buffer_string(buffer, conn->opaque ? conn->opaque : "?");
	if (conn->sock.protocol != IPPROTO_UDP && mover_pid_shown(conn->owner.pid) && !conn->process_gone)
		buffer_format(buffer, " (hark doctor %u says more)", conn->owner.pid);
}

void opaque_text_put(struct buffer *buffer, struct style *style, const struct conn_facts *conn)
{
	size_t start;

	line_put_when_and_program(buffer, style, conn->opened_ns ? conn->opened_ns : conn->seen_ns,
				  &conn->owner);
	line_put_connection(buffer, style, conn);
	if (buffer->len)
		buffer->len--; /* the next part brings its own space */
	start = buffer->len;
	opaque_text_put_hello(buffer, style, conn);
	line_column_end(buffer, start, 10);
	line_style_on(buffer, style, STYLE_YELLOW);
	put_reason(buffer, conn);
	line_style_off(buffer, style);
}

static const char *unseen_transport(const struct event_unseen *unseen)
{
	return unseen->kind == UNSEEN_UDP_443 ? "UDP " : unseen->sock.family == 1 /* AF_UNIX */ ? "" : "TCP ";
}

static const char *unseen_reason(const struct event_unseen *unseen)
{
	switch ((enum event_unseen_kind)unseen->kind) {
	case UNSEEN_UDP_443:
		return "HTTP/3 (QUIC) is not read";
	case UNSEEN_IO_URING:
		return "what moves through io_uring is not read, only its size";
	case UNSEEN_RINGS: /* the tracker's alone */
		break;
	}
	return "not read"; /* of a later version's recording */
}

static void put_unseen(struct buffer *buffer, const struct event_unseen *unseen)
{
	const struct event_socket *sock = &unseen->sock;
	bool server = unseen->kind == UNSEEN_UDP_443 && sock->local_port == 443 && sock->peer_port != 443;

	buffer_string(buffer, unseen_transport(unseen));
	address_put_endpoint(buffer, sock, server ? sock->local : sock->peer,
			     server ? sock->local_port : sock->peer_port);
	buffer_string(buffer, ": ");
}

void opaque_text_put_unseen(struct buffer *buffer, struct style *style, const struct event_unseen *unseen,
			    const struct mover *program)
{
	line_put_when_and_program(buffer, style, unseen->h.time_ns, program);
	put_unseen(buffer, unseen);
	line_style_on(buffer, style, STYLE_YELLOW);
	buffer_string(buffer, unseen_reason(unseen));
	line_style_off(buffer, style);
}

void opaque_text_tell(struct buffer *buffer, const struct style *style, const struct result *result)
{
	const struct conn_facts *conn = result->conn;

	line_put_program(buffer, style, result->kind == RESULT_UNSEEN ? result->mover : &conn->owner);
	buffer_char(buffer, ' ');
	if (result->kind == RESULT_UNSEEN) {
		put_unseen(buffer, result->unseen);
		buffer_string(buffer, unseen_reason(result->unseen));
		return;
	}
	address_put_endpoint(buffer, &conn->sock, conn->sock.peer, conn->sock.peer_port);
	opaque_text_put_hello(buffer, style, conn);
	buffer_string(buffer, ": ");
	put_reason(buffer, conn);
}

static uint64_t hash_of_text(const struct style *style, const struct result *result)
{
	struct buffer text = { .data = NULL };
	struct conn_facts conn;
	struct result alike = *result;
	uint64_t hash;

	if (result->kind == RESULT_OPAQUE) {
		conn = *result->conn;
		conn.sock.peer_port = conn.role == ROLE_SERVER ? 0 : conn.sock.peer_port;
		alike.conn = &conn;
	}
	opaque_text_tell(&text, style, &alike);
	hash = hash_on(HASH_START, slice_of(text.data, text.len));
	buffer_fini(&text);
	return hash;
}

static uint64_t hash_of_reason(const struct result *result)
{
	bool opaque = result->kind == RESULT_OPAQUE;
	const char *reason = opaque ? result->conn->opaque : unseen_reason(result->unseen);
	uint64_t hash = hash_on(HASH_START, mover_program(opaque ? &result->conn->owner : result->mover));

	return hash_on(hash, slice_of_string(reason ? reason : ""));
}

bool opaque_told_first(struct opaque_told *told, const struct style *style, const struct result *result,
		       bool each)
{
	uint64_t hash = each ? hash_of_text(style, result) : hash_of_reason(result);

	for (size_t i = 0; i < told->count; i++)
		if (told->hashes[i] == hash)
			return false;
	if (told->count == OPAQUE_TOLD_MAX)
		return false;
	told->hashes[told->count++] = hash;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own code, not a JSON library: a sink writes one flat object and never reads
 * one, and a library that builds a tree first costs several times as much as
 * everything else that is done for an exchange (jansson: 14 µs a line, this 0.8).
 */
#include "json_writer.h"

#include "name_list.h"

#include <sys/socket.h>

void json_init(struct json_writer *writer, const struct sink_config *config)
{
	*writer = (struct json_writer){
		.clock = { .wall_offset_ns = config->wall_offset_ns },
		.redact = config->redact,
		.out = config->out,
	};
}

void json_fini(struct json_writer *writer)
{
	buffer_fini(&writer->line);
	buffer_fini(&writer->scratch);
}

int json_sink_init(struct sink *sink, const struct sink_config *config)
{
	json_init((struct json_writer *)sink, config);
	return 0;
}

void json_sink_fini(struct sink *sink)
{
	json_fini((struct json_writer *)sink);
}

static void object_close(struct buffer *line)
{
	/* The first key's comma becomes the brace. */
	if (line->len == 0)
		buffer_char(line, '{');
	else
		line->data[0] = '{';
	buffer_char(line, '}');
}

void json_end(struct json_writer *writer)
{
	object_close(&writer->line);
	buffer_char(&writer->line, '\n');
	buffer_write(&writer->line, writer->out);
}

void json_take(struct json_writer *writer, struct buffer *into)
{
	struct buffer *line = &writer->line;

	object_close(line);
	into->failed |= line->failed;
	buffer_put(into, line->data, line->len);
	buffer_clear(line);
}

void json_put_time(struct json_writer *writer, uint64_t event_ns)
{
	buffer_char(&writer->line, '"');
	wall_clock_utc(&writer->line, &writer->clock, event_ns);
	buffer_char(&writer->line, '"');
}

void json_put_address(struct json_writer *writer, const struct event_socket *sock, const uint8_t address[16])
{
	buffer_char(&writer->line, '"');
	address_put(&writer->line, sock, address);
	buffer_char(&writer->line, '"');
}

void json_put_base64(struct json_writer *writer, struct slice bytes)
{
	buffer_string(&writer->line, "{\"base64\":\"");
	escape_base64(&writer->line, bytes);
	buffer_string(&writer->line, "\"}");
}

void json_socket(struct json_writer *writer, const struct event_socket *sock)
{
	if (sock->family == AF_UNIX)
		json_name(writer, "network.transport", "unix");
	if (!address_known(sock))
		return;
	json_name(writer, "network.transport", "tcp");
	json_address(writer, "network.local.address", sock, sock->local);
	json_number(writer, "network.local.port", sock->local_port);
	json_address(writer, "network.peer.address", sock, sock->peer);
	json_number(writer, "network.peer.port", sock->peer_port);
}

static bool sides_known(const struct conn_facts *conn)
{
	return conn->role != ROLE_UNKNOWN && address_known(&conn->sock);
}

void json_client(struct json_writer *writer, const struct conn_facts *conn)
{
	const struct event_socket *sock = &conn->sock;
	bool peer = conn->role == ROLE_SERVER;

	if (!sides_known(conn))
		return;
	json_address(writer, "client.address", sock, peer ? sock->peer : sock->local);
	json_number(writer, "client.port", peer ? sock->peer_port : sock->local_port);
}

void json_server_address(struct json_writer *writer, const struct conn_facts *conn)
{
	const struct event_socket *sock = &conn->sock;

	if (sides_known(conn))
		json_address(writer, "server.address", sock,
			     conn->role == ROLE_CLIENT ? sock->peer : sock->local);
}

void json_server_port(struct json_writer *writer, const struct conn_facts *conn)
{
	const struct event_socket *sock = &conn->sock;

	if (sides_known(conn))
		json_number(writer, "server.port",
			    conn->role == ROLE_CLIENT ? sock->peer_port : sock->local_port);
}

void json_tls(struct json_writer *writer, const struct conn_facts *conn)
{
	if (conn->tls || !conn->tls_unknown)
		json_bool(writer, "tls", conn->tls);
	if (conn->tls_library)
		json_name(writer, "tls.library", conn->tls_library);
}

void json_place(struct json_writer *writer, enum container_name which, struct slice name)
{
	if (!name.data)
		return;
	switch (which) {
	case CONTAINER_ID:
		json_text(writer, "container.id", name);
		break;
	case CONTAINER_NAME:
		json_text(writer, "container.name", name);
		break;
	case CONTAINER_POD:
		json_text(writer, "k8s.pod.name", name);
		break;
	case CONTAINER_NAMESPACE:
		json_text(writer, "k8s.namespace.name", name);
		break;
	case CONTAINER_POD_UID:
		json_text(writer, "k8s.pod.uid", name);
		break;
	case CONTAINER_POD_CONTAINER:
		json_text(writer, "k8s.container.name", name);
		break;
	case CONTAINER_HOSTNAME:
		json_text(writer, "hark.pod.hostname", name);
		break;
	case CONTAINER_UNIT:
		json_text(writer, "hark.systemd.unit", name);
		break;
	case CONTAINER_NAMES:
		break;
	}
}

void json_program(struct json_writer *writer, const struct mover *mover)
{
	if (mover_pid_shown(mover->pid))
		json_number(writer, "process.pid", mover->pid);
	if (mover->exe[0])
		json_text(writer, "process.executable.name",
			  slice_of(mover->exe, strnlen(mover->exe, sizeof(mover->exe))));
	if (mover->pid)
		json_number(writer, "process.user.id", mover->uid);
}

void json_thread(struct json_writer *writer, const struct mover *mover)
{
	if (mover_pid_shown(mover->pid))
		json_number(writer, "thread.id", mover->tid);
	if (mover->comm[0])
		json_text(writer, "thread.name",
			  slice_of(mover->comm, strnlen(mover->comm, sizeof(mover->comm))));
}

void json_places(struct json_writer *writer, const struct container *container)
{
	for (size_t i = 0; container && i < CONTAINER_NAMES; i++)
		json_place(writer, i, container->names[i]);
}

void json_process(struct json_writer *writer, const struct mover *mover)
{
	json_program(writer, mover);
	json_thread(writer, mover);
	json_places(writer, mover->container);
}

void json_role(struct json_writer *writer, enum protocol_role role)
{
	const char *name = conn_facts_role_name(role);

	if (name)
		json_name(writer, "hark.role", name);
}

void json_connection(struct json_writer *writer, const struct conn_facts *conn)
{
	json_number(writer, "hark.connection", conn->id);
	if (conn->number)
		json_number(writer, "hark.connection.number", conn->number);
}

void json_flags(struct json_writer *writer, unsigned int flags)
{
	struct name_list list = { .buffer = &writer->line, .between = ",", .quote = "\"" };

	if (!flags)
		return;
	json_key(writer, "hark.flags");
	buffer_char(&writer->line, '[');
	exchange_flags_each(flags, name_list_add, &list);
	buffer_char(&writer->line, ']');
}

void json_fd(struct json_writer *writer, const struct mover *mover, const struct event_socket *sock)
{
	int32_t fd = mover->fd >= 0 ? mover->fd : sock->fd;

	if (fd >= 0)
		json_number(writer, "hark.fd", (uint64_t)fd);
}

void json_h2_error(struct json_writer *writer, uint32_t error)
{
	json_key(writer, "hark.h2.error_code");
	json_put_error(writer, exchange_h2_error_name(error), error);
}

void json_put_error(struct json_writer *writer, const char *name, uint32_t error)
{
	if (name)
		json_plain(writer, name);
	else
		buffer_format(&writer->line, "\"0x%x\"", error);
}

static void put_or_null(struct buffer *line, struct slice bytes)
{
	if (bytes.data)
		escape_json(line, bytes);
	else
		buffer_string(line, "null");
}

void json_put_fields(struct json_writer *writer, const struct header_list *list)
{
	struct buffer *line = &writer->line;

	buffer_char(line, '[');
	for (size_t i = 0; i < list->count; i++) {
		const struct header *header = &list->items[i];

		buffer_string(line, i ? ",[" : "[");
		put_or_null(line, header->name);
		buffer_char(line, ',');
		put_or_null(line,
			    redact_value(writer->redact, header->name, header->value, &writer->scratch));
		buffer_char(line, ']');
	}
	buffer_char(line, ']');
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One flat JSON object a line. Keys are literals that were put together by the
 * compiler; a comma is written by each key but the first.
 */
#ifndef HARK_JSON_WRITER_H
#define HARK_JSON_WRITER_H

#include "base/buffer.h"
#include "base/escape.h"
#include "base/redact.h"
#include "base/wall_clock.h"
#include "model/address.h"
#include "model/container.h"
#include "model/conn_facts.h"
#include "sink.h"

#include <stdbool.h>

struct json_writer {
	struct buffer line;
	struct wall_clock clock;
	const struct redact *redact;
	struct buffer scratch; /* what redaction rewrote */
	FILE *out;	       /* borrowed */
};

void json_init(struct json_writer *writer, const struct sink_config *config);
void json_fini(struct json_writer *writer);
/* The two for sinks that are a writer and nothing else. */
int json_sink_init(struct sink *sink, const struct sink_config *config);
void json_sink_fini(struct sink *sink);

/* A key that is a string literal, with its comma and colon. */
#define json_key(writer, key) buffer_put(&(writer)->line, ",\"" key "\":", sizeof(",\"" key "\":") - 1)

/* Closes the object, writes the line and begins the next one; errors are counted by the buffer. */
void json_end(struct json_writer *writer);

/* Closes the object and appends it to *into, without a line feed; the next one begins. Out of memory, *into
 * is marked failed. */
void json_take(struct json_writer *writer, struct buffer *into);

/* A string of ours, which needs no escape, in quotes. */
static inline void json_plain(struct json_writer *writer, const char *string)
{
	buffer_char(&writer->line, '"');
	buffer_string(&writer->line, string);
	buffer_char(&writer->line, '"');
}

/* The same of hex digits that were observed. */
static inline void json_digits(struct json_writer *writer, struct slice hex)
{
	buffer_char(&writer->line, '"');
	buffer_put(&writer->line, hex.data, hex.len);
	buffer_char(&writer->line, '"');
}

/* A key, a string literal, with its value: a number, true, nanoseconds, event time, a string of ours, what
 * was observed, hex digits of it, one address of a socket that has them. */
#define json_number(writer, key, value) (json_key(writer, key), buffer_u64(&(writer)->line, value))
#define json_bool(writer, key, value) \
	(json_key(writer, key), buffer_string(&(writer)->line, (value) ? "true" : "false"))
#define json_millis(writer, key, ns)	       (json_key(writer, key), buffer_ms(&(writer)->line, ns))
#define json_time(writer, key, ns)	       (json_key(writer, key), json_put_time(writer, ns))
#define json_name(writer, key, string)	       (json_key(writer, key), json_plain(writer, string))
#define json_text(writer, key, slice)	       (json_key(writer, key), escape_json(&(writer)->line, slice))
#define json_hex(writer, key, slice)	       (json_key(writer, key), json_digits(writer, slice))
#define json_address(writer, key, sock, bytes) (json_key(writer, key), json_put_address(writer, sock, bytes))
#define json_fields(writer, key, list)	       (json_key(writer, key), json_put_fields(writer, list))

void json_put_time(struct json_writer *writer, uint64_t event_ns);
void json_put_address(struct json_writer *writer, const struct event_socket *sock, const uint8_t address[16]);
/* {"base64":"…"} */
void json_put_base64(struct json_writer *writer, struct slice bytes);

/* The keys that exchanges and connections share. Each is absent when it is not known. */
void json_socket(struct json_writer *writer, const struct event_socket *sock);
void json_client(struct json_writer *writer, const struct conn_facts *conn);
void json_tls(struct json_writer *writer, const struct conn_facts *conn);
/* One of the names of where the process is, with its key. */
void json_place(struct json_writer *writer, enum container_name which, struct slice name);
void json_places(struct json_writer *writer, const struct container *container);
/* The process of a mover, its thread, and the places where it is: these three, json_places() the last. */
void json_process(struct json_writer *writer, const struct mover *mover);
void json_program(struct json_writer *writer, const struct mover *mover);
void json_thread(struct json_writer *writer, const struct mover *mover);
/* server.address and server.port as the socket has them, as far as the role is known. */
void json_server_address(struct json_writer *writer, const struct conn_facts *conn);
void json_server_port(struct json_writer *writer, const struct conn_facts *conn);
void json_role(struct json_writer *writer, enum protocol_role role);
/* hark.connection, and its number in this run. */
void json_connection(struct json_writer *writer, const struct conn_facts *conn);
/* hark.fd: where the mover's descriptor is not known, the socket's. */
void json_fd(struct json_writer *writer, const struct mover *mover, const struct event_socket *sock);
/* hark.h2.error_code, by its name in RFC 9113 or as hex. */
void json_h2_error(struct json_writer *writer, uint32_t error);
/* The value of an error code, behind its key; name NULL: it has none. */
void json_put_error(struct json_writer *writer, const char *name, uint32_t error);
/* A list of [name, value], values redacted, null for what could not be decoded. */
void json_put_fields(struct json_writer *writer, const struct header_list *list);
void json_flags(struct json_writer *writer, unsigned int flags);

#endif

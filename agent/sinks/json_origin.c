/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table with one place for each connection's number: no list is walked and
 * nothing grows. Facts are compared whole, never by a hash of them. The thread may
 * be another one from exchange to exchange: then only its keys are written anew.
 */
#include "json_origin.h"

#include "origin.h"

#include <stdlib.h>

#define PLACES	 512 /* a power of 2 */
#define TEXT_MAX 640 /* longer ones are not kept */

struct place {
	struct origin origin;
	uint32_t tid;
	char comm[EVENT_COMM_LEN];
	bool with_port;	       /* the server's port stands before the others */
	uint16_t thread, back; /* where those of the thread begin, and what is behind them */
	uint16_t len;	       /* 0: nothing is kept */
	char text[TEXT_MAX];
};

struct json_origins {
	struct place places[PLACES];
};

struct json_origins *json_origins_new(void)
{
	return calloc(1, sizeof(struct json_origins));
}

size_t json_origins_bytes(void)
{
	return sizeof(struct json_origins);
}

void json_origins_free(struct json_origins *origins)
{
	free(origins);
}

static void put_front(struct json_writer *writer, const struct exchange *exchange)
{
	const struct conn_facts *conn = exchange->conn;
	const char *version = message_version_name(exchange_version(exchange));
	const char *protocol = message_protocol_name(exchange_version(exchange));

	json_client(writer, conn);
	if (protocol)
		json_name(writer, "network.protocol.name", protocol);
	if (version)
		json_name(writer, "network.protocol.version", version);
	json_socket(writer, &conn->sock);
	json_tls(writer, conn);
	json_program(writer, &exchange->mover);
}

static void put_back(struct json_writer *writer, const struct exchange *exchange)
{
	json_places(writer, exchange->mover.container);
	json_role(writer, exchange->conn->role);
	json_connection(writer, exchange->conn);
}

static bool is_same_thread(const struct place *place, const struct mover *mover)
{
	return place->tid == mover->tid && memcmp(place->comm, mover->comm, sizeof(place->comm)) == 0;
}

/* Writes the keys, and keeps them. */
static void place_write(struct place *place, const struct origin *origin, struct json_writer *writer,
			const struct exchange *exchange, bool port)
{
	const struct mover *mover = &exchange->mover;
	struct buffer *line = &writer->line;
	size_t start = line->len, thread, back;

	if (port)
		json_server_port(writer, exchange->conn);
	put_front(writer, exchange);
	thread = line->len - start;
	json_thread(writer, mover);
	back = line->len - start;
	put_back(writer, exchange);
	place->len = 0;
	if (line->failed || line->len - start > TEXT_MAX)
		return;
	place->origin = *origin;
	place->tid = mover->tid;
	memcpy(place->comm, mover->comm, sizeof(place->comm));
	place->with_port = port;
	place->thread = (uint16_t)thread;
	place->back = (uint16_t)back;
	place->len = (uint16_t)(line->len - start);
	memcpy(place->text, line->data + start, place->len);
}

void json_origin(struct json_writer *writer, struct json_origins *origins, const struct exchange *exchange,
		 bool port)
{
	const struct mover *mover = &exchange->mover;
	struct origin origin = origin_of(exchange->conn, &exchange->mover, exchange_version(exchange));
	struct place *place = &origins->places[(origin.connection ^ origin.connection >> 32) % PLACES];
	struct buffer *line = &writer->line;

	if (!place->len || place->with_port != port || memcmp(&place->origin, &origin, sizeof(origin)) != 0) {
		place_write(place, &origin, writer, exchange, port);
	} else if (is_same_thread(place, mover)) {
		buffer_put(line, place->text, place->len);
	} else {
		buffer_put(line, place->text, place->thread);
		json_thread(writer, mover);
		buffer_put(line, place->text + place->back, (size_t)place->len - place->back);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two readers and a bound. Up to TLS 1.2 records say openly that they carry
 * application data; in TLS 1.3 so do those that end the handshake, of which a
 * client mostly sends one: its second is taken for the first request.
 */
#include "hello.h"

#include "tls_hello.h"

#include <stdlib.h>

#define HELLO_LIMIT_BYTES (32 * 1024) /* of both directions */

struct hello {
	struct tls_hello_reader side[2]; /* by enum event_direction */
	uint64_t bytes;
	uint16_t version; /* the server's choice */
};

struct hello *hello_new(void)
{
	return calloc(1, sizeof(struct hello)); /* zeros are what tls_hello_init() writes */
}

void hello_free(struct hello *hello)
{
	if (!hello)
		return;
	for (int i = 0; i < 2; i++)
		tls_hello_fini(&hello->side[i]);
	free(hello);
}

static void facts_of_client(struct conn_facts *facts, enum event_direction direction,
			    const struct tls_hello *said)
{
	memcpy(facts->sni, said->server_name, sizeof(facts->sni));
	memcpy(facts->alpn_offered, said->alpn, sizeof(facts->alpn_offered));
	facts->hello_id = said->hello_id;
	facts->hello_direction = direction;
	if (facts->role == ROLE_UNKNOWN)
		facts->role = direction == DIRECTION_SENT ? ROLE_CLIENT : ROLE_SERVER;
}

static void facts_of_server(struct conn_facts *facts, const struct tls_hello *said)
{
	size_t len = strlen(said->alpn);

	facts->tls_version = said->version;
	facts->answer_id = said->hello_id;
	if (len < sizeof(facts->alpn) && !memchr(said->alpn, ',', len))
		memcpy(facts->alpn, said->alpn, len + 1);
}

void hello_data(struct hello *hello, enum event_direction direction, struct slice bytes,
		struct conn_facts *facts)
{
	struct tls_hello_reader *reader = &hello->side[direction];
	enum tls_hello_kind before = reader->kind, now;
	struct tls_hello said;

	hello->bytes += bytes.len;
	now = tls_hello_feed(reader, bytes, &said);
	if (!tls_hello_awaited(before) || now == before)
		return;
	if (now == TLS_HELLO_RETRY)
		facts->tls_version = said.version;
	if (now == TLS_HELLO_CLIENT)
		facts_of_client(facts, direction, &said);
	if (now != TLS_HELLO_SERVER)
		return;
	facts_of_server(facts, &said);
	hello->version = said.version;
}

void hello_hole(struct hello *hello, enum event_direction direction)
{
	tls_hello_hole(&hello->side[direction]);
}

static bool carries_data(const struct hello *hello)
{
	const struct tls_hello_reader *side = hello->side;
	int client = side[0].kind == TLS_HELLO_CLIENT ? 0 : 1;

	if (hello->version < TLS_VERSION_1_3)
		return side[0].application || side[1].application;
	return side[client].application > 1;
}

bool hello_wants(const struct hello *hello)
{
	const struct tls_hello_reader *side = hello->side;

	if (hello->bytes >= HELLO_LIMIT_BYTES)
		return false;
	if (tls_hello_awaited(side[0].kind) || tls_hello_awaited(side[1].kind))
		return true;
	return !side[0].lost && !side[1].lost && !carries_data(hello);
}

size_t hello_memory(const struct hello *hello)
{
	return sizeof(*hello) + tls_hello_memory(&hello->side[0]) + tls_hello_memory(&hello->side[1]);
}

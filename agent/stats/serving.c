/* SPDX-License-Identifier: Apache-2.0 */
#include "serving.h"

#include "base/counters.h"
#include "base/table.h"

#include <stdlib.h>

#define SERVING_MAX 16384 /* processes; the oldest make room */

struct server {
	uint32_t pid;
	UT_hash_handle hh;
};

struct serving {
	struct server *servers; /* by pid; the oldest first */
};

struct serving *serving_new(void)
{
	return calloc(1, sizeof(struct serving));
}

static void server_remove(struct serving *serving, struct server *server)
{
	HASH_DEL(serving->servers, server);
	free(server);
}

void serving_free(struct serving *serving)
{
	while (serving && serving->servers)
		server_remove(serving, serving->servers);
	free(serving);
}

static struct server *server_find(const struct serving *serving, uint32_t pid)
{
	struct server *server;

	HASH_FIND(hh, serving->servers, &pid, sizeof(pid), server);
	return server;
}

void serving_add(struct serving *serving, uint32_t pid)
{
	struct server *server;

	if (!pid || server_find(serving, pid))
		return;
	if (HASH_COUNT(serving->servers) >= SERVING_MAX)
		server_remove(serving, serving->servers);
	server = calloc(1, sizeof(*server));
	if (server) {
		server->pid = pid;
		HASH_ADD(hh, serving->servers, pid, sizeof(server->pid), server);
	}
	if (server && TABLE_ADDED(server, hh))
		return;
	free(server);
	counter_add(COUNTER_LIMIT_MEMORY, 1);
}

/* The process at the end that asked; 0: it is not on this machine, or nobody knows. */
static uint32_t client_of(const struct exchange *exchange)
{
	if (exchange->conn->role == ROLE_CLIENT)
		return exchange->mover.pid;
	if (exchange->other)
		return exchange->other->mover.pid;
	return exchange->peer ? exchange->peer->owner.pid : 0;
}

bool serving_asked(struct serving *serving, const struct exchange *exchange)
{
	uint32_t client = client_of(exchange);

	if (exchange->conn->role == ROLE_SERVER)
		serving_add(serving, exchange->mover.pid);
	if (exchange->other && exchange->other->conn->role == ROLE_SERVER)
		serving_add(serving, exchange->other->mover.pid);
	return client && server_find(serving, client);
}

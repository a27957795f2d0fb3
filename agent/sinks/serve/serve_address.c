/* SPDX-License-Identifier: Apache-2.0 */
#include "serve_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 128

static int port_parse(const char *text, uint16_t *port)
{
	size_t len = strlen(text);
	unsigned long number = strtoul(text, NULL, 10);

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len || number > UINT16_MAX)
		return -EINVAL;
	*port = (uint16_t)number;
	return 0;
}

int serve_address_parse(const char *text, struct serve_address *address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&address->socket;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->socket;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	uint16_t port;
	size_t len;

	*address = (struct serve_address){ .len = 0 };
	if (!colon || port_parse(colon + 1, &port) < 0)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len == 0 || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (strcmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		address->len = sizeof(*six);
		return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	four->sin_family = AF_INET;
	four->sin_port = htons(port);
	address->len = sizeof(*four);
	return inet_pton(AF_INET, host, &four->sin_addr) == 1 ? 0 : -EINVAL;
}

bool serve_address_is_loopback(const struct serve_address *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&address->socket;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address->socket;

	if (address->socket.ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

uint16_t serve_address_port(const struct serve_address *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&address->socket;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address->socket;

	return ntohs(address->socket.ss_family == AF_INET ? four->sin_port : six->sin6_port);
}

void serve_address_put_host(struct buffer *text, const struct serve_address *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&address->socket;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address->socket;
	bool is_four = address->socket.ss_family == AF_INET;
	char host[INET6_ADDRSTRLEN];
	const void *bytes = is_four ? (const void *)&four->sin_addr : &six->sin6_addr;

	if (inet_ntop(address->socket.ss_family, bytes, host, sizeof(host)))
		buffer_string(text, host);
}

void serve_address_put(struct buffer *text, const struct serve_address *address)
{
	bool is_six = address->socket.ss_family == AF_INET6;

	if (is_six)
		buffer_char(text, '[');
	serve_address_put_host(text, address);
	buffer_format(text, is_six ? "]:%u" : ":%u", serve_address_port(address));
}

int serve_address_listen(struct serve_address *address)
{
	int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1, error;

	if (fd < 0)
		return -errno;
	/* A hark that is started again is not kept waiting by connections of the one before. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&address->socket, address->len) == 0 && listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address->socket, &address->len) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

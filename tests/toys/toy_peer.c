// SPDX-License-Identifier: Apache-2.0
/*
 * Both ends of HTTP/1.1 over the toy library:
 *
 *     toy_peer server PORT             answers each request with as many bytes as its path says (/100)
 *     toy_peer client PORT PATH...     asks for them on one connection, and prints how many bytes came
 *     toy_peer raw PORT                sends its input past the library, and waits for the first of an answer
 */
#include "toytls.h"

#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX (256 * 1024)

static char message[MESSAGE_MAX];

static struct sockaddr_in address_of(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int connected(const char *port)
{
	struct sockaddr_in address = address_of(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		err(1, "connect");
	return fd;
}

static void text_send(struct toy *toy, const char *text, size_t len)
{
	while (len) {
		int sent = toy_send(text, (unsigned int)len, toy);

		if (sent <= 0)
			errx(1, "toy_send");
		text += sent;
		len -= (size_t)sent;
	}
}

/* A message with its body, NUL-terminated; 0: the end, else its length. */
static size_t message_receive(struct toy *toy)
{
	size_t len = 0, moved;
	const char *end, *length;

	for (;;) {
		if (toy_receive(&moved, toy, message + len, sizeof(message) - 1 - len))
			errx(1, "toy_receive");
		if (!moved)
			return 0;
		len += moved;
		message[len] = '\0';
		end = strstr(message, "\r\n\r\n");
		length = strstr(message, "Content-Length: ");
		if (end && len >= (size_t)(end + 4 - message) +
					   (length ? (size_t)atoi(length + strlen("Content-Length: ")) : 0))
			return len;
	}
}

static void serve(int fd)
{
	struct toy *toy = toy_new();
	char *answer = malloc(MESSAGE_MAX);

	if (!toy || !answer)
		errx(1, "memory");
	toy_attach(fd, toy);
	while (message_receive(toy)) {
		size_t size = (size_t)atoi(message + strlen("GET /"));
		int head = sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);

		memset(answer + head, 'x', size);
		text_send(toy, answer, (size_t)head + size);
	}
	free(answer);
	toy_free(toy);
	close(fd);
}

static void server_run(const char *port)
{
	struct sockaddr_in address = address_of(port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 16))
		err(1, "listen");
	for (;;)
		serve(accept(fd, NULL, NULL));
}

static void client_run(const char *port, char **paths)
{
	struct toy *toy = toy_new();
	char request[256];

	if (!toy)
		errx(1, "memory");
	toy_attach(connected(port), toy);
	for (; *paths; paths++) {
		text_send(toy, request,
			  (size_t)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: toy\r\n\r\n",
					   *paths));
		printf("%zu\n", message_receive(toy));
	}
	toy_free(toy);
}

static void raw_run(const char *port)
{
	int fd = connected(port);
	ssize_t len = read(STDIN_FILENO, message, sizeof(message));

	if (len <= 0 || write(fd, message, (size_t)len) != len || read(fd, message, sizeof(message)) <= 0)
		err(1, "raw");
	close(fd);
	toy_free(NULL); /* so that it is linked with the library */
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "server") == 0)
		server_run(argv[2]);
	else if (argc >= 3 && strcmp(argv[1], "client") == 0)
		client_run(argv[2], argv + 3);
	else if (argc == 3 && strcmp(argv[1], "raw") == 0)
		raw_run(argv[2]);
	else
		errx(2, "what?");
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL used in ways that busy programs use it in:
 *
 *   callbacks message CLEAR TLS   a message callback asks port CLEAR, in the clear, while the handshake with
 *                                 port TLS is on the stack
 *   callbacks clear TLS ROUNDS    one object for all connections, SSL_clear() in between
 *   callbacks again TLS ROUNDS    SSL_free(), SSL_new(): the same address at once
 *
 * Each connection to port TLS asks for /one?n=ROUND; "done" at the end.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint16_t clear_port;
static int asked;

static void die(const char *what)
{
	fprintf(stderr, "callbacks: %s\n", what);
	exit(1);
}

/* Nothing waits for an acknowledgement: the other end holds one back for 40 ms. */
static int socket_open(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("cannot connect");
	return fd;
}

/* Once: while the first message of the handshake is told, a whole exchange with another server. */
static void on_message(int sent, int version, int type, const void *bytes, size_t size, SSL *ssl, void *arg)
{
	static const char request[] = "GET /one?clear HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	char answer[4096];
	int fd;

	(void)sent, (void)version, (void)type, (void)bytes, (void)size, (void)ssl, (void)arg;
	if (asked++ != 3)
		return;
	fd = socket_open(clear_port);
	if (write(fd, request, sizeof(request) - 1) < 0)
		die("cannot ask");
	while (read(fd, answer, sizeof(answer)) > 0) {
	}
	close(fd);
}

static void ask(SSL *ssl, int round)
{
	char request[128], answer[4096];
	int size = snprintf(request, sizeof(request),
			    "GET /one?n=%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", round);

	if (SSL_connect(ssl) != 1)
		die("no handshake");
	if (SSL_write(ssl, request, size) != size)
		die("cannot write");
	while (SSL_read(ssl, answer, sizeof(answer)) > 0) {
	}
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	int message = argc == 4 && strcmp(argv[1], "message") == 0;
	int again = argc == 4 && strcmp(argv[1], "again") == 0;
	int rounds = message ? 1 : argc == 4 ? atoi(argv[3]) : 0;
	uint16_t port = argc == 4 ? (uint16_t)atoi(argv[message ? 3 : 2]) : 0;
	SSL *ssl = SSL_new(context);

	if (!rounds)
		die("usage: callbacks message CLEAR TLS | clear TLS ROUNDS | again TLS ROUNDS");
	if (message) {
		clear_port = (uint16_t)atoi(argv[2]);
		SSL_set_msg_callback(ssl, on_message);
	}
	for (int i = 0; i < rounds; i++) {
		int fd = socket_open(port);

		SSL_set_fd(ssl, fd);
		ask(ssl, i);
		SSL_shutdown(ssl);
		close(fd);
		if (again) {
			SSL_free(ssl);
			ssl = SSL_new(context);
		} else if (!SSL_clear(ssl)) {
			die("cannot clear");
		}
	}
	SSL_free(ssl);
	SSL_CTX_free(context);
	puts("done");
	return 0;
}

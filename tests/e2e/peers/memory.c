/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that keeps OpenSSL, which is inside it, and its ciphertext in memory:
 *   memory PORT FIFO
 * connects to PORT on loopback, prints "connected" after the handshake, waits until somebody opens FIFO and
 * asks twice for /one on that connection.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void need(int holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	exit(1);
}

static void flush(SSL *ssl, int fd)
{
	char ciphertext[65536];
	int len;

	while ((len = BIO_read(SSL_get_wbio(ssl), ciphertext, sizeof(ciphertext))) > 0)
		need(write(fd, ciphertext, (size_t)len) == len, "write");
}

/* False: the peer has closed. */
static int fill(SSL *ssl, int fd)
{
	char ciphertext[65536];
	ssize_t len = read(fd, ciphertext, sizeof(ciphertext));

	need(len >= 0, "read");
	return len && BIO_write(SSL_get_rbio(ssl), ciphertext, (int)len) == len;
}

static void handshake(SSL *ssl, int fd)
{
	while (SSL_do_handshake(ssl) != 1) {
		need(SSL_get_error(ssl, -1) == SSL_ERROR_WANT_READ, "handshake");
		flush(ssl, fd);
		need(fill(ssl, fd), "the peer");
	}
	flush(ssl, fd);
}

static void ask(SSL *ssl, int fd, const char *connection)
{
	char text[4096];
	int len = snprintf(text, sizeof(text), "GET /one HTTP/1.1\r\nHost: apart\r\nConnection: %s\r\n\r\n",
			   connection);
	int got;

	need(SSL_write(ssl, text, len) == len, "SSL_write");
	flush(ssl, fd);
	while ((got = SSL_read(ssl, text, sizeof(text))) <= 0)
		need(fill(ssl, fd), "the answer");
	need(got > 12 && memcmp(text, "HTTP/1.1 200", 12) == 0, "the answer");
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	SSL *ssl = SSL_new(SSL_CTX_new(TLS_client_method()));
	int fd = socket(AF_INET, SOCK_STREAM, 0), gate;

	need(argc == 3 && ssl, "usage: memory PORT FIFO");
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	need(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect");
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(ssl);
	handshake(ssl, fd);
	printf("connected\n");
	fflush(stdout);
	gate = open(argv[2], O_RDONLY);
	need(gate >= 0, argv[2]);
	ask(ssl, fd, "keep-alive");
	ask(ssl, fd, "close");
	SSL_free(ssl);
	return 0;
}

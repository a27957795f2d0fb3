/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of HTTP/1.1 over OpenSSL on loopback, the server as the client's child:
 *   tls_pair CERTIFICATE KEY
 * prints "ready"; then each line of standard input is a path that the client asks for, on a
 * connection of its own, and is echoed when the answer was read. In a network namespace of its own it brings
 * loopback up.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

static void need(int holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	exit(1);
}

/* The socket has the handshake behind it and is closed afterwards. */
static SSL *session_open(SSL_CTX *ctx, int fd, int (*handshake)(SSL *))
{
	SSL *ssl = SSL_new(ctx);

	need(ssl && SSL_set_fd(ssl, fd) == 1 && handshake(ssl) == 1, "handshake");
	return ssl;
}

static void session_close(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_free(ssl);
	close(fd);
}

/* Until the bytes that have come end with this. */
static void read_until(SSL *ssl, const char *end)
{
	char buffer[4096];
	size_t len = 0;
	int n;

	do {
		n = SSL_read(ssl, buffer + len, (int)(sizeof(buffer) - 1 - len));
		need(n > 0, "SSL_read");
		len += (size_t)n;
		buffer[len] = '\0';
	} while (len < strlen(end) || strcmp(buffer + len - strlen(end), end) != 0);
}

static void serve(SSL_CTX *ctx, int listener)
{
	for (;;) {
		SSL *ssl = session_open(ctx, accept(listener, NULL, NULL), SSL_accept);

		read_until(ssl, "\r\n\r\n");
		need(SSL_write(ssl, answer, sizeof(answer) - 1) > 0, "SSL_write");
		session_close(ssl);
	}
}

static void ask(SSL_CTX *ctx, const struct sockaddr_in *to, const char *path)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), len;
	char request[1024];
	SSL *ssl;

	need(connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0, "connect");
	ssl = session_open(ctx, fd, SSL_connect);
	len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: pair\r\n\r\n", path);
	need(SSL_write(ssl, request, len) > 0, "SSL_write");
	read_until(ssl, "hello");
	session_close(ssl);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	socklen_t size = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method()), *server_ctx = SSL_CTX_new(TLS_server_method());
	char path[512];
	pid_t server;

	need(argc >= 3 && ctx && server_ctx, "usage: tls_pair CERTIFICATE KEY");
	/* "ready" means that no file is opened any more: it may be deleted. */
	need(SSL_CTX_use_certificate_chain_file(server_ctx, argv[1]) == 1 &&
		     SSL_CTX_use_PrivateKey_file(server_ctx, argv[2], SSL_FILETYPE_PEM) == 1,
	     "certificate");
	(void)ioctl(listener, SIOCSIFFLAGS, &loopback); /* it is up, or this is not allowed */
	need(bind(listener, (struct sockaddr *)&to, sizeof(to)) == 0 && listen(listener, 8) == 0 &&
		     getsockname(listener, (struct sockaddr *)&to, &size) == 0,
	     "listen");
	server = fork();
	need(server >= 0, "fork");
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(server_ctx, listener);
	}
	close(listener); /* without the server connections are refused */
	puts("ready");
	fflush(stdout);
	while (fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		ask(ctx, &to, path);
		puts(path);
		fflush(stdout);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of HTTP/1.1 over TLS that the kernel does (TCP_ULP, SOL_TLS), without any TLS library:
 *
 *     ktls PATH…
 *
 * The first path is asked for at once, each other one when a line comes on standard input. The server answers
 * with a head by write(2), behind a record that is none of the data, and a body by sendfile(2). The keys are
 * the test's own. Exits 0 if every answer was right.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

#define HEAD	   "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
#define BODY	   "hello\n"
#define TLS_TICKET "\x04\0\0\0" /* a record of handshake (RFC 8446, 4): begins like no HTTP */

/* Which end sends is part of the key. */
static void keys_set(int fd, int option, bool by_server)
{
	struct tls12_crypto_info_aes_gcm_128 keys = {
		.info = { .version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128 },
	};

	memset(keys.key, 'k' + by_server, sizeof(keys.key));
	memset(keys.iv, 'i', sizeof(keys.iv));
	memset(keys.salt, 's', sizeof(keys.salt));
	if (setsockopt(fd, SOL_TLS, option, &keys, sizeof(keys)) < 0)
		err(1, "SOL_TLS");
}

static void tls_begin(int fd, bool server)
{
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) < 0)
		err(1, "TCP_ULP");
	keys_set(fd, TLS_TX, server);
	keys_set(fd, TLS_RX, !server);
}

/* A record of another type than data, by sendmsg(2). */
static void record_send(int fd, unsigned char type, const char *bytes, size_t len)
{
	struct iovec vector = { .iov_base = (char *)bytes, .iov_len = len };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(1)];
	} control = {
		.header = { .cmsg_len = CMSG_LEN(1), .cmsg_level = SOL_TLS, .cmsg_type = TLS_SET_RECORD_TYPE }
	};
	struct msghdr message = { .msg_iov = &vector,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };

	*CMSG_DATA(&control.header) = type;
	if (sendmsg(fd, &message, 0) != (ssize_t)len)
		err(1, "sendmsg");
}

/* Takes one record, by recvmsg(2); its type. */
static unsigned char record_receive(int fd, char *bytes, size_t room, size_t *len)
{
	struct iovec vector = { .iov_base = bytes, .iov_len = room };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(1)];
	} control;
	struct msghdr message = { .msg_iov = &vector,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(fd, &message, 0);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (n <= 0 || !header || header->cmsg_level != SOL_TLS)
		err(1, "recvmsg");
	*len = (size_t)n;
	return *CMSG_DATA(header);
}

static int serve(int listener)
{
	int fd = accept(listener, NULL, NULL), file = memfd_create("body", 0);
	char request[4096];

	if (fd < 0 || file < 0 || write(file, BODY, strlen(BODY)) != (ssize_t)strlen(BODY))
		err(1, "serve");
	tls_begin(fd, true);
	while (read(fd, request, sizeof(request)) > 0) {
		off_t from = 0;

		record_send(fd, 22, TLS_TICKET, sizeof(TLS_TICKET) - 1);
		if (write(fd, HEAD, strlen(HEAD)) != (ssize_t)strlen(HEAD) ||
		    sendfile(fd, file, &from, strlen(BODY)) != (ssize_t)strlen(BODY))
			err(1, "answer");
	}
	return 0;
}

static void ask(int fd, const char *path)
{
	static const char right[] = HEAD BODY;
	char request[4096], answer[sizeof(right)];
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: ktls\r\n\r\n", path);
	size_t got = 0, n;

	if (write(fd, request, (size_t)len) != len)
		err(1, "request");
	while (got < sizeof(right) - 1) {
		if (record_receive(fd, answer + got, sizeof(right) - 1 - got, &n) == 23)
			got += n;
	}
	if (memcmp(answer, right, sizeof(right) - 1))
		errx(1, "another answer: %.*s", (int)got, answer);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0), status;
	char line[16];
	pid_t server;

	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		err(1, "listen");
	server = fork();
	if (server == 0) {
		close(fd);
		return serve(listener);
	}
	if (connect(fd, (struct sockaddr *)&address, size) < 0)
		err(1, "connect");
	tls_begin(fd, false);
	for (int i = 1; i < argc; i++) {
		if (i > 1 && !fgets(line, sizeof(line), stdin))
			errx(1, "no line");
		ask(fd, argv[i]);
		printf("KTLS %s\n", argv[i]);
		fflush(stdout);
	}
	close(fd);
	return waitpid(server, &status, 0) == server && status == 0 ? 0 : 1;
}

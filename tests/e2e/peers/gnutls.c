/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of GnuTLS that asks and reads in the ways that no packaged program does:
 *   gnutls PORT WAY...
 * A connection to 127.0.0.1 for each WAY, one request on it for /WAY:
 *   plain   gnutls_record_send and gnutls_record_recv
 *   cork    several sends while corked, which uncork makes one record of
 *   flush   a send whose transport is busy at first, gone on with by NULL and 0
 *   file    the request out of a file, by gnutls_record_send_file
 *   seq     received by gnutls_record_recv_seq
 *   packet  received by gnutls_record_recv_packet
 *   pair    two descriptors of the one socket, by gnutls_transport_set_int2
 * Each prints how many bytes came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int busy; /* how many times the transport still says that it is */

static void check(int ok, const char *text)
{
	if (ok)
		return;
	fprintf(stderr, "%s failed\n", text);
	exit(1);
}

static ssize_t push(gnutls_transport_ptr_t to, const struct iovec *vectors, int count)
{
	if (busy) {
		busy--;
		errno = EAGAIN;
		return -1;
	}
	return writev((int)(long)to, vectors, count);
}

static void ask(gnutls_session_t session, const char *way, const char *request)
{
	ssize_t len = (ssize_t)strlen(request), sent;

	if (strcmp(way, "cork") == 0) {
		gnutls_record_cork(session);
		for (ssize_t i = 0; i < len; i++)
			check(gnutls_record_send(session, request + i, 1) == 1, "a corked send");
		check(gnutls_record_uncork(session, GNUTLS_RECORD_WAIT) == len, "uncork");
	} else if (strcmp(way, "flush") == 0) {
		busy = 2;
		check(gnutls_record_send(session, request, (size_t)len) == GNUTLS_E_AGAIN, "being busy");
		check(gnutls_record_send(session, NULL, 0) == GNUTLS_E_AGAIN, "being busy still");
		sent = gnutls_record_send(session, NULL, 0);
		check(sent == len, "going on");
	} else if (strcmp(way, "file") == 0) {
		int fd = memfd_create("request", MFD_CLOEXEC);

		check(write(fd, request, (size_t)len) == len, "the file");
		check(lseek(fd, 0, SEEK_SET) == 0, "its beginning");
		check(gnutls_record_send_file(session, fd, NULL, (size_t)len) == len, "send_file");
		close(fd);
	} else {
		check(gnutls_record_send(session, request, (size_t)len) == len, "send");
	}
}

static ssize_t receive(gnutls_session_t session, const char *way)
{
	char buffer[4096];
	ssize_t got;

	if (strcmp(way, "packet") == 0) {
		gnutls_packet_t packet = NULL;

		got = gnutls_record_recv_packet(session, &packet);
		if (packet)
			gnutls_packet_deinit(packet);
	} else if (strcmp(way, "seq") == 0) {
		unsigned char seq[8];

		got = gnutls_record_recv_seq(session, buffer, sizeof(buffer), seq);
	} else {
		got = gnutls_record_recv(session, buffer, sizeof(buffer));
	}
	return got;
}

static void talk(int port, const char *way, gnutls_certificate_credentials_t credentials)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other = -1;
	gnutls_session_t session;
	char request[128];
	ssize_t got, total = 0;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	if (strcmp(way, "pair") == 0) {
		other = dup(fd);
		gnutls_transport_set_int2(session, fd, other);
	} else if (strcmp(way, "flush") == 0) {
		gnutls_transport_set_ptr(session, (gnutls_transport_ptr_t)(long)fd);
		gnutls_transport_set_vec_push_function(session, push);
	} else {
		gnutls_transport_set_int(session, fd);
	}
	check(gnutls_handshake(session) == 0, "handshake");
	snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\nHost: there\r\nConnection: close\r\n\r\n",
		 way);
	ask(session, way, request);
	while ((got = receive(session, way)) > 0 || got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
		total += got > 0 ? got : 0;
	printf("%s %zd\n", way, total);
	gnutls_deinit(session);
	close(fd);
	if (other >= 0)
		close(other);
}

int main(int argc, char **argv)
{
	gnutls_certificate_credentials_t credentials;

	check(argc > 2, "gnutls PORT WAY...");
	gnutls_certificate_allocate_credentials(&credentials);
	for (int i = 2; i < argc; i++)
		talk(atoi(argv[1]), argv[i], credentials);
	gnutls_certificate_free_credentials(credentials);
	return 0;
}

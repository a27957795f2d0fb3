/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of NSS that asks and reads in the ways that no packaged program does:
 *   nss PORT CLEAR FILE WAY...
 * A connection to 127.0.0.1 for each WAY, one request on it for /WAY:
 *   read    PR_Write and PR_Read, which make the handshake
 *   recv    SSL_ForceHandshake, PR_Send, and PR_Recv after a peek at the same bytes
 *   writev  PR_Writev of three parts
 *   busy    a socket that does not block, SSL_ForceHandshakeWithTimeout
 *   layer   a layer of the program's own above that of TLS, as Firefox has one
 *   late    three requests, each after a line on standard input
 *   early   two connections: one to get a ticket, and after a line on standard input one that asks for /early
 *           in early data, and for /real when the handshake is done
 *   clear   no TLS: to port CLEAR, by PR_Write and PR_Read
 *   off     no TLS: to port CLEAR, through NSS's layer whose TLS is turned off
 *   file    no connection: FILE is read by PR_Read
 * Each prints how many bytes came.
 */
#include <nspr.h>
#include <nss.h>
#include <ssl.h>
#include <sslexp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PRUint16 port, clear_port;
static PRBool blocks;
static PRBool deaf; /* nothing is received yet */

static void check(int ok, const char *text)
{
	if (ok)
		return;
	fprintf(stderr, "%s failed: %s\n", text, PR_ErrorToName(PR_GetError()));
	exit(1);
}

static SECStatus certificate_accept(void *arg, PRFileDesc *fd, PRBool check_signature, PRBool is_server)
{
	(void)arg, (void)fd, (void)check_signature, (void)is_server;
	return SECSuccess;
}

/* Would the call before block? Then waits until the descriptor is ready. */
static PRBool wait_ready(PRFileDesc *fd, PRInt16 events)
{
	PRPollDesc poll = { .fd = fd, .in_flags = events };

	if (PR_GetError() != PR_WOULD_BLOCK_ERROR)
		return PR_FALSE;
	check(PR_Poll(&poll, 1, PR_SecondsToInterval(20)) > 0, "poll");
	return PR_TRUE;
}

static PRInt32 deaf_recv(PRFileDesc *fd, void *buffer, PRInt32 size, PRIntn flags, PRIntervalTime timeout)
{
	if (!deaf)
		return fd->lower->methods->recv(fd->lower, buffer, size, flags, timeout);
	PR_SetError(PR_WOULD_BLOCK_ERROR, 0);
	return -1;
}

/* A layer of the program's own on top of those that are there. */
static void layer_push(PRFileDesc *fd)
{
	static PRIOMethods methods;
	PRFileDesc *layer;

	methods = *PR_GetDefaultIOMethods();
	methods.recv = deaf_recv;
	layer = PR_CreateIOLayerStub(PR_GetUniqueIdentity("own"), &methods);
	check(layer && PR_PushIOLayer(fd, PR_TOP_IO_LAYER, layer) == PR_SUCCESS, "layer");
}

static PRFileDesc *plain_open(PRUint16 to)
{
	PRFileDesc *fd = PR_OpenTCPSocket(PR_AF_INET);
	PRNetAddr address;

	check(fd && PR_StringToNetAddr("127.0.0.1", &address) == PR_SUCCESS, "socket");
	address.inet.port = PR_htons(to);
	check(PR_Connect(fd, &address, PR_INTERVAL_NO_TIMEOUT) == PR_SUCCESS, "connect");
	return fd;
}

static void nonblocking_set(PRFileDesc *fd)
{
	PRSocketOptionData option = { .option = PR_SockOpt_Nonblocking, .value.non_blocking = PR_TRUE };

	check(PR_SetSocketOption(fd, &option) == PR_SUCCESS, "nonblocking");
	blocks = PR_FALSE;
}

static PRFileDesc *tls_open(PRFileDesc *plain, PRBool secure)
{
	/* Every server takes the first, and its certificate may have the other's curve: another round of
	 * hellos would refuse early data. */
	static const SSLNamedGroup groups[] = { ssl_grp_ec_curve25519, ssl_grp_ec_secp256r1 };
	PRFileDesc *fd = SSL_ImportFD(NULL, plain);

	check(fd && SSL_OptionSet(fd, SSL_SECURITY, secure) == SECSuccess, "import");
	SSL_AuthCertificateHook(fd, certificate_accept, NULL);
	check(SSL_NamedGroupConfig(fd, groups, 2) == SECSuccess, "groups");
	check(SSL_SetURL(fd, "localhost") == SECSuccess, "name");
	check(SSL_ResetHandshake(fd, PR_FALSE) == SECSuccess, "client");
	return fd;
}

static void send_all(PRFileDesc *fd, const char *bytes, PRInt32 size, PRBool by_send)
{
	while (size > 0) {
		PRInt32 n = by_send ? PR_Send(fd, bytes, size, 0, PR_INTERVAL_NO_TIMEOUT)
				    : PR_Write(fd, bytes, size);

		if (n < 0 && wait_ready(fd, PR_POLL_WRITE))
			continue;
		check(n > 0, "write");
		bytes += n;
		size -= n;
	}
}

static void ask(PRFileDesc *fd, const char *way, const char *path, const char *more)
{
	char request[256];
	PRInt32 size =
		snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\nHost: there\r\n%s\r\n", path, more);

	if (strcmp(way, "writev") == 0) {
		PRIOVec parts[] = { { request, 5 }, { request + 5, 1 }, { request + 6, size - 6 } };

		check(PR_Writev(fd, parts, 3, PR_INTERVAL_NO_TIMEOUT) == size, "writev");
		return;
	}
	send_all(fd, request, size, strcmp(way, "recv") == 0);
}

static PRInt32 receive(PRFileDesc *fd, const char *way, char *buffer, PRInt32 size)
{
	PRInt32 peeked, n;

	if (strcmp(way, "recv") == 0) {
		peeked = PR_Recv(fd, buffer, 10, PR_MSG_PEEK, PR_INTERVAL_NO_TIMEOUT);
		check(peeked >= 0, "peek");
		return PR_Recv(fd, buffer, size, 0, PR_INTERVAL_NO_TIMEOUT);
	}
	do
		n = PR_Read(fd, buffer, size);
	while (n < 0 && !blocks && wait_ready(fd, PR_POLL_READ));
	check(n >= 0, "read");
	return n;
}

/* The answer to a request that keeps the connection: its head, and as many bytes as that says. */
static PRInt32 answer_read(PRFileDesc *fd)
{
	char answer[16384] = "";
	PRInt32 len = 0;

	for (;;) {
		const char *end = strstr(answer, "\r\n\r\n"),
			   *length = strcasestr(answer, "content-length: ");

		if (end && length && len >= end + 4 - answer + atoi(length + strlen("content-length: ")))
			return len;
		check(len < (PRInt32)sizeof(answer) - 1, "room");
		len += receive(fd, "", answer + len, (PRInt32)sizeof(answer) - 1 - len);
		answer[len] = '\0';
	}
}

static PRInt32 answer_read_to_end(PRFileDesc *fd, const char *way)
{
	char buffer[4096];
	PRInt32 total = 0, n;

	while ((n = receive(fd, way, buffer, sizeof(buffer))) > 0)
		total += n;
	return total;
}

static void line_wait(void)
{
	char line[16];

	fflush(stdout);
	check(fgets(line, sizeof(line), stdin) != NULL, "a line");
}

static PRInt32 talk_late(PRFileDesc *fd)
{
	static const char *const paths[] = { "one", "small.txt", "one" };
	PRInt32 total = 0;

	for (int i = 0; i < 3; i++) {
		line_wait();
		ask(fd, "", paths[i], "");
		total += answer_read(fd);
		printf("asked %d\n", i);
	}
	return total;
}

static PRInt32 talk_early(PRFileDesc *fd)
{
	SSLChannelInfo info;
	PRFileDesc *plain;
	PRInt32 total;

	ask(fd, "", "ticket", "");
	total = answer_read(fd);
	PR_Close(fd);
	printf("ticket\n");
	line_wait();
	plain = plain_open(port);
	layer_push(plain);
	fd = tls_open(plain, PR_TRUE);
	SSL_OptionSet(fd, SSL_ENABLE_0RTT_DATA, PR_TRUE);
	nonblocking_set(fd);
	deaf = PR_TRUE;
	check(SSL_ForceHandshake(fd) != SECSuccess && PR_GetError() == PR_WOULD_BLOCK_ERROR, "the hello");
	ask(fd, "", "early", "");
	deaf = PR_FALSE;
	/* A server that has closed leaves no error: the last one must not be taken for its own. */
	while (PR_SetError(PR_UNKNOWN_ERROR, 0), SSL_ForceHandshake(fd) != SECSuccess)
		check(wait_ready(fd, PR_POLL_READ), "handshake");
	check(SSL_GetChannelInfo(fd, &info, sizeof(info)) == SECSuccess, "info");
	printf("early data was %s\n", info.earlyDataAccepted ? "accepted" : "refused");
	fflush(stdout);
	if (info.earlyDataAccepted)
		total += answer_read(fd);
	ask(fd, "", "real", "");
	total += answer_read(fd);
	PR_Close(fd);
	return total;
}

static PRInt32 file_read(const char *path)
{
	PRFileDesc *fd = PR_Open(path, PR_RDONLY, 0);
	PRInt32 total;

	check(fd != NULL, "the file");
	total = answer_read_to_end(fd, "");
	PR_Close(fd);
	return total;
}

static PRInt32 talk(const char *way)
{
	PRBool clear = strcmp(way, "clear") == 0, off = strcmp(way, "off") == 0;
	PRFileDesc *fd = plain_open(clear || off ? clear_port : port);
	PRInt32 total;

	if (!clear)
		fd = tls_open(fd, !off);
	if (strcmp(way, "busy") == 0) {
		nonblocking_set(fd);
		while (SSL_ForceHandshakeWithTimeout(fd, PR_SecondsToInterval(20)) != SECSuccess)
			check(wait_ready(fd, PR_POLL_READ), "handshake");
	}
	if (strcmp(way, "layer") == 0)
		layer_push(fd);
	if (strcmp(way, "recv") == 0 || strcmp(way, "layer") == 0)
		check(SSL_ForceHandshake(fd) == SECSuccess, "handshake");
	if (strcmp(way, "early") == 0)
		return talk_early(fd);
	if (strcmp(way, "late") == 0) {
		total = talk_late(fd);
	} else {
		ask(fd, way, way, "Connection: close\r\n");
		total = answer_read_to_end(fd, way);
	}
	PR_Close(fd);
	return total;
}

int main(int argc, char **argv)
{
	check(argc > 4, "nss PORT CLEAR FILE WAY...");
	port = (PRUint16)atoi(argv[1]);
	clear_port = (PRUint16)atoi(argv[2]);
	check(NSS_NoDB_Init(NULL) == SECSuccess && NSS_SetDomesticPolicy() == SECSuccess, "NSS");
	for (int i = 4; i < argc; i++) {
		blocks = PR_TRUE;
		printf("%s %d\n", argv[i], strcmp(argv[i], "file") == 0 ? file_read(argv[3]) : talk(argv[i]));
	}
	return 0;
}

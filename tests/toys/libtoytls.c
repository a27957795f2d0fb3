// SPDX-License-Identifier: Apache-2.0
/* On the wire stand TLS records of application data (RFC 8446, 5.1) whose bytes nobody can read without the
 * key. */
#include "toytls.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_LEN 5
#define RECORD_MAX 16384
#define KEY	   0xa5

struct toy {
	int fd;
	size_t have, used; /* of `bytes` */
	unsigned char bytes[HEADER_LEN + RECORD_MAX];
};

struct toy *toy_new(void)
{
	return calloc(1, sizeof(struct toy));
}

void toy_attach(int fd, struct toy *toy)
{
	toy->fd = fd;
}

void toy_free(struct toy *toy)
{
	free(toy);
}

static int all_send(int fd, const unsigned char *bytes, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return -1;
		bytes += sent;
		len -= (size_t)sent;
	}
	return 0;
}

int toy_send(const void *bytes, unsigned int len, struct toy *toy)
{
	unsigned char record[HEADER_LEN + RECORD_MAX] = { 23, 3, 3 };

	len = len < RECORD_MAX ? len : RECORD_MAX;
	record[3] = (unsigned char)(len >> 8);
	record[4] = (unsigned char)len;
	for (unsigned int i = 0; i < len; i++)
		record[HEADER_LEN + i] = ((const unsigned char *)bytes)[i] ^ KEY;
	return all_send(toy->fd, record, HEADER_LEN + len) ? -1 : (int)len;
}

/* 1: a whole record is there; 0: the end. */
static int record_read(struct toy *toy)
{
	size_t want = HEADER_LEN;

	toy->have = 0;
	while (toy->have < want) {
		ssize_t got = recv(toy->fd, toy->bytes + toy->have, want - toy->have, 0);

		if (got <= 0)
			return (int)got;
		toy->have += (size_t)got;
		if (toy->have == HEADER_LEN)
			want = HEADER_LEN + (toy->bytes[3] << 8 | toy->bytes[4]);
		if (want > sizeof(toy->bytes))
			return -1;
	}
	toy->used = HEADER_LEN;
	return 1;
}

int toy_receive(size_t *moved, struct toy *toy, void *bytes, size_t size)
{
	unsigned char *out = bytes;
	size_t len = 0;

	*moved = 0;
	if (toy->used == toy->have) {
		int read = record_read(toy);

		if (read <= 0)
			return read;
	}
	while (len < size && toy->used < toy->have)
		out[len++] = toy->bytes[toy->used++] ^ KEY;
	*moved = len;
	return 0;
}

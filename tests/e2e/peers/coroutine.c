/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two coroutines in one thread, each in SSL_read with a BIO that yields to the
 * other while it waits: coroutine PORT ROUNDS [held | KIB [thread]]. A return probe that is armed for
 * both calls at once kills such a program (the first call to return is not the
 * last that was entered), so a tracer that lets it live has been careful.
 *
 * Each asks for /one and /small.txt of its server in turn and prints how many
 * bytes came; the output does not depend on who watches. With KIB the stacks
 * are so large and lie side by side in one block, as many libraries have them;
 * with `thread` all that happens in another thread than the main one. `held`:
 * one stays in its first call, on the lower stack, while the other does all
 * its rounds; they begin when a line comes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#define COROUTINES  2
#define STACK_BYTES (256 * 1024)
#define STACK_LEAST (32 * 1024)

struct coroutine {
	ucontext_t context;
	SSL *ssl;
	int fd, done;
	size_t total;
};

static struct coroutine coroutines[COROUTINES];
static ucontext_t scheduler;
static int current, rounds, port, held;
static size_t stack_bytes = STACK_BYTES;
static char *block; /* of all stacks; NULL: one each */

static void die(const char *what)
{
	fprintf(stderr, "coroutine: %s\n", what);
	exit(1);
}

static void yield(void)
{
	swapcontext(&coroutines[current].context, &scheduler);
}

static int bio_read(BIO *bio, char *bytes, int size)
{
	int fd = *(int *)BIO_get_data(bio);
	ssize_t moved;

	do {
		yield(); /* inside SSL_read: the other coroutine goes on, perhaps into its own */
		moved = recv(fd, bytes, (size_t)size, MSG_DONTWAIT);
	} while (moved < 0 && errno == EAGAIN);
	return (int)moved;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
	return (int)send(*(int *)BIO_get_data(bio), bytes, (size_t)size, MSG_NOSIGNAL);
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO *bio_make(int *fd)
{
	static BIO_METHOD *method;

	if (!method) {
		method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "yielding socket");
		BIO_meth_set_read(method, bio_read);
		BIO_meth_set_write(method, bio_write);
		BIO_meth_set_ctrl(method, bio_control);
	}
	BIO *bio = BIO_new(method);

	BIO_set_data(bio, fd);
	BIO_set_init(bio, 1);
	return bio;
}

/* Reads one answer: a head, and as many bytes as its Content-Length says. */
static void answer_read(struct coroutine *self)
{
	char bytes[8192];
	size_t have = 0, want = SIZE_MAX;

	while (have < want) {
		int moved = SSL_read(self->ssl, bytes + have, (int)(sizeof(bytes) - 1 - have));

		if (moved <= 0)
			die("SSL_read failed");
		have += (size_t)moved;
		bytes[have] = '\0';
		char *end = strstr(bytes, "\r\n\r\n"), *length = strcasestr(bytes, "\r\ncontent-length:");

		if (end && !length)
			die("no Content-Length");
		if (end)
			want = (size_t)(end + 4 - bytes) + strtoul(length + 17, NULL, 10);
	}
	self->total += want - (size_t)(strstr(bytes, "\r\n\r\n") + 4 - bytes);
}

static void coroutine_main(void)
{
	struct coroutine *self = &coroutines[current];

	for (int i = 0; i < rounds; i++) {
		char request[128];
		int size = snprintf(request, sizeof(request),
				    "GET /%s?c=%d&i=%d HTTP/1.1\r\nHost: localhost\r\n\r\n",
				    i % 2 ? "one" : "small.txt", (int)(self - coroutines), i);

		if (SSL_write(self->ssl, request, size) != size)
			die("SSL_write failed");
		answer_read(self);
	}
	self->done = 1;
	yield();
}

static void coroutine_open(struct coroutine *self, SSL_CTX *tls)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	self->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (self->fd < 0 || connect(self->fd, (struct sockaddr *)&address, sizeof(address)))
		die("cannot connect");
	self->ssl = SSL_new(tls);
	BIO *bio = bio_make(&self->fd);

	SSL_set_bio(self->ssl, bio, bio);
	SSL_set_connect_state(self->ssl); /* the first SSL_write shakes hands */
	getcontext(&self->context);
	self->context.uc_stack.ss_sp =
		block ? block + (size_t)(self - coroutines) * stack_bytes : malloc(stack_bytes);
	self->context.uc_stack.ss_size = stack_bytes;
	makecontext(&self->context, coroutine_main, 0);
}

static int coroutine_run(int number)
{
	current = number;
	swapcontext(&scheduler, &coroutines[number].context);
	return coroutines[number].done;
}

static void *work(void *unused)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	int left = COROUTINES;

	(void)unused;
	for (int i = 0; i < COROUTINES; i++)
		coroutine_open(&coroutines[i], tls);
	if (held) {
		coroutine_run(0);
		puts("inside");
		fflush(stdout);
		getchar();
		while (!coroutine_run(1))
			;
		left--;
	}
	while (left) {
		current = (current + 1) % COROUTINES;
		if (!coroutines[current].done)
			left -= coroutine_run(current);
	}
	for (int i = 0; i < COROUTINES; i++) {
		printf("%d: %zu bytes\n", i, coroutines[i].total);
		SSL_free(coroutines[i].ssl);
		close(coroutines[i].fd);
		if (!block)
			free(coroutines[i].context.uc_stack.ss_sp);
	}
	SSL_CTX_free(tls);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 3)
		die("usage: coroutine PORT ROUNDS [held | KIB [thread]]");
	port = atoi(argv[1]);
	rounds = atoi(argv[2]);
	held = argc > 3 && strcmp(argv[3], "held") == 0;
	if (argc > 3) {
		stack_bytes = held ? STACK_BYTES : (size_t)atoi(argv[3]) * 1024;
		block = stack_bytes < STACK_LEAST ? NULL : malloc(COROUTINES * stack_bytes);
		if (!block)
			die("no stacks");
	}
	if (argc > 4) {
		if (pthread_create(&thread, NULL, work, NULL))
			die("no thread");
		pthread_join(thread, NULL);
	} else {
		work(NULL);
	}
	free(block);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items go through a pipe, whose reads and writes of this size are never cut or mixed. Each of the first
 * items starts a thread: by then hark has given up its rights, and a thread has no more than the rest.
 */
#include "closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 8

struct closer {
	void (*fn)(void *item);
	int in, out; /* the pipe's ends: read by the threads, written by everybody else */
	size_t thread_count;
	pthread_t threads[THREADS_MAX];
};

struct closer *closer_new(void (*fn)(void *item))
{
	struct closer *closer = calloc(1, sizeof(*closer));
	int ends[2], error;

	if (!closer)
		return NULL;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		error = errno;
		free(closer);
		errno = error;
		return NULL;
	}
	/* A pipe that is full holds thousands of items: the next one is closed on the spot. */
	(void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
	closer->fn = fn;
	closer->in = ends[0];
	closer->out = ends[1];
	return closer;
}

static void *thread_run(void *ctx)
{
	const struct closer *closer = ctx;
	void *item;

	while (read(closer->in, &item, sizeof(item)) == sizeof(item))
		closer->fn(item);
	return NULL;
}

void closer_free(struct closer *closer)
{
	if (!closer)
		return;
	close(closer->out); /* the threads read to the end */
	for (size_t i = 0; i < closer->thread_count; i++)
		pthread_join(closer->threads[i], NULL);
	close(closer->in);
	free(closer);
}

void closer_give(struct closer *closer, void *item)
{
	if (closer->thread_count < THREADS_MAX &&
	    pthread_create(&closer->threads[closer->thread_count], NULL, thread_run, closer) == 0)
		closer->thread_count++;
	if (!closer->thread_count || write(closer->out, &item, sizeof(item)) != sizeof(item))
		closer->fn(item);
}

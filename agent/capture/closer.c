/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items go through a pipe, whose writes of this size are never cut or mixed. The thread starts with the first
 * of them: by then hark has given up its rights, and the thread has no more than the rest.
 */
#include "closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

struct closer {
	void (*fn)(void *item);
	int in, out; /* the pipe's ends: read by the thread, written by everybody else */
	bool started;
	pthread_t thread;
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
	close(closer->out); /* the thread reads to the end */
	if (closer->started)
		pthread_join(closer->thread, NULL);
	close(closer->in);
	free(closer);
}

void closer_give(struct closer *closer, void *item)
{
	if (!closer->started)
		closer->started = pthread_create(&closer->thread, NULL, thread_run, closer) == 0;
	if (!closer->started || write(closer->out, &item, sizeof(item)) != sizeof(item))
		closer->fn(item);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An epoll set, whose entries point to their items. An item that is removed
 * while its turn's events are at hand is freed when they are through.
 */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_A_TURN 16
#define NS_A_SECOND   UINT64_C(1000000000)
#define NS_A_MS	      UINT64_C(1000000)

struct loop_item {
	int fd;
	bool timer, removed;
	loop_fn *fn;
	void *ctx;
	struct loop_item *next;
};

struct loop {
	int epoll;
	struct loop_item *items;
	bool stopped;
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll >= 0)
		return loop;
	free(loop);
	return NULL;
}

/* Frees what was removed. */
static void items_sweep(struct loop *loop)
{
	struct loop_item **link = &loop->items;

	while (*link) {
		struct loop_item *item = *link;

		if (!item->removed) {
			link = &item->next;
			continue;
		}
		*link = item->next;
		free(item);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	for (struct loop_item *item = loop->items; item; item = item->next)
		if (!item->removed)
			loop_remove(loop, item->fd);
	items_sweep(loop);
	close(loop->epoll);
	free(loop);
}

static int item_add(struct loop *loop, int fd, uint32_t events, bool timer, loop_fn *fn, void *ctx)
{
	struct loop_item *item = calloc(1, sizeof(*item));
	struct epoll_event event = { .events = events, .data.ptr = item };

	if (!item)
		return -ENOMEM;
	*item = (struct loop_item){ .fd = fd, .timer = timer, .fn = fn, .ctx = ctx };
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(item);
		return -errno;
	}
	item->next = loop->items;
	loop->items = item;
	return 0;
}

int loop_add(struct loop *loop, int fd, loop_fn *fn, void *ctx)
{
	return item_add(loop, fd, EPOLLIN, false, fn, ctx);
}

int loop_add_edge(struct loop *loop, int fd)
{
	return item_add(loop, fd, EPOLLIN | EPOLLET, false, NULL, NULL);
}

int loop_add_timer(struct loop *loop, uint64_t interval_ns, loop_fn *fn, void *ctx)
{
	const struct timespec interval = { .tv_sec = (time_t)(interval_ns / NS_A_SECOND),
					   .tv_nsec = (long)(interval_ns % NS_A_SECOND) };
	const struct itimerspec every = { .it_interval = interval, .it_value = interval };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = timerfd_settime(fd, 0, &every, NULL) < 0 ? -errno
							 : item_add(loop, fd, EPOLLIN, true, fn, ctx);
	if (!error)
		return fd;
	close(fd);
	return error;
}

void loop_remove(struct loop *loop, int fd)
{
	for (struct loop_item *item = loop->items; item; item = item->next) {
		if (item->fd != fd || item->removed)
			continue;
		item->removed = true;
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
		if (item->timer)
			close(fd);
		return;
	}
}

bool loop_is_empty(const struct loop *loop)
{
	return !loop->items;
}

static void item_take(const struct loop_item *item, bool closed)
{
	uint64_t expirations;

	if (item->removed)
		return;
	if (item->timer && read(item->fd, &expirations, sizeof(expirations)) < 0)
		return; /* another turn took it */
	if (item->fn)
		item->fn(item->ctx, closed);
}

int loop_turn(struct loop *loop, uint64_t wait_ns)
{
	struct epoll_event events[EVENTS_A_TURN];
	uint64_t wait_ms = wait_ns / NS_A_MS + (wait_ns % NS_A_MS != 0);
	int timeout = wait_ns == LOOP_FOREVER ? -1 : wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
	int count = epoll_wait(loop->epoll, events, EVENTS_A_TURN, timeout);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++)
		item_take(events[i].data.ptr, events[i].events & (EPOLLHUP | EPOLLERR));
	items_sweep(loop);
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

bool loop_is_stopped(const struct loop *loop)
{
	return loop->stopped;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS	 UINT64_C(20000000) /* keys wait no longer than that */
#define LOOK_MS	 20
#define SHORT_NS 1000000 /* below it a sleep is not worth its end */

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void pace_init(struct pace *pace)
{
	sigset_t set;

	pace->signals = -1;
	if (pace->fd < 0)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pace->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (pace->signals >= 0)
		sigprocmask(SIG_BLOCK, &set, NULL);
}

void pace_fini(struct pace *pace)
{
	if (pace->signals >= 0)
		close(pace->signals);
}

/* Waits for keys, or for the time; then gives the screen its turn. */
static void pace_look(struct pace *pace, int wait_ms)
{
	struct pollfd fds[] = { { .fd = pace->fd, .events = POLLIN },
				{ .fd = pace->signals, .events = POLLIN } };

	poll(fds, 2, wait_ms);
	pace->looked_ns = wall_ns();
	if (pace->fd >= 0)
		pace->left |=
			fds[0].revents & (POLLHUP | POLLERR) || fds[1].revents || pace->input(pace->ctx);
}

static uint64_t due_ns(const struct pace *pace, const struct event_header *event)
{
	uint64_t since_ns = event->time_ns - pace->first_event_ns;

	return pace->first_wall_ns + (uint64_t)((double)since_ns / pace->speed);
}

bool pace_event(struct pace *pace, const struct event_header *event)
{
	uint64_t now_ns;

	if (pace->speed == 0 && pace->fd < 0)
		return false;
	now_ns = wall_ns();
	if (!pace->started) {
		pace->started = true;
		pace->first_event_ns = event->time_ns;
		pace->first_wall_ns = now_ns;
	}
	if (pace->fd >= 0 && now_ns - pace->looked_ns >= LOOK_NS)
		pace_look(pace, 0);
	while (!pace->left && pace->speed != 0 && event->time_ns > pace->first_event_ns) {
		uint64_t due = due_ns(pace, event);

		if (due < now_ns + SHORT_NS)
			break;
		pace_look(pace, due - now_ns < LOOK_NS ? (int)((due - now_ns) / 1000000) : LOOK_MS);
		now_ns = wall_ns();
	}
	return pace->left;
}

void pace_end(struct pace *pace)
{
	while (pace->fd >= 0 && !pace->left)
		pace_look(pace, LOOK_MS * 10);
}

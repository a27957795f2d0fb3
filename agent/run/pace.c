/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

#include "base/clock.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS	 UINT64_C(20000000) /* keys wait no longer than that while events come */
#define SHORT_NS 1000000	    /* below it a sleep is not worth its end */

static void pace_stop(void *ctx, bool closed)
{
	(void)closed;
	loop_stop(ctx);
}

void pace_init(struct pace *pace, struct loop *loop, bool stays)
{
	sigset_t set;

	pace->loop = loop_is_empty(loop) && !stays ? NULL : loop;
	pace->stays = stays;
	pace->signals = -1;
	if (!stays)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pace->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (pace->signals >= 0 && loop_add(loop, pace->signals, pace_stop, loop) == 0)
		sigprocmask(SIG_BLOCK, &set, NULL);
}

void pace_fini(struct pace *pace)
{
	if (pace->signals < 0)
		return;
	loop_remove(pace->loop, pace->signals);
	close(pace->signals);
}

/* Waits for the time, or less, and gives the outputs their turn. True: the loop was stopped. */
static bool pace_look(struct pace *pace, uint64_t wait_ns)
{
	const struct timespec wait = { .tv_sec = (time_t)(wait_ns / 1000000000u),
				       .tv_nsec = (long)(wait_ns % 1000000000u) };

	if (!pace->loop) {
		nanosleep(&wait, NULL);
		return false;
	}
	pace->looked_ns = clock_ns();
	return loop_turn(pace->loop, wait_ns) < 0 || loop_is_stopped(pace->loop);
}

static uint64_t due_ns(const struct pace *pace, const struct event_header *event)
{
	uint64_t since_ns = event->time_ns - pace->first_event_ns;

	return pace->first_wall_ns + (uint64_t)((double)since_ns / pace->speed);
}

bool pace_event(struct pace *pace, const struct event_header *event)
{
	bool stopped = false;
	uint64_t now_ns;

	if (pace->speed == 0 && !pace->loop)
		return false;
	now_ns = clock_ns();
	if (!pace->started) {
		pace->started = true;
		pace->first_event_ns = event->time_ns;
		pace->first_wall_ns = now_ns;
	}
	if (pace->loop && now_ns - pace->looked_ns >= LOOK_NS)
		stopped = pace_look(pace, 0);
	while (!stopped && pace->speed != 0 && event->time_ns > pace->first_event_ns) {
		uint64_t due = due_ns(pace, event);

		if (due < now_ns + SHORT_NS)
			break;
		stopped = pace_look(pace, due - now_ns);
		now_ns = clock_ns();
	}
	return stopped;
}

void pace_end(struct pace *pace)
{
	while (pace->stays && !loop_is_stopped(pace->loop) && !pace_look(pace, LOOP_FOREVER))
		;
}

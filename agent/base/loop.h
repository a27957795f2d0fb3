/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: whoever waits for a descriptor or for time registers it
 * here, with what is to be called then. One thread; callbacks never block.
 */
#ifndef HARK_LOOP_H
#define HARK_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define LOOP_FOREVER UINT64_MAX

struct loop;

/* closed: the other end hung up, or the descriptor failed; it stays registered until it is removed. */
typedef void loop_fn(void *ctx, bool closed);

/* NULL: errno. */
struct loop *loop_new(void);
/* Borrowed descriptors stay open; NULL is legal. */
void loop_free(struct loop *loop);

/* Calls fn in each turn in which fd is readable. fd is borrowed until loop_remove(). 0 or -errno. */
int loop_add(struct loop *loop, int fd, loop_fn *fn, void *ctx);
/* Ends a turn when fd becomes readable, once until it does so again: the one who turns the loop empties it.
 */
int loop_add_edge(struct loop *loop, int fd);
/* Calls fn (NULL: the turn alone ends) about every interval_ns. The timer's number for loop_remove(), or
 * -errno. */
int loop_add_timer(struct loop *loop, uint64_t interval_ns, loop_fn *fn, void *ctx);
/* Also from within a callback. */
void loop_remove(struct loop *loop, int fd);
/* Is nothing registered? */
bool loop_is_empty(const struct loop *loop);

/*
 * Waits for wait_ns at most, rounded up to a millisecond, and calls what is due. 0, also when a signal came
 * in between, or -errno.
 */
int loop_turn(struct loop *loop, uint64_t wait_ns);

/* Somebody wants the run to end; noticed by whoever turns the loop. */
void loop_stop(struct loop *loop);
bool loop_is_stopped(const struct loop *loop);

#endif

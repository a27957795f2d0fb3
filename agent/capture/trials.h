/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose TLS functions are a guess (locations.h). Nothing of what their probes tell goes on before a
 * call has moved what looks like HTTP; when many calls have not, the probes are to be taken off. A wrong
 * probe is worse than none.
 */
#ifndef HARK_TRIALS_H
#define HARK_TRIALS_H

#include "library/file_identity.h"
#include "model/event_check.h"

#include <stdbool.h>
#include <stdint.h>

struct library_found;
struct trials;

/* The guess about this file is refuted: its probes have to go. Once a file. */
typedef void trials_refuted_fn(void *ctx, const struct file_identity *identity);

/* NULL: out of memory. fn gets what trials_event() hands on. */
struct trials *trials_new(event_fn *fn, trials_refuted_fn *refuted, void *ctx);
/* NULL is legal. */
void trials_free(struct trials *trials);

/*
 * A file is about to be probed by a guess. ends: the end of its sessions will be seen. Returns the number
 * that its calls are to carry in the place of their library's (tls_function.library), or 0: there is no room
 * for one more.
 */
uint8_t trials_add(struct trials *trials, const struct library_found *found,
		   const struct file_identity *identity, const char *path, bool ends);
/* Takes a file off trial, which is not probed any more; one that was never added is no failure. */
void trials_remove(struct trials *trials, const struct file_identity *identity);

/*
 * Hands an event on, at once, later or never. Of a guess it says the library's own number from then on. 0, or
 * what fn returned below 0.
 */
int trials_event(struct trials *trials, const struct event_header *event);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes serve requests themselves: what those ask for is part of answering somebody, be it as a
 * proxy or to look something up. Without it each request counts once, where it came in.
 */
#ifndef HARK_SERVING_H
#define HARK_SERVING_H

#include "model/exchange.h"

#include <stdbool.h>
#include <stdint.h>

struct serving;

struct serving *serving_new(void);	    /* NULL: out of memory */
void serving_free(struct serving *serving); /* NULL is legal */

/* The process serves. */
void serving_add(struct serving *serving, uint32_t pid);

/* Was the exchange asked for by a process that serves? What it says of its server is kept in mind. */
bool serving_asked(struct serving *serving, const struct exchange *exchange);

#endif

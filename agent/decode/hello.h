/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hello messages of a connection that turned out to be TLS by its bytes,
 * and the sign that it has begun to carry something: until then its bytes are
 * read, though nothing of them is shown or kept.
 */
#ifndef HARK_HELLO_H
#define HARK_HELLO_H

#include "event.h"
#include "model/conn_facts.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

struct hello;

/* NULL: out of memory. */
struct hello *hello_new(void);
/* NULL is legal. */
void hello_free(struct hello *hello);

/* All the memory that it takes. */
size_t hello_memory(const struct hello *hello);

/* The next bytes of a direction, or a hole before them. What they tell goes into *facts. */
void hello_data(struct hello *hello, enum event_direction direction, struct slice bytes,
		struct conn_facts *facts);
void hello_hole(struct hello *hello, enum event_direction direction);

/*
 * False: the bytes need not be copied any more. Time alone does not end it: a connection that nothing is sent
 * over costs nothing, and whether its plaintext is seen shows only when it carries some.
 */
bool hello_wants(const struct hello *hello);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sum for everything that hark holds on behalf of what it observes
 * (--memory). Whoever holds something keeps a figure of it and tells each time
 * that it changed; the sum is what decides. Limits of each connection, each
 * stream, each message multiply and are no limits.
 */
#ifndef HARK_BUDGET_H
#define HARK_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct budget {
	size_t limit_bytes; /* 0: none */
	size_t held_bytes;
};

/* A holder's figure goes from *figure to now_bytes. budget NULL: only the figure changes. */
void budget_set(struct budget *budget, size_t *figure, size_t now_bytes);

/* Something must go. */
static inline bool budget_over(const struct budget *budget)
{
	return budget && budget->limit_bytes && budget->held_bytes > budget->limit_bytes;
}

/* The part of the budget that one holder among many may take; 0: there is no limit. */
static inline size_t budget_share(const struct budget *budget, unsigned int of)
{
	return budget ? budget->limit_bytes / of : 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

#include "counters.h"

#include <assert.h>

void budget_set(struct budget *budget, size_t *figure, size_t now_bytes)
{
	size_t before_bytes = *figure;

	*figure = now_bytes;
	if (!budget)
		return;
	assert(budget->held_bytes >= before_bytes);
	budget->held_bytes += now_bytes - before_bytes;
	if (budget->held_bytes > counters[COUNTER_MEMORY_HELD_PEAK])
		counters[COUNTER_MEMORY_HELD_PEAK] = budget->held_bytes;
}
